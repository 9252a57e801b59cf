#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Records programs that call what can wait: each call is in the trace as what it is, and does what it does without the recorder.
. "${top_srcdir:?}/tests/pthread-lib.sh"

# run PROGRAM MODE OPTION...: records it; out then has its state changes with their stacks.
run() {
	program=$1 mode=$2
	shift 2
	expect 0 "$record" -q "$@" -o "$mode.trace" -- "$top_builddir/tests/$program" "$mode"
	accepted "$mode.trace"
	expect 0 "$top_builddir/trace-print" --stacks "$mode.trace"
}

# is STATE REASON FUNCTION...: each of them is the leaf where a thread changed to that state for that reason.
is() {
	state=$1 reason=$2
	shift 2
	for function in "$@"; do
		grep -q "from=Running to=$state reason=$reason stack=[0-9a-f]*:$function:" out || fail "$mode: no $state ($reason) in $function"
	done
}

# What compilers put behind the name of a function that they make for one use.
variant='\(\.[^:]*\)\?'

# ends N FUNCTION...: so many waits were ended by somebody else in that function.
ends() {
	want=$1
	shift
	for function in "$@"; do
		got=$(grep -c "from=Waiting to=Runnable .*:$function$variant:" out)
		[ "$got" = "$want" ] || fail "$mode: $function ended $got waits, not $want"
	done
}

# blocks N LEAF FUNCTION: so many waits of threads in that leaf, called by that function.
blocks() {
	got=$(grep -c "from=Running to=Waiting .* stack=[0-9a-f]*:$2:[^;]*;[0-9a-f]*:$3$variant:" out)
	[ "$got" = "$1" ] || fail "$mode: $got waits of $3 in $2, not $1"
}

# Without the recorder, and with one that records nothing.
for what in 'ptcalls stuck' 'ptcalls calls' 'ptcalls signals' 'ptcalls cancel' 'ptwaits rwlock' 'ptwaits barrier' 'ptwaits timed' 'ptwaits vain' 'ptwaits c11' 'ptwaits once' \
	'ptcalls refused' 'ptcalls masks'; do
	# shellcheck disable=SC2086 # a program and its mode
	set -- $what
	expect 0 "$top_builddir/tests/$1" "$2"
	expect 0 env LD_PRELOAD="$EXECTRACE_PRELOAD" "$top_builddir/tests/$1" "$2"
done

run ptcalls calls
is Syscall '' open open64 openat openat64 creat creat64 __open_2 __open64_2 __openat_2 __openat64_2 close \
	pwritev preadv pwritev64 preadv64 pwritev2 preadv2 pwritev64v2 preadv64v2 __read_chk __pread_chk __pread64_chk \
	sendfile sendfile64 splice copy_file_range flock fcntl fcntl64 getrandom sendto recvfrom sendmmsg recvmmsg __recv_chk \
	__recvfrom_chk lockf lockf64 syncfs msync tcdrain semop semtimedop msgsnd msgrcv wait wait3 wait4 waitid
is Waiting network __poll_chk __ppoll_chk pselect
is Waiting sleep pselect
# Where libc has them.
if "$top_builddir/tests/ptcalls" newer; then
	is Waiting network epoll_pwait2
	is Syscall '' mq_receive mq_timedreceive mq_send mq_timedsend
fi
# Commands that only ask or set are no event.
[ "$(grep -c 'to=Syscall .*stack=[0-9a-f]*:fcntl' out)" = 3 ] || fail "not three locks by fcntl"

# Said the same with and without.
expect 0 "$top_builddir/tests/ptcalls" refused
mv out said
[ "$(grep -c ': 22 0$' said)" -gt 10 ] || fail "libc refuses nothing: the test is in vain"
expect 0 "$record" -q -o refused.trace -- "$top_builddir/tests/ptcalls" refused
cmp said out || fail "other times and clocks are refused when recorded"

# What is blocked, the program is told; and with all blocked a thread is sampled.
expect 0 "$top_builddir/tests/ptcalls" masks
mv out said
expect 0 "$record" -q --cpu-hz 1000 -o masks.trace -- "$top_builddir/tests/ptcalls" masks
cmp said out || fail "other signals are blocked when recorded"
expect 0 "$top_builddir/trace-print" --raw masks.trace
# Its 200 ms are there, however seldom the kernel looks.
[ "$(grep -c '^CPUSample ' out)" -ge 150 ] || fail "a thread that blocks all signals is not sampled"

