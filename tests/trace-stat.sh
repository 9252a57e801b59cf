#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Everything that trace-stat offers, on traces of Go programs, on one of ours, and on made ones.
set -u
src=$(cd "${top_srcdir:-.}" && pwd)
bin=$(cd "${top_builddir:-.}" && pwd)
stat=$bin/trace-stat
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
LC_ALL=C COLUMNS=100
export LC_ALL COLUMNS
bad=0
fail() { echo "FAIL: $*"; bad=1; }

"$bin/trace-print" --assemble "$src/testdata/locks-named.txt" >ours || exit 1
go126=$src/testdata/go/126-all-1.trace
go123=$src/testdata/go/123-web-1.trace
go122=$src/testdata/go/122-user-1.trace

# usage ARGUMENTS...: ends with 2.
usage()
{
	"$stat" "$@" >out 2>err </dev/null
	[ $? -eq 2 ] || fail "trace-stat $* is no wrong usage"
	grep -q "^trace-stat: " err || fail "trace-stat $* says nothing"
}

# csv ARGUMENTS...: to the file csv, without carriage returns.
csv()
{
	"$stat" "$@" >raw || fail "trace-stat $*"
	[ "$(grep -c . raw)" -eq "$(grep -c "$(printf '\r')\$" raw)" ] || fail "trace-stat $*: lines do not end as RFC 4180 has it"
	tr -d '\r' <raw >csv
}

# column NAME [PATTERN]: a column of csv, whose texts have no commas; only lines that match.
column()
{
	awk -F, -v name="$1" -v pattern="${2:-}" '
		NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i; if (!c) print "no column " name; next }
		$0 ~ pattern { print $c }' csv
}
sum() { column "$@" | awk '{ s += $1 } END { printf "%.0f\n", s }'; }

# equal A B WHAT
equal() { [ "$1" = "$2" ] || fail "$3: $1, not $2"; }

# documented TABLE: the man page has the columns of csv.
documented()
{
	for name in $(sed -n 1p csv | tr , ' '); do
		case $name in
		# These are built of a state and a figure, which are told apart.
		running_* | runnable_* | syscall_* | waiting_* | undetermined_*) continue ;;
		esac
		tr '\n' ' ' <"$src/man/trace-stat.1" | grep -q "[ (]$name[ ,.)]" ||
			fail "the man page does not know the column $name of $1"
	done
}
for table in trace state function reason latency utilization range task region wait sample event goroutine thread proc generation; do
	csv --csv=$table ours
	documented $table
	[ "$(wc -l <csv)" -gt 1 ] || [ $table = range ] || fail "--csv=$table has no rows"
done

