/* SPDX-License-Identifier: BSD-3-Clause
 *
 * gtable.h - goroutines by id.
 *
 * Ids are handed out one after the other, so the low bits of those that live at one time mostly differ: a G stands in near[] at
 * its id's low bits, and only one that finds its place taken goes to the keyed hash.  So a lookup is a load and a comparison,
 * however large the ids, and a file that chooses colliding ids gains nothing over the hash.
 *
 * Gs live in blocks that are freed with the table; one that is removed goes to a free list with its arrays, so that a trace of
 * millions of short goroutines needs memory for those that live at one time.
 */
#ifndef LIBTRACE_GTABLE_H
#define LIBTRACE_GTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libtrace/idhash.h"

/*
 * A position in the order of a G's or P's events since it was announced in a generation: the number that the next one has.  A G's is marked
 * as stale when another generation begins, so that the fast loop, whose numbers have no such bit, need not look at gen.
 */
struct etr__seq {
	uint64_t next, gen;
};
#define ETR__STALE ((uint64_t)1 << 63)

static inline __attribute__((always_inline)) bool etr__seq_fits(const struct etr__seq *seq, uint64_t gen, uint64_t n)
{
	return seq->gen == gen && n == (seq->next & ~ETR__STALE);
}

#define ETR__G_FORGOTTEN 0xff	/* status of a G that has ended, and is only here while a thread is bound to it */

/* What most events look at comes first and shares a cache line: blocks are aligned to 32 bytes. */
struct etr__g {
	int64_t id;
	struct etr__seq seq;
	uint32_t status;		/* enum wire_gstatus, 0, or ETR__G_FORGOTTEN */
	uint32_t bound;			/* threads that are bound to it; the fast loop changes both in one */

	struct etr__range *ranges;	/* those that are open on it; granges.c's, as are the next two lines */
	size_t nranges, capranges;
	size_t assist;			/* place of the mark assist among them plus one; 0: none */
	struct etr__hash *kinds;	/* those of STWs, as keys; NULL while there are few */
	struct etr__region *regions;
	size_t nregions, capregions;
	struct etr__g *next_free;
	bool range_noted;		/* guess.c's: its first range is */
	uint64_t told_in;		/* guesscheck.c's: load number of the generation that told of it */
	struct etr__g *next_numbered;	/* NULL: it is not in the list */
} __attribute__((aligned(32)));

static inline bool etr__g_is_known(const struct etr__g *g)
{
	return g->status != ETR__G_FORGOTTEN;
}

struct etr__gtable {
	struct etr__g **near;		/* where there is none, etr__no_g */
	uint64_t mask;			/* places in near[] minus one */
	size_t n;			/* Gs in the table */
	bool has_large_ids;		/* or has had: negative ones, or such that take more than 31 bits */
	struct etr__hash far;		/* id -> struct etr__g */
	struct etr__g *free;
	struct etr__g *numbered;	/* those whose seq may not be stale, up to etr__no_g; removed ones, too */
	uint64_t numbered_gen;		/* the seq of all of these is of this generation */
	struct etr__gblock *blocks;
};

/* Stands for a G that is not there: forgotten, so that whoever finds it finds nothing. */
extern struct etr__g etr__no_g;

void etr__gtable_init(struct etr__gtable *t);
void etr__gtable_free(struct etr__gtable *t);

/* The G of that id where it is not near; &etr__no_g if there is none. */
struct etr__g *etr__gtable_find_far(const struct etr__gtable *t, int64_t id);

/* The G of that id, forgotten or not; &etr__no_g if there is none. */
static inline __attribute__((always_inline)) struct etr__g *etr__gtable_find(const struct etr__gtable *t, int64_t id)
{
	struct etr__g *g = t->near[(uint64_t)id & t->mask];

	if (__builtin_expect(g->id == id, 1))
		return g;
	return etr__gtable_find_far(t, id);
}

/* A new one with that id, which must not be there: unbound, nothing open; or NULL. */
struct etr__g *etr__gtable_add(struct etr__gtable *t, int64_t id);
void etr__gtable_remove(struct etr__gtable *t, struct etr__g *g);

/* A generation begins: the Gs of another one get stale. */
void etr__gtable_begin(struct etr__gtable *t, uint64_t gen);

/* A G is told of in the generation that has begun: its next event is the first. */
void etr__gtable_number(struct etr__gtable *t, struct etr__g *g);

/* Calls visit for every G in the table. */
void etr__gtable_each(const struct etr__gtable *t, void (*visit)(struct etr__g *g, void *ctx), void *ctx);

#endif
