/* SPDX-License-Identifier: BSD-3-Clause
 *
 * summary.c - the figures of a trace, in one pass: what each event adds.
 *
 * Memory holds what is distinct (names, up to a limit) and whatever is open (goroutines, ranges, tasks, regions); nothing is
 * kept for an event.  Goroutines are in sumgoroutine.c, reasons in sumreason.c, ranges, tasks and regions in sumspan.c, the merging of summaries in
 * summerge.c.
 */
#include "config.h"

#include "analysis/summary.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/sumimpl.h"

static const char *const by_names[AN_BY_COUNT_] = {
	[AN_BY_FUNCTION] = "function", [AN_BY_GOROUTINE] = "goroutine", [AN_BY_THREAD] = "thread", [AN_BY_PROC] = "proc",
	[AN_BY_REASON] = "reason",     [AN_BY_TASK] = "task",		[AN_BY_REGION] = "region", [AN_BY_GENERATION] = "generation",
};

const char *an_by_name(int by)
{
	return by >= 0 && by < AN_BY_COUNT_ ? by_names[by] : NULL;
}

static an_text_id add_literal(struct an_summary *summary, const char *text)
{
	return an_names_add_text(summary->names, text, strlen(text));
}

static void init_ids(struct an_ids *ids)
{
	an_map_init(&ids->words, 1, sizeof(uint64_t));
	memset(ids->recent, 0xff, sizeof(ids->recent));
}

/* What both kinds of summary have. */
static int init_tables(struct an_summary *summary, const struct an_summary_options *options)
{
	summary->options = *options;
	if (summary->options.longest > AN_LONGEST)
		summary->options.longest = AN_LONGEST;
	init_ids(&summary->gs_seen);
	init_ids(&summary->ps_seen);
	init_ids(&summary->ms_seen);
	an_map_init(&summary->gs, 1, sizeof(struct an_goroutine *));
	an_map_init(&summary->reasons, 1, sizeof(struct an_reason *));
	an_groups_init(&summary->functions, 0);
	an_groups_init(&summary->extra, options->keep);
	an_map_init(&summary->ranges, 1, sizeof(struct an_hist));
	an_map_init(&summary->open_ranges, 3, sizeof(int64_t));
	an_map_init(&summary->tasks, 1, sizeof(struct an_span_total));
	an_map_init(&summary->regions, 1, sizeof(struct an_span_total));
	an_map_init(&summary->open_tasks, 1, sizeof(struct an_open_task));
	an_map_init(&summary->samples, 1, sizeof(uint64_t));
	summary->other_name = add_literal(summary, "(other)");
	return summary->names->oom ? -ETR_E_NOMEM : 0;
}

int an_summary_init(struct an_summary *summary, struct an_source *source, const struct an_summary_options *options)
{
	memset(summary, 0, sizeof(*summary));
	summary->source = source;
	summary->names = &source->names;
	an_names_limit(summary->names, AN_SUMMARY_TEXTS, AN_SUMMARY_STACKS, AN_SUMMARY_TEXT_BYTES);
	summary->gc_name = add_literal(summary, "GC concurrent mark phase");
	summary->procs_metric = add_literal(summary, "/sched/gomaxprocs:threads");
	summary->heap_metric = add_literal(summary, "/memory/classes/heap/objects:bytes");
	summary->recent = calloc(AN_RECENT, sizeof(struct an_goroutine *));
	if (!summary->recent)
		return -ETR_E_NOMEM;
	return init_tables(summary, options);
}

