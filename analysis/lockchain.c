/* SPDX-License-Identifier: BSD-3-Clause
 *
 * lockchain.c - who held a lock that has no name while others waited.
 *
 * A wait ends with an unlock, and so tells two places of one lock: where it is waited for and where it is unlocked.  Places that
 * were seen together are one class.  As long as the waits of a class end in the order in which they began, it is taken for one
 * lock, with one history of unlocks.  If one of SEVERAL, and more than LITTLE in all, ends later than it should, there are several
 * locks, and a history goes from hand to hand: from an unlocker to the waiter that it wakes, until that one unlocks in turn.  A
 * waiter that fails to get the lock, since somebody else was quicker, waits again within microseconds, and keeps the history.
 * (Go's mutex queues it in front of all others.  So it does, rarely, with one that was not seen to wait, which is why a little
 * disorder is allowed.)
 *
 * Ownership: a history belongs to its class, or, where a class has several locks, to one token of one goroutine.
 */
#include "config.h"

#include "analysis/lockchain.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/grow.h"

/* Locks that a goroutine may hold at once and be known for. */
#define TOKENS 4u

/* See above. */
#define SEVERAL 5u
#define LITTLE 2u

/* A goroutine that runs for less before it waits at the same place found its lock taken. */
#define AGAIN_NS 10000

struct token {
	struct an_history *history;
	uint32_t site;
	an_stack_id stack;
};

struct holder {
	int64_t runs_since;
	int64_t first;			/* of its last wait, as in struct an_chain_unlock */
	an_stack_id stack;		/* where that was */
	unsigned n;
	struct token tokens[TOKENS];	/* the oldest first */
};

struct an_chain_site {
	uint32_t parent;		/* of its class; itself at the root, which has the rest */
	bool several;			/* locks, by what follows */
	uint64_t waits, disorder;	/* that ended; those of them that had begun before the one that ended before them */
	int64_t order, last;		/* as in a history */
	struct an_history *history;	/* NULL if there are several, or none yet */
};

void an_chains_init(struct an_chains *chains, struct an_profile *profile, uint32_t unattributed)
{
	*chains = (struct an_chains){ .profile = profile, .unattributed = unattributed };
	an_map_init(&chains->site_ids, 2, sizeof(uint32_t));
	an_map_init(&chains->holders, 1, sizeof(struct holder));
}

void an_chains_finish(struct an_chains *chains)
{
	const uint64_t *key;
	void *value;

	for (size_t i = 0; i < chains->nsites; i++) {
		an_history_free(chains->sites[i].history, chains->profile);
		chains->sites[i].history = NULL;
	}
	for (size_t pos = 0; an_map_each(&chains->holders, &pos, &key, &value);) {
		struct holder *holder = value;

		while (holder->n)
			an_history_free(holder->tokens[--holder->n].history, chains->profile);
	}
}

void an_chains_free(struct an_chains *chains)
{
	an_chains_finish(chains);
	an_map_free(&chains->site_ids);
	an_map_free(&chains->holders);
	free(chains->sites);
}

uint32_t an_chains_site(struct an_chains *chains, const struct an_frame *frame)
{
	struct an_chain_site *sites = an_grow(chains->sites, &chains->sites_cap, chains->nsites + 2, sizeof(*sites));
	uint32_t *id;
	bool added;

	if (!sites)
		return 0;
	chains->sites = sites;
	if (!chains->nsites)
		sites[chains->nsites++] = (struct an_chain_site){ 0 };
	id = an_map_add(&chains->site_ids, (const uint64_t[2]){ frame->func, frame->line }, &added);
	if (!id)
		return 0;
	if (added) {
		*id = (uint32_t)chains->nsites++;
		sites[*id] = (struct an_chain_site){ .parent = *id, .order = INT64_MIN };
	}
	return *id;
}

static uint32_t root_of(struct an_chains *chains, uint32_t site)
{
	struct an_chain_site *sites = chains->sites;

	while (sites[site].parent != site)
		site = sites[site].parent = sites[sites[site].parent].parent;
	return site;
}

/* Of two histories of one lock the one that is more up to date; the other goes. */
static struct an_history *fresher(struct an_chains *chains, struct an_history *a, struct an_history *b)
{
	if (an_history_last_time(a) < an_history_last_time(b)) {
		an_history_free(a, chains->profile);
		return b;
	}
	an_history_free(b, chains->profile);
	return a;
}

static struct an_chain_site *unite(struct an_chains *chains, uint32_t a, uint32_t b)
{
	a = root_of(chains, a);
	b = b ? root_of(chains, b) : a;
	if (a != b) {
		struct an_chain_site *to = &chains->sites[a], *from = &chains->sites[b];

		to->waits += from->waits;
		to->disorder += from->disorder;
		if (from->order > to->order) {
			to->order = from->order;
			to->last = from->last;
		}
		to->history = to->history && from->history ? fresher(chains, to->history, from->history)
							   : to->history ? to->history : from->history;
		from->history = NULL;
		from->parent = a;
	}
	return &chains->sites[a];
}

/* Could a wait be the next that ends, by the order of a history? */
static bool in_order(const struct an_history *history, const struct an_chain_unlock *unlock)
{
	return unlock->start >= history->order || unlock->waiter == history->last;
}

