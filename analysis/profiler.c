/* SPDX-License-Identifier: BSD-3-Clause
 *
 * profiler.c - intervals and samples, sorted into profiles.
 *
 * An interval counts from the transition that begins it to the next one into another state, cut to the time between its
 * goroutine's first run and its end.  Since a goroutine that never ran has been in one state other than Runnable at most, and
 * a Runnable one can only run, cutting to the first run means dropping whatever ended before it; of a goroutine that has not
 * run yet one such interval is kept in `pending`, in case it never does.
 *
 * Reading the trace should stay the larger part.  So most transitions are passed over that begin and end nothing of what is
 * wanted; one that is not costs a look-up of its goroutine, and one of how an interval began at the same stack before.
 *
 * Invariants: a slot in a struct g is that of the present interval in the profile that wants it, else AN_NO_SLOT.  Where that is
 * one, G_HAS_RUN tells whether the goroutine has run: what leads to it from elsewhere than Running is looked at, and so are
 * transitions to Running while something is pending.
 */
#include "config.h"

#include "analysis/profimpl.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/grow.h"

/* An interval whose end may yet turn out to be before the first run. */
struct pending {
	int64_t ns;
	uint32_t slot;
	uint8_t kind;
};

static void init_names(struct an_profiler *profiler)
{
	struct an_names *names = &profiler->source->names;

	for (int s = 0; s < ETR_STATE_COUNT_; s++) {
		char text[32];
		int len = snprintf(text, sizeof(text), "(from %s)", etr_state_name(s));

		profiler->from[s] = an_names_add_text(names, text, (size_t)len);
	}
	profiler->forever = an_names_add_text(names, "forever", 7);
}

/*
 * Decides which transitions are looked at: those that begin or end what is wanted, those by which goroutines come and go, and,
 * where these do not tell whether a goroutine has run, those by which it runs.
 */
static void look_at_events(struct an_profiler *profiler)
{
	const unsigned comes = 1u << ETR_STATE_UNDETERMINED | 1u << ETR_STATE_NOT_EXIST, goes = 1u << ETR_STATE_NOT_EXIST;
	unsigned states = 0, runs = 0;

	for (int kind = 0; kind < AN_PROFILE_COUNT_; kind++)
		if (profiler->wanted & 1u << kind)
			states |= an_profile_states(kind);
	if (states & 1u << ETR_STATE_RUNNABLE || profiler->pending.n || wants(profiler, AN_PROFILE_BLOCK) ||
	    wants(profiler, AN_PROFILE_MUTEX))
		runs = 1u << ETR_STATE_RUNNING;
	for (unsigned from = 0; from < ETR_STATE_COUNT_; from++) {
		bool all = profiler->filter || (states | comes) & 1u << from;

		profiler->look_at[from] = (uint8_t)((all ? 0xff : states | goes | runs) & ~(1u << from));
	}
	profiler->looks_for_ends = states && !(states & 1u << ETR_STATE_WAITING);
	profiler->is_plain = !profiler->filter && !wants(profiler, AN_PROFILE_WALL);
}

static void use_filter(struct an_profiler *profiler, struct an_filter *filter)
{
	profiler->filter = profiler->locks.filter = filter;
	look_at_events(profiler);
}

int an_profiler_init(struct an_profiler *profiler, struct an_source *source, unsigned wanted, unsigned labels)
{
	memset(profiler, 0, sizeof(*profiler));
	profiler->source = source;
	profiler->wanted = wanted;
	profiler->has_tasks = labels & (1u << AN_LABEL_TASK | 1u << AN_LABEL_REGION);
	for (int kind = 0; kind < AN_PROFILE_COUNT_; kind++)
		an_profile_init(&profiler->profiles[kind], an_profile_count_type(kind), an_profile_time_type(kind));
	an_labeler_init(&profiler->labeler, source, labels);
	profiler->has_starts = !(labels & (1u << AN_LABEL_GOROUTINE | 1u << AN_LABEL_THREAD | 1u << AN_LABEL_LOCK));
	an_idtable_init(&profiler->gs);
	an_filter_init(&profiler->window);
	an_map_init(&profiler->pending, 1, sizeof(struct pending));
	an__profiler_init_runs(profiler);
	init_names(profiler);
	look_at_events(profiler);
	return an_locks_init(&profiler->locks, source, &profiler->profiles[AN_PROFILE_MUTEX], &profiler->labeler);
}

