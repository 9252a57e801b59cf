/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sumgoroutine.c - goroutines' states over time, and what each stay in a state adds to which figures.
 *
 * A stay counts when it ends, for the function its goroutine started in.  That function is the root of the first stack that is
 * known of the goroutine; of one that was there before the trace this may be some transitions late, so stays are held until
 * then, a few of them.
 *
 * The time of `extra`, the grouping that was asked for, may change groups within a stay: at a region's begin and end, and at a
 * generation's.  So it counts in pieces, from extra_since on.
 *
 * Ownership: the map of goroutines owns them; `recent` only points to some.  A goroutine's extra group is its own when grouping
 * is by goroutine, and goes to the groups when it ends.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/grow.h"
#include "analysis/sumimpl.h"

/* So many stays wait for the function to be known; then it is unknown. */
#define HELD_MAX 16

/* A stay in a state that has ended, and who ended it where it is a wait. */
struct an_stay {
	int64_t start, end;
	struct an_reason *reason;
	struct an_group *extra;
	int64_t extra_since;
	int64_t waker;
	an_stack_id stack, waker_stack;
	uint8_t state;
	uint8_t next;		/* ETR_STATE_COUNT_: it is open at the end */
	bool entered;
};

/* --- what a stay adds --------------------------------------------------------------------------------------------------- */

/* Keeps a wait if it is among the longest, one for each place. */
static void keep_longest(struct an_summary *summary, const struct an_goroutine *g, const struct an_stay *stay, int64_t ns)
{
	struct an_long_wait *list = summary->longest;
	const unsigned most = summary->options.longest;
	unsigned at;

	for (at = 0; at < summary->nlongest; at++)
		if (list[at].stack == stay->stack)
			break;
	if (at < summary->nlongest && ns <= list[at].ns)
		return;
	if (at == summary->nlongest && summary->nlongest < most)
		summary->nlongest++;
	else if (at == summary->nlongest)
		at--;
	for (; at > 0 && list[at - 1].ns < ns; at--)
		list[at] = list[at - 1];
	list[at] = (struct an_long_wait){ .g = g->id, .ns = ns, .start = stay->start, .reason = stay->reason->name,
					  .function = (an_text_id)g->function->key, .stack = stay->stack,
					  .waker = stay->waker, .waker_stack = stay->waker_stack };
}

/* Is a wait longer than those before at the same place?  Then it may be among the longest. */
static inline bool is_long(const struct an_summary *summary, an_stack_id stack, int64_t ns)
{
	return stack < summary->nplaces ? ns > summary->places[stack] : summary->options.longest > 0;
}

static int note_long(struct an_summary *summary, const struct an_goroutine *g, const struct an_stay *stay, int64_t ns)
{
	int64_t *places = an_grow(summary->places, &summary->places_cap, (size_t)stay->stack + 1, sizeof(*places));

	if (!places)
		return -ETR_E_NOMEM;
	summary->places = places;
	for (; summary->nplaces <= stay->stack; summary->nplaces++)
		places[summary->nplaces] = -1;
	places[stay->stack] = ns;
	if (summary->nlongest < summary->options.longest || ns > summary->longest[summary->nlongest - 1].ns)
		keep_longest(summary, g, stay, ns);
	return 0;
}

/* The part of a stay that goes to an extra group. */
static int add_extra(struct an_summary *summary, const struct an_stay *stay, int64_t end)
{
	int64_t start = stay->extra_since > stay->start ? stay->extra_since : stay->start;
	bool begun = start >= summary->from;
	int rc;

	if (!begun)
		start = summary->from;
	if (start > end)
		return 0;
	rc = an__add_part(summary, &stay->extra->state[stay->state], end, end - start, begun);
	if (stay->next == ETR_STATE_COUNT_ || stay->end >= summary->to)
		stay->extra->open_ns[stay->state] += end - start;
	return rc;
}

static bool is_wanted(struct an_summary *summary, struct an_goroutine *g)
{
	if (!g->wanted)
		g->wanted = an_filter_goroutine(summary->some, summary->names, g->id,
						g->function && !g->function->other ? (an_text_id)g->function->key : 0) ? 1 : 2;
	return g->wanted == 1;
}

