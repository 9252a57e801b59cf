/* SPDX-License-Identifier: BSD-3-Clause
 *
 * trace-print.c - a trace as text: its events in order, or the bytes as they stand, and back.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <exectrace/raw.h>
#include <exectrace/reader.h>

#include "analysis/filter.h"
#include "analysis/source.h"
#include "tools/command.h"
#include "tools/filteropt.h"
#include "tools/printevent.h"

static const struct command self = {
	.name = "trace-print",
	.usage = "[--stacks] [FILTER]... [-o FILE] TRACE\n"
		 "--raw [-o FILE] TRACE\n"
		 "--assemble [-o FILE] TEXT",
	.help = "Prints the events of an execution trace in the order in which they happened, one a\n"
		"line.  A TRACE, TEXT or FILE of - is standard input or output.\n"
		"\n"
		"      --stacks     add the stacks to each line\n"
		"      --raw        print what the file holds instead, as it stands there\n"
		"      --assemble   turn the text that --raw prints back into a trace\n"
		"  -o, --output=FILE  write to FILE instead of standard output\n"
		"\n"
		"Filters, all of which must hold:\n"
		FILTER_HELP FILTER_HELP_EVENTS,
};

enum { OPT_STACKS = COMMAND_OPT_FIRST_OWN, OPT_RAW, OPT_ASSEMBLE };

static const struct option options[] = {
	{ "stacks", no_argument, NULL, OPT_STACKS },
	{ "raw", no_argument, NULL, OPT_RAW },
	{ "assemble", no_argument, NULL, OPT_ASSEMBLE },
	{ "output", required_argument, NULL, 'o' },
	FILTER_OPTIONS,
	FILTER_OPTIONS_EVENTS,
	COMMAND_OPTIONS_COMMON,
};

/* The events that the filter takes.  What the reader returned, or -ETR_E_NOMEM, or -ETR_E_INVALID with the trouble told. */
static int print_some(struct printer *p, struct etr_reader *r, struct an_filter *filter, const char *path)
{
	struct an_source source;
	struct etr_event ev;
	int rc = an_source_init(&source, r);

	while (rc >= 0 && !p->t->failed && (rc = an_source_next(&source, &ev)) == 1) {
		if (source.events == 1 && filter_start(filter, &source, path) < 0)
			rc = -ETR_E_INVALID;
		else if (an_filter_is_past(filter, ev.time))
			break;
		else if ((rc = an_filter_event(filter, &source, &ev)) == 1)
			print_event(p, &ev);
	}
	an_source_free(&source);
	return rc;
}

/* What is whole is printed before what is wrong is told.  The status. */
static int print_events(const char *path, struct command_output *out, bool stacks, struct an_filter *filter)
{
	static struct textout t;
	struct etr_reader *r = etr_reader_new();
	struct printer p = { .t = &t, .r = r, .stacks = stacks };
	struct etr_event ev;
	int rc;

	if (!r) {
		command_error(path, "out of memory");
		return COMMAND_FAILED;
	}
	t.f = out->f;
	rc = command_open_trace(r, path);
	if (rc >= 0) {
		if (!an_filter_is_empty(filter))
			rc = print_some(&p, r, filter, path);
		else
			while ((rc = etr_reader_next(r, &ev)) == 1 && !t.failed)
				print_event(&p, &ev);
		textout_flush(&t);
		out->error = t.error;
		if (rc == -ETR_E_NOMEM)
			command_error(path, "%s", etr_strerror(rc));
		else if (rc < 0 && rc != -ETR_E_INVALID)
			command_trace_error(path, r);
	}
	print_free(&p);
	etr_reader_free(r);
	return rc < 0 || t.failed ? COMMAND_FAILED : COMMAND_OK;
}

static int print_raw(const char *path, struct command_output *out)
{
	struct etr_raw_reader *r = etr_raw_reader_new();
	struct etr_raw_event ev;
	int rc;

	if (!r) {
		command_error(path, "out of memory");
		return COMMAND_FAILED;
	}
	rc = strcmp(path, "-") == 0 ? etr_raw_reader_open_fd(r, 0) : etr_raw_reader_open_path(r, path);
	if (rc >= 0 && etr_raw_print_header(out->f, etr_raw_reader_version(r)) == 0)
		while ((rc = etr_raw_reader_next(r, &ev)) == 1 && etr_raw_print(out->f, &ev) == 0)
			;
	if (rc >= 0 && ferror(out->f))
		out->error = errno;
	if (rc < 0)
		command_error(path, "%s", etr_raw_reader_detail(r));
	etr_raw_reader_free(r);
	return rc < 0 ? COMMAND_FAILED : COMMAND_OK;
}

static int assemble(const char *path, struct command_output *out)
{
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
	char detail[256];
	int rc;

	if (!in) {
		command_error(path, "%s", strerror(errno));
		return COMMAND_FAILED;
	}
	rc = etr_raw_assemble(in, out->f, detail, sizeof(detail));
	if (ferror(out->f))
		out->error = errno;
	else if (rc < 0)
		command_error(path, "%s", detail);
	if (in != stdin)
		fclose(in);
	return rc < 0 ? COMMAND_FAILED : COMMAND_OK;
}

int main(int argc, char **argv)
{
	struct command_output out;
	struct an_filter filter;
	const char *output = NULL;
	bool stacks = false;
	int mode = 0, opt, status;

	command_begin(&self, argv);
	an_filter_init(&filter);
	while ((opt = command_getopt(argc, argv, "o:", options)) != -1) {
		switch (opt) {
		case 'o':
			output = optarg;
			break;
		case OPT_STACKS:
			stacks = true;
			break;
		default:
			if (filter_option(&filter, opt, optarg))
				break;
			if (mode && mode != opt)
				command_usage_error("--raw and --assemble exclude each other");
			mode = opt;
		}
	}
	if (optind != argc - 1)
		command_usage_error(optind == argc ? "which trace?" : "one trace at a time");
	if (stacks && mode)
		command_usage_error("--stacks goes with neither --raw nor --assemble");
	if (mode && !an_filter_is_empty(&filter))
		command_usage_error("filters go with neither --raw nor --assemble");
	if (command_output_open(&out, output) != 0)
		return COMMAND_FAILED;
	if (mode == OPT_ASSEMBLE)
		status = assemble(argv[optind], &out);
	else if (mode == OPT_RAW)
		status = print_raw(argv[optind], &out);
	else
		status = print_events(argv[optind], &out, stacks, &filter);
	an_filter_free(&filter);
	/* Half a trace is no use; the whole lines of a broken one are, if there are any.  A failed write is told by the commit. */
	if (status != COMMAND_OK && out.final && !out.error && (mode == OPT_ASSEMBLE || ftello(out.f) <= 0))
		command_output_discard(&out);
	else if (command_output_commit(&out) != 0)
		status = COMMAND_FAILED;
	return command_end(status);
}
