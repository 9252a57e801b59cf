#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# mutations.sh - the reader takes every truncation and many changes of the small cases, or says where it stopped; what was whole
# before is delivered, so a longer piece of a trace never gives fewer events.
print=$top_builddir/trace-print
mutate=$top_builddir/mutate-read
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT

for case in "$top_srcdir"/testdata/*.test; do
	name=$(basename "$case" .test)
	sed '1,/^-- trace --/d' "$case" | "$print" --assemble -o "$dir/$name.trace" - || exit 1
done
cd "$dir" || exit 99
case $mutate in /*) ;; *) echo "top_builddir must be absolute" >&2; exit 99 ;; esac
"$mutate" truncate 1 1 ./*.trace >truncated || exit 1
"$mutate" flip 8 1 ./*.trace >flipped || exit 1
"$mutate" random 500 1 ./*.trace >damaged || exit 1
# Before 1.26 losing a table may cost a generation that its events alone had begun, hence only for 26.
awk '$1 ~ /126/ && last == $1 && $3 < n { print "fewer events:", $0; bad = 1 } { last = $1; n = $3 } END { exit bad }' truncated || exit 1
wc -l truncated flipped damaged
