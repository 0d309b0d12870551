#!/usr/bin/env bash
# Prints a folder with the project's Go tools, exact versions; builds them first if they are missing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/latchwire
tools=(
  google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.8
  google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.5.1
  github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-grpc-gateway@v2.27.1
  github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-openapiv2@v2.27.1
  github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3
)
key=$(echo "${tools[*]} $(uname -m)" | sha256sum | cut -c1-12)
bin=$cache/go-tools-$key

if [ ! -e "$bin/.complete" ]; then
  mkdir -p "$cache"
  exec 9>"$cache/go-tools.lock"
  flock 9
  if [ ! -e "$bin/.complete" ]; then
    go=$("$here/go-toolchain.sh")
    mkdir -p "$bin"
    for index in "${!tools[@]}"; do
      echo "Go tools: $((index + 1)) of ${#tools[@]}: ${tools[$index]}" >&2
      (cd "$cache" && GOBIN=$bin GOTOOLCHAIN=local GOFLAGS= "$go" install "${tools[$index]}") >&2
    done
    touch "$bin/.complete"
  fi
fi
echo "$bin"
