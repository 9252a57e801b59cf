/* SPDX-License-Identifier: BSD-3-Clause
 *
 * profiler.c - intervals and samples, sorted into profiles.
 *
 * An interval counts from the transition that begins it to the next one into another state, cut to the time between its
 * goroutine's first run and its end.  Since a goroutine that never ran has been in one state other than Runnable at most, and
 * a Runnable one can only run, cutting to the first run means dropping whatever ended before it; of a goroutine that has not
 * run yet one such interval is kept in `pending`, in case it never does.
 *
 * Most events are transitions, so one costs a look-up of its goroutine, and, if a profile wants the interval that begins, that
 * of the place where it will count.  Reading the trace should stay the larger part.
 *
 * Invariant: a slot in a struct g is that of the present interval in the profile that wants it, else AN_NO_SLOT.
 */
#include "config.h"

#include "analysis/profiler.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/grow.h"

#define NEVER INT64_MIN

/* What a reason says. */
#define REASON_KNOWN   1u
#define REASON_NETWORK 2u
#define REASON_SYNC    4u

/* A goroutine. */
struct g {
	int64_t since;		/* when the present state began */
	int64_t ended;		/* when it blocked for ever, NEVER if it did not */
	int64_t blocked;	/* when the wait began that a block profile counts once it runs again */
	uint32_t block_slot;	/* for that; AN_NO_SLOT if there is none */
	uint32_t next_block;	/* the present interval's, if that is such a wait */
	uint32_t slot;		/* of the present interval in the profile `kind` */
	uint32_t wall_slot;
	an_text_id block_reason;	/* likewise */
	an_text_id reason, function;	/* known to filters only: why it waits, where it started */
	uint8_t kind;		/* enum an_profile_kind */
	uint8_t state;		/* enum etr_state */
	bool has_run;
};

/* An interval whose end may yet turn out to be before the first run. */
struct pending {
	int64_t ns;
	uint32_t slot;
	uint8_t kind;
};

/* The CPU samples within one run. */
struct run {
	uint32_t *slots;
	size_t n, cap;
};

static const struct {
	const char *name, *count_type, *time_type;
	unsigned labels;
} kinds[AN_PROFILE_COUNT_] = {
#define TEXTS (1u << AN_LABEL_STATE | 1u << AN_LABEL_REASON | 1u << AN_LABEL_TASK | 1u << AN_LABEL_REGION)
#define WHERE (1u << AN_LABEL_GOROUTINE | 1u << AN_LABEL_THREAD | 1u << AN_LABEL_TASK | 1u << AN_LABEL_REGION)
	[AN_PROFILE_NET] = { "net", "contentions", "delay", TEXTS },
	[AN_PROFILE_SYNC] = { "sync", "contentions", "delay", TEXTS },
	[AN_PROFILE_SYSCALL] = { "syscall", "contentions", "delay", TEXTS },
	[AN_PROFILE_SCHED] = { "sched", "contentions", "delay", TEXTS },
	[AN_PROFILE_BLOCK] = { "block", "contentions", "delay", TEXTS },
	[AN_PROFILE_MUTEX] = { "mutex", "contentions", "delay", TEXTS },
	[AN_PROFILE_CPU] = { "cpu", "samples", "cpu", WHERE },
	[AN_PROFILE_WALL] = { "wall", "samples", "time", TEXTS },
#undef TEXTS
#undef WHERE
};

const char *an_profile_kind_name(int kind)
{
	return kind >= 0 && kind < AN_PROFILE_COUNT_ ? kinds[kind].name : NULL;
}

int an_profile_kind_by_name(const char *name, size_t len)
{
	for (int kind = 0; kind < AN_PROFILE_COUNT_; kind++)
		if (strlen(kinds[kind].name) == len && memcmp(kinds[kind].name, name, len) == 0)
			return kind;
	return -1;
}

unsigned an_profile_labels(int kind)
{
	return kinds[kind].labels;
}

