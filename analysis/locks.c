/* SPDX-License-Identifier: BSD-3-Clause
 *
 * locks.c - a mutex profile.
 *
 * At each unlock that wakes a waiter, the unlocker's stack is charged one contention, and for every waiter of that lock the time
 * since it began to wait or, if later, since the previous such unlock.
 *
 * Where the trace names locks, each has a history of its unlocks for as long as somebody waits for it, and a wait is charged to it
 * when it has ended, since only then a filter can say whether it counts.  Also one that ends otherwise, or not at all, is charged to
 * the unlocks that it saw.
 *
 * Where it does not, lockchain.c finds out what it can about mutexes.  Of Go's RWMutex, readers wait until one unlock of a writer
 * and a writer that has the inner mutex until the last reader's: such a wait is that one's alone.
 *
 * Invariants: a G in `waits` waits, and counts in its lock's `waiters` if that is named.
 */
#include "config.h"

#include "analysis/locks.h"

#include <string.h>

#include "analysis/grow.h"

struct wait {
	int64_t start;
	int64_t first;		/* see struct an_chain_unlock */
	uint64_t lock;		/* if named */
	an_stack_id stack;
	bool named;
	an_text_id reason, function;	/* of the wait and of the waiter, for the filter */
};

/* A lock with a name that somebody waits for. */
struct lock {
	struct an_history *history;
	uint64_t waiters;
};

enum stack_kind {
	STACK_UNKNOWN,		/* not looked at yet */
	STACK_OTHER,		/* that of no lock */
	STACK_MUTEX,		/* of a wait for a mutex, or for the mutex within a lock for readers and writers */
	STACK_SINGLE,		/* of a wait that one unlock begins and ends */
};

struct an_lock_stack {
	uint8_t kind;		/* enum stack_kind */
	uint32_t site;		/* where in the program the lock is used; 0 for no such place */
};

/* Functions that wait for locks. */
static const struct locker {
	const char *name;
	enum stack_kind kind;
} lockers[] = {
	{ "sync.(*Mutex).Lock", STACK_MUTEX },	   { "sync.(*RWMutex).Lock", STACK_SINGLE },
	{ "sync.(*RWMutex).RLock", STACK_SINGLE }, { "exrt_mutex_lock", STACK_MUTEX },
	{ "exrt_rwmutex_lock", STACK_MUTEX },	   { "exrt_rwmutex_rlock", STACK_SINGLE },
	{ "pthread_mutex_lock", STACK_MUTEX },	   { "pthread_rwlock_wrlock", STACK_MUTEX },
	{ "pthread_rwlock_rdlock", STACK_SINGLE },
};

int an_locks_init(struct an_locks *locks, struct an_source *source, struct an_profile *profile, const struct an_labeler *labeler)
{
	struct an_frame frame = { 0 };
	an_stack_id stack;
	uint32_t unattributed;

	memset(locks, 0, sizeof(*locks));
	locks->source = source;
	locks->profile = profile;
	locks->labeler = labeler;
	an_map_init(&locks->waits, 1, sizeof(struct wait));
	an_map_init(&locks->by_id, 1, sizeof(struct lock));
	frame.func = an_names_add_text(&source->names, "(unattributed)", 14);
	stack = an_names_add_stack(&source->names, &frame, 1);
	unattributed = an_profile_slot(profile, stack, &an_no_labels);
	an_chains_init(&locks->chains, profile, unattributed);
	return source->names.oom || unattributed == AN_NO_SLOT ? -ETR_E_NOMEM : 0;
}

void an_locks_free(struct an_locks *locks)
{
	an_locks_finish(locks);
	an_chains_free(&locks->chains);
	free(locks->stacks);
}

/* What counts of a wait up to a moment, from..to; none if the filter does not take it. */
static bool wait_counts(struct an_locks *locks, const struct wait *wait, int64_t g, int64_t end, int64_t *from, int64_t *to)
{
	struct an_interval interval = { .id = g, .start = wait->start, .end = end, .state = ETR_STATE_WAITING,
					.reason = wait->reason, .function = wait->function };

	if (locks->filter && !an_filter_interval(locks->filter, &locks->source->names, &interval))
		return false;
	*from = interval.start;
	*to = interval.end;
	return true;
}

