/* SPDX-License-Identifier: BSD-3-Clause
 *
 * stattable.c - time by function, goroutine and so on, as tables; the other tables are in statothers.c.
 */
#include "config.h"

#include "analysis/stattable.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/statimpl.h"

static const char *const table_names[AN_STAT_COUNT_] = {
	[AN_STAT_TRACE] = "trace",	 [AN_STAT_STATE] = "state",   [AN_STAT_FUNCTION] = "function",
	[AN_STAT_REASON] = "reason",	 [AN_STAT_LATENCY] = "latency", [AN_STAT_UTILIZATION] = "utilization",
	[AN_STAT_RANGE] = "range",	 [AN_STAT_TASK] = "task",     [AN_STAT_REGION] = "region",
	[AN_STAT_WAIT] = "wait",	 [AN_STAT_SAMPLE] = "sample", [AN_STAT_EVENT] = "event",
};

const char *an_stat_table_name(int which)
{
	return which >= 0 && which < AN_STAT_COUNT_ ? table_names[which] : NULL;
}

/* --- figures of a histogram --------------------------------------------------------------------------------------------- */

static const struct {
	const char *suffix;
	const char *title;
	enum an_cell_kind kind;
} figures[AN_FIGURE_COUNT_] = {
	[AN_FIGURE_COUNT] = { "count", "count", AN_CELL_COUNT }, [AN_FIGURE_NS] = { "ns", "total", AN_CELL_NS },
	[AN_FIGURE_P50] = { "p50_ns", "p50", AN_CELL_NS },	 [AN_FIGURE_P90] = { "p90_ns", "p90", AN_CELL_NS },
	[AN_FIGURE_P99] = { "p99_ns", "p99", AN_CELL_NS },	 [AN_FIGURE_MAX] = { "max_ns", "max", AN_CELL_NS },
};

int64_t an__figure(const struct an_hist *hist, int figure)
{
	switch (figure) {
	case AN_FIGURE_COUNT:
		return (int64_t)hist->count;
	case AN_FIGURE_NS:
		return hist->ns;
	case AN_FIGURE_P50:
		return an_hist_percentile(hist, 0.5);
	case AN_FIGURE_P90:
		return an_hist_percentile(hist, 0.9);
	case AN_FIGURE_P99:
		return an_hist_percentile(hist, 0.99);
	}
	return hist->max;
}

unsigned an__hist_columns(struct an_table *table, const char *prefix, const char *const *titles, const enum an_shown *shown)
{
	unsigned first = table->ncolumns;
	char name[40];

	for (int f = 0; f < AN_FIGURE_COUNT_; f++) {
		snprintf(name, sizeof(name), "%s%s", prefix, figures[f].suffix);
		an_table_column(table, name, titles && titles[f] ? titles[f] : figures[f].title, figures[f].kind,
				shown ? shown[f] : AN_SHOWN_ALWAYS);
	}
	return first;
}

void an__hist_cells(struct an_row *row, unsigned first, const struct an_hist *hist)
{
	for (int f = 0; f < AN_FIGURE_COUNT_; f++)
		if (hist->count || f == AN_FIGURE_COUNT || f == AN_FIGURE_NS)
			an_row_n(row, first + (unsigned)f, an__figure(hist, f));
}

void an__name_cell(const struct an_summary *summary, struct an_row *row, unsigned column, an_text_id name,
		   const char *if_empty)
{
	size_t len;
	const char *text = an_text(summary->names, name, &len);

	if (!len) {
		text = if_empty;
		len = strlen(text);
	}
	an_row_text(row, column, text, len);
}

/* --- groups ------------------------------------------------------------------------------------------------------------- */

/* The states that are tabulated, and what people see of each when time is grouped by threads or processors, and otherwise. */
static const struct {
	int state;
	const char *name;
	const char *titles[AN_FIGURE_COUNT_];
	enum an_shown shown[AN_FIGURE_COUNT_], shown_on_cpu[AN_FIGURE_COUNT_];
} states[] = {
	{ ETR_STATE_RUNNING, "running",
	  { "runs", "running", "run p50", "run p90", "run p99", "run max" },
	  { [AN_FIGURE_NS] = AN_SHOWN_ALWAYS },
	  { [AN_FIGURE_COUNT] = AN_SHOWN_ALWAYS, [AN_FIGURE_NS] = AN_SHOWN_ALWAYS, [AN_FIGURE_P50] = AN_SHOWN_ALWAYS,
	    [AN_FIGURE_P99] = AN_SHOWN_ALWAYS } },
	{ ETR_STATE_RUNNABLE, "runnable",
	  { "scheds", "runnable", "sched p50", "sched p90", "sched p99", "sched max" },
	  { [AN_FIGURE_NS] = AN_SHOWN_ALWAYS, [AN_FIGURE_P99] = AN_SHOWN_IF_WIDE },
	  { 0 } },
	{ ETR_STATE_SYSCALL, "syscall",
	  { "syscalls", "syscall", "sys p50", "sys p90", "sys p99", "sys max" },
	  { [AN_FIGURE_NS] = AN_SHOWN_ALWAYS },
	  { [AN_FIGURE_COUNT] = AN_SHOWN_ALWAYS, [AN_FIGURE_NS] = AN_SHOWN_ALWAYS } },
	{ ETR_STATE_WAITING, "waiting",
	  { "waits", "waiting", "wait p50", "wait p90", "wait p99", "wait max" },
	  { [AN_FIGURE_NS] = AN_SHOWN_ALWAYS, [AN_FIGURE_P50] = AN_SHOWN_IF_WIDER, [AN_FIGURE_P99] = AN_SHOWN_IF_WIDE },
	  { 0 } },
	{ ETR_STATE_UNDETERMINED, "undetermined",
	  { "undet count", "undetermined", "undet p50", "undet p90", "undet p99", "undet max" }, { 0 }, { 0 } },
};

