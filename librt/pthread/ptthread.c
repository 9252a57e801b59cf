/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ptthread.c - the records of threads: made, pooled, begun and ended.
 *
 * Records stay mapped for the process's life and on one list that only grows, so the recorder can walk them at any time without
 * a lock.  A record whose thread ended is used again for another G: its state word carries the G's id, so that whoever reads
 * it knows whose state it is.
 */
#include "config.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "librt/pthread/pthost.h"

#define RECORDS 64

static _Atomic uint32_t pool_lock;	/* 0 free, 1 held, 2 held and waited for; signals blocked */
static struct pt_thread *pool;
static _Atomic(struct pt_thread *) all;	/* pushed under the lock with release, read with acquire */
static _Atomic uint64_t last_id;
static _Atomic unsigned live;		/* records in use: threads that run, or are being made */

static void lock_pool(sigset_t *mask)
{
	sigset_t full;

	sigfillset(&full);
	PT_REAL(pthread_sigmask)(SIG_SETMASK, &full, mask);
	while (atomic_exchange_explicit(&pool_lock, 2, memory_order_acquire) != 0)
		pt_futex_wait(&pool_lock, 2, NULL);
}

static void unlock_pool(const sigset_t *mask)
{
	if (atomic_exchange_explicit(&pool_lock, 0, memory_order_release) == 2)
		pt_futex_wake(&pool_lock, 1);
	PT_REAL(pthread_sigmask)(SIG_SETMASK, mask, NULL);
}

/* More records, or no change. */
static void pool_grow(void)
{
	struct pt_thread *more = mmap(NULL, RECORDS * sizeof(*more), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (more == MAP_FAILED)
		return;
	for (unsigned i = 0; i < RECORDS; i++) {
		more[i].pool_next = pool;
		pool = &more[i];
		more[i].all_next = atomic_load_explicit(&all, memory_order_relaxed);
		atomic_store_explicit(&all, &more[i], memory_order_release);
	}
}

struct pt_thread *pt_thread_new(void)
{
	struct pt_thread *t;
	sigset_t mask;

	lock_pool(&mask);
	if (!pool)
		pool_grow();
	t = pool;
	if (t)
		pool = t->pool_next;
	unlock_pool(&mask);
	if (!t)
		return NULL;
	atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
	/* Dead and unregistered: nobody else looks at these.  g.res stays as it is (tracer.h). */
	memset(&t->m, 0, sizeof(t->m));
	t->g.stack_lo = t->g.stack_hi = 0;
	t->g.id = atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1;
	t->busy = 0;
	t->sample_signal = 0;
	t->blocks_samples = false;
	t->destructor_rounds = 0;
	t->wait_key = 0;
	atomic_store_explicit(&t->handoff, PT_HANDOFF_NONE, memory_order_relaxed);
	return t;
}

void pt_thread_free(struct pt_thread *t)
{
	sigset_t mask;

	atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
	lock_pool(&mask);
	t->pool_next = pool;
	pool = t;
	unlock_pool(&mask);
}

/* Where frames of the calling thread can lie. */
static void find_stack(struct pt_thread *t)
{
	const uintptr_t most = 64u << 20;
	pthread_attr_t attr;
	void *lo;
	size_t size;

	if (pthread_getattr_np(pthread_self(), &attr) != 0)
		return;
	if (pthread_attr_getstack(&attr, &lo, &size) == 0) {
		t->g.stack_lo = (uintptr_t)lo;
		t->g.stack_hi = (uintptr_t)lo + size;
		/* The first thread's may be unlimited: what lies far below is hardly its own. */
		if (size > most)
			t->g.stack_lo = t->g.stack_hi - most;
	}
	pthread_attr_destroy(&attr);
}

bool pt_thread_begin(struct pt_thread *t, bool created, uintptr_t entry)
{
	struct pt_slot *slot;

	t->busy = 1;
	t->saved_errno = errno;
	trace_m_register(&t->m);
	find_stack(t);
	pt_signals_block(t);
	slot = pt_slot_take(t);
	if (slot) {
		pt_self = t;
		pt_state_begin(t, slot, created, entry);
	}
	pt_signals_restore(t);
	if (!slot)
		trace_m_unregister(&t->m);
	pt_leave(t);
	return slot;
}

void pt_thread_end(struct pt_thread *t)
{
	int saved = errno;
	bool entered;

	/* Left behind where a signal handler jumped out of the recorder. */
	t->busy = 0;
	entered = pt_enter();
	/* Whoever waits to join this one. */
	if (entered && pt_wait_is_likely((void *)pthread_self()))
		pt_wait_unblock(t, (uintptr_t)pthread_self(), 1, 0, (struct trace_where){ 0, 0 });
	pt_signals_block(t);
	pt_self = NULL;
	if (entered)
		pt_state_end(t);
	pt_signals_restore(t);
	if (!pt_is_recorded())
		return;
	trace_m_unregister(&t->m);
	/* Without memory for a P its G could not even end: it stays, waiting. */
	if (entered)
		pt_thread_free(t);
	else
		atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
	errno = saved;
}

unsigned pt_thread_live(void)
{
	return atomic_load_explicit(&live, memory_order_relaxed);
}

void pt_thread_visit(void (*visit)(void *ctx, const struct trace_g_info *info), void *ctx)
{
	for (struct pt_thread *t = atomic_load_explicit(&all, memory_order_acquire); t; t = t->all_next) {
		uint64_t word = atomic_load_explicit(&t->state, memory_order_acquire);
		struct trace_g_info info = { .g = &t->g, .id = word >> PT_STATE_BITS, .state = pt_state_of(word) };

		if (info.state == TRACE_G_DEAD)
			continue;
		if (info.state == TRACE_G_RUNNING || info.state == TRACE_G_SYSCALL)
			info.m = &t->m;
		visit(ctx, &info);
	}
}
