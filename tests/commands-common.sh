#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# commands-common.sh - what all five commands have in common: help, version, wrong usage, abbreviated options, - and --, -q and -v, full
# disks, closed pipes, output files that are whole or not there, and progress on a terminal.
set -u
src=$(cd "${top_srcdir:-.}" && pwd)
bin=$(cd "${top_builddir:-.}" && pwd)
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 99
bad=0
fail() { echo "FAIL: $*"; bad=1; }

# exits STATUS COMMAND...: with output in out and messages in err.
exits()
{
	want=$1
	shift
	"$@" >out 2>err </dev/null
	got=$?
	[ $got -eq "$want" ] || { fail "$* exits $got, not $want: $(cat err)"; return 1; }
}

readers="trace-stat trace-print trace-cut"
[ ! -x "$bin/trace-pprof" ] || readers="$readers trace-pprof"
all=$readers
[ ! -e "$bin/exectrace-pthread.so" ] && [ ! -e "$bin/.libs/exectrace-pthread.so" ] || all="$readers trace-record"

cp "$src/testdata/go/126-all-1.trace" good || exit 99

# Sets "$@" of work(): COMMAND's plainest work on a trace, with output to standard output.
plain='case $command in
	trace-cut) set -- "$bin/trace-cut" "$@" -o - ;;
	trace-pprof) set -- "$bin/trace-pprof" "$@" -o - sync ;;
	trace-record) set -- "$bin/trace-record" "$@" -o - ;;
	*) set -- "$bin/$command" "$@" ;;
	esac'
# work COMMAND TRACE [OPTION...]
work()
{
	command=$1 trace=$2
	shift 2
	eval "$plain"
	[ "$command" != trace-record ] || trace=true
	"$@" "$trace"
}

# into COMMAND TRACE OUT: the same into a file; trace-stat has no such option.  Replaces the shell.
into()
{
	case $1 in
	trace-cut | trace-print) exec "$bin/$1" -o "$3" "$2" ;;
	trace-pprof) exec "$bin/trace-pprof" sync -o "$3" "$2" ;;
	trace-record) exec "$bin/trace-record" -o "$3" true ;;
	esac
}

for c in $all; do
	# Help and version, in both forms and abbreviated.
	exits 0 "$bin/$c" --help && grep -q "^Usage: $c " out || fail "$c --help: $(head -n 1 out)"
	[ ! -s err ] || fail "$c --help says $(cat err)"
	cp out help
	for o in -h --hel; do
		exits 0 "$bin/$c" $o && cmp -s out help || fail "$c $o is not --help"
	done
	for o in '-q, --quiet' '-v, --verbose' '-h, --help' '-V, --version'; do
		grep -q -e "^  $o " help || fail "$c --help lacks $o"
	done
	exits 0 "$bin/$c" --version && grep -Eqx "$c \(exectrace\) [0-9][0-9.]*" out || fail "$c --version: $(cat out)"
	cp out version
	for o in -V --vers; do
		exits 0 "$bin/$c" $o && cmp -s out version || fail "$c $o is not --version"
	done
	# Wrong usage.
	for wrong in --nonsense -Z --help=x --ver ''; do
		# shellcheck disable=SC2086
		exits 2 "$bin/$c" $wrong
		[ ! -s out ] && [ "$(tail -n 1 err)" = "Try '$c --help'." ] && [ "$(wc -l <err)" -eq 2 ] && grep -q "^$c: " err ||
			fail "$c $wrong says: $(cat out err)"
	done
	# Every option of the help is in the manual page, and the other way round.
	sed -n 's/^  *\(-.*\)/\1/p' help | sed 's/  .*//' | grep -o -e '--[a-z-]*' | sort -u >options
	tr ' ' '\n' <help | grep -o -e '^\[*--[a-z-]*' | tr -d '[' | sort -u | comm -23 - options | grep -v -x -e -- >stray
	[ ! -s stray ] || fail "$c --help names options that it does not explain: $(cat stray)"
	awk '/^\.It Fl/' "$src/man/$c.1" | grep -o -e 'Fl -[a-z-]*' | sed 's/Fl -/--/' | sort -u >page
	case $c in
	trace-stat | trace-print | trace-pprof | trace-cut)
		awk '/^\.It Fl/' "$src/man/exectrace-filter.7" | grep -o -e 'Fl -[a-z-]*' | sed 's/Fl -/--/' | sort -u >filters ;;
	*) : >filters ;;
	esac
	sort -u page filters | comm -23 options - >undocumented
	[ ! -s undocumented ] || fail "$c(1) lacks $(tr '\n' ' ' <undocumented)"
	comm -23 page options >imagined
	[ ! -s imagined ] || fail "$c(1) has $(tr '\n' ' ' <imagined), which --help has not"

	# A full disk.
	if [ -w /dev/full ]; then
		"$bin/$c" --help >/dev/full 2>err
		[ $? -eq 1 ] && [ "$(cat err)" = "$c: standard output: No space left on device" ] || fail "$c --help on a full disk: $(cat err)"
	fi
	# A folder that is not there.
	[ "$c" = trace-stat ] || { (into "$c" good no/such) 2>err && fail "$c -o no/such"; }
	[ "$c" = trace-stat ] || grep -q "^$c: no/such: No such file or directory" err || fail "$c -o no/such says $(cat err)"
