#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Records pthread programs: each trace is accepted, the program is not disturbed, and contention is charged to who held the lock.
. "${top_srcdir:?}/tests/pthread-lib.sh"

# count NAME TRACE: how many wire events of that name.
count() {
	"$top_builddir/trace-print" --raw "$2" | grep -c "^$1 "
}

# Every hook at once, many short generations.
i=0
while [ $i -lt "${EXECTRACE_TEST_RUNS:-6}" ]; do
	i=$((i + 1))
	expect 0 "$record" -q --period $((i * 3))ms -o mixed.trace -- "$ptload" mixed 6
	accepted mixed.trace
done

# A process that records nothing is left alone, too.
expect 0 env LD_PRELOAD="$EXECTRACE_PRELOAD" "$ptload" mixed 2
expect 0 env LD_PRELOAD="$EXECTRACE_PRELOAD" EXECTRACE=nonsense "$ptload" errno

# errno, failing thread creation, what sigaction() tells.
expect 0 "$record" -q -o errno.trace -- "$ptload" errno
accepted errno.trace
[ "$(count GoDestroy errno.trace)" -ge 2 ] || fail "the thread that could not be made has no end"

# Ways to end: the trace has the last events, and the program its status.
expect 42 "$record" -q -o exit.trace -- "$ptload" exit 42
accepted exit.trace
[ "$(count GoCreate exit.trace)" -ge 4 ] || fail "_exit() left events behind"
expect 0 timeout 30 "$record" -q -o last.trace -- "$ptload" last
accepted last.trace
grep -q late out || fail "the last thread did not get to its end"
[ "$(count GoDestroy last.trace)" = 2 ] || fail "two threads ended, not $(count GoDestroy last.trace)"

# An exec: what came before is in the first trace, what came after in another.
expect 0 "$record" -q -o exec.trace -- "$ptload" exec "$ptload" mixed 1
accepted exec.trace exec.trace.1
[ "$(count GoCreate exec.trace.1)" -ge 12 ] || fail "the second image's threads are missing"

# 100 ms in the holder's hands, and a first thread that waited.
expect 0 "$record" -q --no-cpu -o contend.trace -- "$ptload" contend 3
accepted contend.trace
expect 0 "$top_builddir/trace-print" --stacks contend.trace
# Whose stacks they are: nothing is below main() and what a thread begins with.
roots() {
	grep 'res=Goroutine(1) from=NotExist' out | grep -q ' tstack=[^;]*:main:' || fail "$1: goroutine 1 does not start in main"
	sed -n 's/.* stack=\([^ ]*\) .*/\1/p' out | sed 's/.*;//' | grep -v '^-$' | cut -d: -f2 | sort -u >roots
	echo $2 | tr ' ' '\n' | diff - roots || fail "$1: other roots of stacks than $2"
}
roots contend "holder main"
grep 'to=Waiting reason=sync ' out | grep 'pthread_mutex_lock' | grep -q ':wait_for_lock:' || fail "no wait in wait_for_lock"
grep 'from=Waiting to=Runnable' out | grep ':pthread_mutex_unlock:' | grep -q ':hold_lock:' || fail "no unblocking from hold_lock"
if [ -x "$top_builddir/trace-pprof" ]; then
	expect 0 "$top_builddir/trace-pprof" mutex --top contend.trace
	grep -q 'hold_lock' out || { fail "the mutex profile does not name hold_lock"; cat out; }
fi

# Without names there is main() still, and where in it.
if strip -o stripped "$ptload"; then
	expect 0 "$record" -q --no-cpu -o stripped.trace -- ./stripped contend 1
	expect 0 "$top_builddir/trace-print" --stacks stripped.trace
	roots stripped "main stripped"
fi
finish
