#!/usr/bin/env bash
# clang-tidy: tidy.sh <build folder> [file...]; without files, those that differ from the main branch.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
shift
files=("$@")
if [ ${#files[@]} -eq 0 ]; then
  base=$(git rev-parse -q --verify refs/remotes/origin/main || git rev-parse -q --verify refs/heads/main)
  mapfile -t files < <({ git diff --name-only "$base" -- '*.cc'; git ls-files --others --exclude-standard -- '*.cc'; } | sort -u)
fi
existing=()
for file in "${files[@]}"; do [ ! -e "$file" ] || existing+=("$file"); done
if [ ${#existing[@]} -eq 0 ]; then echo "clang-tidy: nothing differs from main"; exit 0; fi
printf '%s\n' "${existing[@]}" | xargs -P "$(nproc)" -n 1 clang-tidy-16 -p "$build" --quiet \
  --extra-arg=-Wno-unknown-warning-option
