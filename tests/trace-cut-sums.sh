#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# What trace-stat says of consecutive slices adds up, to the nanosecond and the event, to what it says of the whole: traces of Go
# programs and of ours are cut at random places, and into equal parts.  ROUNDS is how often each, SEED where, TRACES names some of testdata/go.
#
# Functions of goroutines may become known late in a trace; slices that are cut together know, so there they add up, too.
set -u
src=$(cd "${top_srcdir:-.}" && pwd)
bin=$(cd "${top_builddir:-.}" && pwd)
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
LC_ALL=C
export LC_ALL
bad=0
fail() { echo "FAIL: $*"; bad=1; }

# Every figure that adds up, a line "SECTION ROW FIGURE VALUE" each, tabs between; 0 is as good as nothing.
cat >figures.awk <<'EOF'
BEGIN { OFS = "\t" }
function put(section, row, key, value) { if (value + 0) print section, row, key, value }
/^  "/ {
	section = $1
	gsub(/[":]/, "", section)
	if (section ~ /^(events|duration_ns|gc_cycles|regions|logs|cpu_samples)$/)
		put(section, "", "", $2)
}
section ~ /^(wire_events|wire_bytes|process|latency|utilization|waits|rows|longest_waits|timeline)$/ { next }
section == "kinds" && /^    "/ { put(section, $1, "", $2) }
/^(    ".*|  "(syscalls|scheduling|blocked)"): [{]/ {
	row = $0
	sub(/: [{]"[a-zA-Z_0-9]*": [0-9-].*/, "", row)
	rest = substr($0, length(row) + 1)
	while (match(rest, /"[A-Za-z_0-9]*": -?[0-9]+/)) {
		split(substr(rest, RSTART, RLENGTH), pair, ": ")
		rest = substr(rest, RSTART + RLENGTH)
		gsub(/"/, "", pair[1])
		if (pair[1] ~ /^(ns|count|entered|begun|ended|[a-z]*_count|Undetermined|Runnable|Running|Syscall|Waiting)$/)
			put(section, row, pair[1], pair[2])
	}
}
EOF
# figures TRACE...
figures()
{
	for f in "$@"; do
		"$bin/trace-stat" --json "$f" >json || fail "trace-stat $f"
		awk -f figures.awk json
	done | awk -F '\t' '{ sum[$1 FS $2 FS $3] += $4 } END { for (k in sum) printf "%s\t%.0f\n", k, sum[k] }' | sort
}
# The same by WHAT: the table's columns of time and of numbers.
figures_by()
{
	what=$1
	shift
	for f in "$@"; do
		"$bin/trace-stat" --csv --by "$what" --top 0 "$f" >csv || fail "trace-stat --by $what $f"
		# Names with commas are of no use here.
		grep -v '"' csv | awk -F, -v OFS='\t' '
			NR == 1 { for (i = 2; i <= NF; i++) if ($i ~ /(count|ns)$/ && $i !~ /_(p50|p90|p99|max)_|^(p50|p90|p99|max)_/ ||
				$i ~ /^(begun|ended)$/) wanted[i] = $i; else if ($i == "state") state = i; next }
			{ for (i in wanted) if ($i + 0) print $1 "/" (state ? $state : ""), wanted[i], "", $i }'
	done | awk -F '\t' '{ sum[$1 FS $2] += $4 } END { for (k in sum) printf "%s\t%.0f\n", k, sum[k] }' | sort
}
# equal WHAT: whole and parts.
equal()
{
	[ -s whole ] || fail "$1: no figures"
	cmp -s whole parts || { fail "$1 does not add up (the whole, the parts):"; diff whole parts | head -n 6; }
}

seed=${SEED:-1}
random() { seed=$(((seed * 1103515245 + 12345) % 2147483648)); number=$((seed / 8 % $1)); }

for t in locks-named locks-unnamed; do
	"$bin/trace-print" --assemble "$src/testdata/$t.txt" >$t.trace || fail "assembling $t"
done
traces="locks-named.trace locks-unnamed.trace"
for t in ${TRACES:-122-cgo-1 122-flight-2 122-syscall-1 123-gc-1 123-user-1 125-procs-1 126-cgo-1 126-flight-3 126-user-1}; do
	[ ! -e "$src/testdata/go/$t.trace" ] || traces="$traces $src/testdata/go/$t.trace"
done
# What our runtime records now; the largest of it.
if [ -x "$bin/stress-rt" ] && mkdir own && RTMAXPROCS=3 timeout 120 "$bin/stress-rt" own 1 100 >log 2>&1; then
	traces="$traces $(ls -S own/*.trace | head -n 1 | tr '\n' ' ')"
fi
sums=0
by=0
for t in $traces; do
	name=${t##*/}
	figures "$t" >all
	start=$(awk '/^  "start_ns"/ { printf "%.0f", $2 }' json)
	length=$(awk '/^  "duration_ns"/ { printf "%.0f", $2 }' json)
	[ "$length" -gt 20 ] || { fail "$name takes $length ns"; continue; }
	for round in $(seq "${ROUNDS:-1}"); do
		# At random places.
		random 9
		n=$((number + 1))
		i=0
		: >points
		while [ $i -lt $n ]; do
			random "$((length < 1073741824 ? length : 1073741824))"
			echo $((start + 1 + number * (length > 1073741824 ? length / 1073741824 : 1))) >>points
			i=$((i + 1))
		done
		rm -f part-*
		from=
		part=100
		for to in $(sort -nu points) ''; do
			# shellcheck disable=SC2086
			"$bin/trace-cut" -o part-$part ${from:+--from @$from} ${to:+--to @$to} "$t" || fail "cutting $name at $from to $to"
			from=$to
			part=$((part + 1))
		done
		grep -v '^functions' all >whole
		figures part-* | grep -v '^functions' >parts
		equal "$name cut at $(sort -nu points | tr '\n' ' ')"
		# In parts, of a number and of a size.
		for how in $((n + 1)) 16K; do
			rm -f part-*
			"$bin/trace-cut" -o part --split $how "$t" || fail "cutting $name in $how"
			cp all whole
			figures part-* >parts
			equal "$name in parts of $how"
			sums=$((sums + $(wc -l <whole)))
		done
	done
	# By other things, in the last parts.
	for what in goroutine reason thread proc task region; do
		figures_by $what "$t" >whole
		[ -s whole ] || continue
		figures_by $what part-* >parts
		equal "$name by $what"
		by=$((by + $(wc -l <whole)))
	done
done
echo "$sums sums, $by by something"
[ $sums -gt 500 ] && [ $by -gt 500 ] || fail "only $sums and $by sums were compared"
exit $bad
