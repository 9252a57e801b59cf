/* SPDX-License-Identifier: BSD-3-Clause
 *
 * statothers.c - the tables of a summary that are not about groups of goroutines.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <exectrace/raw.h>

#include "analysis/statimpl.h"

/* --- the whole ---------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name, *title;
	enum an_cell_kind kind;
	enum an_shown shown;
} trace_columns[] = {
	{ "trace", "trace", AN_CELL_TEXT, AN_SHOWN_ALWAYS },
	{ "version", "version", AN_CELL_TEXT, AN_SHOWN_NEVER },
	{ "bytes", "size", AN_CELL_BYTES, AN_SHOWN_IF_WIDE },
	{ "generations", "generations", AN_CELL_COUNT, AN_SHOWN_NEVER },
	{ "events", "events", AN_CELL_COUNT, AN_SHOWN_ALWAYS },
	{ "start_ns", "start", AN_CELL_NUMBER, AN_SHOWN_NEVER },
	{ "duration_ns", "duration", AN_CELL_NS, AN_SHOWN_ALWAYS },
	{ "goroutines", "goroutines", AN_CELL_COUNT, AN_SHOWN_NEVER },
	{ "procs", "procs", AN_CELL_COUNT, AN_SHOWN_NEVER },
	{ "threads", "threads", AN_CELL_COUNT, AN_SHOWN_NEVER },
	{ "running_ns", "running", AN_CELL_NS, AN_SHOWN_ALWAYS },
	{ "runnable_ns", "runnable", AN_CELL_NS, AN_SHOWN_ALWAYS },
	{ "runnable_p50_ns", "sched p50", AN_CELL_NS, AN_SHOWN_NEVER },
	{ "runnable_p99_ns", "sched p99", AN_CELL_NS, AN_SHOWN_ALWAYS },
	{ "syscall_ns", "syscall", AN_CELL_NS, AN_SHOWN_ALWAYS },
	{ "syscall_p99_ns", "sys p99", AN_CELL_NS, AN_SHOWN_NEVER },
	{ "waiting_ns", "waiting", AN_CELL_NS, AN_SHOWN_ALWAYS },
	{ "waiting_p50_ns", "wait p50", AN_CELL_NS, AN_SHOWN_NEVER },
	{ "waiting_p99_ns", "wait p99", AN_CELL_NS, AN_SHOWN_IF_WIDE },
	{ "gc_cycles", "gcs", AN_CELL_COUNT, AN_SHOWN_ALWAYS },
	{ "cpu_samples", "samples", AN_CELL_COUNT, AN_SHOWN_NEVER },
};

int an_stat_trace_row(const struct an_summary *summary, const char *file, struct an_table *table)
{
	const struct an_head *head = &summary->head;
	struct an_hist sched = { 0 }, syscalls = { 0 }, blocked = { 0 };
	struct an_row *row = an_table_row(table);
	char version[32];
	int rc;

	if (!row)
		return -ETR_E_NOMEM;
	rc = an_summary_scheduling(summary, &sched);
	if (rc == 0)
		rc = an_summary_syscalls(summary, &syscalls);
	if (rc == 0)
		rc = an_summary_blocked(summary, &blocked);
	snprintf(version, sizeof(version), "go 1.%d", head->version);
	const char *kept = an_table_keep(table, strdup(version)), *name = an_table_keep(table, strdup(file));
	const int64_t values[] = {
		0, 0, (int64_t)head->bytes, (int64_t)head->generations, (int64_t)head->events, head->start, head->duration,
		(int64_t)head->goroutines, (int64_t)head->procs, (int64_t)head->threads,
		summary->g_states[ETR_STATE_RUNNING].ns, summary->g_states[ETR_STATE_RUNNABLE].ns,
		an_hist_percentile(&sched, 0.5), an_hist_percentile(&sched, 0.99), summary->g_states[ETR_STATE_SYSCALL].ns,
		an_hist_percentile(&syscalls, 0.99), summary->g_states[ETR_STATE_WAITING].ns, an_hist_percentile(&blocked, 0.5),
		an_hist_percentile(&blocked, 0.99), (int64_t)summary->gc_cycles,
		(int64_t)summary->kinds[ETR_KIND_STACK_SAMPLE],
	};
	_Static_assert(sizeof(values) / sizeof(values[0]) == sizeof(trace_columns) / sizeof(trace_columns[0]), "a value each");

	an_row_text(row, 0, name, strlen(name));
	if (head->version > 0)
		an_row_text(row, 1, kept, strlen(kept));
	for (unsigned i = 2; i < sizeof(values) / sizeof(values[0]); i++)
		an_row_n(row, i, values[i]);
	an_hist_free(&sched);
	an_hist_free(&syscalls);
	an_hist_free(&blocked);
	return rc < 0 || table->oom ? -ETR_E_NOMEM : 0;
}

static int trace_table(const struct an_summary *summary, const char *file, struct an_table *table)
{
	for (size_t i = 0; i < sizeof(trace_columns) / sizeof(trace_columns[0]); i++)
		an_table_column(table, trace_columns[i].name, trace_columns[i].title, trace_columns[i].kind,
				trace_columns[i].shown);
	return file ? an_stat_trace_row(summary, file, table) : 0;
}

/* --- states and reasons ------------------------------------------------------------------------------------------------- */

