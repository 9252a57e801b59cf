/* SPDX-License-Identifier: BSD-3-Clause
 *
 * trace-print.c - a trace as text: its events in order, or the bytes as they stand, and back.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <exectrace/raw.h>
#include <exectrace/reader.h>

#include "analysis/filter.h"
#include "analysis/source.h"
#include "tools/command.h"
#include "tools/filteropt.h"
#include "tools/follow.h"
#include "tools/printevent.h"
#include "tools/progress.h"

static const struct command self = {
	.name = "trace-print",
	.usage = "[OPTION]... [FILTER]... [-o FILE] TRACE\n"
		 "--raw [-o FILE] TRACE\n"
		 "--assemble [-o FILE] TEXT",
	.reads = true,
	.help = "Prints the events of an execution trace in the order in which they happened, one a\n"
		"line.  A TRACE, TEXT or FILE of - is standard input or output.\n"
		"\n"
		"      --stacks     add the stacks to each line\n"
		"      --json       print each event as a JSON object on a line\n"
		"      --time=FORM  absolute: nanoseconds on the trace's clock, as always; relative: seconds\n"
		"                   since the trace began; wall: date and time, in UTC\n"
		"      --color[=WHEN]  always, never, or auto: on a terminal\n"
		"      --follow     wait for more while the trace is still being written\n"
		"      --raw        print what the file holds instead, as it stands there\n"
		"      --assemble   turn the text that --raw prints back into a trace\n"
		"  -o, --output=FILE  write to FILE instead of standard output\n"
		"\n"
		"Filters, all of which must hold; see exectrace-filter(7):\n"
		FILTER_HELP FILTER_HELP_EVENTS,
};

enum { OPT_STACKS = COMMAND_OPT_FIRST_OWN, OPT_RAW, OPT_ASSEMBLE, OPT_JSON, OPT_TIME, OPT_COLOR, OPT_FOLLOW };

static const struct option options[] = {
	{ "stacks", no_argument, NULL, OPT_STACKS },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "time", required_argument, NULL, OPT_TIME },
	{ "color", optional_argument, NULL, OPT_COLOR },
	{ "colour", optional_argument, NULL, OPT_COLOR },
	{ "follow", no_argument, NULL, OPT_FOLLOW },
	{ "raw", no_argument, NULL, OPT_RAW },
	{ "assemble", no_argument, NULL, OPT_ASSEMBLE },
	{ "output", required_argument, NULL, 'o' },
	FILTER_OPTIONS,
	FILTER_OPTIONS_EVENTS,
	COMMAND_OPTION_THREADS,
	COMMAND_OPTIONS_COMMON,
};

struct job {
	const char *path, *output;
	struct command_output out;
	struct an_filter filter;
	int mode;			/* OPT_RAW, OPT_ASSEMBLE or 0 */
	bool stacks, json, follow;
	enum { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER } color;
	enum print_time times;
};

/* Looks at the trace's first event: what filters and times mean in it.  0, or -1 and said. */
static int begin(struct job *job, struct printer *p, const struct an_source *source)
{
	int64_t wall;

	if (filter_start(&job->filter, source, job->path) < 0)
		return -1;
	p->zero = source->start;
	if (job->times != PRINT_TIME_WALL)
		return 0;
	if (!an_source_wall(source, source->start, &wall) || __builtin_sub_overflow(wall, source->start, &p->zero)) {
		command_error(job->path, "the trace does not tell wall time");
		return -1;
	}
	return 0;
}

/* What the reader returned in the end; -ETR_E_INVALID when the trouble was told already. */
static int print_all(struct job *job, struct printer *p, struct etr_reader *r, struct follow *follow)
{
	bool all = an_filter_is_empty(&job->filter);
	struct an_source source;
	struct etr_event ev;
	int rc = an_source_init(&source, r);

	while (rc >= 0 && !p->t->failed) {
		rc = an_source_next(&source, &ev);
		if (rc == -ETR_E_AGAIN && job->follow) {
			textout_flush(p->t);
			fflush(p->t->f);
			follow_wait(follow, r);
			rc = 0;
			continue;
		}
		if (rc != 1)
			break;
		if (source.events == 1 && begin(job, p, &source) < 0)
			rc = -ETR_E_INVALID;
		else if (an_filter_is_past(&job->filter, ev.time))
			break;
		else if (all || (rc = an_filter_event(&job->filter, &source, &ev)) == 1)
			(job->json ? print_json : print_event)(p, &ev);
	}
	an_source_free(&source);
	return rc;
}

static bool wants_colour(const struct job *job)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (job->color != COLOR_AUTO)
		return job->color == COLOR_ALWAYS;
	return !(no && *no) && isatty(fileno(job->out.f)) && term && strcmp(term, "dumb") != 0;
}

/* What is whole is printed before what is wrong is told.  The status. */
static int print_events(struct job *job)
{
	static struct textout t;
	struct follow follow = { .notify = -1, .file = -1 };
	struct etr_reader *r = etr_reader_new();
	struct printer p = { .t = &t, .r = r, .stacks = job->stacks, .times = job->times, .colour = wants_colour(job) };
	int rc;

	if (!r) {
		command_error(job->path, "out of memory");
		return COMMAND_FAILED;
	}
	t.f = job->out.f;
	if (job->follow)
		follow_begin(&follow, r, job->path);
	rc = command_open_trace(r, job->path);
	/* Lines that run over the terminal are progress enough, and a trace that grows has no end. */
	if (job->follow || isatty(fileno(job->out.f)))
		progress_end();
	if (rc >= 0) {
		rc = print_all(job, &p, r, &follow);
		textout_flush(&t);
		command_trace_end(job->path, r);
		job->out.error = t.error;
		if (rc == -ETR_E_NOMEM)
			command_error(job->path, "%s", etr_strerror(rc));
		else if (rc < 0 && rc != -ETR_E_INVALID)
			command_trace_error(job->path, r);
	}
	follow_end(&follow);
	print_free(&p);
	etr_reader_free(r);
	return rc < 0 || t.failed ? COMMAND_FAILED : COMMAND_OK;
}

