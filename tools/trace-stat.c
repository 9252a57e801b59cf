/* SPDX-License-Identifier: BSD-3-Clause
 *
 * trace-stat.c - what is in traces: text for people, JSON, CSV, and what differs between two.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "analysis/statdiff.h"
#include "analysis/stattext.h"
#include "analysis/text.h"
#include "tools/command.h"
#include "tools/filteropt.h"

static const struct command self = {
	.name = "trace-stat",
	.usage = "[OPTION]... TRACE...\n"
		 "--diff [OPTION]... TRACE TRACE",
	.reads = true,
	.help = "Tells what execution traces hold (- for standard input): what was recorded and how long, where the time of\n"
		"goroutines went, for what they waited, system calls, collections, tasks and regions.  Several traces are\n"
		"shown beside each other, and merged.\n"
		"\n"
		"      --all        more of everything\n"
		"      --by WHAT    only the time by WHAT: function, goroutine, thread, proc, reason, task, region, generation\n"
		"      --top N      at most N rows of each table; 0: all\n"
		"      --sort KEY   sort the time by function, or by WHAT, by the column KEY of --csv: running, waiting_p99,\n"
		"                   name ...\n"
		"      --diff       what differs between two traces by more than chance\n"
		"      --json       one JSON object for each trace, and one for all\n"
		"      --csv[=TABLE]  one table as CSV: that of --by, or trace, state, function, reason, latency, utilization,\n"
		"                   range, task, region, wait, sample, event\n"
		"\n"
		"Filters, all of which must hold:\n"
		FILTER_HELP,
};

#define BATCH 128		/* events that are read at once */

enum { OPT_ALL = COMMAND_OPT_FIRST_OWN, OPT_BY, OPT_TOP, OPT_SORT, OPT_DIFF, OPT_JSON, OPT_CSV };

static const struct option options[] = {
	{ "all", no_argument, NULL, OPT_ALL },
	{ "by", required_argument, NULL, OPT_BY },
	{ "top", required_argument, NULL, OPT_TOP },
	{ "sort", required_argument, NULL, OPT_SORT },
	{ "diff", no_argument, NULL, OPT_DIFF },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "csv", optional_argument, NULL, OPT_CSV },
	FILTER_OPTIONS,
	COMMAND_OPTION_THREADS,
	COMMAND_OPTIONS_COMMON
};

/* What was asked for.  The summaries' options point to the filter and to what makes goroutines heavy. */
static struct an_summary_options wanted;
static struct an_stat_view view = { .top = -1 };
static struct an_filter filter;
static struct an_stat_weigh weigh = { .state = -1 };
static bool json, csv, diff;
static enum an_stat_table csv_table = AN_STAT_BY;

/* A trace that is being read, and its figures. */
struct reading {
	const char *path;
	struct etr_reader *reader;
	struct an_source source;
	struct an_summary summary;
	int opened;		/* what opening it gave */
	int rc;			/* what ended it, 0 for a good end */
	bool made;		/* there are figures, of what stands before the end */
};

/* Reads what there is of an open trace that counts.  Returns 0 or what ended it. */
static int read_events(struct reading *reading)
{
	static struct etr_event events[BATCH];
	struct an_source *source = &reading->source;
	int rc, n, late;

	while ((rc = n = an_source_next_events(source, events, BATCH)) > 0) {
		if (__builtin_expect(source->events == (uint64_t)n, 0) && filter_start(&filter, source, reading->path) < 0)
			return -ETR_E_INVALID;
		rc = an_summary_events(&reading->summary, events, n);
		if (rc <= 0)
			break;
	}
	late = an_summary_finish(&reading->summary);
	return rc < 0 ? rc : late;
}

/* Reads a trace.  What is wrong with it is said.  To be freed in any case. */
static void reading_run(struct reading *reading, const char *path)
{
	memset(reading, 0, sizeof(*reading));
	reading->path = path;
	reading->reader = etr_reader_new();
	reading->rc = reading->reader ? 0 : -ETR_E_NOMEM;
	if (reading->rc == 0) {
		reading->opened = command_open_trace(reading->reader, path);
		reading->rc = an_source_init(&reading->source, reading->reader);
	}
	if (reading->rc == 0)
		reading->rc = an_summary_init(&reading->summary, &reading->source, &wanted);
	if (reading->rc == 0) {
		reading->made = true;
		reading->rc = reading->opened < 0 ? an_summary_finish(&reading->summary), reading->opened : read_events(reading);
		if (reading->opened >= 0)
			command_trace_end(path, reading->reader);
	}
	if (reading->reader && reading->opened >= 0)
		command_trace_end(path, reading->reader);
	if (reading->rc == -ETR_E_NOMEM) {
		command_error(path, "%s", etr_strerror(reading->rc));
		reading->made = false;
	} else if (reading->rc < 0 && reading->rc != -ETR_E_INVALID && reading->opened >= 0) {
		command_trace_error(path, reading->reader);
	}
}