/* Forgets what belongs to one trace. */
static void end_trace(struct an_profiler *profiler)
{
	an__profiler_free_runs(profiler);
	an_map_free(&profiler->pending);
	an_idtable_free(&profiler->gs);
	an_locks_finish(&profiler->locks);
	an_labeler_reset(&profiler->labeler);
	if (profiler->filter == &profiler->window)
		use_filter(profiler, NULL);
	an_filter_init(&profiler->window);
}

void an_profiler_free(struct an_profiler *profiler)
{
	end_trace(profiler);
	an_locks_free(&profiler->locks);
	an_labeler_free(&profiler->labeler);
	for (int kind = 0; kind < AN_PROFILE_COUNT_; kind++)
		an_profile_free(&profiler->profiles[kind]);
	free(profiler->reasons);
	free(profiler->starts);
}

static inline unsigned reason_bits(struct an_profiler *profiler, an_text_id reason)
{
	if (reason < profiler->reasons_cap && profiler->reasons[reason])
		return profiler->reasons[reason];
	return an__profiler_look_at_reason(profiler, reason);
}

/* The kind of profile, but block and wall, that an interval of a state counts in; AN_PROFILE_COUNT_ for none. */
static inline enum an_profile_kind kind_of(enum etr_state state, unsigned bits)
{
	if (state == ETR_STATE_RUNNABLE)
		return AN_PROFILE_SCHED;
	if (state == ETR_STATE_SYSCALL)
		return AN_PROFILE_SYSCALL;
	if (state != ETR_STATE_WAITING)
		return AN_PROFILE_COUNT_;
	return bits & AN_REASON_NETWORK ? AN_PROFILE_NET : bits & AN_REASON_SYNC ? AN_PROFILE_SYNC : AN_PROFILE_COUNT_;
}

/* Kind, resource, from and to of an event in one word, never 0. */
static inline uint32_t how_of(const struct etr_event *event)
{
	uint32_t how;

	_Static_assert(offsetof(struct etr_event, to) == offsetof(struct etr_event, kind) + 3, "four bytes side by side");
	memcpy(&how, (const char *)event + offsetof(struct etr_event, kind), sizeof(how));
	return how;
}

/* Keeps how an interval began at a stack.  Without memory for that one does without. */
static void keep_start(struct an_profiler *profiler, const struct etr_event *event, const struct an_stay *stay)
{
	size_t old = profiler->starts_cap;
	struct an_start *starts = an_grow(profiler->starts, &profiler->starts_cap, (size_t)event->stack + 1, sizeof(*starts));

	if (!starts)
		return;
	memset(starts + old, 0, (profiler->starts_cap - old) * sizeof(*starts));
	profiler->starts = starts;
	starts[event->stack] = (struct an_start){ .how = how_of(event), .reason = event->u.transition.reason, .stay = *stay };
}

/* Finds the slots of the interval that an event begins.  False when out of memory. */
static bool find_slots(struct an_profiler *profiler, struct an_stay *stay, const struct etr_event *event, an_text_id reason,
		       bool wants_block)
{
	struct an_labels labels = an_no_labels;
	an_stack_id stack = an_names_stack(&profiler->source->names, event->stack);

	labels.state = event->to;
	labels.reason = reason ? reason : profiler->from[event->from < ETR_STATE_COUNT_ ? event->from : ETR_STATE_UNDETERMINED];
	an_labels_of(&profiler->labeler, event, event->u.transition.id, &labels);
	if (stay->kind != AN_PROFILE_COUNT_ && wants(profiler, stay->kind) &&
	    (stay->slot = an_profile_slot(&profiler->profiles[stay->kind], stack, &labels)) == AN_NO_SLOT)
		return false;
	if (wants_block &&
	    (stay->block_slot = an_profile_slot(&profiler->profiles[AN_PROFILE_BLOCK], stack, &labels)) == AN_NO_SLOT)
		return false;
	return !wants(profiler, AN_PROFILE_WALL) ||
	       (stay->wall_slot = an_profile_slot(&profiler->profiles[AN_PROFILE_WALL], stack, &labels)) != AN_NO_SLOT;
}

