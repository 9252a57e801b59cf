#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# headers.sh - each public header compiles alone, as C11 and as C++17 without extensions, and a C++ program links.  Skipped
# without a C++ compiler.
cxx=${CXX:-c++}
command -v "$cxx" >/dev/null || exit 77
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
for header in error raw reader writer; do
	echo "#include <exectrace/$header.h>" >"$dir/one.c"
	cp "$dir/one.c" "$dir/one.cc"
	${CC:-cc} -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -pedantic -Werror -fsyntax-only -I"$top_srcdir/include" \
		"$dir/one.c" || exit 1
	"$cxx" -std=c++17 -Wall -Wextra -pedantic -Werror -fsyntax-only -I"$top_srcdir/include" "$dir/one.cc" || exit 1
done
# A sanitized library wants a program that is sanitized alike.
grep -q '^SAN_CFLAGS = *$' "$top_builddir/Makefile" || exit 0
"$cxx" -std=c++17 -I"$top_srcdir/include" -o "$dir/headers" "$top_srcdir/tests/headers.cc" \
	-L"$top_builddir/.libs" -lexectrace -Wl,-rpath,"$top_builddir/.libs" || exit 1
"$dir/headers"
