#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# exactsema.sh OUT.go: the installed Go's semaphores, with a mutex profile that counts as documented.
#
# At an unlock the runtime charges the mean of the first and the last waiter's time for each that goes on waiting.  It counts one
# waiter too many from the first hand-over on until the queue is empty, has overwritten the last one's time when two waited, and
# lets a waiter that is woken in vain count from its beginning again (golang/go issue 73760).  Here each waiter's own time is added.
# Fails if this Go is not written as expected.
sema=$("${GO:-go}" env GOROOT)/src/runtime/sema.go
awk '
	/^\t\tt\.acquiretime = now$/ {
		print "\t\ttailtime = now"
		print "\t\tfor w := t; w != nil; w = w.waitlink {"
		print "\t\t\ttailtime -= now - w.acquiretime"
		print "\t\t\tw.acquiretime = now"
		print "\t\t}"
		n++
		next
	}
	/^\t\ttailtime = s\.waittail\.acquiretime$/ || /^\t\ts\.waittail\.acquiretime = now$/ { n++; next }
	/^\t\ttailtime = s\.acquiretime$/ { print "\t\ttailtime = now"; n++; next }
	/^\t\t\t\tdtail := t0 - tailtime$/ { n++; next }
	/^\t\t\t\tdt \+= \(dtail \+ dt0\) \/ 2 \* int64\(s\.waiters\)$/ { print "\t\t\t\tdt += t0 - tailtime"; n++; next }
	/^\t\t\t\ts\.acquiretime = t\.acquiretime/ { n++; next }
	/^\t\tif s\.ticket != 0 \|\| cansemacquire\(addr\) \{$/ { loop = 1 }
	{ print }
	loop && /^\t\t}$/ {
		print "\t\tif s.acquiretime != 0 {"
		print "\t\t\ts.acquiretime = cputicks()"
		print "\t\t}"
		loop = 0
		n++
	}
	END { exit n != 8 }' "$sema" >"$1"
