/* SPDX-License-Identifier: BSD-3-Clause
 *
 * guess.h - a generation ordered without knowing what came before it, and what that took for granted.
 *
 * guess.c lists everything that crosses from one generation into the next, and what becomes of each.
 */
#ifndef LIBTRACE_GUESS_H
#define LIBTRACE_GUESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libtrace/eventlog.h"
#include "libtrace/order.h"

/* An event that was delivered and has to be completed. */
struct etr__note {
	enum etr__note_what {
		ETR__NOTE_CONTEXT,	/* its G or P is inherited */
		ETR__NOTE_SYSCALL,	/* a G's status in a syscall on the thread in its context, which has that G by then */
		ETR__NOTE_PROC,		/* a P's first status: whether it was there before */
		ETR__NOTE_TASK,		/* a task ends that did not begin in this generation */
	} what;
	struct etr_event *ev;		/* in the log */
};

struct etr__told {
	int64_t g;
	uint8_t status;			/* enum wire_gstatus */
};

/* A region ends that began earlier, the depth-th one from the top of those that are open on g. */
struct etr__pop {
	int64_t g;
	uint64_t task, depth;
	etr_string_id name;
};

struct etr__first {
	int64_t id;			/* of a G or P */
	uint8_t kind;			/* of the first event of a range on it: ETR_KIND_RANGE_BEGIN or _ACTIVE */
};

#define ETR__LIST(type)                                                                                                          \
	struct {                                                                                                                 \
		type *items;                                                                                                     \
		size_t n, cap;                                                                                                   \
	}

struct etr__guess {
	struct etr__order order;	/* as if the generation were the trace's first */
	struct etr__fault fault;	/* of that ordering */
	struct etr__log log;		/* what it delivered */
	bool failed;			/* it cannot be used */

	ETR__LIST(struct etr__told) told;	/* Gs that were there before, by their first status */
	ETR__LIST(int64_t) created;		/* Gs that were not */
	ETR__LIST(uint64_t) tasks;		/* tasks that were not */
	ETR__LIST(uint32_t) without_g, without_p;	/* threads that had none when the generation began: indices into ms[] */
	ETR__LIST(struct etr__pop) pops;
	ETR__LIST(struct etr__first) ranges, sweeps;
	ETR__LIST(struct etr__note) notes;	/* in the order of the events */
	struct etr__hash first_range, popped;	/* by G: whether it is listed; how many regions have ended */
	uint8_t gc_first;			/* kind of the first event of the collector; 0: none */
	uint64_t ngc;				/* how many events it had */
};

/* The pool is the caller's. */
void etr__guess_init(struct etr__guess *guess, struct etr__log_pool *pool);
void etr__guess_free(struct etr__guess *guess);

/*
 * Orders a generation that has just been loaded, its batches held, into guess->log; the blocks are the calling thread's.  *stop, set by another thread, ends it early.
 * guess->failed tells whether that came to something; if not, etr__guess_undo() makes the generation as it was.
 */
void etr__guess_run(struct etr__guess *guess, struct etr__generation *g, struct etr__blocks *blocks, const bool *stop);
void etr__guess_undo(struct etr__generation *g);

/* Whether an ordering that knew of all that came before would have delivered the same; changes nothing that matters. */
bool etr__guess_holds(const struct etr__guess *guess, const struct etr__generation *g, struct etr__order *truth);

/*
 * After that: completes the delivered events, and brings `truth` to where it would be now, its last time apart.  0, or a negative
 * code for want of memory.
 */
int etr__guess_adopt(struct etr__guess *guess, struct etr__generation *g, struct etr__order *truth);

/* For the rules and the fast loop; guess.c says why.  A goroutine is created; a task begins; a region ends with none open. */
void etr__guess_created(struct etr__guess *guess, int64_t g);
void etr__guess_task(struct etr__guess *guess, uint64_t id);
void etr__guess_pop(struct etr__guess *guess, int64_t g, uint64_t task, etr_string_id name);

#endif
