/* SPDX-License-Identifier: BSD-3-Clause
 *
 * late.c - what a pass over a trace before the one that cuts it learns for its slices.
 *
 * Goroutines that lived before the trace appear when something tells of them, and their functions are known with their first stack:
 * traces before Go 1.23 may be long about that.  Names are kept as texts of the list's own, since the pass's reader goes.
 */
#include "config.h"

#include "analysis/slicer.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/grow.h"

int an_late_list_init(struct an_late_list *list)
{
	memset(list, 0, sizeof(*list));
	an_map_init(&list->functions, 1, sizeof(uint64_t));
	return an_names_init(&list->names, NULL);
}

void an_late_list_free(struct an_late_list *list)
{
	free(list->list);
	an_map_free(&list->functions);
	an_names_free(&list->names);
}

static int add_status(struct an_late_list *list, const struct etr_event *event)
{
	struct etr_event *bigger = an_grow(list->list, &list->cap, list->n + 1, sizeof(*bigger));

	if (!bigger)
		return -ETR_E_NOMEM;
	list->list = bigger;
	bigger[list->n++] = *event;
	return 0;
}

/* The function of a goroutine, if its stack tells. */
static an_text_id function_of(struct an_late_list *list, struct an_source *source, etr_stack_id stack)
{
	size_t n, len;
	const struct an_frame *frames = an_stack(&source->names, an_names_stack(&source->names, stack), &n);
	const char *text = n ? an_text(&source->names, frames[n - 1].func, &len) : NULL;

	return text ? an_names_add_text(&list->names, text, len) : 0;
}

static int learn_function(struct an_late_list *list, struct an_source *source, const struct etr_event *event)
{
	const uint64_t id = (uint64_t)event->u.transition.id;
	bool appears = event->from == ETR_STATE_NOT_EXIST || (source->syncs == 1 && event->from == ETR_STATE_UNDETERMINED);
	bool added = false;
	uint64_t *function;

	/* One that is made has its stack from then on, but those that C makes. */
	if (appears && (event->from == ETR_STATE_UNDETERMINED || !event->u.transition.stack)) {
		function = an_map_add(&list->functions, &id, &added);
		if (!function)
			return -ETR_E_NOMEM;
		list->unknown += added;
	} else {
		function = list->unknown ? an_map_find(&list->functions, &id) : NULL;
	}
	if (!function || *function)
		return 0;
	*function = function_of(list, source, event->u.transition.stack);
	if (*function) {
		list->unknown--;
	} else if (event->to == ETR_STATE_NOT_EXIST) {
		list->unknown--;
		an_map_remove(&list->functions, &id);
	}
	return list->names.oom ? -ETR_E_NOMEM : 0;
}

int an_late_list_add(struct an_late_list *list, struct an_source *source, const struct etr_event *event)
{
	if (event->kind != ETR_KIND_STATE_TRANSITION)
		return 0;
	if (source->syncs == 1 && event->from == ETR_STATE_UNDETERMINED && add_status(list, event) < 0)
		return -ETR_E_NOMEM;
	return event->resource == ETR_RESOURCE_GOROUTINE ? learn_function(list, source, event) : 0;
}
