#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# interop-reader.sh - our reader against Go's: the same events, byte for byte, for traces that Go programs record here, for the
# cases in testdata/ and the conformance folder, for real traces where they are, and the same number of events and verdict for
# damaged ones.  Skipped without go.  EXECTRACE_LONG=1 records longer and damages more.
[ -n "$GO" ] || exit 77
print=$top_builddir/trace-print
shared=${EXECTRACE_SHARED:-$top_srcdir/../shared}
bin=$top_builddir/tests/interop/bin
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
ms=60 random=300
[ -z "${EXECTRACE_LONG:-}" ] || ms=3000 random=5000
bad=0

mkdir -p "$bin"
export GOFLAGS=-mod=readonly\ -buildvcs=false
(cd "$top_srcdir/tests/interop" && "$GO" build -o "$bin/" ./cmd/...) >"$dir/build" 2>&1 || {
	cat "$dir/build"
	# Without a network the module may be missing: that says nothing about us.
	grep -q "dial tcp\|no such host\|connection refused\|i/o timeout" "$dir/build" && exit 77
	exit 1
}

# same TRACE LABEL: the two readers print the same, with stacks and without
same() {
	"$bin/godump" -stacks "$1" >"$dir/go" 2>"$dir/go.err"
	goes=$?
	"$print" --stacks "$1" >"$dir/ours" 2>"$dir/ours.err"
	[ $? -eq $goes ] || { echo "$2: another verdict: $(cat "$dir/ours.err" "$dir/go.err")"; bad=$((bad + 1)); return; }
	cmp "$dir/ours" "$dir/go" || { echo "$2: other events"; bad=$((bad + 1)); return; }
	"$print" "$1" 2>/dev/null >"$dir/ours"
	"$bin/godump" "$1" 2>/dev/null | cmp - "$dir/ours" || { echo "$2: other events without stacks"; bad=$((bad + 1)); }
	echo "$2: $(wc -l <"$dir/go") events"
}

for what in short storm user syscall gc procs coro all; do
	"$bin/gen" $what "$dir/$what.trace" $ms || exit 1
	same "$dir/$what.trace" "$what"
	# The raw text form loses nothing that matters.
	"$print" --raw "$dir/$what.trace" | "$print" --assemble -o "$dir/again.trace" - || bad=$((bad + 1))
	"$print" --raw "$dir/$what.trace" >"$dir/raw"
	"$print" --raw "$dir/again.trace" | cmp - "$dir/raw" || bad=$((bad + 1))
	same "$dir/again.trace" "$what, assembled"
done

for case in "$top_srcdir"/testdata/*.test "$shared"/conformance/*.test; do
	[ -f "$case" ] || continue
	name=$(basename "$case" .test)
	sed '1,/^-- trace --/d' "$case" | "$print" --assemble -o "$dir/$name.case" - || bad=$((bad + 1))
	same "$dir/$name.case" "$name"
done

if [ -f "$shared/traces/go1.23-busy-1s.trace.zst" ] && command -v zstd >/dev/null; then
	zstd -dqf "$shared/traces/go1.23-busy-1s.trace.zst" -o "$dir/busy.trace"
	same "$dir/busy.trace" "busy"
fi

# Small traces, damaged.
for what in storm user syscall procs coro; do
	"$bin/gen" $what "$dir/small-$what.case" 1 || exit 1
done
find "$dir" -name '*.case' -size -24k >"$dir/small"
compare="$top_srcdir/tests/interop/compare-mutations.sh"
# Names of temporary files have no spaces.
sh "$compare" "$top_builddir/mutate-read" "$bin/mutate" random $random 1 $(cat "$dir/small") || bad=$((bad + 1))
sh "$compare" "$top_builddir/mutate-read" "$bin/mutate" truncate 1 1 $(grep -v stress "$dir/small") || bad=$((bad + 1))
find "$dir" -name '*.case' -size -3 >"$dir/small"
sh "$compare" "$top_builddir/mutate-read" "$bin/mutate" flip 8 1 $(cat "$dir/small") || bad=$((bad + 1))

[ $bad -eq 0 ]