/* A wait for a named lock ends other than by an unlock: those that it saw are charged nevertheless. */
static void charge_seen(struct an_locks *locks, const struct wait *wait, int64_t g, int64_t end)
{
	const struct lock *lock = an_map_find(&locks->by_id, &wait->lock);
	int64_t seen = lock ? an_history_last_time(lock->history) : INT64_MIN, from, to;

	if (seen > wait->start && wait_counts(locks, wait, g, end, &from, &to))
		an_history_charge(lock->history, locks->profile, from, to < seen ? to : seen, locks->chains.unattributed);
}

void an_locks_finish(struct an_locks *locks)
{
	const uint64_t *key;
	void *value;

	for (size_t pos = 0; an_map_each(&locks->waits, &pos, &key, &value);)
		if (((const struct wait *)value)->named)
			charge_seen(locks, value, (int64_t)*key, locks->source->end);
	for (size_t pos = 0; an_map_each(&locks->by_id, &pos, &key, &value);)
		an_history_free(((struct lock *)value)->history, locks->profile);
	an_chains_finish(&locks->chains);
	an_map_free(&locks->waits);
	an_map_free(&locks->by_id);
}

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_inside(const char *func)
{
	static const char *const prefixes[] = { "runtime.", "sync.", "internal/sync.", "exrt_", "pthread_" };
	bool inside = false;

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		inside |= starts_with(func, prefixes[i]);
	return inside;
}

/* What a stack says: the first lock function before the first frame outside of the runtime, and that frame. */
static void look_at_stack(struct an_locks *locks, an_stack_id stack, struct an_lock_stack *known)
{
	const struct an_names *names = &locks->source->names;
	size_t n;
	const struct an_frame *frames = an_stack(names, stack, &n);

	known->kind = STACK_OTHER;
	for (size_t i = 0; i < n; i++) {
		const char *func = an_text(names, frames[i].func, NULL);

		if (!is_inside(func)) {
			known->site = an_chains_site(&locks->chains, &frames[i]);
			return;
		}
		for (size_t k = 0; known->kind == STACK_OTHER && k < sizeof(lockers) / sizeof(lockers[0]); k++)
			if (strcmp(func, lockers[k].name) == 0)
				known->kind = lockers[k].kind;
	}
}

/* Lives until the next call.  Out of memory shows in the names. */
static const struct an_lock_stack *stack_known(struct an_locks *locks, an_stack_id stack)
{
	static const struct an_lock_stack other = { .kind = STACK_OTHER };
	size_t old = locks->stacks_cap;

	if (stack >= old) {
		struct an_lock_stack *bigger = an_grow(locks->stacks, &locks->stacks_cap, (size_t)stack + 1, sizeof(*bigger));

		if (!bigger) {
			locks->source->names.oom = true;
			return &other;
		}
		memset(bigger + old, 0, (locks->stacks_cap - old) * sizeof(*bigger));
		locks->stacks = bigger;
	}
	if (locks->stacks[stack].kind == STACK_UNKNOWN)
		look_at_stack(locks, stack, &locks->stacks[stack]);
	return &locks->stacks[stack];
}

/* When the longest wait began, the one that just ended included. */
static int64_t oldest_start(void *ctx)
{
	const struct an_locks *locks = ctx;
	const uint64_t *key;
	int64_t oldest = INT64_MAX;
	void *value;

	for (size_t pos = 0; an_map_each(&locks->waits, &pos, &key, &value);)
		if (((const struct wait *)value)->start < oldest)
			oldest = ((const struct wait *)value)->start;
	return oldest;
}

/* A waiter of a lock that has no name is woken; from and to are what counts of that. */
static int end_unnamed(struct an_locks *locks, const struct etr_event *event, const struct wait *wait, uint32_t slot,
		       int64_t from, int64_t to)
{
	const struct an_lock_stack *waited = stack_known(locks, wait->stack);
	struct an_chain_unlock unlock = { .time = event->time, .start = wait->start, .from = from, .to = to,
					  .first = wait->first, .unlocker = event->g, .waiter = event->u.transition.id,
					  .slot = slot, .wait_site = waited->site, .wait_stack = wait->stack };

	if (waited->kind == STACK_SINGLE || !waited->site) {
		an_profile_count(locks->profile, slot, 0, to - from);
		return 0;
	}
	unlock.unlock_site = stack_known(locks, an_names_stack(&locks->source->names, event->stack))->site;
	return an_chains_unlock(&locks->chains, &unlock, oldest_start, locks);
}

