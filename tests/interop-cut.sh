#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# With Go: slices of traces are what Go's reader sees in their windows, and "go tool trace" opens them.  WINDOWS is how many of
# each trace (about half of them are written out), SEED where they lie.
set -u
[ -n "${GO:-}" ] || { echo "no go"; exit 77; }
src=$(cd "${top_srcdir:-.}" && pwd)
bin=$(cd "${top_builddir:-.}" && pwd)
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
bad=0
total=0
fail() { echo "FAIL: $*"; bad=1; }

(cd "$src/tests/interop" && export GOFLAGS="-mod=readonly -buildvcs=false" && "$GO" build -o "$dir/" ./cmd/cutcompare ./cmd/accept &&
	cd record && CGO_ENABLED=0 "$GO" build -o "$dir/record" .) >"$dir/log" 2>&1 ||
	{ cat "$dir/log"; echo "Go's reader cannot be built here"; exit 77; }
"$bin/trace-print" --assemble "$src/testdata/locks-named.txt" >"$dir/locks.trace"
# Experiments write in each generation of a trace.
GODEBUG=traceallocfree=1,traceadvanceperiod=100000000 "$dir/record" user "$dir/alloc.trace" 600 >/dev/null || fail "record user"
experiments=0
for t in "$src"/testdata/go/*.trace "$dir/locks.trace" "$dir/alloc.trace" ${TRACES:-}; do
	[ -e "$t" ] || continue
	mkdir "$dir/slices"
	"$bin/cutcheck" -n "${WINDOWS:-12}" -s "${SEED:-1}" -w "$dir/slices" "$t" >"$dir/log" 2>&1 || { fail "cutcheck $t"; cat "$dir/log"; }
	"$dir/cutcompare" "$t" "$dir"/slices/*.slice >"$dir/log" 2>&1 || { fail "$t"; head -5 "$dir/log"; }
	n=$(sed -n 's/ windows.*//p' "$dir/log")
	total=$((total + ${n:-0}))
	n=$(sed -n 's/.* \([0-9]*\) generations with experiments$/\1/p' "$dir/log")
	experiments=$((experiments + ${n:-0}))
	# The viewer's parser; its pages need a browser.
	set -- "$dir"/slices/*.slice
	"$GO" tool trace -pprof=sched "$1" >"$dir/profile" 2>"$dir/log" || { fail "go tool trace $1 of $t"; head -3 "$dir/log"; }
	rm -rf "$dir/slices"
done
echo "$total windows, $experiments generations in them with experiments"
[ "$experiments" -ge 5 ] || fail "only $experiments generations with experiments"
[ "$total" -gt 100 ] || fail "only $total windows were compared"
exit $bad