int an_summary_init_merged(struct an_summary *summary, const struct an_summary_options *options)
{
	int rc;

	memset(summary, 0, sizeof(*summary));
	summary->names = &summary->own_names;
	rc = an_names_init(&summary->own_names, NULL);
	return rc < 0 ? rc : init_tables(summary, options);
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
	struct an_map *maps[] = { &summary->gs_seen.words, &summary->ps_seen.words, &summary->ms_seen.words, &summary->gs,
				  &summary->reasons,	   &summary->ranges,	    &summary->open_ranges,   &summary->tasks,
				  &summary->regions,	   &summary->open_tasks,    &summary->samples };
	const uint64_t *key;
	void *value;

	an__goroutines_free(summary);
	for (size_t pos = 0; an_map_each(&summary->reasons, &pos, &key, &value);) {
		struct an_reason *reason = *(struct an_reason **)value;

		/* Where memory ran out. */
		if (!reason)
			continue;
		an_hist_free(&reason->waiting);
		an_hist_free(&reason->runnable);
		free(reason);
	}
	free_hists(&summary->ranges, 0);
	free_hists(&summary->tasks, offsetof(struct an_span_total, time));
	free_hists(&summary->regions, offsetof(struct an_span_total, time));
	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		an_map_free(maps[i]);
	an_groups_free(&summary->functions);
	an_groups_free(&summary->extra);
	if (summary->begun)
		an_states_free(&summary->ps);
	free(summary->by_string);
	free(summary->places);
	free(summary->recent);
	if (summary->names == &summary->own_names)
		an_names_free(&summary->own_names);
}

int an__ids_add(struct an_ids *ids, int64_t id)
{
	uint64_t *word = an_map_add(&ids->words, &(uint64_t){ (uint64_t)id / 64 }, NULL);
	uint64_t bit = UINT64_C(1) << ((uint64_t)id % 64);

	if (!word)
		return -ETR_E_NOMEM;
	ids->n += !(*word & bit);
	*word |= bit;
	return 0;
}

/* Adds an id, unless it is none. */
static inline int see(struct an_ids *ids, int64_t id)
{
	int64_t *recent = &ids->recent[(uint64_t)id % (sizeof(ids->recent) / sizeof(ids->recent[0]))];

	if (__builtin_expect(*recent == id || id == -1, 1))
		return 0;
	*recent = id;
	return an__ids_add(ids, id);
}

static inline int see_context(struct an_summary *summary, const struct etr_event *event)
{
	int rc = see(&summary->gs_seen, event->g);

	if (rc == 0)
		rc = see(&summary->ps_seen, event->p);
	return rc < 0 ? rc : see(&summary->ms_seen, event->m);
}

/* Whose group of --by proc it is. */
static struct an_group *proc_group(struct an_summary *summary, int64_t p)
{
	return summary->options.by == AN_BY_PROC ? an_groups_get(&summary->extra, (uint64_t)p) : NULL;
}

static int take_proc_interval(struct an_summary *summary, const struct an_interval *interval)
{
	struct an_state_total *total = &summary->p_states[interval->state];
	struct an_group *group = proc_group(summary, interval->id);
	int64_t start = interval->start > summary->from ? interval->start : summary->from;
	int64_t end = interval->end < summary->to ? interval->end : summary->to;

	if (summary->options.by == AN_BY_PROC && !group)
		return -ETR_E_NOMEM;
	if (summary->cut && start >= end)
		return 0;
	total->counted++;
	total->ns += end - start;
	if (interval->next == ETR_STATE_COUNT_ || interval->end > end)
		total->open_ns += end - start;
	if (group && interval->state == ETR_STATE_RUNNING)
		group->proc_ns += end - start;
	if (group && interval->state == ETR_STATE_IDLE && interval->start < summary->from)
		an_hist_add_rest(&group->state[ETR_STATE_IDLE], end - start);
	else if (group && interval->state == ETR_STATE_IDLE)
		return an_hist_add(&group->state[ETR_STATE_IDLE], end - start);
	return 0;
}