static inline bool wants(const struct an_profiler *profiler, enum an_profile_kind kind)
{
	return profiler->wanted & 1u << kind;
}

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

int an_profiler_init(struct an_profiler *profiler, struct an_source *source, unsigned wanted, unsigned labels)
{
	memset(profiler, 0, sizeof(*profiler));
	profiler->source = source;
	profiler->wanted = wanted;
	profiler->has_tasks = labels & (1u << AN_LABEL_TASK | 1u << AN_LABEL_REGION);
	for (int kind = 0; kind < AN_PROFILE_COUNT_; kind++)
		an_profile_init(&profiler->profiles[kind], kinds[kind].count_type, kinds[kind].time_type);
	an_labeler_init(&profiler->labeler, source, labels);
	an_map_init(&profiler->gs, 1, sizeof(struct g));
	an_map_init(&profiler->pending, 1, sizeof(struct pending));
	an_map_init(&profiler->runs, 1, sizeof(struct run));
	init_names(profiler);
	return an_locks_init(&profiler->locks, source, &profiler->profiles[AN_PROFILE_MUTEX], &profiler->labeler);
}

/* Forgets what belongs to one trace. */
static void end_trace(struct an_profiler *profiler)
{
	const uint64_t *key;
	void *run;

	for (size_t pos = 0; an_map_each(&profiler->runs, &pos, &key, &run);)
		free(((struct run *)run)->slots);
	an_map_free(&profiler->runs);
	an_map_free(&profiler->pending);
	an_map_free(&profiler->gs);
	an_locks_finish(&profiler->locks);
	an_labeler_reset(&profiler->labeler);
}

void an_profiler_free(struct an_profiler *profiler)
{
	end_trace(profiler);
	an_locks_free(&profiler->locks);
	an_labeler_free(&profiler->labeler);
	for (int kind = 0; kind < AN_PROFILE_COUNT_; kind++)
		an_profile_free(&profiler->profiles[kind]);
	free(profiler->reasons);
}

static bool contains(const char *text, size_t len, const char *word)
{
	return memmem(text, len, word, strlen(word)) != NULL;
}

/* Bits of a reason; 0 when out of memory, which names tell. */
static unsigned look_at_reason(struct an_profiler *profiler, an_text_id reason)
{
	size_t old = profiler->reasons_cap, len;
	const char *text;
	uint8_t *bits = an_grow(profiler->reasons, &profiler->reasons_cap, (size_t)reason + 1, 1);

	if (!bits) {
		profiler->source->names.oom = true;
		return 0;
	}
	memset(bits + old, 0, profiler->reasons_cap - old);
	profiler->reasons = bits;
	text = an_text(&profiler->source->names, reason, &len);
	bits[reason] = REASON_KNOWN;
	if (len == 7 && memcmp(text, "network", 7) == 0)
		bits[reason] |= REASON_NETWORK;
	if (contains(text, len, "chan") || contains(text, len, "sync") || contains(text, len, "select"))
		bits[reason] |= REASON_SYNC;
	return bits[reason];
}

static inline unsigned reason_bits(struct an_profiler *profiler, an_text_id reason)
{
	if (reason < profiler->reasons_cap && profiler->reasons[reason])
		return profiler->reasons[reason];
	return look_at_reason(profiler, reason);
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
	return bits & REASON_NETWORK ? AN_PROFILE_NET : bits & REASON_SYNC ? AN_PROFILE_SYNC : AN_PROFILE_COUNT_;
}

