/* SPDX-License-Identifier: BSD-3-Clause
 *
 * spans.c - what lasts, told when it ends.  Memory holds what is open.
 */
#include "config.h"

#include "analysis/spans.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/grow.h"

struct begin {
	int64_t start;
	uint64_t task;
	an_text_id name;
	an_stack_id stack;
};

/* A goroutine's open regions, outermost first. */
struct nest {
	size_t n, cap;
	struct begin *list;
};

void an_spans_init(struct an_spans *spans, struct an_names *names, unsigned kinds,
		   void (*each)(void *ctx, const struct an_span *span), void *ctx)
{
	memset(spans, 0, sizeof(*spans));
	spans->names = names;
	spans->kinds = kinds;
	spans->each = each;
	spans->ctx = ctx;
	an_map_init(&spans->regions, 1, sizeof(struct nest));
	an_map_init(&spans->tasks, 1, sizeof(struct begin));
	an_map_init(&spans->ranges, 3, sizeof(struct begin));
}

void an_spans_free(struct an_spans *spans)
{
	const uint64_t *key;
	void *nest;

	for (size_t pos = 0; an_map_each(&spans->regions, &pos, &key, &nest);)
		free(((struct nest *)nest)->list);
	an_map_free(&spans->regions);
	an_map_free(&spans->tasks);
	an_map_free(&spans->ranges);
}

static void tell(struct an_spans *spans, enum cond_kind kind, const struct begin *begin, const struct etr_event *event)
{
	const struct an_span span = { .kind = kind, .start = begin->start, .end = event->time, .g = event->g,
				      .task = begin->task, .name = begin->name, .stack = begin->stack };

	spans->each(spans->ctx, &span);
}

static int take_region(struct an_spans *spans, const struct etr_event *event)
{
	const uint64_t key = (uint64_t)event->g;
	struct nest *nest;
	struct begin *list;

	if (event->kind == ETR_KIND_REGION_END) {
		nest = an_map_find(&spans->regions, &key);
		if (nest && nest->n)
			tell(spans, COND_REGION, &nest->list[--nest->n], event);
		return 0;
	}
	nest = an_map_add(&spans->regions, &key, NULL);
	list = nest ? an_grow(nest->list, &nest->cap, nest->n + 1, sizeof(*list)) : NULL;
	if (!list)
		return -ETR_E_NOMEM;
	nest->list = list;
	list[nest->n++] = (struct begin){ .start = event->time, .task = event->u.region.task,
					  .name = an_names_text(spans->names, event->u.region.type),
					  .stack = an_names_stack(spans->names, event->stack) };
	return 0;
}

static int take_task(struct an_spans *spans, const struct etr_event *event)
{
	const uint64_t key = event->u.task.id;
	struct begin *begin;

	if (event->kind == ETR_KIND_TASK_END) {
		begin = an_map_find(&spans->tasks, &key);
		if (begin) {
			struct begin known = *begin;

			an_map_remove(&spans->tasks, &key);
			tell(spans, COND_TASK, &known, event);
		}
		return 0;
	}
	begin = an_map_add(&spans->tasks, &key, NULL);
	if (!begin)
		return -ETR_E_NOMEM;
	*begin = (struct begin){ .start = event->time, .task = key, .name = an_names_text(spans->names, event->u.task.type),
				 .stack = an_names_stack(spans->names, event->stack) };
	return 0;
}

static int take_range(struct an_spans *spans, const struct etr_event *event)
{
	an_text_id name = an_names_text(spans->names, event->u.range.name);
	const uint64_t key[3] = { event->resource, (uint64_t)event->u.range.id, name };
	struct begin *begin;

	if (event->kind == ETR_KIND_RANGE_BEGIN) {
		begin = an_map_add(&spans->ranges, key, NULL);
		if (!begin)
			return -ETR_E_NOMEM;
		*begin = (struct begin){ .start = event->time, .task = ETR_NO_TASK, .name = name,
					 .stack = an_names_stack(spans->names, event->stack) };
		return 0;
	}
	begin = event->kind == ETR_KIND_RANGE_END ? an_map_find(&spans->ranges, key) : NULL;
	if (begin) {
		struct begin known = *begin;

		an_map_remove(&spans->ranges, key);
		tell(spans, COND_RANGE, &known, event);
	}
	return 0;
}

enum cond_kind an_spans_kind_of_state(uint8_t state)
{
	switch (state) {
	case ETR_STATE_RUNNABLE:
		return COND_RUNNABLE;
	case ETR_STATE_RUNNING:
		return COND_RUNNING;
	case ETR_STATE_SYSCALL:
		return COND_SYSCALL;
	case ETR_STATE_WAITING:
		return COND_WAITING;
	}
	return COND_KIND_COUNT_;
}

static void take_change(struct an_spans *spans, const struct an_change *change)
{
	const struct an_interval *interval = &change->interval;
	const uint64_t key = (uint64_t)interval->id;
	enum cond_kind kind;

	if (change->closed) {
		const struct an_span span = { .start = interval->start, .end = interval->end, .g = interval->id,
					      .task = ETR_NO_TASK, .name = interval->reason, .stack = interval->event_stack,
					      .kind = kind = an_spans_kind_of_state(interval->state) };

		if (kind < COND_KIND_COUNT_ && (spans->kinds & 1u << kind))
			spans->each(spans->ctx, &span);
	}
	if (change->gone) {
		struct nest *nest = an_map_find(&spans->regions, &key);

		if (nest) {
			free(nest->list);
			an_map_remove(&spans->regions, &key);
		}
	}
}

int an_spans_event(struct an_spans *spans, const struct etr_event *event, const struct an_change *change)
{
	int rc = 0;

	switch (event->kind) {
	case ETR_KIND_STATE_TRANSITION:
		if (change)
			take_change(spans, change);
		break;
	case ETR_KIND_REGION_BEGIN:
	case ETR_KIND_REGION_END:
		if (spans->kinds & 1u << COND_REGION)
			rc = take_region(spans, event);
		break;
	case ETR_KIND_TASK_BEGIN:
	case ETR_KIND_TASK_END:
		if (spans->kinds & 1u << COND_TASK)
			rc = take_task(spans, event);
		break;
	case ETR_KIND_RANGE_BEGIN:
	case ETR_KIND_RANGE_ACTIVE:
	case ETR_KIND_RANGE_END:
		if (spans->kinds & 1u << COND_RANGE)
			rc = take_range(spans, event);
		break;
	}
	return spans->names->oom ? -ETR_E_NOMEM : rc;
}

bool an_span_matches(const struct an_span *span, const struct an_names *names, const struct cond *condition)
{
	struct cond_interval interval = { .kind = span->kind, .ns = span->end - span->start };

	interval.name = an_text(names, span->name, &interval.name_len);
	return cond_matches(condition, &interval);
}
