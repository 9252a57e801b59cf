#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# trace-print-forms.sh - the other forms of trace-print's lines say what the usual one says: JSON, times, colours; and --follow
# prints a file that grows like one that is whole.  On Go traces, and on a recording of ours where the runtime is built.
print=$top_builddir/trace-print
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"; [ -z "${pid:-}" ] || kill $pid 2>/dev/null' EXIT
bad=0

complain() {
	echo "$*"
	bad=1
}

check() {
	trace=$1
	"$print" "$trace" >"$dir/all" || exit 1
	"$print" --json --stacks "$trace" >"$dir/json" || exit 1
	"$print" --stacks "$trace" >"$dir/stacks" || exit 1
	# The head of each line.
	sed 's/ \([gpm]\)=-1/ \1=null/g; s/ /\t/g' "$dir/all" | cut -f 1-5 >"$dir/want"
	sed 's/^{"time":\([0-9]*\),"kind":"\([A-Za-z]*\)","g":\([0-9a-z]*\),"p":\([0-9a-z]*\),"m":\([0-9a-z]*\),.*}$/\1\t\2\tg=\3\tp=\4\tm=\5/' \
		"$dir/json" >"$dir/got"
	cmp -s "$dir/want" "$dir/got" || complain "$trace: --json differs: $(diff "$dir/want" "$dir/got" | head -n 3)"
	# Transitions whole.
	grep -v 'reason=.*\\x' "$dir/all" | sed -n 's/.* StateTransition .*res=\([A-Za-z]*\)(\([0-9]*\)) from=\([A-Za-z]*\) to=\([A-Za-z]*\) reason=\([^ ]*\)$/\L\1\E \2 \3 \4 \5/p' >"$dir/want"
	sed -n 's/.*"kind":"StateTransition".*,"\([a-z]*\)":\([0-9]*\),"from":"\([A-Za-z]*\)","to":"\([A-Za-z]*\)","reason":"\([^"]*\)".*/\1 \2 \3 \4 \5/p' \
		"$dir/json" | grep -v '[^ ]* [0-9]* [A-Za-z]* [A-Za-z]* .* ' >"$dir/got"
	cmp -s "$dir/want" "$dir/got" || complain "$trace: --json transitions: $(diff "$dir/want" "$dir/got" | head -n 3)"
	# Every line is JSON, for somebody who knows.
	if command -v python3 >/dev/null; then
		python3 -c 'import json, sys
for line in open(sys.argv[1], encoding="utf-8"): json.loads(line)' "$dir/json" || complain "$trace: --json is not"
	fi

	# Stacks as text say the same as those in JSON.
	"$print" --stacks "$trace" | sed 's/.* stack=//; s/ tstack=/ /' | awk '
		function frames(s,  n, i, f, out) {
			n = s == "-" ? 0 : split(s, f, ";")
			for (i = 1; i <= n; i++) { sub(/:.*/, "", f[i]); out = out " 0x" f[i] }
			return out
		}
		{ print frames($1) " /" frames($2) }' >"$dir/want"
	sed 's/.*"stack":\[//; s/"tstack":\[/\n\//' "$dir/json" | awk '
		{ out = ""; s = $0
		  while (match(s, /"pc":"0x[0-9a-f]*"/)) { out = out " " substr(s, RSTART + 6, RLENGTH - 7); s = substr(s, RSTART + RLENGTH) } }
		/^\// { print first " /" out; next }
		{ first = out }' >"$dir/got"
	grep -q 0x "$dir/want" && cmp -s "$dir/want" "$dir/got" || complain "$trace: stacks differ: $(diff "$dir/want" "$dir/got" | head -n 3)"
	# What is raw comes back: byte by byte once it is written in the shortest way, and as the same events.
	"$print" --raw "$trace" | "$print" --assemble -o "$dir/back" - || complain "$trace: --assemble of --raw"
	"$print" --stacks "$dir/back" | cmp -s - "$dir/stacks" || complain "$trace: other events after --raw and --assemble"
	"$print" --raw "$dir/back" | "$print" --assemble - | cmp -s - "$dir/back" || complain "$trace: --raw and --assemble of the shortest"
	"$print" --threads 3 --stacks -o "$dir/file" "$trace" && cmp -s "$dir/file" "$dir/stacks" || complain "$trace: three threads, into a file"

	"$print" --time=relative "$trace" | awk '{ print $1 }' >"$dir/got"
	awk 'NR == 1 { start = $1 } { d = $1 - start; printf "%d.%09d\n", d / 1000000000, d % 1000000000 }' "$dir/all" >"$dir/want"
	cmp -s "$dir/want" "$dir/got" || complain "$trace: --time=relative: $(diff "$dir/want" "$dir/got" | head -n 3)"

	"$print" --color=always "$trace" | sed "s/$(printf '\033')\[[0-9]*m//g" | cmp -s - "$dir/all" || complain "$trace: more than colours changed"
	"$print" --color=always "$trace" | grep -q "$(printf '\033')\[31mStateTransition" || complain "$trace: no colours"
	"$print" --color=auto "$trace" | cmp -s - "$dir/all" || complain "$trace: colours in a pipe"
}

