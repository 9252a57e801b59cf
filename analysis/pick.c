/* SPDX-License-Identifier: BSD-3-Clause
 *
 * pick.c - picks intervals as they end.
 *
 * The list is short, so a new one is put into its place by moving the shorter ones.
 */
#include "config.h"

#include "analysis/pick.h"

#include <stdlib.h>
#include <string.h>

static void see_span(void *ctx, const struct an_span *span)
{
	struct an_picker *picker = ctx;
	int64_t ns = span->end - span->start;
	size_t i = picker->n;

	if (span->start < picker->from || span->end >= picker->to ||
	    !an_span_matches(span, &picker->source->names, picker->condition))
		return;
	while (i > 0 && picker->list[i - 1].end - picker->list[i - 1].start < ns)
		i--;
	if (i == picker->max)
		return;
	if (picker->n < picker->max)
		picker->n++;
	memmove(&picker->list[i + 1], &picker->list[i], (picker->n - 1 - i) * sizeof(*picker->list));
	picker->list[i] = (struct an_pick){ span->start, span->end };
}

int an_picker_init(struct an_picker *picker, struct an_source *source, const struct cond *condition, size_t max)
{
	memset(picker, 0, sizeof(*picker));
	picker->list = calloc(max, sizeof(*picker->list));
	if (!picker->list)
		return -ETR_E_NOMEM;
	picker->max = max;
	picker->source = source;
	picker->condition = condition;
	picker->from = INT64_MIN;
	picker->to = INT64_MAX;
	an_states_init(&picker->states, &source->names, ETR_RESOURCE_GOROUTINE, source->start);
	an_spans_init(&picker->spans, &source->names, cond_kinds(condition), see_span, picker);
	return 0;
}

void an_picker_free(struct an_picker *picker)
{
	if (!picker->list)
		return;
	free(picker->list);
	an_spans_free(&picker->spans);
	an_states_free(&picker->states);
	picker->list = NULL;
}

int an_picker_event(struct an_picker *picker, const struct etr_event *event)
{
	bool changes = event->kind == ETR_KIND_STATE_TRANSITION && event->resource == ETR_RESOURCE_GOROUTINE;
	struct an_change change;
	int rc = changes ? an_states_transition(&picker->states, event, &change) : 0;

	return rc < 0 ? rc : an_spans_event(&picker->spans, event, changes ? &change : NULL);
}
