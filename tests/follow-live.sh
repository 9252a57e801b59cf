#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# follow-live.sh - trace-print --follow on recordings that go on, of the runtime's and of pthread programs, compressed and not: what
# the program has done is printed while it waits for us, and the whole, with the same verdict as afterwards, when it ends or is killed.
. "${top_srcdir:?}/tests/pthread-lib.sh"
print=$top_builddir/trace-print
mkfifo to from || exit 99

# Waits until the follower has printed that many steps.  Patience only bounds a failure.
printed() {
	patience=600
	while [ "$(grep -c ' from=NotExist to=Runnable .*:one_step:' followed)" -lt "$1" ]; do
		patience=$((patience - 1))
		[ $patience -gt 0 ] && kill -0 $follower 2>/dev/null || return 1
		sleep 0.05
	done
}

# follow PROGRAM HOW-IT-ENDS OPTION...: it is recorded and followed
follow() {
	program=$1 how=$2
	shift 2
	rm -f live
	timeout 100 "$top_builddir/libtool" --quiet --mode=execute "$record" -q --period 20ms "$@" -o live -- "$top_builddir/$program" <to >from 2>record.err &
	recorder=$!
	exec 3>to 4<from
	follower=
	for step in 1 2 3 4; do
		echo >&3
		read -r pid <&4 || { fail "$program $*: it does not answer"; break; }
		if [ -z "$follower" ]; then
			timeout 100 "$print" --stacks --follow live >followed 2>followed.err 3>&- 4<&- &
			follower=$!
		fi
		printed $step || fail "$program $*: step $step does not appear while the program waits"
	done
	[ "$how" = ends ] || kill -9 "$pid"
	exec 3>&- 4<&-
	wait $follower
	followed=$?
	wait $recorder
	ended=$?
	[ "$how" = killed ] || [ $ended -eq 0 ] || fail "$program $*: it ends with $ended: $(cat record.err)"
	"$print" --stacks live >whole 2>whole.err
	[ $? -eq $followed ] || fail "$program $*, $how: $followed, and other afterwards: $(cat followed.err whole.err)"
	cmp -s whole followed || fail "$program $*, $how: $(wc -l <followed) lines, and $(wc -l <whole) afterwards"
	cmp -s whole.err followed.err || fail "$program $*, $how: it says $(cat followed.err), and afterwards $(cat whole.err)"
}

for how in ends killed; do
	for program in steps-rt steps-pthread; do
		follow $program $how
		! grep -q '^ZSTD_LIBS = .*zstd' "$top_builddir/Makefile" || follow $program $how -z
	done
done
finish
