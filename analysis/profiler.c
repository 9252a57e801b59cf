/* SPDX-License-Identifier: BSD-3-Clause
 *
 * profiler.c - intervals and samples, sorted into profiles.
 *
 * An interval counts from the transition that begins it to the next one into another state, cut to the time between its
 * goroutine's first run and its end.  Since a goroutine that never ran has been in one state other than Runnable at most, and
 * a Runnable one can only run, cutting to the first run means dropping whatever ended before it; of a goroutine that has not
 * run yet one such interval is kept in `pending`, in case it never does.
 */
#include "config.h"

#include "analysis/profiler.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/grow.h"

/* What a reason says. */
#define REASON_KNOWN   1u
#define REASON_NETWORK 2u
#define REASON_SYNC    4u

/* A wait that a block profile counts once its goroutine runs again. */
struct blocked {
	int64_t start;
	an_stack_id stack;
	an_text_id reason;
};

/* An interval whose end may yet turn out to be before the first run. */
struct pending {
	int64_t ns;
	an_stack_id stack;
	an_text_id reason;
	uint8_t kind, state;
};

/* The CPU samples within one run. */
struct run {
	an_stack_id *stacks;
	size_t n, cap;
};

static const char *const kind_names[AN_PROFILE_COUNT_] = {
	[AN_PROFILE_NET] = "net",     [AN_PROFILE_SYNC] = "sync",   [AN_PROFILE_SYSCALL] = "syscall", [AN_PROFILE_SCHED] = "sched",
	[AN_PROFILE_BLOCK] = "block", [AN_PROFILE_MUTEX] = "mutex", [AN_PROFILE_CPU] = "cpu",	      [AN_PROFILE_WALL] = "wall",
};

const char *an_profile_kind_name(int kind)
{
	return kind >= 0 && kind < AN_PROFILE_COUNT_ ? kind_names[kind] : NULL;
}

int an_profile_kind_by_name(const char *name, size_t len)
{
	for (int kind = 0; kind < AN_PROFILE_COUNT_; kind++)
		if (strlen(kind_names[kind]) == len && memcmp(kind_names[kind], name, len) == 0)
			return kind;
	return -1;
}

static bool wants(const struct an_profiler *profiler, enum an_profile_kind kind)
{
	return profiler->wanted & 1u << kind;
}

int an_profiler_init(struct an_profiler *profiler, struct an_source *source, unsigned wanted)
{
	memset(profiler, 0, sizeof(*profiler));
	profiler->source = source;
	profiler->wanted = wanted;
	for (int kind = 0; kind < AN_PROFILE_COUNT_; kind++) {
		bool samples = kind == AN_PROFILE_CPU || kind == AN_PROFILE_WALL;

		an_profile_init(&profiler->profiles[kind], samples ? "samples" : "contentions",
				kind == AN_PROFILE_CPU ? "cpu" : kind == AN_PROFILE_WALL ? "time" : "delay");
	}
	an_map_init(&profiler->pending, 1, sizeof(struct pending));
	an_map_init(&profiler->blocked, 1, sizeof(struct blocked));
	an_map_init(&profiler->running, 1, sizeof(struct run));
	return an_locks_init(&profiler->locks, source, &profiler->profiles[AN_PROFILE_MUTEX]);
}

void an_profiler_free(struct an_profiler *profiler)
{
	const uint64_t *key;
	void *run;

	for (size_t pos = 0; an_map_each(&profiler->running, &pos, &key, &run);)
		free(((struct run *)run)->stacks);
	for (int kind = 0; kind < AN_PROFILE_COUNT_; kind++)
		an_profile_free(&profiler->profiles[kind]);
	an_map_free(&profiler->pending);
	an_map_free(&profiler->blocked);
	an_map_free(&profiler->running);
	an_states_free(&profiler->gs);
	an_locks_free(&profiler->locks);
	free(profiler->reasons);
}

static bool contains(const char *text, size_t len, const char *word)
{
	return memmem(text, len, word, strlen(word)) != NULL;
}

