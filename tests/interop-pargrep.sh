#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# With Go: a recording of examples/pargrep opens in "go tool trace", whose goroutine analysis page and profiles show its
# functions by name; "go tool trace -pprof" and "go tool pprof" take our files.
set -u
[ -n "${GO:-}" ] || { echo "no go"; exit 77; }
src=$(cd "${top_srcdir:-.}" && pwd)
bin=$(cd "${top_builddir:-.}" && pwd)
[ -x "$bin/examples/pargrep" ] || { echo "no runtime for this processor"; exit 77; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
bad=0
fail() { echo "FAIL: $*"; bad=1; }

(cd "$src/tests/interop" && GOFLAGS=-mod=readonly "$GO" build -o "$dir/" ./cmd/viewer) >"$dir/log" 2>&1 ||
	{ cat "$dir/log"; echo "the viewer cannot be built here"; exit 77; }

where=/usr/include
[ -d "$where" ] || where=$src
"$bin/trace-record" -q -o "$dir/trace" -- "$bin/examples/pargrep" -j 4 -c 'mutex|lock' "$where" >"$dir/matches" || fail "pargrep: $?"
[ -s "$dir/matches" ] || fail "pargrep found nothing"

"$dir/viewer" "$dir/trace" work walk_tree exrt_chan_recv search_file || fail "go tool trace's pages"

# profile TYPE FUNCTION: both tools' profiles of that type name the function
profile()
{
	"$GO" tool trace -pprof="$1" "$dir/trace" >"$dir/theirs" 2>"$dir/err" || { cat "$dir/err"; fail "go tool trace -pprof=$1"; }
	"$bin/trace-pprof" "$1" -o "$dir/ours" "$dir/trace" || fail "trace-pprof $1"
	for f in theirs ours; do
		"$GO" tool pprof -top -nodecount=100 "$dir/$f" >"$dir/top" 2>"$dir/err" || { cat "$dir/err"; fail "go tool pprof -top: $1, $f"; }
		grep -q "$2" "$dir/top" || { cat "$dir/top"; fail "$1, $f: no $2"; }
	done
}
profile sync walk_tree
profile syscall search_file
profile sched work
exit $bad
