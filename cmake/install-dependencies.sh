#!/usr/bin/env bash
# Installs what building and testing needs, and only what is missing: Debian packages, the Python
# environment, Go, the Go tools, BoringSSL. Leaves links to them in build/ under fixed names:
#   build/venv/bin/python   build/go/go   build/go-tools/grpcurl   build/googleapis/google/api/*.proto
# A second run takes a fraction of a second.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")

packages=(
  # Compilers and build tools.
  g++ make cmake ninja-build ccache git pkg-config ca-certificates curl xz-utils dpkg-dev
  clang-16 clang-tidy-16 clang-format-16 libclang-rt-16-dev
  python3 python3-venv
  # Libraries.
  libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc libabsl-dev libboost-dev
  libc-ares-dev libsqlite3-dev rapidjson-dev nlohmann-json3-dev libspdlog-dev libtomlplusplus-dev
  libgtest-dev libgmock-dev
  # Used by tests: a database shell, certificates, network namespaces, a root to try the container recipes in.
  sqlite3 openssl iproute2 debootstrap
)

missing=()
installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' 2>/dev/null || true)
for package in "${packages[@]}"; do
  grep -qx "$package installed" <<<"$installed" || missing+=("$package")
done

if [ ${#missing[@]} -gt 0 ]; then
  echo "Debian packages: installing ${missing[*]}"
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "Neither root nor sudo here. Please run as root: apt-get install --no-install-recommends ${missing[*]}" >&2
      exit 1
    fi
    as_root=(sudo)
  fi
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" apt-get update -qq || echo "apt-get update failed; trying with the lists at hand" >&2
  if ! "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"; then
    failed=()
    for package in "${missing[@]}"; do
      "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$package" >/dev/null 2>&1 ||
        failed+=("$package")
    done
    if [ ${#failed[@]} -gt 0 ]; then
      echo "Cannot install: ${failed[*]}. Latchwire is built on Debian 12's packages." >&2
      exit 1
    fi
  fi
fi

venv=$("$here/python-venv.sh")
go=$("$here/go-toolchain.sh")
tools=$("$here/go-tools.sh")
"$here/boringssl.sh" >/dev/null

mkdir -p "$root/build"
ln -sfn "$venv" "$root/build/venv"
ln -sfn "$(dirname "$go")" "$root/build/go"
ln -sfn "$tools" "$root/build/go-tools"
site_packages=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
mkdir -p "$root/build/googleapis/google"
for folder in api rpc; do
  (cd "$site_packages/google" && find $folder -name '*.proto' -exec cp --parents -u {} "$root/build/googleapis/google" \;)
done
