/* SPDX-License-Identifier: BSD-3-Clause
 *
 * locks.c - a mutex profile.
 *
 * At each unlock that wakes a waiter, the unlocker's stack is charged one contention, and for every waiter of that lock the time
 * since it began to wait or, if later, since the previous such unlock.
 *
 * Where the trace names locks, that is computed as it stands.  A lock keeps how many of its waiters were there at the last such
 * unlock (each is owed the time since then) and how many came since, with the sum of their starts, so an unlock costs the same
 * for any number of waiters.
 *
 * Where it does not, a goroutine that was handed a lock knows its past: the unlocks that led to it, its chain.  When it next
 * unlocks and wakes another, the chain passes on, and the part of that one's wait which lies before the handing over belongs
 * to the unlocks in the chain.  A chain remembers CHAIN_MAX unlocks; what lies before those is unattributed, as is what no
 * stack is known for.
 *
 * Ownership: a chain belongs to the one goroutine in `holders` that it was handed to.
 */
#include "config.h"

#include "analysis/locks.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/grow.h"

#define CHAIN_MAX 64u

struct wait {
	int64_t start;
	uint64_t lock;
	bool named;		/* lock holds */
};

struct lock {
	uint64_t old, recent;	/* waiters since before and since after last_unlock */
	int64_t recent_starts;	/* the sum of recent waiters' starts, counted from base */
	int64_t base;
	int64_t last_unlock;
};

struct an_lock_chain {
	unsigned n;		/* unlocks remembered */
	bool cut;		/* there were more before them */
	struct {
		int64_t time;
		an_stack_id stack;
	} unlocks[CHAIN_MAX];	/* oldest first */
};

int an_locks_init(struct an_locks *locks, struct an_source *source, struct an_profile *profile)
{
	struct an_frame frame = { 0 };

	memset(locks, 0, sizeof(*locks));
	locks->source = source;
	locks->profile = profile;
	an_map_init(&locks->waits, 1, sizeof(struct wait));
	an_map_init(&locks->by_id, 1, sizeof(struct lock));
	an_map_init(&locks->holders, 1, sizeof(struct an_lock_chain *));
	frame.func = an_names_add_text(&source->names, "(unattributed)", 14);
	locks->unattributed = an_names_add_stack(&source->names, &frame, 1);
	return source->names.oom ? -ETR_E_NOMEM : 0;
}

void an_locks_free(struct an_locks *locks)
{
	const uint64_t *key;
	void *chain;

	for (size_t pos = 0; an_map_each(&locks->holders, &pos, &key, &chain);)
		free(*(struct an_lock_chain **)chain);
	an_map_free(&locks->waits);
	an_map_free(&locks->by_id);
	an_map_free(&locks->holders);
	free(locks->lock_stacks);
}

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Is a stack that of a wait on a lock: does a lock function stand before the first frame outside the runtime? */
static bool stack_is_lock(const struct an_names *names, an_stack_id stack)
{
	static const char *const lockers[] = { "sync.(*Mutex).Lock",   "sync.(*RWMutex).Lock",	"sync.(*RWMutex).RLock",
					       "exrt_mutex_lock",      "exrt_rwmutex_lock",	"exrt_rwmutex_rlock",
					       "pthread_mutex_lock",   "pthread_rwlock_rdlock", "pthread_rwlock_wrlock" };
	static const char *const inside[] = { "runtime.", "sync.", "internal/sync.", "exrt_", "pthread_" };
	size_t n;
	const struct an_frame *frames = an_stack(names, stack, &n);

	for (size_t i = 0; i < n; i++) {
		const char *func = an_text(names, frames[i].func, NULL);
		bool is_inside = false;

		for (size_t k = 0; k < sizeof(lockers) / sizeof(lockers[0]); k++)
			if (strcmp(func, lockers[k]) == 0)
				return true;
		for (size_t k = 0; k < sizeof(inside) / sizeof(inside[0]); k++)
			is_inside |= starts_with(func, inside[k]);
		if (!is_inside)
			return false;
	}
	return false;
}

static bool is_lock_stack(struct an_locks *locks, an_stack_id stack)
{
	size_t old = locks->lock_stacks_cap;

	if (stack >= old) {
		uint8_t *bigger = an_grow(locks->lock_stacks, &locks->lock_stacks_cap, (size_t)stack + 1, 1);

		if (!bigger) {
			locks->source->names.oom = true;
			return false;
		}
		memset(bigger + old, 0, locks->lock_stacks_cap - old);
		locks->lock_stacks = bigger;
	}
	if (!locks->lock_stacks[stack])
		locks->lock_stacks[stack] = stack_is_lock(&locks->source->names, stack) ? 2 : 1;
	return locks->lock_stacks[stack] == 2;
}

static int charge(struct an_locks *locks, an_stack_id stack, int64_t count, int64_t ns)
{
	return an_profile_add(locks->profile, stack ? stack : locks->unattributed, &an_no_labels, count, ns);
}

static int begin_wait(struct an_locks *locks, const struct etr_event *event)
{
	const uint64_t g = (uint64_t)event->u.transition.id;
	struct wait wait = { .start = event->time };
	struct wait *slot;

	wait.named = an_notes_lock(&locks->source->notes, event->u.transition.stack, &wait.lock);
	if (!wait.named && !is_lock_stack(locks, an_names_stack(&locks->source->names, event->u.transition.stack)))
		return 0;
	if (wait.named) {
		bool added;
		struct lock *lock = an_map_add(&locks->by_id, &wait.lock, &added);

		if (!lock)
			return -ETR_E_NOMEM;
		if (added)
			lock->last_unlock = lock->base = event->time;
		lock->recent++;
		lock->recent_starts += wait.start - lock->base;
	}
	slot = an_map_add(&locks->waits, &g, NULL);
	if (!slot)
		return -ETR_E_NOMEM;
	*slot = wait;
	return 0;
}