bool an__goroutine_concerned(struct an_summary *summary, const struct etr_event *event)
{
	struct an_goroutine *g = event->g >= 0 ? an__goroutine_find(summary, event->g) : NULL;
	int64_t other = event->kind == ETR_KIND_STATE_TRANSITION ? event->u.transition.id :
			event->kind == ETR_KIND_LABEL		 ? event->u.label.id :
			event->kind >= ETR_KIND_RANGE_BEGIN && event->kind <= ETR_KIND_RANGE_END ? event->u.range.id : -1;

	if (g && g->function && is_wanted(summary, g))
		return true;
	if (other < 0 || event->resource != ETR_RESOURCE_GOROUTINE)
		return false;
	g = an__goroutine_find(summary, other);
	return g && g->function && is_wanted(summary, g);
}

/* Is the condition true of a stay?  What is cut off by the window counts for that. */
static bool meets_condition(const struct an_summary *summary, const struct an_goroutine *g, const struct an_stay *stay)
{
	struct an_interval interval = { .id = g->id, .start = stay->start, .end = stay->end, .state = stay->state,
					.reason = stay->reason ? stay->reason->name : 0 };

	interval.function = (an_text_id)g->function->key;
	return an_filter_interval(summary->condition, summary->names, &interval);
}

/* Counts a stay of a goroutine whose function is set. */
static int count_stay(struct an_summary *summary, struct an_goroutine *g, const struct an_stay *stay)
{
	int64_t start = stay->start, end = stay->end, ns;
	bool begun = true;
	int rc;

	if (__builtin_expect(summary->some != NULL, 0) && !is_wanted(summary, g))
		return 0;
	if (__builtin_expect(summary->condition != NULL, 0) && !meets_condition(summary, g, stay))
		return 0;
	if (__builtin_expect(summary->cut, 0)) {
		if (end <= summary->from || start >= summary->to)
			return 0;
		begun = start >= summary->from;
		start = begun ? start : summary->from;
		end = end < summary->to ? end : summary->to;
	}
	g->touched = true;
	ns = end - start;
	summary->g_states[stay->state].entered += stay->entered && begun;
	rc = an__add_part(summary, &g->function->state[stay->state], end, ns, begun);
	if (rc == 0 && stay->extra)
		rc = add_extra(summary, stay, end);
	if (stay->next == ETR_STATE_COUNT_ || stay->end >= summary->to)
		g->function->open_ns[stay->state] += ns;
	if (rc < 0)
		return rc;
	if (stay->state == ETR_STATE_WAITING) {
		if (stay->next != ETR_STATE_COUNT_ && is_long(summary, stay->stack, ns) && note_long(summary, g, stay, ns) < 0)
			return -ETR_E_NOMEM;
		return stay->reason ? an__add_part(summary, &stay->reason->waiting, end, ns, begun) : 0;
	}
	if (stay->state == ETR_STATE_RUNNABLE)
		return stay->reason ? an__add_part(summary, &stay->reason->runnable, end, ns, begun) : 0;
	if (stay->state == ETR_STATE_UNDETERMINED && (stay->next == ETR_STATE_WAITING || stay->next == ETR_STATE_SYSCALL))
		summary->known_ns[stay->next] += ns;
	return 0;
}

/* Counts what was held.  The function is known, or never will be. */
static int count_held(struct an_summary *summary, struct an_goroutine *g)
{
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < g->nheld; i++)
		rc = count_stay(summary, g, &g->held[i]);
	g->nheld = 0;
	free(g->held);
	g->held = NULL;
	return rc;
}

static int set_function(struct an_summary *summary, struct an_goroutine *g, an_text_id name)
{
	g->function = an_groups_get(&summary->functions, name);
	if (!g->function)
		return -ETR_E_NOMEM;
	return g->nheld ? count_held(summary, g) : 0;
}

