/* SPDX-License-Identifier: BSD-3-Clause
 *
 * printevent.h - a delivered event as a line of text.
 */
#ifndef TOOLS_PRINTEVENT_H
#define TOOLS_PRINTEVENT_H

#include <exectrace/reader.h>

#include "tools/textout.h"

/* Stacks that have been formatted, by id, for as long as the ids hold. */
struct print_cache {
	struct print_text {
		char *text;
		size_t n;
	} *stacks;
	size_t n;		/* entries */
	size_t bytes;		/* of all texts */
};

/* All zeros but for the first two to begin with; print_free() when done. */
struct printer {
	struct textout *t;
	const struct etr_reader *r;
	bool stacks;
	struct print_cache cache;
};

/* Prints the event that the reader delivered last, as trace-print(1) has it. */
void print_event(struct printer *p, const struct etr_event *ev);
void print_free(struct printer *p);

#endif
