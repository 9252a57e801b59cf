/* SPDX-License-Identifier: BSD-3-Clause
 *
 * trace-pprof.c - profiles from traces: where goroutines wait, run, and hold locks others wait for.
 *
 * All traces are read one after the other into the same profiles, those of --base into others, over one set of names; then what was
 * asked for is written.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/calltree.h"
#include "analysis/profiler.h"
#include "analysis/text.h"
#include "tools/command.h"
#include "tools/filteropt.h"

static const struct command self = {
	.name = "trace-pprof",
	.usage = "TYPE[,TYPE...] [OPTION]... TRACE...\nTYPE -o FILE [OPTION]... TRACE...",
	.reads = true,
	.help = "Makes a profile from execution traces (- for standard input); several are merged.\n"
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
		"  -o, --output FILE      write the profile for pprof (gzip'd profile.proto; - for standard output)\n"
		"      --folded           write folded stacks, \"root;...;leaf VALUE\", instead: to standard output or FILE\n"
		"      --svg FILE         draw a flame graph, to be looked at in a browser\n"
		"      --top              print a table of functions; so if nothing else is asked for\n"
		"  -n, --rows ROWS        at most so many rows in a table (30; 0 for all)\n"
		"      --sample WHAT      count or time (the default): what --folded and --svg show\n"
		"      --label LABELS     tell samples apart by state, reason, goroutine, thread, task, region, lock; none, all\n"
		"      --base TRACE       take away what this trace has; may be given more than once\n"
		"\n"
		"Only part of each trace:\n"
		FILTER_HELP,
};

enum { OPT_TOP = COMMAND_OPT_FIRST_OWN, OPT_FOLDED, OPT_SVG, OPT_SAMPLE, OPT_LABEL, OPT_BASE };

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "folded", no_argument, NULL, OPT_FOLDED },
	{ "svg", required_argument, NULL, OPT_SVG },
	{ "top", no_argument, NULL, OPT_TOP },
	{ "rows", required_argument, NULL, 'n' },
	{ "sample", required_argument, NULL, OPT_SAMPLE },
	{ "label", required_argument, NULL, OPT_LABEL },
	{ "base", required_argument, NULL, OPT_BASE },
	FILTER_OPTIONS,
	COMMAND_OPTION_THREADS,
	COMMAND_OPTIONS_COMMON
};

struct job {
	unsigned kinds[AN_PROFILE_COUNT_];	/* in the order of the command line, each once */
	unsigned nkinds, wanted;
	unsigned labels;
	bool has_labels;
	char **traces;
	int ntraces;
	const char **bases;
	int nbases;
	const char *output, *svg;
	bool top, folded, by_count;
	size_t rows;
	struct an_filter filter;

	/* While it is done. */
	struct an_source source;
	bool has_source;
	struct an_profiler profiler, base;
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