#define NSTATES (sizeof(states) / sizeof(states[0]))

bool an_stat_weigh_parse(struct an_stat_weigh *weigh, const char *key)
{
	*weigh = (struct an_stat_weigh){ .state = -1 };
	if (strcmp(key, "time") == 0 || strcmp(key, "time_ns") == 0)
		return true;
	for (size_t s = 0; s < NSTATES; s++) {
		size_t len = strlen(states[s].name);

		if (strncmp(key, states[s].name, len) != 0)
			continue;
		weigh->state = states[s].state;
		for (int f = 0; f < AN_FIGURE_COUNT_; f++) {
			size_t suffix = strlen(figures[f].suffix);

			weigh->figure = f;
			/* "waiting_p99" as well as "waiting_p99_ns"; "waiting" for "waiting_ns". */
			if (key[len] == '_' && (strcmp(key + len + 1, figures[f].suffix) == 0 ||
						(suffix > 3 && strncmp(key + len + 1, figures[f].suffix, suffix - 3) == 0 &&
						 strlen(key + len + 1) == suffix - 3)))
				return true;
		}
		weigh->figure = AN_FIGURE_NS;
		if (!key[len])
			return true;
	}
	return false;
}

int64_t an_stat_weigh(const struct an_group *group, const void *ctx)
{
	const struct an_stat_weigh *weigh = ctx;

	return weigh->state < 0 ? an_group_time(group) : an__figure(&group->state[weigh->state], weigh->figure);
}

struct group_columns {
	unsigned key, function, goroutines, events, start, end, proc, idle, begun, ended, span, states;
	bool has_goroutines, has_function, has_times, has_proc, has_span;
};

/* The name of what the rows are about stands first. */
static void make_group_columns(struct an_table *table, enum an_by by, struct group_columns *columns)
{
	bool named = by == AN_BY_FUNCTION || by == AN_BY_TASK || by == AN_BY_REGION;
	bool on_cpu = by == AN_BY_THREAD || by == AN_BY_PROC;
	char prefix[24];

	memset(columns, 0, sizeof(*columns));
	table->name = an_by_name(by);
	columns->key = an_table_column(table, table->name, table->name, named ? AN_CELL_TEXT : AN_CELL_NUMBER, AN_SHOWN_ALWAYS);
	if ((columns->has_function = by == AN_BY_GOROUTINE))
		columns->function = an_table_column(table, "function", "function", AN_CELL_TEXT, AN_SHOWN_ALWAYS);
	if ((columns->has_goroutines = by == AN_BY_FUNCTION))
		columns->goroutines = an_table_column(table, "goroutines", "count", AN_CELL_COUNT, AN_SHOWN_ALWAYS);
	if ((columns->has_times = by == AN_BY_GENERATION)) {
		columns->start = an_table_column(table, "start_ns", "start", AN_CELL_NUMBER, AN_SHOWN_NEVER);
		columns->end = an_table_column(table, "duration_ns", "duration", AN_CELL_NS, AN_SHOWN_ALWAYS);
		columns->events = an_table_column(table, "events", "events", AN_CELL_COUNT, AN_SHOWN_ALWAYS);
	}
	if ((columns->has_proc = by == AN_BY_PROC)) {
		columns->proc = an_table_column(table, "busy_ns", "busy", AN_CELL_NS, AN_SHOWN_ALWAYS);
		columns->idle = an_table_column(table, "idle_ns", "idle", AN_CELL_NS, AN_SHOWN_ALWAYS);
	}
	if ((columns->has_span = by == AN_BY_TASK || by == AN_BY_REGION)) {
		static const enum an_shown shown[] = { AN_SHOWN_ALWAYS, AN_SHOWN_NEVER, AN_SHOWN_ALWAYS,
						       AN_SHOWN_NEVER,	AN_SHOWN_ALWAYS, AN_SHOWN_IF_WIDE };

		columns->begun = an_table_column(table, "begun", "begun", AN_CELL_COUNT, AN_SHOWN_NEVER);
		columns->ended = an_table_column(table, "ended", "ended", AN_CELL_COUNT, AN_SHOWN_NEVER);
		columns->span = an__hist_columns(table, "", NULL, shown);
	}
	columns->states = table->ncolumns;
	for (size_t s = 0; s < NSTATES; s++) {
		snprintf(prefix, sizeof(prefix), "%s_", states[s].name);
		an__hist_columns(table, prefix, states[s].titles, on_cpu ? states[s].shown_on_cpu : states[s].shown);
	}
}

