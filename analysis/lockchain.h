/* SPDX-License-Identifier: BSD-3-Clause
 *
 * lockchain.h - what was unlocked before, of locks that have no name.
 */
#ifndef ANALYSIS_LOCKCHAIN_H
#define ANALYSIS_LOCKCHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/lockhistory.h"
#include "analysis/names.h"
#include "analysis/profile.h"
#include "analysis/wordmap.h"

struct an_chain_site;

struct an_chains {
	struct an_profile *profile;	/* the caller's */
	uint32_t unattributed;		/* its slot for what no unlock can be charged with */

	/* Places in the program that lock or unlock: those that were seen with one lock are one class.  0 is no place. */
	struct an_chain_site *sites;
	size_t nsites, sites_cap;
	struct an_map site_ids;		/* function and line -> index */

	struct an_map holders;		/* G -> struct holder: those that waited */
};

/* An unlock that woke a waiter. */
struct an_chain_unlock {
	int64_t time, start;		/* of the unlock; when the wait began */
	int64_t from, to;		/* what is to be charged of the wait; nothing if they are equal */
	int64_t first;			/* when the waiter began to wait for the lock, be it that it waited in vain since */
	int64_t unlocker, waiter;	/* goroutines */
	uint32_t slot;			/* of the unlocker's stack in the profile */
	uint32_t unlock_site, wait_site;
	an_stack_id wait_stack;
};

void an_chains_init(struct an_chains *chains, struct an_profile *profile, uint32_t unattributed);
void an_chains_free(struct an_chains *chains);

/* The site of a frame; 0 when out of memory. */
uint32_t an_chains_site(struct an_chains *chains, const struct an_frame *frame);

/*
 * Finds the lock and charges the wait; oldest as in an_history_append().  Return: 0 or -ETR_E_NOMEM.
 */
int an_chains_unlock(struct an_chains *chains, const struct an_chain_unlock *unlock, int64_t (*oldest)(void *ctx), void *ctx);

/*
 * A goroutine begins to wait.  Returns since when it has waited for the lock: since before, if it was woken in vain, that is, waits at
 * the same place having run for no longer than it takes to find the lock taken.
 */
int64_t an_chains_wait(const struct an_chains *chains, int64_t g, an_stack_id stack, int64_t time);

/* A goroutine runs, or is gone. */
void an_chains_run(struct an_chains *chains, int64_t g, int64_t time);
void an_chains_forget(struct an_chains *chains, int64_t g);

/* Charges what is still kept.  Before the profile is read, and before it is freed unless an_chains_free() comes first. */
void an_chains_finish(struct an_chains *chains);

#endif