static void parse_labels(struct job *job, const char *text)
{
	job->has_labels = true;
	if (strcmp(text, "none") == 0 || strcmp(text, "all") == 0) {
		job->labels = *text == 'a' ? (1u << AN_LABEL_COUNT_) - 1 : 0;
		return;
	}
	for (;;) {
		size_t len = strcspn(text, ",");
		int label = an_label_by_name(text, len);

		if (label < 0)
			command_usage_error("unknown label '%.*s'", (int)len, text);
		job->labels |= 1u << label;
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

static bool parse_sample(const char *text)
{
	if (strcmp(text, "count") != 0 && strcmp(text, "time") != 0)
		command_usage_error("--sample takes count or time, not '%s'", text);
	return *text == 'c';
}

static void take_option(struct job *job, int opt)
{
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
	case OPT_FOLDED:
		job->folded = true;
		break;
	case OPT_SVG:
		job->svg = optarg;
		break;
	case OPT_SAMPLE:
		job->by_count = parse_sample(optarg);
		break;
	case OPT_LABEL:
		parse_labels(job, optarg);
		break;
	case OPT_BASE:
		job->bases[job->nbases++] = optarg;
		break;
	default:
		filter_option(&job->filter, opt, optarg);
	}
}

static bool is_stdout(const char *path)
{
	return path && strcmp(path, "-") == 0;
}

static void parse_command_line(struct job *job, int argc, char **argv)
{
	bool files;
	int opt;

	while ((opt = command_getopt(argc, argv, "o:n:", options)) != -1)
		take_option(job, opt);
	if (argc - optind < 1)
		command_usage_error("a profile type is missing");
	parse_kinds(job, argv[optind]);
	if (argc - optind < 2)
		command_usage_error("a trace is missing");
	job->traces = argv + optind + 1;
	job->ntraces = argc - optind - 1;
	if (job->folded && !job->output)
		job->output = "-";
	files = job->output || job->svg;
	if (files && job->nkinds > 1)
		command_usage_error("a file holds one profile: one TYPE with -o, --folded or --svg");
	if (is_stdout(job->output) + is_stdout(job->svg) + job->top > 1)
		command_usage_error("only one of --top, --folded, -o - and --svg - can have standard output");
	job->top |= !files;
	if (!job->has_labels)
		job->labels = an_profile_labels((int)job->kinds[0]);
}

static const struct an_profile *first_profile(const struct job *job)
{
	return &job->profiler.profiles[job->kinds[0]];
}

/* What a call of the file's writer gave, made good.  Returns a command status. */
static int finish_file(struct command_output *out, const char *path, int rc)
{
	if (rc == -ETR_E_NOMEM) {
		command_error(path, "%s", etr_strerror(rc));
		command_output_discard(out);
		return COMMAND_FAILED;
	}
	return command_output_commit(out) < 0 ? COMMAND_FAILED : COMMAND_OK;
}

static int write_output(const struct job *job)
{
	struct command_output out;
	struct an_calltree tree;
	int rc;

	if (command_output_open(&out, job->output) < 0)
		return COMMAND_FAILED;
	if (job->folded) {
		rc = an_calltree_init(&tree, first_profile(job), &job->source.names);
		if (rc == 0) {
			an_calltree_print_folded(&tree, job->by_count, out.f);
			an_calltree_free(&tree);
		}
	} else {
		rc = an_profile_write(first_profile(job), &job->source, &job->profiler.times, out.f);
	}
	return finish_file(&out, job->output, rc);
}

static int write_svg(const struct job *job)
{
	const struct an_profile *profile = first_profile(job);
	const struct an_values total = an_profile_total(profile);
	struct an_flamegraph how = { .by_count = job->by_count, .difference = job->nbases > 0,
				     .value = job->by_count ? profile->count_type : profile->time_type };
	struct command_output out;
	struct an_calltree tree;
	char *title = NULL, time[32], more[32] = "";
	int rc;

	if (command_output_open(&out, job->svg) < 0)
		return COMMAND_FAILED;
	if (job->ntraces > 1)
		snprintf(more, sizeof(more), " and %d more", job->ntraces - 1);
	if (asprintf(&title, "%s of %s%s: %lld %s, %s%s", an_profile_kind_name((int)job->kinds[0]), job->traces[0], more,
		     (long long)total.count, profile->count_type, an_text_ns(time, total.ns),
		     job->nbases ? ", as compared with the base" : "") < 0)
		title = NULL;
	how.title = title ? title : "";
	rc = an_calltree_init(&tree, profile, &job->source.names);
	if (rc == 0) {
		errno = 0;
		rc = an_calltree_print_svg(&tree, &how, out.f);
		out.error = ferror(out.f) ? errno : 0;
		an_calltree_free(&tree);
	}
	free(title);
	return finish_file(&out, job->svg, rc);
}

static int print_tables(const struct job *job)
{
	for (unsigned i = 0; i < job->nkinds; i++) {
		const struct an_profile *profile = &job->profiler.profiles[job->kinds[i]];
		const struct an_values total = an_profile_total(profile);
		char text[32];

		printf("%s%s: %lld %s, %s of %s in %zu samples\n", i ? "\n" : "", an_profile_kind_name((int)job->kinds[i]),
		       (long long)total.count, profile->count_type, an_text_ns(text, total.ns), profile->time_type,
		       an_profile_size(profile));
		if (an_profile_print_top(profile, &job->source.names, job->rows, stdout) < 0) {
			command_error(NULL, "%s", etr_strerror(-ETR_E_NOMEM));
			return COMMAND_FAILED;
		}
	}
	return COMMAND_OK;
}

#define BATCH 128		/* events that are read at once */

/* Reads a trace to its end.  On damage what came before it counts.  Returns 0 or a negative code, which has been said. */
static int read_events(struct job *job, struct an_profiler *profiler, const char *path)
{
	struct an_source *source = &job->source;
	struct etr_event events[BATCH];
	int rc, n, late;
	bool unsaid = true, begun = false;

	while ((rc = n = an_source_next_events(source, events, BATCH)) > 0) {
		if (!begun && profiler->filter && filter_start(profiler->filter, source, path) < 0) {
			unsaid = false;
			rc = -ETR_E_INVALID;
			break;
		}
		begun = true;
		rc = 0;
		if (profiler->filter && an_profiler_is_done(profiler, events[0].time))
			break;
		rc = an_profiler_events(profiler, events, n);
		if (rc < 0)
			break;
	}
	late = an_profiler_finish(profiler);
	command_trace_end(path, source->reader);
	if (rc == -ETR_E_NOMEM || late < 0)
		command_error(path, "%s", etr_strerror(-ETR_E_NOMEM));
	else if (rc < 0 && unsaid)
		command_trace_error(path, source->reader);
	return late < 0 ? late : rc;
}

/* The first trace that can be opened brings the source and the profilers to life. */
static int begin(struct job *job, struct etr_reader *reader)
{
	int rc;

	if (job->has_source) {
		an_source_reopen(&job->source, reader);
		return 0;
	}
	rc = an_source_init(&job->source, reader);
	if (rc < 0)
		return rc;
	job->has_source = true;
	rc = an_profiler_init(&job->profiler, &job->source, job->wanted, job->labels);
	if (an_profiler_init(&job->base, &job->source, job->wanted, job->labels) < 0)
		rc = -ETR_E_NOMEM;
	if (!an_filter_is_empty(&job->filter)) {
		an_profiler_set_filter(&job->profiler, &job->filter);
		an_profiler_set_filter(&job->base, &job->filter);
	}
	return rc;
}

static int read_trace(struct job *job, struct an_profiler *profiler, const char *path)
{
	struct etr_reader *reader = etr_reader_new();
	int rc = reader ? 0 : -ETR_E_NOMEM;

	if (reader && (rc = command_open_trace(reader, path)) < 0) {
		etr_reader_free(reader);
		return rc;
	}
	if (rc == 0)
		rc = begin(job, reader);
	if (rc < 0)
		command_error(path, "%s", etr_strerror(rc));
	else
		rc = read_events(job, profiler, path);
	etr_reader_free(reader);
	return rc;
}

static int take_bases_away(struct job *job)
{
	int rc = 0;

	for (unsigned i = 0; rc == 0 && job->nbases && i < job->nkinds; i++)
		rc = an_profile_subtract(&job->profiler.profiles[job->kinds[i]], &job->base.profiles[job->kinds[i]]);
	if (rc < 0)
		command_error(NULL, "%s", etr_strerror(rc));
	return rc;
}

static int do_job(struct job *job)
{
	int status = COMMAND_OK, first, rc = 0;
	bool files = job->output || job->svg;

	for (int i = 0; rc != -ETR_E_NOMEM && i < job->ntraces; i++)
		if ((rc = read_trace(job, &job->profiler, job->traces[i])) < 0)
			status = COMMAND_FAILED;
	for (int i = 0; rc != -ETR_E_NOMEM && i < job->nbases; i++)
		if ((rc = read_trace(job, &job->base, job->bases[i])) < 0)
			status = COMMAND_FAILED;
	/* A difference from half of what was meant misleads.  Of a profile what was whole before the damage is worth a file. */
	if (rc == -ETR_E_NOMEM || !job->has_source || (job->nbases && status != COMMAND_OK) || take_bases_away(job) < 0 ||
	    (files && status != COMMAND_OK && an_profile_size(first_profile(job)) == 0))
		return COMMAND_FAILED;
	first = status;
	if (job->output)
		status = write_output(job);
	if (status == COMMAND_OK || !job->output)
		status = job->svg ? write_svg(job) : COMMAND_OK;
	if (status == COMMAND_OK && job->top)
		status = print_tables(job);
	return first == COMMAND_OK ? status : first;
}

int main(int argc, char **argv)
{
	struct job job = { .rows = 30 };
	int status;

	command_begin(&self, argv);
	an_filter_init(&job.filter);
	job.bases = malloc((size_t)argc * sizeof(*job.bases));
	if (!job.bases) {
		command_error(NULL, "%s", etr_strerror(-ETR_E_NOMEM));
		return command_end(COMMAND_FAILED);
	}
	parse_command_line(&job, argc, argv);
	status = do_job(&job);
	if (job.has_source) {
		an_profiler_free(&job.profiler);
		an_profiler_free(&job.base);
		an_source_free(&job.source);
	}
	an_filter_free(&job.filter);
	free(job.bases);
	return command_end(status);
}
