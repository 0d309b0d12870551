#!/usr/bin/env bash
# Prints the path of the project's Python environment; makes it first if it is missing.
# The path carries a hash of the requirements, so a change of them makes a new one.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/latchwire
python=${LATCHWIRE_PYTHON:-/usr/bin/python3}
[ -x "$python" ] || python=python3
key=$({ cat "$here/python-requirements.txt"; "$python" --version; uname -m; } | sha256sum | cut -c1-12)
venv=$cache/venv-$key

if [ ! -e "$venv/.complete" ]; then
  mkdir -p "$cache"
  exec 9>"$cache/venv.lock"
  flock 9
  if [ ! -e "$venv/.complete" ]; then
    echo "Python environment: installing cmake/python-requirements.txt into $venv" >&2
    rm -rf "$venv"
    "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
      -r "$here/python-requirements.txt" >&2
    touch "$venv/.complete"
  fi
fi
echo "$venv"
