/* SPDX-License-Identifier: BSD-3-Clause
 *
 * mutex.c - a lock that goroutines wait for.
 *
 * The state's bits:
 *   - LOCKED: someone holds it.
 *   - WAITERS: the list is not empty (set and cleared under the list's lock).
 *   - WOKEN: one that waited was woken and has not tried yet: nobody else need be woken.
 * Without contention it is 0 or LOCKED, and locking and unlocking are one compare-and-swap each.
 *
 * Whoever comes while it is free takes it, even if others wait: that is fast, since a woken goroutine takes its time. One that
 * has waited for a millisecond is handed the lock instead (LOCKED stays set), so nobody starves. One that was woken and came
 * too late waits at the list's front.
 *
 * An unlocker does not touch the mutex after the operation that lets go of LOCKED, since the next owner may free it.
 */
#include "librt/sync/waitlist.h"

#define LOCKED 1u
#define WAITERS 2u
#define WOKEN 4u

#define STARVING_NS 1000000
#define SPIN_ROUNDS 4
#define SPIN_PAUSES 30

struct mutex {
	_Atomic uint32_t state;
	struct exrt__lock lock;		/* of the list */
	struct exrt__waitlist list;
};
_Static_assert(sizeof(struct mutex) <= sizeof(struct exrt_mutex), "the public struct has room");

/* Takes it if it is free. */
static bool take(struct mutex *mu)
{
	uint32_t s = atomic_load_explicit(&mu->state, memory_order_relaxed);

	while (!(s & LOCKED)) {
		/* Acquire pairs with the release of the unlockers. */
		if (atomic_compare_exchange_weak_explicit(&mu->state, &s, s | LOCKED, memory_order_acquire, memory_order_relaxed))
			return true;
	}
	return false;
}

static bool spin(struct mutex *mu)
{
	if (atomic_load_explicit(&exrt__sched.nprocs, memory_order_relaxed) == 1)
		return false;
	for (int i = 0; i < SPIN_ROUNDS; i++) {
		for (int j = 0; j < SPIN_PAUSES; j++) {
#if defined(__x86_64__)
			__builtin_ia32_pause();
#elif defined(__aarch64__)
			__asm__ volatile("yield");
#endif
		}
		if (take(mu))
			return true;
	}
	return false;
}

static void lock_slow(struct mutex *mu, struct trace_where where)
{
	struct exrt__m *m = exrt__m_on_g("exrt_mutex_lock: not on a goroutine");
	struct exrt__waiter w = { .g = m->g };
	bool woken = false;

	if (spin(mu))
		return;
	w.since = exrt_nanotime();
	for (;;) {
		exrt__lock(&mu->lock);
		/*
		 * Both before it is looked at: if it is locked still, its unlocker sees that somebody waits and that nobody is under
		 * way, comes for the list's lock, and finds us in the list.
		 */
		if (woken)
			atomic_fetch_and_explicit(&mu->state, ~WOKEN, memory_order_relaxed);
		atomic_fetch_or_explicit(&mu->state, WAITERS, memory_order_relaxed);
		if (take(mu)) {
			if (!mu->list.first)
				atomic_fetch_and_explicit(&mu->state, ~WAITERS, memory_order_relaxed);
			exrt__unlock(&mu->lock);
			return;
		}
		if (woken)
			exrt__waitlist_push_first(&mu->list, &w);
		else
			exrt__waitlist_push(&mu->list, &w);
		exrt__park(m, "sync", (uintptr_t)mu, where, exrt__unlock_after, &mu->lock);
		if (w.ok)
			return;		/* it was handed to us */
		woken = true;
		m = exrt__m_self();
	}
}

void exrt_mutex_lock(struct exrt_mutex *mutex)
{
	struct mutex *mu = (struct mutex *)mutex;
	uint32_t free = 0;

	if (!atomic_compare_exchange_strong_explicit(&mu->state, &free, LOCKED, memory_order_acquire, memory_order_relaxed))
		lock_slow(mu, TRACE_HERE());
}

bool exrt_mutex_trylock(struct exrt_mutex *mutex)
{
	return take((struct mutex *)mutex);
}

/* Takes the first waiter out of the list, unless a woken one is under way already. */
static struct exrt__waiter *pop(struct mutex *mu)
{
	struct exrt__waiter *w = NULL;

	exrt__lock(&mu->lock);
	if (!(atomic_load_explicit(&mu->state, memory_order_relaxed) & WOKEN))
		w = exrt__waitlist_pop(&mu->list);
	if (!mu->list.first)
		atomic_fetch_and_explicit(&mu->state, ~WAITERS, memory_order_relaxed);
	exrt__unlock(&mu->lock);
	return w;
}

static void unlock_slow(struct mutex *mu, struct trace_where where)
{
	struct exrt__m *m = exrt__m_on_g("exrt_mutex_unlock: not on a goroutine");
	uint32_t s = atomic_load_explicit(&mu->state, memory_order_relaxed);
	struct exrt__waiter *w = NULL;
	struct exrt__g *g;

	if (!(s & LOCKED))
		exrt__fatal("unlock of unlocked mutex");
	for (;;) {
		/* Waiters may come until LOCKED is let go: look again whenever some are there and nobody was or is woken. */
		if (!w && (s & WAITERS) && !(s & WOKEN)) {
			w = pop(mu);
			s = atomic_load_explicit(&mu->state, memory_order_relaxed);
			if (w && exrt_nanotime() - w->since >= STARVING_NS) {
				w->ok = true;
				break;	/* stays locked, for it */
			}
			continue;
		}
		g = w ? w->g : NULL;	/* w is gone once it can run */
		if (atomic_compare_exchange_weak_explicit(&mu->state, &s, (s & ~LOCKED) | (w ? WOKEN : 0), memory_order_release,
							  memory_order_relaxed)) {
			if (g)
				exrt__ready(m, g, (uintptr_t)mu, where);
			return;
		}
	}
	exrt__ready(m, w->g, (uintptr_t)mu, where);
}

void exrt_mutex_unlock(struct exrt_mutex *mutex)
{
	struct mutex *mu = (struct mutex *)mutex;
	uint32_t locked = LOCKED;

	if (!atomic_compare_exchange_strong_explicit(&mu->state, &locked, 0, memory_order_release, memory_order_relaxed))
		unlock_slow(mu, TRACE_HERE());
}