for trace in ours "$go126" "$go123" "$go122"; do
	t=${trace##*/}
	# All groupings share out the same time.
	csv --csv=state "$trace"
	for state in Running Runnable Syscall Waiting; do
		eval "$state=\$(sum ns goroutine,$state,)"
	done
	for by in function goroutine generation task region; do
		csv --by $by --csv "$trace"
		for state in Running Runnable Syscall Waiting; do
			eval "want=\$$state"
			equal "$(sum "$(echo $state | tr A-Z a-z)_ns")" "$want" "$t: $state by $by"
		done
	done
	for by in thread proc; do
		csv --by $by --csv "$trace"
		equal "$(sum running_ns)" "$Running" "$t: Running by $by"
		equal "$(sum syscall_ns)" "$Syscall" "$t: Syscall by $by"
	done
	csv --by reason --csv "$trace"
	equal "$(sum ns ,Waiting,)" "$Waiting" "$t: Waiting by reason"
	equal "$(sum ns ,Runnable,)" "$Runnable" "$t: Runnable by reason"
	csv --csv=latency "$trace"
	scheduled=$(sum count scheduling)
	csv --by reason --csv "$trace"
	equal "$(sum count ,Runnable,)" "$scheduled" "$t: the histogram of scheduling"
	# The goroutines' level over time is their time running.
	csv --csv=utilization "$trace"
	awk -F, -v want="$Running" 'NR > 1 { s += $2 * $3 } END { exit !(s > want * 0.999 && s < want * 1.001) }' csv ||
		fail "$t: the levels over time do not make up the time"
	# The footprint is the file.
	csv --csv=event "$trace"
	equal "$(($(sum bytes) + 16))" "$(wc -c <"$trace" | tr -d ' ')" "$t: bytes by event"

	# Sorting, the number of rows, and both in text.
	csv --by goroutine --csv --sort runnable_p99 "$trace"
	column runnable_p99_ns >sorted
	grep . sorted | sort -c -n -r 2>/dev/null || fail "$t: --sort runnable_p99"
	csv --by function --csv --sort name "$trace"
	column function | sort -c || fail "$t: --sort name"
	csv --by goroutine --csv --top 1 "$trace"
	equal "$(wc -l <csv | tr -d ' ')" 2 "$t: rows with --top 1"
	"$stat" --by goroutine --top 1 "$trace" | grep -q '^  and [0-9]* more$' || fail "$t: --top 1 in text"
	# People see the column that a table is sorted by, and percentiles where there is room for them.
	"$stat" --by function --sort running_p90 "$trace" | grep -q '^  count .* run p90 ' || fail "$t: the sorted column is not shown"
	COLUMNS=60 "$stat" "$trace" | grep -q '^  count  running  runnable  syscall  waiting  function$' || fail "$t: a narrow table"
	"$stat" "$trace" | grep -q '^  count  running  runnable  sched p99  syscall  waiting  wait p99  function$' || fail "$t: a table"
	COLUMNS=120 "$stat" "$trace" | grep -q '^  count .*  sched p99  syscall  waiting  wait p50  wait p99  function$' ||
		fail "$t: a wide table"

	# One goroutine, one function: as in the whole.
	csv --by goroutine --csv "$trace"
	id=$(column goroutine | sed -n 1p)
	grep "^$id," csv >alone
	csv --by goroutine --csv --goroutine "$id" "$trace"
	sed 1d csv | cmp -s - alone || fail "$t: --goroutine $id"
	csv --by function --csv "$trace"
	name=$(column function | sed -n 1p)
	awk -F, -v name="$name" '$1 == name' csv >alone
	csv --by function --csv --function "^$(echo "$name" | sed 's/[].*()[]/\\&/g')\$" "$trace"
	awk -F, -v name="$name" '$1 == name' csv | cmp -s - alone || fail "$t: --function $name"
	equal "$(sum running_ns)" "$(cut -d, -f4 alone)" "$t: only --function $name"
	equal "$(wc -l <csv | tr -d ' ')" 2 "$t: rows with --function $name"

	# Stays that are longer than something, with those that last at the end: as they follow from the events.
	for state in Waiting Runnable Running Syscall; do
		csv --csv=state --where "$(echo $state | tr A-Z a-z) > 2us" "$trace"
		"$bin/trace-print" "$trace" | awk -v state=$state '
			function stay(g) { d = time - since[g]; if (is[g] == state && d > 2000) ns += d }
			NR == 1 { start = $1 }
			{ time = $1 }
			$2 == "StateTransition" && /res=Goroutine/ {
				split($6, id, /[()]/); split($7, from, "="); split($8, to, "="); g = id[2]
				if (!(g in is)) { is[g] = from[2]; since[g] = from[2] == "Undetermined" ? start : time }
				if (from[2] == to[2]) next
				stay(g); is[g] = to[2]; since[g] = time
			}
			END { for (g in is) stay(g); printf "%.0f\n", ns }' >want
		equal "$(sum ns "goroutine,$state,")" "$(cat want)" "$t: --where $state"
	done
	"$stat" --goroutine 123456789 "$trace" | grep -q '^  nothing ' || fail "$t: that nothing counts is not told"
	! "$stat" "$trace" | grep -q '^  nothing ' || fail "$t: everything counts, but is called nothing"

	# JSON says what CSV says; the rows of --by are sorted and cut off likewise.
	csv --csv=trace "$trace"
	"$stat" --json --by goroutine --sort waiting_max --top 2 "$trace" >json
	for name in bytes generations events start_ns duration_ns goroutines procs threads gc_cycles cpu_samples; do
		equal "$(sed -n "s/^  \"$name\": \([0-9]*\),\$/\1/p" json)" "$(column $name)" "$t: --json $name"
	done
	csv --csv --by goroutine --sort waiting_max --top 2 "$trace"
	sed -n '/^  "rows": /,$p' json | sed -n 's/.*{"goroutine": \([0-9]*\),.*/\1/p' >got
	column goroutine | cmp -s - got || fail "$t: rows in JSON: $(cat got)"
	"$stat" --json --by function "$trace" | grep -q '^  "by": "function",$' || fail "$t: --json --by function"
	! "$stat" --json "$trace" | grep -q '^  "by": ' || fail "$t: --json has rows that were not asked for"

	# Each table that has rows has its section, with what the largest one is called; each has the columns of the man page.
	COLUMNS=200 "$stat" --all "$trace" >text
	for section in 'state=Time by state' 'function=Goroutines, by' 'reason=Waiting and runnable' 'latency=Duration ' \
		'utilization=Over time' 'range=Collections, stopped worlds' 'task=Tasks' 'region=Regions' 'wait=Longest waits' \
		'sample=CPU samples' 'event=Events in the file'; do
		table=${section%%=*} heading=${section#*=}
		csv --csv=$table "$trace"
		if [ "$(wc -l <csv)" -gt 1 ]; then
			grep -q "^$heading" text || fail "$t: no section $heading"
		else
			! grep -q "^$heading" text || fail "$t: a section $heading of nothing"
		fi
		documented $table
		[ "$(wc -l <csv)" -gt 1 ] || continue
		case $table in
		function | range | task | region | sample | event)
			sed -n "/^$heading/,/^\$/p" text | grep -qF "  $(sed -n '2s/,.*//p' csv)" || fail "$t: $heading lacks $(sed -n 2p csv)" ;;
		esac
	done

	# Two windows make up the whole, and are what each says it is.
	csv --csv=state "$trace"
	sort csv >whole
	csv --csv=trace "$trace"
	middle=$(($(column start_ns) + $(column duration_ns) / 3))
	csv --csv=state --to @$middle "$trace"
	cp csv parts
	csv --csv=state --from @$middle "$trace"
	cat csv >>parts
	for state in Undetermined Runnable Running Syscall Waiting Idle; do
		for what in goroutine proc; do
			grep "^$what,$state," whole | awk -F, '{ print $3 + 0, $6 + 0 }' >want
			awk -F, -v what=$what -v state=$state '$1 == what && $2 == state { n++; ns += $3; e += $6 }
				END { if (n) printf "%.0f %.0f\n", ns, e }' parts >got
			cmp -s got want || [ ! -s want ] || fail "$t: $what $state in windows: $(cat got), not $(cat want)"
		done
	done
	"$stat" --from 1us --to 1ms "$trace" | grep -q 'a window from +1.00us' || fail "$t: a window is not told"

	# In the report: lines of the width asked for, no more than two screens of them, ASCII where that is all there is.
	"$stat" "$trace" >text
	[ "$(wc -l <text)" -le 110 ] || fail "$t: $(wc -l <text) lines"
	COLUMNS=70 "$stat" "$trace" | sed -n '/^Over time/,/^Longest/p' | awk 'length > 70 { exit 1 }' || fail "$t: wider than 70"
	LC_ALL=C.UTF-8 "$stat" "$trace" | grep -q '█' || fail "$t: no blocks in UTF-8"
	! grep -q '█' text || fail "$t: blocks in ASCII"
	[ "$("$stat" --all "$trace" | wc -l)" -ge "$(wc -l <text)" ] || fail "$t: --all is less"
