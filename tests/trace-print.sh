#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# trace-print.sh - the command's manners: options, exit codes, messages, output files.  What it prints is cases.sh's matter.
print=$top_builddir/trace-print
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
bad=0

# expect STATUS ERROR COMMAND...: exit status, and an extended regular expression for all of standard error
expect() {
	status=$1 pattern=$2
	shift 2
	"$@" >"$dir/out" 2>"$dir/err" </dev/null
	got=$?
	[ $got -eq "$status" ] || { echo "$*: exit $got, not $status"; bad=$((bad + 1)); }
	tr '\n' ' ' <"$dir/err" | grep -Eqx "$pattern ?" || [ -z "$pattern$(cat "$dir/err")" ] || {
		echo "$*: says \"$(cat "$dir/err")\", not \"$pattern\""
		bad=$((bad + 1))
	}
}

same() {
	cmp "$1" "$2" || { echo "$3"; bad=$((bad + 1)); }
}

text() {
	sed '1,/^-- trace --/d' "$top_srcdir/testdata/$1.test"
}

text every-event-126 >"$dir/good.txt"
text deadlock-122 >"$dir/broken.txt"
expect 0 "" "$print" --assemble -o "$dir/good" "$dir/good.txt"
expect 0 "" "$print" --assemble --output="$dir/broken" "$dir/broken.txt"

expect 0 "" "$print" --help
grep -q "^Usage: trace-print" "$dir/out" || { echo "--help without usage"; bad=$((bad + 1)); }
expect 0 "" "$print" --version
grep -Eq "^trace-print \(exectrace\) [0-9.]+$" "$dir/out" || { echo "--version: $(cat "$dir/out")"; bad=$((bad + 1)); }

try="Try 'trace-print --help'\."
expect 2 "trace-print: which trace\? $try" "$print"
expect 2 "trace-print: one trace at a time $try" "$print" a b
expect 2 "trace-print: unrecognized option '--nonsense' $try" "$print" --nonsense "$dir/good"
expect 2 "trace-print: --raw and --assemble exclude each other $try" "$print" --raw --assemble "$dir/good"
expect 2 "trace-print: --stacks, --json, --time, --follow and filters go with neither --raw nor --assemble $try" "$print" --raw --stacks "$dir/good"

# What cannot be opened, and what is no trace.
: >"$dir/empty"
echo "this is no trace at all" >"$dir/notrace"
for mode in "" --raw; do
	expect 1 "trace-print: $dir/missing: offset 0: No such file or directory" "$print" $mode "$dir/missing"
	expect 1 "trace-print: $dir: offset 0: Is a directory" "$print" $mode "$dir"
	expect 1 "trace-print: $dir/empty: offset 0: the trace is empty" "$print" $mode "$dir/empty"
	expect 1 "trace-print: $dir/notrace: offset 0: not an execution trace but text: \"this is no trace at all\"" "$print" $mode "$dir/notrace"
	# Nothing whole, so no output file.
	expect 1 "trace-print: $dir/empty: offset 0: the trace is empty" "$print" $mode -o "$dir/none" "$dir/empty"
	[ ! -e "$dir/none" ] || { echo "an output file of nothing"; bad=$((bad + 1)); }
done
expect 1 "trace-print: $dir/missing: No such file or directory" "$print" --assemble "$dir/missing"

# A broken trace: the whole lines, then the error; also into a file.
"$print" "$dir/broken" >"$dir/lines" 2>/dev/null
[ "$(wc -l <"$dir/lines")" -eq 3 ] || { echo "other lines of a broken trace: $(cat "$dir/lines")"; bad=$((bad + 1)); }
expect 1 "trace-print: $dir/broken: offset 49: generation 1: no thread's next event can follow;.*" \
	"$print" -o "$dir/lines2" "$dir/broken"
same "$dir/lines" "$dir/lines2" "other lines in a file"

