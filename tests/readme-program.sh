#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# readme-program.sh - the program in README.md that counts goroutine states compiles, has 25 lines at most, and counts what
# trace-stat does.
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
grep -q '^SAN_CFLAGS = *$' "$top_builddir/Makefile" || exit 77
[ -f "$top_builddir/.libs/libexectrace.so" ] || exit 77
bad=0 n=0

sed -n '/^## Reading traces in C/,/^## /s/^    //p' "$top_srcdir/README.md" >"$dir/prog.c"
lines=$(wc -l <"$dir/prog.c")
[ "$lines" -ge 10 ] && [ "$lines" -le 25 ] || { echo "the program has $lines lines"; exit 1; }
${CC:-cc} -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Werror -I"$top_srcdir/include" -o "$dir/prog" "$dir/prog.c" \
	-L"$top_builddir/.libs" -lexectrace -Wl,-rpath,"$top_builddir/.libs" || exit 1
for trace in "$top_srcdir"/testdata/go/*-[sw]*.trace; do
	"$dir/prog" "$trace" | sort >"$dir/ours" || bad=1
	"$top_builddir/trace-stat" --json "$trace" | sed -n '/"goroutine_states": {/,/}$/p' |
	sed -n 's/^ *"\([A-Za-z]*\)": {.*"entered": \([0-9]*\)}.*/\1 \2/p' | grep -v ' 0$' | sort >"$dir/stat"
	[ -s "$dir/stat" ] || { echo "$trace: trace-stat has no states"; bad=1; }
	# One state per line; it has those that trace-stat leaves out too.
	while read -r state count; do
		[ "$(awk -v s="$state" '$1 == s { print $2 }' "$dir/ours")" = "$count" ] || { echo "$trace: another number of $state"; bad=1; }
	done <"$dir/stat"
	n=$((n + 1))
done
# What is no trace is said.
! "$dir/prog" "$top_srcdir/README.md" >/dev/null 2>"$dir/err" && grep -q 'not an execution trace but text' "$dir/err" || bad=1
[ $bad -eq 0 ] && [ $n -gt 0 ]
