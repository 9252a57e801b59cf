#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# tracer-stress.sh - what the recorder writes of random, legal state changes is read by our reader, and by Go's where that can be had.
#
# TRACER_STRESS_RUNS (default 8) seeds, each with both kinds of host.
set -eu
runs=${TRACER_STRESS_RUNS:-8}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

seed=1
while [ "$seed" -le "$runs" ]; do
	for pin in 0 1; do
		"$top_builddir/tracer-stress" "$dir/$seed.$pin" "$seed" 100 "$pin"
		"$top_builddir/trace-stat" "$dir/$seed.$pin" >"$dir/stat" || { echo "our reader refuses seed $seed, pin $pin"; exit 1; }
	done
	seed=$((seed + 1))
done
# One long generation in small buffers: its batches are written while it goes on, and pressure ends it early.
"$top_builddir/tracer-stress" "$dir/long.0" 11 700 0 100000 4000000
"$top_builddir/trace-stat" "$dir/long.0" >"$dir/stat" || { echo "our reader refuses the long generation"; exit 1; }
echo "our reader took $((2 * runs + 1)) traces"

[ -n "${GO:-}" ] && [ -x "$(command -v "$GO")" ] || { echo "no go: its reader was not asked"; exit 0; }
rm "$dir/stat"
if ! (cd "$top_srcdir/tests/interop" && GOFLAGS="-mod=readonly -buildvcs=false" "$GO" build -o "$dir/godump" ./cmd/godump) >"$dir/build.log" 2>&1; then
	echo "Go's reader cannot be built here: it was not asked"
	exit 0
fi
rm "$dir/build.log"
for trace in "$dir"/*.[01]; do
	"$dir/godump" -count "$trace" >"$dir/count" || { cat "$dir/count"; echo "Go's reader refuses $trace"; exit 1; }
	grep -q ' ok$' "$dir/count" || { cat "$dir/count"; exit 1; }
done
echo "and so did Go's"
