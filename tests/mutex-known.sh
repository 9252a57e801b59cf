#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# The mutex profile of programs with known waits shows those waits, at the stack of who unlocked.
set -u
bin=${top_builddir:-.}
[ -x "$bin/trace-pprof" ] && [ -x "$bin/mutex-known" ] || { echo "no trace-pprof, or no runtime for this processor"; exit 77; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
bad=0
fail() { echo "FAIL: $*"; bad=1; }

# A sanitizer's runtime wants to be loaded before the preloaded recorder.
programs=mutex-known
[ -n "${SANITIZERS:-}" ] || programs="$programs mutex-known-pthread"
for program in $programs; do
	RTMAXPROCS=1 "$bin/trace-record" -q -o "$dir/trace" -- "$bin/$program" >"$dir/bounds" || fail "$program: $?"
	"$bin/trace-pprof" mutex --top "$dir/trace" >"$dir/top" || fail "trace-pprof of $program"
	# The cumulated delay of each function lies within its bounds; figures are rounded to three digits.
	awk -v program="$program" '
		function ns(t) {
			if (t ~ /ns$/) return t + 0
			if (t ~ /us$/) return t * 1e3
			if (t ~ /ms$/) return t * 1e6
			return t * 1e9
		}
		FNR == NR { low[$1] = $2; high[$1] = $3; next }
		$6 in low {
			seen++
			if (ns($3) < low[$6] * 0.99 || ns($3) > high[$6] * 1.01) {
				printf "%s: %s waited %s, not %d to %d ns\n", program, $6, $3, low[$6], high[$6]
				bad = 1
			}
			if ($5 != 1) {
				printf "%s: %s has %s contentions, not 1\n", program, $6, $5
				bad = 1
			}
		}
		END {
			if (seen != 3) {
				printf "%s: %d of 3 holders are in the profile\n", program, seen
				bad = 1
			}
			exit bad
		}' "$dir/bounds" "$dir/top" || { cat "$dir/bounds" "$dir/top"; bad=1; }
done
exit $bad
