/* SPDX-License-Identifier: BSD-3-Clause
 *
 * window.h - which part of a trace is meant: points in time and numbers of generations, as users write them.
 */
#ifndef ANALYSIS_WINDOW_H
#define ANALYSIS_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

/* A point in time as written; what it means is known once the trace's clocks are. */
struct an_when {
	enum an_when_kind {
		AN_WHEN_NONE,
		AN_WHEN_SINCE_START,	/* ns since the trace's start */
		AN_WHEN_TRACE_CLOCK,	/* ns on the trace's clock */
		AN_WHEN_WALL,		/* ns since 1970 */
	} kind;
	int64_t ns;
};

/*
 * "1.5s", "200ms", "1m30s", "0": since the trace's start; "@12345": ns on the trace's clock; "2026-11-22T21:00:00.5Z", or with
 * an offset such as +02:00, or local time without either: wall time.  False: it is none of these.
 */
bool an_when_parse(struct an_when *when, const char *text);

struct an_source;

/* Where on the trace's clock it lies; `otherwise` for AN_WHEN_NONE.  False: the trace does not know the wall time. */
bool an_when_resolve(const struct an_when *when, const struct an_source *source, int64_t otherwise, int64_t *time);

/* Each takes what stands at *text and moves *text behind it.  False: nothing of the kind is there, or it is too large. */
bool an_duration_take(const char **text, int64_t *ns);
bool an_number_take(const char **text, int64_t *number);

/* Generations as they are numbered in the file, both included. */
struct an_generations {
	uint64_t first, last;
};

/* "3..5", "3..", "..5", "3".  False: it is none of these, or is empty. */
bool an_generations_parse(struct an_generations *generations, const char *text);

/* A window of a trace: what lies in [from, to), in these generations, and, from its beginning, in about max_size bytes. */
struct an_cut_window {
	int64_t from, to;		/* ns on the trace's clock; INT64_MIN and INT64_MAX: its ends */
	uint64_t first_generation, last_generation;
	uint64_t max_size;
	unsigned tag;			/* the caller's */
};

extern const struct an_cut_window an_cut_all;

#endif