done

# Conditions, in our trace: waits of 7, 11 and 4 microseconds, one system call of 3.
csv --csv=reason --where 'blocked > 5us' ours
equal "$(sum count)" 2 "waits longer than 5 us"
csv --csv=reason --where 'blocked(network) > 1us or syscall > 1us' ours
equal "$(sum ns)" 4000 "waits for the network"
csv --csv=state --where 'blocked(network) > 1us or syscall > 1us' ours
equal "$(column ns goroutine,Syscall)" 3000 "system calls"

# The longest waits with both stacks.
csv --csv=wait ours
sed -n 2p csv | grep -q '^11000,4000,3,worker,sync,exrt_mutex_lock:70 < worker:33,2,exrt_mutex_unlock:90 < worker:36$' ||
	{ fail "the longest wait"; cat csv; }

# Several: a row each and one of all, in every form.
csv --csv=trace ours "$go126" "$go123"
equal "$(wc -l <csv | tr -d ' ')" 5 "rows of several traces"
equal "$(column events '^[(]all[)]')" "$(($(sum events) / 2))" "events of several traces"
csv --csv=function ours "$go126"
all=$(sum running_ns)
csv --csv=function ours
one=$(sum running_ns)
csv --csv=function "$go126"
equal "$all" "$(($(sum running_ns) + one))" "time of merged functions"
"$stat" --json ours "$go126" >out
[ "$(grep -c '"file"' out)" -eq 2 ] && [ "$(grep -c '"merged": 2' out)" -eq 1 ] || fail "--json of several traces"
# Ids that traces share are one row, with the function if it is the same; generations are as long as both together.
cp ours same
csv --by goroutine --csv ours
sed 1d csv | cut -d, -f 1,2 | sort >want
csv --by goroutine --csv ours same
sed 1d csv | cut -d, -f 1,2 | sort | cmp -s - want || fail "functions of goroutines of two traces"
csv --by goroutine --csv ours "$go126"
equal "$(column function '^1,')" "(several)" "the function of two goroutines 1"
csv --by generation --csv ours
once=$(sum duration_ns)
starts=$(column start_ns)
csv --by generation --csv ours same
equal "$(sum duration_ns)" "$((2 * once))" "the length of generations of two traces"
equal "$(column start_ns)" "$starts" "the start of generations of two traces"
"$stat" ours "$go126" >out
[ "$(sed -n 1p out)" = Traces ] && grep -q '^all together$' out || fail "text of several traces"
"$stat" ours missing >out 2>err
[ $? -eq 1 ] && grep -q '^trace-stat: missing: ' err && grep -q 'ours$' out || fail "one of several traces is missing"

