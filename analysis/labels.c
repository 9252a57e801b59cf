/* SPDX-License-Identifier: BSD-3-Clause
 *
 * labels.c - the labels of samples.
 *
 * Regions nest within a goroutine, and belong to tasks that may have begun in another.  What is open is kept only if somebody wants
 * to know.  Of regions that nest deeper than REGIONS the outer ones are known.
 */
#include "config.h"

#include "analysis/labels.h"

#include <stdlib.h>
#include <string.h>

#define REGIONS 15u

struct open_regions {
	uint32_t depth;			/* as begun; may exceed what is kept */
	an_text_id types[REGIONS];	/* the outermost first */
	an_text_id tasks[REGIONS];
};

static const char *const label_names[AN_LABEL_COUNT_] = {
	[AN_LABEL_STATE] = "state",   [AN_LABEL_REASON] = "reason", [AN_LABEL_GOROUTINE] = "goroutine",
	[AN_LABEL_THREAD] = "thread", [AN_LABEL_TASK] = "task",	    [AN_LABEL_REGION] = "region",
	[AN_LABEL_LOCK] = "lock",
};

const char *an_label_name(int label)
{
	return label >= 0 && label < AN_LABEL_COUNT_ ? label_names[label] : NULL;
}

int an_label_by_name(const char *name, size_t len)
{
	for (int label = 0; label < AN_LABEL_COUNT_; label++)
		if (strlen(label_names[label]) == len && memcmp(label_names[label], name, len) == 0)
			return label;
	return -1;
}

void an_labeler_init(struct an_labeler *labeler, struct an_source *source, unsigned wanted)
{
	*labeler = (struct an_labeler){ .source = source, .wanted = wanted };
	an_labeler_reset(labeler);
}

void an_labeler_reset(struct an_labeler *labeler)
{
	an_labeler_free(labeler);
	an_map_init(&labeler->regions, 1, sizeof(struct open_regions));
	an_map_init(&labeler->tasks, 1, sizeof(an_text_id));
}

void an_labeler_free(struct an_labeler *labeler)
{
	an_map_free(&labeler->regions);
	an_map_free(&labeler->tasks);
}

static an_text_id task_type(const struct an_labeler *labeler, uint64_t task)
{
	const an_text_id *type = an_map_find(&labeler->tasks, &task);

	return type ? *type : 0;
}

static int add_task(struct an_labeler *labeler, uint64_t id, an_text_id type)
{
	an_text_id *place = an_map_add(&labeler->tasks, &id, NULL);

	if (!place)
		return -ETR_E_NOMEM;
	*place = type;
	return 0;
}

static int add_region(struct an_labeler *labeler, int64_t g, uint64_t task, an_text_id type)
{
	struct open_regions *open = an_map_add(&labeler->regions, &(uint64_t){ (uint64_t)g }, NULL);

	if (!open)
		return -ETR_E_NOMEM;
	if (open->depth < REGIONS) {
		open->types[open->depth] = type;
		open->tasks[open->depth] = task_type(labeler, task);
	}
	open->depth++;
	return 0;
}

static void end_region(struct an_labeler *labeler, const struct etr_event *event)
{
	const uint64_t key = (uint64_t)event->g;
	struct open_regions *open = an_map_find(&labeler->regions, &key);

	/* One that began before the trace is not known to be open. */
	if (open && --open->depth == 0)
		an_map_remove(&labeler->regions, &key);
}

int an_labeler_event(struct an_labeler *labeler, const struct etr_event *event)
{
	struct an_names *names = &labeler->source->names;

	switch (event->kind) {
	case ETR_KIND_TASK_BEGIN:
		return add_task(labeler, event->u.task.id, an_names_text(names, event->u.task.type));
	case ETR_KIND_TASK_END:
		an_map_remove(&labeler->tasks, &event->u.task.id);
		break;
	case ETR_KIND_REGION_BEGIN:
		return add_region(labeler, event->g, event->u.region.task, an_names_text(names, event->u.region.type));
	case ETR_KIND_REGION_END:
		end_region(labeler, event);
		break;
	case ETR_KIND_STATE_TRANSITION:
		if (event->to == ETR_STATE_NOT_EXIST && event->resource == ETR_RESOURCE_GOROUTINE)
			an_map_remove(&labeler->regions, &(uint64_t){ (uint64_t)event->u.transition.id });
		break;
	}
	return 0;
}

int an_labeler_recall(struct an_labeler *labeler, const struct an_past *past)
{
	const uint64_t *id;
	void *value;
	int rc = 0;

	for (size_t pos = 0; rc == 0 && an_map_each(&past->tasks, &pos, &id, &value);)
		rc = add_task(labeler, *id, ((const struct an_past_task *)value)->type);
	for (size_t i = 0; rc == 0 && i < past->nregions; i++)
		rc = add_region(labeler, past->regions[i].g, past->regions[i].task, past->regions[i].type);
	return rc;
}

void an_labels_of(const struct an_labeler *labeler, const struct etr_event *event, int64_t goroutine, struct an_labels *labels)
{
	const struct open_regions *open = NULL;

	if (!an_labeler_wants(labeler, AN_LABEL_STATE))
		labels->state = ETR_STATE_COUNT_;
	if (!an_labeler_wants(labeler, AN_LABEL_REASON))
		labels->reason = 0;
	labels->goroutine = an_labeler_wants(labeler, AN_LABEL_GOROUTINE) ? goroutine : -1;
	labels->thread = an_labeler_wants(labeler, AN_LABEL_THREAD) ? event->m : -1;
	labels->lock = labels->task = labels->region = 0;
	if (an_labeler_wants(labeler, AN_LABEL_LOCK))
		an_notes_lock(&labeler->source->notes, event->stack, &labels->lock);
	if (labeler->regions.n)
		open = an_map_find(&labeler->regions, &(uint64_t){ (uint64_t)goroutine });
	if (open) {
		uint32_t top = (open->depth < REGIONS ? open->depth : REGIONS) - 1;

		labels->region = an_labeler_wants(labeler, AN_LABEL_REGION) ? open->types[top] : 0;
		labels->task = an_labeler_wants(labeler, AN_LABEL_TASK) ? open->tasks[top] : 0;
	}
}
