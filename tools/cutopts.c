/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cutopts.c - the command line of trace-cut.
 */
#include "config.h"

#include "tools/cutopts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/command.h"
#include "tools/compressout.h"

static const struct command self = {
	.name = "trace-cut",
	.usage = "-o OUT [--from T] [--to T] [--generation N..M] [OPTION]... TRACE",
	.reads = true,
	.one_thread = true,	/* what is done beside reading takes less time than the memory of more is worth */
	.help = "Writes a window of an execution trace (- for standard input) as a trace of its own.\n"
		"The slice's events are those of the window, as they were; what is alive at its beginning is told before them.\n"
		"\n"
		"  -o, --output OUT        the slice's file; - for standard output\n"
		"\n"
		"The window; all that is given must hold:\n"
		"      --from T            it begins at T; else with the trace\n"
		"      --to T              it ends before T; else with the trace\n"
		"      --generation N..M   generations N to M; also N, N.. and ..M\n"
		"or what happened there:\n"
		"      --task TYPE         the slowest task of that type; * stands for any text\n"
		"      --region TYPE       the slowest region\n"
		"      --around CONDITION  the longest interval of which it is true: \"blocked(sync) > 10ms or stw\"\n"
		"      --slowest K         the K slowest, as OUT-001 (the slowest), OUT-002 and so on\n"
		"      --margin D          and D before and behind it (with --around 1ms, else 0)\n"
		"\n"
		"      --split PART        all of it in parts: of 10s each, of about 64M bytes each, or in 8 equally long ones;\n"
		"                          as OUT-001, OUT-002 and so on\n"
		"      --anonymize         other names for functions, files, and what the program says; reasons stay\n"
		"      --keep PREFIX       but not for names that begin so; may be repeated\n"
		"      --thorough          read all that lies before the window of a compressed trace, too\n"
		"  -z, --compress[=LEVEL]  compress the slice with zstd, 1 to 19, else 3; 0: do not.  An OUT that ends\n"
		"                          in .zst asks for it by itself\n"
		"\n"
		"T is a time since the trace's beginning (1.5s, 200ms, 1m30s), @NS on the trace's own clock, or wall time\n"
		"(2026-11-22T21:00:00.5Z; without a zone, local time).\n",
};

enum { OPT_FROM = COMMAND_OPT_FIRST_OWN, OPT_TO, OPT_GENERATION, OPT_TASK, OPT_REGION, OPT_AROUND, OPT_SLOWEST, OPT_MARGIN, OPT_SPLIT,
       OPT_ANONYMIZE, OPT_KEEP, OPT_THOROUGH };

static const struct option long_options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "from", required_argument, NULL, OPT_FROM },
	{ "to", required_argument, NULL, OPT_TO },
	{ "generation", required_argument, NULL, OPT_GENERATION },
	{ "task", required_argument, NULL, OPT_TASK },
	{ "region", required_argument, NULL, OPT_REGION },
	{ "around", required_argument, NULL, OPT_AROUND },
	{ "slowest", required_argument, NULL, OPT_SLOWEST },
	{ "margin", required_argument, NULL, OPT_MARGIN },
	{ "split", required_argument, NULL, OPT_SPLIT },
	{ "anonymize", no_argument, NULL, OPT_ANONYMIZE },
	{ "keep", required_argument, NULL, OPT_KEEP },
	{ "thorough", no_argument, NULL, OPT_THOROUGH },
	{ "compress", optional_argument, NULL, 'z' },
	COMMAND_OPTION_THREADS,
	COMMAND_OPTIONS_COMMON
};

#define DEFAULT_LEVEL 3		/* zstd's own */
#define SLOWEST_MAX 100000
#define AROUND_MARGIN 1000000

static void parse_when(struct an_when *when, const char *text)
{
	if (!an_when_parse(when, text))
		command_usage_error("'%s' is no point in time", text);
}

static void parse_condition(struct cut_options *options, const char *option, const char *text)
{
	struct cond_error error;

	if (options->picked)
		command_usage_error("--%s and --%s together", options->picked, option);
	options->picked = option;
	if (cond_parse(&options->condition, text, &error) != 0)
		command_usage_error("'%s', column %zu: %s", text, error.column, error.message);
}

/* A name as a condition: KIND("NAME"). */
static void parse_named(struct cut_options *options, const char *kind, const char *name)
{
	char *text = malloc(strlen(kind) + 2 * strlen(name) + 5), *p;

	if (!text)
		command_usage_error("out of memory");
	p = text + sprintf(text, "%s(\"", kind);
	for (; *name; *p++ = *name++)
		if (*name == '"' || *name == '\\')
			*p++ = '\\';
	strcpy(p, "\")");
	parse_condition(options, kind, text);
	free(text);
}