static int hold(struct an_goroutine *g, const struct an_stay *stay)
{
	/* One more: that which is open at a window's end. */
	if (!g->held && !(g->held = malloc((HELD_MAX + 1) * sizeof(*g->held))))
		return -ETR_E_NOMEM;
	g->held[g->nheld++] = *stay;
	g->nstays += stay->next != ETR_STATE_COUNT_;
	return 0;
}

/* The present stay ends.  event: what ends it; NULL at the end of the trace or the window. */
static inline int end_stay(struct an_summary *summary, struct an_goroutine *g, int64_t time, const struct etr_event *event)
{
	struct an_stay stay = { .start = g->since, .end = time, .reason = g->reason, .extra = g->extra,
				.extra_since = g->extra_since, .stack = g->stack, .state = g->state, .entered = g->entered };

	stay.next = event ? event->to : ETR_STATE_COUNT_;
	if (g->state == ETR_STATE_WAITING && event && is_long(summary, g->stack, time - g->since)) {
		const uint64_t *named = an_map_find(&summary->source->notes.waker_by_stack, &(uint64_t){ event->stack });

		stay.waker = named ? (int64_t)*named : event->g;
		stay.waker_stack = an_names_stack(summary->names, event->stack);
	}
	if (__builtin_expect(g->function != NULL, 1))
		return count_stay(summary, g, &stay);
	if (g->nstays < HELD_MAX || !event)
		return hold(g, &stay);
	return set_function(summary, g, 0) < 0 ? -ETR_E_NOMEM : count_stay(summary, g, &stay);
}

/*
 * The same where all that counts is the function and the reason: no window, no filter, no other grouping.  Most stays end here.
 */
static inline int end_plain_stay(struct an_summary *summary, struct an_goroutine *g, const struct etr_event *event)
{
	int64_t ns = event->time - g->since;
	unsigned bucket = an_hist_bucket(ns < 0 ? 0 : (uint64_t)ns);

	if (__builtin_expect(ns < 0 || !g->function, 0) || g->state == ETR_STATE_UNDETERMINED ||
	    (g->state == ETR_STATE_WAITING && __builtin_expect(is_long(summary, g->stack, ns), 0)))
		return end_stay(summary, g, event->time, event);
	summary->g_states[g->state].entered += g->entered;
	if ((g->state == ETR_STATE_WAITING || g->state == ETR_STATE_RUNNABLE) && g->reason &&
	    an_hist_add_at(g->state == ETR_STATE_WAITING ? &g->reason->waiting : &g->reason->runnable, bucket, ns) < 0)
		return -ETR_E_NOMEM;
	return an_hist_add_at(&g->function->state[g->state], bucket, ns);
}

/* --- goroutines ------------------------------------------------------------------------------------------------------- */

static struct an_goroutine *find_slow(struct an_summary *summary, int64_t id)
{
	struct an_goroutine **slot = an_map_find(&summary->gs, &(uint64_t){ (uint64_t)id });

	if (!slot)
		return NULL;
	summary->recent[(uint64_t)id % AN_RECENT] = *slot;
	return *slot;
}

struct an_goroutine *an__goroutine_find(struct an_summary *summary, int64_t id)
{
	struct an_goroutine *g = summary->recent[(uint64_t)id % AN_RECENT];

	return g && g->id == id ? g : find_slow(summary, id);
}

/* One that is seen for the first time, in a transition. */
static struct an_goroutine *add_goroutine(struct an_summary *summary, const struct etr_event *event)
{
	const int64_t id = event->u.transition.id;
	struct an_goroutine *g = calloc(1, sizeof(*g)), **slot;
	const struct an_past_g *past;

