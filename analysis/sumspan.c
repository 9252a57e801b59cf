/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sumspan.c - ranges, tasks and regions: what has a begin and an end.  Each counts where it ends, with all of its time.
 */
#include "config.h"

#include "analysis/grow.h"
#include "analysis/sumimpl.h"

int an__summary_range(struct an_summary *summary, const struct etr_event *event, bool counts)
{
	an_text_id name = an_names_text(summary->names, event->u.range.name);
	const uint64_t key[3] = { event->resource, (uint64_t)event->u.range.id, name };
	struct an_hist *hist;
	int64_t *start;
	int64_t began;

	if (name == summary->gc_name) {
		int64_t present = event->kind != ETR_KIND_RANGE_END;

		an_timeline_change(&summary->timeline, AN_LEVEL_GC, present - summary->timeline.level[AN_LEVEL_GC], event->time);
	}
	/* Of what a slice opens anew before its window it tells when it began. */
	if (event->kind == ETR_KIND_RANGE_BEGIN && event->time < summary->source->past.from && an_map_find(&summary->open_ranges, key))
		return 0;
	if (event->kind == ETR_KIND_RANGE_BEGIN) {
		summary->gc_cycles += counts && name == summary->gc_name;
		start = an_map_add(&summary->open_ranges, key, NULL);
		if (!start)
			return -ETR_E_NOMEM;
		*start = event->time;
		return 0;
	}
	start = event->kind == ETR_KIND_RANGE_END ? an_map_find(&summary->open_ranges, key) : NULL;
	if (!start)
		return 0;
	began = *start;
	an_map_remove(&summary->open_ranges, key);
	if (!counts)
		return 0;
	hist = an_map_add(&summary->ranges, &(uint64_t){ an__capped(summary, &summary->ranges, name) }, NULL);
	return hist ? an__add(summary, hist, event->time, event->time - began) : -ETR_E_NOMEM;
}

struct an_span_total *an__span_get(struct an_summary *summary, struct an_map *map, an_text_id type)
{
	return an_map_add(map, &(uint64_t){ an__capped(summary, map, type) }, NULL);
}

int an__summary_task(struct an_summary *summary, const struct etr_event *event, bool counts)
{
	an_text_id type = an_names_text(summary->names, event->u.task.type);
	bool begins = event->kind == ETR_KIND_TASK_BEGIN;
	struct an_open_task *open = begins ? NULL : an_map_find(&summary->open_tasks, &event->u.task.id);
	int64_t start = open ? open->start : INT64_MIN;
	struct an_span_total *total;

	/* In a slice the end of a task that began before it has no type of its own. */
	if (open) {
		type = open->type;
		an_map_remove(&summary->open_tasks, &event->u.task.id);
	}
	total = counts ? an__span_get(summary, &summary->tasks, type) : NULL;
	if (counts && !total)
		return -ETR_E_NOMEM;
	if (begins) {
		open = an_map_add(&summary->open_tasks, &event->u.task.id, NULL);
		if (!open)
			return -ETR_E_NOMEM;
		*open = (struct an_open_task){ .start = event->time, .type = type };
	}
	if (!total)
		return 0;
	total->begun += begins;
	total->ended += !begins;
	return start == INT64_MIN ? 0 : an__add(summary, &total->time, event->time, event->time - start);
}

int an__recall_regions(struct an_summary *summary, struct an_goroutine *g)
{
	const struct an_past *past = &summary->source->past;

	for (const struct an_past_region *region = NULL; (region = an_past_region(past, g->id, region));) {
		const struct an_past_task *task = an_past_task(past, region->task);
		struct an_open_region *list = an_grow(g->regions, &g->regions_cap, g->nregions + 1, sizeof(*list));

		if (!list)
			return -ETR_E_NOMEM;
		g->regions = list;
		list[g->nregions++] = (struct an_open_region){ .start = region->begin, .type = region->type,
							       .task = task ? task->type : 0 };
	}
	return 0;
}

/* The goroutine enters a region. */
static int open_region(struct an_summary *summary, struct an_goroutine *g, const struct etr_event *event, an_text_id type)
{
	struct an_open_region *regions = an_grow(g->regions, &g->regions_cap, g->nregions + 1, sizeof(*regions));
	const struct an_open_task *task = an_map_find(&summary->open_tasks, &event->u.region.task);

	if (!regions)
		return -ETR_E_NOMEM;
	g->regions = regions;
	regions[g->nregions++] = (struct an_open_region){ .start = event->time, .type = type, .task = task ? task->type : 0 };
	return an__goroutine_regroup(summary, g, event->time);
}

int an__summary_region(struct an_summary *summary, const struct etr_event *event, bool counts)
{
	an_text_id type = an_names_text(summary->names, event->u.region.type);
	struct an_span_total *total = counts ? an__span_get(summary, &summary->regions, type) : NULL;
	struct an_goroutine *g = an__goroutine_find(summary, event->g);
	int64_t start;
	int rc;

	if (counts && !total)
		return -ETR_E_NOMEM;
	if (event->kind == ETR_KIND_REGION_BEGIN) {
		if (total)
			total->begun++;
		return g ? open_region(summary, g, event, type) : 0;
	}
	if (total)
		total->ended++;
	if (!g || !g->nregions)
		return 0;
	g->nregions--;
	start = g->regions[g->nregions].start;
	rc = total && start != INT64_MIN ? an__add(summary, &total->time, event->time, event->time - start) : 0;
	return rc < 0 ? rc : an__goroutine_regroup(summary, g, event->time);
}
