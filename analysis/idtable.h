/* SPDX-License-Identifier: BSD-3-Clause
 *
 * idtable.h - goroutines by id, a cache line each.
 *
 * Ids are handed out one after the other, so the low bits of those that live at one time mostly differ: an entry stands in near[]
 * at its id's low bits, and only one that finds its place taken goes to a hash table.  So finding one is a load and a comparison.
 */
#ifndef ANALYSIS_IDTABLE_H
#define ANALYSIS_IDTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/wordmap.h"

/* Every entry is a struct of this size with the id first; the rest is the user's. */
#define AN_ENTRY_SIZE 64
struct an_entry {
	int64_t id;
	unsigned char rest[AN_ENTRY_SIZE - sizeof(int64_t)];
};

struct an_idtable {
	struct an_entry *near;	/* mask + 1 of them; a free one has ~place as its id, which no id that belongs there is */
	uint64_t mask;
	size_t nnear;		/* used ones */
	struct an_map far;	/* id -> struct an_entry */
};

void an_idtable_init(struct an_idtable *table);
void an_idtable_free(struct an_idtable *table);

/* What the two below do where the id is not near. */
void *an__idtable_find_far(const struct an_idtable *table, int64_t id);
void *an__idtable_get_far(struct an_idtable *table, int64_t id, bool *added);

/* The entry of an id, or NULL.  Lives until one is added or removed. */
static inline void *an_idtable_find(const struct an_idtable *table, int64_t id)
{
	struct an_entry *entry = &table->near[(uint64_t)id & table->mask];

	return entry->id == id ? entry : an__idtable_find_far(table, id);
}

/* The same; a new id is added, zero but for the id itself, and *added tells.  NULL when out of memory. */
static inline void *an_idtable_get(struct an_idtable *table, int64_t id, bool *added)
{
	struct an_entry *entry = &table->near[(uint64_t)id & table->mask];

	*added = false;
	return entry->id == id ? entry : an__idtable_get_far(table, id, added);
}

/* Has what is needed to find an id fetched. */
static inline void an_idtable_prefetch(const struct an_idtable *table, int64_t id)
{
	__builtin_prefetch(&table->near[(uint64_t)id & table->mask]);
}

/* Forgets an id, if it is there. */
void an_idtable_remove(struct an_idtable *table, int64_t id);

/* Every entry, in no order that means anything: start with *pos = 0; NULL at the end.  The table must not change meanwhile. */
void *an_idtable_each(const struct an_idtable *table, size_t *pos);

#endif