/* Bits of a reason; 0 when out of memory, which names tell. */
static unsigned reason_bits(struct an_profiler *profiler, an_text_id reason)
{
	size_t old = profiler->reasons_cap, len;
	const char *text;
	uint8_t *bits;

	if (reason < old && profiler->reasons[reason])
		return profiler->reasons[reason];
	bits = an_grow(profiler->reasons, &profiler->reasons_cap, (size_t)reason + 1, 1);
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

static int add_interval(struct an_profiler *profiler, enum an_profile_kind kind, const struct pending *what)
{
	struct an_labels labels = an_no_labels;

	labels.state = what->state;
	labels.reason = what->reason;
	return an_profile_add(&profiler->profiles[kind], what->stack, &labels, 1, what->ns);
}

/* Counts a closed interval, unless the time between first run and end leaves nothing of it. */
static int take_interval(struct an_profiler *profiler, enum an_profile_kind kind, const struct an_change *change)
{
	const struct an_interval *interval = &change->interval;
	const struct pending what = { .ns = interval->end - interval->start, .stack = interval->event_stack,
				      .reason = interval->reason, .kind = (uint8_t)kind, .state = interval->state };
	struct pending *pending;

	if (!wants(profiler, kind))
		return 0;
	if (change->ended != AN_NEVER && interval->start >= change->ended)
		return 0;
	if (change->first_run != AN_NEVER)
		return add_interval(profiler, kind, &what);
	if (interval->next == ETR_STATE_RUNNING)
		return 0;
	if (interval->next == ETR_STATE_NOT_EXIST)
		return add_interval(profiler, kind, &what);
	pending = an_map_add(&profiler->pending, &(uint64_t){ (uint64_t)interval->id << 3 | kind }, NULL);
	if (!pending)
		return -ETR_E_NOMEM;
	*pending = what;
	return 0;
}

static void forget_pending(struct an_profiler *profiler, int64_t id)
{
	for (unsigned kind = 0; kind < AN_PROFILE_COUNT_; kind++)
		an_map_remove(&profiler->pending, &(uint64_t){ (uint64_t)id << 3 | kind });
}

static int take_waiting(struct an_profiler *profiler, const struct an_change *change)
{
	unsigned bits = reason_bits(profiler, change->interval.reason);
	int rc = 0;

	if (bits & REASON_NETWORK)
		rc = take_interval(profiler, AN_PROFILE_NET, change);
	if (rc == 0 && bits & REASON_SYNC)
		rc = take_interval(profiler, AN_PROFILE_SYNC, change);
	if (rc == 0 && bits & REASON_SYNC && wants(profiler, AN_PROFILE_BLOCK) && change->first_run != AN_NEVER) {
		struct blocked *blocked;

		blocked = an_map_add(&profiler->blocked, &(uint64_t){ (uint64_t)change->interval.id }, NULL);
		if (!blocked)
			return -ETR_E_NOMEM;
		*blocked = (struct blocked){ change->interval.start, change->interval.event_stack, change->interval.reason };
	}
	return rc;
}

/* The goroutine runs again, or is gone: a wait of it that is over counts, or never will. */
static int end_blocked(struct an_profiler *profiler, const struct etr_event *event)
{
	const uint64_t key = (uint64_t)event->u.transition.id;
	const struct blocked *blocked = an_map_find(&profiler->blocked, &key);
	struct pending what;

	if (!blocked)
		return 0;
	what = (struct pending){ .ns = event->time - blocked->start, .stack = blocked->stack, .reason = blocked->reason,
				 .state = ETR_STATE_WAITING };
	an_map_remove(&profiler->blocked, &key);
	return event->to == ETR_STATE_RUNNING ? add_interval(profiler, AN_PROFILE_BLOCK, &what) : 0;
}

/* Wall: a run's time goes to its samples in equal parts, any other interval to the stack that began it. */
static int take_wall(struct an_profiler *profiler, const struct an_interval *interval)
{
	struct an_profile *profile = &profiler->profiles[AN_PROFILE_WALL];
	const uint64_t key = (uint64_t)interval->id;
	int64_t ns = interval->end - interval->start;
	struct an_labels labels = an_no_labels;
	struct run *run;
	int rc = 0;

	if (interval->state == ETR_STATE_UNDETERMINED)
		return 0;
	labels.state = interval->state;
	labels.reason = interval->reason;
	run = interval->state == ETR_STATE_RUNNING ? an_map_find(&profiler->running, &key) : NULL;
	if (!run)
		return an_profile_add(profile, interval->event_stack, &labels, 1, ns);
	for (size_t i = 0; rc == 0 && i < run->n; i++) {
		int64_t share = ns / (int64_t)(run->n - i);

		rc = an_profile_add(profile, run->stacks[i], &labels, 1, share);
		ns -= share;
	}
	free(run->stacks);
	an_map_remove(&profiler->running, &key);
	return rc;
}

static int take_transition(struct an_profiler *profiler, const struct etr_event *event)
{
	struct an_change change;
	int rc = an_states_transition(&profiler->gs, event, &change);

	if (rc < 0 || !change.moved)
		return rc;
	if (change.closed) {
		if (change.interval.state == ETR_STATE_WAITING)
			rc = take_waiting(profiler, &change);
		else if (change.interval.state == ETR_STATE_SYSCALL)
			rc = take_interval(profiler, AN_PROFILE_SYSCALL, &change);
		else if (change.interval.state == ETR_STATE_RUNNABLE)
			rc = take_interval(profiler, AN_PROFILE_SCHED, &change);
		if (rc == 0 && wants(profiler, AN_PROFILE_WALL))
			rc = take_wall(profiler, &change.interval);
	}
	if (event->to == ETR_STATE_RUNNING && change.first_run == AN_NEVER)
		forget_pending(profiler, event->u.transition.id);
	if (rc == 0 && (event->to == ETR_STATE_RUNNING || event->to == ETR_STATE_NOT_EXIST))
		rc = end_blocked(profiler, event);
	if (rc == 0 && wants(profiler, AN_PROFILE_MUTEX))
		rc = an_locks_transition(&profiler->locks, event);
	return rc;
}

static int take_sample(struct an_profiler *profiler, const struct etr_event *event)
{
	an_stack_id stack = an_names_stack(&profiler->source->names, event->stack);
	int64_t period = profiler->source->notes.sample_period_ns ? (int64_t)profiler->source->notes.sample_period_ns : 10000000;
	struct an_labels labels = an_no_labels;
	struct run *run;
	an_stack_id *stacks;
	int rc = 0;

	if (wants(profiler, AN_PROFILE_CPU)) {
		labels.goroutine = event->g;
		labels.thread = event->m;
		profiler->profiles[AN_PROFILE_CPU].period_is_time = true;
		profiler->profiles[AN_PROFILE_CPU].period = period;
		rc = an_profile_add(&profiler->profiles[AN_PROFILE_CPU], stack, &labels, 1, period);
	}
	if (rc < 0 || !wants(profiler, AN_PROFILE_WALL) || event->g < 0)
		return rc;
	const struct an_thing *g = an_states_find(&profiler->gs, event->g);

	if (!g || g->state != ETR_STATE_RUNNING)
		return 0;
	run = an_map_add(&profiler->running, &(uint64_t){ (uint64_t)event->g }, NULL);
	if (!run)
		return -ETR_E_NOMEM;
	stacks = an_grow(run->stacks, &run->cap, run->n + 1, sizeof(*stacks));
	if (!stacks)
		return -ETR_E_NOMEM;
	run->stacks = stacks;
	run->stacks[run->n++] = stack;
	return 0;
}

int an_profiler_event(struct an_profiler *profiler, const struct etr_event *event)
{
	if (!profiler->begun) {
		profiler->begun = true;
		an_states_init(&profiler->gs, &profiler->source->names, ETR_RESOURCE_GOROUTINE, profiler->source->start);
	}
	if (event->kind == ETR_KIND_STATE_TRANSITION && event->resource == ETR_RESOURCE_GOROUTINE)
		return take_transition(profiler, event);
	if (event->kind == ETR_KIND_STACK_SAMPLE)
		return take_sample(profiler, event);
	return 0;
}

struct finishing {
	struct an_profiler *profiler;
	int rc;
};

static void finish_wall(void *ctx, const struct an_thing *thing, const struct an_interval *interval)
{
	struct finishing *finishing = ctx;

	if (finishing->rc == 0)
		finishing->rc = take_wall(finishing->profiler, interval);
}

int an_profiler_finish(struct an_profiler *profiler)
{
	struct finishing finishing = { .profiler = profiler };
	const uint64_t *key;
	void *value;

	/* Goroutines that never ran are not cut. */
	for (size_t pos = 0; an_map_each(&profiler->pending, &pos, &key, &value);) {
		const struct pending *pending = value;
		int rc = add_interval(profiler, pending->kind, pending);

		if (rc < 0)
			return rc;
	}
	if (profiler->begun && wants(profiler, AN_PROFILE_WALL))
		an_states_finish(&profiler->gs, profiler->source->end, finish_wall, &finishing);
	return profiler->source->names.oom ? -ETR_E_NOMEM : finishing.rc;
}
