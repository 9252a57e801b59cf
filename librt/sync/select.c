/* SPDX-License-Identifier: BSD-3-Clause
 *
 * select.c - waiting for one of several channels.
 *
 * All channels are locked in order of their addresses, each once, and stay so from the first look until the goroutine waits in
 * all of them. Cases are looked at in random order. The first who ends one of the waits wins select_done; the others pass the
 * goroutine over, and it takes itself out of their lists when it runs again.
 */
#include "librt/sync/chan.h"

#include <errno.h>
#include <stdlib.h>

#define INLINE_CASES 8u

struct select_state {
	struct exrt_select_case *cases;
	size_t n;
	struct exrt_chan **locks;	/* distinct channels by address */
	size_t nlocks;
	unsigned *order;		/* in which cases are looked at */
	struct exrt__waiter *waiters;
};

static int by_address(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)*(struct exrt_chan *const *)a, y = (uintptr_t)*(struct exrt_chan *const *)b;

	return x < y ? -1 : x > y;
}

static void orders_make(struct select_state *s, struct exrt__m *m)
{
	size_t distinct = 0, n = 0;

	for (size_t i = 0; i < s->n; i++) {
		size_t j = exrt__m_random(m) % (i + 1);

		s->order[i] = s->order[j];
		s->order[j] = (unsigned)i;
		if (s->cases[i].ch)
			s->locks[n++] = s->cases[i].ch;
	}
	/* Few: insertion keeps qsort's possible malloc away. */
	if (n <= INLINE_CASES) {
		for (size_t i = 1; i < n; i++) {
			for (size_t j = i; j > 0 && by_address(&s->locks[j], &s->locks[j - 1]) < 0; j--) {
				struct exrt_chan *t = s->locks[j];

				s->locks[j] = s->locks[j - 1];
				s->locks[j - 1] = t;
			}
		}
	} else {
		qsort(s->locks, n, sizeof(*s->locks), by_address);
	}
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || s->locks[i] != s->locks[i - 1])
			s->locks[distinct++] = s->locks[i];
	}
	s->nlocks = distinct;
}

static void lock_all(struct select_state *s)
{
	for (size_t i = 0; i < s->nlocks; i++)
		exrt__lock(&s->locks[i]->lock);
}

/* s is on the goroutine's stack: once the last lock is free, it may be gone, so it is not looked at any more. */
static void unlock_all(struct select_state *s)
{
	struct exrt_chan **locks = s->locks;

	for (size_t i = s->nlocks; i-- > 0;)
		exrt__unlock(&locks[i]->lock);
}

static void unlock_all_after(struct exrt__m *m, struct exrt__g *g, void *arg)
{
	unlock_all(arg);
}

/* Does the first case that can be done at once.  Return: its index, or -1. */
static int try_cases(struct select_state *s, struct exrt__g **wake)
{
	for (size_t i = 0; i < s->n; i++) {
		struct exrt_select_case *c = &s->cases[s->order[i]];
		bool done;

		if (!c->ch)
			continue;
		if (c->op == EXRT_SELECT_SEND)
			done = exrt__chan_send_now(c->ch, c->elem, wake);
		else
			done = exrt__chan_recv_now(c->ch, c->elem, &c->ok, wake);
		if (done)
			return (int)s->order[i];
	}
	return -1;
}

static struct exrt__waitlist *list_of(const struct exrt_select_case *c)
{
	return c->op == EXRT_SELECT_SEND ? &c->ch->senders : &c->ch->receivers;
}

static int wait_all(struct select_state *s, struct exrt__m *m, struct trace_where where)
{
	struct exrt__g *g = m->g;
	struct exrt__waiter *woken;

	atomic_store_explicit(&g->select_done, 0, memory_order_relaxed);
	for (size_t i = 0; i < s->n; i++) {
		struct exrt_select_case *c = &s->cases[i];

		s->waiters[i] = (struct exrt__waiter){
			.g = g, .elem = c->elem, .index = (unsigned)i, .is_select = true, .is_send = c->op == EXRT_SELECT_SEND,
		};
		if (c->ch)
			exrt__waitlist_push(list_of(c), &s->waiters[i]);
	}
	exrt__park(m, s->n == 0 ? "forever" : "select", 0, where, unlock_all_after, s);
	lock_all(s);
	for (size_t i = 0; i < s->n; i++) {
		if (s->cases[i].ch)
			exrt__waitlist_remove(list_of(&s->cases[i]), &s->waiters[i]);
	}
	unlock_all(s);
	woken = g->woken;
	if (woken->is_send && !woken->ok)
		exrt__fatal("send on closed channel");
	if (!woken->is_send)
		s->cases[woken->index].ok = woken->ok;
	return (int)woken->index;
}

static int select_with(struct select_state *s, bool has_default, struct trace_where where)
{
	struct exrt__m *m = exrt__m_on_g("exrt_select: not on a goroutine");
	struct exrt__g *wake = NULL;
	int chosen;

	orders_make(s, m);
	lock_all(s);
	chosen = try_cases(s, &wake);
	if (chosen < 0 && !has_default)
		return wait_all(s, m, where);
	unlock_all(s);
	if (wake)
		exrt__ready(m, wake, 0, where);
	return chosen < 0 ? -EAGAIN : chosen;
}

int exrt_select(struct exrt_select_case *cases, size_t n, bool has_default)
{
	struct exrt_chan *locks[INLINE_CASES];
	unsigned order[INLINE_CASES];
	struct exrt__waiter waiters[INLINE_CASES];
	struct select_state s = { .cases = cases, .n = n, .locks = locks, .order = order, .waiters = waiters };
	int rc;

	if (n <= INLINE_CASES)
		return select_with(&s, has_default, TRACE_HERE());
	s.locks = calloc(n, sizeof(*s.locks));
	s.order = calloc(n, sizeof(*s.order));
	s.waiters = calloc(n, sizeof(*s.waiters));
	if (!s.locks || !s.order || !s.waiters)
		exrt__fatal("out of memory for select");
	rc = select_with(&s, has_default, TRACE_HERE());
	free(s.locks);
	free(s.order);
	free(s.waiters);
	return rc;
}
