/* SPDX-License-Identifier: BSD-3-Clause
 *
 * filteropt.h - the options by which a part of a trace is chosen, the same in all commands.
 */
#ifndef TOOLS_FILTEROPT_H
#define TOOLS_FILTEROPT_H

#include <stdbool.h>

#include "analysis/filter.h"
#include "tools/command.h"

enum {
	FILTER_OPT_FROM = 0x2000, FILTER_OPT_TO, FILTER_OPT_GOROUTINE, FILTER_OPT_THREAD, FILTER_OPT_PROC, FILTER_OPT_FUNCTION,
	FILTER_OPT_WHERE, FILTER_OPT_KIND,
};

/* For the table of long options; those of the second line only where events are chosen one by one. */
#define FILTER_OPTIONS                                                                                                           \
	{ "from", required_argument, NULL, FILTER_OPT_FROM }, { "to", required_argument, NULL, FILTER_OPT_TO },                  \
	{ "goroutine", required_argument, NULL, FILTER_OPT_GOROUTINE },                                                          \
	{ "function", required_argument, NULL, FILTER_OPT_FUNCTION }, { "where", required_argument, NULL, FILTER_OPT_WHERE }
#define FILTER_OPTIONS_EVENTS                                                                                                    \
	{ "thread", required_argument, NULL, FILTER_OPT_THREAD }, { "proc", required_argument, NULL, FILTER_OPT_PROC },          \
	{ "kind", required_argument, NULL, FILTER_OPT_KIND }

/* Their part of the help. */
#define FILTER_HELP                                                                                                              \
	"      --from T           begin at T: 1.5s or 200ms since the trace's beginning, @NS on its own clock, or wall time\n"   \
	"      --to T             end before T\n"                                                                                 \
	"      --goroutine IDS    only these goroutines: 7 or 3,9,20..40\n"                                                       \
	"      --function REGEX   only goroutines that started in a matching function\n"                                          \
	"      --where CONDITION  only where, for one, \"blocked(sync) > 10ms or syscall > 1ms\"\n"
#define FILTER_HELP_EVENTS                                                                                                       \
	"      --thread IDS       only on these threads\n"                                                                        \
	"      --proc IDS         only on these processors\n"                                                                     \
	"      --kind KINDS       only these kinds of events: StateTransition,Log\n"

/* Takes the option if it is one of these; a value that cannot be understood ends the program with COMMAND_USAGE. */
bool filter_option(struct an_filter *filter, int opt, const char *value);

/* an_filter_start() at a trace's first event; -1 and said when that fails. */
int filter_start(struct an_filter *filter, const struct an_source *source, const char *path);

#endif