/* The waiter leaves; returns what all waiters, it included, are owed since the last unlock. */
static int64_t leave_lock(struct an_locks *locks, const struct wait *wait, int64_t now, bool unlock)
{
	struct lock *lock = an_map_find(&locks->by_id, &wait->lock);
	int64_t owed;

	if (!lock)
		return 0;
	owed = (int64_t)lock->old * (now - lock->last_unlock) + (int64_t)lock->recent * (now - lock->base) - lock->recent_starts;
	if (wait->start > lock->last_unlock || !lock->old) {
		lock->recent--;
		lock->recent_starts -= wait->start - lock->base;
	} else {
		lock->old--;
	}
	if (!lock->old && !lock->recent) {
		an_map_remove(&locks->by_id, &wait->lock);
		return owed;
	}
	if (unlock) {
		lock->old += lock->recent;
		lock->recent = 0;
		lock->recent_starts = 0;
		lock->last_unlock = lock->base = now;
	}
	return owed;
}

static void chain_append(struct an_lock_chain *chain, int64_t time, an_stack_id stack)
{
	if (chain->n == CHAIN_MAX) {
		chain->n = CHAIN_MAX / 2;
		memmove(chain->unlocks, chain->unlocks + CHAIN_MAX - chain->n, chain->n * sizeof(chain->unlocks[0]));
		chain->cut = true;
	}
	chain->unlocks[chain->n].time = time;
	chain->unlocks[chain->n].stack = stack;
	chain->n++;
}

/* Charges the part of a wait that lies before the chain's last unlock to the chain's unlocks. */
static int charge_chain(struct an_locks *locks, const struct an_lock_chain *chain, int64_t start)
{
	unsigned i = chain->n;
	int rc = 0;

	while (rc == 0 && i > 0 && chain->unlocks[i - 1].time > start) {
		int64_t from = i > 1 && chain->unlocks[i - 2].time > start ? chain->unlocks[i - 2].time : start;
		an_stack_id stack = chain->unlocks[i - 1].stack;

		if (i == 1 && chain->cut)
			stack = locks->unattributed;
		rc = charge(locks, stack, 0, chain->unlocks[i - 1].time - from);
		i--;
	}
	return rc;
}

/* Takes the chain that a goroutine holds; NULL if none. */
static struct an_lock_chain *take_chain(struct an_locks *locks, int64_t g)
{
	const uint64_t key = (uint64_t)g;
	struct an_lock_chain **held = g < 0 ? NULL : an_map_find(&locks->holders, &key);
	struct an_lock_chain *chain = NULL;

	if (held) {
		chain = *held;
		an_map_remove(&locks->holders, &key);
	}
	return chain;
}

/* An unlock of a lock that has no name. */
static int unlock_unnamed(struct an_locks *locks, const struct etr_event *event, const struct wait *wait)
{
	an_stack_id stack = an_names_stack(&locks->source->names, event->stack);
	struct an_lock_chain *chain = take_chain(locks, event->g);
	struct an_lock_chain **held;
	int64_t since = wait->start;
	int rc = 0;

	if (chain && chain->unlocks[chain->n - 1].time > since) {
		rc = charge_chain(locks, chain, since);
		since = chain->unlocks[chain->n - 1].time;
	}
	if (rc == 0)
		rc = charge(locks, stack, 1, event->time - since);
	if (rc == 0 && !chain && !(chain = calloc(1, sizeof(*chain))))
		rc = -ETR_E_NOMEM;
	free(take_chain(locks, event->u.transition.id));
	held = rc == 0 ? an_map_add(&locks->holders, &(uint64_t){ (uint64_t)event->u.transition.id }, NULL) : NULL;
	if (!held) {
		free(chain);
		return -ETR_E_NOMEM;
	}
	chain_append(chain, event->time, stack);
	*held = chain;
	return 0;
}

/* A waiter of a named lock is woken.  Another lock's name at the waker's stack means that it was no unlock of this one. */
static int end_named(struct an_locks *locks, const struct etr_event *event, const struct wait *wait)
{
	uint64_t other = wait->lock;
	bool unlock;
	int64_t owed;

	an_notes_lock(&locks->source->notes, event->stack, &other);
	unlock = event->to == ETR_STATE_RUNNABLE && other == wait->lock;
	owed = leave_lock(locks, wait, event->time, unlock);
	if (!unlock)
		return 0;
	return charge(locks, an_names_stack(&locks->source->names, event->stack), 1, owed);
}

int an_locks_transition(struct an_locks *locks, const struct etr_event *event)
{
	const uint64_t g = (uint64_t)event->u.transition.id;
	const struct wait *slot;
	struct wait wait;

	if (event->from == event->to)
		return 0;
	if (event->to == ETR_STATE_NOT_EXIST)
		free(take_chain(locks, event->u.transition.id));
	if (event->to == ETR_STATE_WAITING)
		return begin_wait(locks, event);
	if (event->from != ETR_STATE_WAITING)
		return 0;
	slot = an_map_find(&locks->waits, &g);
	if (!slot)
		return 0;
	wait = *slot;
	an_map_remove(&locks->waits, &g);
	return wait.named ? end_named(locks, event, &wait) : unlock_unnamed(locks, event, &wait);
}
