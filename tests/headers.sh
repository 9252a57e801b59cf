#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# headers.sh - each public header compiles alone, as C11 and as C++17 without extensions, with every compiler that is there, and a C++
# program links.  Skipped without a C++ compiler.
cxx=${CXX:-c++}
command -v "$cxx" >/dev/null || exit 77
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
n=0

# alone COMPILER FILE STANDARD...: FILE passes
alone() {
	# shellcheck disable=SC2086
	command -v ${1%% *} >/dev/null || return 0
	# shellcheck disable=SC2086
	$1 "$3" -D_POSIX_C_SOURCE=200809L -Wall -Wextra -pedantic -Werror -fsyntax-only -I"$top_srcdir/include" "$2" || exit 1
	n=$((n + 1))
}
for header in "$top_srcdir"/include/exectrace/*.h; do
	# Twice: it does not mind.
	printf '#include <exectrace/%s>\n#include <exectrace/%s>\n' "${header##*/}" "${header##*/}" >"$dir/one.c"
	cp "$dir/one.c" "$dir/one.cc"
	for cc in "${CC:-cc}" gcc clang; do
		alone "$cc" "$dir/one.c" -std=c11
	done
	for cc in "$cxx" g++ clang++; do
		alone "$cc" "$dir/one.cc" -std=c++17
	done
done
[ $n -ge 10 ] || { echo "only $n compilations"; exit 1; }
# A sanitized library wants a program that is sanitized alike.
grep -q '^SAN_CFLAGS = *$' "$top_builddir/Makefile" || exit 0
"$cxx" -std=c++17 -I"$top_srcdir/include" -o "$dir/headers" "$top_srcdir/tests/headers.cc" \
	-L"$top_builddir/.libs" -lexectrace -Wl,-rpath,"$top_builddir/.libs" || exit 1
"$dir/headers"
