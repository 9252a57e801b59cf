/* SPDX-License-Identifier: BSD-3-Clause
 *
 * labels.h - what a profile's samples are labelled with.
 */
#ifndef ANALYSIS_LABELS_H
#define ANALYSIS_LABELS_H

#include <stdbool.h>
#include <stddef.h>

#include "analysis/profile.h"

enum an_label {
	AN_LABEL_STATE,
	AN_LABEL_REASON,
	AN_LABEL_GOROUTINE,
	AN_LABEL_THREAD,
	AN_LABEL_TASK,
	AN_LABEL_REGION,
	AN_LABEL_LOCK,
	AN_LABEL_COUNT_
};

/* "state", "reason", ...; and back, -1 for a name that is none. */
const char *an_label_name(int label);
int an_label_by_name(const char *name, size_t len);

/* Knows the regions that each goroutine is in. */
struct an_labeler {
	struct an_source *source;	/* the caller's */
	unsigned wanted;		/* bits 1 << enum an_label */
	struct an_map regions;		/* G -> struct open_regions */
	struct an_map tasks;		/* id -> its type, an_text_id; those that have not ended */
};

void an_labeler_init(struct an_labeler *labeler, struct an_source *source, unsigned wanted);
void an_labeler_free(struct an_labeler *labeler);

/* A task, a region or a goroutine begins or ends.  Return: 0 or -ETR_E_NOMEM. */
int an_labeler_event(struct an_labeler *labeler, const struct etr_event *event);

/* A slice begins: what was open then.  Return: 0 or -ETR_E_NOMEM. */
int an_labeler_recall(struct an_labeler *labeler, const struct an_past *past);

/* Is a goroutine in a region? */
static inline bool an_labeler_has_region(const struct an_labeler *labeler, int64_t goroutine)
{
	return an_map_find(&labeler->regions, &(uint64_t){ (uint64_t)goroutine });
}

/* A new trace begins. */
void an_labeler_reset(struct an_labeler *labeler);

static inline bool an_labeler_wants(const struct an_labeler *labeler, enum an_label label)
{
	return labeler->wanted & 1u << label;
}

/* Are there labels beside state and reason that tell samples of one stack apart? */
static inline bool an_labeler_is_fine(const struct an_labeler *labeler)
{
	return labeler->wanted & ~(1u << AN_LABEL_STATE | 1u << AN_LABEL_REASON);
}

/*
 * The wanted labels of what an event begins: state and reason as given (ETR_STATE_COUNT_ and 0 for none), the goroutine that it
 * is about, the event's thread, the goroutine's innermost region with its task, and the lock that the event's stack stands for.
 */
void an_labels_of(const struct an_labeler *labeler, const struct etr_event *event, int64_t goroutine, struct an_labels *labels);

#endif
