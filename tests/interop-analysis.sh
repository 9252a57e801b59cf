#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# With Go: figures of trace-stat, profiles of trace-pprof and slices of trace-cut against Go's reader and "go tool trace", on
# traces that a Go program just made of itself.
set -u
[ -n "${GO:-}" ] || { echo "no go"; exit 77; }
src=$(cd "${top_srcdir:-.}" && pwd)
bin=$(cd "${top_builddir:-.}" && pwd)
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
bad=0
fail() { echo "FAIL: $*"; bad=1; }

# Without cgo, whose callbacks use goroutines' ids again: see trace-pprof(1).
(cd "$src/tests/interop" && export GOFLAGS=-mod=readonly && "$GO" build -o "$dir/" ./cmd/figures ./cmd/blocked &&
	cd record && CGO_ENABLED=0 "$GO" build -buildvcs=false -o "$dir/record" .) >"$dir/log" 2>&1 ||
	{ cat "$dir/log"; echo "Go's reader cannot be built here"; exit 77; }

# A trace's figures, computed twice: of the whole, of what is in each generation, and of windows.
figures()
{
	"$bin/trace-stat" --json --by generation "$1" >"$dir/json" || fail "trace-stat $2"
	"$dir/figures" -by generation "$1" "$dir/json" || fail "figures of $2"
	start=$(sed -n 's/^  "start_ns": \(.*\),/\1/p' "$dir/json")
	duration=$(sed -n 's/^  "duration_ns": \(.*\),/\1/p' "$dir/json")
	first=$((start + duration / 3))
	last=$((start + duration * 2 / 3))
	"$bin/trace-stat" --json --to @$first "$1" >"$dir/json" && "$dir/figures" -to $first "$1" "$dir/json" ||
		fail "figures of $2 to $first"
	"$bin/trace-stat" --json --from @$first --to @$last "$1" >"$dir/json" &&
		"$dir/figures" -from $first -to $last "$1" "$dir/json" || fail "figures of $2 from $first to $last"
	"$bin/trace-stat" --json --from @$last "$1" >"$dir/json" && "$dir/figures" -from $last "$1" "$dir/json" ||
		fail "figures of $2 from $last"
}

# Of programs that older versions of Go ran.
for trace in "$src"/testdata/go/*-[a-z]*-1.trace; do
	figures "$trace" "$(basename "$trace")"
done

# profiles TRACE NAME: the same samples as go's, to the nanosecond.
profiles()
{
	for type in net sync syscall sched; do
		"$GO" tool trace -pprof=$type "$1" >"$dir/theirs" 2>/dev/null || { fail "go tool trace $type"; continue; }
		"$bin/trace-pprof" $type -o "$dir/ours" "$1" || fail "trace-pprof $type of $2"
		sh "$src/tests/interop/pprofkeys.sh" "$dir/theirs" >"$dir/theirs.keys"
		sh "$src/tests/interop/pprofkeys.sh" "$dir/ours" >"$dir/ours.keys"
		cmp -s "$dir/theirs.keys" "$dir/ours.keys" ||
			{ fail "$type of $2"; diff "$dir/theirs.keys" "$dir/ours.keys" | head -5; }
		cat "$dir/ours.keys" >>"$dir/seen.$type"
	done
}

for mode in storm all; do
	trace=$dir/$mode.trace
	"$dir/record" $mode "$trace" $([ $mode = all ] && echo 18 || echo 150) >/dev/null || { fail "record $mode"; continue; }
	figures "$trace" $mode
	[ ! -x "$bin/trace-pprof" ] || profiles "$trace" $mode
done
# Recorded ones, of every version and of much that programs do.
[ ! -x "$bin/trace-pprof" ] || for mode in 122-web-1 123-gc-1 125-many-1 126-all-1 126-coro-1 126-user-1 126-web-1; do
	profiles "$src/testdata/go/$mode.trace" $mode
done
for type in net sync syscall sched; do
	[ ! -x "$bin/trace-pprof" ] || [ -s "$dir/seen.$type" ] || fail "the comparison of $type compared nothing"
done

# Until they run again, as a second computation of the definition has it.
[ ! -x "$bin/trace-pprof" ] || for name in 122-web-1 125-many-1 126-all-1; do
	"$dir/blocked" "$src/testdata/go/$name.trace" | LC_ALL=C sort >"$dir/theirs.keys"
	"$bin/trace-pprof" block -o "$dir/ours" "$src/testdata/go/$name.trace" || fail "trace-pprof block of $name"
	sh "$src/tests/interop/pprofkeys.sh" "$dir/ours" >"$dir/ours.keys"
	[ -s "$dir/theirs.keys" ] && cmp -s "$dir/theirs.keys" "$dir/ours.keys" ||
		{ fail "block of $name"; diff "$dir/theirs.keys" "$dir/ours.keys" | head -5; }
done

# Each generation cut out: the slice's figures are those of its window of the whole.  How many generations a file has is its own affair.
"$dir/record" gc "$dir/gc.trace" 2300 >/dev/null || fail "record gc"
n=1
while "$bin/trace-cut" -o "$dir/slice" --generation $n "$dir/gc.trace" 2>/dev/null; do
	# shellcheck disable=SC2046
	set -- $("$bin/trace-print" --raw "$dir/slice" | sed -n 's/.*data="exectrace:slice \([0-9]*\) \([-0-9]*\)[ "].*/\1 \2/p' | tail -n 1)
	[ "$2" != - ] || set -- "$1" 9000000000000000000
	"$bin/trace-stat" --json --from "@$1" --to "@$2" "$dir/gc.trace" | grep '^  "generations"' >"$dir/generations"
	"$bin/trace-stat" --json "$dir/slice" | sed -e "/^  \"generations\"/{r $dir/generations" -e 'd;}' >"$dir/json"
	"$dir/figures" -from "$1" -to "$2" "$dir/gc.trace" "$dir/json" || fail "figures of generation $n"
	n=$((n + 1))
done
[ $n -ge 3 ] || fail "only $((n - 1)) generations"
exit $bad
