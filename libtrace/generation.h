/* SPDX-License-Identifier: BSD-3-Clause
 *
 * generation.h - all that is known of one generation before its events are put in order.
 *
 * It holds nothing of the model and nothing of any other generation, so that one can be loaded while another is ordered.
 */
#ifndef LIBTRACE_GENERATION_H
#define LIBTRACE_GENERATION_H

#include <stdint.h>

#include "libtrace/fault.h"
#include "libtrace/frontier.h"
#include "libtrace/genarena.h"
#include "libtrace/gentables.h"
#include "libtrace/input.h"

struct etr__generation {
	uint64_t number;		/* as in the file; 0: none */
	uint64_t load_no;		/* 1 for the first that was loaded */
	uint64_t start, end;		/* its bytes in the input */
	uint64_t min_time;		/* smallest base time, in units */
	struct etr__tables tables;
	struct etr__frontier frontier;
	struct etr__arena held;		/* event batches of a stream, and what is kept of experiments */
	uint64_t experiment_batches[256], experiment_bytes[256];
	/* The batches of experiments, where they are kept; their bytes are in held. */
	struct etr__experimental {
		uint64_t m;
		const uint8_t *data;
		uint32_t size;
		uint8_t experiment;
	} *experimental;
	size_t nexperimental, capexperimental;
	uint64_t counts[256];		/* its structural wire events */
	uint64_t bytes[256];		/* and what they take in the file */
};

/* 0, or -1 when out of memory; etr__generation_free() does either way. */
int etr__generation_init(struct etr__generation *g, struct etr__input *in, struct etr__fault *fault);
void etr__generation_free(struct etr__generation *g);

/* Leaves an empty one; no ordering may have it any more. */
void etr__generation_clear(struct etr__generation *g);

#endif
