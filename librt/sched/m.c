/* SPDX-License-Identifier: BSD-3-Clause
 *
 * m.c - threads: made when a P has nobody to run it, parked when idle, ended with the run.
 */
#include "librt/sched/gmp.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define THREAD_STACK (256u << 10)	/* scheduler code needs little, but sanitizers and signal handlers need some */

uint32_t exrt__m_random(struct exrt__m *m)
{
	uint64_t x = m->rng;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	m->rng = x;
	return (uint32_t)(x >> 32);
}

struct exrt__m *exrt__m_alloc(void)
{
	struct exrt__sched *s = &exrt__sched;
	struct exrt__m *m;

	exrt__lock(&s->lock);
	m = s->munused;
	if (m)
		s->munused = m->link;
	exrt__unlock(&s->lock);
	if (m)
		return m;
	m = aligned_alloc(_Alignof(struct exrt__m), sizeof(*m));
	if (!m)
		return NULL;
	memset(m, 0, sizeof(*m));
	m->rng = (uintptr_t)m ^ (uint64_t)exrt_nanotime() ^ 0x9e3779b97f4a7c15ull;
	/* Release pairs with the acquire of those who walk the list. */
	m->all = atomic_load_explicit(&s->allm, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&s->allm, &m->all, m, memory_order_release, memory_order_relaxed))
		;
	return m;
}

void exrt__m_release(struct exrt__m *m)
{
	m->g = NULL;
	m->p = NULL;
	m->spinning = false;
	exrt__lock(&exrt__sched.lock);
	m->link = exrt__sched.munused;
	exrt__sched.munused = m;
	exrt__unlock(&exrt__sched.lock);
}

/* Takes the P that a waker left. */
static bool take_next(struct exrt__m *m)
{
	/* Acquire pairs with the release in give. */
	struct exrt__p *p = atomic_load_explicit(&m->nextp, memory_order_acquire);

	if (!p)
		return false;
	atomic_store_explicit(&m->nextp, NULL, memory_order_relaxed);
	m->spinning = m->nextspin;
	exrt__acquire_p(m, p);
	return true;
}

static void give(struct exrt__m *m, struct exrt__p *p, bool spinning)
{
	m->nextspin = spinning;
	atomic_store_explicit(&m->nextp, p, memory_order_release);
}

static void *thread_main(void *arg)
{
	struct exrt__sched *s = &exrt__sched;
	struct exrt__m *m = arg;

	exrt__m_set_self(m);
	exrt__ctx_of_thread(&m->g0);
	trace_m_register(&m->t);
	exrt__overflow_watch(m);
	take_next(m);
	exrt__m_loop(m);
	exrt__overflow_unwatch(m);
	trace_m_unregister(&m->t);
	exrt__m_set_self(NULL);
	exrt__m_release(m);
	/* Release pairs with the acquire of the waiter in end_threads. */
	if (atomic_fetch_sub_explicit(&s->live_threads, 1, memory_order_release) == 1)
		exrt__note_wake(&s->donenote);
	return NULL;
}

/* Return: 0 or -errno. */
static int thread_new(struct exrt__m *m)
{
	pthread_attr_t attr;
	pthread_t thread;
	int rc = pthread_attr_init(&attr);

	if (rc)
		return -rc;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, THREAD_STACK);
	atomic_fetch_add_explicit(&exrt__sched.live_threads, 1, memory_order_relaxed);
	rc = pthread_create(&thread, &attr, thread_main, m);
	if (rc)
		atomic_fetch_sub_explicit(&exrt__sched.live_threads, 1, memory_order_relaxed);
	pthread_attr_destroy(&attr);
	return -rc;
}

/* Return: 0 or -errno; then the caller still has p. */
static int start_new(struct exrt__p *p, bool spinning)
{
	struct exrt__m *m = exrt__m_alloc();
	int rc;

	if (!m)
		return -ENOMEM;
	give(m, p, spinning);
	rc = thread_new(m);
	if (rc) {
		atomic_store_explicit(&m->nextp, NULL, memory_order_relaxed);
		exrt__m_release(m);
	}
	return rc;
}

int exrt__m_first(struct exrt__p *p)
{
	int rc;

	exrt__sched.nm = 1;
	rc = start_new(p, false);
	if (rc)
		exrt__sched.nm = 0;
	return rc;
}

void exrt__m_start(struct exrt__p *p, bool spinning)
{
	struct exrt__sched *s = &exrt__sched;
	struct exrt__m *m;

	exrt__lock(&s->lock);
	m = s->midle;
	if (m) {
		s->midle = m->link;
		s->nmidle--;
	} else {
		s->nm++;	/* before the lock goes: to the deadlock check it runs */
	}
	exrt__unlock(&s->lock);
	if (m) {
		give(m, p, spinning);
		exrt__note_wake(&m->note);
		return;
	}
	if (start_new(p, spinning) == 0)
		return;
	/* No thread to be had. Others run what there is; the monitor tries again. */
	if (spinning)
		atomic_fetch_sub(&s->nmspinning, 1);
	exrt__lock(&s->lock);
	s->nm--;
	exrt__pidle_put(p);
	/* The monitor is awake: p was not idle until now. */
	atomic_store_explicit(&s->start_failed, true, memory_order_relaxed);
	exrt__unlock(&s->lock);
}

void exrt__m_stop(struct exrt__m *m)
{
	struct exrt__sched *s = &exrt__sched;

	exrt__lock(&s->lock);
	if (atomic_load_explicit(&s->over, memory_order_relaxed)) {
		exrt__unlock(&s->lock);
		return;
	}
	m->link = s->midle;
	s->midle = m;
	s->nmidle++;
	exrt__check_dead();
	exrt__unlock(&s->lock);
	do
		exrt__note_wait(&m->note, 0);
	while (!take_next(m) && !atomic_load_explicit(&s->over, memory_order_relaxed));
}