/* Finds the slots of the interval that an event begins.  False when out of memory. */
static bool find_slots(struct an_profiler *profiler, struct g *g, const struct etr_event *event, an_text_id reason,
		       bool wants_block)
{
	struct an_labels labels = an_no_labels;
	an_stack_id stack = an_names_stack(&profiler->source->names, event->stack);

	labels.state = event->to;
	labels.reason = reason ? reason : profiler->from[event->from < ETR_STATE_COUNT_ ? event->from : ETR_STATE_UNDETERMINED];
	an_labels_of(&profiler->labeler, event, event->u.transition.id, &labels);
	if (g->kind != AN_PROFILE_COUNT_ && wants(profiler, g->kind) &&
	    (g->slot = an_profile_slot(&profiler->profiles[g->kind], stack, &labels)) == AN_NO_SLOT)
		return false;
	if (wants_block && (g->next_block = an_profile_slot(&profiler->profiles[AN_PROFILE_BLOCK], stack, &labels)) == AN_NO_SLOT)
		return false;
	return !wants(profiler, AN_PROFILE_WALL) ||
	       (g->wall_slot = an_profile_slot(&profiler->profiles[AN_PROFILE_WALL], stack, &labels)) != AN_NO_SLOT;
}

/* An interval begins.  Return: 0 or -ETR_E_NOMEM. */
static inline int begin_interval(struct an_profiler *profiler, struct g *g, const struct etr_event *event)
{
	an_text_id reason = 0;
	unsigned bits = 0;
	bool block = false;

	g->state = event->to;
	g->since = event->time;
	g->slot = g->wall_slot = g->next_block = AN_NO_SLOT;
	if (event->to == ETR_STATE_WAITING) {
		reason = an_names_text(&profiler->source->names, event->u.transition.reason);
		bits = reason_bits(profiler, reason);
		if (reason == profiler->forever && g->ended == NEVER)
			g->ended = event->time;
		block = bits & REASON_SYNC && wants(profiler, AN_PROFILE_BLOCK);
	}
	g->kind = kind_of(event->to, bits);
	g->reason = reason;
	if (!block && !(g->kind != AN_PROFILE_COUNT_ && wants(profiler, g->kind)) && !wants(profiler, AN_PROFILE_WALL))
		return 0;
	if (event->to != ETR_STATE_WAITING)
		reason = an_names_text(&profiler->source->names, event->u.transition.reason);
	return find_slots(profiler, g, event, reason, block) ? 0 : -ETR_E_NOMEM;
}

/* What counts of an interval: 0 and *ns, or -1 if the filter does not take it. */
static int interval_counts(struct an_profiler *profiler, const struct g *g, int64_t id, int64_t start, int64_t end, int64_t *ns)
{
	struct an_interval interval = { .id = id, .start = start, .end = end, .state = g->state, .reason = g->reason,
					.function = g->function };

	if (profiler->filter && !an_filter_interval(profiler->filter, &profiler->source->names, &interval))
		return -1;
	*ns = interval.end - interval.start;
	return 0;
}

/* Counts a closed interval, unless the time between first run and end leaves nothing of it. */
static int count_interval(struct an_profiler *profiler, struct g *g, const struct etr_event *event)
{
	struct pending *pending;
	int64_t ns;

	if (g->ended != NEVER && g->since >= g->ended)
		return 0;
	if (interval_counts(profiler, g, event->u.transition.id, g->since, event->time, &ns) < 0)
		return 0;
	if (g->has_run || event->to == ETR_STATE_NOT_EXIST) {
		an_profile_count(&profiler->profiles[g->kind], g->slot, 1, ns);
		return 0;
	}
	if (event->to == ETR_STATE_RUNNING)
		return 0;
	pending = an_map_add(&profiler->pending, &(uint64_t){ (uint64_t)event->u.transition.id << 3 | g->kind }, NULL);
	if (!pending)
		return -ETR_E_NOMEM;
	*pending = (struct pending){ .ns = ns, .slot = g->slot, .kind = g->kind };
	return 0;
}

static void forget_pending(struct an_profiler *profiler, int64_t id)
{
	for (unsigned kind = 0; kind < AN_PROFILE_COUNT_; kind++)
		an_map_remove(&profiler->pending, &(uint64_t){ (uint64_t)id << 3 | kind });
}

