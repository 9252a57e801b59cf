#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# aarch64.sh BUILDDIR - builds everything for aarch64 with the cross compiler, and runs the tests of the switch, the unwinder,
# the scheduler and the format under qemu-user.  Not part of `make check`, since it is a build of its own; CI calls it.
#
# Needs aarch64-linux-gnu-gcc, qemu-aarch64 and the arm64 packages of the libraries (dpkg --add-architecture arm64); exits 77
# where one of them is missing.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
dir=${1:?usage: aarch64.sh BUILDDIR}

for tool in aarch64-linux-gnu-gcc qemu-aarch64; do
    command -v $tool >/dev/null 2>&1 || { echo "aarch64.sh: $tool is missing, skipped"; exit 77; }
done
PKG_CONFIG_LIBDIR=/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig
export PKG_CONFIG_LIBDIR
for lib in libdw libelf zlib libzstd libprotobuf-c check; do
    pkg-config --exists $lib || { echo "aarch64.sh: $lib for arm64 is missing, skipped"; exit 77; }
done

mkdir -p "$dir"
cd "$dir"
[ -e Makefile ] || "$top/configure" -q --host=aarch64-linux-gnu --enable-werror CFLAGS='-O2 -g'
make -s -j"$(nproc)"

# The test programs that make sense under an emulator: those that start no other program.  Each is a plain executable,
# since unit tests link the hidden core libraries.
programs='test-wire test-tables test-trace test-writer test-order test-eventlog tracer-clock tracer-tables
    tracer-stacks tracer-buffers test-sched test-running test-channels test-waiting test-misuse'
make -s -j"$(nproc)" $programs
failed=0
for program in $programs; do
    echo "aarch64: $program"
    qemu-aarch64 "./$program" || { failed=1; echo "aarch64: $program failed"; }
done
exit $failed
