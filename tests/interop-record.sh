#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# interop-record.sh - our reader and Go's deliver the same from what Go programs record, with the installed toolchain and with those
# of each earlier version of the format that can be had (EXECTRACE_TOOLCHAINS names them).  Each kind of program has the wire
# events that it is there for.  Skipped without go.  EXECTRACE_LONG=1 records longer.
[ -n "$GO" ] || exit 77
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
. "$top_srcdir/tests/interop/peers.sh"
build_peers
ms=40
[ -z "${EXECTRACE_LONG:-}" ] || ms=1500

# What a kind must have, beside what all have.
wanted() {
	case $1 in
	cgo) echo GoCreateSyscall GoDestroySyscall ;;
	loop) echo GoStart GoUnblock ;;
	storm) echo GoBlock GoUnblock GoCreate GoDestroy ;;
	many) echo GoCreate GoDestroy ;;
	web) echo UserTaskBegin UserTaskEnd UserRegionBegin UserLog GoUnblock ;;
	syscall) echo GoSyscallBegin GoSyscallEnd GoSyscallEndBlocked ProcSteal ;;
	procs) echo ProcsChange STWBegin STWEnd ;;
	gc) echo GCBegin GCEnd GCSweepBegin GCSweepEnd HeapAlloc HeapGoal GoLabel ;;
	user) echo UserTaskBegin UserRegionEnd UserLog ;;
	coro) echo GoSwitch GoSwitchDestroy GoCreateBlocked ;;
	cpu) echo CPUSample ;;
	allocfree) echo HeapObjectAlloc SpanAlloc GoroutineStackAlloc HeapObject Span ExperimentalBatch ;;
	esac
}

# traces TOOLCHAIN: every kind that its program knows
traces() {
	for what in $("$bin/record-$1"); do
		rm -f "$dir"/trace*
		"$bin/record-$1" "$what" "$dir/trace" $ms || { echo "$1 $what: was not recorded"; bad=$((bad + 1)); continue; }
		for trace in "$dir"/trace*; do
			same "$trace" "$1 $what"
		done
		"$print" --raw "$dir/trace" 2>/dev/null | sed 's/ .*//' | sort -u >"$dir/names"
		for name in $(wanted "$what"); do
			grep -qxF "$name" "$dir/names" || { echo "$1 $what: has no $name"; bad=$((bad + 1)); }
		done
		# Generations of 4 ms.
		[ "$what" != user ] || [ "$("$print" --raw "$dir/trace" | sed -n 's/^EventBatch gen=\([0-9]*\) .*/\1/p' | sort -u |
			wc -l)" -ge 4 ] || { echo "$1 $what: too few generations"; bad=$((bad + 1)); }
	done
}

build_record local || { cat "$dir/build"; exit 1; }
traces local
for toolchain in $EXECTRACE_TOOLCHAINS; do
	! build_record "$toolchain" || traces "$toolchain"
done
[ $bad -eq 0 ]
