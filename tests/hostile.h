/* SPDX-License-Identifier: BSD-3-Clause
 *
 * hostile.h - traces that hold as much as possible of one small thing, which a reader has to keep.
 */
#ifndef TESTS_HOSTILE_H
#define TESTS_HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The trace that is being made, or was made last; in memory that a test's allocator does not see. */
struct hostile {
	uint8_t *p;
	size_t n;
};

extern struct hostile hostile;

struct hostile_kind {
	const char *name;
	void (*thing)(uint64_t i);	/* appends thing number i */
	void (*table)(uint64_t i);	/* what that names; NULL: nothing */
	bool on_goroutine;		/* there is a running goroutine, number 1, on thread 1 */
};

void hostile_metric(uint64_t i);	/* a thing of which nothing has to be kept */

extern const struct hostile_kind hostile_kinds[];
extern const size_t hostile_nkinds;

/*
 * A whole trace of about size bytes.  Every reader takes it where it is one generation; a second one goes on with further things,
 * some of which are only allowed in the first.
 */
void hostile_make(const struct hostile_kind *kind, size_t size, int version, int generations);

/* By hand: the file header, bytes, and what a generation needs to be whole. */
void hostile_begin(int version);
void hostile_put(const void *p, size_t n);
void hostile_end(void);

void hostile_free(void);

#endif