/* Makes the interval that an event begins, for that reason, the goroutine's.  Return: 0 or -ETR_E_NOMEM. */
static int begin_as(struct an_profiler *profiler, struct g *g, const struct etr_event *event, an_text_id reason)
{
	struct an_stay stay = { .slot = AN_NO_SLOT, .block_slot = AN_NO_SLOT, .wall_slot = AN_NO_SLOT, .state = event->to };
	unsigned bits = 0;
	bool block = false;

	if (event->to == ETR_STATE_WAITING) {
		stay.reason = reason;
		bits = reason_bits(profiler, reason);
		block = bits & AN_REASON_SYNC && wants(profiler, AN_PROFILE_BLOCK);
		if (reason == profiler->forever)
			g->flags |= G_ENDED;
	}
	stay.kind = kind_of(event->to, bits);
	if ((block || (stay.kind != AN_PROFILE_COUNT_ && wants(profiler, stay.kind)) || wants(profiler, AN_PROFILE_WALL)) &&
	    !find_slots(profiler, &stay, event, reason, block))
		return -ETR_E_NOMEM;
	g->since = event->time;
	g->stay = stay;
	return 0;
}

/* An interval begins that is unlike the last one at its stack, or at none.  Return: 0 or -ETR_E_NOMEM. */
static int begin_other(struct an_profiler *profiler, struct g *g, const struct etr_event *event, bool no_lock)
{
	an_text_id reason = an_names_text(&profiler->source->names, event->u.transition.reason);
	int rc = begin_as(profiler, g, event, reason);

	g->stay.no_lock = no_lock;
	/* Of the first wait for ever more is to be done than this. */
	if (rc == 0 && profiler->has_starts && !(g->flags & G_HAS_REGION) && reason != profiler->forever)
		keep_start(profiler, event, &g->stay);
	return rc;
}

/* How an interval of the goroutine began that is like the one that an event begins; NULL if that is not known. */
static inline const struct an_start *find_start(const struct an_profiler *profiler, const struct g *g,
						const struct etr_event *event)
{
	const struct an_start *start;

	if (event->stack >= profiler->starts_cap || g->flags & G_HAS_REGION)
		return NULL;
	start = &profiler->starts[event->stack];
	return start->how == how_of(event) && start->reason == event->u.transition.reason ? start : NULL;
}

/* An interval begins.  Return: 0 or -ETR_E_NOMEM. */
static inline int begin_interval(struct an_profiler *profiler, struct g *g, const struct etr_event *event)
{
	const struct an_start *start = find_start(profiler, g, event);
	bool no_lock = false;

	/* What a wait is for depends on the goroutine's own stack, which mostly is the event's. */
	if (event->to == ETR_STATE_WAITING && wants(profiler, AN_PROFILE_MUTEX) && !(start && start->stay.no_lock)) {
		an_text_id reason = an_names_text(&profiler->source->names, event->u.transition.reason);
		int rc = an_locks_begin(&profiler->locks, event, reason, g->function);

		if (rc < 0)
			return rc;
		if (rc)
			g->flags |= G_HAD_LOCK;
		no_lock = rc == 0 && event->stack == event->u.transition.stack;
	}
	if (!start)
		return begin_other(profiler, g, event, no_lock);
	g->since = event->time;
	g->stay = start->stay;
	return 0;
}

int an__profiler_interval_counts(struct an_profiler *profiler, const struct g *g, int64_t start, int64_t end, int64_t *ns)
{
	struct an_interval interval = { .id = g->id, .start = start, .end = end, .state = g->stay.state, .reason = g->stay.reason,
					.function = g->function };

	if (profiler->filter && !an_filter_interval(profiler->filter, &profiler->source->names, &interval))
		return -1;
	*ns = interval.end - interval.start;
	return 0;
}

