/* SPDX-License-Identifier: BSD-3-Clause
 *
 * frontier.h - each thread's next event, in a heap by time.
 */
#ifndef LIBTRACE_FRONTIER_H
#define LIBTRACE_FRONTIER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "libtrace/fault.h"
#include "libtrace/input.h"
#include "libtrace/model.h"
#include "wire/varint.h"

/* A batch of events that was found in the generation, in the list of its thread's. */
struct etr__event_batch {
	uint64_t data;			/* offset in the input */
	uint64_t time;			/* base time, in units */
	const uint8_t *held;		/* a stream's bytes; NULL: to be read when their turn comes */
	uint32_t size;
	uint32_t next;			/* index of the thread's next one; 0: none.  Index 0 is never a next one */
};

/* A thread's place in the generation. */
struct etr__cursor {
	/* The event at hand. */
	int64_t time;			/* ns; 0 makes the next event start from the batch's base time again, as in Go's reader */
	uint64_t args[5];		/* after dt */
	uint8_t type;
	const uint8_t *at;		/* its type byte */

	const uint8_t *p, *end;		/* what follows it in its batch */
	struct etr__m *m;		/* from etr__frontier_start() on */
	uint64_t m_id;
	const uint8_t *start;		/* of the batch's bytes */
	int64_t base;			/* the batch's base time, ns */
	uint32_t batch;			/* index of the batch at hand, or UINT32_MAX before the first */
	uint32_t first_batch, last_batch;
	uint64_t offset;		/* of the batch's bytes in the input */
	uint8_t *buf;			/* the cursor's block, used over again by the cursor of this index in later generations */
	size_t cap;
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
	struct etr__head *heap;
	size_t n, capheap;
	double ns_per_unit;
	uint64_t safe_units;		/* below this units can be converted without looking whether the result fits */
	struct etr__input *in;
	struct etr__fault *fault;
	uint64_t passed;		/* bytes of batches that were loaded in this generation */
};

void etr__frontier_init(struct etr__frontier *f, struct etr__input *in, struct etr__fault *fault);
void etr__frontier_free(struct etr__frontier *f);
void etr__frontier_clear(struct etr__frontier *f);

/* Notes a batch of events of m.  0, or -1 when out of memory. */
int etr__frontier_add(struct etr__frontier *f, uint64_t m, const struct etr__event_batch *batch);

/* When all batches are noted: finds the threads in the model, decodes each one's first event, builds the heap.  0 or a negative code. */
int etr__frontier_start(struct etr__frontier *f, struct etr__model *model, double ns_per_unit);

/*
 * How many arguments an event among a thread's events has, dt counted; 0 for what cannot stand there.  A clock snapshot decodes
 * there, and is refused when its turn comes.
 */
extern const uint8_t etr__nargs[256];

/* The most bytes that an event takes. */
#define ETR__MAX_EVENT (1 + 5 * WIRE_VARINT_MAX)

/* Decodes the thread's next event into its cursor, wherever it is.  1, 0 when there is none, negative code. */
int etr__cursor_next(struct etr__frontier *f, struct etr__cursor *c);

/* What etr__frontier_advance() does where the thread's events end, and where the heap's order changes. */
void etr__frontier_drop(struct etr__frontier *f, size_t i);
void etr__frontier_settle(struct etr__frontier *f, size_t i);

/*
 * A varint of up to eight bytes where sixteen can be read; NULL for longer ones.  One byte is by far the most common; for
 * others a branch on each byte would be mispredicted often, so they are put together without any.
 */
static inline const uint8_t *etr__get_varint_fast(const uint8_t *p, uint64_t *v)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	uint64_t w, last;

	if (__builtin_expect(*p < 0x80, 1)) {
		*v = *p;
		return p + 1;
	}
	memcpy(&w, p, sizeof(w));
	last = ~w & 0x8080808080808080u;
	if (__builtin_expect(last == 0, 0))
		return NULL;
	/* Seven bits of each byte up to the last one, then pairs of them side by side, and pairs of pairs. */
	w &= (last ^ (last - 1)) & 0x7f7f7f7f7f7f7f7fu;
	w = (w & 0x007f007f007f007fu) | (w & 0x7f007f007f007f00u) >> 1;
	w = (w & 0x00003fff00003fffu) | (w & 0x3fff00003fff0000u) >> 2;
	*v = (w & 0x000000000fffffffu) | (w & 0x0fffffff00000000u) >> 4;
	return p + (__builtin_ctzll(last) >> 3) + 1;
#else
	return wire_get_varint(p, p + WIRE_VARINT_MAX, v);
#endif
}

/* etr__cursor_next() for the usual event: well inside its batch, its numbers small.  0: not this way. */
static inline int etr__cursor_next_fast(struct etr__frontier *f, struct etr__cursor *c)
{
	const uint8_t *p = c->p;
	uint64_t dt;
	unsigned nargs;

	/* The last number may be read eight bytes at once. */
	if (__builtin_expect(c->end - p < ETR__MAX_EVENT + 8, 0) || __builtin_expect(c->time == 0, 0))
		return 0;
	nargs = etr__nargs[*p++];
	if (__builtin_expect(nargs == 0, 0))
		return 0;
	p = etr__get_varint_fast(p, &dt);
	if (__builtin_expect(!p || dt >= f->safe_units, 0))
		return 0;
	for (unsigned i = 1; i < nargs; i++) {
		p = etr__get_varint_fast(p, &c->args[i - 1]);
		if (__builtin_expect(!p, 0))
			return 0;
	}
	c->at = c->p;
	c->type = *c->p;
	c->p = p;
	c->time = (int64_t)((uint64_t)c->time + (uint64_t)(int64_t)((double)(int64_t)dt * f->ns_per_unit));
	return 1;
}

/* The event of heap[i] was taken: puts the thread's next one in its place.  0 or a negative code. */
static inline int etr__frontier_advance(struct etr__frontier *f, size_t i)
{
	struct etr__head *h = &f->heap[i];
	struct etr__cursor *c = h->cursor;

	if (__builtin_expect(!etr__cursor_next_fast(f, c), 0)) {
		int rc = etr__cursor_next(f, c);

		if (rc < 0)
			return rc;
		if (rc == 0) {
			etr__frontier_drop(f, i);
			return 0;
		}
	}
	h->time = c->time;
	/* A head that is still not later than those below it stays. */
	if (i > 0 || (f->n > 1 && f->heap[1].time < h->time) || (f->n > 2 && f->heap[2].time < h->time))
		etr__frontier_settle(f, i);
	return 0;
}

/* Sorts the heap by time, as the order of equal times demands when its head cannot be taken. */
void etr__frontier_sort(struct etr__frontier *f);

/* Where the event at hand begins in the input. */
static inline uint64_t etr__cursor_offset(const struct etr__cursor *c)
{
	return c->offset + (uint64_t)(c->at - c->start);
}

#endif
