/* SPDX-License-Identifier: BSD-3-Clause
 *
 * past.h - what a slice says of the time before it, in notes that trace-cut wrote; see exectrace(5).
 */
#ifndef ANALYSIS_PAST_H
#define ANALYSIS_PAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <exectrace/reader.h>

#include "analysis/names.h"
#include "analysis/wordmap.h"

/* A goroutine that existed. */
struct an_past_g {
	int64_t since;		/* when it entered the state that it is in */
	an_text_id function;	/* that it started in, 0 if that is not known */
	an_text_id reason;	/* why it is in that state */
	int64_t p;		/* in a system call: the processor that it had when that began, -1 for none */
	an_stack_id stack;	/* of the event by which it entered the state */
	etr_stack_id reader_stack;	/* the same one in the reader's first generation */
	bool has_run;		/* before */
};

/* A task that was running. */
struct an_past_task {
	uint64_t parent;	/* ETR_NO_TASK for none */
	int64_t begin;
	an_text_id type;
};

struct an_past {
	bool is_slice;
	int64_t from, to;	/* the window, [from, to); to is INT64_MAX for the trace's end, or until it is told */
	bool complete;		/* all that lived at its beginning is told there: what appears later is new */
	struct an_map gs;	/* id -> struct an_past_g */
	uint64_t learned;	/* how many functions of goroutines were told in later generations than the first */
	struct an_map tasks;	/* id -> struct an_past_task */

	/* Regions that were open, those of one goroutine outermost first. */
	struct an_past_region {
		int64_t g, begin;
		uint64_t task;
		an_text_id type;
		size_t next;	/* of the same goroutine, plus one; 0: none */
	} *regions;
	size_t nregions, regions_cap;
	struct an_map regions_of;	/* goroutine -> the first and the last of its regions, each plus one */

	/* Ranges that were; begin is INT64_MIN where that was before the trace. */
	struct an_past_range {
		uint8_t resource;
		int64_t id, begin;
		an_text_id name;
	} *ranges;
	size_t nranges, ranges_cap;
};

void an_past_init(struct an_past *past);
void an_past_free(struct an_past *past);

/*
 * Reads the notes of a generation, when its Sync was delivered: all of the trace's first one; of a slice's later ones what was not
 * known before, its window's end and functions.  Return: 0 or -ETR_E_NOMEM.
 */
int an_past_read(struct an_past *past, struct an_names *names, const struct etr_reader *reader, bool first);

static inline const struct an_past_g *an_past_g(const struct an_past *past, int64_t id)
{
	return an_map_find(&past->gs, &(uint64_t){ (uint64_t)id });
}

static inline const struct an_past_task *an_past_task(const struct an_past *past, uint64_t id)
{
	return an_map_find(&past->tasks, &id);
}

/* The outermost region of a goroutine, or the one inside another; NULL: none. */
static inline const struct an_past_region *an_past_region(const struct an_past *past, int64_t g, const struct an_past_region *outer)
{
	const uint64_t *ends = outer ? NULL : an_map_find(&past->regions_of, &(uint64_t){ (uint64_t)g });
	size_t at = outer ? outer->next : ends ? (size_t)ends[0] : 0;

	return at ? &past->regions[at - 1] : NULL;
}

/* When a range began that was open, as told; false: none was. */
bool an_past_range_begin(const struct an_past *past, uint8_t resource, int64_t id, an_text_id name, int64_t *begin);

/* Is it a note of a slice, which holds for that slice alone? */
bool an_past_is_note(const char *text, size_t len);

#endif
