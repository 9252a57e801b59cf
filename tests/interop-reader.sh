#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# interop-reader.sh - our reader against Go's: the same events, byte for byte, for the cases in testdata/ and the conformance folder,
# for testdata's recorded traces put together again from raw text, for real traces where they are, and the same number of events and
# verdict for damaged ones.  Skipped without go.  EXECTRACE_LONG=1 damages more.
[ -n "$GO" ] || exit 77
shared=${EXECTRACE_SHARED:-$top_srcdir/../shared}
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
. "$top_srcdir/tests/interop/peers.sh"
random=300
[ -z "${EXECTRACE_LONG:-}" ] || random=5000
build_peers
build_record local || { cat "$dir/build"; exit 1; }

for case in "$top_srcdir"/testdata/*.test "$shared"/conformance/*.test; do
	[ -f "$case" ] || continue
	name=$(basename "$case" .test)
	sed '1,/^-- trace --/d' "$case" | "$print" --assemble -o "$dir/$name.case" - || bad=$((bad + 1))
	same "$dir/$name.case" "$name"
done

# The raw text form loses nothing that matters.
for trace in "$top_srcdir"/testdata/go/12[2356]-[acsuw]*-1.trace; do
	name=$(basename "$trace" .trace)
	same "$trace" "$name"
	"$print" --raw "$trace" | "$print" --assemble -o "$dir/again.trace" - || bad=$((bad + 1))
	"$print" --raw "$trace" >"$dir/raw"
	"$print" --raw "$dir/again.trace" | cmp - "$dir/raw" || bad=$((bad + 1))
	same "$dir/again.trace" "$name, assembled"
done

if [ -f "$shared/traces/go1.23-busy-1s.trace.zst" ] && command -v zstd >/dev/null; then
	zstd -dqf "$shared/traces/go1.23-busy-1s.trace.zst" -o "$dir/busy.trace"
	same "$dir/busy.trace" "busy"
fi

# Small traces, damaged.
for what in storm user syscall procs coro; do
	"$bin/record-local" $what "$dir/small-$what.case" 1 || exit 1
done
find "$dir" -name '*.case' -size -24k >"$dir/small"
compare="$top_srcdir/tests/interop/compare-mutations.sh"
# Names of temporary files have no spaces.
sh "$compare" "$top_builddir/mutate-read" "$bin/mutate" random $random 1 $(cat "$dir/small") || bad=$((bad + 1))
sh "$compare" "$top_builddir/mutate-read" "$bin/mutate" truncate 1 1 $(grep -v stress "$dir/small") || bad=$((bad + 1))
find "$dir" -name '*.case' -size -3 >"$dir/small"
sh "$compare" "$top_builddir/mutate-read" "$bin/mutate" flip 8 1 $(cat "$dir/small") || bad=$((bad + 1))

[ $bad -eq 0 ]