static void state_rows(const struct an_summary *summary, bool goroutines, struct an_table *table)
{
	const struct an_state_total *totals = goroutines ? summary->g_states : summary->p_states;
	int64_t sum = 0, moved = 0;

	for (int s = 0; s < ETR_STATE_COUNT_; s++) {
		sum += totals[s].ns;
		moved += goroutines ? summary->known_ns[s] : 0;
	}
	for (int s = 0; s < ETR_STATE_COUNT_; s++) {
		const char *what = goroutines ? "goroutine" : "proc", *state = etr_state_name(s);
		struct an_row *row;

		if (!totals[s].counted && !totals[s].ns && !totals[s].entered)
			continue;
		row = an_table_row(table);
		if (!row)
			return;
		an_row_text(row, 0, what, strlen(what));
		an_row_text(row, 1, state, strlen(state));
		an_row_n(row, 2, totals[s].ns);
		an_row_real(row, 3, sum ? (double)totals[s].ns / (double)sum : 0);
		an_row_n(row, 4, totals[s].open_ns);
		an_row_n(row, 5, (int64_t)totals[s].entered);
		if (goroutines)
			an_row_n(row, 6, totals[s].ns + summary->known_ns[s] - (s == ETR_STATE_UNDETERMINED ? moved : 0));
	}
}

static int state_table(const struct an_summary *summary, struct an_table *table)
{
	an_table_column(table, "what", "of", AN_CELL_TEXT, AN_SHOWN_ALWAYS);
	an_table_column(table, "state", "state", AN_CELL_TEXT, AN_SHOWN_ALWAYS);
	an_table_column(table, "ns", "time", AN_CELL_NS, AN_SHOWN_ALWAYS);
	an_table_column(table, "share", "share", AN_CELL_REAL, AN_SHOWN_ALWAYS);
	an_table_column(table, "open_ns", "open", AN_CELL_NS, AN_SHOWN_ALWAYS);
	an_table_column(table, "entered", "entered", AN_CELL_COUNT, AN_SHOWN_ALWAYS);
	an_table_column(table, "known_ns", "as known", AN_CELL_NS, AN_SHOWN_ALWAYS);
	state_rows(summary, true, table);
	state_rows(summary, false, table);
	return 0;
}

static void reason_row(const struct an_summary *summary, struct an_table *table, const char *state, an_text_id name,
		       const struct an_hist *hist)
{
	struct an_row *row = hist->count || hist->ns ? an_table_row(table) : NULL;

	if (!row)
		return;
	an__name_cell(summary, row, 0, name, "(none)");
	an_row_text(row, 1, state, strlen(state));
	an__hist_cells(row, 2, hist);
	row->last = name == summary->other_name;
}

static int reason_table(const struct an_summary *summary, struct an_table *table)
{
	const uint64_t *key;
	void *value;

	an_table_column(table, "reason", "reason", AN_CELL_TEXT, AN_SHOWN_ALWAYS);
	an_table_column(table, "state", "state", AN_CELL_TEXT, AN_SHOWN_ALWAYS);
	an__hist_columns(table, "", NULL, NULL);
	for (size_t pos = 0; an_map_each(&summary->reasons, &pos, &key, &value);) {
		const struct an_reason *reason = *(struct an_reason **)value;

		reason_row(summary, table, "Waiting", reason->name, &reason->waiting);
		reason_row(summary, table, "Runnable", reason->name, &reason->runnable);
	}
	an_table_sort(table, 2 + AN_FIGURE_NS);
	return 0;
}

