#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# diff-go.sh [ROUNDS [SEED [TRACE...]]]: our reader and Go's tell the same of damaged traces.
#
# Without arguments each trace of testdata/fuzz is cut at every offset (large ones at some 4,096) and changed 50 times, and batches and generations of those and
# of traces that Go programs recorded are left out, given twice and swapped, which takes seconds; by hand, with a large count, it
# runs as long as one likes.  Cases that differ are kept in diff-go.kept below the build folder.  Skipped without go
# or its module.
GO=${GO-go}
[ -n "$GO" ] && command -v "$GO" >/dev/null || exit 77
: "${top_srcdir:=.}" "${top_builddir:=.}"
corpora=$top_srcdir/testdata/fuzz
rounds=${1:-50} seed=${2:-1}
[ $# -lt 2 ] || shift
[ $# -lt 1 ] || shift
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
export GOFLAGS=-mod=readonly\ -buildvcs=false
(cd "$top_srcdir/tests/interop" && "$GO" build -o "$dir/godump" ./cmd/godump) >"$dir/log" 2>&1 || {
	cat "$dir/log"
	grep -q "dial tcp\|no such host\|connection refused\|i/o timeout" "$dir/log" && exit 77
	exit 1
}
for text in "$corpora"/text/*.txt; do
	"$top_builddir/trace-print" --assemble -o "$dir/$(basename "$text" .txt).trace" "$text" || exit 1
done
[ $# -gt 0 ] || recorded=$top_srcdir/testdata/go
[ $# -gt 0 ] || { cp "$corpora"/traces/*.trace "$dir" && set -- "$dir"/*.trace; } || exit 1
kept=$top_builddir/diff-go.kept
rm -rf "$kept"
mkdir "$kept" || exit 1
"$top_builddir/diff-go" -t -p -n "$rounds" -s "$seed" -k "$kept" "$dir/godump" "$@"
status=$?
# Again with threads, in which other code puts the events in order.
"$top_builddir/diff-go" -j 3 -n $(((rounds + 3) / 4)) -s $((seed + 1)) -k "$kept" "$dir/godump" "$@" || status=1
[ -z "${recorded:-}" ] || for j in 1 3; do
	"$top_builddir/diff-go" -p -j $j -s "$seed" -k "$kept" "$dir/godump" "$recorded"/*-user-1.trace "$recorded"/12?-flight-?.trace \
		"$recorded"/*-coro-1.trace || status=1
done
rmdir "$kept" 2>/dev/null
exit $status
