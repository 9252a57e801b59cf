/* SPDX-License-Identifier: BSD-3-Clause
 *
 * packtrace.h - traces of testdata/go in memory, plain and compressed, and what their reader makes of them; a Check
 * assertion fails where something does.
 */
#ifndef TESTS_PACKTRACE_H
#define TESTS_PACKTRACE_H

#include <stddef.h>
#include <stdint.h>

#include <exectrace/raw.h>
#include <exectrace/reader.h>

#include "tests/maketrace.h"

/* A trace of testdata/go, by its name without ".trace". */
struct bytes bytes_load(const char *name);
/* Some of them; all but the last one have several generations. */
extern const char *const some_traces[];
enum { SOME_TRACES = 5 };

/* What a trace is to its reader. */
struct outcome {
	int rc;
	uint64_t events, hash, offset;
	unsigned syncs;
};

void outcome_take(struct outcome *o, const struct etr_event *ev);
/* Goes on as far as events come.  Return: o->rc, what the reader said then. */
int outcome_drain(struct outcome *o, struct etr_reader *r);
/* Of the first n bytes. */
struct outcome outcome_of(const struct bytes *b, size_t n);
void outcome_assert_same(const struct outcome *a, const struct outcome *b);

/* Where the generations of a trace are: *e, for the caller to free, and how many. */
size_t extents_of(const struct bytes *b, struct etr_extent **e);

/* Appends one frame of size bytes.  Return: how long it is. */
size_t pack_frame(struct bytes *out, const uint8_t *p, size_t size);

struct packed {
	struct bytes b;
	size_t n, end[128], out[128];	/* where each generation's frame ends, in the file and uncompressed */
};

/* A frame for each generation, and the seek table. */
struct packed pack_generations(const struct bytes *b);
/* One frame of all. */
struct bytes pack_whole(const struct bytes *b);
/* Frames that know nothing of generations, and skippable ones between them. */
struct bytes pack_odd(const struct bytes *b);

#endif
