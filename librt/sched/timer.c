/* SPDX-License-Identifier: BSD-3-Clause
 *
 * timer.c - sleeping goroutines: one heap by wake-up time under one lock.
 *
 * The earliest time is also kept in an atomic, so that those who only look need no lock. Whoever schedules runs timers that are
 * due; when a P is idle, one M without a P (sched.timer_m) waits for the earliest with a timeout.
 *
 * Nobody sleeps too long: an adder stores the new earliest time and then reads timer_m, the waiter stores itself there and then
 * reads the earliest time, a full fence between the two on both sides; so the adder wakes the waiter, or the waiter saw the
 * time. If neither holds, no M waits, and the adder's own M looks at the earliest time before it parks.
 */
#include "librt/sched/gmp.h"

#include <errno.h>
#include <stdlib.h>

#define ARITY 4u

static struct {
	struct exrt__lock lock;
	struct exrt__g **heap;
	uint32_t n, cap;
	_Atomic int64_t next;		/* the root's time; 0: none; written under lock */
} timers;

static void place(struct exrt__g *g, uint32_t i)
{
	timers.heap[i] = g;
	g->timer_index = i;
}

static void sift_up(struct exrt__g *g, uint32_t i)
{
	while (i > 0) {
		uint32_t up = (i - 1) / ARITY;

		if (timers.heap[up]->wake_at <= g->wake_at)
			break;
		place(timers.heap[up], i);
		i = up;
	}
	place(g, i);
}

static void sift_down(struct exrt__g *g, uint32_t i)
{
	for (;;) {
		uint32_t first = i * ARITY + 1, best = first;

		if (first >= timers.n)
			break;
		for (uint32_t c = first + 1; c < first + ARITY && c < timers.n; c++) {
			if (timers.heap[c]->wake_at < timers.heap[best]->wake_at)
				best = c;
		}
		if (g->wake_at <= timers.heap[best]->wake_at)
			break;
		place(timers.heap[best], i);
		i = best;
	}
	place(g, i);
}

static void publish_next(void)
{
	atomic_store_explicit(&timers.next, timers.n ? timers.heap[0]->wake_at : 0, memory_order_relaxed);
}

int64_t exrt__timer_next(void)
{
	return atomic_load_explicit(&timers.next, memory_order_relaxed);
}

void exrt__timer_add(struct exrt__g *g, int64_t when)
{
	struct exrt__m *waiter = NULL;

	exrt__lock(&timers.lock);
	if (timers.n == timers.cap) {
		uint32_t cap = timers.cap ? timers.cap * 2 : 64;
		struct exrt__g **heap = realloc(timers.heap, cap * sizeof(*heap));

		if (!heap)
			exrt__fatal("out of memory for sleeping goroutines");
		timers.heap = heap;
		timers.cap = cap;
	}
	g->wake_at = when;
	sift_up(g, timers.n++);
	if (timers.heap[0] == g) {
		publish_next();
		atomic_thread_fence(memory_order_seq_cst);	/* pairs with the one in wait_for_timer */
		waiter = atomic_load_explicit(&exrt__sched.timer_m, memory_order_relaxed);
	}
	exrt__unlock(&timers.lock);
	if (waiter)
		exrt__note_wake(&waiter->note);
}

bool exrt__timer_run(struct exrt__m *m)
{
	int64_t next = exrt__timer_next();
	bool any = false;
	int64_t now;

	if (next == 0)
		return false;
	now = exrt_nanotime();
	if (now < next)
		return false;
	exrt__lock(&timers.lock);
	while (timers.n > 0 && timers.heap[0]->wake_at <= now) {
		struct exrt__g *g = timers.heap[0];

		if (--timers.n > 0)
			sift_down(timers.heap[timers.n], 0);
		publish_next();
		/* Not under the lock: making it runnable may start a thread. */
		exrt__unlock(&timers.lock);
		exrt__ready(m, g, 0, (struct trace_where){ 0, 0 });
		any = true;
		exrt__lock(&timers.lock);
	}
	exrt__unlock(&timers.lock);
	return any;
}

/* The run is over: those who sleep never wake. */
void exrt__timer_clear(void)
{
	exrt__lock(&timers.lock);
	timers.n = 0;
	publish_next();
	exrt__unlock(&timers.lock);
}

static void sleep_after(struct exrt__m *m, struct exrt__g *g, void *arg)
{
	exrt__timer_add(g, *(int64_t *)arg);
}

void exrt_sleep(int64_t ns)
{
	struct exrt__m *m = exrt__m_on_g("exrt_sleep: not on a goroutine");
	int64_t when = exrt_nanotime();

	if (ns <= 0) {
		exrt_yield();
		return;
	}
	when = ns > INT64_MAX - when ? INT64_MAX : when + ns;
	exrt__park(m, "sleep", 0, TRACE_HERE(), sleep_after, &when);
}