static void fill_group(const struct an_summary *summary, struct an_row *row, const struct an_group *group, enum an_by by,
		       const struct group_columns *columns)
{
	const struct an_map *spans = by == AN_BY_TASK ? &summary->tasks : &summary->regions;
	bool named = by == AN_BY_FUNCTION || by == AN_BY_TASK || by == AN_BY_REGION;
	an_text_id name = group->other ? summary->other_name : (an_text_id)group->key;

	row->last = group->other;
	if (named)
		an__name_cell(summary, row, columns->key, name, by == AN_BY_FUNCTION ? "(unknown)" : "(none)");
	else if (!group->other)
		an_row_n(row, columns->key, (int64_t)group->key);
	if (columns->has_function)
		an__name_cell(summary, row, columns->function, group->other ? summary->other_name : group->function, "(unknown)");
	if (columns->has_goroutines)
		an_row_n(row, columns->goroutines, (int64_t)group->goroutines);
	if (columns->has_times) {
		an_row_n(row, columns->start, group->start);
		an_row_n(row, columns->end, group->end - group->start);
		an_row_n(row, columns->events, (int64_t)group->events);
	}
	if (columns->has_proc) {
		an_row_n(row, columns->proc, group->proc_ns);
		an_row_n(row, columns->idle, group->state[ETR_STATE_IDLE].ns);
	}
	if (columns->has_span) {
		const struct an_span_total *span = name ? an_map_find(spans, &(uint64_t){ name }) : NULL;

		if (span) {
			an_row_n(row, columns->begun, (int64_t)span->begun);
			an_row_n(row, columns->ended, (int64_t)span->ended);
			an__hist_cells(row, columns->span, &span->time);
		}
	}
	for (size_t s = 0; s < NSTATES; s++)
		an__hist_cells(row, columns->states + (unsigned)s * AN_FIGURE_COUNT_, &group->state[states[s].state]);
}

/* Types of tasks and regions that no goroutine spent time in. */
static void add_unvisited(const struct an_summary *summary, struct an_table *table, enum an_by by,
			  const struct group_columns *columns)
{
	const struct an_map *spans = by == AN_BY_TASK ? &summary->tasks : &summary->regions;
	const uint64_t *key;
	void *value;

	for (size_t pos = 0; an_map_each(spans, &pos, &key, &value);) {
		struct an_group empty = { .key = *key };
		struct an_row *row;

		if (an_map_find(&summary->extra.map, key) || (*key == summary->other_name && summary->extra.other))
			continue;
		row = an_table_row(table);
		if (row)
			fill_group(summary, row, &empty, by, columns);
	}
}

int an__group_table(const struct an_summary *summary, enum an_by by, struct an_table *table)
{
	bool goroutines = by == AN_BY_FUNCTION || by == AN_BY_GOROUTINE;
	const struct an_groups *groups = by == AN_BY_FUNCTION ? &summary->functions : &summary->extra;
	struct group_columns columns;
	const struct an_group *group;

	make_group_columns(table, by, &columns);
	for (size_t pos = 0; (group = an_groups_each(groups, &pos));) {
		struct an_row *row = goroutines && an_group_is_empty(group) ? NULL : an_table_row(table);

		if (row)
			fill_group(summary, row, group, by, &columns);
	}
	if (columns.has_span)
		add_unvisited(summary, table, by, &columns);
	if (by == AN_BY_THREAD || by == AN_BY_PROC || by == AN_BY_GENERATION)
		an_table_sort(table, columns.key);
	else if (columns.has_span)
		an_table_sort(table, columns.span + AN_FIGURE_NS);
	else
		an_table_sort(table, columns.states + AN_FIGURE_NS);
	return table->oom ? -ETR_E_NOMEM : 0;
}

bool an_stat_table_sort(struct an_table *table, const char *key)
{
	char name[48];
	int column = strcmp(key, "name") == 0 ? 0 : an_table_find(table, key);

	if (column < 0 && strcmp(key, "count") == 0)
		column = an_table_find(table, "goroutines");
	if (column < 0) {
		snprintf(name, sizeof(name), "%s_ns", strcmp(key, "total") == 0 ? "" : key);
		column = an_table_find(table, *name == '_' ? name + 1 : name);
	}
	if (column < 0)
		return false;
	an_table_sort(table, (unsigned)column);
	/* Those that nobody sees otherwise are not made for people's eyes if they are no integers. */
	if (table->columns[column].kind != AN_CELL_REAL)
		table->columns[column].shown = AN_SHOWN_ALWAYS;
	return true;
}