# What differs: nothing between two runs that do the same; waits that are twice as long, and their number a second.
"$bin/stat-trace" waits 4000 10000 1 >a && "$bin/stat-trace" waits 4000 10000 2 >b && "$bin/stat-trace" waits 4000 20000 3 >c || exit 1
"$stat" --diff a b | grep -q '^0 changed, [1-9][0-9]* did not' || { fail "a difference where there is none"; "$stat" --diff a b; }
csv --diff --csv --all a c
equal "$(column verdict '^sync,waiting,')" "longer and less often" "waits of twice the time"
awk -F, '/^sync,waiting,/ { exit !($12 > 0.85 && $13 < 0.001) }' csv || { fail "effect and probability"; cat csv; }
csv --diff --csv --all c a
equal "$(column verdict '^sync,waiting,')" "shorter and more often" "waits of half the time"
"$stat" --diff --json a c >out && grep -q '"verdict": "longer and less often"' out || fail "--diff --json"
for pair in "$go126 $go126" "ours ours" "$go123 $go123"; do
	# shellcheck disable=SC2086
	"$stat" --diff $pair | grep -q '^0 changed' || fail "$pair differ"
done
# A Go trace and one of ours have what the other has not.
csv --diff --csv "$src/testdata/go/122-gc-1.trace" "$src/testdata/go/122-many-1.trace"
equal "$(column verdict '^chan send,waiting,')" "only in the second" "waits in one Go trace only"
csv --diff --csv ours a
equal "$(column verdict '^main,waiting of,')" "only in the second" "waits in one of ours only"
usage --diff ours
usage --diff --by function a b
usage --diff --csv=reason a b
usage --diff --sort nonsense a b

# Names without number are counted together: in how many rows, and in how much memory.
"$bin/stat-trace" names 12000 >some || exit 1
csv --csv=region some
equal "$(wc -l <csv | tr -d ' ')" 10002 "rows of 12,000 regions"
equal "$(column count '^[(]other[)]')" 2000 "regions in (other)"
equal "$(sum count)" 12000 "all regions"
csv --csv=function some
equal "$(sum goroutines)" 12001 "all goroutines"
csv --by goroutine --csv some
equal "$(wc -l <csv | tr -d ' ')" 10002 "rows of 12,001 goroutines"
equal "$(sum running_count)" "$((12000 * 2 + 1))" "all runs"
"$bin/stat-trace" names 600000 >million || exit 1
# A sanitizer's shadow is terabytes of address space by itself.
[ -n "${SANITIZERS:-}" ] || (ulimit -v 600000 && "$stat" million >out) || fail "600,000 names take too much memory"
rm -f million

# Whoever reads no further is not bothered.
"$stat" --by goroutine --csv some 2>err | head -1 >out
[ ! -s err ] || { fail "a closed pipe:"; cat err; }

usage --by nonsense ours
usage --csv=nonsense ours
usage --sort nonsense ours
usage --top x ours
usage --json --csv ours
usage --from yesterday ours
usage --function '(' ours
usage --where '5' ours
exit $bad
