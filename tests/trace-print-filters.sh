#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# trace-print-filters.sh - what each filter takes is what the same rule, written in awk, takes of the whole dump: on a Go trace,
# and on a recording of ours where the runtime is built.
print=$top_builddir/trace-print
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
bad=0

# rule AWK FILTER...: the lines of the dump for which AWK is true, and trace-print with FILTER
rule() {
	awk_rule=$1
	shift
	awk "$awk_rule" "$dir/all" >"$dir/want"
	"$print" "$@" "$trace" >"$dir/got" 2>"$dir/err" || { echo "$trace: $*: $(cat "$dir/err")"; bad=1; }
	cmp -s "$dir/want" "$dir/got" || {
		echo "$trace: $*: $(wc -l <"$dir/got") lines, $(wc -l <"$dir/want") expected"
		diff "$dir/want" "$dir/got" | head -n 4
		bad=1
	}
}

refused() {
	"$print" "$@" "$trace" >"$dir/got" 2>"$dir/err"
	got=$?
	[ $got -eq 2 ] || { echo "$*: exit $got, not 2"; bad=1; }
}

check() {
	trace=$1
	"$print" "$trace" >"$dir/all" || exit 1
	g=$(awk '/from=Running to=Waiting/ { sub(/.*Goroutine\(/, ""); sub(/\).*/, ""); n[$0]++ }
		END { for (i in n) if (n[i] > most) { most = n[i]; g = i } print g }' "$dir/all")
	m=$(awk '{ sub("m=", "", $5); if ($5 != "-1") { print $5; exit } }' "$dir/all")
	lines=$(wc -l <"$dir/all")
	from=$(awk "NR == int($lines / 3) { print \$1 }" "$dir/all")
	to=$(awk "NR == int($lines / 2) { print \$1 }" "$dir/all")
	start=$(awk 'NR == 1 { print $1 }' "$dir/all")
	rule 1 --from 0
	rule "\$1 >= $from && \$1 < $to" --from "@$from" --to "@$to"
	rule "\$1 >= $from" --from "$((from - start))ns"
	rule "\$3 == \"g=$g\" || /=Goroutine\($g\)/" --goroutine "$g"
	rule "\$3 == \"g=$g\" || /=Goroutine\($g\)/ || \$3 == \"g=1\" || /=Goroutine\(1\)/" --goroutine "$g,1..1"
	rule "\$5 == \"m=$m\"" --thread "$m"
	rule '$4 == "p=0" || /=Proc\(0\)/' --proc 0
	rule '$2 == "Sync" || $2 == "RangeEnd"' --kind sync,RangeEnd
	rule "(\$3 == \"g=$g\" || /=Goroutine\($g\)/) && \$2 == \"StateTransition\"" --kind StateTransition --goroutine "$g"
	# An interval is as long as the goroutine was in the state before.
	rule '
		$2 != "StateTransition" || $6 !~ /Goroutine/ { next }
		{ split($6, id, /[()]/); split($7, f, "="); split($8, t, "="); long = id[2] in since ? $1 - since[id[2]] : -1 }
		f[2] != t[2] { since[id[2]] = $1 }
		f[2] == t[2] || f[2] == "NotExist" { if (!(id[2] in since)) since[id[2]] = f[2] == "Undetermined" ? start : $1; next }
		f[2] == "Waiting" && long > 20000' --where 'waiting > 20us'
	rule '$2 == "RangeEnd" && /name=stop-the-world/' --where stw
	refused --where 'waiting >'
	refused --function '('
	refused --goroutine x
	refused --goroutine 5..3
	refused --kind Nonsense
	refused --from yesterday
	refused --raw --goroutine 1
}

check "$top_srcdir/testdata/go/122-all-1.trace"
# The names of functions are in the stacks: the start function of each goroutine that is created in the trace.
"$print" --stacks "$trace" | awk '
	/from=NotExist to=Runnable/ { split($6, id, /[()]/); st = $NF; n = split(st, f, ";"); split(f[n], part, ":"); fn[id[2]] = part[2] }
	{ split($3, c, "="); split($0, r, /res=Goroutine\(|\)/); split($0, s, /scope=Goroutine\(|\)/)
	  if ((fn[c[2]] ~ /^main\./) || (/res=Goroutine/ && fn[r[2]] ~ /^main\./) || (/scope=Goroutine/ && fn[s[2]] ~ /^main\./)) print }
' >"$dir/want"
"$print" --stacks --function '^main\.' "$trace" | awk '
	/from=NotExist to=Runnable/ { split($6, id, /[()]/); made[id[2]] = 1 }
	{ split($3, c, "="); split($0, r, /res=Goroutine\(|\)/); split($0, s, /scope=Goroutine\(|\)/)
	  if (made[c[2]] || (/res=Goroutine/ && made[r[2]]) || (/scope=Goroutine/ && made[s[2]])) print }' >"$dir/got"
[ -s "$dir/want" ] || { echo "no goroutine of main"; bad=1; }
grep -vxFf "$dir/got" "$dir/want" >"$dir/missing" && { echo "--function lacks: $(head -n 2 "$dir/missing")"; bad=1; }

if [ -x "$top_builddir/examples/pargrep" ]; then
	"$top_builddir/trace-record" -o "$dir/ours" -- "$top_builddir/examples/pargrep" -c main "$top_srcdir/tools" >/dev/null 2>"$dir/err" ||
		{ cat "$dir/err"; bad=1; }
	check "$dir/ours"
	"$print" --function '^walk$' "$dir/ours" | grep -q 'type=walk' || { echo "--function walk has no region walk"; bad=1; }
	"$print" --function '^walk$' "$dir/ours" | grep -q 'type=work' && { echo "--function walk has regions of others"; bad=1; }
fi
exit $bad
