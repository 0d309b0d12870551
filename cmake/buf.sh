#!/usr/bin/env bash
# Lints the protos and checks that they break no reader of the main branch or of the last release.
set -euo pipefail
cd "$(dirname "$0")/.."
buf=build/venv/bin/buf
"$buf" lint protos
echo "buf lint: $(find protos -name '*.proto' | wc -l) files, no complaint"

refs=()
for ref in refs/remotes/origin/main refs/heads/main; do
  if git rev-parse -q --verify "$ref^{commit}" >/dev/null; then refs+=("$ref"); break; fi
done
tag=$(git describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null || true)
[ -z "$tag" ] || refs+=("$tag")
against=build/buf-against
for ref in "${refs[@]}"; do
  git cat-file -e "$ref:protos" 2>/dev/null || continue
  rm -rf "$against"
  mkdir -p "$against/build"
  git archive "$ref" protos | tar -x -C "$against"
  ls "$against"/protos/latchwire >/dev/null 2>&1 || continue
  cp buf.yaml "$against"
  cp -r build/googleapis "$against/build/googleapis"
  "$buf" breaking protos --against "$against/protos"
  echo "buf breaking: nothing against ${ref#refs/*/}"
done
