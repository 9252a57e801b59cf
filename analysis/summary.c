/* SPDX-License-Identifier: BSD-3-Clause
 *
 * summary.c - the figures of a whole trace, in one pass.
 *
 * Memory holds what is distinct: ids, names, and whatever is open (goroutines, ranges, tasks, regions); nothing is kept for an
 * event.
 */
#include "config.h"

#include "analysis/summary.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/grow.h"

/* The regions that are open on a goroutine, outermost first. */
struct open_regions {
	size_t n, cap;
	struct open_region {
		int64_t start;
		an_text_id type;
	} *list;
};

struct open_task {
	int64_t start;
	an_text_id type;
};

static an_text_id add_literal(struct an_summary *summary, const char *text)
{
	return an_names_add_text(&summary->source->names, text, strlen(text));
}

static void init_ids(struct an_ids *ids)
{
	an_map_init(&ids->set, 1, 0);
	memset(ids->recent, 0xff, sizeof(ids->recent));
}

int an_summary_init(struct an_summary *summary, struct an_source *source)
{
	memset(summary, 0, sizeof(*summary));
	summary->source = source;
	init_ids(&summary->gs_seen);
	init_ids(&summary->ps_seen);
	init_ids(&summary->ms_seen);
	an_map_init(&summary->waiting, 1, sizeof(struct an_hist));
	an_map_init(&summary->runnable, 1, sizeof(struct an_hist));
	an_map_init(&summary->ranges, 1, sizeof(struct an_hist));
	an_map_init(&summary->open_ranges, 3, sizeof(int64_t));
	an_map_init(&summary->tasks, 1, sizeof(struct an_span_total));
	an_map_init(&summary->regions, 1, sizeof(struct an_span_total));
	an_map_init(&summary->open_tasks, 1, sizeof(struct open_task));
	an_map_init(&summary->open_regions, 1, sizeof(struct open_regions));
	an_map_init(&summary->functions, 1, sizeof(struct an_function_total));
	summary->gc_name = add_literal(summary, "GC concurrent mark phase");
	summary->procs_metric = add_literal(summary, "/sched/gomaxprocs:threads");
	summary->heap_metric = add_literal(summary, "/memory/classes/heap/objects:bytes");
	return source->names.oom ? -ETR_E_NOMEM : 0;
}

/* Frees the histograms that stand at an offset in a map's values. */
static void free_hists(struct an_map *map, size_t offset)
{
	const uint64_t *key;
	void *value;

	for (size_t pos = 0; an_map_each(map, &pos, &key, &value);)
		an_hist_free((struct an_hist *)((char *)value + offset));
}

void an_summary_free(struct an_summary *summary)
{
	struct an_map *maps[] = { &summary->gs_seen.set, &summary->ps_seen.set, &summary->ms_seen.set, &summary->waiting,
				  &summary->runnable,	 &summary->ranges,	&summary->open_ranges, &summary->tasks,
				  &summary->regions,	 &summary->open_tasks,	&summary->open_regions, &summary->functions };
	const uint64_t *key;
	void *regions;

	for (size_t pos = 0; an_map_each(&summary->open_regions, &pos, &key, &regions);)
		free(((struct open_regions *)regions)->list);
	free_hists(&summary->waiting, 0);
	free_hists(&summary->runnable, 0);
	free_hists(&summary->ranges, 0);
	free_hists(&summary->tasks, offsetof(struct an_span_total, time));
	free_hists(&summary->regions, offsetof(struct an_span_total, time));
	an_hist_free(&summary->syscalls);
	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		an_map_free(maps[i]);
	an_states_free(&summary->gs);
	an_states_free(&summary->ps);
}

/* Adds an id, unless it is none. */
static inline int see(struct an_ids *ids, int64_t id)
{
	int64_t *recent = &ids->recent[(uint64_t)id % AN_RECENT];

	if (*recent == id || id == -1)
		return 0;
	*recent = id;
	return an_map_add(&ids->set, &(uint64_t){ (uint64_t)id }, NULL) ? 0 : -ETR_E_NOMEM;
}

static inline int see_context(struct an_summary *summary, const struct etr_event *event)
{
	int rc = see(&summary->gs_seen, event->g);

	if (rc == 0)
		rc = see(&summary->ps_seen, event->p);
	return rc < 0 ? rc : see(&summary->ms_seen, event->m);
}

static int add_to_hist(struct an_map *map, an_text_id name, int64_t ns)
{
	struct an_hist *hist = an_map_add(map, &(uint64_t){ name }, NULL);

	if (!hist)
		return -ETR_E_NOMEM;
	return an_hist_add(hist, ns);
}

