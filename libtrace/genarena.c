/* SPDX-License-Identifier: BSD-3-Clause
 *
 * genarena.c - memory that is given back all at once.  Chunks of 256 KiB, larger than any single request here.
 */
#include "libtrace/genarena.h"

#include <stdlib.h>

#define CHUNK_SIZE ((size_t)256 * 1024)

struct etr__chunk {
	struct etr__chunk *next;
	size_t size;
	char bytes[];
};

void *etr__arena_alloc(struct etr__arena *arena, size_t size)
{
	struct etr__chunk *c = arena->first;
	void *p;

	if (!c || c->size - arena->used < size) {
		size_t n = size > CHUNK_SIZE ? size : CHUNK_SIZE;

		c = malloc(sizeof(*c) + n);
		if (!c)
			return NULL;
		c->size = n;
		c->next = arena->first;
		arena->first = c;
		arena->used = 0;
	}
	p = c->bytes + arena->used;
	arena->used += size;
	return p;
}

static void drop(struct etr__chunk *c)
{
	while (c) {
		struct etr__chunk *next = c->next;

		free(c);
		c = next;
	}
}

void etr__arena_clear(struct etr__arena *arena)
{
	if (arena->first) {
		drop(arena->first->next);
		arena->first->next = NULL;
	}
	arena->used = 0;
}

void etr__arena_free(struct etr__arena *arena)
{
	drop(arena->first);
	arena->first = NULL;
	arena->used = 0;
}
