#!/usr/bin/env bash
# run.sh [libFuzzer option...]: builds the fuzzers and runs each over its corpus, then onwards from it.
# -runs=N ends after N inputs, the same ones every time; -max_total_time=S after S seconds for each fuzzer.
# FUZZERS="url_fuzz json_fuzz" picks some. What it finds worth keeping goes to build/fuzz/corpus, not to the project's
# folder; what breaks a fuzzer to build/fuzz/found.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=build/fuzz
log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() { "$@" >"$log" 2>&1 || { cat "$log"; exit 1; }; }

quietly cmake --preset fuzz
quietly ninja -C $build fuzzers
mkdir -p $build/found
symbolizer=$(command -v llvm-symbolizer-16 || true)
[ -z "$symbolizer" ] || export ASAN_SYMBOLIZER_PATH=$symbolizer
status=0
for source in tests/fuzz/*_fuzz.cc; do
  name=$(basename "$source" .cc)
  [[ -z ${FUZZERS:-} || " $FUZZERS " == *" $name "* ]] || continue
  kept=$build/corpus/$name
  # A fixed number of runs starts from the same inputs every time.
  case "$*" in *-runs=*) rm -rf "$kept" ;; esac
  mkdir -p "$kept"
  start=$SECONDS
  if $build/tests/fuzz/"$name" -seed=1 -max_len=2048 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
    -artifact_prefix=$build/found/"$name"- "$@" "$kept" "tests/fuzz/corpus/$name" >"$log" 2>&1; then
    echo "$name: $(awk '/number_of_executed_units/ { print $2 }' "$log") inputs in $((SECONDS - start)) s"
  else
    status=1
    echo "$name failed:"
    tail -n 60 "$log"
  fi
done
exit $status
