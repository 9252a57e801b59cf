/* SPDX-License-Identifier: BSD-3-Clause
 *
 * stattext.c - a summary for people: one section a question, nothing where there is nothing to tell.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <exectrace/raw.h>

#include "analysis/summary.h"
#include "analysis/text.h"

#define MAX_ROWS 20

static double percent(int64_t part, int64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

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

static void print_head(const struct an_summary *summary, const char *file, FILE *out)
{
	const struct an_source *source = summary->source;
	uint64_t bytes = etr_reader_size(source->reader);
	char text[32], size[32];
	int64_t wall;

	if (!bytes)
		bytes = etr_reader_offset(source->reader);
	an_text_print_bytes(file, strlen(file), out);
	fprintf(out, "\n  format      go 1.%d, %s, %" PRIu64 " generation%s\n", etr_reader_version(source->reader),
		an_text_bytes(size, bytes), an_source_generations(source), an_source_generations(source) == 1 ? "" : "s");
	print_notes(&source->notes, out);
	if (an_source_wall(source, source->start, &wall)) {
		time_t sec = (time_t)(wall / 1000000000);
		struct tm tm;

		if (gmtime_r(&sec, &tm) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm))
			fprintf(out, "  began       %s.%03dZ\n", text, (int)(wall % 1000000000 / 1000000));
	}
	fprintf(out, "  duration    %s\n", an_text_ns(text, source->end - source->start));
	fprintf(out, "  events      %" PRIu64, source->events);
	if (source->events && bytes)
		fprintf(out, ", %.1f bytes each", (double)bytes / (double)source->events);
	fprintf(out, "\n  seen        %zu goroutines, %zu procs, %zu threads\n", summary->gs_seen.set.n, summary->ps_seen.set.n,
		summary->ms_seen.set.n);
	if (summary->max_procs)
		fprintf(out, "  procs       at most %" PRIu64 "\n", summary->max_procs);
	if (summary->max_heap)
		fprintf(out, "  heap        at most %s\n", an_text_bytes(size, summary->max_heap));
	if (summary->kinds[ETR_KIND_LOG])
		fprintf(out, "  logs        %" PRIu64 "\n", summary->kinds[ETR_KIND_LOG]);
	if (summary->kinds[ETR_KIND_STACK_SAMPLE])
		fprintf(out, "  samples     %" PRIu64 " of the CPU\n", summary->kinds[ETR_KIND_STACK_SAMPLE]);
}

static void print_states(const char *title, const struct an_state_total *totals, const int64_t *known, FILE *out)
{
	int64_t sum = 0, moved = 0;
	char ns[32], open[32];

	for (int s = 0; s < ETR_STATE_COUNT_; s++) {
		sum += totals[s].ns;
		moved += known ? known[s] : 0;
	}
	if (!sum)
		return;
	fprintf(out, "\n%-14s %10s %7s %10s %10s%s\n", title, "time", "share", "open", "entered", moved ? "   as known" : "");
	for (int s = 0; s < ETR_STATE_COUNT_; s++) {
		if (!totals[s].counted && !totals[s].entered)
			continue;
		fprintf(out, "  %-12s %10s %6.1f%% %10s %10" PRIu64, etr_state_name(s), an_text_ns(ns, totals[s].ns),
			percent(totals[s].ns, sum), an_text_ns(open, totals[s].open_ns), totals[s].entered);
		if (moved)
			fprintf(out, " %10s",
				an_text_ns(ns, totals[s].ns + known[s] - (s == ETR_STATE_UNDETERMINED ? moved : 0)));
		fputc('\n', out);
	}
	if (moved)
		fputs("  As known: a goroutine first seen waiting, or in a system call, has been so since the beginning.\n", out);
}

static int64_t hist_weight(const void *value)
{
	return ((const struct an_hist *)value)->ns;
}

static int64_t span_weight(const void *value)
{
	return ((const struct an_span_total *)value)->time.ns;
}

static void print_hist(const struct an_hist *hist, FILE *out)
{
	char total[32], mid[32], high[32], max[32];

	fprintf(out, " %10" PRIu64 " %10s %10s %10s %10s", hist->count, an_text_ns(total, hist->ns),
		an_text_ns(mid, an_hist_percentile(hist, 0.5)), an_text_ns(high, an_hist_percentile(hist, 0.99)),
		an_text_ns(max, hist->max));
}

static void print_hist_title(const char *title, FILE *out)
{
	fprintf(out, "\n%-34s %10s %10s %10s %10s %10s\n", title, "count", "total", "p50", "p99", "max");
}

/* A name in a column of 32; a longer one pushes the row out. */
static void print_name(const struct an_summary *summary, an_text_id name, const char *if_empty, FILE *out)
{
	const struct an_text *text = &summary->source->names.texts[name];
	int used = text->len ? (int)text->len : (int)strlen(if_empty);

	fputs("  ", out);
	if (text->len)
		an_text_print(&summary->source->names, name, out);
	else
		fputs(if_empty, out);
	if (used < 32)
		fprintf(out, "%*s", 32 - used, "");
}

