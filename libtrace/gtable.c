/* SPDX-License-Identifier: BSD-3-Clause
 *
 * gtable.c - goroutines by id; gtable.h tells how.
 *
 * near[] has at least twice as many places as there are Gs.  When it grows, all Gs are placed anew.
 */
#include "libtrace/gtable.h"

#include <stdlib.h>
#include <string.h>

#include "libtrace/granges.h"

#define BLOCK_GS 64

struct etr__gblock {
	struct etr__gblock *next;
	struct etr__g *gs;		/* BLOCK_GS of them, in bytes[] */
	size_t used;
	char bytes[];
};

struct etr__g etr__no_g = { .id = -1, .status = ETR__G_FORGOTTEN };

/* What an empty table points to. */
static struct etr__g *nothing_near[1] = { &etr__no_g };

void etr__gtable_init(struct etr__gtable *t)
{
	memset(t, 0, sizeof(*t));
	t->near = nothing_near;
	t->numbered = &etr__no_g;
	etr__hash_init(&t->far);
}

void etr__gtable_free(struct etr__gtable *t)
{
	while (t->blocks) {
		struct etr__gblock *b = t->blocks;

		for (size_t i = 0; i < b->used; i++) {
			etr__ranges_clear(&b->gs[i]);
			free(b->gs[i].ranges);
			free(b->gs[i].regions);
		}
		t->blocks = b->next;
		free(b);
	}
	if (t->near != nothing_near)
		free(t->near);
	etr__hash_free(&t->far);
	etr__gtable_init(t);
}

struct etr__g *etr__gtable_find_far(const struct etr__gtable *t, int64_t id)
{
	struct etr__g *g = (struct etr__g *)(uintptr_t)etr__hash_get(&t->far, (uint64_t)id);

	return g ? g : &etr__no_g;
}

/* Puts g near or far.  0, or -1 when out of memory. */
static int place(struct etr__gtable *t, struct etr__g *g)
{
	struct etr__g **near = &t->near[(uint64_t)g->id & t->mask];

	struct etr__g *goes_far = *near;

	/* The one of id -1 is never far: there &etr__no_g, whose id it has, would be found before it. */
	if (goes_far != &etr__no_g && g->id != -1)
		return etr__hash_put(&t->far, (uint64_t)g->id, (uint64_t)(uintptr_t)g);
	if (goes_far != &etr__no_g && etr__hash_put(&t->far, (uint64_t)goes_far->id, (uint64_t)(uintptr_t)goes_far) != 0)
		return -1;
	*near = g;
	return 0;
}

static int grow(struct etr__gtable *t)
{
	struct etr__gtable bigger = *t;

	bigger.mask = t->near == nothing_near ? 63 : t->mask * 2 + 1;
	bigger.near = malloc((bigger.mask + 1) * sizeof(*bigger.near));
	if (!bigger.near)
		return -1;
	for (size_t i = 0; i <= bigger.mask; i++)
		bigger.near[i] = &etr__no_g;
	etr__hash_init(&bigger.far);
	for (const struct etr__gblock *b = t->blocks; b; b = b->next)
		for (size_t i = 0; i < b->used; i++) {
			struct etr__g *g = &b->gs[i];

			if (etr__gtable_find(t, g->id) == g && place(&bigger, g) != 0) {
				free(bigger.near);
				etr__hash_free(&bigger.far);
				return -1;
			}
		}
	if (t->near != nothing_near)
		free(t->near);
	etr__hash_free(&t->far);
	*t = bigger;
	return 0;
}

/* A G that is in no table: one that was removed, or a new one; or NULL. */
static struct etr__g *take(struct etr__gtable *t)
{
	struct etr__gblock *b = t->blocks;
	struct etr__g *g = t->free;
	const size_t align = _Alignof(struct etr__g);

	if (g) {
		t->free = g->next_free;
		return g;
	}
	if (!b || b->used == BLOCK_GS) {
		b = malloc(sizeof(*b) + BLOCK_GS * sizeof(*g) + align);
		if (!b)
			return NULL;
		b->gs = (struct etr__g *)(((uintptr_t)b->bytes + align - 1) & ~(uintptr_t)(align - 1));
		b->used = 0;
		b->next = t->blocks;
		t->blocks = b;
	}
	g = &b->gs[b->used++];
	memset(g, 0, sizeof(*g));
	return g;
}

static void give_back(struct etr__gtable *t, struct etr__g *g)
{
	/* An id at which it is not found. */
	g->id = -1;
	g->status = ETR__G_FORGOTTEN;
	g->next_free = t->free;
	t->free = g;
}

struct etr__g *etr__gtable_add(struct etr__gtable *t, int64_t id)
{
	struct etr__g *g;

	if (2 * (t->n + 1) > t->mask + 1 && grow(t) != 0)
		return NULL;
	g = take(t);
	if (!g)
		return NULL;
	g->id = id;
	g->bound = 0;
	g->nregions = 0;
	g->range_noted = false;
	etr__ranges_clear(g);
	if (place(t, g) != 0) {
		give_back(t, g);
		return NULL;
	}
	t->n++;
	if ((uint64_t)id > INT32_MAX)
		t->has_large_ids = true;
	return g;
}

void etr__gtable_remove(struct etr__gtable *t, struct etr__g *g)
{
	struct etr__g **near = &t->near[(uint64_t)g->id & t->mask];

	if (*near == g)
		*near = &etr__no_g;
	else
		etr__hash_del(&t->far, (uint64_t)g->id);
	t->n--;
	give_back(t, g);
}

void etr__gtable_begin(struct etr__gtable *t, uint64_t gen)
{
	if (gen == t->numbered_gen)
		return;
	for (struct etr__g *g = t->numbered, *next; g != &etr__no_g; g = next) {
		next = g->next_numbered;
		g->next_numbered = NULL;
		g->seq.next |= ETR__STALE;
	}
	t->numbered = &etr__no_g;
	t->numbered_gen = gen;
}

void etr__gtable_number(struct etr__gtable *t, struct etr__g *g)
{
	g->seq = (struct etr__seq){ 1, t->numbered_gen };
	if (!g->next_numbered) {
		g->next_numbered = t->numbered;
		t->numbered = g;
	}
}

void etr__gtable_each(const struct etr__gtable *t, void (*visit)(struct etr__g *g, void *ctx), void *ctx)
{
	for (const struct etr__gblock *b = t->blocks; b; b = b->next)
		for (size_t i = 0; i < b->used; i++)
			if (etr__gtable_find(t, b->gs[i].id) == &b->gs[i])
				visit(&b->gs[i], ctx);
}
