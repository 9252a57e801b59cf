/* SPDX-License-Identifier: BSD-3-Clause
 *
 * profsample.c - CPU samples in profiles: as such, and as the parts of the run in which they were taken.
 *
 * The profiler owns the runs: for each goroutine that runs now and was sampled meanwhile the slots of its samples.
 */
#include "config.h"

#include "analysis/profimpl.h"

#include <stdlib.h>

#include "analysis/grow.h"

/* The CPU samples within one run. */
struct run {
	uint32_t *slots;
	size_t n, cap;
};

void an__profiler_init_runs(struct an_profiler *profiler)
{
	an_map_init(&profiler->runs, 1, sizeof(struct run));
}

void an__profiler_free_runs(struct an_profiler *profiler)
{
	const uint64_t *key;
	void *run;

	for (size_t pos = 0; an_map_each(&profiler->runs, &pos, &key, &run);)
		free(((struct run *)run)->slots);
	an_map_free(&profiler->runs);
}

/* Wall: a run's time goes to its samples in equal parts, any other interval to the stack that began it. */
void an__profiler_count_wall(struct an_profiler *profiler, const struct g *g, int64_t end)
{
	struct an_profile *profile = &profiler->profiles[AN_PROFILE_WALL];
	const uint64_t key = (uint64_t)g->id;
	struct run *run = g->stay.state == ETR_STATE_RUNNING ? an_map_find(&profiler->runs, &key) : NULL;
	int64_t ns;

	if (an__profiler_interval_counts(profiler, g, g->since, end, &ns) < 0)
		return;
	if (!run) {
		an_profile_count(profile, g->stay.wall_slot, 1, ns);
		return;
	}
	for (size_t i = 0; i < run->n; i++) {
		int64_t share = ns / (int64_t)(run->n - i);

		an_profile_count(profile, run->slots[i], 1, share);
		ns -= share;
	}
}

void an__profiler_forget_run(struct an_profiler *profiler, int64_t id)
{
	const uint64_t key = (uint64_t)id;
	struct run *run = an_map_find(&profiler->runs, &key);

	if (!run)
		return;
	free(run->slots);
	an_map_remove(&profiler->runs, &key);
}

/* A sample within a run of its goroutine, for wall. */
static int add_to_run(struct an_profiler *profiler, const struct g *g, const struct etr_event *event, an_stack_id stack)
{
	struct an_profile *profile = &profiler->profiles[AN_PROFILE_WALL];
	struct an_labels labels;
	uint32_t slot, *slots;
	struct run *run;

	if (!g || g->stay.state != ETR_STATE_RUNNING || g->stay.wall_slot == AN_NO_SLOT)
		return 0;
	labels = profile->samples[g->stay.wall_slot].labels;
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

int an__profiler_sample(struct an_profiler *profiler, const struct etr_event *event)
{
	an_stack_id stack = an_names_stack(&profiler->source->names, event->stack);
	int64_t period = profiler->source->notes.sample_period_ns ? (int64_t)profiler->source->notes.sample_period_ns : 10000000;
	const struct g *g = event->g < 0 ? NULL : an_idtable_find(&profiler->gs, event->g);
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
