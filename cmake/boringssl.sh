#!/usr/bin/env bash
# Builds BoringSSL with prefixed symbols from Debian's source package and prints where it is.
#
# The result is cached per version, architecture and recipe:
#   lib/libcrypto.a lib/libssl.a   every C symbol starts with latchwire_bssl_
#   prefix-include/ include/       in this order on the compiler's path, with -DBORINGSSL_PREFIX=latchwire_bssl
#   VERSION                        Debian's version of the source package
# The mirror, suite and signing key are those of this machine's own apt configuration.
set -euo pipefail
package=android-platform-external-boringssl
prefix=latchwire_bssl
script=$(readlink -f "$0")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/latchwire
arch=$(uname -m)
recipe=$(sha256sum "$script" | cut -c1-8)

newest() { ls -td "$cache"/boringssl-*-"$arch-$recipe"/ 2>/dev/null | head -n 1 || true; }
say() { echo "BoringSSL: $*" >&2; }
die() { say "$*"; exit 1; }

found=$(newest)
if [ -n "$found" ]; then echo "${found%/}"; exit 0; fi
mkdir -p "$cache"
exec 9>"$cache/boringssl.lock"
flock -n 9 || { say "another build is under way, waiting for it"; flock 9; }
found=$(newest)
if [ -n "$found" ]; then echo "${found%/}"; exit 0; fi

case $arch in
  x86_64) arch_sources=crypto_sources_linux_x86_64 ;;
  aarch64) arch_sources=crypto_sources_linux_aarch64 ;;
  *) die "no recipe for architecture $arch" ;;
esac
go=${LATCHWIRE_GO:-$(command -v go || true)}
[ -n "$go" ] || go=$("$(dirname "$script")/go-toolchain.sh") || die "needs Go for BoringSSL's own util/*.go"

work=$(mktemp -d "$cache/boringssl-build.XXXXXX")
trap 'rm -rf "$work"' EXIT
# apt drops to the user _apt for downloads.
chmod 755 "$work"

# Prints a deb-src line of the Debian main archive, from deb822 .sources or from one-line .list files.
source_line() {
  local codename
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  awk -v suite="$codename" '
    function flush() {
      if (types ~ /deb/ && (" " suites " ") ~ (" " suite " ") && (" " components " ") ~ / main /) {
        split(uris, uri, " ")
        print "deb-src" (key ? " [signed-by=" key "]" : "") " " uri[1] " " suite " main"
      }
      types = uris = suites = components = key = ""
    }
    FNR == 1 { flush() }
    FILENAME ~ /\.sources$/ {
      if ($0 ~ /^[[:space:]]*$/) { flush(); next }
      if ($0 ~ /^#/) next
      field = tolower($1); value = $0; sub(/^[^:]*:[[:space:]]*/, "", value)
      if (field == "types:") types = value
      if (field == "uris:") uris = value
      if (field == "suites:") suites = value
      if (field == "components:") components = value
      if (field == "signed-by:") key = value
      next
    }
    $1 == "deb" || $1 == "deb-src" {
      line = $0; options = ""
      if (match(line, /\[[^]]*\]/)) {
        options = substr(line, RSTART, RLENGTH)
        line = substr(line, 1, RSTART - 1) substr(line, RSTART + RLENGTH)
      }
      n = split(line, word, " ")
      if (n >= 4 && word[3] == suite && line ~ / main( |$)/)
        print "deb-src " (options ? options " " : "") word[2] " " suite " main"
    }
    END { flush() }
  ' $(ls /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null) |
    head -n 1
}

line=$(source_line)
[ -n "$line" ] || die "found no Debian main archive in /etc/apt/sources.list*; use -DLATCHWIRE_BORINGSSL_ROOT"
mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial" "$work/source"
echo "$line" >"$work/apt/sources.list"
apt_options=(-qq -o Dir::Etc::SourceList="$work/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
  -o Dir::State::Lists="$work/apt/lists" -o Dir::Cache="$work/apt/cache" -o APT::Sandbox::User=root)
