/* SPDX-License-Identifier: BSD-3-Clause
 *
 * hookc11.c - the mutexes and conditions of C11's threads, and what runs once.
 *
 * libc's C11 functions do not call its exported pthread functions. Where a mtx_t is a pthread mutex (pt_c11_init() looks), it is waited for
 * like one; else in the real function, and who unlocks unblocks nobody, since it is not known whether that frees the mutex.
 *
 * Who finds that something is being run once waits for it, and who runs it unblocks all, just before it counts as done.  That one is under
 * way is read in the flag, if this libc keeps it there.  Who comes between the look and the beginning is shown as running.
 * Who waited may have to run it after all, when the first was cancelled in it (or threw): its wait is over then.
 */
#include "config.h"

#include <limits.h>

#include "librt/pthread/pthost.h"

static const char reason_sync[] = "sync";
static const char reason_cond[] = "sync.(*Cond).Wait";

/* Written once, before main(). */
static bool mtx_is_mutex, once_known, flag_known;

static pthread_mutex_t *mutex_of(mtx_t *mtx)
{
	return (pthread_mutex_t *)mtx;
}

/* Both families of functions see the same lock, and the same kinds. */
static bool check_mtx(void)
{
	mtx_t mtx;
	bool good;

	if (PT_REAL(mtx_init)(&mtx, mtx_plain) != thrd_success)
		return false;
	good = (mutex_of(&mtx)->__data.__kind & 3) == PTHREAD_MUTEX_TIMED_NP;
	good = good && PT_REAL(pthread_mutex_trylock)(mutex_of(&mtx)) == 0 && PT_REAL(mtx_trylock)(&mtx) == thrd_busy;
	good = good && PT_REAL(mtx_unlock)(&mtx) == thrd_success && PT_REAL(mtx_trylock)(&mtx) == thrd_success;
	good = good && PT_REAL(pthread_mutex_trylock)(mutex_of(&mtx)) == EBUSY;
	good = good && PT_REAL(pthread_mutex_unlock)(mutex_of(&mtx)) == 0;
	return good && PT_REAL(mtx_init)(&mtx, mtx_plain | mtx_recursive) == thrd_success &&
	       (mutex_of(&mtx)->__data.__kind & 3) == PTHREAD_MUTEX_RECURSIVE_NP;
}

PT_EXPORT int mtx_lock(mtx_t *mtx)
{
	int rc = PT_REAL(mtx_trylock)(mtx);
	struct pt_thread *t;

	if (rc != thrd_busy)
		return rc;
	if (mtx_is_mutex)
		return pt_mutex_lock_contended(mutex_of(mtx), TRACE_HERE()) == 0 ? thrd_success : thrd_error;
	t = pt_block_enter(mtx, reason_sync, (uintptr_t)mtx, TRACE_HERE());
	rc = PT_REAL(mtx_lock)(mtx);
	pt_call_leave(t);
	return rc;
}

PT_EXPORT int mtx_timedlock(mtx_t *mtx, const struct timespec *abstime)
{
	int rc = PT_REAL(mtx_trylock)(mtx);
	struct pt_thread *t;

	if (rc != thrd_busy)
		return rc;
	t = pt_block_enter(mtx, reason_sync, (uintptr_t)mtx, TRACE_HERE());
	rc = PT_REAL(mtx_timedlock)(mtx, abstime);
	pt_call_leave(t);
	return rc;
}

/* mtx is about to be given up. */
static void wake(mtx_t *mtx, struct trace_where where)
{
	if (mtx_is_mutex && pt_wait_is_likely(mtx))
		pt_mutex_wake(mutex_of(mtx), where);
}

PT_EXPORT int mtx_unlock(mtx_t *mtx)
{
	wake(mtx, TRACE_HERE());
	return PT_REAL(mtx_unlock)(mtx);
}

PT_EXPORT int cnd_wait(cnd_t *cnd, mtx_t *mtx)
{
	struct pt_thread *t;
	int rc;

	wake(mtx, TRACE_HERE());
	t = pt_block_enter(cnd, reason_cond, 0, TRACE_HERE());
	rc = PT_REAL(cnd_wait)(cnd, mtx);
	pt_call_leave(t);
	return rc;
}

