#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# mutex-known.sh - the mutex profile of mutex-known shows the times that the program measured itself, at the functions that unlocked.
#
# Both clocks are read at nearly the same moments, whatever the machine does meanwhile: they may differ by a tenth and 10 ms.
set -u
top_builddir=${top_builddir:-$(pwd)}
dir=$(mktemp -d "${TMPDIR:-/tmp}/mutex-known.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT

[ -x "$top_builddir/mutex-known" ] && [ -x "$top_builddir/trace-pprof" ] || exit 77

for procs in 1 2; do
	RTMAXPROCS=$procs EXECTRACE=file="$dir/trace" "$top_builddir/mutex-known" > "$dir/known" || exit 1
	"$top_builddir/trace-pprof" mutex --top "$dir/trace" > "$dir/top" || exit 1
	while read -r function count ns; do
		awk -v f="$function" -v count="$count" -v ns="$ns" '
			function nanoseconds(t) {
				if (t ~ /ns$/) return t + 0
				if (t ~ /us$/ || t ~ /µs$/) return t * 1e3
				if (t ~ /ms$/) return t * 1e6
				return t * 1e9
			}
			$NF == f { seen = 1; n = $(NF - 1); cum = nanoseconds($3) }
			END {
				d = cum - ns
				if (d < 0) d = -d
				if (!seen || n != count || d > ns / 10 + 1e7) {
					printf "%s: the program says %d contentions, %d ns; the profile says %d, %d ns\n", f, count, ns, n, cum
					exit 1
				}
			}' "$dir/top" || { cat "$dir/known" "$dir/top"; exit 1; }
	done < "$dir/known"
done
