#!/bin/sh
# Installs what is missing of the Debian or Ubuntu packages that a job needs:
#   scripts/install_packages.sh build   to build tinyc
#   scripts/install_packages.sh test    to build it, run all tests and the fuzzers
#   scripts/install_packages.sh bench   to build it and run the benchmarks
set -eu

build="g++ cmake ninja-build pkg-config libonnx-dev libprotobuf-dev protobuf-compiler libeigen3-dev libhwy-dev
  libcli11-dev libspdlog-dev libfmt-dev libtomlplusplus-dev nlohmann-json3-dev libzip-dev libstb-dev libxxhash-dev"
python="python3 python3-venv"
device="gcc gcc-arm-none-eabi libnewlib-arm-none-eabi gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf
  qemu-system-arm qemu-system-misc"
case "${1:-}" in
  build) wanted=$build ;;
  test) wanted="$build $python $device libgtest-dev libgmock-dev libonnx-testdata clang clang-format clang-tidy libclang-rt-dev" ;;
  bench) wanted="$build $python $device libbenchmark-dev" ;;
  *) sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

missing=
for package in $wanted; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
$as_root apt-get update -q
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
