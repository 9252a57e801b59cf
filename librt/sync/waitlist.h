/* SPDX-License-Identifier: BSD-3-Clause
 *
 * waitlist.h - lists of waiting goroutines, in order of arrival; under the lock of whatever they wait for.
 */
#ifndef SYNC_WAITLIST_H
#define SYNC_WAITLIST_H

#include "librt/sched/gmp.h"

struct exrt__waitlist {
	struct exrt__waiter *first, *last;
};

static inline void exrt__waitlist_push(struct exrt__waitlist *list, struct exrt__waiter *w)
{
	w->next = NULL;
	w->prev = list->last;
	if (list->last)
		list->last->next = w;
	else
		list->first = w;
	list->last = w;
	w->queued = true;
}

/* Before all others: for one that has waited already. */
static inline void exrt__waitlist_push_first(struct exrt__waitlist *list, struct exrt__waiter *w)
{
	w->prev = NULL;
	w->next = list->first;
	if (list->first)
		list->first->prev = w;
	else
		list->last = w;
	list->first = w;
	w->queued = true;
}

static inline void exrt__waitlist_remove(struct exrt__waitlist *list, struct exrt__waiter *w)
{
	if (!w->queued)
		return;
	if (w->prev)
		w->prev->next = w->next;
	else
		list->first = w->next;
	if (w->next)
		w->next->prev = w->prev;
	else
		list->last = w->prev;
	w->queued = false;
}

static inline struct exrt__waiter *exrt__waitlist_pop(struct exrt__waitlist *list)
{
	struct exrt__waiter *w = list->first;

	if (w)
		exrt__waitlist_remove(list, w);
	return w;
}

/* For exrt__park: lets go of the lock in arg. The goroutine's stack may be in use again at once. */
static inline void exrt__unlock_after(struct exrt__m *m, struct exrt__g *g, void *arg)
{
	exrt__unlock(arg);
}

static inline void exrt__nothing_after(struct exrt__m *m, struct exrt__g *g, void *arg)
{
}

#endif
