#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# exports.sh - a shared library exports what its public headers declare, which is what its version script lists, under its version;
# the preloaded recorder exports what its script lists.  The parser calls nothing that prints by itself or ends the program, and has
# no variables but what its hash tables are seeded with.
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
command -v nm >/dev/null || exit 77
bad=0

# exports LIBRARY SCRIPT: sets apart what LIBRARY has beyond the list in SCRIPT, and the other way round
exports() {
	sed -n 's/^[[:space:]]*\([A-Za-z_][A-Za-z0-9_]*\);$/\1/p' "$2" | sort >"$dir/listed"
	nm -D --defined-only "$1" | sed -n 's/.* [A-Z] \([A-Za-z_0-9]*\)\(@@.*\)\{0,1\}$/\1\2/p' | grep -v '^EXECTRACE_[A-Z_]*0$' |
	sort >"$dir/symbols"
	sed 's/@@.*//' "$dir/symbols" | diff "$dir/listed" - || { echo "$1: other exports than in $2"; bad=1; }
}

# library NAME VERSION SCRIPT HEADER...
library() {
	name=$1 version=$2 script=$3
	shift 3
	[ -f "$top_builddir/.libs/$name.so" ] || { echo "$name was not built as a shared library"; return; }
	exports "$top_builddir/.libs/$name.so" "$script"
	grep -v "@@$version\$" "$dir/symbols" && { echo "$name: exports without its version"; bad=1; }
	sh "$top_srcdir/tests/functions.sh" "$@" | cut -d ' ' -f 1 | diff - "$dir/listed" || { echo "$name: other exports than functions"; bad=1; }
	n=$((n + 1))
}

n=0
include=$top_srcdir/include/exectrace
library libexectrace EXECTRACE_0 "$top_srcdir/libtrace/exectrace.sym" "$include/error.h" "$include/raw.h" "$include/reader.h" \
	"$include/writer.h"
library libexectrace-rt EXECTRACE_RT_0 "$top_srcdir/librt/exectrace-rt.sym" "$include/rt.h"
# Its own code only: a sanitizer adds to it.
if grep -q '^SAN_CFLAGS = *$' "$top_builddir/Makefile" && [ -f "$top_builddir/.libs/libexectrace.so" ]; then
	nm -D --undefined-only "$top_builddir/.libs/libexectrace.so" | sed 's/.* //; s/@.*//' >"$dir/calls"
	grep -qx malloc "$dir/calls" || { echo "libexectrace calls nothing"; bad=1; }
	grep -xE '(_|_E|quick_)?exit|abort|raise|kill|(__)?assert.*|(__)?v?printf(_chk)?|puts|putchar|perror|std(in|out|err)|syslog|signal|sigaction|setenv|setlocale|system|fork' \
		"$dir/calls" && { echo "libexectrace prints, ends the program or changes it"; bad=1; }
	nm "$top_builddir/.libs/libexectrace.so" | sed -n 's/.* [bBC] //p' | sed 's/\..*//' |
	grep -vxE 'etr__hash_seed|once|no_slots|completed|__cpu_.*|__bss_start|_e(nd|data)' && { echo "libexectrace has global state"; bad=1; }
fi
recorder=$top_builddir/.libs/exectrace-pthread.so
[ ! -f "$recorder" ] || exports "$recorder" "$top_srcdir/librt/pthread/pthread.sym"
[ $n -gt 0 ] || exit 77
[ $bad -eq 0 ]