static struct an_history *take(struct holder *holder, unsigned i)
{
	struct an_history *history = holder->tokens[i].history;

	holder->n--;
	memmove(&holder->tokens[i], &holder->tokens[i + 1], (holder->n - i) * sizeof(holder->tokens[0]));
	return history;
}

static int give(struct an_chains *chains, int64_t g, const struct token *token)
{
	struct holder *holder = an_map_add(&chains->holders, &(uint64_t){ (uint64_t)g }, NULL);

	if (!holder) {
		an_history_free(token->history, chains->profile);
		return -ETR_E_NOMEM;
	}
	if (holder->n == TOKENS)
		an_history_free(take(holder, 0), chains->profile);
	holder->tokens[holder->n++] = *token;
	return 0;
}

/* The history that the unlocker was handed, or that the waiter kept; NULL for neither. */
static struct an_history *handed(struct an_chains *chains, uint32_t root, const struct an_chain_unlock *unlock)
{
	struct holder *holder = an_map_find(&chains->holders, &(uint64_t){ (uint64_t)unlock->unlocker });
	struct an_history *found = NULL;

	for (unsigned i = holder ? holder->n : 0; i-- > 0 && !found;)
		if (root_of(chains, holder->tokens[i].site) == root && in_order(holder->tokens[i].history, unlock))
			found = take(holder, i);
	holder = unlock->first < unlock->start ? an_map_find(&chains->holders, &(uint64_t){ (uint64_t)unlock->waiter }) : NULL;
	for (unsigned i = holder ? holder->n : 0; i-- > 0;)
		if (holder->tokens[i].stack == unlock->wait_stack && holder->tokens[i].history->last == unlock->waiter)
			return found ? fresher(chains, found, take(holder, i)) : take(holder, i);
	return found;
}

/* Judges whether a class is one lock, by one more wait that ends. */
static void judge(struct an_chain_site *class, const struct an_chain_unlock *unlock)
{
	if (unlock->waiter != class->last) {
		class->waits++;
		class->disorder += unlock->start < class->order;
		class->order = unlock->first;
	}
	class->last = unlock->waiter;
	class->several = class->disorder > LITTLE && class->disorder * SEVERAL >= class->waits;
}

/* The history of the lock that was unlocked, still owned by its class if that is one lock. */
static struct an_history *history_of(struct an_chains *chains, struct an_chain_site *class, const struct an_chain_unlock *unlock)
{
	const uint32_t root = (uint32_t)(class - chains->sites);
	struct an_history *history = class->history;

	judge(class, unlock);
	if (history && class->several) {
		const struct token token = { history, root, 0 };

		class->history = NULL;
		if (give(chains, history->last, &token) < 0)
			return NULL;
	}
	history = class->history;
	if (!history)
		history = handed(chains, root, unlock);
	if (!history)
		history = an_history_new();
	if (!class->several)
		class->history = history;
	return history;
}

int an_chains_unlock(struct an_chains *chains, const struct an_chain_unlock *unlock, int64_t (*oldest)(void *ctx), void *ctx)
{
	struct an_chain_site *class = unite(chains, unlock->wait_site, unlock->unlock_site);
	struct an_history *history = history_of(chains, class, unlock);
	struct holder *holder;
	struct token token;

	if (!history)
		return -ETR_E_NOMEM;
	if (an_history_append(history, chains->profile, unlock->time, unlock->slot, oldest, ctx) < 0) {
		if (class->several)
			an_history_free(history, chains->profile);
		return -ETR_E_NOMEM;
	}
	an_history_charge(history, chains->profile, unlock->from, unlock->to, chains->unattributed);
	if (unlock->waiter != history->last)
		history->order = unlock->first;
	history->last = unlock->waiter;
	holder = an_map_add(&chains->holders, &(uint64_t){ (uint64_t)unlock->waiter }, NULL);
	if (!holder) {
		if (class->several)
			an_history_free(history, chains->profile);
		return -ETR_E_NOMEM;
	}
	holder->first = unlock->first;
	holder->stack = unlock->wait_stack;
	holder->runs_since = INT64_MAX;
	if (!class->several)
		return 0;
	token = (struct token){ history, unlock->wait_site, unlock->wait_stack };
	return give(chains, unlock->waiter, &token);
}

void an_chains_run(struct an_chains *chains, int64_t g, int64_t time)
{
	struct holder *holder = an_map_find(&chains->holders, &(uint64_t){ (uint64_t)g });

	if (holder && holder->runs_since == INT64_MAX)
		holder->runs_since = time;
}

int64_t an_chains_wait(const struct an_chains *chains, int64_t g, an_stack_id stack, int64_t time)
{
	const struct holder *holder = an_map_find(&chains->holders, &(uint64_t){ (uint64_t)g });

	if (holder && holder->stack == stack && holder->runs_since <= time && time - holder->runs_since < AGAIN_NS)
		return holder->first;
	return time;
}

void an_chains_forget(struct an_chains *chains, int64_t g)
{
	const uint64_t key = (uint64_t)g;
	struct holder *holder = an_map_find(&chains->holders, &key);

	if (!holder)
		return;
	while (holder->n)
		an_history_free(holder->tokens[--holder->n].history, chains->profile);
	an_map_remove(&chains->holders, &key);
}