/* Wall: a run's time goes to its samples in equal parts, any other interval to the stack that began it. */
static void count_wall(struct an_profiler *profiler, const struct g *g, int64_t id, int64_t end)
{
	struct an_profile *profile = &profiler->profiles[AN_PROFILE_WALL];
	const uint64_t key = (uint64_t)id;
	struct run *run = g->state == ETR_STATE_RUNNING ? an_map_find(&profiler->runs, &key) : NULL;
	int64_t ns;

	if (interval_counts(profiler, g, id, g->since, end, &ns) < 0)
		return;
	if (!run) {
		an_profile_count(profile, g->wall_slot, 1, ns);
		return;
	}
	for (size_t i = 0; i < run->n; i++) {
		int64_t share = ns / (int64_t)(run->n - i);

		an_profile_count(profile, run->slots[i], 1, share);
		ns -= share;
	}
}

/* A run is over. */
static void forget_run(struct an_profiler *profiler, int64_t id)
{
	const uint64_t key = (uint64_t)id;
	struct run *run = an_map_find(&profiler->runs, &key);

	if (!run)
		return;
	free(run->slots);
	an_map_remove(&profiler->runs, &key);
}

/* The goroutine runs again, or is gone: a wait of it that is over counts, or never will. */
static inline void end_blocked(struct an_profiler *profiler, struct g *g, const struct etr_event *event)
{
	int64_t ns;

	if (g->block_slot == AN_NO_SLOT)
		return;
	if (event->to == ETR_STATE_RUNNING) {
		struct g then = *g;

		/* Filters shall see the wait, not what the goroutine was in after it. */
		then.state = ETR_STATE_WAITING;
		then.reason = g->block_reason;
		if (interval_counts(profiler, &then, event->u.transition.id, g->blocked, event->time, &ns) == 0)
			an_profile_count(&profiler->profiles[AN_PROFILE_BLOCK], g->block_slot, 1, ns);
	}
	g->block_slot = AN_NO_SLOT;
}

