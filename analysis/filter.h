/* SPDX-License-Identifier: BSD-3-Clause
 *
 * filter.h - which part of a trace is meant: a window, goroutines, threads, processors, kinds of events, start functions and
 * conditions.  All that is given must hold.
 *
 * There are two kinds of users.
 *
 * Those that look at events (trace-print) ask an_filter_event(): an event is taken when it lies in the window, is of a kind that
 * is wanted, and is about a goroutine, thread and processor that is wanted: the one of its context, or the one whose state or
 * range it tells.  With a condition only those events are taken that end an interval of which it is true.
 *
 * Those that look at intervals (trace-stat, trace-pprof) ask an_filter_interval() when one ended: it is taken when its goroutine
 * is wanted and the condition is true of its whole length; what lies outside the window is cut off.  Events that are no interval
 * (samples, logs) are a matter for an_filter_moment().
 *
 * Everything is decided in one pass, when the event or the end of the interval comes.  The function that a goroutine started in
 * is the root of the first stack that is known of it, so with --function nothing of a goroutine is taken until there
 * was one: in most traces that is its creation, or its first event in a generation.
 */
#ifndef ANALYSIS_FILTER_H
#define ANALYSIS_FILTER_H

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

#include "analysis/source.h"
#include "analysis/spans.h"
#include "analysis/states.h"
#include "analysis/window.h"
#include "cond/cond.h"

/* Ids as users write them: "7", "3,9,20..40", "..5", "100..". */
struct an_id_set {
	struct an_id_range {
		int64_t first, last;	/* both included */
	} *ranges;
	size_t n, cap;
};

/* False: text is no such list (or there is no memory).  What is parsed adds to what the set holds. */
bool an_id_set_parse(struct an_id_set *set, const char *text);
bool an_id_set_has(const struct an_id_set *set, int64_t id);

struct an_filter {
	/* What was asked for; empty sets and 0 mean anything. */
	struct an_when from, to;	/* the window begins at from and ends before to */
	struct an_id_set goroutines, threads, procs;
	uint32_t kinds;			/* bits 1 << enum etr_kind */
	bool has_function, has_condition;
	regex_t function;
	struct cond condition;

	/* What that means in the trace at hand; set by an_filter_start(). */
	int64_t from_ns, to_ns;		/* INT64_MIN and INT64_MAX where nothing was asked for */
	uint8_t *by_function;		/* per an_text_id: 0 not looked at, 1 no match, 2 match */
	size_t by_function_cap;
	bool track;			/* goroutines' functions, or intervals, must be followed for an_filter_event() */
	struct an_states states;	/* with track: of goroutines */
	struct an_spans spans;		/* likewise */
	bool spans_ready, matched;
};

/* An empty filter takes everything. */
void an_filter_init(struct an_filter *filter);
void an_filter_free(struct an_filter *filter);

/* Options as written.  False, with message filled in with what is wrong, for what cannot be understood. */
bool an_filter_set_window(struct an_filter *filter, bool end, const char *text, char *message, size_t size);
bool an_filter_set_function(struct an_filter *filter, const char *regex, char *message, size_t size);
bool an_filter_set_condition(struct an_filter *filter, const char *text, char *message, size_t size);
bool an_filter_set_kinds(struct an_filter *filter, const char *names, char *message, size_t size);

/* Whether it takes everything. */
bool an_filter_is_empty(const struct an_filter *filter);

/*
 * To be called when the trace's first event, a Sync, was delivered by source.  Return: 0; -ETR_E_NOMEM; -ETR_E_INVALID when the
 * window is given in wall time and the trace has no clock that says what that is.
 */
int an_filter_start(struct an_filter *filter, const struct an_source *source);

/* Makes the window smaller, until the next trace starts. */
static inline void an_filter_narrow(struct an_filter *filter, int64_t from, int64_t to)
{
	if (filter->from_ns < from)
		filter->from_ns = from;
	if (filter->to_ns > to)
		filter->to_ns = to;
}

/* Events after which no later one can be taken: reading may end. */
static inline bool an_filter_is_past(const struct an_filter *filter, int64_t time)
{
	return time >= filter->to_ns;
}

static inline bool an_filter_in_window(const struct an_filter *filter, int64_t time)
{
	return time >= filter->from_ns && time < filter->to_ns;
}

/*
 * Whether an event is taken: 1 or 0; -ETR_E_NOMEM.  Every event of the trace must be shown, in order, also those outside the
 * window, since what is open is followed through all of them.
 */
int an_filter_event(struct an_filter *filter, struct an_source *source, const struct etr_event *event);

/* Whether a goroutine is wanted, by its id and the function it started in (0: not known). */
bool an_filter_goroutine(struct an_filter *filter, const struct an_names *names, int64_t g, an_text_id function);

/*
 * Whether an interval of a goroutine is taken; if so, start and end are cut to the window.  An interval that only touches the
 * window is taken with no length only if it had none.
 */
bool an_filter_interval(struct an_filter *filter, const struct an_names *names, struct an_interval *interval);

/* Whether something at a moment is taken, from its context alone: window, kind, goroutine, thread, processor. */
bool an_filter_moment(struct an_filter *filter, const struct an_names *names, const struct etr_event *event, an_text_id function);

#endif
