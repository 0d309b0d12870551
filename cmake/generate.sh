#!/usr/bin/env bash
# Generates code from the protos: generate.sh [go|gateway|python|all] [root]
#   go       clients/go/latchwire/{v1,agent}/              committed, because a Go module must carry it
#   gateway  server/gateway/internal/{gen/,openapi/openapi.json}
#   python   clients/python/latchwire/{v1,agent}/
# `root` (default: the project) is where these paths start. One pinned protoc, grpcio-tools', serves all,
# so that the output does not depend on the machine. Files that did not change are left alone.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
project=$(dirname "$here")
what=${1:-all}
root=$(realpath -m "${2:-$project}")

venv=$("$here/python-venv.sh")
tools=$("$here/go-tools.sh")
googleapis=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

cd "$project/protos"
api=$(find latchwire/v1 -name '*.proto' | sort)
agent=$(find latchwire/agent -name '*.proto' | sort)
protoc() { PATH=$tools:$PATH "$venv/bin/python" -m grpc_tools.protoc -I . -I "$googleapis" "$@"; }

# replace <folder>: puts the new output in the place of the old, file by file.
replace() {
  mkdir -p "$root/$1"
  (cd "$root/$1" && find . -type f ! -path '*/__pycache__/*') | while read -r file; do
    [ -e "$out/$1/$file" ] || rm "$root/$1/$file"
  done
  (cd "$out/$1" && find . -type f) | while read -r file; do
    cmp -s "$out/$1/$file" "$root/$1/$file" || install -D -m 644 "$out/$1/$file" "$root/$1/$file"
  done
}

go_code() {
  mkdir -p "$out/clients/go"
  protoc --go_out="$out/clients/go" --go_opt=paths=source_relative \
    --go-grpc_out="$out/clients/go" --go-grpc_opt=paths=source_relative $api $agent
  replace clients/go/latchwire/v1
  replace clients/go/latchwire/agent
}

gateway_code() {
  mkdir -p "$out/server/gateway/internal/gen" "$out/server/gateway/internal/openapi"
  protoc --grpc-gateway_out="$out/server/gateway/internal/gen" \
    --grpc-gateway_opt=paths=source_relative,standalone=true $api
  protoc --openapiv2_out="$out/server/gateway/internal/openapi" \
    --openapiv2_opt=allow_merge=true,merge_file_name=openapi \
    --openapiv2_opt=expand_slashed_path_patterns=true,allow_patch_feature=false $api
  replace server/gateway/internal/gen
  local openapi=server/gateway/internal/openapi/openapi
  mkdir -p "$root/${openapi%/*}"
  cmp -s "$out/$openapi.swagger.json" "$root/$openapi.json" || cp "$out/$openapi.swagger.json" "$root/$openapi.json"
}

python_code() {
  local sdk=$out/clients/python
  mkdir -p "$sdk"
  protoc --python_out="$sdk" --pyi_out="$sdk" --grpc_python_out="$sdk" $api $agent
  touch "$sdk/latchwire/v1/__init__.py" "$sdk/latchwire/agent/__init__.py" "$sdk/latchwire/agent/v1/__init__.py"
  replace clients/python/latchwire/v1
  replace clients/python/latchwire/agent
}

case $what in
  go) go_code ;;
  gateway) gateway_code ;;
  python) python_code ;;
  all) go_code; gateway_code; python_code ;;
  *) echo "usage: $0 [go|gateway|python|all] [root]" >&2; exit 2 ;;
esac
