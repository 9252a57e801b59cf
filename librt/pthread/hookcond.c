/* SPDX-License-Identifier: BSD-3-Clause
 *
 * hookcond.c - condition variables and semaphores.
 *
 * A wait on a condition lasts until the real function returns, with the mutex taken again.  Who signals unblocks the longest waiting
 * that is known, just before the real signal; libc may choose another, who then unblocks itself.
 */
#include "config.h"

#include <limits.h>

#include "librt/pthread/pthost.h"

static const char reason_cond[] = "sync.(*Cond).Wait";
static const char reason_sync[] = "sync";

/* The wait gives the mutex up, too. */
static struct pt_thread *cond_enter(pthread_cond_t *cond, pthread_mutex_t *mutex, struct trace_where where)
{
	if (pt_wait_is_likely(mutex))
		pt_mutex_wake(mutex, where);
	return pt_block_enter(cond, reason_cond, 0, where);
}

PT_EXPORT int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	struct pt_thread *t = cond_enter(cond, mutex, TRACE_HERE());
	int rc = PT_REAL(pthread_cond_wait)(cond, mutex);

	pt_call_leave(t);
	return rc;
}

PT_EXPORT int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *abstime)
{
	struct pt_thread *t = cond_enter(cond, mutex, TRACE_HERE());
	int rc = PT_REAL(pthread_cond_timedwait)(cond, mutex, abstime);

	pt_call_leave(t);
	return rc;
}

PT_EXPORT int pthread_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock, const struct timespec *abstime)
{
	struct pt_thread *t = cond_enter(cond, mutex, TRACE_HERE());
	int rc = PT_REAL(pthread_cond_clockwait)(cond, mutex, clock, abstime);

	pt_call_leave(t);
	return rc;
}

PT_EXPORT int pthread_cond_signal(pthread_cond_t *cond)
{
	if (pt_wait_is_likely(cond))
		pt_wake_waiters(cond, 1, 0, TRACE_HERE());
	return PT_REAL(pthread_cond_signal)(cond);
}

PT_EXPORT int pthread_cond_broadcast(pthread_cond_t *cond)
{
	if (pt_wait_is_likely(cond))
		pt_wake_waiters(cond, UINT_MAX, 0, TRACE_HERE());
	return PT_REAL(pthread_cond_broadcast)(cond);
}

#define SEM_WAIT(name, params, args, clock, abstime)                                                                             \
	PT_EXPORT int name params                                                                                                \
	{                                                                                                                        \
		int saved = errno, rc;                                                                                           \
		struct pt_thread *t;                                                                                             \
                                                                                                                                 \
		if (!pt_is_time(clock, abstime))                                                                                 \
			return PT_REAL(name) args;                                                                               \
		pthread_testcancel();                                                                                            \
		rc = PT_REAL(sem_trywait)(sem);                                                                                  \
		if (rc == 0 || errno != EAGAIN)                                                                                  \
			return rc;                                                                                               \
		errno = saved;                                                                                                   \
		t = pt_block_enter(sem, reason_sync, 0, TRACE_HERE());                                                           \
		rc = PT_REAL(name) args;                                                                                         \
		pt_call_leave(t);                                                                                                \
		return rc;                                                                                                       \
	}

SEM_WAIT(sem_wait, (sem_t *sem), (sem), CLOCK_REALTIME, NULL)
SEM_WAIT(sem_timedwait, (sem_t *sem, const struct timespec *abstime), (sem, abstime), CLOCK_REALTIME, abstime)
SEM_WAIT(sem_clockwait, (sem_t *sem, clockid_t clock, const struct timespec *abstime), (sem, clock, abstime), clock, abstime)

PT_EXPORT int sem_post(sem_t *sem)
{
	if (pt_wait_is_likely(sem))
		pt_wake_waiters(sem, 1, 0, TRACE_HERE());
	return PT_REAL(sem_post)(sem);
}