# The wall time of the first Sync, where the trace has a clock, is the snapshot's moved by how much earlier the Sync is.
wall() {
	want=$("$print" "$1" | sed -n '1s/^\([0-9]*\) .* trace=\([0-9]*\) .* wall=\([0-9]*\)\.\([0-9]*\).*/\1 \2 \3 \4/p' |
		awk '{ d = $2 - $1; ns = $4 - d % 1000000000; s = $3 - int(d / 1000000000); if (ns < 0) { ns += 1000000000; s-- }
			printf "%d.%09d", s, ns }')
	got=$("$print" --time=wall "$1" | head -n 1 | cut -d ' ' -f 1)
	[ "$(date -u -d "@$want" +%Y-%m-%dT%H:%M:%S.%NZ)" = "$got" ] || complain "$1: --time=wall says $got, the clock $want"
}

# Grows $dir/growing from a part, $2 bytes or half, to the whole once what is whole in that part has been printed.
follow() {
	trace=$1
	part=${2:-$(($(wc -c <"$trace") / 2))}
	"$print" "$trace" >"$dir/all" || exit 1
	head -c "$part" "$trace" >"$dir/growing"
	: >"$dir/got"
	exec 3>>"$dir/growing"
	"$print" --follow "$dir/growing" >"$dir/got" 2>"$dir/err" 3>&- &
	pid=$!
	# The first generation is whole and comes out before the rest is there; patience only bounds a failure.
	patience=600
	while ! [ -s "$dir/got" ] && [ $patience -gt 0 ]; do
		sleep 0.05
		patience=$((patience - 1))
	done
	[ -s "$dir/got" ] || complain "--follow $trace: nothing until the file was whole"
	tail -c +$((part + 1)) "$trace" >&3
	exec 3>&-
	wait $pid || complain "--follow $trace: $(cat "$dir/err")"
	pid=
	cmp -s "$dir/all" "$dir/got" || complain "--follow $trace: $(wc -l <"$dir/got") lines, $(wc -l <"$dir/all") expected"
}

check "$top_srcdir/testdata/go/123-all-1.trace"
check "$top_srcdir/testdata/go/126-all-1.trace"
wall "$top_srcdir/testdata/go/126-all-1.trace"
follow "$top_srcdir/testdata/go/126-user-1.trace"
follow "$top_srcdir/testdata/go/122-user-1.trace"
# One of ours, of two generations.
"$print" --assemble -o "$dir/named" "$top_srcdir/testdata/locks-named.txt" || exit 1
follow "$dir/named" $(($(wc -c <"$dir/named") - 600))

# Strings with bytes that are no text.
sed '1,/^-- trace --/d' "$top_srcdir/testdata/every-event-126.test" | "$print" --assemble -o "$dir/odd" - || exit 1
check "$dir/odd"

"$print" --time=wall "$top_srcdir/testdata/go/123-all-1.trace" >"$dir/got" 2>"$dir/err" && complain "--time=wall without a clock"
grep -q 'does not tell wall time' "$dir/err" || complain "--time=wall without a clock says: $(cat "$dir/err")"

# Colours on a terminal, not where NO_COLOR is set, TERM is dumb or they are refused.
if command -v script >/dev/null && script -qefc true "$dir/typed" >/dev/null 2>&1 </dev/null; then
	coloured() {
		want=$1
		shift
		script -qefc "env $* '$print' $options '$top_srcdir/testdata/go/123-user-1.trace'" "$dir/typed" >/dev/null 2>&1 </dev/null ||
			complain "trace-print on a terminal"
		got=no
		! grep -q "$(printf '\033')\[31mStateTransition" "$dir/typed" || got=yes
		[ $got = "$want" ] || complain "colours on a terminal with $* $options: $got"
	}
	options=
	coloured yes -u NO_COLOR TERM=xterm
	coloured yes NO_COLOR= TERM=xterm
	coloured no NO_COLOR=1 TERM=xterm
	coloured no -u NO_COLOR TERM=dumb
	options=--color=never
	coloured no -u NO_COLOR TERM=xterm
	options=--color=always
	coloured yes NO_COLOR=1 TERM=dumb
fi

if [ -x "$top_builddir/examples/pargrep" ]; then
	"$top_builddir/trace-record" -o "$dir/ours" -- "$top_builddir/examples/pargrep" -c main "$top_srcdir/tools" >/dev/null 2>"$dir/err" ||
		complain "$(cat "$dir/err")"
	check "$dir/ours"
	wall "$dir/ours"
	# Frames of ours have names.
	grep -q ':exrt_read:[^ ]*:work:' "$dir/stacks" || complain "no stack of a read in a worker"
fi
exit $bad