static int end_named(struct an_locks *locks, const struct etr_event *event, const struct wait *wait, uint32_t slot, int64_t from,
		     int64_t to)
{
	struct lock *lock = an_map_find(&locks->by_id, &wait->lock);

	if (!lock)
		return 0;
	if (an_history_append(lock->history, locks->profile, event->time, slot, oldest_start, locks) < 0)
		return -ETR_E_NOMEM;
	an_history_charge(lock->history, locks->profile, from, to, locks->chains.unattributed);
	return 0;
}

static void leave_lock(struct an_locks *locks, uint64_t id)
{
	struct lock *lock = an_map_find(&locks->by_id, &id);

	if (!lock || --lock->waiters)
		return;
	an_history_free(lock->history, locks->profile);
	an_map_remove(&locks->by_id, &id);
}

static int end_wait(struct an_locks *locks, const struct etr_event *event, const struct wait *wait)
{
	an_stack_id stack = an_names_stack(&locks->source->names, event->stack);
	struct an_labels labels = an_no_labels;
	uint64_t other = wait->lock;
	int64_t from = event->time, to = event->time;
	uint32_t slot;

	/* Another lock's name at the waker's stack means that this was no unlock of the one waited for. */
	if (wait->named)
		an_notes_lock(&locks->source->notes, event->stack, &other);
	if (event->to != ETR_STATE_RUNNABLE || other != wait->lock) {
		if (wait->named)
			charge_seen(locks, wait, event->u.transition.id, event->time);
		return 0;
	}
	an_labels_of(locks->labeler, event, event->g, &labels);
	slot = stack ? an_profile_slot(locks->profile, stack, &labels) : locks->chains.unattributed;
	if (slot == AN_NO_SLOT)
		return -ETR_E_NOMEM;
	/* The unlock stands in the history also if this wait does not count. */
	if (wait_counts(locks, wait, event->u.transition.id, event->time, &from, &to))
		an_profile_count(locks->profile, slot, 1, 0);
	return wait->named ? end_named(locks, event, wait, slot, from, to) : end_unnamed(locks, event, wait, slot, from, to);
}

int an_locks_begin(struct an_locks *locks, const struct etr_event *event, an_text_id reason, an_text_id function)
{
	const uint64_t g = (uint64_t)event->u.transition.id;
	struct wait wait = { .start = event->time, .reason = reason, .function = function };
	struct wait *slot;

	wait.named = an_notes_lock(&locks->source->notes, event->u.transition.stack, &wait.lock);
	wait.stack = an_names_stack(&locks->source->names, event->u.transition.stack);
	if (!wait.named && stack_known(locks, wait.stack)->kind == STACK_OTHER)
		return 0;
	if (wait.named) {
		struct lock *lock = an_map_add(&locks->by_id, &wait.lock, NULL);

		if (!lock || (!lock->history && !(lock->history = an_history_new())))
			return -ETR_E_NOMEM;
		lock->waiters++;
	} else {
		wait.first = an_chains_wait(&locks->chains, event->u.transition.id, wait.stack, event->time);
	}
	slot = an_map_add(&locks->waits, &g, NULL);
	if (!slot)
		return -ETR_E_NOMEM;
	*slot = wait;
	return 1;
}

int an_locks_end(struct an_locks *locks, const struct etr_event *event, an_text_id function)
{
	const uint64_t g = (uint64_t)event->u.transition.id;
	const struct wait *wait = event->from == ETR_STATE_WAITING ? an_map_find(&locks->waits, &g) : NULL;
	int rc = 0;

	if (wait) {
		/* Removed only now, since it counts among the waits of this moment. */
		struct wait ended = *wait;

		ended.function = function;
		rc = end_wait(locks, event, &ended);
		an_map_remove(&locks->waits, &g);
		if (ended.named)
			leave_lock(locks, ended.lock);
	}
	if (event->to == ETR_STATE_RUNNING)
		an_chains_run(&locks->chains, event->u.transition.id, event->time);
	else if (event->to == ETR_STATE_NOT_EXIST)
		an_chains_forget(&locks->chains, event->u.transition.id);
	return rc;
}
