/* SPDX-License-Identifier: BSD-3-Clause
 *
 * slicer.h - windows of a trace written as traces of their own, in one pass over it.
 */
#ifndef ANALYSIS_SLICER_H
#define ANALYSIS_SLICER_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/recode.h"
#include "analysis/window.h"

/* A slice that is being written. */
struct an_slice {
	unsigned number;		/* from 1 */
	struct an_cut_window window;		/* as asked for; its ends become what they turn out to be */
	uint64_t size;			/* bytes handed out */
	struct an_recoder recoder;
	struct etr_writer *writer;
	const struct an_slicing *slicing;
	void *output;			/* the caller's, for this slice */
	struct an_slice *next;
};

/*
 * What the trace's first generation says of things that existed before the trace, and in which functions goroutines started of which
 * that is told later than that they exist.  Slices that end before need it.  Who has it from a pass before need not keep such
 * slices open meanwhile.
 */
struct an_late_list {
	struct etr_event *list;
	size_t n, cap;
	struct an_map functions;	/* goroutine -> text, 0 while it is not known */
	size_t unknown;
	struct an_names names;
};

/* Return: 0 or -ETR_E_NOMEM. */
int an_late_list_init(struct an_late_list *list);
void an_late_list_free(struct an_late_list *list);

/* Takes an event, before the next ones are asked for.  Return: 0 or -ETR_E_NOMEM. */
int an_late_list_add(struct an_late_list *list, struct an_source *source, const struct etr_event *event);

/* Is there nothing left to learn? */
static inline bool an_late_list_is_whole(const struct an_late_list *list, const struct an_source *source)
{
	return source->syncs > 1 && list->unknown == 0;
}

/* What the caller does. */
struct an_slicing {
	/*
	 * The next window, which begins where the one before it ended or later, or false: there is none.  last: the slice that was
	 * completed just now (NULL: none, or nothing lay in the window).  The source is behind its first Sync, and may be sought.
	 */
	bool (*next)(void *ctx, struct an_source *source, const struct an_slice *last, struct an_cut_window *window);
	/* Opens the output of a slice.  Return: 0, or -1 and the slicer gives up. */
	int (*open)(void *ctx, struct an_slice *slice);
	/* Takes bytes for it.  Return: 0, or -1 with errno set. */
	int (*write)(struct an_slice *slice, const void *buf, size_t size);
	/* The slice is complete (rc 0) or is to be thrown away.  Return: 0, or -1 and the slicer gives up. */
	int (*close)(void *ctx, struct an_slice *slice, int rc);
	void *ctx;
	const struct an_renamer *renamer;	/* or NULL */
	const struct an_late_list *late;	/* NULL: not known yet */
};

struct an_slicer {
	const struct an_slicing *slicing;
	struct an_world world;
	uint64_t serial;
	unsigned slices;		/* that were begun, */
	uint64_t events;		/* and the events in them */
	bool gave_up;			/* since a function of the caller's said so */
	bool begun;			/* the trace's first Sync has come */

	bool have_window;
	struct an_cut_window window;		/* the next one, or that of the current slice */
	uint64_t generation;		/* of the event at hand, as in the file */
	int64_t reached;		/* when the window's generations began, INT64_MAX if they did not */
	int64_t edge;			/* the time at which there is something to decide */
	struct an_slice *current;
	struct an_slice *closing;	/* whose window has ended, but not the trace's first generation */
};

/* The source must be new, and outlive the slicer.  Return: 0 or -ETR_E_NOMEM. */
int an_slicer_init(struct an_slicer *slicer, struct an_source *source, const struct an_slicing *slicing);
void an_slicer_free(struct an_slicer *slicer);

/*
 * Writes all windows.  Reading ends behind the last one.  Return: 0; the reader's code if the trace ends badly, the slices then
 * ending where it does, and those without an event having been thrown away; -ETR_E_NOMEM; -ETR_E_IO when an output fails or
 * slicer->gave_up.
 */
int an_slicer_run(struct an_slicer *slicer);

#endif