# Output files keep their mode when replaced, follow links, and nothing else is left in the folder.
mkdir "$dir/o"
"$print" "$dir/good" >"$dir/lines"
echo old >"$dir/o/target"
chmod 640 "$dir/o/target"
ln -s target "$dir/o/link"
expect 0 "" "$print" -o "$dir/o/link" "$dir/good"
same "$dir/lines" "$dir/o/target" "a link is not followed"
[ "$(stat -c %a "$dir/o/target")" = 640 ] || { echo "the mode changed"; bad=$((bad + 1)); }
expect 1 "trace-print: $dir/broken.txt: line 3: \"size=6\" where the argument time=NUMBER belongs" sh -c "
	sed 's/ time=1 / /' '$dir/broken.txt' >'$dir/bad.txt'
	cp '$dir/bad.txt' '$dir/broken.txt'
	exec '$print' --assemble -o '$dir/o/none' '$dir/broken.txt'"
[ "$(ls "$dir/o" | tr '\n' ' ')" = "link target " ] || { echo "left behind: $(ls "$dir/o")"; bad=$((bad + 1)); }
expect 1 "trace-print: $dir/no/such: No such file or directory" "$print" -o "$dir/no/such" "$dir/good"
"$print" -o - "$dir/good" | cmp - "$dir/lines" || { echo "-o - is not standard output"; bad=$((bad + 1)); }
if [ -w /dev/full ]; then
	expect 1 "trace-print: /dev/full: No space left on device" "$print" -o /dev/full "$dir/good"
	expect 1 "trace-print: standard output: No space left on device" sh -c "exec '$print' '$dir/good' >/dev/full"
fi

# A reader that goes away is no reason to complain.
i=0
while [ $i -lt 200 ]; do cat "$dir/lines"; i=$((i + 1)); done >"$dir/long"
"$print" --stacks "$dir/good" 2>"$dir/err" | true
[ ! -s "$dir/err" ] || { echo "a closed pipe: $(cat "$dir/err")"; bad=$((bad + 1)); }

# Raw text: comments, white space, Go's other quotes; errors name the line.
printf '# comment\n\n  Trace   Go1.26 # v\n\tEventBatch gen=1 m=2 time=3 size=4\nString id=1\n # here too\n data = `x"y` # z\n' >"$dir/odd.txt"
expect 0 "" "$print" --assemble -o "$dir/odd" "$dir/odd.txt"
"$print" --raw "$dir/odd" >"$dir/odd.raw"
printf 'Trace Go1.26\nEventBatch gen=1 m=2 time=3 size=4\nString id=1\n\tdata="x\\"y"\n' | cmp - "$dir/odd.raw" || bad=$((bad + 1))
complains() {
	printf "$1" >"$dir/wrong.txt"
	expect 1 "trace-print: $dir/wrong.txt: line $2" "$print" --assemble "$dir/wrong.txt"
}
complains '' '1: the line "Trace Go1.NN" is missing'
complains 'Trace Go1.2x\n' '1: the version is no number of two digits'
complains 'Trace Go1.26\nGoStat dt=1\n' '2: no event is called "GoStat"'
complains 'Trace Go1.26\n\nGoStart dt=1 g_seq=1 g=2\n' '3: "g_seq=1" where the argument g=NUMBER belongs'
complains 'Trace Go1.26\nProcStop dt=18446744073709551616\n' '2: dt is not a number of 64 bits'
complains 'Trace Go1.26\nProcStop dt=-1\n' '2: dt is not a number of 64 bits'
complains 'Trace Go1.26\nProcStop dt=1 p=2\n' '2: "p=2" behind the last argument'
complains 'Trace Go1.26\nString id=1\n' '2: the text ends where data="..." belongs'
complains 'Trace Go1.26\nString id=1\ndata="\\q"\n' '3: no well-formed data="..."'
complains 'Trace Go1.26\nStack id=1 nframes=2\npc=1 func=2 file=3 line=4\n' '3: the text ends where frame 2 of 2 belongs'

[ $bad -eq 0 ]
