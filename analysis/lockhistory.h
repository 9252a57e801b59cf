/* SPDX-License-Identifier: BSD-3-Clause
 *
 * lockhistory.h - the unlocks of one lock, and the waits that are charged to them.
 */
#ifndef ANALYSIS_LOCKHISTORY_H
#define ANALYSIS_LOCKHISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "analysis/profile.h"

struct an_unlock;

struct an_history {
	struct an_unlock *unlocks;	/* oldest first */
	size_t n, cap;
	int64_t before;		/* time of the last one that was forgotten, INT64_MIN for none */
	uint64_t cover;		/* waits that cover all the time from there to the first */

	/* Of the wait that ended last: see struct an_chain_unlock. */
	int64_t order;		/* when it began */
	int64_t last;		/* whose it was */
};

struct an_history *an_history_new(void);

/* Charges the unlocks and frees the history, which may be NULL. */
void an_history_free(struct an_history *history, struct an_profile *profile);

/* The time of the last unlock; INT64_MIN for none. */
int64_t an_history_last_time(const struct an_history *history);

/*
 * An unlock that ends a wait, at a slot of the profile.  oldest tells when the longest of all present waits began, this one included:
 * what is older may be forgotten.  Return: 0 or -ETR_E_NOMEM.
 */
int an_history_append(struct an_history *history, struct an_profile *profile, int64_t time, uint32_t slot,
		      int64_t (*oldest)(void *ctx), void *ctx);

/*
 * Charges a wait from start to end, not after the last unlock: each unlock with the time since the one before it.  What lies before
 * all that is remembered goes to the slot unattributed.
 */
void an_history_charge(struct an_history *history, struct an_profile *profile, int64_t start, int64_t end, uint32_t unattributed);

#endif
