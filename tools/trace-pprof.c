/* SPDX-License-Identifier: BSD-3-Clause
 *
 * trace-pprof.c - profiles from a trace: where goroutines wait, run, and hold locks others wait for.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/profiler.h"
#include "analysis/text.h"
#include "tools/command.h"

static const struct command self = {
	.name = "trace-pprof",
	.usage = "TYPE[,TYPE...] [--top] [-n ROWS] TRACE\nTYPE -o FILE [--top] TRACE",
	.reads = true,
	.help = "Makes a profile from an execution trace (- for standard input).\n"
		"\n"
		"TYPE is one of\n"
		"      net        waits for the network\n"
		"      sync       waits on channels, selects, locks and the like\n"
		"      syscall    time in system calls\n"
		"      sched      time ready to run without running\n"
		"      block      waits as sync has them, until the goroutine runs again\n"
		"      mutex      waits on locks, at the stacks that held the lock\n"
		"      cpu        CPU samples\n"
		"      wall       all time of all goroutines, on and off the CPU\n"
		"\n"
		"  -o, --output FILE   write the profile for pprof (gzip'd profile.proto; - for standard output)\n"
		"      --top           print a table of functions; so without -o\n"
		"  -n, --rows ROWS     at most so many rows in a table (30; 0 for all)\n",
};

enum { OPT_TOP = COMMAND_OPT_FIRST_OWN };

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "top", no_argument, NULL, OPT_TOP },
	{ "rows", required_argument, NULL, 'n' },
	COMMAND_OPTION_THREADS,
	COMMAND_OPTIONS_COMMON
};

struct job {
	unsigned kinds[AN_PROFILE_COUNT_];	/* in the order of the command line, each once */
	unsigned nkinds, wanted;
	const char *trace, *output;
	bool top;
	size_t rows;
};

static void parse_kinds(struct job *job, const char *text)
{
	for (;;) {
		size_t len = strcspn(text, ",");
		int kind = an_profile_kind_by_name(text, len);

		if (kind < 0)
			command_usage_error("unknown profile type '%.*s'", (int)len, text);
		if (!(job->wanted & 1u << kind))
			job->kinds[job->nkinds++] = (unsigned)kind;
		job->wanted |= 1u << kind;
		if (!text[len])
			return;
		text += len + 1;
	}
}

static size_t parse_rows(const char *text)
{
	char *end;
	unsigned long long rows;

	errno = 0;
	rows = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || rows > SIZE_MAX)
		command_usage_error("'%s' is no number of rows", text);
	return (size_t)rows;
}

static void parse_command_line(struct job *job, int argc, char **argv)
{
	int opt;

	while ((opt = command_getopt(argc, argv, "o:n:", options)) != -1) {
		switch (opt) {
		case 'o':
			job->output = optarg;
			break;
		case 'n':
			job->rows = parse_rows(optarg);
			break;
		case OPT_TOP:
			job->top = true;
			break;
		}
	}
	if (argc - optind < 1)
		command_usage_error("a profile type is missing");
	parse_kinds(job, argv[optind]);
	if (argc - optind < 2)
		command_usage_error("a trace is missing");
	if (argc - optind > 2)
		command_usage_error("one trace at a time: '%s' is too many", argv[optind + 2]);
	if (job->output && job->nkinds > 1)
		command_usage_error("a file holds one profile: one TYPE with -o");
	if (job->output && job->top && strcmp(job->output, "-") == 0)
		command_usage_error("--top and -o - both want standard output");
	job->trace = argv[optind + 1];
	job->top |= !job->output;
}

static int write_file(const struct job *job, const struct an_profiler *profiler)
{
	struct command_output out;
	int rc;

	if (command_output_open(&out, job->output) < 0)
		return COMMAND_FAILED;
	rc = an_profile_write(&profiler->profiles[job->kinds[0]], profiler->source, &profiler->times, out.f);
	if (rc == -ETR_E_NOMEM) {
		command_error(job->output, "%s", etr_strerror(rc));
		command_output_discard(&out);
		return COMMAND_FAILED;
	}
	return command_output_commit(&out) < 0 ? COMMAND_FAILED : COMMAND_OK;
}

static int print_tables(const struct job *job, const struct an_profiler *profiler)
{
	for (unsigned i = 0; i < job->nkinds; i++) {
		const struct an_profile *profile = &profiler->profiles[job->kinds[i]];
		const struct an_values total = an_profile_total(profile);
		char text[32];

		printf("%s%s: %lld %s, %s of %s in %zu samples\n", i ? "\n" : "", an_profile_kind_name((int)job->kinds[i]),
		       (long long)total.count, profile->count_type, an_text_ns(text, total.ns), profile->time_type,
		       an_profile_size(profile));
		if (an_profile_print_top(profile, &profiler->source->names, job->rows, stdout) < 0) {
			command_error(NULL, "%s", etr_strerror(-ETR_E_NOMEM));
			return COMMAND_FAILED;
		}
	}
	return COMMAND_OK;
}

/* Reads the trace to its end.  On damage what came before it counts.  Returns 0 or a negative code, which has been said. */
static int read_trace(const struct job *job, struct an_profiler *profiler)
{
	struct etr_event event;
	int rc, late;

	while ((rc = an_source_next(profiler->source, &event)) == 1) {
		rc = an_profiler_event(profiler, &event);
		if (rc < 0)
			break;
	}
	late = an_profiler_finish(profiler);
	command_trace_end(job->trace, profiler->source->reader);
	if (rc == -ETR_E_NOMEM || late < 0)
		command_error(job->trace, "%s", etr_strerror(-ETR_E_NOMEM));
	else if (rc < 0)
		command_trace_error(job->trace, profiler->source->reader);
	return rc < 0 ? rc : late;
}

static int make_profiles(const struct job *job, struct etr_reader *reader)
{
	struct an_source source;
	struct an_profiler profiler;
	int status = COMMAND_FAILED, rc;

	if (an_source_init(&source, reader) < 0 || an_profiler_init(&profiler, &source, job->wanted, an_profile_labels((int)job->kinds[0])) < 0) {
		command_error(NULL, "%s", etr_strerror(-ETR_E_NOMEM));
		return COMMAND_FAILED;
	}
	rc = read_trace(job, &profiler);
	/* What was whole before the damage is worth a file, nothing is not. */
	if (rc != -ETR_E_NOMEM && !(rc < 0 && job->output && an_profile_size(&profiler.profiles[job->kinds[0]]) == 0)) {
		status = job->output ? write_file(job, &profiler) : COMMAND_OK;
		if (status == COMMAND_OK && job->top)
			status = print_tables(job, &profiler);
	}
	an_profiler_free(&profiler);
	an_source_free(&source);
	return rc < 0 ? COMMAND_FAILED : status;
}

int main(int argc, char **argv)
{
	struct job job = { .rows = 30 };
	struct etr_reader *reader;
	int status = COMMAND_FAILED;

	command_begin(&self, argv);
	parse_command_line(&job, argc, argv);
	reader = etr_reader_new();
	if (!reader)
		command_error(NULL, "%s", etr_strerror(-ETR_E_NOMEM));
	else if (command_open_trace(reader, job.trace) >= 0)
		status = make_profiles(&job, reader);
	etr_reader_free(reader);
	return command_end(status);
}
