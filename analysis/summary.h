/* SPDX-License-Identifier: BSD-3-Clause
 *
 * summary.h - the figures of a whole trace, or of what a filter leaves of it.
 */
#ifndef ANALYSIS_SUMMARY_H
#define ANALYSIS_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "analysis/filter.h"
#include "analysis/group.h"
#include "analysis/hist.h"
#include "analysis/series.h"
#include "analysis/source.h"
#include "analysis/states.h"
#include "analysis/timeline.h"

/* What goroutines' time can be grouped by. */
enum an_by {
	AN_BY_FUNCTION,		/* that they started in */
	AN_BY_GOROUTINE,
	AN_BY_THREAD,		/* that they ran on */
	AN_BY_PROC,
	AN_BY_REASON,		/* for which they waited or became runnable */
	AN_BY_TASK,		/* the type of that of the innermost region they are in */
	AN_BY_REGION,		/* the type of the innermost one they are in */
	AN_BY_GENERATION,
	AN_BY_COUNT_
};

/* "function" and so on; NULL for a number that is none. */
const char *an_by_name(int by);

struct an_summary_options {
	enum an_by by;
	size_t keep;		/* rows, where there may be more than fit: the heaviest; 0: AN_GROUPS_MAX */
	unsigned longest;	/* long waits to keep, at most AN_LONGEST */
	int64_t (*weigh)(const struct an_group *group, const void *ctx);	/* what makes a goroutine heavy; NULL: its time */
	const void *weigh_ctx;
	bool series;		/* for comparing */
	struct an_filter *filter;	/* what counts; started when the first event is taken.  The caller's; NULL: everything */
};

#define AN_LONGEST 100

/* What a summary remembers of the names and stacks in a file; what is new beyond is "(other)". */
#define AN_SUMMARY_TEXTS 262144
#define AN_SUMMARY_TEXT_BYTES 33554432
#define AN_SUMMARY_STACKS 131072

struct an_state_total {
	int64_t ns, open_ns;	/* open_ns is part of ns: intervals cut off by the end */
	uint64_t entered, counted;	/* transitions into it; intervals */
};

/* What tasks and regions have: those that begin, those that end, and the time of those that do both. */
struct an_span_total {
	uint64_t begun, ended;
	struct an_hist time;
};

/* Of a reason. */
struct an_reason {
	an_text_id name;
	struct an_hist waiting, runnable;
};

/* A wait that was long, the longest of its place, and who ended it. */
struct an_long_wait {
	int64_t g, ns, start;
	an_text_id reason, function;
	an_stack_id stack, waker_stack;
	int64_t waker;		/* -1: none known */
};

/* Ids that occurred: a bit for each, in words of 64 that lie next to each other. */
struct an_ids {
	struct an_map words;
	uint64_t n;
	int64_t recent[256];	/* some of those that did last, by their low bits; -1, which is no id, for none */
};

/* What is told of the trace as a whole, once it is read. */
struct an_head {
	uint64_t files;		/* merged into this */
	int version;
	uint64_t bytes, generations, events;
	int64_t start, end;	/* of the trace, or of the window */
	int64_t duration;	/* of several: together */
	uint64_t goroutines, procs, threads;
	uint64_t wire_counts[256], wire_bytes[256];
	bool windowed;		/* then the wire counts are those of all that was read */
};

struct an_goroutine;

struct an_summary {
	struct an_source *source;	/* the caller's; NULL for a merged one */
	struct an_names *names;		/* the source's, or own_names */
	struct an_names own_names;
	struct an_summary_options options;
	bool begun, over;		/* over: nothing that follows can count */
	bool plain;			/* everything counts, and only for functions and reasons */
	bool cut;			/* not all of the file's time counts */
	int64_t from, to;		/* what of it counts: the window that was asked for, within that of a slice */
	struct an_filter *some;		/* options.filter if not all goroutines count, else NULL */
	struct an_filter *condition;	/* likewise, if not all stays do */
	struct an_head head;