done

for c in $readers; do
	work "$c" good >want 2>err || fail "$c: $(cat err)"
	[ ! -s err ] && [ -s want ] || fail "$c says $(cat err)"
	# Standard input, from a file and a pipe.  trace-stat tells the trace's name.
	work "$c" - <good 2>err | sed '1s/^-$/good/' | cmp -s - want || fail "$c - from a file: $(cat err)"
	# shellcheck disable=SC2002
	cat good | work "$c" - 2>err | sed '1s/^-$/good/' | cmp -s - want || fail "$c - from a pipe: $(cat err)"
	# What follows -- is no option.
	cp good ./-odd
	case $c in
	trace-pprof) "$bin/$c" -o - -- sync -odd >out 2>err ;;
	trace-cut) "$bin/$c" -o - -- -odd >out 2>err ;;
	*) "$bin/$c" -- -odd >out 2>err ;;
	esac || fail "$c --: $(cat err)"
	sed '1s/^-odd$/good/' out | cmp -s - want || fail "$c -- -odd differs"

	# -v adds to standard error, -q takes nothing from errors; the last one counts.
	for o in -v --verbose '-q -v'; do
		# shellcheck disable=SC2086
		work "$c" good $o >out 2>err
		cmp -s out want && grep -Eq "^$c: good: go 1\.26, read [0-9.]* MB, [0-9]* wire events in " err &&
			grep -Eq "^$c: exectrace [0-9.]*: [0-9.]* s, of a processor [0-9.]* s, memory at most [0-9.]* MB$" err ||
			fail "$c $o says $(cat err)"
	done
	work "$c" good -v -q >out 2>err
	cmp -s out want && [ ! -s err ] || fail "$c -v -q says $(cat err)"
	work "$c" missing -q >out 2>err && fail "$c -q of no trace"
	[ "$(cat err)" = "$c: missing: offset 0: No such file or directory" ] || fail "$c -q missing says $(cat err)"

	# A full disk, again.
	if [ -w /dev/full ]; then
		work "$c" good >/dev/full 2>err
		[ $? -eq 1 ] && [ "$(cat err)" = "$c: standard output: No space left on device" ] || fail "$c on a full disk: $(cat err)"
	fi
done

# A closed pipe: SIGPIPE ends the command as it does others; where that is ignored, a failure that need not be told.  The pipe's reader is
# gone for sure before the command begins, and a FIFO opened for both ways stays open meanwhile.
mkfifo pipe go || exit 99
for c in $readers; do
	for how in default ignored; do
		: >status
		(
			[ $how = default ] || trap '' PIPE
			exec 3>pipe
			read -r _ <go
			work "$c" good >&3 2>err
			echo $? >status
		) &
		: <pipe		# opens and closes
		echo >go
		wait $!
		[ ! -s err ] || fail "$c says of a closed pipe: $(cat err)"
		case $how,$(cat status) in
		default,141 | ignored,1) ;;
		*) fail "$c exits $(cat status) where a closed pipe's signal is $how" ;;
		esac
	done
done

# Output files are whole or not there: a signal while the trace comes in slowly leaves the old file, and nothing else.
for c in $readers; do
	[ "$c" != trace-stat ] || continue
	rm -rf o && mkdir o && echo old >o/out
	mkfifo o/in
	(into "$c" o/in o/out) 2>err &
	pid=$!
	exec 3>o/in
	head -c 4000 good >&3
	kill -TERM $pid
	wait $pid 2>/dev/null
	got=$?
	exec 3>&-
	[ $got -eq 143 ] || fail "$c ends with $got when it is terminated: $(cat err)"
	[ "$(cat o/out)" = old ] && [ "$(ls o | tr '\n' ' ')" = "in out " ] || fail "$c leaves after a signal: $(ls o)"
done

