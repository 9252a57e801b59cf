/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sumimpl.h - what the files that make up summaries share.
 */
#ifndef ANALYSIS_SUMIMPL_H
#define ANALYSIS_SUMIMPL_H

#include "analysis/summary.h"

#define AN_RECENT 2048

struct an_open_task {
	int64_t start;
	an_text_id type;
};

struct an_stay;

/* A goroutine that exists. */
struct an_goroutine {
	int64_t id;
	int64_t since;			/* when the present state began */
	struct an_group *function;	/* NULL while its function is not known */
	struct an_group *extra;		/* where the present time goes beside; NULL: nowhere */
	int64_t extra_since;		/* from then on */
	struct an_reason *reason;	/* Waiting and Runnable: why */
	an_stack_id stack;		/* Waiting: where */
	uint8_t state;			/* enum etr_state */
	bool entered;			/* by a transition, rather than having been in it when first seen */
	bool touched;			/* some of its time counts */
	uint8_t wanted;			/* 0 not known yet, 1 yes, 2 no */
	uint8_t level;			/* which of the timeline's levels it is part of, plus one; 0: none */
	uint8_t nheld;			/* stays that wait for the function to be known */
	uint8_t nstays;			/* that ended while it was not known */
	struct an_stay *held;
	struct an_open_region {
		int64_t start;
		an_text_id type, task;
	} *regions;			/* that it is in, outermost first */
	size_t nregions, regions_cap;
};

/* A name, or "(other)" where a map by names is full. */
static inline an_text_id an__capped(const struct an_summary *summary, const struct an_map *map, an_text_id name)
{
	if (__builtin_expect(map->n >= AN_GROUPS_MAX, 0) && !an_map_find(map, &(uint64_t){ name }))
		return summary->other_name;
	return name;
}

/* Adds a duration that ended at a time. */
static inline int an__add(struct an_summary *summary, struct an_hist *hist, int64_t time, int64_t ns)
{
	if (__builtin_expect(summary->options.series, 0) && an_series_add(&hist->series, &summary->clock, time, ns) < 0)
		return -ETR_E_NOMEM;
	return an_hist_add(hist, ns);
}

/* Adds the part of a duration that counts here, from its beginning (begun) or without. */
static inline int an__add_part(struct an_summary *summary, struct an_hist *hist, int64_t time, int64_t ns, bool begun)
{
	if (__builtin_expect(begun, 1))
		return an__add(summary, hist, time, ns);
	an_hist_add_rest(hist, ns);
	return 0;
}

int an__ids_add(struct an_ids *ids, int64_t id);

/*
 * Each returns 0 or -ETR_E_NOMEM.  Behind a window, _late() takes the transitions until the functions of all its goroutines are
 * known, and _end_late() ends that.
 */
int an__goroutine_transition(struct an_summary *summary, const struct etr_event *event);
int an__goroutine_late(struct an_summary *summary, const struct etr_event *event);
int an__goroutines_next_generation(struct an_summary *summary, int64_t time);
void an__summary_end_generation(struct an_summary *summary, int64_t time);
int an__goroutines_close(struct an_summary *summary, int64_t end);
int an__summary_close(struct an_summary *summary, int64_t end);
int an__goroutines_end_late(struct an_summary *summary);
void an__goroutines_free(struct an_summary *summary);

/* The goroutine, or NULL. */
struct an_goroutine *an__goroutine_find(struct an_summary *summary, int64_t id);

/* Where not all goroutines count: whether an event is one of a goroutine that does, or tells of one. */
bool an__goroutine_concerned(struct an_summary *summary, const struct etr_event *event);

/* It has entered or left a region: its time goes elsewhere from now on. */
int an__goroutine_regroup(struct an_summary *summary, struct an_goroutine *g, int64_t time);

struct an_reason *an__reason_get(struct an_summary *summary, an_text_id name);

/* The slow half of the next. */
struct an_reason *an__reason_load(struct an_summary *summary, const struct etr_event *event);

/* Why a goroutine entered a state.  NULL when out of memory. */
static inline struct an_reason *an__reason_of(struct an_summary *summary, const struct etr_event *event)
{
	etr_string_id id = event->u.transition.reason;

	if (!id && event->from < ETR_STATE_COUNT_ && summary->from_state[event->from])
		return summary->from_state[event->from];
	if (id < summary->by_string_cap && summary->by_string[id])
		return summary->by_string[id];
	return an__reason_load(summary, event);
}

/* What tells of a goroutine before a slice's window is not the event that made it so: what is known of that, else NULL. */
static inline const struct an_past_g *an__recalled(const struct an_summary *summary, const struct etr_event *event)
{
	const struct an_past *past = &summary->source->past;

	if (__builtin_expect(event->time >= past->from || event->from != ETR_STATE_UNDETERMINED, 1))
		return NULL;
	return an_past_g(past, event->u.transition.id);
}

/* Why a goroutine is in the state it has entered, in a slice as well.  NULL when out of memory. */
struct an_reason *an__reason_now(struct an_summary *summary, const struct etr_event *event);

/* The regions that a goroutine was in when the slice began.  Return: 0 or -ETR_E_NOMEM. */
int an__recall_regions(struct an_summary *summary, struct an_goroutine *g);

struct an_span_total *an__span_get(struct an_summary *summary, struct an_map *map, an_text_id type);

int an__summary_range(struct an_summary *summary, const struct etr_event *event, bool counts);
int an__summary_task(struct an_summary *summary, const struct etr_event *event, bool counts);
int an__summary_region(struct an_summary *summary, const struct etr_event *event, bool counts);

#endif
