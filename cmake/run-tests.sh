#!/usr/bin/env bash
# Runs every test runner on what `make build` built, then shows each runner's own last words and time.
# A runner that fails does not stop the others; any failure makes the exit code 1.
cd "$(dirname "$0")/.." || exit 2
build=${1:-build/debug}
logs=build/test-logs
rm -rf "$logs" && mkdir -p "$logs"
summary=() status=0

# step <name> <pattern of its summary line> <command...>
step() {
  local name=$1 pattern=$2 start=$SECONDS code
  shift 2
  local log=$logs/${name//[^a-z0-9]/-}.log
  echo "=== $name"
  "$@" 2>&1 | tee "$log"
  code=${PIPESTATUS[0]}
  local words
  words=$(grep -E "$pattern" "$log" | tail -n 1)
  [ "$code" -eq 0 ] && verdict=passed || { verdict="FAILED ($code)"; status=1; }
  summary+=("$(printf '%-24s %-12s %5d s   %s' "$name" "$verdict" $((SECONDS - start)) "$words")")
}

export PATH=$PWD/build/go-tools:$PWD/build/go:$PATH
export LATCHWIRE_BUILD_DIR=$PWD/$build
# One build cache and no tool-chain downloads behind our back.
export GOTOOLCHAIN=local

step "lint" '^lint: ' cmake/lint.sh "$build"
step "ctest" 'tests passed|No tests were found' \
  ctest --test-dir "$build" --output-on-failure --parallel "$(nproc)" --no-tests=error
for module in clients/go server/gateway; do
  if [ -e $module/go.mod ]; then step "go test $module" '^(ok|FAIL|---)' build/go/go -C $module test ./...; fi
done
step "pytest" '(passed|failed|error).* in ' build/venv/bin/python -m pytest -m "not slow"

echo
echo "=== Summary (logs in $logs)"
printf '%s\n' "${summary[@]}"
exit $status