static inline int end_interval(struct an_profiler *profiler, struct g *g, const struct etr_event *event)
{
	if (g->next_block != AN_NO_SLOT && g->has_run) {
		g->block_slot = g->next_block;
		g->block_reason = g->reason;
		g->blocked = g->since;
	}
	if (g->wall_slot != AN_NO_SLOT)
		count_wall(profiler, g, event->u.transition.id, event->time);
	if (profiler->runs.n && g->state == ETR_STATE_RUNNING)
		forget_run(profiler, event->u.transition.id);
	return g->slot != AN_NO_SLOT ? count_interval(profiler, g, event) : 0;
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

static int take_transition(struct an_profiler *profiler, const struct etr_event *event)
{
	const uint64_t key = (uint64_t)event->u.transition.id;
	struct g *g;
	bool added;
	int rc;

	if (event->from == event->to)
		return 0;
	g = an_map_add_word(&profiler->gs, key, &added);
	if (!g)
		return -ETR_E_NOMEM;
	if (added) {
		g->ended = NEVER;
		g->slot = g->block_slot = g->next_block = g->wall_slot = AN_NO_SLOT;
	}
	if (profiler->filter && !g->function)
		learn_function(profiler, g, event);
	rc = end_interval(profiler, g, event);
	if (event->to == ETR_STATE_RUNNING || event->to == ETR_STATE_NOT_EXIST) {
		if (!g->has_run && event->to == ETR_STATE_RUNNING)
			forget_pending(profiler, event->u.transition.id);
		g->has_run = true;
		end_blocked(profiler, g, event);
	}
	if (rc == 0 && wants(profiler, AN_PROFILE_MUTEX))
		rc = an_locks_transition(&profiler->locks, event, g->function);
	if (event->to == ETR_STATE_NOT_EXIST)
		an_map_remove(&profiler->gs, &key);
	else if (rc == 0)
		rc = begin_interval(profiler, g, event);
	return rc;
}

/* A sample within a run of its goroutine, for wall. */
static int add_to_run(struct an_profiler *profiler, const struct g *g, const struct etr_event *event, an_stack_id stack)
{
	struct an_profile *profile = &profiler->profiles[AN_PROFILE_WALL];
	struct an_labels labels;
	uint32_t slot, *slots;
	struct run *run;

	if (!g || g->state != ETR_STATE_RUNNING || g->wall_slot == AN_NO_SLOT)
		return 0;
	labels = profile->samples[g->wall_slot].labels;
	slot = an_profile_slot(profile, stack, &labels);
	run = an_map_add(&profiler->runs, &(uint64_t){ (uint64_t)event->g }, NULL);
	if (slot == AN_NO_SLOT || !run)
		return -ETR_E_NOMEM;
	slots = an_grow(run->slots, &run->cap, run->n + 1, sizeof(*slots));
	if (!slots)
		return -ETR_E_NOMEM;
	run->slots = slots;
	run->slots[run->n++] = slot;
	return 0;
}

static int take_sample(struct an_profiler *profiler, const struct etr_event *event)
{
	an_stack_id stack = an_names_stack(&profiler->source->names, event->stack);
	int64_t period = profiler->source->notes.sample_period_ns ? (int64_t)profiler->source->notes.sample_period_ns : 10000000;
	const struct g *g = event->g < 0 ? NULL : an_map_find(&profiler->gs, &(uint64_t){ (uint64_t)event->g });
	struct an_labels labels = an_no_labels;
	int rc = 0;

	if (profiler->filter && (profiler->filter->has_condition ||
	    !an_filter_moment(profiler->filter, &profiler->source->names, event, g ? g->function : 0)))
		return 0;
	if (wants(profiler, AN_PROFILE_CPU)) {
		an_labels_of(&profiler->labeler, event, event->g, &labels);
		profiler->profiles[AN_PROFILE_CPU].period_is_time = true;
		profiler->profiles[AN_PROFILE_CPU].period = period;
		rc = an_profile_add(&profiler->profiles[AN_PROFILE_CPU], stack, &labels, 1, period);
	}
	if (rc == 0 && wants(profiler, AN_PROFILE_WALL))
		rc = add_to_run(profiler, g, event, stack);
	return rc;
}

int an_profiler_event(struct an_profiler *profiler, const struct etr_event *event)
{
	int rc = 0;

	if (event->kind == ETR_KIND_STATE_TRANSITION && event->resource == ETR_RESOURCE_GOROUTINE)
		rc = take_transition(profiler, event);
	else if (event->kind == ETR_KIND_STACK_SAMPLE)
		rc = take_sample(profiler, event);
	/* Of transitions, only the end of a goroutine that has regions is of interest there. */
	if (rc == 0 && profiler->has_tasks && (event->kind != ETR_KIND_STATE_TRANSITION || profiler->labeler.regions.n))
		rc = an_labeler_event(&profiler->labeler, event);
	return rc;
}

void an_profiler_set_filter(struct an_profiler *profiler, struct an_filter *filter)
{
	profiler->filter = profiler->locks.filter = filter;
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
	void *value;

	/* Goroutines that never ran are not cut. */
	for (size_t pos = 0; an_map_each(&profiler->pending, &pos, &key, &value);) {
		const struct pending *pending = value;

		an_profile_count(&profiler->profiles[pending->kind], pending->slot, 1, pending->ns);
	}
	for (size_t pos = 0; an_map_each(&profiler->gs, &pos, &key, &value);) {
		const struct g *g = value;

		if (g->wall_slot != AN_NO_SLOT)
			count_wall(profiler, g, (int64_t)*key, profiler->source->end);
	}
	take_times(profiler);
	end_trace(profiler);
	return profiler->source->names.oom ? -ETR_E_NOMEM : 0;
}