PT_EXPORT int cnd_timedwait(cnd_t *cnd, mtx_t *mtx, const struct timespec *abstime)
{
	struct pt_thread *t;
	int rc;

	wake(mtx, TRACE_HERE());
	t = pt_block_enter(cnd, reason_cond, 0, TRACE_HERE());
	rc = PT_REAL(cnd_timedwait)(cnd, mtx, abstime);
	pt_call_leave(t);
	return rc;
}

PT_EXPORT int cnd_signal(cnd_t *cnd)
{
	if (pt_wait_is_likely(cnd))
		pt_wake_waiters(cnd, 1, 0, TRACE_HERE());
	return PT_REAL(cnd_signal)(cnd);
}

PT_EXPORT int cnd_broadcast(cnd_t *cnd)
{
	if (pt_wait_is_likely(cnd))
		pt_wake_waiters(cnd, UINT_MAX, 0, TRACE_HERE());
	return PT_REAL(cnd_broadcast)(cnd);
}

/* --- once --------------------------------------------------------------------------------------------------------------- */

enum { ONCE_RUNNING = 1, ONCE_DONE = 2 };	/* in the two lowest bits of this libc's flags */

/* For run_once, which has no argument. Its caller's, that lives as long as it runs. */
struct once {
	void (*fn)(void);
	const void *flag;
	struct trace_where where;
};

static __thread const struct once *next_once __attribute__((tls_model("initial-exec")));

static unsigned once_state(const void *flag)
{
	return (unsigned)__atomic_load_n((const int *)flag, __ATOMIC_RELAXED) & 3;
}

static const void *probed;
static unsigned state_inside;

static void probe(void)
{
	state_inside = once_state(probed);
}

/* The flag is to be run by run(). */
#define CHECK_ONCE(flag, run)                                                                                                    \
	({                                                                                                                       \
		bool good_ = once_state(&flag) == 0;                                                                             \
                                                                                                                                 \
		probed = &flag;                                                                                                  \
		state_inside = 0;                                                                                                \
		run(&flag, probe);                                                                                               \
		good_ && state_inside == ONCE_RUNNING && once_state(&flag) == ONCE_DONE;                                         \
	})

void pt_c11_init(void)
{
	pthread_once_t once = PTHREAD_ONCE_INIT;
	once_flag flag = ONCE_FLAG_INIT;

	mtx_is_mutex = check_mtx();
	once_known = CHECK_ONCE(once, PT_REAL(pthread_once));
	flag_known = CHECK_ONCE(flag, PT_REAL(call_once));
}

static void run_once(void)
{
	const struct once *once = next_once;

	/* Should this thread have waited. */
	pt_call_leave(pt_self);
	once->fn();
	if (pt_wait_is_likely(once->flag))
		pt_wake_waiters(once->flag, UINT_MAX, 0, once->where);
}

/* The flag was not done when it was looked at. */
static struct pt_thread *once_enter(const struct once *once)
{
	next_once = once;
	return once_state(once->flag) == ONCE_RUNNING ? pt_block_enter(once->flag, reason_sync, 0, once->where) : NULL;
}

PT_EXPORT int pthread_once(pthread_once_t *flag, void (*fn)(void))
{
	const struct once once = { fn, flag, TRACE_HERE() }, *outer = next_once;
	struct pt_thread *t;
	int rc;

	if (!once_known || !pt_self || once_state(flag) == ONCE_DONE)
		return PT_REAL(pthread_once)(flag, fn);
	t = once_enter(&once);
	rc = PT_REAL(pthread_once)(flag, run_once);
	next_once = outer;
	pt_call_leave(t);
	return rc;
}

PT_EXPORT void call_once(once_flag *flag, void (*fn)(void))
{
	const struct once once = { fn, flag, TRACE_HERE() }, *outer = next_once;
	struct pt_thread *t;

	if (!flag_known || !pt_self || once_state(flag) == ONCE_DONE) {
		PT_REAL(call_once)(flag, fn);
		return;
	}
	t = once_enter(&once);
	PT_REAL(call_once)(flag, run_once);
	next_once = outer;
	pt_call_leave(t);
}