static void parse_split(struct cut_options *options, const char *text)
{
	static const char suffixes[] = "KMG";
	const char *p = text, *suffix;

	if (an_number_take(&p, &options->part) && options->part > 0) {
		suffix = *p ? strchr(suffixes, *p) : NULL;
		options->split = suffix ? SPLIT_SIZE : SPLIT_COUNT;
		for (const char *s = suffixes; suffix && s <= suffix; s++)
			if (__builtin_mul_overflow(options->part, (int64_t)1024, &options->part))
				command_usage_error("'%s' is too large", text);
		p += suffix != NULL;
		if (!*p)
			return;
	}
	p = text;
	options->split = SPLIT_DURATION;
	if (!an_duration_take(&p, &options->part) || *p || options->part <= 0)
		command_usage_error("'%s' is no duration, size or number of parts", text);
}

static int64_t parse_number(const char *text, int64_t max)
{
	int64_t number;
	const char *p = text;

	if (!an_number_take(&p, &number) || *p || number < 1 || number > max)
		command_usage_error("'%s' is no number from 1 to %lld", text, (long long)max);
	return number;
}

static void add_keep(struct cut_options *options, const char *prefix)
{
	const char **more = realloc(options->keep, (options->nkeep + 1) * sizeof(*more));

	if (!more)
		command_usage_error("out of memory");
	options->keep = more;
	more[options->nkeep++] = prefix;
}

static void take_option(struct cut_options *options, int opt)
{
	const char *p = optarg;

	switch (opt) {
	case 'o':
		options->output = optarg;
		break;
	case 'z':
		options->level = compress_level(optarg, DEFAULT_LEVEL);
		break;
	case OPT_FROM:
		parse_when(&options->from, optarg);
		break;
	case OPT_TO:
		parse_when(&options->to, optarg);
		break;
	case OPT_GENERATION:
		if (!an_generations_parse(&options->generations, optarg))
			command_usage_error("'%s' is no range of generations", optarg);
		break;
	case OPT_TASK:
		parse_named(options, "task", optarg);
		break;
	case OPT_REGION:
		parse_named(options, "region", optarg);
		break;
	case OPT_AROUND:
		parse_condition(options, "around", optarg);
		break;
	case OPT_SLOWEST:
		options->slowest = parse_number(optarg, SLOWEST_MAX);
		break;
	case OPT_MARGIN:
		if (!an_duration_take(&p, &options->margin) || *p)
			command_usage_error("'%s' is no duration", optarg);
		break;
	case OPT_SPLIT:
		parse_split(options, optarg);
		break;
	case OPT_ANONYMIZE:
		options->anonymize = true;
		break;
	case OPT_THOROUGH:
		options->thorough = true;
		break;
	case OPT_KEEP:
		add_keep(options, optarg);
		break;
	}
}

void cut_options_parse(struct cut_options *options, int argc, char **argv)
{
	bool generations;
	int opt;

	memset(options, 0, sizeof(*options));
	options->generations.last = UINT64_MAX;
	options->slowest = options->margin = options->level = -1;
	command_begin(&self, argv);
	while ((opt = command_getopt(argc, argv, "o:z::", long_options)) != -1)
		take_option(options, opt);
	generations = options->generations.first != 0 || options->generations.last != UINT64_MAX;
	if (!options->output)
		command_usage_error("where to? -o is missing");
	if (argc - optind != 1)
		command_usage_error(optind == argc ? "a trace is missing" : "one trace at a time");
	if (!options->picked && (options->slowest != -1 || options->margin != -1))
		command_usage_error("--%s of what? --task, --region or --around is missing", options->margin != -1 ? "margin" : "slowest");
	if (options->picked && (options->split || generations))
		command_usage_error("--%s and --%s together", options->picked, options->split ? "split" : "generation");
	if (options->split && generations)
		command_usage_error("--split and --generation together");
	if (options->nkeep && !options->anonymize)
		command_usage_error("--keep without --anonymize");
	if (options->margin == -1)
		options->margin = options->picked && strcmp(options->picked, "around") == 0 ? AROUND_MARGIN : 0;
	if (options->slowest == -1)
		options->slowest = 1;
	options->numbered = options->split || options->slowest > 1;
	if (options->numbered && strcmp(options->output, "-") == 0)
		command_usage_error("several slices do not go to standard output");
	if (options->level < 0)
		options->level = compress_is_asked_by(options->output) ? DEFAULT_LEVEL : 0;
	options->trace = argv[optind];
}