run ptcalls signals --cpu-hz 1000
is Waiting sleep pause sigsuspend sigwait sigwaitinfo sigtimedwait
is Syscall '' sigtimedwait

# Threads in calls that last give their processors to those that run, three at most.
run ptcalls stuck --no-cpu
[ "$(grep -c 'to=Syscall .*stack=[0-9a-f]*:read:[^;]*;[0-9a-f]*:reads_nothing:' out)" = 20 ] || fail "not 20 reads of nothing"
procs=$(grep -o 'res=Proc([0-9]*)' out | sort -u | wc -l)
[ "$procs" -le 6 ] || fail "20 threads that wait in calls have $procs processors"
[ "$(grep -c 'from=Syscall to=Runnable' out)" -ge 10 ] || fail "no call ended without its processor"
[ "$("$top_builddir/trace-print" --raw stuck.trace | grep -c '^ProcSteal ')" -ge 14 ] || fail "hardly a processor was taken"

# A writer lets in all readers, and the last reader a writer, unless writers come first.
run ptwaits rwlock --no-cpu
is Waiting sync pthread_rwlock_rdlock pthread_rwlock_wrlock pthread_rwlock_timedrdlock pthread_rwlock_clockrdlock \
	pthread_rwlock_timedwrlock pthread_rwlock_clockwrlock
blocks 3 pthread_rwlock_rdlock reads
blocks 2 pthread_rwlock_wrlock writes
ends 2 frees_as_writer
ends 0 frees_as_first_reader
ends 1 frees_as_last_reader frees_for_writer frees_for_reader
grep 'to=Runnable .*:frees_for_writer:' out | grep -q 'stack=[0-9a-f]*:pthread_rwlock_unlock:' || fail "who freed the lock for a writer is not the leaf"
if [ -x "$top_builddir/trace-pprof" ]; then
	expect 0 "$top_builddir/trace-pprof" mutex --top rwlock.trace
	for function in frees_as_writer frees_as_last_reader frees_for_writer frees_for_reader; do
		grep -q "$function" out || { fail "the mutex profile does not name $function"; cat out; }
	done
	if grep -q frees_as_first_reader out; then fail "the mutex profile charges a reader that was not the last"; fi
fi

# The last one ends all waits, and does not wait.
run ptwaits barrier --no-cpu
is Waiting sync pthread_barrier_wait
ends 6 arrives_last
blocks 0 pthread_barrier_wait arrives_last
ends 0 arrives_from_elsewhere
blocks 7 pthread_barrier_wait arrives_first
blocks 1 pthread_barrier_wait arrives_from_elsewhere
for period in 3 7; do
	run ptwaits barrier --period ${period}ms
done

run ptwaits timed
is Waiting sync sem_timedwait sem_clockwait pthread_timedjoin_np pthread_clockjoin_np
ends 2 posts

# Who is woken and finds the mutex taken again waits again; one of twenty is enough.
run ptwaits vain --no-cpu
[ "$(grep -c "to=Waiting reason=sync stack=[0-9a-f]*:pthread_mutex_lock:[^;]*;[0-9a-f]*:is_woken$variant:" out)" -gt 20 ] || fail "nobody waited twice"

# C11's threads are there, from thrd_create to their end, and wait as others do.
run ptwaits c11 --no-cpu
is Waiting sync mtx_lock mtx_timedlock thrd_join
is Waiting 'sync.(\*Cond).Wait' cnd_wait cnd_timedwait
is Waiting sleep thrd_sleep
ends 2 frees_mtx
ends 0 frees_one_of_two
ends 1 gives_turn
ends 2 gives_all_turns
[ "$(grep -c 'from=NotExist .* stack=[0-9a-f]*:thrd_create:.*tstack=[0-9a-f]*:begins_in_c11:' out)" = 2 ] || fail "not two threads by thrd_create"

# Two wait for what is run once, and the third who runs it ends that, inside of the call.
run ptwaits once --no-cpu
blocks 2 pthread_once waits_for_once
blocks 2 call_once waits_for_once_in_c11
blocks 0 pthread_once initializes
ends 2 initializes initializes_in_c11
blocks 1 pthread_once takes_over
blocks 0 pthread_once runs_once

run ptcalls cancel --period 3ms
finish