static int print_hists(const struct an_summary *summary, const char *title, const struct an_map *map, FILE *out)
{
	struct an_row *rows;
	size_t n;

	if (!map->n)
		return 0;
	if (an_summary_rows(summary, map, hist_weight, &rows, &n) < 0)
		return -ETR_E_NOMEM;
	print_hist_title(title, out);
	for (size_t i = 0; i < n && i < MAX_ROWS; i++) {
		print_name(summary, rows[i].name, "(none)", out);
		print_hist(rows[i].value, out);
		fputc('\n', out);
	}
	if (n > MAX_ROWS)
		fprintf(out, "  and %zu more\n", n - MAX_ROWS);
	free(rows);
	return 0;
}

static int print_spans(const struct an_summary *summary, const char *title, const struct an_map *map, FILE *out)
{
	struct an_row *rows;
	size_t n;

	if (!map->n)
		return 0;
	if (an_summary_rows(summary, map, span_weight, &rows, &n) < 0)
		return -ETR_E_NOMEM;
	print_hist_title(title, out);
	for (size_t i = 0; i < n && i < MAX_ROWS; i++) {
		const struct an_span_total *span = rows[i].value;

		print_name(summary, rows[i].name, "(no name)", out);
		print_hist(&span->time, out);
		if (span->begun != span->time.count || span->ended != span->time.count)
			fprintf(out, "   %" PRIu64 " begun, %" PRIu64 " ended", span->begun, span->ended);
		fputc('\n', out);
	}
	if (n > MAX_ROWS)
		fprintf(out, "  and %zu more\n", n - MAX_ROWS);
	free(rows);
	return 0;
}

/* What a function's goroutines did, Undetermined time apart. */
static int64_t function_weight(const void *value)
{
	const struct an_function_total *total = value;

	return total->ns[ETR_STATE_RUNNING] + total->ns[ETR_STATE_SYSCALL] + total->ns[ETR_STATE_RUNNABLE];
}

static int print_functions(const struct an_summary *summary, FILE *out)
{
	static const int columns[] = { ETR_STATE_RUNNING, ETR_STATE_RUNNABLE, ETR_STATE_SYSCALL, ETR_STATE_WAITING };
	struct an_row *rows;
	size_t n;

	if (!summary->functions.n)
		return 0;
	if (an_summary_rows(summary, &summary->functions, function_weight, &rows, &n) < 0)
		return -ETR_E_NOMEM;
	fprintf(out, "\n%-12s %10s %10s %10s %10s  %s\n", "Goroutines", "running", "runnable", "syscall", "waiting", "started in");
	for (size_t i = 0; i < n && i < MAX_ROWS; i++) {
		const struct an_function_total *total = rows[i].value;
		char ns[32];

		fprintf(out, "  %10" PRIu64, total->goroutines);
		for (size_t c = 0; c < sizeof(columns) / sizeof(columns[0]); c++)
			fprintf(out, " %10s", an_text_ns(ns, total->ns[columns[c]]));
		fputs("  ", out);
		if (rows[i].name)
			an_text_print(&summary->source->names, rows[i].name, out);
		else
			fputs("(unknown)", out);
		fputc('\n', out);
	}
	if (n > MAX_ROWS)
		fprintf(out, "  and %zu more\n", n - MAX_ROWS);
	free(rows);
	return 0;
}

