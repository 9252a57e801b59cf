/* SPDX-License-Identifier: BSD-3-Clause
 *
 * locks.h - waits on locks, charged to those who held them.
 */
#ifndef ANALYSIS_LOCKS_H
#define ANALYSIS_LOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/names.h"
#include "analysis/profile.h"
#include "analysis/source.h"
#include "analysis/wordmap.h"

struct an_lock_chain;

struct an_locks {
	struct an_source *source;	/* the caller's, as is the next */
	struct an_profile *profile;
	an_stack_id unattributed;	/* a stack of one frame, "(unattributed)" */

	struct an_map waits;		/* G -> struct wait: those that wait on a lock now */

	/* Traces that say which lock: by its number. */
	struct an_map by_id;		/* lock -> struct lock */

	/* Traces that do not: what those who were given a lock know of its past. */
	struct an_map holders;		/* G -> struct an_lock_chain *, until that G's next unlock */
	uint8_t *lock_stacks;		/* by stack id: 0 not looked at yet, 1 no lock's, 2 a lock's */
	size_t lock_stacks_cap;
};

int an_locks_init(struct an_locks *locks, struct an_source *source, struct an_profile *profile);
void an_locks_free(struct an_locks *locks);

/*
 * Takes a goroutine's transition into another state, out of which it had waited since `since` if from is Waiting.
 * Return: 0 or -ETR_E_NOMEM.
 */
int an_locks_transition(struct an_locks *locks, const struct etr_event *event);

#endif
