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

# Whether the recording of a kind has what it must have; else what it lacks is in $lacks.
complete() {
	lacks=
	"$print" --raw "$dir/trace" 2>/dev/null >"$dir/raw"
	sed 's/ .*//' "$dir/raw" | sort -u >"$dir/names"
	for name in $(wanted "$1"); do
		grep -qxF "$name" "$dir/names" || lacks="$lacks $name"
	done
	# Generations of 4 ms.
	[ "$1" != user ] || [ "$(sed -n 's/^EventBatch gen=\([0-9]*\) .*/\1/p' "$dir/raw" | sort -u | wc -l)" -ge 4 ] ||
		lacks="$lacks generations"
	[ -z "$lacks" ]
}

# traces TOOLCHAIN: every kind that its program knows; longer ones where a machine was too busy for all that a kind must have, and
# another one where Go's runtime crashed, as 1.26's does now and then in StopTrace
traces() {
	for what in $("$bin/record-$1"); do
		for times in 1 4 16 32; do
			rm -f "$dir"/trace*
			"$bin/record-$1" "$what" "$dir/trace" $((ms * times)) || { lacks=everything; continue; }
			for trace in "$dir"/trace*; do
				same "$trace" "$1 $what"
			done
			! complete "$what" || break
		done
		[ -z "$lacks" ] || { echo "$1 $what: lacks$lacks"; bad=$((bad + 1)); }
	done
}

build_record local || { cat "$dir/build"; exit 1; }
traces local
for toolchain in $EXECTRACE_TOOLCHAINS; do
	! build_record "$toolchain" || traces "$toolchain"
done
[ $bad -eq 0 ]
