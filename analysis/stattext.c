/* SPDX-License-Identifier: BSD-3-Clause
 *
 * stattext.c - a summary for people: one section a question, nothing where there is nothing to tell.
 *
 * What everybody wants to know fits on two screens.  The rest is there on demand.
 */
#include "config.h"

#include "analysis/stattext.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analysis/chart.h"
#include "analysis/text.h"

#define MORE_ROWS 30		/* of a table, with all */

static void print_notes(const struct an_notes *notes, FILE *out)
{
	char ns[32];

	if (notes->has_process) {
		fputs("  process     ", out);
		an_text_print_bytes(notes->process, strlen(notes->process), out);
		fprintf(out, " (pid %" PRIu64 ")", notes->pid);
		if (*notes->cmdline) {
			fputs(": ", out);
			an_text_print_bytes(notes->cmdline, strlen(notes->cmdline), out);
		}
		fputc('\n', out);
	}
	if (notes->host) {
		fputs("  host        ", out);
		an_text_print_bytes(notes->host, strlen(notes->host), out);
		fputc('\n', out);
	}
	if (notes->recorder) {
		fputs("  recorder    ", out);
		an_text_print_bytes(notes->recorder, strlen(notes->recorder), out);
		fputc('\n', out);
	}
	if (notes->dropped_events)
		fprintf(out, "  dropped     %" PRIu64 " events, over %s: the figures below lack them\n", notes->dropped_events,
			an_text_ns(ns, (int64_t)notes->dropped_ns));
	if (notes->dropped_samples || notes->dropped_stacks || notes->dropped_strings || notes->dropped_locks)
		fprintf(out, "  no room for %" PRIu64 " samples, %" PRIu64 " stacks, %" PRIu64 " strings, %" PRIu64 " locks\n",
			notes->dropped_samples, notes->dropped_stacks, notes->dropped_strings, notes->dropped_locks);
}

/* "2026-11-23T01:02:03.456Z"; false where the trace has no wall clock. */
static bool wall_text(const struct an_source *source, int64_t time, char *buf, size_t size)
{
	int64_t wall, sec;
	struct tm tm;
	time_t t;
	size_t n;

	if (!an_source_wall(source, time, &wall))
		return false;
	sec = wall / 1000000000 - (wall % 1000000000 < 0);
	t = (time_t)sec;
	if (!gmtime_r(&t, &tm) || !(n = strftime(buf, size, "%Y-%m-%dT%H:%M:%S", &tm)))
		return false;
	snprintf(buf + n, size - n, ".%03dZ", (int)((wall - sec * 1000000000) / 1000000));
	return true;
}

static void print_head(const struct an_summary *summary, const char *file, FILE *out)
{
	const struct an_head *head = &summary->head;
	const struct an_source *source = summary->source;
	char text[64], size[32], at[32];

	an_text_print_bytes(file, strlen(file), out);
	fprintf(out, "\n  format      go 1.%d, %s, %" PRIu64 " generation%s, %" PRIu64 " events", head->version,
		an_text_bytes(size, head->bytes), head->generations, head->generations == 1 ? "" : "s", head->events);
	if (head->events && !head->windowed)
		fprintf(out, " of %.1f bytes", (double)head->bytes / (double)head->events);
	fputc('\n', out);
	if (source)
		print_notes(&source->notes, out);
	fprintf(out, "  duration    %s", an_text_ns(text, head->duration));
	if (source && wall_text(source, head->start, text, sizeof(text)))
		fprintf(out, ", from %s", text);
	if (source && head->windowed)
		fprintf(out, ", a window from +%s", an_text_ns(at, head->start - source->start));
	fprintf(out, "\n  seen        %" PRIu64 " goroutines, %" PRIu64 " procs, %" PRIu64 " threads", head->goroutines, head->procs,
		head->threads);
	if (summary->max_procs)
		fprintf(out, "; GOMAXPROCS %" PRIu64, summary->max_procs);
	if (summary->max_heap)
		fprintf(out, "; heap at most %s", an_text_bytes(size, summary->max_heap));
	if (summary->kinds[ETR_KIND_LOG])
		fprintf(out, "; %" PRIu64 " log%s", summary->kinds[ETR_KIND_LOG],
			summary->kinds[ETR_KIND_LOG] == 1 ? "" : "s");
	fputc('\n', out);
}

