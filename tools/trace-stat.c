/* SPDX-License-Identifier: BSD-3-Clause
 *
 * trace-stat.c - what is in a trace: text for people, or JSON.
 */
#include "config.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "analysis/stattext.h"
#include "tools/command.h"

static const struct command self = {
	.name = "trace-stat",
	.usage = "[OPTION]... TRACE...",
	.help = "Tells what execution traces hold (- for standard input): what was recorded and how long, where the time of\n"
		"goroutines went, for what they waited, system calls, collections, tasks and regions.\n"
		"\n"
		"      --all        more of everything\n"
		"      --json       one JSON object for each trace\n",
};

enum { OPT_ALL = COMMAND_OPT_FIRST_OWN, OPT_JSON, OPT_BY, OPT_TOP, OPT_SORT, OPT_CSV };

static const struct option options[] = {
	{ "all", no_argument, NULL, OPT_ALL },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "by", required_argument, NULL, OPT_BY },
	COMMAND_OPTIONS_COMMON
};

static struct an_summary_options wanted = { .longest = 10 };
static struct an_stat_view view = { .top = -1 };
static bool json;

/* Reads what is left of an open trace.  Returns 0 or what ended it. */
static int read_trace(struct an_summary *summary)
{
	struct etr_event event;
	int rc, late;

	while ((rc = an_source_next(summary->source, &event)) == 1) {
		rc = an_summary_event(summary, &event);
		if (rc <= 0)
			break;
	}
	late = an_summary_finish(summary);
	return rc < 0 ? rc : late;
}

/* opened: what opening the reader gave.  A trace that could not be opened has its object too, with an error in it. */
static int stat_reader(struct etr_reader *reader, int opened, const char *path)
{
	struct an_source source;
	struct an_summary summary;
	int rc;

	rc = an_source_init(&source, reader);
	if (rc == 0)
		rc = an_summary_init(&summary, &source, &wanted);
	if (rc < 0) {
		command_error(path, "%s", etr_strerror(rc));
		return COMMAND_FAILED;
	}
	rc = opened < 0 ? opened : read_trace(&summary);
	if (rc == -ETR_E_NOMEM)
		command_error(path, "%s", etr_strerror(rc));
	else if (rc < 0 && opened >= 0)
		command_trace_error(path, reader);
	if (opened < 0)
		an_summary_finish(&summary);
	if (rc != -ETR_E_NOMEM && json)
		rc = an_summary_print_json(&summary, path, rc, stdout) < 0 ? -ETR_E_NOMEM : rc;
	else if (rc != -ETR_E_NOMEM && opened >= 0)
		rc = an_stat_print_text(&summary, path, rc, &view, stdout) < 0 ? -ETR_E_NOMEM : rc;
	an_summary_free(&summary);
	an_source_free(&source);
	return rc < 0 ? COMMAND_FAILED : COMMAND_OK;
}

static int stat_path(const char *path)
{
	struct etr_reader *reader = etr_reader_new();
	int status, opened;

	if (!reader) {
		command_error(path, "%s", etr_strerror(-ETR_E_NOMEM));
		return COMMAND_FAILED;
	}
	opened = command_open_trace(reader, path);
	status = stat_reader(reader, opened, path);
	etr_reader_free(reader);
	return status;
}

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

int main(int argc, char **argv)
{
	int opt, status = COMMAND_OK;

	command_begin(&self, argv);
	while ((opt = command_getopt(argc, argv, "", options)) != -1)
		if (opt == OPT_JSON)
			json = true;
		else if (opt == OPT_ALL)
			view.all = true;
		else if (opt == OPT_BY) {
			for (int i = 0; i < AN_BY_COUNT_; i++)
				if (strcmp(an_by_name(i), optarg) == 0)
					wanted.by = i;
			view.by_only = true;
		}
	if (optind == argc)
		command_usage_error("a trace is missing");
	setlocale(LC_CTYPE, "");
	view.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	view.width = line_width();
	for (int i = optind; i < argc; i++) {
		if (!json && i > optind)
			putchar('\n');
		if (stat_path(argv[i]) != COMMAND_OK)
			status = COMMAND_FAILED;
	}
	return command_end(status);
}