static int take_proc(struct an_summary *summary, const struct etr_event *event, bool counts)
{
	const struct an_past *past = &summary->source->past;
	struct etr_event new_one;
	struct an_change change;
	int rc;

	/* In a slice's first generation a processor that is new looks as if it had been there. */
	if (__builtin_expect(past->complete && event->from == ETR_STATE_UNDETERMINED && event->time >= past->from, 0) &&
	    !an_states_find(&summary->ps, event->u.transition.id)) {
		new_one = *event;
		new_one.from = ETR_STATE_NOT_EXIST;
		event = &new_one;
	}
	rc = an_states_transition(&summary->ps, event, &change);
	if (rc < 0 || !change.moved)
		return rc;
	if (counts && event->to != ETR_STATE_NOT_EXIST && event->to < ETR_STATE_COUNT_)
		summary->p_states[event->to].entered++;
	if ((event->to == ETR_STATE_RUNNING) != (event->from == ETR_STATE_RUNNING)) {
		an_timeline_change(&summary->timeline, AN_LEVEL_PROCS, event->to == ETR_STATE_RUNNING ? 1 : -1, event->time);
	}
	return change.closed ? take_proc_interval(summary, &change.interval) : 0;
}

static void take_metric(struct an_summary *summary, const struct etr_event *event)
{
	an_text_id name = an_names_text(summary->names, event->u.metric.name);
	uint64_t *most = name == summary->procs_metric ? &summary->max_procs :
			 name == summary->heap_metric  ? &summary->max_heap :
							 NULL;

	if (most && event->u.metric.value > *most)
		*most = event->u.metric.value;
}

/* A sample counts for the function that ran. */
static int take_sample(struct an_summary *summary, const struct etr_event *event)
{
	size_t n;
	const struct an_frame *frames = an_stack(summary->names, an_names_stack(summary->names, event->stack), &n);
	uint64_t *count = an_map_add(&summary->samples, &(uint64_t){ an__capped(summary, &summary->samples, n ? frames[0].func : 0) },
				     NULL);

	if (!count)
		return -ETR_E_NOMEM;
	++*count;
	return 0;
}

/* What a slice tells of the time before it: what is open, since when. */
static int recall(struct an_summary *summary, const struct an_past *past)
{
	const uint64_t *id;
	void *value;

	for (size_t pos = 0; an_map_each(&past->tasks, &pos, &id, &value);) {
		const struct an_past_task *task = value;
		struct an_open_task *open = an_map_add(&summary->open_tasks, id, NULL);

		if (!open)
			return -ETR_E_NOMEM;
		*open = (struct an_open_task){ .start = task->begin, .type = task->type };
	}
	for (size_t i = 0; i < past->nranges; i++) {
		const struct an_past_range *range = &past->ranges[i];
		const uint64_t key[3] = { range->resource, (uint64_t)range->id, range->name };
		int64_t *start = range->begin == INT64_MIN ? NULL : an_map_add(&summary->open_ranges, key, NULL);

		if (start)
			*start = range->begin;
		else if (range->begin != INT64_MIN)
			return -ETR_E_NOMEM;
	}
	return 0;
}

/* The first event, a Sync, which tells when the trace began. */
static int begin(struct an_summary *summary, const struct etr_event *event)
{
	struct an_filter *filter = summary->options.filter;
	const struct an_past *past = &summary->source->past;

	summary->begun = true;
	an_states_init(&summary->ps, summary->names, ETR_RESOURCE_PROC, event->time);
	summary->from = filter ? filter->from_ns : INT64_MIN;
	summary->to = filter ? filter->to_ns : INT64_MAX;
	if (filter && (filter->goroutines.n || filter->has_function))
		summary->some = filter;
	if (filter && filter->has_condition)
		summary->condition = filter;
	summary->head.windowed = summary->from != INT64_MIN || summary->to != INT64_MAX;
	if (summary->from < past->from)
		summary->from = past->from;
	if (summary->to > past->to)
		summary->to = past->to;
	summary->cut = summary->from != INT64_MIN || summary->to != INT64_MAX;
	summary->plain = !summary->cut && !summary->some && !summary->condition && !summary->options.series &&
			 (summary->options.by == AN_BY_FUNCTION || summary->options.by == AN_BY_REASON);
	summary->clock.origin = summary->from > event->time ? summary->from : event->time;
	an_timeline_init(&summary->timeline, summary->clock.origin);
	summary->head.start = summary->clock.origin;
	return recall(summary, past);
}