static void reading_free(struct reading *reading)
{
	if (reading->reader) {
		an_summary_free(&reading->summary);
		an_source_free(&reading->source);
	}
	etr_reader_free(reading->reader);
}

static int print_csv(const struct an_summary *summary, const char *path)
{
	struct an_table table;
	int rc = an_stat_table(summary, csv_table, path, &table);

	if (rc == 0 && view.sort)
		an_stat_table_sort(&table, view.sort);
	if (rc == 0)
		an_table_print_csv(&table, view.top > 0 ? (size_t)view.top : 0, stdout);
	an_table_free(&table);
	return rc;
}

/* All there is to say of one trace, or, with path NULL, of several. */
static int print_summary(const struct an_summary *summary, const char *path, int failed)
{
	if (json)
		return an_summary_print_json(summary, path, failed, &view, stdout);
	if (csv)
		return print_csv(summary, path ? path : "(all)");
	return an_stat_print_text(summary, path ? path : "all together", failed, &view, stdout);
}

static int no_memory(const char *path)
{
	command_error(path, "%s", etr_strerror(-ETR_E_NOMEM));
	return COMMAND_FAILED;
}

static int stat_one(const char *path)
{
	struct reading reading;
	int status;

	reading_run(&reading, path);
	status = reading.rc < 0 ? COMMAND_FAILED : COMMAND_OK;
	/* What could not be opened has an object too, with the error in it. */
	if (reading.made && reading.rc != -ETR_E_INVALID && (json || reading.opened >= 0) &&
	    print_summary(&reading.summary, path, reading.rc) < 0)
		status = no_memory(path);
	reading_free(&reading);
	return status;
}

/* A row for each, and what they make together. */
static int stat_several(char *const *paths, int n)
{
	struct an_summary all;
	struct an_table table;
	struct reading reading;
	int status = COMMAND_OK, rc = an_summary_init_merged(&all, &wanted);

	if (rc == 0)
		rc = an_stat_table(&all, AN_STAT_TRACE, NULL, &table);
	for (int i = 0; rc == 0 && i < n; i++) {
		reading_run(&reading, paths[i]);
		if (reading.rc < 0)
			status = COMMAND_FAILED;
		if (reading.made && reading.opened >= 0) {
			rc = an_stat_trace_row(&reading.summary, paths[i], &table);
			if (rc == 0)
				rc = an_summary_merge(&all, &reading.summary);
		}
		if (rc == 0 && reading.made && json)
			rc = an_summary_print_json(&reading.summary, paths[i], reading.rc, &view, stdout);
		reading_free(&reading);
	}
	if (rc == 0 && (csv ? csv_table == AN_STAT_TRACE : !json))
		rc = an_stat_trace_row(&all, "(all)", &table);
	if (rc == 0 && csv && csv_table == AN_STAT_TRACE) {
		an_table_print_csv(&table, 0, stdout);
	} else if (rc == 0) {
		if (!json && !csv)
			an_table_print_text(&table, "Traces", 0, view.width, stdout);
		if (!json && !csv)
			putchar('\n');
		rc = print_summary(&all, NULL, 0);
	}
	an_table_free(&table);
	an_summary_free(&all);
	return rc < 0 ? no_memory(NULL) : status;
}

/* --- two traces --------------------------------------------------------------------------------------------------------- */

static void print_diff_text(const struct reading *a, const struct reading *b, const struct an_table *table,
			    const struct an_diff_counts *counts)
{
	const struct reading *sides[] = { a, b };

	for (int i = 0; i < 2; i++) {
		const struct an_head *head = &sides[i]->summary.head;
		char ns[32];

		printf("%c  ", 'A' + i);
		an_text_print_bytes(sides[i]->path, strlen(sides[i]->path), stdout);
		printf(": %s, %" PRIu64 " events, %" PRIu64 " goroutines\n", an_text_ns(ns, head->duration), head->events,
		       head->goroutines);
	}
	an_table_print_text(table, "\nWhat changed by more than chance; B > A: how probably one of B takes longer than one of A",
			    view.top >= 0 ? (size_t)view.top : 0, view.width, stdout);
	printf("\n%zu changed, %zu did not, %zu are too few to tell\n", counts->changed, counts->same, counts->few);
}

static int print_diff(const struct reading *a, const struct reading *b)
{
	struct an_diff_counts counts;
	struct an_table table;
	struct an_json out;
	int rc = an_stat_diff(&a->summary, &b->summary, view.all, &table, &counts);

	if (rc == 0 && view.sort && !an_stat_table_sort(&table, view.sort))
		command_usage_error("--diff has no column '%s'", view.sort);
	if (rc == 0 && csv)
		an_table_print_csv(&table, view.top > 0 ? (size_t)view.top : 0, stdout);
	if (rc == 0 && json) {
		an_json_begin(&out, stdout);
		an_json_text(&out, "a", a->path, strlen(a->path));
		an_json_text(&out, "b", b->path, strlen(b->path));
		an_json_u64(&out, "changed", counts.changed);
		an_json_u64(&out, "same", counts.same);
		an_json_u64(&out, "too_few", counts.few);
		an_table_print_json(&table, "diff", view.top > 0 ? (size_t)view.top : 0, &out);
		an_json_end(&out);
	}
	if (rc == 0 && !json && !csv)
		print_diff_text(a, b, &table, &counts);
	an_table_free(&table);
	return rc < 0 ? no_memory(NULL) : COMMAND_OK;
}

