/* SPDX-License-Identifier: BSD-3-Clause
 *
 * frontier.h - each thread's next event, in a heap by time.
 */
#ifndef LIBTRACE_FRONTIER_H
#define LIBTRACE_FRONTIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libtrace/fault.h"
#include "libtrace/input.h"
#include "libtrace/model.h"

/* A batch of events that was found in the generation, in the list of its thread's. */
struct etr__event_batch {
	uint64_t data;			/* offset in the input */
	uint64_t time;			/* base time, in units */
	const uint8_t *held;		/* a stream's bytes; NULL: to be read when their turn comes */
	uint32_t size;
	uint32_t next;			/* index of the thread's next one; 0: none.  Index 0 is never a next one */
};

/*
 * Where batches are read to.  Each thread that orders has its own, which stay in its processor's cache: whichever generation is at hand, the
 * block that was given back last is taken first.
 */
struct etr__block {
	struct etr__block *next;
	size_t cap;
	uint8_t bytes[];
};

struct etr__blocks {
	struct etr__block *free;
};

void etr__blocks_free(struct etr__blocks *blocks);

struct etr__stage;
struct etr__staged;
extern const struct etr__staged etr__nothing_staged;

/* A thread's place in the generation. */
struct etr__cursor {
	/* The event at hand. */
	int64_t time;			/* ns; 0 makes the next event start from the batch's base time again, as in Go's reader */
	const uint8_t *at;		/* its type byte */
	bool decoded;			/* the next three lines are set; etr__cursor_decode() does it where they are not */
	uint8_t type;
	uint64_t args[5];		/* after dt */
	const uint8_t *p;		/* what follows it in its batch */
	const uint8_t *end;		/* of its batch */
	struct etr__m *m;		/* from etr__frontier_start() on */
	uint64_t m_id;
	const uint8_t *start;		/* of the batch's bytes */
	int64_t base;			/* the batch's base time, ns */
	uint32_t batch;			/* index of the batch at hand, or UINT32_MAX before the first */
	uint32_t first_batch, last_batch;
	uint64_t offset;		/* of the batch's bytes in the input */
	struct etr__block *block;	/* its batch's bytes, where they are read from a file; NULL: none */
	const struct etr__staged *staged;	/* staged.h's, as is the next: what comes next, or &etr__nothing_staged */
	struct etr__stage *stage;	/* NULL: none */
};

/* The heap's entry: the time beside the cursor, so that comparing does not touch the cursors. */
struct etr__head {
	int64_t time;
	struct etr__cursor *cursor;
};

struct etr__frontier {
	struct etr__event_batch *batches;
	size_t nbatches, capbatches;
	struct etr__cursor **cursors;	/* by first appearance in the generation */
	size_t ncursors, capcursors;	/* of this generation */
	size_t made;			/* cursors that exist */
	struct etr__idmap by_m;		/* M id -> cursor index plus one, for this generation */
	struct etr__head *heap;		/* where an entry has no children, there are such that are later than all */
	size_t n, capheap;
	double ns_per_unit;
	bool usual_clock;		/* ns_per_unit is at most 64, as what Go writes is */
	bool whole_clock;		/* and a whole number */
	struct etr__input *in;
	struct etr__fault *fault;
	struct etr__blocks *blocks;	/* whoever orders it, from etr__frontier_start() to etr__frontier_release() */
	uint64_t passed;		/* bytes of batches that were loaded in this generation */
};

void etr__frontier_init(struct etr__frontier *f, struct etr__input *in, struct etr__fault *fault);
void etr__frontier_free(struct etr__frontier *f);
void etr__frontier_clear(struct etr__frontier *f);

/* Notes a batch of events of m.  0, or -1 when out of memory. */
int etr__frontier_add(struct etr__frontier *f, uint64_t m, const struct etr__event_batch *batch);

/* Back to before etr__frontier_start(), the batches still noted. */
void etr__frontier_rewind(struct etr__frontier *f);

/*
 * When all batches are noted: finds the threads in the model, decodes each one's first event, builds the heap.  0 or a negative code.
 * The blocks are the caller's.
 */
int etr__frontier_start(struct etr__frontier *f, struct etr__model *model, double ns_per_unit, struct etr__blocks *blocks);

/* Gives all blocks back.  The events at hand are gone. */
void etr__frontier_release(struct etr__frontier *f);

/*
 * How many arguments an event among a thread's events has, dt counted; 0 for what cannot stand there.  A clock snapshot decodes
 * there, and is refused when its turn comes.
 */
extern const uint8_t etr__nargs[256];

/* Decodes the thread's next event into its cursor, wherever it is.  1, 0 when there is none, negative code. */
int etr__cursor_next(struct etr__frontier *f, struct etr__cursor *c);

/* Decodes the event at hand, which can be decoded; its time is known. */
void etr__cursor_decode(struct etr__cursor *c);

/* The event at `at`, which can be decoded, is at hand. */
static inline void etr__cursor_put(struct etr__cursor *c, const uint8_t *at, int64_t time)
{
	c->at = at;
	c->decoded = false;
	c->time = time;
}

/* The event of heap[i] was taken: puts the thread's next one in its place.  0 or a negative code. */
int etr__frontier_advance(struct etr__frontier *f, size_t i);

/*
 * Lets *at, whose time has become later, sink to its place in the heap.  Which child is earlier nobody can guess, so that is no branch, while
 * a thread's next event mostly comes later than all others, so how far it sinks is guessed well.
 */
static inline __attribute__((always_inline)) void etr__head_sink(struct etr__head *heap, struct etr__head *at)
{
	struct etr__head head = *at;

	for (;;) {
		/* The first child is as far behind `at` as that is behind heap[-1]. */
		struct etr__head *child = at + (at - heap) + 1;

		child += child[1].time < child[0].time;
		if (child->time >= head.time)
			break;
		*at = *child;
		at = child;
	}
	*at = head;
}

/* Sorts the heap by time, as the order of equal times demands when its head cannot be taken. */
void etr__frontier_sort(struct etr__frontier *f);

/* Where the event at hand begins in the input. */
static inline uint64_t etr__cursor_offset(const struct etr__cursor *c)
{
	return c->offset + (uint64_t)(c->at - c->start);
}

#endif
