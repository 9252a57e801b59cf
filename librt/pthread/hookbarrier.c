/* SPDX-License-Identifier: BSD-3-Clause
 *
 * hookbarrier.c - pthread barriers.
 *
 * All but the last to arrive block, and the last one unblocks those that are known to wait, with its own stack, just before it lets them
 * through.  Where the last is not known (ptbarrier.c), and for one that had arrived but did not wait yet, waiters unblock themselves.
 */
#include "config.h"

#include <limits.h>

#include "librt/pthread/pthost.h"

PT_EXPORT int pthread_barrier_init(pthread_barrier_t *barrier, const pthread_barrierattr_t *attr, unsigned count)
{
	int rc = PT_REAL(pthread_barrier_init)(barrier, attr, count), shared = PTHREAD_PROCESS_PRIVATE;

	if (rc != 0)
		return rc;
	if (attr)
		pthread_barrierattr_getpshared(attr, &shared);
	/* What was there before may not have been destroyed. */
	pt_barrier_forget(barrier);
	if (shared == PTHREAD_PROCESS_PRIVATE)
		pt_barrier_note(barrier, count);
	return 0;
}

PT_EXPORT int pthread_barrier_destroy(pthread_barrier_t *barrier)
{
	pt_barrier_forget(barrier);
	return PT_REAL(pthread_barrier_destroy)(barrier);
}

PT_EXPORT int pthread_barrier_wait(pthread_barrier_t *barrier)
{
	struct pt_thread *t = NULL;
	int rc;

	if (!pt_barrier_arrive(barrier))
		t = pt_block_enter(barrier, "sync", 0, TRACE_HERE());
	else if (pt_wait_is_likely(barrier))
		pt_wake_waiters(barrier, UINT_MAX, 0, TRACE_HERE());
	rc = PT_REAL(pthread_barrier_wait)(barrier);
	pt_call_leave(t);
	return rc;
}