	uint64_t events;		/* that count */
	uint64_t kinds[ETR_KIND_COUNT_];
	struct an_ids gs_seen, ps_seen, ms_seen;

	/* Goroutines that exist, by id; a few thousand also at the low bits of their id. */
	struct an_map gs;		/* id -> struct an_goroutine *, owned */
	struct an_goroutine **recent;
	uint64_t learned;		/* what of source->past.learned was taken */
	size_t unknown;			/* behind the window: those whose function is not known yet */
	struct an_states ps;
	struct an_state_total g_states[ETR_STATE_COUNT_], p_states[ETR_STATE_COUNT_];

	/* By reason; by_string is a cache of the generation, by the reader's string id. */
	struct an_map reasons;		/* text -> struct an_reason *, owned */
	struct an_reason **by_string;
	size_t by_string_cap;
	struct an_reason *from_state[ETR_STATE_COUNT_];	/* "(from STATE)" */
	struct an_reason *other_reason;

	/* Time that plain accounting calls Undetermined, but in which a goroutine waited or was in a syscall. */
	int64_t known_ns[ETR_STATE_COUNT_];

	struct an_groups functions;	/* by text */
	struct an_groups extra;		/* by options.by, where that is something else */
	struct an_group *generation;	/* the present one, where options.by says so */

	struct an_map ranges;		/* name -> struct an_hist */
	struct an_map open_ranges;	/* scope, id, name -> when it began */
	uint64_t gc_cycles;
	an_text_id gc_name, gc_mark_name, other_name;

	struct an_map tasks, regions;	/* type -> struct an_span_total */
	struct an_map open_tasks;	/* id -> when it began */
	struct an_map samples;		/* leaf function -> count of CPU samples */

	struct an_timeline timeline;
	struct an_series_clock clock;

	struct an_long_wait longest[AN_LONGEST];	/* longest first */
	unsigned nlongest;
	int64_t *places;		/* by stack: the longest wait there so far, -1 for none */
	size_t nplaces, places_cap;

	uint64_t max_procs, max_heap;	/* what metrics said at most; 0: nothing */
	an_text_id procs_metric, heap_metric;
};

/* The source must outlive the summary.  Return: 0 or -ETR_E_NOMEM. */
int an_summary_init(struct an_summary *summary, struct an_source *source, const struct an_summary_options *options);
void an_summary_free(struct an_summary *summary);

/*
 * Takes an event that the source gave, before the next ones are asked for.  Return: 1, 0 when nothing that follows can
 * count, or -ETR_E_NOMEM.
 */
int an_summary_event(struct an_summary *summary, const struct etr_event *event);

/* The same for n events, which an_source_next_events() gave. */
int an_summary_events(struct an_summary *summary, const struct etr_event *events, int n);

/* The trace has ended, well or badly, or the window has.  Return: 0 or -ETR_E_NOMEM. */
int an_summary_finish(struct an_summary *summary);

/* An empty summary without a source, to merge finished ones into.  Return: 0 or -ETR_E_NOMEM. */
int an_summary_init_merged(struct an_summary *summary, const struct an_summary_options *options);
int an_summary_merge(struct an_summary *to, const struct an_summary *from);

/* All durations of one kind, over reasons or functions.  *hist is zeroed first; the caller frees it. */
int an_summary_scheduling(const struct an_summary *summary, struct an_hist *hist);
int an_summary_blocked(const struct an_summary *summary, struct an_hist *hist);
int an_summary_syscalls(const struct an_summary *summary, struct an_hist *hist);

/*
 * Prints what an_summary_finish() completed.  failed: the reader's code that ended the trace, 0 for a good end.  view: which table
 * by what was asked for, how it is sorted and how many rows it has; NULL: none was.  Return: 0 or -ETR_E_NOMEM.
 */
struct an_stat_view;
int an_summary_print_json(const struct an_summary *summary, const char *file, int failed, const struct an_stat_view *view,
			  FILE *out);

#endif
