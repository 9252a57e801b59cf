/* SPDX-License-Identifier: BSD-3-Clause
 *
 * locks.h - waits on locks, charged to those who held them.
 */
#ifndef ANALYSIS_LOCKS_H
#define ANALYSIS_LOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/filter.h"
#include "analysis/labels.h"
#include "analysis/lockchain.h"
#include "analysis/names.h"
#include "analysis/profile.h"
#include "analysis/source.h"
#include "analysis/wordmap.h"

struct an_locks {
	struct an_source *source;	/* the caller's, as are the next three */
	struct an_profile *profile;
	const struct an_labeler *labeler;
	struct an_filter *filter;	/* which waits count; NULL: all */

	struct an_map waits;		/* G -> struct wait: those that wait on a lock now */
	struct an_map by_id;		/* lock -> struct lock: those that somebody waits for, where the trace says which */
	struct an_chains chains;	/* where it does not */

	struct an_lock_stack *stacks;	/* by stack id: what was found out of it */
	size_t stacks_cap;
};

/* Return: 0 or -ETR_E_NOMEM. */
int an_locks_init(struct an_locks *locks, struct an_source *source, struct an_profile *profile, const struct an_labeler *labeler);
void an_locks_free(struct an_locks *locks);

/*
 * A goroutine begins to wait, for that reason; function: where it started, as far as known.  Return: 1, for a lock; 0, for something
 * else, as do all at the same stack in this generation; or -ETR_E_NOMEM.
 */
int an_locks_begin(struct an_locks *locks, const struct etr_event *event, an_text_id reason, an_text_id function);

/* A goroutine that has waited for a lock moves to another state, from that wait or any other.  Return: 0 or -ETR_E_NOMEM. */
int an_locks_end(struct an_locks *locks, const struct etr_event *event, an_text_id function);

/* The trace has ended; another one may follow.  All that is owed is in the profile now. */
void an_locks_finish(struct an_locks *locks);

#endif
