/* SPDX-License-Identifier: BSD-3-Clause
 *
 * hookthread.c - threads are made, joined and end.
 *
 * A thread that is made here begins in run() or run_c11(), with its record; it ends, whether by return, pthread_exit or cancellation, in the
 * destructor of a key, which puts itself off to the last round so that the program's own destructors are still seen.  Threads made
 * otherwise have no record, and all hooks let them pass.
 *
 * libc ends the process when its last thread is gone.  The recorder's own threads stand in the way of that, so the last of the
 * program's does it in libc's stead.
 */
#include "config.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>

#include "librt/pthread/pthost.h"

static pthread_key_t end_key;
static _Atomic unsigned own_threads;

/* Kernel threads of this process; 0 when that cannot be told. */
static unsigned count_tasks(void)
{
	DIR *dir = opendir("/proc/self/task");
	unsigned n = 0;

	if (!dir)
		return 0;
	for (struct dirent *e; (e = readdir(dir));)
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static unsigned strangers;	/* threads that were there before the recorder; written once */

static void at_thread_end(void *arg)
{
	struct pt_thread *t = arg;

	if (t != pt_self || !pt_is_recorded())
		return;
	if (++t->destructor_rounds < PTHREAD_DESTRUCTOR_ITERATIONS && pthread_setspecific(end_key, t) == 0)
		return;
	pt_thread_end(t);
	if (pt_thread_live() == 0 && (strangers == 0 || count_tasks() <= 1 + atomic_load(&own_threads)))
		exit(0);
}

void pt_hookthread_init(void)
{
	strangers = count_tasks();
	strangers -= strangers > 0;
	pthread_key_create(&end_key, at_thread_end);
}

void pt_hookthread_begun(struct pt_thread *t)
{
	pthread_setspecific(end_key, t);
}

/* By the new thread, first thing. */
static void begin(struct pt_thread *t)
{
	if (pt_is_recorded() && pt_thread_begin(t, pt_state_own(t) != TRACE_G_DEAD, t->start))
		pt_hookthread_begun(t);
}

static void *run(void *arg)
{
	struct pt_thread *t = arg;
	uintptr_t start = t->start;

	arg = t->arg;
	begin(t);
	return (void *)pt_root_call(start, (uintptr_t)arg, 0, 0);
}

static int run_c11(void *arg)
{
	struct pt_thread *t = arg;
	uintptr_t start = t->start;

	arg = t->arg;
	begin(t);
	return (int)pt_root_call(start, (uintptr_t)arg, 0, 0);
}

/* A thread is about to be made.  Return: who makes it, for create_failed; *child NULL: not ours, or no memory. */
static struct pt_thread *create_begin(struct pt_thread **child, uintptr_t start, void *arg, struct trace_where where)
{
	struct pt_thread *t;

	*child = pt_is_recorded() ? pt_thread_new() : NULL;
	if (!*child)
		return NULL;
	(*child)->start = start;
	(*child)->arg = arg;
	(*child)->blocks_samples = pt_self && pt_self->blocks_samples;
	t = pt_enter();
	if (t) {
		pt_state_create(t, *child, start, where);
		pt_leave(t);
	}
	return t;
}

/* It could not be made. */
static void create_failed(struct pt_thread *t, struct pt_thread *child)
{
	t = t ? pt_enter() : NULL;
	if (t) {
		pt_state_create_failed(t, child);
		pt_leave(t);
	}
	if (pt_state_own(child) == TRACE_G_DEAD)
		pt_thread_free(child);
}

PT_EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg)
{
	struct pt_thread *child, *t = create_begin(&child, (uintptr_t)start, arg, TRACE_HERE());
	int rc;

	if (!child)
		return PT_REAL(pthread_create)(thread, attr, start, arg);
	rc = PT_REAL(pthread_create)(thread, attr, run, child);
	if (rc != 0)
		create_failed(t, child);
	return rc;
}

PT_EXPORT int thrd_create(thrd_t *thread, thrd_start_t start, void *arg)
{
	struct pt_thread *child, *t = create_begin(&child, (uintptr_t)start, arg, TRACE_HERE());
	int rc;

	if (!child)
		return PT_REAL(thrd_create)(thread, start, arg);
	rc = PT_REAL(thrd_create)(thread, run_c11, child);
	if (rc != thrd_success)
		create_failed(t, child);
	return rc;
}

#define JOIN(name, params, args, clock, abstime)                                                                                 \
	PT_EXPORT int name params                                                                                                \
	{                                                                                                                        \
		struct pt_thread *t;                                                                                             \
		int rc;                                                                                                          \
                                                                                                                                 \
		if (!pt_is_time(clock, abstime))                                                                                 \
			return PT_REAL(name) args;                                                                               \
		pthread_testcancel();                                                                                            \
		rc = PT_REAL(pthread_tryjoin_np)(thread, result);                                                                \
		if (rc != EBUSY)                                                                                                 \
			return rc;                                                                                               \
		t = pt_block_enter((void *)thread, "sync", 0, TRACE_HERE());                                                     \
		rc = PT_REAL(name) args;                                                                                         \
		pt_call_leave(t);                                                                                                \
		return rc;                                                                                                       \
	}

JOIN(pthread_join, (pthread_t thread, void **result), (thread, result), CLOCK_REALTIME, NULL)
JOIN(pthread_timedjoin_np, (pthread_t thread, void **result, const struct timespec *abstime), (thread, result, abstime),
     CLOCK_REALTIME, abstime)
JOIN(pthread_clockjoin_np, (pthread_t thread, void **result, clockid_t clock, const struct timespec *abstime),
     (thread, result, clock, abstime), clock, abstime)

/* There is no way to ask whether it has ended.  Its thrd_t is what pthread_self() is in it. */
PT_EXPORT int thrd_join(thrd_t thread, int *result)
{
	struct pt_thread *t = pt_block_enter((void *)thread, "sync", 0, TRACE_HERE());
	int rc = PT_REAL(thrd_join)(thread, result);

	pt_call_leave(t);
	return rc;
}

struct own_thread {
	void (*fn)(void *);
	void *arg;
};

static void *run_own(void *arg)
{
	struct own_thread own = *(struct own_thread *)arg;

	free(arg);
	own.fn(own.arg);
	atomic_fetch_sub(&own_threads, 1);
	return NULL;
}

int pt_own_thread_new(void (*fn)(void *), void *arg)
{
	struct own_thread *own = malloc(sizeof(*own));
	sigset_t all, mask;
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	if (!own)
		return -ENOMEM;
	*own = (struct own_thread){ fn, arg };
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 1u << 20);
	sigfillset(&all);
	PT_REAL(pthread_sigmask)(SIG_SETMASK, &all, &mask);
	atomic_fetch_add(&own_threads, 1);
	rc = PT_REAL(pthread_create)(&thread, &attr, run_own, own);
	PT_REAL(pthread_sigmask)(SIG_SETMASK, &mask, NULL);
	pthread_attr_destroy(&attr);
	if (rc != 0) {
		atomic_fetch_sub(&own_threads, 1);
		free(own);
	}
	return -rc;
}