/* Keeps a wait if it is among the longest. */
static void keep_longest(struct an_summary *summary, const struct an_interval *interval, const struct etr_event *event)
{
	int64_t ns = interval->end - interval->start;
	struct an_long_wait *list = summary->longest;
	unsigned at;

	if (summary->nlongest == AN_LONGEST && ns <= list[AN_LONGEST - 1].ns)
		return;
	if (summary->nlongest < AN_LONGEST)
		summary->nlongest++;
	for (at = summary->nlongest - 1; at > 0 && list[at - 1].ns < ns; at--)
		list[at] = list[at - 1];
	list[at] = (struct an_long_wait){ .g = interval->id, .ns = ns, .start = interval->start, .reason = interval->reason,
					  .function = interval->function, .stack = interval->stack, .waker = event->g };
	list[at].waker_stack = an_names_stack(&summary->source->names, event->stack);
	const uint64_t *named = an_map_find(&summary->source->notes.waker_by_stack, &(uint64_t){ event->stack });

	if (named)
		list[at].waker = (int64_t)*named;
}

static int take_interval(struct an_summary *summary, struct an_state_total *totals, const struct an_interval *interval)
{
	int64_t ns = interval->end - interval->start;
	struct an_state_total *total = &totals[interval->state];

	total->counted++;
	total->ns += ns;
	if (interval->next == ETR_STATE_COUNT_)
		total->open_ns += ns;
	if (totals != summary->g_states)
		return 0;
	switch (interval->state) {
	case ETR_STATE_WAITING:
		return add_to_hist(&summary->waiting, interval->reason, ns);
	case ETR_STATE_RUNNABLE:
		return add_to_hist(&summary->runnable, interval->reason, ns);
	case ETR_STATE_SYSCALL:
		return an_hist_add(&summary->syscalls, ns);
	case ETR_STATE_UNDETERMINED:
		if (interval->next == ETR_STATE_WAITING || interval->next == ETR_STATE_SYSCALL) {
			summary->known_ns[interval->next] += ns;
			summary->known[interval->next]++;
		}
	}
	return 0;
}

/* A goroutine's account goes to its function when it ends, or the trace does. */
static int close_account(struct an_summary *summary, const struct an_thing *thing)
{
	struct an_function_total *total = an_map_add(&summary->functions, &(uint64_t){ thing->function }, NULL);

	if (!total)
		return -ETR_E_NOMEM;
	total->goroutines++;
	for (int s = 0; s < ETR_STATE_COUNT_; s++)
		total->ns[s] += thing->ns[s];
	return 0;
}

static void forget_regions(struct an_summary *summary, uint64_t g)
{
	struct open_regions *regions = an_map_find(&summary->open_regions, &g);

	if (!regions)
		return;
	free(regions->list);
	an_map_remove(&summary->open_regions, &g);
}

static int take_transition(struct an_summary *summary, const struct etr_event *event)
{
	bool is_g = event->resource == ETR_RESOURCE_GOROUTINE;
	struct an_state_total *totals = is_g ? summary->g_states : summary->p_states;
	struct an_change change;
	int rc;

	rc = see(is_g ? &summary->gs_seen : &summary->ps_seen, event->u.transition.id);
	if (rc == 0)
		rc = an_states_transition(is_g ? &summary->gs : &summary->ps, event, &change);
	if (rc < 0 || !change.moved)
		return rc;
	if (event->to != ETR_STATE_NOT_EXIST && event->to < ETR_STATE_COUNT_)
		totals[event->to].entered++;
	if (change.closed)
		rc = take_interval(summary, totals, &change.interval);
	if (!is_g || rc < 0)
		return rc;
	if (change.closed && change.interval.state == ETR_STATE_WAITING)
		keep_longest(summary, &change.interval, event);
	if (change.gone) {
		forget_regions(summary, (uint64_t)event->u.transition.id);
		rc = close_account(summary, change.thing);
	}
	return rc;
}

