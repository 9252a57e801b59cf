/* SPDX-License-Identifier: BSD-3-Clause
 *
 * filter.c - what is taken of a trace.
 *
 * The filter owns its sets, the compiled expression and, where events are to be judged, an account of its own of the goroutines'
 * states.  Whether a function's name matches is worked out once for each name.
 */
#include "config.h"

#include "analysis/filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/grow.h"
#include "cond/duration.h"

bool an_id_set_parse(struct an_id_set *set, const char *text)
{
	for (;;) {
		struct an_id_range range = { .first = 0, .last = INT64_MAX }, *ranges;
		bool has_first = duration_take_int(&text, &range.first);

		if (text[0] == '.' && text[1] == '.') {
			text += 2;
			if (*text >= '0' && *text <= '9' && !duration_take_int(&text, &range.last))
				return false;
		} else if (has_first) {
			range.last = range.first;
		} else {
			return false;
		}
		if (range.first > range.last)
			return false;
		ranges = an_grow(set->ranges, &set->cap, set->n + 1, sizeof(*ranges));
		if (!ranges)
			return false;
		set->ranges = ranges;
		ranges[set->n++] = range;
		if (*text != ',')
			return *text == '\0';
		text++;
	}
}

bool an_id_set_has(const struct an_id_set *set, int64_t id)
{
	for (size_t i = 0; i < set->n; i++)
		if (id >= set->ranges[i].first && id <= set->ranges[i].last)
			return true;
	return false;
}

void an_filter_init(struct an_filter *filter)
{
	memset(filter, 0, sizeof(*filter));
	filter->from_ns = INT64_MIN;
	filter->to_ns = INT64_MAX;
}

void an_filter_free(struct an_filter *filter)
{
	free(filter->goroutines.ranges);
	free(filter->threads.ranges);
	free(filter->procs.ranges);
	if (filter->has_function)
		regfree(&filter->function);
	free(filter->by_function);
	if (filter->track)
		an_states_free(&filter->states);
	if (filter->spans_ready)
		an_spans_free(&filter->spans);
}

bool an_filter_set_window(struct an_filter *filter, bool end, const char *text, char *message, size_t size)
{
	if (an_when_parse(end ? &filter->to : &filter->from, text))
		return true;
	snprintf(message, size, "'%s' is no point in time, such as 1.5s, @12345 or 2026-11-22T21:00:00Z", text);
	return false;
}

bool an_filter_set_function(struct an_filter *filter, const char *regex, char *message, size_t size)
{
	int rc;
	char why[128];

	if (filter->has_function)
		regfree(&filter->function);
	rc = regcomp(&filter->function, regex, REG_EXTENDED | REG_NOSUB);
	filter->has_function = rc == 0;
	if (rc == 0)
		return true;
	regerror(rc, &filter->function, why, sizeof(why));
	snprintf(message, size, "'%s' is no regular expression: %s", regex, why);
	return false;
}

bool an_filter_set_condition(struct an_filter *filter, const char *text, char *message, size_t size)
{
	struct cond_error error;

	filter->has_condition = cond_parse(&filter->condition, text, &error) == 0;
	if (!filter->has_condition)
		snprintf(message, size, "condition '%s': column %zu: %s", text, error.column, error.message);
	return filter->has_condition;
}

bool an_filter_set_kinds(struct an_filter *filter, const char *names, char *message, size_t size)
{
	for (const char *name = names;; name++) {
		size_t len = strcspn(name, ",");
		int kind;

		for (kind = 1; kind < ETR_KIND_COUNT_; kind++)
			if (strlen(etr_kind_name(kind)) == len && strncasecmp(etr_kind_name(kind), name, len) == 0)
				break;
		if (kind == ETR_KIND_COUNT_) {
			snprintf(message, size, "'%.*s' is no kind of event", (int)len, name);
			return false;
		}
		filter->kinds |= 1u << kind;
		name += len;
		if (!*name)
			return true;
	}
}

bool an_filter_is_empty(const struct an_filter *filter)
{
	return !filter->from.kind && !filter->to.kind && !filter->goroutines.n && !filter->threads.n && !filter->procs.n &&
	       !filter->kinds && !filter->has_function && !filter->has_condition;
}

static int resolve(const struct an_when *when, const struct an_source *source, int64_t *ns)
{
	int64_t wall, since;

	switch (when->kind) {
	case AN_WHEN_NONE:
		break;
	case AN_WHEN_SINCE_START:
		if (__builtin_add_overflow(source->start, when->ns, ns))
			*ns = INT64_MAX;
		break;
	case AN_WHEN_TRACE_CLOCK:
		*ns = when->ns;
		break;
	case AN_WHEN_WALL:
		if (!an_source_wall(source, source->start, &wall))
			return -ETR_E_INVALID;
		if (__builtin_sub_overflow(when->ns, wall, &since) || __builtin_add_overflow(source->start, since, ns))
			*ns = when->ns < wall ? INT64_MIN : INT64_MAX;
	}
	return 0;
}

int an_filter_start(struct an_filter *filter, const struct an_source *source)
{
	int rc;

	filter->from_ns = INT64_MIN;
	filter->to_ns = INT64_MAX;
	rc = resolve(&filter->from, source, &filter->from_ns);
	return rc < 0 ? rc : resolve(&filter->to, source, &filter->to_ns);
}