/* The window's end: what is open is counted up to it. */
static int end_window(struct an_summary *summary)
{
	summary->over = true;
	return an__summary_close(summary, summary->to);
}

/*
 * Behind the window there is something to learn yet: who was there all the time, which the first generation tells, and the
 * functions of goroutines.  Return: 1, 0 when all is known, or -ETR_E_NOMEM.
 */
static int take_late(struct an_summary *summary, const struct etr_event *event)
{
	struct an_interval interval = { .id = event->u.transition.id, .start = summary->source->start, .end = summary->to,
					.state = ETR_STATE_UNDETERMINED, .next = ETR_STATE_COUNT_ };
	struct an_change change;
	int rc = 0;

	/* A slice is read to its end all the same. */
	if (summary->source->syncs > 1 && !summary->unknown)
		return !summary->head.windowed;
	if (event->kind != ETR_KIND_STATE_TRANSITION)
		return 1;
	if (event->resource == ETR_RESOURCE_GOROUTINE) {
		rc = an__goroutine_late(summary, event);
	} else if (event->from == ETR_STATE_UNDETERMINED && event->to != event->from && summary->source->syncs == 1 &&
		   !an_states_find(&summary->ps, event->u.transition.id)) {
		rc = an_states_transition(&summary->ps, event, &change);
		if (rc == 0)
			rc = take_proc_interval(summary, &interval);
	}
	return rc < 0 ? rc : 1;
}

static int take_kind(struct an_summary *summary, const struct etr_event *event, bool counts)
{
	switch (event->kind) {
	case ETR_KIND_STATE_TRANSITION:
		if (event->resource == ETR_RESOURCE_GOROUTINE)
			return an__goroutine_transition(summary, event);
		return take_proc(summary, event, counts);
	case ETR_KIND_METRIC:
		if (counts)
			take_metric(summary, event);
		return 0;
	case ETR_KIND_RANGE_BEGIN:
	case ETR_KIND_RANGE_ACTIVE:
	case ETR_KIND_RANGE_END:
		return an__summary_range(summary, event, counts);
	case ETR_KIND_TASK_BEGIN:
	case ETR_KIND_TASK_END:
		return an__summary_task(summary, event, counts);
	case ETR_KIND_REGION_BEGIN:
	case ETR_KIND_REGION_END:
		return an__summary_region(summary, event, counts);
	case ETR_KIND_STACK_SAMPLE:
		return counts ? take_sample(summary, event) : 0;
	}
	return 0;
}

int an_summary_event(struct an_summary *summary, const struct etr_event *event)
{
	bool counts = event->time >= summary->from;
	int rc = 0;

	if (__builtin_expect(!summary->begun, 0)) {
		rc = begin(summary, event);
		if (rc < 0)
			return rc;
		counts = event->time >= summary->from;
	}
	/* A slice may tell late where it ends. */
	if (event->kind == ETR_KIND_SYNC && summary->to > summary->source->past.to)
		summary->to = summary->source->past.to;
	if (__builtin_expect(event->time >= summary->to, 0) && !summary->over)
		rc = end_window(summary);
	if (__builtin_expect(summary->over, 0) && rc == 0)
		return take_late(summary, event);
	if (rc == 0 && event->kind == ETR_KIND_SYNC)
		rc = an__goroutines_next_generation(summary, event->time);
	if (rc < 0)
		return rc;
	if (__builtin_expect(summary->some != NULL, 0))
		counts = counts && an__goroutine_concerned(summary, event);
	if (counts) {
		summary->events++;
		if (event->kind < ETR_KIND_COUNT_)
			summary->kinds[event->kind]++;
		rc = see_context(summary, event);
		if (rc == 0 && event->kind == ETR_KIND_STATE_TRANSITION)
			rc = see(event->resource == ETR_RESOURCE_GOROUTINE ? &summary->gs_seen : &summary->ps_seen,
				 event->u.transition.id);
	}
	if (rc == 0)
		rc = take_kind(summary, event, counts);
	return rc < 0 ? rc : 1;
}

