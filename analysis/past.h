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
};

/* A task that was running. */
struct an_past_task {
	uint64_t parent;	/* ETR_NO_TASK for none */
	int64_t begin;
	an_text_id type;
};

struct an_past {
	bool is_slice;
	int64_t from, to;	/* the window, [from, to); to is INT64_MAX for the trace's end */
	struct an_map gs;	/* id -> struct an_past_g */
	struct an_map tasks;	/* id -> struct an_past_task */

	/* Regions that were open, those of one goroutine outermost first. */
	struct an_past_region {
		int64_t g, begin;
		uint64_t task;
		an_text_id type;
	} *regions;
	size_t nregions, regions_cap;

	/* Ranges that were. */
	struct an_past_range {
		uint8_t resource;
		int64_t id, begin;
		an_text_id name;
	} *ranges;
	size_t nranges, ranges_cap;
};

void an_past_init(struct an_past *past);
void an_past_free(struct an_past *past);

/* Reads the notes of the trace's first generation, when its Sync was delivered.  Return: 0 or -ETR_E_NOMEM. */
int an_past_read(struct an_past *past, struct an_names *names, const struct etr_reader *reader);

static inline const struct an_past_g *an_past_g(const struct an_past *past, int64_t id)
{
	return an_map_find(&past->gs, &(uint64_t){ (uint64_t)id });
}

static inline const struct an_past_task *an_past_task(const struct an_past *past, uint64_t id)
{
	return an_map_find(&past->tasks, &id);
}

/* When a range began that was open; false: none was. */
bool an_past_range_begin(const struct an_past *past, uint8_t resource, int64_t id, an_text_id name, int64_t *begin);

/* Is it a note of a slice, which holds for that slice alone? */
bool an_past_is_note(const char *text, size_t len);

#endif