/* An interval of one that has not run yet: it counts if it never does. */
static int keep_pending(struct an_profiler *profiler, const struct g *g, int64_t ns)
{
	struct pending *pending = an_map_add(&profiler->pending, &(uint64_t){ (uint64_t)g->id << 3 | g->stay.kind }, NULL);

	if (!pending)
		return -ETR_E_NOMEM;
	*pending = (struct pending){ .ns = ns, .slot = g->stay.slot, .kind = g->stay.kind };
	look_at_events(profiler);
	return 0;
}

/* Counts a closed interval, unless the time between first run and end leaves nothing of it. */
static int count_interval(struct an_profiler *profiler, struct g *g, const struct etr_event *event)
{
	int64_t ns;

	if (g->flags & G_ENDED || an__profiler_interval_counts(profiler, g, g->since, event->time, &ns) < 0)
		return 0;
	if (g->flags & G_HAS_RUN || event->to == ETR_STATE_NOT_EXIST)
		an_profile_count(&profiler->profiles[g->stay.kind], g->stay.slot, 1, ns);
	else if (event->to != ETR_STATE_RUNNING)
		return keep_pending(profiler, g, ns);
	return 0;
}

static void forget_pending(struct an_profiler *profiler, int64_t id)
{
	if (!profiler->pending.n)
		return;
	for (unsigned kind = 0; kind < AN_PROFILE_COUNT_; kind++)
		an_map_remove(&profiler->pending, &(uint64_t){ (uint64_t)id << 3 | kind });
	look_at_events(profiler);
}

/* A wait is over that counts once the goroutine runs again. */
static inline void keep_blocked(struct g *g)
{
	g->block_slot = g->stay.block_slot;
	g->block_reason = g->stay.reason;
	g->blocked = g->since;
}

/* The goroutine runs again, or is gone: such a wait counts, or never will. */
static void end_blocked(struct an_profiler *profiler, struct g *g, const struct etr_event *event)
{
	int64_t ns;

	if (g->block_slot == AN_NO_SLOT)
		return;
	if (event->to == ETR_STATE_RUNNING) {
		struct g then = *g;

		/* Filters shall see the wait, not what the goroutine was in after it. */
		then.stay.state = ETR_STATE_WAITING;
		then.stay.reason = g->block_reason;
		if (an__profiler_interval_counts(profiler, &then, g->blocked, event->time, &ns) == 0)
			an_profile_count(&profiler->profiles[AN_PROFILE_BLOCK], g->block_slot, 1, ns);
	}
	g->block_slot = AN_NO_SLOT;
}

static int end_interval(struct an_profiler *profiler, struct g *g, const struct etr_event *event)
{
	int rc = 0;

	if (g->stay.block_slot != AN_NO_SLOT && g->flags & G_HAS_RUN)
		keep_blocked(g);
	if (g->stay.wall_slot != AN_NO_SLOT)
		an__profiler_count_wall(profiler, g, event->time);
	if (profiler->runs.n && g->stay.state == ETR_STATE_RUNNING)
		an__profiler_forget_run(profiler, g->id);
	if (g->stay.slot != AN_NO_SLOT)
		rc = count_interval(profiler, g, event);
	if (event->to == ETR_STATE_RUNNING || event->to == ETR_STATE_NOT_EXIST) {
		if (!(g->flags & G_HAS_RUN) && event->to == ETR_STATE_RUNNING)
			forget_pending(profiler, g->id);
		g->flags |= G_HAS_RUN;
		end_blocked(profiler, g, event);
	}
	return rc;
}

/* The same where everything counts, of a goroutine that has run: most often. */
static inline void end_plainly(struct an_profiler *profiler, struct g *g, const struct etr_event *event)
{
	if (g->stay.slot != AN_NO_SLOT)
		an_profile_count(&profiler->profiles[g->stay.kind], g->stay.slot, 1, event->time - g->since);
	if (g->stay.block_slot != AN_NO_SLOT) {
		keep_blocked(g);
	} else if (g->block_slot != AN_NO_SLOT && event->to == ETR_STATE_RUNNING) {
		an_profile_count(&profiler->profiles[AN_PROFILE_BLOCK], g->block_slot, 1, event->time - g->blocked);
		g->block_slot = AN_NO_SLOT;
	}
}

