/* SPDX-License-Identifier: BSD-3-Clause
 *
 * trace-cut.c - a part of a trace as a trace of its own.
 *
 * The input is read once, front to back, and no further than the window needs.
 */
#include "config.h"

#include <errno.h>

#include "analysis/slicer.h"
#include "tools/command.h"
#include "tools/compressout.h"

static const struct command self = {
	.name = "trace-cut",
	.usage = "-o OUT [--from T] [--to T] [--generation N..M] [-z[LEVEL]] TRACE",
	.help = "Writes the part of an execution trace (- for standard input) that holds a window, as a trace of its own.\n"
		"The slice's events are those of the window, as they were; what is alive at its beginning is told before them.\n"
		"\n"
		"  -o, --output OUT        the slice's file; - for standard output\n"
		"      --from T            the window begins at T; else with the trace\n"
		"      --to T              the window ends before T; else with the trace\n"
		"      --generation N..M   generations N to M; also N, N.. and ..M\n"
		"  -z, --compress[=LEVEL]  compress the slice with zstd, 1 to 19, else 3; 0: do not.  An OUT that ends\n"
		"                          in .zst asks for it by itself\n"
		"\n"
		"T is a time since the trace's beginning (1.5s, 200ms, 1m30s), @NS on the trace's own clock, or wall time\n"
		"(2026-11-22T21:00:00.5Z; without a zone, local time).\n",
};

enum { OPT_FROM = COMMAND_OPT_FIRST_OWN, OPT_TO, OPT_GENERATION };

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "from", required_argument, NULL, OPT_FROM },
	{ "to", required_argument, NULL, OPT_TO },
	{ "generation", required_argument, NULL, OPT_GENERATION },
	{ "compress", optional_argument, NULL, 'z' },
	COMMAND_OPTIONS_COMMON
};

#define DEFAULT_LEVEL 3		/* zstd's own */

struct job {
	struct an_when from, to;
	struct an_generations generations;
	const char *trace, *output;
	struct command_output out;
	int level;		/* zstd's; 0: not compressed; -1: as the output's name wants it */
	bool asked;		/* for the window */
	bool said;		/* why there is no slice */
};

static void parse_when(struct an_when *when, const char *text)
{
	if (!an_when_parse(when, text))
		command_usage_error("'%s' is no point in time", text);
}

static void parse_command_line(struct job *job, int argc, char **argv)
{
	int opt;

	while ((opt = command_getopt(argc, argv, "o:z::", options)) != -1) {
		switch (opt) {
		case 'o':
			job->output = optarg;
			break;
		case 'z':
			job->level = compress_level(optarg, DEFAULT_LEVEL);
			break;
		case OPT_FROM:
			parse_when(&job->from, optarg);
			break;
		case OPT_TO:
			parse_when(&job->to, optarg);
			break;
		case OPT_GENERATION:
			if (!an_generations_parse(&job->generations, optarg))
				command_usage_error("'%s' is no range of generations", optarg);
			break;
		}
	}
	if (!job->output)
		command_usage_error("where to? -o is missing");
	if (argc - optind != 1)
		command_usage_error(optind == argc ? "a trace is missing" : "one trace at a time");
	job->trace = argv[optind];
	if (job->level < 0)
		job->level = compress_is_asked_by(job->output) ? DEFAULT_LEVEL : 0;
}

/* One window. */
static bool next_window(void *ctx, const struct an_source *source, const struct an_slice *last, struct an_cut_window *window)
{
	struct job *job = ctx;

	(void)last;
	if (job->asked)
		return false;
	job->asked = true;
	window->first_generation = job->generations.first;
	window->last_generation = job->generations.last;
	if (!an_when_resolve(&job->from, source, INT64_MIN, &window->from) ||
	    !an_when_resolve(&job->to, source, INT64_MAX, &window->to)) {
		command_error(job->trace, "the trace does not say the wall time; use a time since its beginning");
		job->said = true;
		return false;
	}
	return window->from < window->to && window->to > source->start;
}

static int open_output(void *ctx, struct an_slice *slice)
{
	struct job *job = ctx;

	slice->output = &job->out;
	if (command_output_open(&job->out, job->output) != 0)
		return -1;
	return job->level > 0 ? command_output_compress(&job->out, job->level) : 0;
}

static int write_output(struct an_slice *slice, const void *buf, size_t size)
{
	struct command_output *out = slice->output;

	if (fwrite(buf, 1, size, out->f) == size)
		return 0;
	out->error = errno;
	return -1;
}

static int close_output(void *ctx, struct an_slice *slice, int rc)
{
	struct command_output *out = slice->output;

	(void)ctx;
	/* A write that failed is found, and said, when the file is completed. */
	if (rc == 0 || rc == -ETR_E_IO)
		return command_output_commit(out);
	command_output_discard(out);
	return 0;
}

static void say_nothing_there(struct job *job, const struct an_source *source)
{
	if (!job->said)
		command_error(job->trace, "nothing lies in the window; the trace is %.9f s long, from @%lld on",
			      (double)(source->end - source->start) / 1e9, (long long)source->start);
	job->said = true;
}

static int cut(struct job *job, struct etr_reader *reader)
{
	const struct an_slicing slicing = { .next = next_window, .open = open_output, .write = write_output,
					    .close = close_output, .ctx = job };
	struct an_source source;
	struct an_slicer slicer;
	int rc;

	if (an_source_init(&source, reader) < 0 || an_slicer_init(&slicer, &source, &slicing) < 0) {
		command_error(NULL, "%s", etr_strerror(-ETR_E_NOMEM));
		return COMMAND_FAILED;
	}
	rc = an_slicer_run(&slicer);
	command_trace_end(job->trace, reader);
	if (rc == -ETR_E_NOMEM)
		command_error(NULL, "%s", etr_strerror(rc));
	else if (rc < 0 && *etr_reader_detail(reader))
		command_trace_error(job->trace, reader);
	else if (rc == 0 && slicer.slices == 0)
		say_nothing_there(job, &source);
	rc = rc < 0 || slicer.slices == 0 ? COMMAND_FAILED : COMMAND_OK;
	an_slicer_free(&slicer);
	an_source_free(&source);
	return rc;
}

int main(int argc, char **argv)
{
	struct job job = { .generations.last = UINT64_MAX, .level = -1 };
	struct etr_reader *reader;
	int status = COMMAND_FAILED;

	command_begin(&self, argv);
	parse_command_line(&job, argc, argv);
	reader = etr_reader_new();
	if (!reader)
		command_error(NULL, "%s", etr_strerror(-ETR_E_NOMEM));
	else if (command_open_trace(reader, job.trace) == 0)
		status = cut(&job, reader);
	etr_reader_free(reader);
	return command_end(status);
}
