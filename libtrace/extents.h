/* SPDX-License-Identifier: BSD-3-Clause
 *
 * extents.h - goes through batch headers and clocks, and notes each generation when it is over.
 */
#ifndef LIBTRACE_EXTENTS_H
#define LIBTRACE_EXTENTS_H

#include <exectrace/raw.h>

#include "libtrace/batchscan.h"
#include "libtrace/gentables.h"

struct etr__scan {
	struct etr__input *in;
	struct etr__fault *fault;
	int version;
	uint64_t off;			/* where the next batch begins */
	struct etr_extent *extents;	/* the generations that are over; the caller frees them */
	size_t n, cap;
	/* The generation at hand. */
	struct etr_extent now;		/* its offset is right even before its first batch */
	struct etr__tables clock;	/* nothing but the clock's part is used */
	uint64_t min_time;
	bool any_batch, any_events;
};

void etr__scan_begin(struct etr__scan *s, struct etr__input *in, int version, uint64_t off, struct etr__fault *fault);

/* Takes one batch further.  1, 0 at the end of the input, or a negative code with the fault recorded. */
int etr__scan_step(struct etr__scan *s);

#endif
