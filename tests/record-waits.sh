#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Records programs that call what can wait: each call is in the trace as what it is, and does what it does without the recorder.
. "${top_srcdir:?}/tests/pthread-lib.sh"
ptwaits=$top_builddir/tests/ptwaits

# run MODE OPTION...: records it; out then has its state changes with their stacks.
run() {
	mode=$1
	shift
	expect 0 "$record" -q "$@" -o "$mode.trace" -- "$ptwaits" "$mode"
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

# Without the recorder, and with one that records nothing.
for mode in calls signals cancel; do
	expect 0 "$ptwaits" $mode
	expect 0 env LD_PRELOAD="$EXECTRACE_PRELOAD" "$ptwaits" $mode
done

run calls
is Syscall '' open open64 openat openat64 creat creat64 __open_2 __open64_2 __openat_2 __openat64_2 close \
	pwritev preadv pwritev64 preadv64 pwritev2 preadv2 pwritev64v2 preadv64v2 __read_chk __pread_chk __pread64_chk \
	sendfile sendfile64 splice copy_file_range flock fcntl fcntl64 getrandom sendto recvfrom sendmmsg recvmmsg __recv_chk \
	__recvfrom_chk msgsnd msgrcv wait wait3 wait4 waitid
is Waiting network __poll_chk __ppoll_chk pselect
is Waiting sleep pselect
# Where libc has them.
if "$ptwaits" newer; then
	is Waiting network epoll_pwait2
	is Syscall '' mq_receive mq_timedreceive mq_send mq_timedsend
fi
# Commands that only ask or set are no event.
[ "$(grep -c 'to=Syscall .*stack=[0-9a-f]*:fcntl' out)" = 3 ] || fail "not three locks by fcntl"

run signals --cpu-hz 1000
is Waiting sleep pause sigsuspend sigwait sigwaitinfo sigtimedwait
is Syscall '' sigtimedwait

run cancel --period 3ms
finish
