/* SPDX-License-Identifier: BSD-3-Clause
 *
 * states.h - which state each goroutine or processor is in, since when and why; completed stays come out as intervals.
 */
#ifndef ANALYSIS_STATES_H
#define ANALYSIS_STATES_H

#include <stdbool.h>
#include <stdint.h>

#include <exectrace/reader.h>

#include "analysis/names.h"
#include "analysis/wordmap.h"

#define AN_NEVER INT64_MIN

/* A goroutine or processor that exists. */
struct an_thing {
	int64_t since;		/* when the present state began */
	int64_t first_run;	/* when it first entered Running, AN_NEVER if it did not */
	int64_t ended;		/* when it blocked for ever, AN_NEVER if it did not */
	an_text_id reason;	/* of the present interval */
	an_stack_id stack;	/* of the thing itself, as the transition that began it tells */
	an_stack_id event_stack; /* of whoever did that: another goroutine's when it was created or woken */
	an_text_id function;	/* goroutines: the function it started in, 0 while unknown */
	uint8_t state;		/* enum etr_state */
	int64_t ns[ETR_STATE_COUNT_];	/* completed intervals, by state */
};

/* A stay in a state, from one transition to the next into another. */
struct an_interval {
	int64_t id;
	int64_t start, end;	/* ns */
	an_text_id reason;	/* the transition's that began it, "(from STATE)" where that is empty, 0 where none was seen */
	an_stack_id stack, event_stack;	/* likewise */
	an_text_id function;	/* of the goroutine, as known at the end */
	uint8_t state;
	uint8_t next;		/* the state that follows; ETR_STATE_COUNT_ for an interval still open at the trace's end */
};

struct an_states {
	struct an_names *names;		/* the caller's */
	int64_t start;			/* of the trace */
	uint8_t resource;		/* enum etr_resource: whose transitions are taken */
	an_text_id from[ETR_STATE_COUNT_];	/* "(from STATE)" */
	an_text_id forever;
	struct an_map things;		/* id -> struct an_thing, those that exist */
	struct an_thing gone;		/* the one that ceased to exist last */
};

/* start: when the trace begins.  Out of memory shows in names->oom. */
void an_states_init(struct an_states *states, struct an_names *names, uint8_t resource, int64_t start);
void an_states_free(struct an_states *states);

/* What a transition did. */
struct an_change {
	int64_t first_run, ended;	/* as they were before */
	const struct an_thing *thing;	/* as it is; what it was, if it is gone.  Lives until the next call */
	bool moved;			/* to another state */
	bool gone;			/* it exists no more */
	bool closed;			/* an interval ended, which is: */
	struct an_interval interval;
};

/* The event must be a transition of a resource that is taken.  Return: 0 or -ETR_E_NOMEM. */
int an_states_transition(struct an_states *states, const struct etr_event *event, struct an_change *change);

/* At the trace's end: calls each with every interval that is still open. */
typedef void (*an_open_interval_fn)(void *ctx, const struct an_thing *thing, const struct an_interval *interval);
void an_states_finish(struct an_states *states, int64_t end, an_open_interval_fn each, void *ctx);

static inline const struct an_thing *an_states_find(const struct an_states *states, int64_t id)
{
	return an_map_find(&states->things, &(uint64_t){ (uint64_t)id });
}

#endif
