/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cutopts.h - what trace-cut is asked for.
 */
#ifndef TOOLS_CUTOPTS_H
#define TOOLS_CUTOPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/pick.h"
#include "analysis/window.h"

struct cut_options {
	struct an_when from, to;
	struct an_generations generations;
	const char *trace, *output;

	const char *picked;		/* the option that picks by what happened, NULL for none */
	struct cond condition;
	int64_t slowest, margin;	/* how many; ns */
	enum { SPLIT_NONE, SPLIT_DURATION, SPLIT_SIZE, SPLIT_COUNT } split;
	int64_t part;			/* ns, bytes or a number */
	int level;			/* zstd's; 0: slices are not compressed */
	bool numbered;			/* outputs are OUT-001 and so on */
	bool thorough;			/* nothing before the window is passed over */
	bool anonymize;
	const char **keep;		/* to be freed with free() */
	size_t nkeep;
};

/* Wrong usage ends the program. */
void cut_options_parse(struct cut_options *options, int argc, char **argv);

#endif
