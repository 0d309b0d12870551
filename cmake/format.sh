#!/usr/bin/env bash
# clang-format over our C++ and gofmt over our Go: format.sh [--check]
set -euo pipefail
cd "$(dirname "$0")/.."
list() { git ls-files -z --cached --others --exclude-standard -- "$@" | xargs -0 -r ls -d 2>/dev/null || true; }
cpp=$(list '*.cc' '*.h')
go_files=$(list '*.go' | grep -v '\.pb\.\(gw\.\)\?go$' || true)
status=0
if [ "${1:-}" = --check ]; then
  for file in $cpp; do
    clang-format-16 "$file" | cmp -s - "$file" || { echo "clang-format would change $file" >&2; status=1; }
  done
  for file in $([ -z "$go_files" ] || build/go/gofmt -l $go_files); do
    echo "gofmt would change $file" >&2
    status=1
  done
  [ $status -ne 0 ] || echo "format: $(wc -w <<<"$cpp $go_files") files as they should be"
else
  [ -z "$cpp" ] || clang-format-16 -i $cpp
  [ -z "$go_files" ] || build/go/gofmt -w $go_files
fi
exit $status
