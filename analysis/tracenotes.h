/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tracenotes.h - what a recorder of ours says in strings that no event refers to: "exectrace:WORD ...", see exectrace(5).
 */
#ifndef ANALYSIS_TRACENOTES_H
#define ANALYSIS_TRACENOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <exectrace/reader.h>

#include "analysis/wordmap.h"

struct an_module {
	uint64_t base, size;
	char *build_id;		/* "-" for none */
	char *path;
};

struct an_notes {
	bool any;		/* some such string was seen: the trace is one of ours */

	/* The first of each word counts; NULL for what was not said. */
	bool has_process;
	uint64_t pid;
	char *process, *cmdline;
	char *host, *recorder;
	uint64_t sample_period_ns;	/* between two CPU samples of a thread; 0: not said */

	struct an_module *modules;	/* each once */
	size_t nmodules, modules_cap;

	/* Sums over all threads and generations: events, and what there was no room for. */
	uint64_t dropped_events, dropped_ns;
	uint64_t dropped_samples, dropped_stacks, dropped_strings, dropped_locks;

	/* Of the current generation, by dense stack id: which lock a wait or an unlock was about, which G ended a wait. */
	struct an_map lock_by_stack, waker_by_stack;
};

void an_notes_init(struct an_notes *notes);
void an_notes_free(struct an_notes *notes);

/* To be called when a Sync was delivered: reads the notes of the generation that begins.  Return: 0 or -ETR_E_NOMEM. */
int an_notes_next_generation(struct an_notes *notes, const struct etr_reader *reader);

/* The lock that a stack stands for in this generation.  False: none. */
static inline bool an_notes_lock(const struct an_notes *notes, etr_stack_id stack, uint64_t *lock)
{
	const uint64_t *found = notes->lock_by_stack.n ? an_map_find(&notes->lock_by_stack, &(uint64_t){ stack }) : NULL;

	if (found)
		*lock = *found;
	return found;
}

#endif