	slot = g ? an_map_add(&summary->gs, &(uint64_t){ (uint64_t)id }, NULL) : NULL;
	if (!slot) {
		free(g);
		return NULL;
	}
	if (summary->plain && an__ids_add(&summary->gs_seen, id) < 0)
		summary->names->oom = true;
	g->id = id;
	g->state = event->from;
	g->since = event->from == ETR_STATE_UNDETERMINED ? summary->source->start : event->time;
	g->extra_since = g->since;
	if (summary->options.by == AN_BY_GOROUTINE && !(g->extra = an_group_new((uint64_t)id)))
		summary->names->oom = true;
	if (summary->options.by == AN_BY_GENERATION)
		g->extra = summary->generation;
	/* A slice may know where one started that existed before it, and more. */
	past = event->from == ETR_STATE_UNDETERMINED || !event->u.transition.stack ? an_past_g(&summary->source->past, id) : NULL;
	if (past && past->function && set_function(summary, g, past->function) < 0)
		summary->names->oom = true;
	if (past && event->from == ETR_STATE_UNDETERMINED && an__recall_regions(summary, g) < 0)
		summary->names->oom = true;
	summary->recent[(uint64_t)id % AN_RECENT] = *slot = g;
	return g;
}

static void free_goroutine(struct an_goroutine *g)
{
	free(g->held);
	free(g->regions);
	free(g);
}

static int64_t weigh_time(const struct an_group *group, const void *ctx)
{
	return an_group_time(group);
}

/* Its account is closed: it ended, or the trace does. */
static int close_account(struct an_summary *summary, struct an_goroutine *g)
{
	int rc = g->function ? 0 : set_function(summary, g, 0);
	bool counts = (!summary->cut && !summary->condition) || g->touched;

	if (rc == 0 && summary->some && !is_wanted(summary, g))
		counts = false;
	if (rc == 0 && counts)
		g->function->goroutines++;
	if (summary->options.by != AN_BY_GOROUTINE || !g->extra)
		return rc;
	if (rc == 0 && counts) {
		g->extra->goroutines = 1;
		g->extra->function = g->function->other ? summary->other_name : (an_text_id)g->function->key;
		rc = an_groups_done(&summary->extra, g->extra, summary->options.weigh ? summary->options.weigh : weigh_time,
				    summary->options.weigh_ctx);
	} else {
		an_group_free(g->extra);
	}
	g->extra = NULL;
	return rc;
}

static int learn_function(struct an_summary *summary, struct an_goroutine *g, etr_stack_id stack)
{
	size_t n;
	const struct an_frame *frames = an_stack(summary->names, an_names_stack(summary->names, stack), &n);

	return n ? set_function(summary, g, frames[n - 1].func) : 0;
}

/* Where the time of a goroutine goes that has just entered its state. */
static int choose_extra(struct an_summary *summary, struct an_goroutine *g, const struct etr_event *event)
{
	bool on_cpu = g->state == ETR_STATE_RUNNING || g->state == ETR_STATE_SYSCALL;
	const struct an_past_g *known = an__recalled(summary, event);
	uint64_t key;

	switch (summary->options.by) {
	case AN_BY_THREAD:
		key = (uint64_t)event->m;
		break;
	case AN_BY_PROC:
		key = (uint64_t)(known && known->p != -1 ? known->p : event->p);
		break;
	case AN_BY_TASK:
	case AN_BY_REGION:
		on_cpu = true;
		key = !g->nregions ? 0 : summary->options.by == AN_BY_TASK ? g->regions[g->nregions - 1].task :
									       g->regions[g->nregions - 1].type;
		break;
	default:
		return 0;
	}
	g->extra = on_cpu ? an_groups_get(&summary->extra, key) : NULL;
	return on_cpu && !g->extra ? -ETR_E_NOMEM : 0;
}

static const uint8_t levels[ETR_STATE_COUNT_] = { [ETR_STATE_RUNNING] = AN_LEVEL_RUNNING + 1,
						  [ETR_STATE_RUNNABLE] = AN_LEVEL_RUNNABLE + 1 };

/* Moves a goroutine between the timeline's levels. */
static inline void change_level(struct an_summary *summary, struct an_goroutine *g, uint8_t state, int64_t time)
{
	uint8_t level = levels[state];

	if (__builtin_expect(summary->some != NULL, 0) && !(g->function && is_wanted(summary, g)))
		level = 0;
	if (level == g->level)
		return;
	if (g->level)
		an_timeline_change(&summary->timeline, g->level - 1, -1, time);
	if (level)
		an_timeline_change(&summary->timeline, level - 1, 1, time);
	g->level = level;
}