static bool is_plumbing(const char *func)
{
	static const char *const inside[] = { "runtime.", "sync.", "internal/", "exrt_", "pthread_", "syscall.", "__" };

	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
		if (strncmp(func, inside[i], strlen(inside[i])) == 0)
			return true;
	return false;
}

/* The first frame that is the program's own, or the leaf. */
static void print_site(const struct an_summary *summary, an_stack_id stack, FILE *out)
{
	const struct an_names *names = &summary->source->names;
	size_t n, at = 0;
	const struct an_frame *frames = an_stack(names, stack, &n);

	if (!n) {
		fputs("(no stack)", out);
		return;
	}
	while (at < n && is_plumbing(an_text(names, frames[at].func, NULL)))
		at++;
	if (at == n)
		at = 0;
	an_text_print(names, frames[at].func, out);
	if (frames[at].line)
		fprintf(out, ":%" PRIu64, frames[at].line);
}

static void print_longest(const struct an_summary *summary, FILE *out)
{
	if (!summary->nlongest)
		return;
	fputs("\nLongest waits that ended\n", out);
	for (unsigned i = 0; i < summary->nlongest; i++) {
		const struct an_long_wait *wait = &summary->longest[i];
		char ns[32], at[32];

		fprintf(out, "  %10s at +%s, goroutine %" PRId64 ", ", an_text_ns(ns, wait->ns),
			an_text_ns(at, wait->start - summary->source->start), wait->g);
		an_text_print(&summary->source->names, wait->reason, out);
		fputs("\n             in ", out);
		print_site(summary, wait->stack, out);
		if (wait->waker >= 0 || wait->waker_stack) {
			fputs(", ended by ", out);
			if (wait->waker >= 0)
				fprintf(out, "goroutine %" PRId64 " in ", wait->waker);
			print_site(summary, wait->waker_stack, out);
		}
		fputc('\n', out);
	}
}

static int by_count(const void *left, const void *right)
{
	const uint64_t *a = *(const uint64_t *const *)left, *b = *(const uint64_t *const *)right;

	return *a != *b ? (*a > *b ? -1 : 1) : a < b ? -1 : a > b;
}

static void print_wire_events(const struct an_summary *summary, FILE *out)
{
	const uint64_t *counts = etr_reader_wire_counts(summary->source->reader), *sorted[256];
	unsigned n = 0;

	for (int type = 0; counts && type < 256; type++)
		if (counts[type] && etr_wire_name(type))
			sorted[n++] = &counts[type];
	if (!n)
		return;
	qsort(sorted, n, sizeof(sorted[0]), by_count);
	fputs("\nEvents in the file\n", out);
	for (unsigned i = 0; i < n; i++)
		fprintf(out, "  %-20s %12" PRIu64 "%s", etr_wire_name((int)(sorted[i] - counts)), *sorted[i],
			i % 2 || i + 1 == n ? "\n" : "  ");
}

int an_summary_print_text(const struct an_summary *summary, const char *file, int failed, FILE *out)
{
	int rc;

	print_head(summary, file, out);
	if (failed)
		fprintf(out, "  damaged     %s; what follows is of the part before\n", etr_reader_detail(summary->source->reader));
	print_states("Goroutines", summary->g_states, summary->known_ns, out);
	print_states("Procs", summary->p_states, NULL, out);
	rc = print_hists(summary, "Waiting, by reason", &summary->waiting, out);
	if (rc == 0)
		rc = print_hists(summary, "Runnable, by reason", &summary->runnable, out);
	if (summary->syscalls.count) {
		print_hist_title("System calls", out);
		fprintf(out, "  %-32s", "all");
		print_hist(&summary->syscalls, out);
		fputc('\n', out);
	}
	if (rc == 0)
		rc = print_hists(summary, "Ranges", &summary->ranges, out);
	if (summary->gc_cycles)
		fprintf(out, "  %" PRIu64 " collection%s began\n", summary->gc_cycles, summary->gc_cycles == 1 ? "" : "s");
	if (rc == 0)
		rc = print_spans(summary, "Tasks", &summary->tasks, out);
	if (rc == 0)
		rc = print_spans(summary, "Regions", &summary->regions, out);
	if (rc == 0)
		rc = print_functions(summary, out);
	print_longest(summary, out);
	print_wire_events(summary, out);
	return rc;
}