/* --- durations, and time ------------------------------------------------------------------------------------------------ */

static void latency_rows(struct an_table *table, const char *what, const struct an_hist *hist)
{
	uint64_t counts[AN_HIST_BUCKETS] = { 0 };

	an_hist_counts(hist, counts);
	for (unsigned b = 0; b < AN_HIST_BUCKETS; b++) {
		struct an_row *row = counts[b] ? an_table_row(table) : NULL;

		if (!row)
			continue;
		an_row_text(row, 0, what, strlen(what));
		an_row_n(row, 1, b ? an_hist_bucket_end(b - 1) + 1 : 0);
		an_row_n(row, 2, an_hist_bucket_end(b));
		an_row_n(row, 3, (int64_t)counts[b]);
	}
}

static int latency_table(const struct an_summary *summary, struct an_table *table)
{
	static const struct {
		const char *what;
		int (*sum)(const struct an_summary *summary, struct an_hist *hist);
	} kinds[] = {
		{ "scheduling", an_summary_scheduling }, { "syscall", an_summary_syscalls }, { "blocked", an_summary_blocked }
	};

	an_table_column(table, "what", "of", AN_CELL_TEXT, AN_SHOWN_ALWAYS);
	an_table_column(table, "least_ns", "from", AN_CELL_NS, AN_SHOWN_ALWAYS);
	an_table_column(table, "most_ns", "to", AN_CELL_NS, AN_SHOWN_ALWAYS);
	an_table_column(table, "count", "count", AN_CELL_COUNT, AN_SHOWN_ALWAYS);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct an_hist hist;
		int rc = kinds[i].sum(summary, &hist);

		if (rc == 0)
			latency_rows(table, kinds[i].what, &hist);
		an_hist_free(&hist);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int utilization_table(const struct an_summary *summary, struct an_table *table)
{
	static const char *const names[AN_LEVEL_COUNT_] = {
		[AN_LEVEL_RUNNING] = "goroutines_running", [AN_LEVEL_RUNNABLE] = "goroutines_runnable",
		[AN_LEVEL_PROCS] = "procs_running", [AN_LEVEL_GC] = "collecting"
	};
	const struct an_timeline *timeline = &summary->timeline;

	an_table_column(table, "start_ns", "start", AN_CELL_NUMBER, AN_SHOWN_ALWAYS);
	an_table_column(table, "duration_ns", "duration", AN_CELL_NS, AN_SHOWN_ALWAYS);
	for (int level = 0; level < AN_LEVEL_COUNT_; level++)
		an_table_column(table, names[level], names[level], AN_CELL_REAL, AN_SHOWN_ALWAYS);
	for (int64_t b = 0; summary->begun && b < AN_TIMELINE_BUCKETS; b++) {
		int64_t start = timeline->origin + b * timeline->width, ns = summary->head.end - start;
		struct an_row *row = ns > 0 ? an_table_row(table) : NULL;

		if (!row)
			break;
		ns = ns < timeline->width ? ns : timeline->width;
		an_row_n(row, 0, start);
		an_row_n(row, 1, ns);
		for (unsigned level = 0; level < AN_LEVEL_COUNT_; level++)
			an_row_real(row, 2 + level, (double)timeline->area[b][level] / (double)ns);
	}
	return 0;
}

/* --- ranges, tasks, regions --------------------------------------------------------------------------------------------- */

static int range_table(const struct an_summary *summary, struct an_table *table)
{
	const uint64_t *key;
	void *value;

	an_table_column(table, "range", "range", AN_CELL_TEXT, AN_SHOWN_ALWAYS);
	an__hist_columns(table, "", NULL, NULL);
	for (size_t pos = 0; an_map_each(&summary->ranges, &pos, &key, &value);) {
		struct an_row *row = an_table_row(table);

		if (!row)
			break;
		an__name_cell(summary, row, 0, (an_text_id)*key, "(no name)");
		an__hist_cells(row, 1, value);
		row->last = *key == summary->other_name;
	}
	an_table_sort(table, 1 + AN_FIGURE_NS);
	return 0;
}

static int span_table(const struct an_summary *summary, const struct an_map *spans, struct an_table *table)
{
	const uint64_t *key;
	void *value;

	an_table_column(table, table->name, table->name, AN_CELL_TEXT, AN_SHOWN_ALWAYS);
	an_table_column(table, "begun", "begun", AN_CELL_COUNT, AN_SHOWN_ALWAYS);
	an_table_column(table, "ended", "ended", AN_CELL_COUNT, AN_SHOWN_IF_WIDE);
	an__hist_columns(table, "", NULL, NULL);
	table->columns[3].shown = AN_SHOWN_NEVER;
	for (size_t pos = 0; an_map_each(spans, &pos, &key, &value);) {
		const struct an_span_total *span = value;
		struct an_row *row = an_table_row(table);

		if (!row)
			break;
		an__name_cell(summary, row, 0, (an_text_id)*key, "(no name)");
		an_row_n(row, 1, (int64_t)span->begun);
		an_row_n(row, 2, (int64_t)span->ended);
		an__hist_cells(row, 3, &span->time);
		row->last = *key == summary->other_name;
	}
	an_table_sort(table, 3 + AN_FIGURE_NS);
	return 0;
}

/* --- waits, samples, events --------------------------------------------------------------------------------------------- */

static bool is_plumbing(const char *func)
{
	static const char *const inside[] = { "runtime.", "sync.", "internal/", "exrt_", "pthread_", "syscall.", "__" };

	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
		if (strncmp(func, inside[i], strlen(inside[i])) == 0)
			return true;
	return false;
}

char *an_stat_stack_text(const struct an_names *names, an_stack_id stack, size_t most, bool skip_plumbing)
{
	size_t n, at = 0, size;
	const struct an_frame *frames = an_stack(names, stack, &n);
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	while (skip_plumbing && at < n && is_plumbing(an_text(names, frames[at].func, NULL)))
		at++;
	if (at == n)
		at = 0;
	for (size_t i = at; i < n && (!most || i - at < most); i++) {
		size_t len;
		const char *func = an_text(names, frames[i].func, &len);

		fputs(i > at ? " < " : "", out);
		fwrite(func, 1, len, out);
		if (frames[i].line)
			fprintf(out, ":%" PRIu64, frames[i].line);
	}
	if (!n)
		fputs("(no stack)", out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static void stack_cell(const struct an_summary *summary, struct an_table *table, struct an_row *row, unsigned column,
		       an_stack_id stack)
{
	const char *text;

	if (!stack)
		return;
	text = an_table_keep(table, an_stat_stack_text(summary->names, stack, 0, false));
	an_row_text(row, column, text, strlen(text));
}

static int wait_table(const struct an_summary *summary, struct an_table *table)
{
	an_table_column(table, "ns", "time", AN_CELL_NS, AN_SHOWN_ALWAYS);
	an_table_column(table, "start_ns", "start", AN_CELL_NUMBER, AN_SHOWN_ALWAYS);
	an_table_column(table, "goroutine", "goroutine", AN_CELL_NUMBER, AN_SHOWN_ALWAYS);
	an_table_column(table, "function", "function", AN_CELL_TEXT, AN_SHOWN_ALWAYS);
	an_table_column(table, "reason", "reason", AN_CELL_TEXT, AN_SHOWN_ALWAYS);
	an_table_column(table, "stack", "stack", AN_CELL_TEXT, AN_SHOWN_ALWAYS);
	an_table_column(table, "ended_by", "ended by", AN_CELL_NUMBER, AN_SHOWN_ALWAYS);
	an_table_column(table, "ended_by_stack", "ended by", AN_CELL_TEXT, AN_SHOWN_ALWAYS);
	for (unsigned i = 0; i < summary->nlongest; i++) {
		const struct an_long_wait *wait = &summary->longest[i];
		struct an_row *row = an_table_row(table);

		if (!row)
			break;
		an_row_n(row, 0, wait->ns);
		an_row_n(row, 1, wait->start);
		an_row_n(row, 2, wait->g);
		an__name_cell(summary, row, 3, wait->function, "(unknown)");
		an__name_cell(summary, row, 4, wait->reason, "(none)");
		stack_cell(summary, table, row, 5, wait->stack);
		if (wait->waker >= 0)
			an_row_n(row, 6, wait->waker);
		stack_cell(summary, table, row, 7, wait->waker_stack);
	}
	return 0;
}

static int sample_table(const struct an_summary *summary, struct an_table *table)
{
	const uint64_t *key;
	void *value;

	an_table_column(table, "function", "function", AN_CELL_TEXT, AN_SHOWN_ALWAYS);
	an_table_column(table, "samples", "samples", AN_CELL_COUNT, AN_SHOWN_ALWAYS);
	an_table_column(table, "share", "share", AN_CELL_REAL, AN_SHOWN_ALWAYS);
	for (size_t pos = 0; an_map_each(&summary->samples, &pos, &key, &value);) {
		struct an_row *row = an_table_row(table);

		if (!row)
			break;
		an__name_cell(summary, row, 0, (an_text_id)*key, "(no stack)");
		an_row_n(row, 1, (int64_t)*(uint64_t *)value);
		an_row_real(row, 2, (double)*(uint64_t *)value / (double)summary->kinds[ETR_KIND_STACK_SAMPLE]);
		row->last = *key == summary->other_name;
	}
	an_table_sort(table, 1);
	return 0;
}

static int event_table(const struct an_summary *summary, struct an_table *table)
{
	const struct an_head *head = &summary->head;

	an_table_column(table, "event", "event", AN_CELL_TEXT, AN_SHOWN_ALWAYS);
	an_table_column(table, "count", "count", AN_CELL_COUNT, AN_SHOWN_ALWAYS);
	an_table_column(table, "bytes", "bytes", AN_CELL_BYTES, AN_SHOWN_ALWAYS);
	an_table_column(table, "share", "of file", AN_CELL_REAL, AN_SHOWN_ALWAYS);
	for (int type = 0; !head->windowed && type < 256; type++) {
		const char *name = head->wire_counts[type] || head->wire_bytes[type] ? etr_wire_name(type) : NULL;
		struct an_row *row = name ? an_table_row(table) : NULL;

		if (!row)
			continue;
		an_row_text(row, 0, name, strlen(name));
		an_row_n(row, 1, (int64_t)head->wire_counts[type]);
		an_row_n(row, 2, (int64_t)head->wire_bytes[type]);
		if (head->bytes)
			an_row_real(row, 3, (double)head->wire_bytes[type] / (double)head->bytes);
	}
	an_table_sort(table, 2);
	return 0;
}

int an_stat_table(const struct an_summary *summary, enum an_stat_table which, const char *file, struct an_table *table)
{
	int rc = 0;

	if (which == AN_STAT_BY && summary->options.by == AN_BY_FUNCTION)
		which = AN_STAT_FUNCTION;
	if (which == AN_STAT_BY && summary->options.by == AN_BY_REASON)
		which = AN_STAT_REASON;
	an_table_init(table, an_stat_table_name(which));
	switch (which) {
	case AN_STAT_TRACE:
		rc = trace_table(summary, file, table);
		break;
	case AN_STAT_STATE:
		rc = state_table(summary, table);
		break;
	case AN_STAT_FUNCTION:
	case AN_STAT_BY:
		rc = an__group_table(summary, which == AN_STAT_BY ? summary->options.by : AN_BY_FUNCTION, table);
		break;
	case AN_STAT_REASON:
		rc = reason_table(summary, table);
		break;
	case AN_STAT_LATENCY:
		rc = latency_table(summary, table);
		break;
	case AN_STAT_UTILIZATION:
		rc = utilization_table(summary, table);
		break;
	case AN_STAT_RANGE:
		rc = range_table(summary, table);
		break;
	case AN_STAT_TASK:
	case AN_STAT_REGION:
		rc = span_table(summary, which == AN_STAT_TASK ? &summary->tasks : &summary->regions, table);
		break;
	case AN_STAT_WAIT:
		rc = wait_table(summary, table);
		break;
	case AN_STAT_SAMPLE:
		rc = sample_table(summary, table);
		break;
	case AN_STAT_EVENT:
		rc = event_table(summary, table);
		break;
	default:
		break;
	}
	return rc < 0 || table->oom ? -ETR_E_NOMEM : 0;
}
