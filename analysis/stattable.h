/* SPDX-License-Identifier: BSD-3-Clause
 *
 * stattable.h - the figures of a summary as tables.
 */
#ifndef ANALYSIS_STATTABLE_H
#define ANALYSIS_STATTABLE_H

#include "analysis/summary.h"
#include "analysis/table.h"

enum an_stat_table {
	AN_STAT_TRACE,		/* one row for the whole */
	AN_STAT_STATE,		/* goroutines and processors by state */
	AN_STAT_FUNCTION,	/* time by the function that goroutines started in */
	AN_STAT_BY,		/* time by what options.by says; its name is that word */
	AN_STAT_REASON,
	AN_STAT_LATENCY,	/* histograms: scheduling, syscalls, blocked */
	AN_STAT_UTILIZATION,	/* over time */
	AN_STAT_RANGE,
	AN_STAT_TASK,
	AN_STAT_REGION,
	AN_STAT_WAIT,		/* the longest, with stacks */
	AN_STAT_SAMPLE,
	AN_STAT_EVENT,		/* wire events */
	AN_STAT_COUNT_
};

/* How figures are to be shown. */
struct an_stat_view {
	unsigned width;		/* characters in a line */
	bool utf8;
	bool all;		/* all sections, with more rows */
	bool by_only;		/* the table that options.by says was asked for: people see nothing else */
	long top;		/* rows of each table; 0: all; -1: as each section has it */
	const char *sort;	/* column of tables by function and so on; NULL: their own */
};

/* The word for a table, "trace" and so on; NULL for AN_STAT_BY, and a number that is none. */
const char *an_stat_table_name(int which);

/*
 * Fills a table, which the caller frees; it must not outlive the summary.  It is sorted: by time where that makes sense.  file
 * is the trace's name, for AN_STAT_TRACE.  Return: 0 or -ETR_E_NOMEM.
 */
int an_stat_table(const struct an_summary *summary, enum an_stat_table which, const char *file, struct an_table *table);

/* Adds a row for a summary to a table of AN_STAT_TRACE. */
int an_stat_trace_row(const struct an_summary *summary, const char *file, struct an_table *table);

/*
 * Sorts by a column's name, or its short form: "running" for running_ns, "p99" for p99_ns, "name" for the first column; people
 * then see that column.  False: there is no such column.
 */
bool an_stat_table_sort(struct an_table *table, const char *key);

/* What a row of a group would have in a column: to choose which goroutines to keep.  False: no such column. */
struct an_stat_weigh {
	int state;		/* enum etr_state, -1: all time */
	int figure;
};
bool an_stat_weigh_parse(struct an_stat_weigh *weigh, const char *key);
int64_t an_stat_weigh(const struct an_group *group, const void *weigh);

/* A stack as text, "func:line < func:line", leaf first, at most `most` frames; malloc'ed, NULL when out of memory. */
char *an_stat_stack_text(const struct an_names *names, an_stack_id stack, size_t most, bool skip_plumbing);

#endif
