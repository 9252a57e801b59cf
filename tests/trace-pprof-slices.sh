#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# The profile of a slice is that of its window in the whole: what began before it counts from its beginning on, at the same stacks and
# with the same labels; what is open at its end does not count.
set -u
src=$(cd "${top_srcdir:-.}" && pwd)
bin=$(cd "${top_builddir:-.}" && pwd)
pprof=$bin/trace-pprof
[ -x "$pprof" ] || { echo "trace-pprof is not built"; exit 77; }
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 99
bad=0 compared=0
fail() { echo "FAIL: $*"; bad=1; }

# same NAME TYPE WINDOW: the slice of that window, to the trace's end, has the same folded stacks.
same()
{
	for what in count time; do
		"$pprof" $2 --folded --sample $what --from @$3 $1 >whole || fail "$2 of $1 from $3"
		"$pprof" $2 --folded --sample $what slice >part || fail "$2 of the slice of $1 from $3"
		cmp -s whole part || { fail "$2, $what: the slice of $1 from $3"; diff whole part | head -n 5; }
		[ ! -s part ] || compared=$((compared + 1))
	done
}

count() { "$pprof" "$@" --folded --sample count | awk '{ n += $NF } END { printf "%d", n }'; }

# Ours: two wait for a lock, which is known by name, and one has begun to run; one was woken; one is in a system call.
"$bin/trace-print" --assemble "$src/testdata/locks-named.txt" >ours || fail "assembling"
for from in 5000 15200 16500 22000; do
	"$bin/trace-cut" -o slice --from @$from ours || fail "a slice of ours"
	for type in net sync syscall sched mutex cpu wall; do
		same ours $type $from
	done
	[ $from -eq 15200 ] || same ours block $from
done
# A slice of a slice knows as much; one with a filter sees the whole wait.
"$bin/trace-cut" -o one --from @5000 ours && "$bin/trace-cut" -o slice --from @7000 one || fail "a slice of a slice"
for type in net sync syscall sched block mutex cpu wall; do
	same ours $type 7000
done
[ "$("$pprof" sync --folded --where 'blocked > 10us' one)" = "$("$pprof" sync --folded --where 'blocked > 10us' --from @5000 ours)" ] &&
	[ "$(count sync --where 'blocked > 10us' one)" = 1 ] || fail "a condition on a wait that began before a slice"
[ "$(count sync --function '^worker$' one)" = 2 ] || fail "where goroutines started that waited before a slice"
# What is not over at its end does not count, but in wall.
"$bin/trace-cut" -o slice --from @5000 --to @12000 ours || fail "a slice with an end"
[ "$("$pprof" sync --folded slice)" = 'worker;exrt_mutex_lock 5000' ] || fail "one of two waits is over: $("$pprof" sync --folded slice)"
[ "$("$pprof" wall --folded slice)" = "$("$pprof" wall --folded --from @5000 --to @12000 ours)" ] || fail "wall of a slice with an end"
# Merged slices are like one trace's windows; the second is no slice any more.
[ "$("$pprof" sync --folded one ours)" = "$("$pprof" sync --folded ours one)" ] && [ "$(count sync one ours)" = 4 ] || fail "a slice merged"

# Go's: at some points of each.
for name in 122-all-1 125-web-1 126-all-1 126-cgo-1 126-user-1; do
	cp "$src/testdata/go/$name.trace" go || exit 99
	set -- $("$bin/trace-print" go | awk 'NR == 1 { print $1 } { last = $1 } END { print last }')
	for part in 3 2; do
		from=$(($1 + ($2 - $1) / part)) to=$(($1 + ($2 - $1) * 4 / 5))
		"$bin/trace-cut" -o slice --from @$from go || fail "a slice of $name"
		for type in net sync syscall sched cpu wall; do
			same go $type $from
		done
		"$bin/trace-cut" -o slice --from @$from --to @$to go || fail "a slice of $name with an end"
		for type in net sync; do
			[ "$(count $type slice)" = $(($(count $type --from @$from go) - $(count $type --from @$to go))) ] ||
				fail "$type of $name, $from to $to: what is over"
		done
		[ "$(count wall slice)" = "$(count wall --from @$from --to @$to go)" ] || fail "wall of $name, $from to $to"
	done
done
[ $compared -ge 100 ] || fail "only $compared profiles had anything in them"

# Labels: what was open before a slice.
[ -n "${GO:-}" ] || exit $bad
"$bin/trace-cut" -o slice --from @2000 ours && "$pprof" cpu --label task,region,goroutine -o p.gz slice || fail "labels of a slice"
"$GO" tool pprof -raw p.gz 2>/dev/null >raw
grep -q 'region:\[scan\].*task:\[search\]' raw || { fail "no region and task from before a slice"; cat raw; }
"$bin/trace-cut" -o slice --from @5000 ours && "$pprof" sync --label lock,reason,state -o p.gz slice || fail "labels of a slice"
"$GO" tool pprof -raw p.gz 2>/dev/null >raw
grep -q 'reason:\[sync\] state:\[Waiting\]' raw && grep -q 'lock:\[16\]' raw || { fail "no lock and reason from before a slice"; cat raw; }
exit $bad
