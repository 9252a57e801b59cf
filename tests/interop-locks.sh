#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# With Go: trace-pprof's mutex profile against the one that the same run wrote itself: the total within a tenth, each stack above a
# twentieth of it within a fifth.
#
# Go's runtime estimates where more than one waits (interop/exactsema.sh), so most scenes are played by a program whose runtime adds up
# instead; those where the estimate is right by the runtime that there is, too.  What the machine does between the two clocks'
# readings may spoil a run: a scene has five of them.
set -u
[ -n "${GO:-}" ] || { echo "no go"; exit 77; }
src=$(cd "${top_srcdir:-.}" && pwd)
bin=$(cd "${top_builddir:-.}" && pwd)
[ -x "$bin/trace-pprof" ] || { echo "trace-pprof is not built"; exit 77; }
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
bad=0
interop=$src/tests/interop
export GO GOFLAGS=-mod=readonly

(cd "$interop" && "$GO" build -o "$dir/estimated" ./cmd/locks) >"$dir/log" 2>&1 || { cat "$dir/log"; exit 77; }
if sh "$interop/exactsema.sh" "$dir/sema.go"; then
	printf '{"Replace": {"%s": "%s"}}\n' "$("$GO" env GOROOT)/src/runtime/sema.go" "$dir/sema.go" >"$dir/overlay.json"
	(cd "$interop" && "$GO" build -overlay "$dir/overlay.json" -o "$dir/exact" ./cmd/locks) >"$dir/log" 2>&1 ||
		{ cat "$dir/log"; exit 99; }
else
	echo "this Go's semaphores are not known: only its own estimate is compared"
fi

# play PROGRAM SCENE
play()
{
	[ -x "$dir/$1" ] || return 0
	for try in 1 2 3 4 5; do
		"$dir/$1" "$2" "$dir/trace" "$dir/theirs" 200 || { echo "FAIL: $2 does not run"; bad=1; return; }
		"$bin/trace-pprof" mutex -o "$dir/ours" "$dir/trace" || { echo "FAIL: trace-pprof, $2"; bad=1; return; }
		for p in theirs ours; do
			"$GO" tool pprof -raw "$dir/$p" >"$dir/$p.raw" 2>/dev/null
		done
		awk -f "$interop/cmd/locks/compare.awk" "$dir/theirs.raw" "$dir/ours.raw" >"$dir/said" && return
	done
	echo "FAIL: $1 $2"
	cat "$dir/said"
	bad=1
}

for scene in pair crowd; do
	play estimated $scene
done
for scene in pair few many short long full rare spin shards nested readers writers crowd; do
	play exact $scene
done
exit $bad
