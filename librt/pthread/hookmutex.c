/* SPDX-License-Identifier: BSD-3-Clause
 *
 * hookmutex.c - pthread mutexes.
 *
 * A lock that is free costs a trylock in place of the lock, and no event.  One that is taken blocks the G with the mutex's address as the
 * lock; who unlocks it while somebody is known to wait unblocks the longest waiting, with the unlocker's stack, just before
 * the mutex is free, so that the wait is charged to who held it.
 *
 * A woken waiter may find the mutex taken again by somebody who did not wait. Go shows that as a second wait, and without it the time would
 * look runnable and be charged to nobody, since libc's own lock returns only in the end.  So for plain private mutexes the waiter
 * sleeps here, by libc's protocol on the mutex's word (0 free, 1 taken, 2 taken and somebody may sleep), which is that of
 * the unlocker, hooked or not: set 2, sleep while it is 2, and once the mutex is ours leave 2 in it for the others.  All else
 * (owner, recursion) stays libc's, by its trylock.  pt_mutex_init() checks that this libc does it so; other kinds
 * (error-checking, robust, priority inheritance or ceiling, process-shared) and other libcs wait in the real function.
 */
#include "config.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "librt/pthread/pthost.h"

static const char reason_sync[] = "sync";
static bool word_known;		/* written once, before main() */

static _Atomic uint32_t *mutex_word(pthread_mutex_t *mutex)
{
	return (_Atomic uint32_t *)&mutex->__data.__lock;
}

static bool check_word(pthread_mutex_t *mutex)
{
	_Atomic uint32_t *word = mutex_word(mutex);

	if (atomic_load(word) != 0 || PT_REAL(pthread_mutex_trylock)(mutex) != 0 || atomic_load(word) != 1)
		return false;
	atomic_store(word, 2);
	return PT_REAL(pthread_mutex_unlock)(mutex) == 0 && atomic_load(word) == 0;
}

void pt_mutex_init(void)
{
	pthread_mutex_t plain = PTHREAD_MUTEX_INITIALIZER, typed;
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_NORMAL);
	pthread_mutex_init(&typed, &attr);
	word_known = check_word(&plain) && check_word(&typed);
}

/* glibc's bit in the kind of a mutex whose type was set to be normal, as those of C11 are: never with hardware lock elision. */
#define NO_ELISION 512

static bool is_plain(const pthread_mutex_t *mutex)
{
	int kind = mutex->__data.__kind & ~NO_ELISION;

	return word_known && (kind == PTHREAD_MUTEX_TIMED_NP || kind == PTHREAD_MUTEX_RECURSIVE_NP || kind == PTHREAD_MUTEX_ADAPTIVE_NP);
}

/* Takes a plain mutex.  t was entered. */
static int lock_by_steps(struct pt_thread *t, pthread_mutex_t *mutex, struct trace_where where)
{
	_Atomic uint32_t *word = mutex_word(mutex);
	uint32_t old;
	int rc;

	pt_leave(t);
	for (;;) {
		/* Running: first time round, woken in vain, or a signal handler ran. */
		if (pt_state_own(t) == TRACE_G_RUNNING)
			pt_block_enter(mutex, reason_sync, (uintptr_t)mutex, where);
		old = 1;
		if (atomic_compare_exchange_strong(word, &old, 2) || old == 2)
			pt_futex_wait(word, 2, NULL);
		rc = PT_REAL(pthread_mutex_trylock)(mutex);
		if (rc != EBUSY)
			break;
		if (pt_wait_is_unblocked(t))
			pt_call_leave(t);
	}
	old = 1;
	if (rc == 0)
		atomic_compare_exchange_strong(word, &old, 2);
	pt_call_leave(t);
	return rc;
}

__attribute__((noinline)) int pt_mutex_lock_contended(pthread_mutex_t *mutex, struct trace_where where)
{
	struct pt_thread *t = pt_enter();
	int saved = errno, rc;

	if (!t)
		return PT_REAL(pthread_mutex_lock)(mutex);
	if (is_plain(mutex)) {
		rc = lock_by_steps(t, mutex, where);
		errno = saved;
		return rc;
	}
	pt_state_block(t, (uintptr_t)mutex, reason_sync, (uintptr_t)mutex, where);
	pt_leave(t);
	rc = PT_REAL(pthread_mutex_lock)(mutex);
	pt_call_leave(t);
	return rc;
}

PT_EXPORT int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	int rc;

	/* Nothing is recorded: libc's lock is cheaper than its trylock where there is one thread. */
	if (__builtin_expect(!pt_active, 0))
		return PT_REAL(pthread_mutex_lock)(mutex);
	rc = PT_REAL(pthread_mutex_trylock)(mutex);
	if (__builtin_expect(rc != EBUSY, 1))
		return rc;
	return pt_mutex_lock_contended(mutex, TRACE_HERE());
}

PT_EXPORT int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *abstime)
{
	int rc = PT_REAL(pthread_mutex_trylock)(mutex);
	struct pt_thread *t;

	if (rc != EBUSY)
		return rc;
	t = pt_block_enter(mutex, reason_sync, (uintptr_t)mutex, TRACE_HERE());
	rc = PT_REAL(pthread_mutex_timedlock)(mutex, abstime);
	pt_call_leave(t);
	return rc;
}

PT_EXPORT int pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *abstime)
{
	struct pt_thread *t;
	int rc;

	if (!pt_is_time(clock, abstime))
		return PT_REAL(pthread_mutex_clocklock)(mutex, clock, abstime);
	rc = PT_REAL(pthread_mutex_trylock)(mutex);
	if (rc != EBUSY)
		return rc;
	t = pt_block_enter(mutex, reason_sync, (uintptr_t)mutex, TRACE_HERE());
	rc = PT_REAL(pthread_mutex_clocklock)(mutex, clock, abstime);
	pt_call_leave(t);
	return rc;
}

/* The caller is about to unlock: whether that frees the mutex.  Only its owner may ask. */
static bool unlock_frees(const pthread_mutex_t *mutex)
{
	int kind = mutex->__data.__kind & 3;

	if (kind == PTHREAD_MUTEX_RECURSIVE_NP)
		return mutex->__data.__count == 1;
	if (kind == PTHREAD_MUTEX_ERRORCHECK_NP)
		return mutex->__data.__owner == (int)pt_self->m.id;
	return true;
}

void pt_mutex_wake(pthread_mutex_t *mutex, struct trace_where where)
{
	if (pt_self && unlock_frees(mutex))
		pt_wake_waiters(mutex, 1, (uintptr_t)mutex, where);
}

PT_EXPORT int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	if (pt_wait_is_likely(mutex))
		pt_mutex_wake(mutex, TRACE_HERE());
	return PT_REAL(pthread_mutex_unlock)(mutex);
}