/* The function that a goroutine started in is the root of the first stack that is known of it. */
static void learn_function(struct an_profiler *profiler, struct g *g, const struct etr_event *event)
{
	size_t n;
	const struct an_frame *frames =
		an_stack(&profiler->source->names, an_names_stack(&profiler->source->names, event->u.transition.stack), &n);

	if (n)
		g->function = frames[n - 1].func;
}

/* A goroutine appears in a slice that knows what it was doing when the slice began.  Return: 0 or -ETR_E_NOMEM. */
static int recall(struct an_profiler *profiler, struct g *g, const struct etr_event *event, const struct an_past_g *known)
{
	struct etr_event began = *event;
	int rc = 0;

	began.time = known->since == INT64_MIN ? profiler->source->past.from : known->since;
	/* The note's stack is of the generation that we are in. */
	if (profiler->source->syncs == 1)
		began.stack = known->reader_stack;
	if (event->to == ETR_STATE_WAITING)
		began.u.transition.stack = began.stack;
	if (event->to == ETR_STATE_RUNNING || known->has_run)
		g->flags |= G_HAS_RUN;
	if (an_labeler_has_region(&profiler->labeler, g->id))
		g->flags |= G_HAS_REGION;
	if (event->to == ETR_STATE_WAITING && wants(profiler, AN_PROFILE_MUTEX))
		rc = an_locks_begin(&profiler->locks, &began, known->reason, g->function);
	if (rc > 0)
		g->flags |= G_HAD_LOCK;
	return rc < 0 ? rc : begin_as(profiler, g, &began, known->reason);
}

/* A goroutine moves to another state.  Return: 0 or -ETR_E_NOMEM. */
static inline int take_transition(struct an_profiler *profiler, const struct etr_event *event)
{
	bool added;
	struct g *g = an_idtable_get(&profiler->gs, event->u.transition.id, &added);
	int rc = 0;

	if (!g)
		return -ETR_E_NOMEM;
	if (added)
		g->stay.slot = g->stay.block_slot = g->stay.wall_slot = g->block_slot = AN_NO_SLOT;
	/* Not every transition comes here, but all that a goroutine makes before it has run. */
	if (event->from == ETR_STATE_RUNNING)
		g->flags |= G_HAS_RUN;
	if (added && profiler->source->past.is_slice && event->from == ETR_STATE_UNDETERMINED) {
		const struct an_past_g *known = an_past_g(&profiler->source->past, g->id);

		g->function = known ? known->function : 0;
		/* Of those that are told of only now nothing else is known. */
		if (known && (known->since != INT64_MIN || event->time < profiler->source->past.from))
			return recall(profiler, g, event, known);
	}
	if (profiler->filter && !g->function)
		learn_function(profiler, g, event);
	if (profiler->is_plain && (g->flags & (G_HAS_RUN | G_ENDED)) == G_HAS_RUN)
		end_plainly(profiler, g, event);
	else
		rc = end_interval(profiler, g, event);
	if (rc == 0 && g->flags & G_HAD_LOCK)
		rc = an_locks_end(&profiler->locks, event, g->function);
	if (event->to == ETR_STATE_NOT_EXIST)
		an_idtable_remove(&profiler->gs, g->id);
	else if (rc == 0)
		rc = begin_interval(profiler, g, event);
	return rc;
}

/* A task or region begins or ends.  Return: 0 or -ETR_E_NOMEM. */
static int take_span(struct an_profiler *profiler, const struct etr_event *event)
{
	int rc = an_labeler_event(&profiler->labeler, event);
	struct g *g = an_idtable_find(&profiler->gs, event->g);

	if (rc < 0 || !g)
		return rc;
	g->flags &= (uint8_t)~G_HAS_REGION;
	if (an_labeler_has_region(&profiler->labeler, event->g))
		g->flags |= G_HAS_REGION;
	return 0;
}

