/* SPDX-License-Identifier: BSD-3-Clause
 *
 * waitgroup.c - waiting until a count is 0.
 *
 * The count (high half) and the number of waiters (low half) are one word, so that the one who brings the count to 0 knows from
 * that very operation whether somebody waits. If nobody does, it does not touch the group again: it may be gone. If some do,
 * they, and with them the group, stay until they are woken.
 */
#include "librt/sync/waitlist.h"

struct waitgroup {
	_Atomic uint64_t state;
	struct exrt__lock lock;		/* of the list, and of changes to the number of waiters */
	uint32_t reserved;
	struct exrt__waitlist list;
};
_Static_assert(sizeof(struct waitgroup) <= sizeof(struct exrt_waitgroup), "the public struct has room");

static int32_t count(uint64_t state)
{
	return (int32_t)(state >> 32);
}

static void wake_all(struct waitgroup *wg, struct trace_where where)
{
	struct exrt__m *m = exrt__m_on_g("exrt_waitgroup_add: not on a goroutine");
	struct exrt__waiter *w, *next;

	/* Whoever counts itself as a waiter does so under the lock and keeps it until it is in the list. */
	exrt__lock(&wg->lock);
	w = wg->list.first;
	wg->list = (struct exrt__waitlist){ NULL, NULL };
	atomic_fetch_and_explicit(&wg->state, ~(uint64_t)UINT32_MAX, memory_order_relaxed);
	exrt__unlock(&wg->lock);
	for (; w; w = next) {
		next = w->next;		/* w is gone once it can run */
		exrt__ready(m, w->g, 0, where);
	}
}

static void add(struct waitgroup *wg, int64_t delta, struct trace_where where)
{
	uint64_t more = (uint64_t)delta << 32, state;

	/* Release pairs with the waiters' acquire: what was done before is seen by them. */
	state = atomic_fetch_add_explicit(&wg->state, more, memory_order_acq_rel) + more;
	if (count(state) < 0)
		exrt__fatal("negative wait group counter");
	if (count(state) == 0 && (uint32_t)state != 0)
		wake_all(wg, where);
}

void exrt_waitgroup_add(struct exrt_waitgroup *wg, int64_t delta)
{
	if (delta > INT32_MAX || delta < INT32_MIN)
		exrt__fatal("wait group counter out of range");
	add((struct waitgroup *)wg, delta, TRACE_HERE());
}

void exrt_waitgroup_done(struct exrt_waitgroup *wg)
{
	add((struct waitgroup *)wg, -1, TRACE_HERE());
}

void exrt_waitgroup_wait(struct exrt_waitgroup *group)
{
	struct waitgroup *wg = (struct waitgroup *)group;
	struct exrt__m *m = exrt__m_on_g("exrt_waitgroup_wait: not on a goroutine");
	struct exrt__waiter w = { .g = m->g };
	uint64_t state = atomic_load_explicit(&wg->state, memory_order_acquire);

	if (count(state) == 0)
		return;
	exrt__lock(&wg->lock);
	do {
		if (count(state) == 0) {
			exrt__unlock(&wg->lock);
			return;
		}
	} while (!atomic_compare_exchange_weak_explicit(&wg->state, &state, state + 1, memory_order_acq_rel,
							memory_order_acquire));
	exrt__waitlist_push(&wg->list, &w);
	exrt__park(m, "sync", 0, TRACE_HERE(), exrt__unlock_after, &wg->lock);
}
