#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The command: exit statuses, signals, what it says, and what it leaves behind when things go wrong.
. "${top_srcdir:?}/tests/pthread-lib.sh"

# A library that is preloaded and records nothing.
libm=$(ldd "$ptload" | sed -n 's/.*libc.so.6 => \([^ ]*\) .*/\1/p')

# A program that cannot be run, and usage.
expect 127 "$record" -o x.trace -- ./no-such-program
says "trace-record: ./no-such-program: not found"
[ ! -e x.trace ] || fail "a trace was made for no program"
expect 127 "$record" -o x.trace -- no-such-program
printf 'text' >file
expect 126 "$record" -- ./file
says "cannot be executed"
expect 126 "$record" -- "$tmp"
printf '\177ELF nonsense' >broken
chmod +x broken
expect 126 "$record" -q -- ./broken
expect 2 "$record"
expect 2 "$record" --no-such-option true
expect 2 "$record" --cpu-hz many true
expect 2 "$record" --period soon true
expect 0 "$record" --help
grep -q -- --cpu-hz out || fail "--help does not name --cpu-hz"

# The program's own status, output and arguments; the trace's default name.
expect 0 "$record" -- echo -n "two  words" '' end
[ "$(cat out)" = "two  words  end" ] || fail "the program got other arguments: $(cat out)"
[ -s echo.trace ] || fail "no echo.trace"
says "echo.trace: "
expect 5 "$record" -q -o sh.trace -- sh -c 'exit 5'
[ ! -s err ] || fail "-q was not quiet: $(cat err)"
accepted echo.trace sh.trace

# A name with spaces, a script, a symbolic link as the output.
mkdir "a folder"
cp "$ptload" "a folder/a program"
expect 0 "$record" -q -o "a folder/a trace" -- "a folder/a program" mixed 1
accepted "a folder/a trace"
printf '#!/bin/sh\nexit 6\n' >script
chmod +x script
expect 6 "$record" -q -- ./script
printf 'exit 7\n' >script
expect 7 "$record" -q -- ./script
: >target.trace
ln -s target.trace link.trace
expect 0 "$record" -q -o link.trace -- true
[ -s target.trace ] || fail "the output is not behind the symbolic link"

# The trace on standard output, the program's own on standard error.
expect 0 sh -c '"$0" -q -o - -- echo hello | cat >piped.trace' "$record"
says hello
accepted piped.trace

# Where it cannot be written, nothing runs.
expect 1 "$record" -o no/such/folder/x.trace -- touch was-run
says "no/such/folder/x.trace: "
expect 1 "$record" -o "$tmp" -- touch was-run
[ ! -e was-run ] || fail "the program ran without a place for its trace"

# Killed by a signal that can be caught: the trace is whole up to there.  By one that cannot: up to the last whole generation.
for number in 15 1 11 6 9; do
	sig=$(kill -l $number)
	mkfifo "fifo.$sig"
	timeout --foreground 60 "$record" --period 5ms -o "$sig.trace" -- "$ptload" kill >"fifo.$sig" 2>err &
	pid=$!
	read -r child <"fifo.$sig"
	sleep 0.1	# for more than one generation; nothing depends on it
	if [ $sig = TERM ]; then
		# To the command alone, which hands it on.
		kill -TERM $pid
	else
		kill -$sig "$child"
	fi
	wait $pid
	got=$?
	[ $got = $((128 + number)) ] || fail "SIG$sig: status $got"
	says "was ended by signal $number "
	accepted "$sig.trace"
	[ "$sig" = KILL ] || ! grep -q 'cut off' err || fail "SIG$sig: something was lost: $(cat err)"
done

# Half a generation at the end is cut off, and said: this "program" leaves one.
expect 0 "$record" -q --period 5ms -o whole.trace -- "$ptload" mixed 4
head -c $(($(wc -c <whole.trace) - 7)) whole.trace >half
expect 0 env EXECTRACE_PRELOAD="$libm" "$record" -o half.trace -- sh -c 'cat half >half.trace'
says "cut off"
accepted half.trace
head -c 40 whole.trace >half
expect 1 env EXECTRACE_PRELOAD="$libm" "$record" -o half.trace -- sh -c 'cat half >half.trace'
says "no whole generation"
expect 1 env EXECTRACE_PRELOAD="$libm" "$record" -o none.trace -- true
says "the program wrote no trace"

