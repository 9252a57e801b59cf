/* SPDX-License-Identifier: BSD-3-Clause
 *
 * spans.h - everything that lasts: stays of goroutines in a state, regions, tasks and ranges, told when they end.
 *
 * What began before the trace did, and was not seen to begin, is told only for states (since the trace's start).  What is still
 * open at the end of the trace is not told.  A goroutine's regions end with the innermost first, as they must.
 */
#ifndef ANALYSIS_SPANS_H
#define ANALYSIS_SPANS_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/names.h"
#include "analysis/states.h"
#include "analysis/wordmap.h"
#include "cond/cond.h"

struct an_span {
	enum cond_kind kind;
	int64_t start, end;		/* ns */
	int64_t g;			/* whose it is: of a task or range, on which it ended; -1 for none */
	uint64_t task;			/* of tasks and regions; else ETR_NO_TASK */
	an_text_id name;		/* reason, type or name */
	an_stack_id stack;		/* where it began, as the event that began it says */
};

struct an_spans {
	struct an_names *names;		/* the caller's */
	unsigned kinds;			/* bits 1 << enum cond_kind: what is followed */
	void (*each)(void *ctx, const struct an_span *span);
	void *ctx;
	struct an_map regions;		/* goroutine -> its open regions */
	struct an_map tasks;		/* task id -> begin */
	struct an_map ranges;		/* resource, id, name -> begin */
};

/* each is called from an_spans_event() with what ends there. */
void an_spans_init(struct an_spans *spans, struct an_names *names, unsigned kinds,
		   void (*each)(void *ctx, const struct an_span *span), void *ctx);
void an_spans_free(struct an_spans *spans);

/*
 * To be called with every event.  States are followed by the caller's an_states: `change` is what an_states_transition() made of
 * the event where it is a goroutine's transition, else NULL.  Return: 0 or -ETR_E_NOMEM.
 */
int an_spans_event(struct an_spans *spans, const struct etr_event *event, const struct an_change *change);

/* The kind of a goroutine's stay in a state; COND_KIND_COUNT_: none that conditions speak of. */
enum cond_kind an_spans_kind_of_state(uint8_t state);

/* Whether a condition is true of it. */
bool an_span_matches(const struct an_span *span, const struct an_names *names, const struct cond *condition);

#endif