say "fetching the source package"
apt-get "${apt_options[@]}" update >&2
(cd "$work/source" && apt-get "${apt_options[@]}" source --download-only "$package" >&2)
dsc=$(ls "$work"/source/*.dsc)
version=$(sed -n 's/^Version: *//p' "$dsc" | head -n 1)
dpkg-source --no-check -x "$dsc" "$work/tree" >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log" >&2; die "cannot unpack"; }

cd "$work/tree"
# Prints the files of one list in android-sources.cmake.
sources() {
  awk -v name="set($1" '
    $1 == name { on = 1; next }
    on && /\)/ { sub(/\).*/, ""); if (NF) print $1; exit }
    on && NF { print $1 }
  ' android-sources.cmake | sed 's#^\${BORINGSSL_ROOT}##'
}
sources crypto_sources >"$work/crypto.list"
sources "$arch_sources" >>"$work/crypto.list"
sources ssl_sources >"$work/ssl.list"
[ -s "$work/crypto.list" ] && [ -s "$work/ssl.list" ] || die "android-sources.cmake reads differently now"

# One library: a generated makefile builds every source and reports progress.
compile() {
  local name=$1 total
  total=$(wc -l <"$work/$name.list")
  mkdir -p "$work/objects/$name"
  {
    echo "all:"
    local n=0 file object
    while read -r file; do
      n=$((n + 1))
      object=$work/objects/$name/$n.o
      local compiler="\$(CC) -std=gnu11"
      case $file in *.cc) compiler="\$(CXX) -std=gnu++17 -fno-exceptions -fno-rtti" ;; esac
      echo "all: $object"
      echo "$object: $file"
      [ $((n % 50)) -ne 0 ] || printf '\t@echo "BoringSSL: %s %d of %d" >&2\n' "$name" "$n" "$total"
      printf '\t@%s $(FLAGS) -c %s -o %s\n' "$compiler" "$file" "$object"
    done <"$work/$name.list"
  } >"$work/$name.mk"
  make -s -j"$(nproc)" -f "$work/$name.mk" CC="${CC:-cc}" CXX="${CXX:-c++}" \
    FLAGS="-O2 -fPIC -fvisibility=hidden -fno-common -w -DNDEBUG -DBORINGSSL_IMPLEMENTATION -D_XOPEN_SOURCE=700 -Isrc/include -Isrc/crypto" >&2
  find "$work/objects/$name" -name '*.o' | sort | xargs ar rcs "$work/lib$name.a"
}
say "compiling version $version (about 70 CPU-seconds)"
compile crypto
compile ssl

say "prefixing symbols with ${prefix}_"
# These two programs need the standard library alone; without the requirements nothing is looked up.
sed -i '/^require/,/^)/d' src/go.mod
export GOCACHE=$work/gocache GOTOOLCHAIN=local GOPROXY=off GOSUMDB=off
(cd src && "$go" run util/read_symbols.go -out "$work/crypto.symbols" "$work/libcrypto.a") >&2
(cd src && "$go" run util/read_symbols.go -out "$work/ssl.symbols" "$work/libssl.a") >&2
# C++ names live in namespace bssl already, DW.ref.* are the compiler's own.
sort -u "$work/crypto.symbols" "$work/ssl.symbols" | grep -v -e '^_Z' -e '^DW\.ref' >"$work/symbols"
out=$work/out
mkdir -p "$out/lib" "$out/prefix-include"
(cd src && "$go" run util/make_prefix_headers.go -out "$out/prefix-include" "$work/symbols") >&2
sed "s/.*/& ${prefix}_&/" "$work/symbols" >"$work/redefine"
for name in crypto ssl; do
  objcopy --redefine-syms="$work/redefine" "$work/lib$name.a" "$out/lib/lib$name.a"
done
cp -r src/include "$out/include"
cp src/LICENSE "$out/LICENSE"
echo "$version" >"$out/VERSION"
target=$cache/boringssl-${version//[^A-Za-z0-9.+~-]/_}-$arch-$recipe
mv "$out" "$target"
say "ready"
echo "$target"
