/* SPDX-License-Identifier: BSD-3-Clause
 *
 * trace-stat.c - what is in a trace: text for people, or JSON.
 */
#include "config.h"

#include "analysis/summary.h"
#include "tools/command.h"

static const struct command self = {
	.name = "trace-stat",
	.usage = "[--json] TRACE...",
	.help = "Tells what execution traces hold (- for standard input): what was recorded and how long, where the time of\n"
		"goroutines went, for what they waited, system calls, collections, tasks and regions.\n"
		"\n"
		"      --json       one JSON object for each trace\n",
};

enum { OPT_JSON = COMMAND_OPT_FIRST_OWN };

static const struct option options[] = {
	{ "json", no_argument, NULL, OPT_JSON },
	COMMAND_OPTIONS_COMMON
};

/* Reads what is left of an open trace.  Returns 0 or what ended it. */
static int read_trace(struct an_summary *summary)
{
	struct etr_event event;
	int rc, late;

	while ((rc = an_source_next(summary->source, &event)) == 1) {
		rc = an_summary_event(summary, &event);
		if (rc < 0)
			break;
	}
	late = an_summary_finish(summary);
	return rc < 0 ? rc : late;
}

/* opened: what opening the reader gave.  A trace that could not be opened has its object too, with an error in it. */
static int stat_reader(struct etr_reader *reader, int opened, const char *path, bool json)
{
	struct an_source source;
	struct an_summary summary;
	int rc;

	rc = an_source_init(&source, reader);
	if (rc == 0)
		rc = an_summary_init(&summary, &source);
	if (rc < 0) {
		command_error(path, "%s", etr_strerror(rc));
		return COMMAND_FAILED;
	}
	rc = opened < 0 ? opened : read_trace(&summary);
	if (rc == -ETR_E_NOMEM)
		command_error(path, "%s", etr_strerror(rc));
	else if (rc < 0 && opened >= 0)
		command_trace_error(path, reader);
	if (rc != -ETR_E_NOMEM && json)
		rc = an_summary_print_json(&summary, path, rc, stdout) < 0 ? -ETR_E_NOMEM : rc;
	else if (rc != -ETR_E_NOMEM && opened >= 0)
		rc = an_summary_print_text(&summary, path, rc, stdout) < 0 ? -ETR_E_NOMEM : rc;
	an_summary_free(&summary);
	an_source_free(&source);
	return rc < 0 ? COMMAND_FAILED : COMMAND_OK;
}

static int stat_path(const char *path, bool json)
{
	struct etr_reader *reader = etr_reader_new();
	int status, opened;

	if (!reader) {
		command_error(path, "%s", etr_strerror(-ETR_E_NOMEM));
		return COMMAND_FAILED;
	}
	opened = command_open_trace(reader, path);
	status = stat_reader(reader, opened, path, json);
	etr_reader_free(reader);
	return status;
}

int main(int argc, char **argv)
{
	bool json = false;
	int opt, status = COMMAND_OK;

	command_begin(&self, argv);
	while ((opt = command_getopt(argc, argv, "", options)) != -1)
		if (opt == OPT_JSON)
			json = true;
	if (optind == argc)
		command_usage_error("a trace is missing");
	for (int i = optind; i < argc; i++) {
		if (!json && i > optind)
			putchar('\n');
		if (stat_path(argv[i], json) != COMMAND_OK)
			status = COMMAND_FAILED;
	}
	return command_end(status);
}