/* A generation begins: stacks and reasons have other ids.  Return: 0 or -ETR_E_NOMEM. */
static int take_sync(struct an_profiler *profiler)
{
	const struct an_past *past = &profiler->source->past;

	if (profiler->starts)
		memset(profiler->starts, 0, profiler->starts_cap * sizeof(*profiler->starts));
	if (!past->is_slice)
		return 0;
	/* A slice is like its window in the whole. */
	if (!profiler->filter)
		use_filter(profiler, &profiler->window);
	an_filter_narrow(profiler->filter, past->from, past->to);
	return profiler->has_tasks && profiler->source->syncs == 1 ? an_labeler_recall(&profiler->labeler, past) : 0;
}

/* Events other than transitions.  Return: 0 or -ETR_E_NOMEM. */
static int take_other(struct an_profiler *profiler, const struct etr_event *event)
{
	switch (event->kind) {
	case ETR_KIND_SYNC:
		return take_sync(profiler);
	case ETR_KIND_STACK_SAMPLE:
		return an__profiler_sample(profiler, event);
	case ETR_KIND_TASK_BEGIN:
	case ETR_KIND_TASK_END:
	case ETR_KIND_REGION_BEGIN:
	case ETR_KIND_REGION_END:
		return profiler->has_tasks ? take_span(profiler, event) : 0;
	}
	return 0;
}

/* Does a transition do anything to the profiles? */
static inline bool is_looked_at(struct an_profiler *profiler, const struct etr_event *event)
{
	if (profiler->look_at[event->from] & 1u << event->to)
		return true;
	return event->to == ETR_STATE_WAITING && event->from != ETR_STATE_WAITING && profiler->looks_for_ends &&
	       an_names_text(&profiler->source->names, event->u.transition.reason) == profiler->forever;
}

int an_profiler_events(struct an_profiler *profiler, const struct etr_event *events, int n)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < n; i++) {
		const struct etr_event *event = &events[i];

		if (event->kind != ETR_KIND_STATE_TRANSITION) {
			rc = take_other(profiler, event);
			continue;
		}
		if (event->resource != ETR_RESOURCE_GOROUTINE || !is_looked_at(profiler, event))
			continue;
		rc = take_transition(profiler, event);
		if (rc == 0 && event->to == ETR_STATE_NOT_EXIST && profiler->labeler.regions.n)
			rc = an_labeler_event(&profiler->labeler, event);
	}
	return rc;
}

void an_profiler_set_filter(struct an_profiler *profiler, struct an_filter *filter)
{
	use_filter(profiler, filter);
}

bool an_profiler_is_done(const struct an_profiler *profiler, int64_t time)
{
	return profiler->filter && an_filter_is_past(profiler->filter, time) &&
	       !(profiler->wanted & ~(1u << AN_PROFILE_CPU | 1u << AN_PROFILE_WALL));
}

/* Adds the trace, or the window in it, to the times of all. */
static void take_times(struct an_profiler *profiler)
{
	struct an_profile_times *times = &profiler->times;
	int64_t start = profiler->source->start, end = profiler->source->end, wall;

	if (profiler->filter) {
		start = profiler->filter->from_ns > start ? profiler->filter->from_ns : start;
		end = profiler->filter->to_ns < end ? profiler->filter->to_ns : end;
	}
	if (!profiler->source->events || start > end)
		return;
	if (an_source_wall(profiler->source, start, &wall) && (!times->has_wall || wall < times->wall)) {
		times->has_wall = true;
		times->wall = wall;
	}
	times->duration += end - start;
}

int an_profiler_finish(struct an_profiler *profiler)
{
	const uint64_t *key;
	const struct g *g;
	void *value;

	/* Goroutines that never ran are not cut. */
	for (size_t pos = 0; an_map_each(&profiler->pending, &pos, &key, &value);) {
		const struct pending *pending = value;

		an_profile_count(&profiler->profiles[pending->kind], pending->slot, 1, pending->ns);
	}
	for (size_t pos = 0; (g = an_idtable_each(&profiler->gs, &pos));)
		if (g->stay.wall_slot != AN_NO_SLOT)
			an__profiler_count_wall(profiler, g, profiler->source->end);
	take_times(profiler);
	end_trace(profiler);
	return profiler->source->names.oom ? -ETR_E_NOMEM : 0;
}
