#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Several wait for a lock at once: the mutex profile charges the unlocker's stack with the time of all of them, on the runtime
# and on pthreads, as the program itself measured it.
#
# The upper bound is sharp but for the clocks' difference.  The lower one is half of what the program says, since a waiter may
# lose the processor between its word and its wait.
set -u
bin=$(cd "${top_builddir:-.}" && pwd)
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
bad=0
# The recorder that was built, not an installed one.
EXECTRACE_PRELOAD=$bin/.libs/exectrace-pthread.so
export EXECTRACE_PRELOAD
unset EXECTRACE LD_PRELOAD
[ -f "$EXECTRACE_PRELOAD" ] || { echo "no recorder for this machine was built"; exit 77; }

# A sanitizer's runtime wants to be loaded before the preloaded recorder.
hosts=rt
[ -n "${SANITIZERS:-}" ] || hosts="$hosts pthread"
for host in $hosts; do
	trace=$dir/$host.trace
	"$bin/libtool" --quiet --mode=execute "$bin/trace-record" -q -o "$trace" -- "$bin/locktimes-$host" >"$dir/said" ||
		{ echo "FAIL: recording on $host"; bad=1; continue; }
	"$bin/profile-at" "$trace" mutex hold_and_release >"$dir/seen" || { echo "FAIL: the trace of $host"; bad=1; continue; }
	echo "$host: said $(cat "$dir/said"), seen $(cat "$dir/seen")"
	cat "$dir/said" "$dir/seen" | tr '\n' ' ' |
		awk '{ exit !($4 == $1 && $5 >= $2 / 2 && $5 <= $3 * 1.01) }' || { echo "FAIL: $host"; bad=1; }
done
exit $bad
