#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Every way in which trace-pprof takes and gives things, on a trace of Go and on one of ours: each type, alone and with others, by
# name, from standard input and from a pipe, with any number of threads, to a file and to standard output.
set -u
src=$(cd "${top_srcdir:-.}" && pwd)
bin=$(cd "${top_builddir:-.}" && pwd)
pprof=$bin/trace-pprof
[ -x "$pprof" ] || { echo "trace-pprof is not built"; exit 77; }
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 99
bad=0
fail() { echo "FAIL: $*"; bad=1; }
types='net sync syscall sched block mutex cpu wall'

"$bin/trace-print" --assemble "$src/testdata/locks-named.txt" >ours || fail "assembling"
cp "$src/testdata/go/126-web-1.trace" go || exit 99
cp "$src/testdata/go/126-cpu-1.trace" cpu || exit 99
cp "$src/testdata/go/126-user-1.trace" user || exit 99

# sum FILE: of folded stacks.
sum() { awk '{ n += $NF } END { printf "%d", n }' "$1"; }

for t in ours go cpu; do
	# Each type has something in it; of Go's traces, all have together.
	for type in $types; do
		"$pprof" $type --folded $t >$type.time && "$pprof" $type --folded --sample count $t >$type.count || fail "$type of $t"
		case "$t $type" in
		'go cpu' | 'cpu net' | 'cpu mutex') continue ;;
		esac
		[ "$(sum $type.count)" -gt 0 ] && [ "$(sum $type.time)" -gt 0 ] || fail "nothing in $type of $t"
	done
	# CPU samples and the time in known states are what trace-stat says.
	"$bin/trace-stat" --json $t >stat || fail "trace-stat of $t"
	tr -d ' \n' <stat >flat
	samples=$(sed 's/.*"cpu_samples":\([0-9]*\).*/\1/' flat)
	[ "$(sum cpu.count)" = "$samples" ] || fail "cpu of $t: $(sum cpu.count), not $samples"
	[ "$samples" -eq 0 ] || [ $(($(sum cpu.time) / samples * samples)) = "$(sum cpu.time)" ] ||
		fail "cpu of $t: not one period for each sample"
	known=$(sed 's/.*"goroutine_states":{//; s/}}.*//' flat | tr '}' '\n' | sed 's/,*\("[A-Za-z]*"\):{"ns":\([0-9]*\),.*/\1 \2/' |
		awk '$1 != "\"Undetermined\"" { n += $2 } END { printf "%d", n }')
	[ "$(sum wall.time)" = "$known" ] || fail "wall of $t: $(sum wall.time), not $known"
	# Alone, where most events are passed over, and with a filter that takes all, where none is, and with all others.
	for type in $types; do
		"$pprof" $type --folded --goroutine 0.. $t | cmp -s - $type.time || fail "$type of $t: other times if everything is looked at"
		"$pprof" $type --folded --goroutine 0.. --sample count $t | cmp -s - $type.count ||
			fail "$type of $t: other counts if everything is looked at"
		"$pprof" $type --label none -n 0 --top $t
		[ $type = wall ] || echo
	done >alone
	"$pprof" $(echo $types | tr ' ' ,) --label none -n 0 --top $t | cmp - alone || fail "types of $t side by side"
	# Where it comes from and where it goes to.
	"$pprof" sync -o file $t && gzip -t file || fail "-o of $t"
	"$pprof" sync -o - $t | cmp -s - file || fail "-o - of $t"
	"$pprof" sync -o - - <$t | cmp -s - file || fail "$t from standard input"
	cat $t | "$pprof" sync -o - - | cmp -s - file || fail "$t from a pipe"
	"$pprof" sync -o - -- $t | cmp -s - file || fail "$t behind --"
	for n in 1 2 4; do
		"$pprof" sync -o - --threads $n $t | cmp -s - file || fail "$t with $n threads"
	done
	"$pprof" sync --output=- $t | cmp -s - file || fail "--output of $t"
	"$pprof" sync --folded - <$t | cmp -s - sync.time || fail "--folded of $t from standard input"
	"$pprof" sync --folded -o folded --svg svg --top $t >top && cmp -s folded sync.time && grep -q '<svg' svg &&
		grep -q '^sync: ' top || fail "a file, a graph and a table of $t at once"
	# A graph of counts, and one of time.
	for what in count time; do
		"$pprof" sync --svg $what.svg --sample $what $t || fail "--svg --sample $what of $t"
	done
	cmp -s count.svg time.svg && fail "the same graph for counts and time of $t"
	tr '\n' ' ' <count.svg | grep -q "<title>all $(sum sync.count) contentions" || fail "no count of all in the graph of $t"
	# As many rows as were asked for: two lines stand above them.
	for n in 1 2; do
		[ "$("$pprof" wall -n $n $t | wc -l)" -eq $(($("$pprof" wall --rows=$n --top $t | wc -l))) ] || fail "--rows of $t"
	done
	[ $("$pprof" wall -n 2 $t | wc -l) -eq $(($("$pprof" wall -n 1 $t | wc -l) + 1)) ] || fail "-n of $t"
	# Merged: what is of both, whatever comes first; a difference from the other.
	"$pprof" sync --folded --sample count $t user | sort >merged
	"$pprof" sync --folded --sample count user $t | sort | cmp -s - merged || fail "$t and user in the other order"
	"$pprof" sync --folded --sample count user >other
	[ "$(sum merged)" = $(($(sum sync.count) + $(sum other))) ] || fail "$t and user merged"
	"$pprof" sync --folded --sample count $t --base user >less
	[ "$(sum less)" = $(($(sum sync.count) - $(sum other))) ] || fail "$t without user"
done

# Intervals that begin at one stack, and are not alike: by hand.
"$bin/trace-print" --assemble "$src/testdata/stays-alike.txt" >alike || fail "assembling what is alike"
for expect in net=wait\ 700 sync=wait\ 3400 syscall= sched=wake\ 600; do
	[ "$("$pprof" ${expect%%=*} --folded alike)" = "${expect#*=}" ] || fail "$expect of what is alike"
done

[ -n "${GO:-}" ] || exit $bad
raw() { "$pprof" "$@" -o p.gz && "$GO" tool pprof -raw p.gz 2>/dev/null; }

# Labels: what each is where it is asked for, and nothing else.  Ours, then Go's.
labels()
{
	raw "$1" --label $2 $3 | grep -Eq "^ *$2:\\[$4\\]$" || fail "no $2 of $4 in $1 of $3"
}
labels sync state ours Waiting
labels sync reason ours sync
labels sync goroutine ours 3
labels cpu thread ours 2
labels cpu task ours search
labels cpu region ours scan
labels sync lock ours 16
labels sync state go Waiting
labels sync reason go 'chan receive'
labels sched goroutine go '[1-9][0-9]*'
labels cpu thread cpu '[1-9][0-9]*'
labels wall task user '.*'
labels wall region user '.*'
# In the region it waits for 400 and 1000, outside for 2000.
raw sync --label region alike | grep -v '^ *region' >values
grep -q '^ *2 *1400: ' values && grep -q '^ *1 *2000: ' values || fail "a wait in a region, and one outside, are one"
raw sync --label lock go | grep -q 'lock:' && fail "a lock in Go's trace"
exit $bad
