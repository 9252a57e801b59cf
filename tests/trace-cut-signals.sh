#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# A signal while a trace is cut in parts leaves the parts that are whole, and nothing else.  Nothing here waits for a time to pass: the
# command stands still at a FIFO, or goes too far for a limit, when the signal comes.
set -u
src=$(cd "${top_srcdir:-.}" && pwd)
bin=$(cd "${top_builddir:-.}" && pwd)
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
bad=0
fail() { echo "FAIL: $*"; bad=1; }

go=$src/testdata/go/126-gc-1.trace
[ -e "$go" ] || exit 77
mkdir whole part
"$bin/trace-cut" -o whole/out --split 5 "$go" || fail "cutting"
[ "$(ls whole | wc -l)" -eq 5 ] || fail "five parts are $(ls whole)"

# left N: the first N parts, whole, and nothing else.
left()
{
	i=0
	for f in part/* part/.[!.]*; do
		[ -e "$f" ] || continue
		i=$((i + 1))
		[ "$f" = part/out-00$i ] || fail "$what leaves $f"
		cmp -s "$f" "whole/${f#part/}" || fail "$what leaves a part of $f"
	done
	[ $i -eq "$1" ] || fail "$what leaves $i parts, not $1"
}

for signal in TERM INT HUP; do
	# In the background the shell has SIGINT ignored, and whoever runs the tests perhaps SIGHUP, which commands respect.
	env --default-signal=$signal true 2>/dev/null || continue
	run="env --default-signal=$signal"
	want=$((128 + $(kill -l $signal 2>/dev/null | grep '^[0-9]*$' || case $signal in TERM) echo 15 ;; INT) echo 2 ;; *) echo 1 ;; esac)))

	# While the trace comes in: nothing is there yet.
	what="$signal while it reads"
	rm -rf part in && mkdir part && mkfifo in
	# shellcheck disable=SC2086
	$run "$bin/trace-cut" -o part/out --split 5 in 2>err &
	pid=$!
	exec 3>in
	head -c 20000 "$go" >&3
	kill -$signal $pid
	wait $pid 2>/dev/null
	got=$?
	exec 3>&-
	[ $got -eq $want ] || fail "$what: it ends with $got: $(cat err)"
	left 0

	# Where the third part would begin: a FIFO that nobody reads.
	what="$signal at the third part"
	rm -rf part && mkdir part && mkfifo part/out-003
	# shellcheck disable=SC2086
	$run "$bin/trace-cut" -o part/out --split 5 "$go" 2>err &
	pid=$!
	while [ ! -e part/out-002 ] && kill -0 $pid 2>/dev/null; do
		sleep 0.02
	done
	kill -$signal $pid
	wait $pid 2>/dev/null
	got=$?
	[ $got -eq $want ] || fail "$what: it ends with $got: $(cat err)"
	rm -f part/out-003
	left 2
done

# Inside a part: where a file may not become longer than the longest before it, there is a signal in the middle of the next one.
k=1
most=$(($(wc -c <whole/out-001) / 1024 + 1))
while [ $k -lt 5 ] && [ "$(wc -c <whole/out-00$((k + 1)))" -le $((most * 1024)) ]; do
	k=$((k + 1))
done
what="a limit inside part $((k + 1))"
if [ $k -lt 5 ] && (ulimit -f $((most * 2)) && head -c $((most * 1024)) /dev/zero >full) 2>/dev/null; then
	rm -rf part full && mkdir part
	# In blocks of 512 bytes, or of 1024.
	if (ulimit -f "$most" && head -c $((most * 1024)) /dev/zero >full) 2>/dev/null; then
		limit=$most
	else
		limit=$((most * 2))
	fi
	rm -f full
	(ulimit -f $limit && exec "$bin/trace-cut" -o part/out --split 5 "$go") 2>err
	got=$?
	[ $got -eq 153 ] || fail "$what: it ends with $got: $(cat err)"
	left $k
	# Where that signal is ignored, it is a failed write.
	what="$what, its signal being ignored"
	rm -rf part && mkdir part
	(trap '' XFSZ && ulimit -f $limit && exec "$bin/trace-cut" -o part/out --split 5 "$go") 2>err
	got=$?
	[ $got -eq 1 ] && grep -q "^trace-cut: part/out-00$((k + 1)): File too large" err || fail "$what: it ends with $got: $(cat err)"
	left $k
else
	fail "no part is longer than the first, or there is no limit: $(wc -c whole/*)"
fi
exit $bad