static uint64_t raw_position(const void *event)
{
	return ((const volatile struct etr_raw_event *)event)->offset;
}

static int print_raw(const char *path, struct command_output *out)
{
	struct etr_raw_reader *r = etr_raw_reader_new();
	struct etr_raw_event ev = { 0 };
	int rc, wrote = 0;

	if (!r) {
		command_error(path, "out of memory");
		return COMMAND_FAILED;
	}
	rc = strcmp(path, "-") == 0 ? etr_raw_reader_open_fd(r, 0) : etr_raw_reader_open_path(r, path);
	if (!isatty(fileno(out->f)))
		command_work_begin(path, raw_position, &ev);
	if (rc >= 0 && etr_raw_print_header(out->f, etr_raw_reader_version(r)) == 0)
		while (wrote == 0 && (rc = etr_raw_reader_next(r, &ev)) == 1)
			wrote = etr_raw_print(out->f, &ev);
	if (rc >= 0 && ferror(out->f))
		out->error = errno;
	command_work_end();
	if (rc < 0)
		command_error(path, "%s", etr_raw_reader_detail(r));
	else if (wrote == -ETR_E_NOMEM)
		command_error(path, "%s", etr_strerror(wrote));
	etr_raw_reader_free(r);
	return rc < 0 || wrote == -ETR_E_NOMEM ? COMMAND_FAILED : COMMAND_OK;
}

static uint64_t text_position(const void *fd)
{
	off_t at = lseek(*(const int *)fd, 0, SEEK_CUR);

	return at < 0 ? 0 : (uint64_t)at;
}

static int assemble(const char *path, struct command_output *out)
{
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
	char detail[256];
	int rc, fd;

	if (!in) {
		command_error(path, "%s", strerror(errno));
		return COMMAND_FAILED;
	}
	fd = fileno(in);
	command_work_begin(path, text_position, &fd);
	rc = etr_raw_assemble(in, out->f, detail, sizeof(detail));
	if (ferror(out->f))
		out->error = errno;
	else if (rc < 0)
		command_error(path, "%s", detail);
	command_work_end();
	if (in != stdin)
		fclose(in);
	return rc < 0 ? COMMAND_FAILED : COMMAND_OK;
}

static void parse_time(struct job *job, const char *form)
{
	static const char *const forms[] = { "absolute", "relative", "wall" };

	for (int i = 0; i < 3; i++) {
		if (strcmp(form, forms[i]) == 0) {
			job->times = (enum print_time)i;
			return;
		}
	}
	command_usage_error("--time is absolute, relative or wall");
}

static void parse_color(struct job *job, const char *when)
{
	if (!when || strcmp(when, "always") == 0)
		job->color = COLOR_ALWAYS;
	else if (strcmp(when, "never") == 0)
		job->color = COLOR_NEVER;
	else if (strcmp(when, "auto") != 0)
		command_usage_error("--color is auto, always or never");
}

static void take_option(struct job *job, int opt)
{
	switch (opt) {
	case 'o':
		job->output = optarg;
		break;
	case OPT_STACKS:
		job->stacks = true;
		break;
	case OPT_JSON:
		job->json = true;
		break;
	case OPT_TIME:
		parse_time(job, optarg);
		break;
	case OPT_COLOR:
		parse_color(job, optarg);
		break;
	case OPT_FOLLOW:
		job->follow = true;
		break;
	default:
		if (filter_option(&job->filter, opt, optarg))
			break;
		if (job->mode && job->mode != opt)
			command_usage_error("--raw and --assemble exclude each other");
		job->mode = opt;
	}
}

static void parse_command_line(struct job *job, int argc, char **argv)
{
	int opt;

	while ((opt = command_getopt(argc, argv, "o:", options)) != -1)
		take_option(job, opt);
	if (optind != argc - 1)
		command_usage_error(optind == argc ? "which trace?" : "one trace at a time");
	job->path = argv[optind];
	if (job->mode && (job->stacks || job->json || job->follow || job->times || !an_filter_is_empty(&job->filter)))
		command_usage_error("--stacks, --json, --time, --follow and filters go with neither --raw nor --assemble");
	if (job->follow && strcmp(job->path, "-") == 0)
		command_usage_error("--follow needs a file; standard input is read until it ends anyway");
}

int main(int argc, char **argv)
{
	struct job job = { 0 };
	int status;

	command_begin(&self, argv);
	an_filter_init(&job.filter);
	parse_command_line(&job, argc, argv);
	if (command_output_open(&job.out, job.output) != 0)
		return COMMAND_FAILED;
	if (job.mode == OPT_ASSEMBLE)
		status = assemble(job.path, &job.out);
	else if (job.mode == OPT_RAW)
		status = print_raw(job.path, &job.out);
	else
		status = print_events(&job);
	an_filter_free(&job.filter);
	/* Half a trace is no use; the whole lines of a broken one are, if there are any.  A failed write is told by the commit. */
	if (status != COMMAND_OK && job.out.final && !job.out.error && (job.mode == OPT_ASSEMBLE || ftello(job.out.f) <= 0))
		command_output_discard(&job.out);
	else if (command_output_commit(&job.out) != 0)
		status = COMMAND_FAILED;
	return command_end(status);
}
