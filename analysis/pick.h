/* SPDX-License-Identifier: BSD-3-Clause
 *
 * pick.h - the longest of those intervals of a trace of which a condition is true.
 */
#ifndef ANALYSIS_PICK_H
#define ANALYSIS_PICK_H

#include <stddef.h>
#include <stdint.h>

#include "analysis/source.h"
#include "analysis/spans.h"
#include "analysis/states.h"
#include "cond/cond.h"

struct an_pick {
	int64_t start, end;	/* ns on the trace's clock */
};

struct an_picker {
	struct an_pick *list;	/* the longest first; of two that are equally long the earlier */
	size_t n, max;
	const struct cond *condition;	/* the caller's */
	struct an_source *source;	/* likewise */
	struct an_states states;
	struct an_spans spans;
	int64_t from, to;	/* intervals lie in [from, to) */
};

/*
 * Begins to keep the `max` longest intervals of which the condition is true; to be called behind the trace's first event, a Sync.
 * Return: 0 or -ETR_E_NOMEM.
 */
int an_picker_init(struct an_picker *picker, struct an_source *source, const struct cond *condition, size_t max);
void an_picker_free(struct an_picker *picker);

/* Takes an event.  Return: 0 or -ETR_E_NOMEM. */
int an_picker_event(struct an_picker *picker, const struct etr_event *event);

#endif
