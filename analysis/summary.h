/* SPDX-License-Identifier: BSD-3-Clause
 *
 * summary.h - the figures of a whole trace.
 */
#ifndef ANALYSIS_SUMMARY_H
#define ANALYSIS_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "analysis/hist.h"
#include "analysis/source.h"
#include "analysis/states.h"

#define AN_LONGEST 10

struct an_state_total {
	int64_t ns, open_ns;	/* open_ns is part of ns: intervals cut off by the trace's end */
	uint64_t entered, counted;	/* transitions into it; intervals */
};

/* What tasks and regions have: those that begin, those that end, and the time of those that do both. */
struct an_span_total {
	uint64_t begun, ended;
	struct an_hist time;
};

/* Of all goroutines that started in one function. */
struct an_function_total {
	uint64_t goroutines;
	int64_t ns[ETR_STATE_COUNT_];	/* Undetermined: what is not known to be another */
};

/* A wait that was long, and who ended it. */
struct an_long_wait {
	int64_t g, ns, start;
	an_text_id reason, function;
	an_stack_id stack, waker_stack;
	int64_t waker;		/* -1: none known */
};

/* Ids that occurred, and some of those that did last: most ids of an event are among them. */
#define AN_RECENT 256
struct an_ids {
	struct an_map set;
	int64_t recent[AN_RECENT];	/* by their low bits; -1, which is no id, for none */
};

struct an_summary {
	struct an_source *source;	/* the caller's */
	bool begun;

	uint64_t kinds[ETR_KIND_COUNT_];
	struct an_ids gs_seen, ps_seen, ms_seen;

	struct an_states gs, ps;
	struct an_state_total g_states[ETR_STATE_COUNT_], p_states[ETR_STATE_COUNT_];
	struct an_map waiting, runnable;	/* reason -> struct an_hist */
	struct an_hist syscalls;

	/* Time that plain accounting calls Undetermined, but in which a goroutine waited or was in a syscall. */
	int64_t known_ns[ETR_STATE_COUNT_];
	uint64_t known[ETR_STATE_COUNT_];

	struct an_map ranges;		/* name -> struct an_hist */
	struct an_map open_ranges;	/* scope, id, name -> when it began */
	uint64_t gc_cycles;
	an_text_id gc_name;

	struct an_map tasks, regions;	/* type -> struct an_span_total */
	struct an_map open_tasks;	/* id -> when it began */
	struct an_map open_regions;	/* G -> struct of those that are open */
	struct an_map functions;	/* name -> struct an_function_total */

	struct an_long_wait longest[AN_LONGEST];	/* longest first */
	unsigned nlongest;

	uint64_t max_procs, max_heap;	/* what metrics said at most; 0: nothing */
	an_text_id procs_metric, heap_metric;
};

/* The source must outlive the summary.  Return: 0 or -ETR_E_NOMEM. */
int an_summary_init(struct an_summary *summary, struct an_source *source);
void an_summary_free(struct an_summary *summary);

/* Takes an event that an_source_next() gave, before the next one is asked for.  Return: 0 or -ETR_E_NOMEM. */
int an_summary_event(struct an_summary *summary, const struct etr_event *event);

/* The trace has ended, well or badly.  Return: 0 or -ETR_E_NOMEM. */
int an_summary_finish(struct an_summary *summary);

/* The keys of a map from texts, in the order of the texts or of what weigh() gives, heaviest first.  The caller frees *rows. */
struct an_row {
	an_text_id name;
	const void *value;
	int64_t weight;
};
int an_summary_rows(const struct an_summary *summary, const struct an_map *map, int64_t (*weigh)(const void *value),
		    struct an_row **rows, size_t *n);

/* Both print what an_summary_finish() completed.  failed: the reader's code that ended the trace, 0 for a good end. */
int an_summary_print_json(const struct an_summary *summary, const char *file, int failed, FILE *out);
int an_summary_print_text(const struct an_summary *summary, const char *file, int failed, FILE *out);

#endif