static int end_goroutine(struct an_summary *summary, struct an_goroutine *g)
{
	int rc = close_account(summary, g);

	summary->recent[(uint64_t)g->id % AN_RECENT] = NULL;
	an_map_remove(&summary->gs, &(uint64_t){ (uint64_t)g->id });
	free_goroutine(g);
	return rc;
}

int an__goroutine_transition(struct an_summary *summary, const struct etr_event *event)
{
	struct an_goroutine *g = summary->recent[(uint64_t)event->u.transition.id % AN_RECENT];
	int rc = 0;

	if (__builtin_expect(!g || g->id != event->u.transition.id, 0)) {
		g = find_slow(summary, event->u.transition.id);
		if (!g && !(g = add_goroutine(summary, event)))
			return -ETR_E_NOMEM;
	}
	if (__builtin_expect(!g->function, 0) && event->u.transition.stack)
		rc = learn_function(summary, g, event->u.transition.stack);
	if (event->from == event->to || rc < 0)
		return rc;
	if (__builtin_expect(g->state != ETR_STATE_NOT_EXIST, 1))
		rc = summary->plain ? end_plain_stay(summary, g, event) : end_stay(summary, g, event->time, event);
	change_level(summary, g, event->to, event->time);
	if (rc < 0 || event->to == ETR_STATE_NOT_EXIST)
		return rc < 0 ? rc : end_goroutine(summary, g);
	g->state = event->to;
	g->since = g->extra_since = event->time;
	g->entered = true;
	if (event->to == ETR_STATE_WAITING)
		g->stack = an_names_stack(summary->names, event->u.transition.stack);
	if (event->to == ETR_STATE_WAITING || event->to == ETR_STATE_RUNNABLE) {
		g->reason = an__reason_now(summary, event);
		if (!g->reason)
			return -ETR_E_NOMEM;
	}
	return summary->plain ? 0 : choose_extra(summary, g, event);
}

/* What is wanted of one whose function is known now, or never will be. */
static int settle_late(struct an_summary *summary, struct an_goroutine *g)
{
	int rc = g->function ? 0 : set_function(summary, g, 0);

	summary->unknown--;
	return rc < 0 ? rc : close_account(summary, g);
}

/* One that was there before the window's end, of which nothing was told until now. */
static int add_late(struct an_summary *summary, const struct etr_event *event)
{
	struct an_goroutine *g = add_goroutine(summary, event);
	int rc = g ? 0 : -ETR_E_NOMEM;

	if (rc == 0 && event->u.transition.stack)
		rc = learn_function(summary, g, event->u.transition.stack);
	if (rc == 0 && event->to != event->from)
		rc = end_stay(summary, g, event->time, event);
	if (rc < 0)
		return rc;
	if (g->function)
		return close_account(summary, g);
	summary->unknown++;
	return 0;
}

int an__goroutine_late(struct an_summary *summary, const struct etr_event *event)
{
	struct an_goroutine *g = an__goroutine_find(summary, event->u.transition.id);
	int rc = 0;

	if (!g)
		return event->from == ETR_STATE_UNDETERMINED && summary->source->syncs == 1 ? add_late(summary, event) : 0;
	if (g->function)
		return 0;
	if (event->u.transition.stack)
		rc = learn_function(summary, g, event->u.transition.stack);
	/* Just when it would be unknown without a window. */
	if (rc == 0 && !g->function && event->from != event->to && (event->to == ETR_STATE_NOT_EXIST || g->nstays++ >= HELD_MAX))
		rc = set_function(summary, g, 0);
	return rc < 0 || !g->function ? rc : settle_late(summary, g);
}

int an__goroutines_end_late(struct an_summary *summary)
{
	const uint64_t *key;
	void *value;
	int rc = 0;

	for (size_t pos = 0; rc == 0 && an_map_each(&summary->gs, &pos, &key, &value);) {
		struct an_goroutine *g = *(struct an_goroutine **)value;

		if (!g->function)
			rc = settle_late(summary, g);
	}
	return rc;
}