static bool function_matches(struct an_filter *filter, const struct an_names *names, an_text_id function)
{
	size_t old = filter->by_function_cap;
	uint8_t *verdict;

	if (!function)
		return false;
	if (function >= old) {
		uint8_t *bigger = an_grow(filter->by_function, &filter->by_function_cap, (size_t)function + 1, 1);

		if (!bigger)
			return false;
		filter->by_function = bigger;
		memset(bigger + old, 0, filter->by_function_cap - old);
	}
	verdict = &filter->by_function[function];
	if (!*verdict)
		*verdict = regexec(&filter->function, an_text(names, function, NULL), 0, NULL, 0) == 0 ? 2 : 1;
	return *verdict == 2;
}

bool an_filter_goroutine(struct an_filter *filter, const struct an_names *names, int64_t g, an_text_id function)
{
	if (filter->goroutines.n && !an_id_set_has(&filter->goroutines, g))
		return false;
	return !filter->has_function || function_matches(filter, names, function);
}

bool an_filter_interval(struct an_filter *filter, const struct an_names *names, struct an_interval *interval)
{
	int64_t start = interval->start > filter->from_ns ? interval->start : filter->from_ns;
	int64_t end = interval->end < filter->to_ns ? interval->end : filter->to_ns;

	if (start > end || (start == end && interval->start != interval->end))
		return false;
	if (!an_filter_goroutine(filter, names, interval->id, interval->function))
		return false;
	if (filter->has_condition) {
		struct an_span span = { .kind = an_spans_kind_of_state(interval->state), .start = interval->start,
					.end = interval->end, .name = interval->reason };

		if (!an_span_matches(&span, names, &filter->condition))
			return false;
	}
	interval->start = start;
	interval->end = end;
	return true;
}

bool an_filter_moment(struct an_filter *filter, const struct an_names *names, const struct etr_event *event, an_text_id function)
{
	if (!an_filter_in_window(filter, event->time) || (filter->kinds && !(filter->kinds & 1u << event->kind)))
		return false;
	if (filter->threads.n && !an_id_set_has(&filter->threads, event->m))
		return false;
	if (filter->procs.n && !an_id_set_has(&filter->procs, event->p))
		return false;
	return an_filter_goroutine(filter, names, event->g, function);
}

/* Events. */

static void see_span(void *ctx, const struct an_span *span)
{
	struct an_filter *filter = ctx;

	if (!filter->matched && an_span_matches(span, filter->spans.names, &filter->condition))
		filter->matched = true;
}

/* Follows states, and with a condition everything that lasts. */
static int follow(struct an_filter *filter, struct an_source *source, const struct etr_event *event)
{
	struct an_change change;
	bool changed = event->kind == ETR_KIND_STATE_TRANSITION && event->resource == ETR_RESOURCE_GOROUTINE;
	int rc;

	if (!filter->track) {
		filter->track = true;
		an_states_init(&filter->states, &source->names, ETR_RESOURCE_GOROUTINE, source->start);
	}
	if (filter->has_condition && !filter->spans_ready) {
		filter->spans_ready = true;
		an_spans_init(&filter->spans, &source->names, cond_kinds(&filter->condition), see_span, filter);
	}
	filter->matched = false;
	if (changed) {
		rc = an_states_transition(&filter->states, event, &change);
		if (rc < 0)
			return rc;
	}
	return filter->has_condition ? an_spans_event(&filter->spans, event, changed ? &change : NULL) : 0;
}

/* The goroutine, or processor, that an event tells of beside its context; -1: none. */
static int64_t told(const struct etr_event *event, enum etr_resource resource)
{
	if (event->resource != resource)
		return -1;
	switch (event->kind) {
	case ETR_KIND_STATE_TRANSITION:
		return event->u.transition.id;
	case ETR_KIND_LABEL:
		return event->u.label.id;
	case ETR_KIND_RANGE_BEGIN:
	case ETR_KIND_RANGE_ACTIVE:
	case ETR_KIND_RANGE_END:
		return event->u.range.id;
	}
	return -1;
}

static bool wants_goroutine(struct an_filter *filter, const struct an_names *names, int64_t g)
{
	const struct an_thing *thing;

	if (g == -1)
		return false;
	thing = filter->has_function ? an_states_find(&filter->states, g) : NULL;
	return an_filter_goroutine(filter, names, g, thing ? thing->function : 0);
}

int an_filter_event(struct an_filter *filter, struct an_source *source, const struct etr_event *event)
{
	int64_t g = told(event, ETR_RESOURCE_GOROUTINE), p = told(event, ETR_RESOURCE_PROC);
	bool by_goroutine = filter->goroutines.n || filter->has_function, wanted = true;

	/* A goroutine that ends here is still known before its last event is taken. */
	if (by_goroutine && event->to == ETR_STATE_NOT_EXIST && event->kind == ETR_KIND_STATE_TRANSITION && filter->track)
		wanted = wants_goroutine(filter, &source->names, g) || wants_goroutine(filter, &source->names, event->g);
	if (filter->has_function || filter->has_condition) {
		int rc = follow(filter, source, event);

		if (rc < 0)
			return rc;
	}
	if (!an_filter_in_window(filter, event->time) || (filter->kinds && !(filter->kinds & 1u << event->kind)))
		return 0;
	if (filter->threads.n && !an_id_set_has(&filter->threads, event->m))
		return 0;
	if (filter->procs.n && !an_id_set_has(&filter->procs, event->p) && !an_id_set_has(&filter->procs, p))
		return 0;
	if (by_goroutine && !(event->kind == ETR_KIND_STATE_TRANSITION && event->to == ETR_STATE_NOT_EXIST && filter->track))
		wanted = wants_goroutine(filter, &source->names, event->g) || wants_goroutine(filter, &source->names, g);
	if (!wanted)
		return 0;
	return !filter->has_condition || filter->matched;
}