# Where the disk is full there is one message and no file, in each form; where a file may not grow, the old one stays as well.
forms='trace-print -o OUT good
trace-print --json --stacks -o OUT good
trace-print --raw -o OUT good
trace-cut -o OUT good
trace-cut -z -o OUT good
trace-pprof sync -o OUT good
trace-pprof sync --folded -o OUT good
trace-pprof sync --svg OUT good'
echo "$forms" | while read -r form; do
	c=${form%% *}
	[ -x "$bin/$c" ] || continue
	if [ -w /dev/full ]; then
		# shellcheck disable=SC2046
		"$bin"/$(echo "$form" | sed 's|OUT|/dev/full|') 2>err
		[ $? -eq 1 ] && [ "$(cat err)" = "$c: /dev/full: No space left on device" ] || fail "$form: $(cat err)"
	fi
	for how in default ignored; do
		rm -rf o && mkdir o && echo old >o/out
		# The shell, too, has something to say of it.
		{ (
			[ $how = default ] || trap '' XFSZ
			ulimit -f 1
			# shellcheck disable=SC2046
			exec "$bin"/$(echo "$form" | sed 's|OUT|o/out|')
		) 2>err
		got=$?; } 2>/dev/null
		# What fits into so little is written.
		if [ $got -eq 0 ]; then
			[ "$(wc -c <o/out)" -le 1024 ] || fail "$form wrote more than it may"
		else
			[ "$(cat o/out)" = old ] || fail "$form: the old file is gone, exit $got"
			[ $how = default ] || [ "$(cat err)" = "$c: o/out: File too large" ] || fail "$form where files are limited: $(cat err)"
		fi
		[ "$(ls o)" = out ] || fail "$form leaves $(ls o)"
	done
	[ $bad -eq 0 ]
done || bad=1

# An environment that says nothing, or nonsense.
for c in $readers; do
	env -i "$bin/$c" --help >out 2>err && [ ! -s err ] || fail "$c --help in an empty environment: $(cat err)"
	command=$c
	set --
	eval "$plain"
	set -- "$@" good
	LC_ALL=C COLUMNS=100 "$@" >want 2>err || fail "$c: $(cat err)"
	for setting in -i -uTERM TERM=nonsense COLUMNS=0 COLUMNS=-7 COLUMNS=abc COLUMNS= LC_ALL=xx_YY.nonsense NO_COLOR=1 TZ=nonsense HOME=/none \
		TMPDIR=/none; do
		LC_ALL=C env -u COLUMNS "$setting" "$@" >out 2>err || fail "$c with $setting: exit $?, $(cat err)"
		# What libtool has put in the command's place is a script, and bash has an opinion on locales.
		! grep -v 'setlocale: ' err || fail "$c with $setting says that"
		cmp -s out want || fail "$c with $setting prints something else"
	done
	for columns in 1 99999999999999999999; do
		COLUMNS=$columns "$@" >out 2>err || fail "$c in $columns columns: $(cat err)"
	done
done

# Progress: on a terminal, for work over a second, erased; not otherwise and not with -q.  The trace stops half-way until there is progress.
# terminal COMMAND PATIENCE: the command under a terminal, with the slow trace; what it wrote there in typed.
terminal()
{
	rm -f slow typed && mkfifo slow
	: >typed
	script -qefc "'$bin'/$1 '$dir/slow'" typed >/dev/null 2>&1 </dev/null &
	pid=$!
	exec 3>slow
	head -c 4000 good >&3
	waited=0
	while [ $waited -lt "$2" ] && ! grep -q 'MB/s' typed; do
		sleep 0.1
		waited=$((waited + 1))
	done
	tail -c +4001 good >&3
	exec 3>&-
	wait $pid || fail "$1 on a terminal"
}
# ThreadSanitizer holds a signal back while a thread is in read(), in which these wait: there is no progress to be seen with it.
case ${SANITIZERS:-} in
*thread*) exit $bad ;;
esac
if command -v script >/dev/null && script -qefc true probe >/dev/null 2>&1 </dev/null; then
	terminal trace-stat 600
	grep -q "^.*trace-stat: [0-9.]* MB, [0-9.]* MB/s" typed || fail "no progress on a terminal: $(cat typed)"
	# The last that is said of it is that it is gone, and the figures begin there.
	tr '\n\r\033' '\001\002\003' <typed | sed 's/.*MB\/s//' | grep -q "^$(printf '\003\[K\002\003\[K').*slow" || fail "progress is not erased: $(head -n 1 typed | od -c)"
	for run in 'trace-print -o out' 'trace-print --raw -o out' 'trace-cut -o out' 'trace-pprof -o out sync'; do
		[ -x "$bin/${run%% *}" ] || continue
		terminal "$run" 600
		grep -q "^.*${run%% *}: [0-9.]* MB, [0-9.]* MB/s" typed || fail "no progress of $run: $(cat typed)"
	done
	terminal 'trace-stat -q' 15
	! grep -q 'MB/s' typed || fail "progress with -q"
else
	echo "no terminal to be had: progress is not tested"
fi
exit $bad