/*
 * Most events are transitions of goroutines.  Where everything counts, all that they can show for the first time is a goroutine,
 * which its entry in the table tells, and a thread: the context's goroutine and processor have had transitions of their own.
 */
int an_summary_events(struct an_summary *summary, const struct etr_event *events, int n)
{
	uint64_t plain = 0;
	int rc = 1;

	for (int i = 0; i < n && rc > 0; i++) {
		const struct etr_event *event = &events[i];

		if (__builtin_expect(!summary->plain || event->kind != ETR_KIND_STATE_TRANSITION ||
				     event->resource != ETR_RESOURCE_GOROUTINE, 0)) {
			rc = an_summary_event(summary, event);
			continue;
		}
		plain++;
		if (see(&summary->ms_seen, event->m) < 0 || an__goroutine_transition(summary, event) < 0)
			rc = -ETR_E_NOMEM;
	}
	summary->events += plain;
	summary->kinds[ETR_KIND_STATE_TRANSITION] += plain;
	return rc;
}

struct closing {
	struct an_summary *summary;
	int rc;
};

static void close_proc(void *ctx, const struct an_thing *thing, const struct an_interval *interval)
{
	struct closing *closing = ctx;

	if (closing->rc == 0)
		closing->rc = take_proc_interval(closing->summary, interval);
}

int an__summary_close(struct an_summary *summary, int64_t end)
{
	struct closing closing = { .summary = summary };
	int rc = an__goroutines_close(summary, end);

	an_timeline_advance(&summary->timeline, end);
	if (rc < 0)
		return rc;
	an_states_finish(&summary->ps, end, close_proc, &closing);
	return closing.rc;
}

static void total_states(struct an_summary *summary)
{
	const struct an_group *group;

	for (size_t pos = 0; (group = an_groups_each(&summary->functions, &pos));)
		for (int s = 0; s < ETR_STATE_COUNT_; s++) {
			summary->g_states[s].ns += group->state[s].ns;
			summary->g_states[s].counted += group->state[s].count;
			summary->g_states[s].open_ns += group->open_ns[s];
		}
}

static void fill_head(struct an_summary *summary)
{
	struct an_head *head = &summary->head;
	const struct etr_reader *reader = summary->source->reader;
	const uint64_t *counts = etr_reader_wire_counts(reader), *bytes = etr_reader_wire_bytes(reader);

	head->files = 1;
	head->version = etr_reader_version(reader);
	head->bytes = etr_reader_size(reader) ? etr_reader_size(reader) : etr_reader_offset(reader);
	head->generations = an_source_generations(summary->source);
	head->events = summary->events;
	head->goroutines = summary->gs_seen.n;
	head->procs = summary->ps_seen.n;
	head->threads = summary->ms_seen.n;
	memcpy(head->wire_counts, counts, sizeof(head->wire_counts));
	memcpy(head->wire_bytes, bytes, sizeof(head->wire_bytes));
}

int an_summary_finish(struct an_summary *summary)
{
	int rc = 0;

	fill_head(summary);
	if (!summary->begun)
		return 0;
	summary->head.end = summary->source->end;
	if (summary->over)
		summary->head.end = summary->to;
	/* A window that the trace does not reach. */
	if (summary->head.end < summary->head.start)
		summary->head.end = summary->head.start;
	rc = summary->over ? an__goroutines_end_late(summary) : an__summary_close(summary, summary->head.end);
	summary->head.duration = summary->head.end - summary->head.start;
	an__summary_end_generation(summary, summary->head.end);
	total_states(summary);
	if (summary->names->oom)
		return -ETR_E_NOMEM;
	return rc;
}
