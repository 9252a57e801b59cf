/* SPDX-License-Identifier: BSD-3-Clause
 *
 * states.c - plain accounting of states over time.
 *
 * An unknown thing starts in the state that its first transition leaves: since the trace's start if that is Undetermined, else
 * since then.  A transition into the same state changes nothing.  A thing that ceases to exist is forgotten, so memory holds
 * those that are alive.
 */
#include "config.h"

#include "analysis/states.h"

#include <stdio.h>
#include <string.h>

void an_states_init(struct an_states *states, struct an_names *names, uint8_t resource, int64_t start)
{
	memset(states, 0, sizeof(*states));
	states->names = names;
	states->resource = resource;
	states->start = start;
	an_map_init(&states->things, 1, sizeof(struct an_thing));
	for (int s = 0; s < ETR_STATE_COUNT_; s++) {
		char text[32];
		int len = snprintf(text, sizeof(text), "(from %s)", etr_state_name(s));

		states->from[s] = an_names_add_text(names, text, (size_t)len);
	}
	states->forever = an_names_add_text(names, "forever", 7);
}

void an_states_free(struct an_states *states)
{
	an_map_free(&states->things);
}

/* A goroutine's first function is the root of the first stack that is known of it. */
static void learn_function(struct an_states *states, struct an_thing *thing, an_stack_id stack)
{
	size_t n;
	const struct an_frame *frames = an_stack(states->names, stack, &n);

	if (n)
		thing->function = frames[n - 1].func;
}

static void interval_of(struct an_interval *interval, int64_t id, const struct an_thing *thing, int64_t end, uint8_t next)
{
	*interval = (struct an_interval){ .id = id, .start = thing->since, .end = end, .reason = thing->reason,
					  .stack = thing->stack, .event_stack = thing->event_stack,
					  .function = thing->function, .state = thing->state, .next = next };
}

static void enter(struct an_states *states, struct an_thing *thing, const struct etr_event *event, an_stack_id stack)
{
	thing->reason = an_names_text(states->names, event->u.transition.reason);
	if (thing->reason == states->forever && event->to == ETR_STATE_WAITING && thing->ended == AN_NEVER)
		thing->ended = event->time;
	if (!thing->reason)
		thing->reason = states->from[event->from < ETR_STATE_COUNT_ ? event->from : ETR_STATE_UNDETERMINED];
	thing->stack = stack;
	thing->event_stack = an_names_stack(states->names, event->stack);
	thing->state = event->to;
	thing->since = event->time;
	if (event->to == ETR_STATE_RUNNING && thing->first_run == AN_NEVER)
		thing->first_run = event->time;
}

int an_states_transition(struct an_states *states, const struct etr_event *event, struct an_change *change)
{
	uint64_t key = (uint64_t)event->u.transition.id;
	an_stack_id stack = an_names_stack(states->names, event->u.transition.stack);
	struct an_thing *thing;
	bool added;

	thing = an_map_add(&states->things, &key, &added);
	if (!thing)
		return -ETR_E_NOMEM;
	if (added) {
		thing->state = event->from;
		thing->since = event->from == ETR_STATE_UNDETERMINED ? states->start : event->time;
		thing->first_run = thing->ended = AN_NEVER;
	}
	if (!thing->function && stack)
		learn_function(states, thing, stack);
	change->first_run = thing->first_run;
	change->ended = thing->ended;
	change->thing = thing;
	change->moved = event->from != event->to;
	change->closed = change->gone = false;
	if (!change->moved)
		return 0;
	if (thing->state != ETR_STATE_NOT_EXIST) {
		change->closed = true;
		interval_of(&change->interval, (int64_t)key, thing, event->time, event->to);
		thing->ns[thing->state] += event->time - thing->since;
	}
	if (event->to == ETR_STATE_NOT_EXIST) {
		states->gone = *thing;
		change->thing = &states->gone;
		change->gone = true;
		an_map_remove(&states->things, &key);
		return 0;
	}
	enter(states, thing, event, stack);
	return 0;
}

void an_states_finish(struct an_states *states, int64_t end, an_open_interval_fn each, void *ctx)
{
	const uint64_t *key;
	void *value;

	for (size_t pos = 0; an_map_each(&states->things, &pos, &key, &value);) {
		const struct an_thing *thing = value;
		struct an_interval interval;

		if (thing->state == ETR_STATE_NOT_EXIST)
			continue;
		interval_of(&interval, (int64_t)*key, thing, end, ETR_STATE_COUNT_);
		each(ctx, thing, &interval);
	}
}
