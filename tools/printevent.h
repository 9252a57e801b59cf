/* SPDX-License-Identifier: BSD-3-Clause
 *
 * printevent.h - a delivered event as a line of text, or as a JSON object on a line.
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

enum print_time {
	PRINT_TIME_ABSOLUTE,	/* nanoseconds on the trace's clock */
	PRINT_TIME_RELATIVE,	/* seconds since the trace's beginning, nine decimals */
	PRINT_TIME_WALL,	/* as ISO 8601 has it, in UTC */
};

/* All zeros but for the first two to begin with; print_free() when done. */
struct printer {
	struct textout *t;
	const struct etr_reader *r;
	bool stacks;
	bool colour;		/* of lines of text */
	enum print_time times;
	int64_t zero;		/* what a time of the trace is less for RELATIVE, and more for WALL: to be set with the first event */
	struct print_cache cache;
};

/* Prints the event that the reader delivered last, as trace-print(1) has it. */
void print_event(struct printer *p, const struct etr_event *ev);
void print_json(struct printer *p, const struct etr_event *ev);
void print_free(struct printer *p);

/* For both: the text of a stack's frames, made by format unless it is known. */
typedef void print_frames(struct textout *t, const struct etr_reader *r, const struct etr_frame *f, size_t n);
void print__stack(struct printer *p, etr_stack_id id, print_frames *format);

/* For both: forgets stacks' texts, whose ids have changed; at most 40 bytes of time. */
void print__forget_stacks(struct print_cache *c);
char *print__time(const struct printer *p, char *at, int64_t time);

#endif
