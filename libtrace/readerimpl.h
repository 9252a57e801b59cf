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
#include "libtrace/generation.h"
#include "libtrace/input.h"
#include "libtrace/order.h"

struct etr__ahead;
struct etr__guess;

#define ETR__READY 32		/* events that are taken at once for a caller who asks for one */

struct etr_reader {
	struct etr__input in;
	struct etr__fault fault;
	int version;
	bool opened;
	bool unreadable;		/* opening it has failed: there is nothing to seek in */
	bool no_header;			/* a file that grows has no whole file header yet */
	bool done;			/* the last Sync was delivered */
	bool failed;			/* the fault was returned; it stays */

	struct etr__generation now;	/* the one at hand */
	bool loaded;			/* there is one */
	bool loading;			/* a file that grows has given a part of one so far */
	bool keeps_experimental;	/* the data of experimental batches */
	uint64_t load_no;		/* how many were loaded, this one counted */
	struct etr__order order;
	struct etr__blocks blocks;	/* the caller's thread's */

	/* What comes after it. */
	uint64_t scan_off;		/* where the next batch begins */
	bool spilled;			/* before 1.26: the first batch of the next generation has been read */
	struct etr__batch spill;
	const uint8_t *spill_held;	/* a stream's bytes of it, allocated; else NULL */
	bool ends_badly;		/* the fault stands behind this generation */
	bool bad_sync;			/* the Sync before that fault was delivered */

	/* Reading ahead. */
	unsigned nthreads;		/* what is wanted; 0 and 1: none but the caller's */
	struct etr__ahead *ahead;	/* NULL: it does not; else it has what `in` had and all that comes after the one at hand */
	struct etr__guess *guess;	/* the one at hand has been put in order; else NULL */

	bool guess_all;			/* for tests: whatever can be guessed is, in the reader's thread where no other has */
	uint64_t nguessed, nheld;	/* generations that were, and those of them whose guess held */

	/* Delivery. */
	struct etr_event ready[ETR__READY];	/* for etr_reader_next(): those in [next_ready, nready) come next */
	int nready, next_ready;
	uint64_t nsyncs;
	struct etr_sync sync;
	struct etr_experiment experiments[1];
	uint64_t delivered_gen;
	uint64_t good_size;
};

/*
 * Loads the next generation into r->now: tables, and its event batches into the frontier.  1; 0 at the end of the trace; or a
 * negative code with the fault recorded, nothing of the generation being left but its number.  When r->ends_badly is set after
 * 1, a fault follows it.  -ETR_E_AGAIN: a file that is followed has no whole one yet; r->now holds a part, which the next call
 * goes on with.
 */
int etr__generation_load(struct etr_reader *r);

/* reader.c: as if the trace began at off. */
void etr__reader_restart(struct etr_reader *r, uint64_t off);

#endif