static int take_range(struct an_summary *summary, const struct etr_event *event)
{
	an_text_id name = an_names_text(&summary->source->names, event->u.range.name);
	const uint64_t key[3] = { event->resource, (uint64_t)event->u.range.id, name };
	int64_t *start;
	int64_t began;

	if (event->kind == ETR_KIND_RANGE_BEGIN) {
		summary->gc_cycles += name == summary->gc_name;
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
	return add_to_hist(&summary->ranges, name, event->time - began);
}

static struct an_span_total *span(struct an_map *map, an_text_id type)
{
	return an_map_add(map, &(uint64_t){ type }, NULL);
}

static int take_task(struct an_summary *summary, const struct etr_event *event)
{
	an_text_id type = an_names_text(&summary->source->names, event->u.task.type);
	struct an_span_total *total = span(&summary->tasks, type);
	struct open_task *open;

	if (!total)
		return -ETR_E_NOMEM;
	if (event->kind == ETR_KIND_TASK_BEGIN) {
		total->begun++;
		open = an_map_add(&summary->open_tasks, &event->u.task.id, NULL);
		if (!open)
			return -ETR_E_NOMEM;
		*open = (struct open_task){ .start = event->time, .type = type };
		return 0;
	}
	total->ended++;
	open = an_map_find(&summary->open_tasks, &event->u.task.id);
	if (open) {
		int64_t ns = event->time - open->start;

		total = span(&summary->tasks, open->type);
		an_map_remove(&summary->open_tasks, &event->u.task.id);
		return total ? an_hist_add(&total->time, ns) : -ETR_E_NOMEM;
	}
	return 0;
}

static int take_region(struct an_summary *summary, const struct etr_event *event)
{
	an_text_id type = an_names_text(&summary->source->names, event->u.region.type);
	struct an_span_total *total = span(&summary->regions, type);
	struct open_regions *open = an_map_add(&summary->open_regions, &(uint64_t){ (uint64_t)event->g }, NULL);
	struct open_region *list;

	if (!total || !open)
		return -ETR_E_NOMEM;
	if (event->kind == ETR_KIND_REGION_END) {
		total->ended++;
		return open->n ? an_hist_add(&total->time, event->time - open->list[--open->n].start) : 0;
	}
	total->begun++;
	list = an_grow(open->list, &open->cap, open->n + 1, sizeof(*list));
	if (!list)
		return -ETR_E_NOMEM;
	open->list = list;
	list[open->n++] = (struct open_region){ .start = event->time, .type = type };
	return 0;
}

static int take_metric(struct an_summary *summary, const struct etr_event *event)
{
	an_text_id name = an_names_text(&summary->source->names, event->u.metric.name);
	uint64_t *most = name == summary->procs_metric ? &summary->max_procs :
			 name == summary->heap_metric  ? &summary->max_heap :
							 NULL;

	if (most && event->u.metric.value > *most)
		*most = event->u.metric.value;
	return 0;
}

int an_summary_event(struct an_summary *summary, const struct etr_event *event)
{
	int rc;

	if (!summary->begun) {
		summary->begun = true;
		an_states_init(&summary->gs, &summary->source->names, ETR_RESOURCE_GOROUTINE, summary->source->start);
		an_states_init(&summary->ps, &summary->source->names, ETR_RESOURCE_PROC, summary->source->start);
	}
	if (event->kind < ETR_KIND_COUNT_)
		summary->kinds[event->kind]++;
	rc = see_context(summary, event);
	if (rc < 0)
		return rc;
	switch (event->kind) {
	case ETR_KIND_STATE_TRANSITION:
		return take_transition(summary, event);
	case ETR_KIND_METRIC:
		return take_metric(summary, event);
	case ETR_KIND_RANGE_BEGIN:
	case ETR_KIND_RANGE_ACTIVE:
	case ETR_KIND_RANGE_END:
		return take_range(summary, event);
	case ETR_KIND_TASK_BEGIN:
	case ETR_KIND_TASK_END:
		return take_task(summary, event);
	case ETR_KIND_REGION_BEGIN:
	case ETR_KIND_REGION_END:
		return take_region(summary, event);
	}
	return 0;
}

struct finishing {
	struct an_summary *summary;
	struct an_state_total *totals;
	int rc;
};

static void finish_interval(void *ctx, const struct an_thing *thing, const struct an_interval *interval)
{
	struct finishing *finishing = ctx;

	if (finishing->rc == 0)
		finishing->rc = take_interval(finishing->summary, finishing->totals, interval);
	if (finishing->rc == 0 && finishing->totals == finishing->summary->g_states) {
		struct an_thing last = *thing;

		last.ns[interval->state] += interval->end - interval->start;
		finishing->rc = close_account(finishing->summary, &last);
	}
}

int an_summary_finish(struct an_summary *summary)
{
	struct finishing gs = { .summary = summary, .totals = summary->g_states };
	struct finishing ps = { .summary = summary, .totals = summary->p_states };

	if (!summary->begun)
		return 0;
	an_states_finish(&summary->gs, summary->source->end, finish_interval, &gs);
	an_states_finish(&summary->ps, summary->source->end, finish_interval, &ps);
	if (summary->source->names.oom)
		return -ETR_E_NOMEM;
	return gs.rc < 0 ? gs.rc : ps.rc;
}