/* --- over time ---------------------------------------------------------------------------------------------------------- */

static double largest(const double *values, size_t n)
{
	double most = 0;

	for (size_t i = 0; i < n; i++)
		most = values[i] > most ? values[i] : most;
	return most;
}

/* A line of blocks for a level of the timeline. */
static void print_level(const struct an_summary *summary, enum an_level level, const char *title, double most, unsigned columns,
			const struct an_stat_view *view, FILE *out)
{
	double values[AN_TIMELINE_BUCKETS], sum = 0;

	an_timeline_means(&summary->timeline, level, summary->head.end, values, columns);
	for (unsigned i = 0; i < columns; i++)
		sum += values[i];
	if (sum <= 0)
		return;
	if (most <= 0)
		most = largest(values, columns);
	fprintf(out, "  %-9s %6.2f |", title, sum / columns);
	an_chart_line(values, columns, most, view->utf8, out);
	fprintf(out, "| %.3g\n", most);
}

static void print_over_time(const struct an_summary *summary, const struct an_stat_view *view, FILE *out)
{
	unsigned columns = view->width > 40 ? view->width - 28 : 12;
	double procs = (double)(summary->max_procs ? summary->max_procs : summary->head.procs);
	char middle[32], end[32];

	if (!summary->begun || summary->head.duration <= 0 || !summary->source)
		return;
	if (columns > AN_TIMELINE_BUCKETS)
		columns = AN_TIMELINE_BUCKETS;
	fprintf(out, "\n%-11s %6s  0%*s%*s\n", "Over time", "mean", (int)(columns / 2), an_text_ns(middle, summary->head.duration / 2),
		(int)(columns - columns / 2 - 1), an_text_ns(end, summary->head.duration));
	print_level(summary, AN_LEVEL_PROCS, "procs", procs, columns, view, out);
	print_level(summary, AN_LEVEL_RUNNING, "running", procs, columns, view, out);
	print_level(summary, AN_LEVEL_RUNNABLE, "runnable", 0, columns, view, out);
	print_level(summary, AN_LEVEL_GC, "gc", 1, columns, view, out);
}

static int print_durations(const struct an_summary *summary, const struct an_stat_view *view, FILE *out)
{
	static const char *const titles[] = { "scheduling latency", "system calls", "blocked" };
	struct an_hist hists[3] = { { 0 } };
	const struct an_hist *all[] = { &hists[0], &hists[1], &hists[2] };
	int rc = an_summary_scheduling(summary, &hists[0]);

	if (rc == 0)
		rc = an_summary_syscalls(summary, &hists[1]);
	if (rc == 0)
		rc = an_summary_blocked(summary, &hists[2]);
	if (rc == 0)
		an_chart_hists(all, titles, 3, view->width, view->all, view->utf8, out);
	for (int i = 0; i < 3; i++)
		an_hist_free(&hists[i]);
	return rc;
}

/* --- waits -------------------------------------------------------------------------------------------------------------- */

static void print_stack(const struct an_summary *summary, an_stack_id stack, size_t frames, const char *lead, FILE *out)
{
	char *text = an_stat_stack_text(summary->names, stack, frames, true);

	fputs(lead, out);
	if (text)
		an_text_print_bytes(text, strlen(text), out);
	fputc('\n', out);
	free(text);
}

static void print_longest(const struct an_summary *summary, const struct an_stat_view *view, FILE *out)
{
	unsigned rows = view->top >= 0 ? (unsigned)view->top : view->all ? 10 : 3;

	if (!summary->nlongest)
		return;
	fputs("\nLongest waits that ended, one of each place\n", out);
	for (unsigned i = 0; i < summary->nlongest && (!rows || i < rows); i++) {
		const struct an_long_wait *wait = &summary->longest[i];
		char ns[32], at[32];

		fprintf(out, "  %8s  ", an_text_ns(ns, wait->ns));
		an_text_print(summary->names, wait->reason, out);
		fprintf(out, ": goroutine %" PRId64 " at +%s", wait->g,
			an_text_ns(at, wait->start - (summary->source ? summary->source->start : 0)));
		if (wait->function) {
			fputs(", started in ", out);
			an_text_print(summary->names, wait->function, out);
		}
		print_stack(summary, wait->stack, view->all ? 8 : 3, "\n            in ", out);
		if (wait->waker < 0 && !wait->waker_stack)
			continue;
		if (wait->waker >= 0)
			fprintf(out, "            ended by goroutine %" PRId64 "%s", wait->waker, wait->waker_stack ? "" : "\n");
		else
			fputs("            ended", out);
		if (wait->waker_stack)
			print_stack(summary, wait->waker_stack, view->all ? 8 : 3, " in ", out);
	}
}

