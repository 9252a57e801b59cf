/* SPDX-License-Identifier: BSD-3-Clause
 *
 * readerimpl.h - what a reader is made of.
 */
#ifndef LIBTRACE_READERIMPL_H
#define LIBTRACE_READERIMPL_H

#include <stdbool.h>
#include <stdint.h>

#include <exectrace/reader.h>

#include "libtrace/batchscan.h"
#include "libtrace/fault.h"
#include "libtrace/frontier.h"
#include "libtrace/genarena.h"
#include "libtrace/gentables.h"
#include "libtrace/input.h"
#include "libtrace/model.h"

#define ETR__MAX_PENDING 2	/* events that one wire event may expand to, beyond the first */

struct etr_reader {
	struct etr__input in;
	struct etr__fault fault;
	int version;
	bool opened;
	bool done;			/* the last Sync was delivered */
	bool failed;			/* the fault was returned; it stays */

	/* The generation at hand. */
	bool loaded;			/* there is one */
	uint64_t gen;			/* its number */
	uint64_t load_no;		/* how many were loaded, this one counted; 1 for the first */
	uint64_t start, end;		/* its bytes in the input */
	uint64_t min_time;		/* smallest base time, in units */
	struct etr__tables tables;
	struct etr__frontier frontier;
	struct etr__arena held;		/* event batches of a stream */
	uint64_t experiment_batches[256], experiment_bytes[256];
	uint64_t load_counts[256];	/* structural wire events of the generation being loaded */
	uint64_t load_bytes[256];	/* and what they take in the file */

	/* What comes after it. */
	uint64_t scan_off;		/* where the next batch begins */
	bool spilled;			/* before 1.26: the first batch of the next generation has been read */
	struct etr__batch spill;
	const uint8_t *spill_held;	/* a stream's bytes of it, allocated; else NULL */
	bool ends_badly;		/* the fault stands behind this generation */
	bool bad_sync;			/* the Sync before that fault was delivered */

	struct etr__model model;

	/* Delivery. */
	int64_t last_time;
	int64_t next_sample_time;	/* ns; INT64_MAX: none, or none that could be earlier than an event */
	uint64_t nsyncs;
	unsigned npending, next_pending;
	struct etr_event pending[ETR__MAX_PENDING];
	struct etr_sync sync;
	struct etr_experiment experiments[1];
	uint64_t delivered_gen;
	uint64_t good_size;
	uint64_t counts[256], bytes[256];	/* wire events by type */
};

/*
 * Loads the next generation: tables, and its event batches into the frontier.  1; 0 at the end of the trace; or a negative
 * code with the fault recorded, nothing of the generation being left.  When r->ends_badly is set after 1, a fault follows it.
 */
int etr__generation_load(struct etr_reader *r);

/* Takes the generation's names back from the model and leaves empty tables. */
void etr__generation_unload(struct etr_reader *r);

#endif
