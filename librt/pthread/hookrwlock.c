/* SPDX-License-Identifier: BSD-3-Clause
 *
 * hookrwlock.c - pthread locks for readers and writers.
 *
 * A lock that can be had costs a trylock in place of the lock, and no event. Else the G blocks with the lock's address as the lock, and
 * waits in the real function.  Readers and writers wait under keys of their own, since one unlock lets in all readers or one writer.
 *
 * Who unlocks unblocks those whom libc lets in: a writer all readers, or one writer where there are none (or where the lock prefers
 * writers); the last reader one writer. Other readers unblock nobody.  Who is what, and whether a reader is the last, is read in the
 * lock: pt_rwlock_init() checks that this libc keeps it there, and with any other the waiters unblock themselves. Should somebody be faster
 * than who was unblocked, that one waits on in libc and is shown as runnable.
 */
#include "config.h"

#include <limits.h>
#include <unistd.h>

#include "librt/pthread/pthost.h"

static bool layout_known;	/* written once, before main() */

/* Those that have it, or, while it is a writer's, wait. The lowest three bits are flags. */
static unsigned readers(const pthread_rwlock_t *lock)
{
	return __atomic_load_n(&lock->__data.__readers, __ATOMIC_RELAXED) >> 3;
}

static int writer(const pthread_rwlock_t *lock)
{
	return __atomic_load_n(&lock->__data.__cur_writer, __ATOMIC_RELAXED);
}

void pt_rwlock_init(void)
{
	pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
	bool good = readers(&lock) == 0 && writer(&lock) == 0;

	good = good && PT_REAL(pthread_rwlock_tryrdlock)(&lock) == 0 && readers(&lock) == 1;
	good = good && PT_REAL(pthread_rwlock_tryrdlock)(&lock) == 0 && readers(&lock) == 2 && writer(&lock) == 0;
	good = good && PT_REAL(pthread_rwlock_unlock)(&lock) == 0 && readers(&lock) == 1;
	good = good && PT_REAL(pthread_rwlock_unlock)(&lock) == 0 && readers(&lock) == 0;
	good = good && PT_REAL(pthread_rwlock_trywrlock)(&lock) == 0 && readers(&lock) == 0 && writer(&lock) == gettid();
	good = good && PT_REAL(pthread_rwlock_unlock)(&lock) == 0 && readers(&lock) == 0 && writer(&lock) == 0;
	layout_known = good;
}

/* What readers wait for; the lock's own address is what writers do. */
static const void *reading(const pthread_rwlock_t *lock)
{
	return (const char *)lock + 1;
}

#define LOCK(name, params, args, try, key, clock, abstime)                                                                       \
	PT_EXPORT int name params                                                                                                \
	{                                                                                                                        \
		int rc = pt_is_time(clock, abstime) ? PT_REAL(try)(lock) : PT_REAL(name) args;                                   \
		struct pt_thread *t;                                                                                             \
                                                                                                                                 \
		if (rc != EBUSY)                                                                                                 \
			return rc;                                                                                               \
		t = pt_block_enter(key, "sync", (uintptr_t)lock, TRACE_HERE());                                                  \
		rc = PT_REAL(name) args;                                                                                         \
		pt_call_leave(t);                                                                                                \
		return rc;                                                                                                       \
	}

LOCK(pthread_rwlock_rdlock, (pthread_rwlock_t *lock), (lock), pthread_rwlock_tryrdlock, reading(lock), CLOCK_REALTIME, NULL)
LOCK(pthread_rwlock_timedrdlock, (pthread_rwlock_t *lock, const struct timespec *abstime), (lock, abstime), pthread_rwlock_tryrdlock,
     reading(lock), CLOCK_REALTIME, abstime)
LOCK(pthread_rwlock_clockrdlock, (pthread_rwlock_t *lock, clockid_t clock, const struct timespec *abstime), (lock, clock, abstime),
     pthread_rwlock_tryrdlock, reading(lock), clock, abstime)
LOCK(pthread_rwlock_wrlock, (pthread_rwlock_t *lock), (lock), pthread_rwlock_trywrlock, lock, CLOCK_REALTIME, NULL)
LOCK(pthread_rwlock_timedwrlock, (pthread_rwlock_t *lock, const struct timespec *abstime), (lock, abstime), pthread_rwlock_trywrlock,
     lock, CLOCK_REALTIME, abstime)
LOCK(pthread_rwlock_clockwrlock, (pthread_rwlock_t *lock, clockid_t clock, const struct timespec *abstime), (lock, clock, abstime),
     pthread_rwlock_trywrlock, lock, clock, abstime)

/* The calling thread, which has the lock, is about to unlock it. */
static void wake(pthread_rwlock_t *lock, struct trace_where where)
{
	uintptr_t id = (uintptr_t)lock;
	bool writers_first = lock->__data.__flags != PTHREAD_RWLOCK_PREFER_READER_NP;

	if (!layout_known || !pt_self)
		return;
	if (writer(lock) != (int)pt_self->m.id) {
		if (readers(lock) == 1)
			pt_wake_waiters(lock, 1, id, where);
		return;
	}
	if (writers_first && pt_wake_waiters(lock, 1, id, where) != 0)
		return;
	if (pt_wake_waiters(reading(lock), UINT_MAX, id, where) == 0)
		pt_wake_waiters(lock, 1, id, where);
}

PT_EXPORT int pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
	if (pt_wait_is_likely(lock) || pt_wait_is_likely(reading(lock)))
		wake(lock, TRACE_HERE());
	return PT_REAL(pthread_rwlock_unlock)(lock);
}