static int stat_diff(char *const *paths)
{
	struct reading a, b;
	int status = COMMAND_FAILED;

	wanted.series = true;
	reading_run(&a, paths[0]);
	reading_run(&b, paths[1]);
	if (a.made && b.made && a.opened >= 0 && b.opened >= 0)
		status = print_diff(&a, &b);
	if (a.rc < 0 || b.rc < 0)
		status = COMMAND_FAILED;
	reading_free(&a);
	reading_free(&b);
	return status;
}

/* --- options ------------------------------------------------------------------------------------------------------------ */

/* How wide lines may be: what COLUMNS says, else the terminal, else 100. */
static unsigned line_width(void)
{
	const char *columns = getenv("COLUMNS");
	long n = columns ? strtol(columns, NULL, 10) : 0;
	struct winsize size;

	if (n <= 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		n = size.ws_col;
	return n <= 0 ? 100 : n < 60 ? 60 : n > 500 ? 500 : (unsigned)n;
}

/* Whether it is one. */
static bool set_by(const char *word)
{
	int by = 0;

	while (by < AN_BY_COUNT_ && strcmp(an_by_name(by), word) != 0)
		by++;
	if (by == AN_BY_COUNT_)
		return false;
	wanted.by = (enum an_by)by;
	view.by_only = true;
	return true;
}

static void set_csv(const char *word)
{
	int table = 0;

	csv = true;
	if (!word)
		return;
	while (table < AN_STAT_COUNT_ && (!an_stat_table_name(table) || strcmp(an_stat_table_name(table), word) != 0))
		table++;
	if (table < AN_STAT_COUNT_)
		csv_table = (enum an_stat_table)table;
	else if (!set_by(word))
		command_usage_error("--csv has no table '%s'", word);
}

static void set_top(const char *word)
{
	char *end;

	errno = 0;
	view.top = strtol(word, &end, 10);
	if (errno || end == word || *end || view.top < 0 || view.top > 100000000)
		command_usage_error("--top '%s' is no number of rows", word);
}

static void take_option(int opt)
{
	switch (opt) {
	case OPT_ALL:
		view.all = true;
		break;
	case OPT_BY:
		if (!set_by(optarg))
			command_usage_error("--by '%s': function, goroutine, thread, proc, reason, task, region or generation", optarg);
		break;
	case OPT_TOP:
		set_top(optarg);
		break;
	case OPT_SORT:
		view.sort = optarg;
		break;
	case OPT_DIFF:
		diff = true;
		break;
	case OPT_JSON:
		json = true;
		break;
	case OPT_CSV:
		set_csv(optarg);
		break;
	default:
		filter_option(&filter, opt, optarg);
	}
}

/* Asks an empty table whether it has the column to sort by. */
static void check_sort(void)
{
	struct an_summary empty;
	struct an_table table;
	bool known = true;

	if (!view.sort || diff)
		return;
	if (an_summary_init_merged(&empty, &wanted) == 0) {
		if (an_stat_table(&empty, csv ? csv_table : AN_STAT_BY, NULL, &table) == 0)
			known = an_stat_table_sort(&table, view.sort);
		an_table_free(&table);
	}
	an_summary_free(&empty);
	if (!known)
		command_usage_error("there is no column '%s' to sort by", view.sort);
	if (an_stat_weigh_parse(&weigh, view.sort)) {
		wanted.weigh = an_stat_weigh;
		wanted.weigh_ctx = &weigh;
	}
}

int main(int argc, char **argv)
{
	int opt, status;

	command_begin(&self, argv);
	an_filter_init(&filter);
	while ((opt = command_getopt(argc, argv, "", options)) != -1)
		take_option(opt);
	if (optind == argc)
		command_usage_error("a trace is missing");
	if (json && csv)
		command_usage_error("--json and --csv exclude each other");
	if (diff && optind != argc - 2)
		command_usage_error("--diff is of two traces");
	if (diff && (view.by_only || csv_table != AN_STAT_BY))
		command_usage_error("--diff has a table of its own: neither --by nor --csv=TABLE goes with it");
	if (view.top > AN_GROUPS_MAX)
		wanted.keep = (size_t)view.top;
	wanted.longest = view.top == 0 ? AN_LONGEST : view.top > 10 ? (unsigned)view.top : 10;
	if (!an_filter_is_empty(&filter))
		wanted.filter = &filter;
	check_sort();
	setlocale(LC_CTYPE, "");
	view.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	view.width = line_width();
	if (diff)
		status = stat_diff(argv + optind);
	else
		status = optind == argc - 1 ? stat_one(argv[optind]) : stat_several(argv + optind, argc - optind);
	an_filter_free(&filter);
	return command_end(status);
}