# Compressed: by option, by name, by the environment, through a pipe.  zstd itself takes it, and it says what it says unpacked.
footer() { [ "$(tail -c 4 "$1" | od -An -tx1 | tr -d ' ')" = b1ea928f ] || fail "$1 does not end with a seek table"; }
if grep -q '^ZSTD_LIBS = .*zstd' "$top_builddir/Makefile"; then
	expect 0 "$record" -q -z --period 5ms -- "$ptload" mixed 4
	expect 0 "$record" -q -o named.zst --period 5ms -- "$ptload" mixed 4
	expect 0 "$record" -q --compress=5 -o level --period 5ms -- "$ptload" mixed 4
	expect 0 env LD_PRELOAD="$EXECTRACE_PRELOAD" EXECTRACE="file=$tmp/env.zst,compress=3,period=5ms" "$ptload" mixed 4
	for trace in ptload.trace.zst named.zst level env.zst; do
		footer $trace
		"$stat" $trace >stat.out 2>stat.err || fail "$trace: $(cat stat.err)"
		! command -v zstd >/dev/null || zstd -q -t <$trace 2>err || fail "zstd does not take $trace: $(cat err)"
		! command -v zstd >/dev/null || { zstd -q -d <$trace >$trace.plain && accepted $trace.plain; }
	done
	expect 0 sh -c '"$0" -q -z -o - -- true | cat >piped.zst' "$record"
	footer piped.zst
	"$stat" piped.zst >stat.out 2>&1 || fail "piped.zst: $(cat stat.out)"
	expect 0 "$record" -q -z0 -o plain.zst -- true
	accepted plain.zst
	[ "$(head -c 4 plain.zst)" = "go 1" ] || fail "-z0 compresses"

	# Killed: the whole frames stay, and get their table.
	mkfifo fifo.z
	timeout --foreground 60 "$record" -z --period 5ms -o killed.zst -- "$ptload" kill >fifo.z 2>err &
	pid=$!
	read -r child <fifo.z
	sleep 0.1	# for more than one generation; nothing depends on it
	kill -KILL "$child"
	wait $pid
	says "was ended by signal 9 "
	footer killed.zst
	"$stat" killed.zst >stat.out 2>&1 || fail "killed.zst: $(cat stat.out)"
	for cut in 1 40 3000; do
		head -c $(($(wc -c <level) - cut)) level >half
		expect 0 env EXECTRACE_PRELOAD="$libm" "$record" -o half.zst -- sh -c 'cat half >half.zst'
		if [ $cut = 3000 ]; then
			says "cut off"
		else	# of the seek table only
			! grep -q 'cut off' err || fail "nothing was lost, but: $(cat err)"
		fi
		footer half.zst
		"$stat" half.zst >stat.out 2>&1 || fail "half.zst: $(cat stat.out)"
	done
	cp half.zst half
	expect 0 env EXECTRACE_PRELOAD="$libm" "$record" -q -o half.zst -- sh -c 'cat half >half.zst'
	cmp half half.zst || fail "a whole compressed trace was changed"
	head -c 60 level >half
	expect 1 env EXECTRACE_PRELOAD="$libm" "$record" -o half.zst -- sh -c 'cat half >half.zst'
	says "cut off"
	expect 0 "$record" -q -z -o /dev/full -- "$ptload" mixed 3
	[ "$(grep -c 'No space left' err)" = 1 ] || { fail "a full disk was not told once"; cat err; }
fi
for level in 20 -1 x 3x; do
	expect 2 "$record" -z$level -- true
	says "level"
done

# A full disk ends the recording, once said, and not the program.
expect 0 "$record" -q -o /dev/full -- "$ptload" mixed 3
[ "$(grep -c 'No space left' err)" = 1 ] || { fail "a full disk was not told once"; cat err; }
expect 0 sh -c 'ulimit -f 250; exec "$@"' sh "$record" --period 5ms -o limited.trace -- "$ptload" mixed 40
grep -q 'File too large' err || { fail "a file at its limit was not told"; cat err; }
accepted limited.trace

# A program that closes descriptors it does not know: it has its status, and the loss is told.
cat >closer <<'END'
for i in $(seq 3 255); do eval "exec $i>&-"; done
exit 3
END
expect 3 "$record" -q -o closed.trace -- bash closer
says "closed.trace: "

# Bad values in the environment are named and harmless.
for value in nonsense file= file=/no/such/folder/x,cpu=1 "file=$tmp/v.trace,cpu=-1" "file=$tmp/v.trace,period=never" \
	"file=$tmp/v.trace,compress=20" \
	"file=$tmp/v.trace,what=ever"; do
	expect 0 env LD_PRELOAD="$EXECTRACE_PRELOAD" EXECTRACE="$value" "$ptload" mixed 1
	grep -q EXECTRACE err || grep -q /no/such/folder err || { fail "EXECTRACE=$value was not named"; cat err; }
done

# An own list of preloaded libraries stays; the recorder may be missing.
expect 0 env LD_PRELOAD=libm.so.6 "$record" -q -o m.trace -- sh -c 'echo "$LD_PRELOAD"'
[ "$(cat out)" = "$EXECTRACE_PRELOAD:libm.so.6" ] || fail "LD_PRELOAD is $(cat out)"
expect 1 env EXECTRACE_PRELOAD=/no/such/file "$record" -- true
says "exectrace-pthread.so"
finish