int an__goroutine_regroup(struct an_summary *summary, struct an_goroutine *g, int64_t time)
{
	struct an_stay piece = { .start = g->since, .end = time, .extra = g->extra, .extra_since = g->extra_since,
				 .state = g->state };
	struct etr_event here = { .kind = ETR_KIND_REGION_BEGIN, .m = -1, .p = -1 };

	bool counts = g->extra && time > summary->from;
	enum an_by by = summary->options.by;

	if (by != AN_BY_TASK && by != AN_BY_REGION && by != AN_BY_GENERATION)
		return 0;

	if (counts && summary->some && !(g->function && is_wanted(summary, g)))
		counts = false;
	if (counts && add_extra(summary, &piece, time) < 0)
		return -ETR_E_NOMEM;
	g->extra_since = time;
	return choose_extra(summary, g, &here);
}

void an__summary_end_generation(struct an_summary *summary, int64_t time)
{
	if (!summary->generation)
		return;
	summary->generation->end = time;
	summary->generation->events += summary->events;
}

/* A slice tells in which functions goroutines started that were known to it before. */
static int learn_functions(struct an_summary *summary)
{
	const uint64_t *key;
	void *value;

	summary->learned = summary->source->past.learned;
	for (size_t pos = 0; an_map_each(&summary->gs, &pos, &key, &value);) {
		struct an_goroutine *g = *(struct an_goroutine **)value;
		const struct an_past_g *past = g->function ? NULL : an_past_g(&summary->source->past, g->id);

		if (past && past->function && set_function(summary, g, past->function) < 0)
			return -ETR_E_NOMEM;
	}
	return 0;
}

int an__goroutines_next_generation(struct an_summary *summary, int64_t time)
{
	const uint64_t number = etr_reader_generation(summary->source->reader);
	const uint64_t *key;
	void *value;
	struct an_group *group;

	if (summary->by_string)
		memset(summary->by_string, 0, summary->by_string_cap * sizeof(*summary->by_string));
	if (summary->source->past.learned != summary->learned && learn_functions(summary) < 0)
		return -ETR_E_NOMEM;
	if (summary->options.by != AN_BY_GENERATION)
		return 0;
	group = an_groups_get(&summary->extra, number);
	if (!group)
		return -ETR_E_NOMEM;
	/* The Sync that ends the trace is one more of the last. */
	if (group == summary->generation)
		return 0;
	an__summary_end_generation(summary, time);
	group->start = time;
	group->events -= summary->events;
	summary->generation = group;
	for (size_t pos = 0; an_map_each(&summary->gs, &pos, &key, &value);) {
		struct an_goroutine *g = *(struct an_goroutine **)value;

		if (an__goroutine_regroup(summary, g, time) < 0)
			return -ETR_E_NOMEM;
		g->extra = group;
	}
	return 0;
}

int an__goroutines_close(struct an_summary *summary, int64_t end)
{
	const uint64_t *key;
	void *value;
	int rc = 0;

	for (size_t pos = 0; rc == 0 && an_map_each(&summary->gs, &pos, &key, &value);) {
		struct an_goroutine *g = *(struct an_goroutine **)value;

		if (g->state != ETR_STATE_NOT_EXIST)
			rc = end_stay(summary, g, end, NULL);
		/* Behind a window its function may yet be told. */
		if (rc == 0 && !g->function && summary->over)
			summary->unknown++;
		else if (rc == 0)
			rc = close_account(summary, g);
	}
	return rc;
}

void an__goroutines_free(struct an_summary *summary)
{
	const uint64_t *key;
	void *value;

	for (size_t pos = 0; an_map_each(&summary->gs, &pos, &key, &value);) {
		struct an_goroutine *g = *(struct an_goroutine **)value;

		if (summary->options.by == AN_BY_GOROUTINE)
			an_group_free(g->extra);
		free_goroutine(g);
	}
}