/* --- tables ------------------------------------------------------------------------------------------------------------- */

static const struct section {
	enum an_stat_table table;
	const char *heading;
	unsigned rows;
	bool only_all;
} sections[] = {
	{ AN_STAT_STATE, "Time by state", 20, false },
	{ AN_STAT_FUNCTION, "Goroutines, by the function they started in", 10, false },
	{ AN_STAT_REASON, "Waiting and runnable, by reason", 10, false },
	{ AN_STAT_RANGE, "Collections, stopped worlds", 6, false },
	{ AN_STAT_TASK, "Tasks", 5, false },
	{ AN_STAT_REGION, "Regions", 5, false },
	{ AN_STAT_SAMPLE, "CPU samples, by function", 5, false },
	{ AN_STAT_EVENT, "Events in the file", 5, false },
};

static int print_table(const struct an_summary *summary, const struct section *section, const struct an_stat_view *view,
		       FILE *out)
{
	size_t rows = view->top >= 0 ? (size_t)view->top : view->all ? MORE_ROWS : section->rows;
	struct an_table table;
	char heading[96];
	int rc = an_stat_table(summary, section->table, NULL, &table);

	snprintf(heading, sizeof(heading), "\n%s", section->heading);
	if (section->table == AN_STAT_RANGE && summary->gc_cycles)
		snprintf(heading, sizeof(heading), "\n%s: %" PRIu64 " cycle%s", section->heading, summary->gc_cycles,
			 summary->gc_cycles == 1 ? "" : "s");
	if (rc == 0 && view->sort && (section->table == AN_STAT_FUNCTION || section->table == AN_STAT_BY))
		an_stat_table_sort(&table, view->sort);
	if (rc == 0)
		an_table_print_text(&table, heading, rows, view->width, out);
	an_table_free(&table);
	return rc;
}

static bool states_are_known(const struct an_summary *summary)
{
	for (int s = 0; s < ETR_STATE_COUNT_; s++)
		if (summary->known_ns[s])
			return true;
	return false;
}

int an_stat_print_text(const struct an_summary *summary, const char *file, int failed, const struct an_stat_view *view,
		       FILE *out)
{
	int rc = 0;

	print_head(summary, file, out);
	if (failed && summary->source)
		fprintf(out, "  damaged     %s; what follows is of the part before\n", etr_reader_detail(summary->source->reader));
	if (!summary->events && summary->options.filter)
		fputs("  nothing     in it is what the filters ask for\n", out);
	if (view->by_only) {
		struct section only = { AN_STAT_BY, "", 30, false };
		char heading[64];

		snprintf(heading, sizeof(heading), "By %s", an_by_name(summary->options.by));
		only.heading = heading;
		return print_table(summary, &only, view, out);
	}
	print_over_time(summary, view, out);
	for (size_t i = 0; rc == 0 && i < sizeof(sections) / sizeof(sections[0]); i++) {
		rc = print_table(summary, &sections[i], view, out);
		if (rc == 0 && sections[i].table == AN_STAT_STATE && states_are_known(summary))
			fprintf(out, "  As known: a goroutine first seen waiting, or in a system call,%shas been so since the beginning.\n",
				view->width < 98 ? "\n  " : " ");
		if (rc == 0 && sections[i].table == AN_STAT_REASON)
			rc = print_durations(summary, view, out);
		if (rc == 0 && sections[i].table == AN_STAT_REGION)
			print_longest(summary, view, out);
	}
	return rc;
}
