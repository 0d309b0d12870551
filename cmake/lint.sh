#!/usr/bin/env bash
# Every check that needs no running program: lint.sh [build folder]. All run, one failure fails.
cd "$(dirname "$0")/.." || exit 2
build=${1:-build/debug}
failed=()
check() {
  local name=$1
  shift
  "$@" || failed+=("$name")
}

check "buf" cmake/buf.sh
check "format" cmake/format.sh --check
check "house rules" build/venv/bin/python -m pytest -q tests/house
thread_safety() { ninja -C "$build" generated_code >/dev/null && cmake/thread_safety.py "$build"; }
check "thread safety" thread_safety
for module in clients/go server/gateway; do
  [ ! -e $module/go.mod ] || check "go vet $module" build/go/go -C $module vet ./...
done

if [ ${#failed[@]} -gt 0 ]; then
  (IFS=,; echo "lint: FAILED: ${failed[*]}")
  exit 1
fi
echo "lint: all passed"
