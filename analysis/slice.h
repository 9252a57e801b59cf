/* SPDX-License-Identifier: BSD-3-Clause
 *
 * slice.h - a trace as a row of generations, and the run of them that a window needs.
 */
#ifndef ANALYSIS_SLICE_H
#define ANALYSIS_SLICE_H

#include <stddef.h>
#include <stdint.h>

#include "analysis/source.h"
#include "analysis/window.h"

/* What stands before the first generation. */
#define AN_TRACE_HEADER_SIZE 16

/* A generation that was read without an error. */
struct an_generation {
	uint64_t number;	/* as in the file */
	int64_t start;		/* when its Sync was delivered */
	uint64_t offset, size;	/* bytes of the input */
};

struct an_row_of_generations {
	struct an_generation *list;
	size_t n, cap;
	int64_t start, end;	/* times of the first and the last event */
};

/*
 * Reads the trace to its end, noting its generations; events' contents are checked by the way.  Return: 0, or the code of what
 * ended it, row then holding the generations before.  Free row->list with free().
 */
int an_row_read(struct an_row_of_generations *row, struct an_source *source);

enum an_select {
	AN_SELECT_OK,
	AN_SELECT_NO_CLOCK,	/* wall time was asked for, and the trace has none */
	AN_SELECT_EMPTY,	/* the window ends before it begins, or lies before or behind the trace */
	AN_SELECT_NO_GENERATION,/* no whole generation lies in it */
};

/* What to cut.  Of from and to, each may be AN_WHEN_NONE; the window is [from, to) and within generations. */
struct an_selection {
	struct an_when from, to;
	struct an_generations generations;
};

/* The run of generations that contains a selection: row->list[*first] to row->list[*last]. */
enum an_select an_row_select(const struct an_row_of_generations *row, const struct an_source *source,
			     const struct an_selection *selection, size_t *first, size_t *last);

#endif
