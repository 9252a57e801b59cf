/* SPDX-License-Identifier: BSD-3-Clause
 *
 * idtable.c - the rarer halves of a table of goroutines.
 *
 * near[] doubles when half of it is used, or when so much finds its place taken that more room may help; it never has more than
 * four places for each entry, so ids that are chosen to collide gain nothing but the hash table.
 */
#include "config.h"

#include "analysis/idtable.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_PLACES 64

/* Stands for near[] while there is none.  Nothing is found here, and nothing is ever put here. */
static struct an_entry no_entries[2] = { { .id = ~INT64_C(0) }, { .id = ~INT64_C(1) } };

static bool is_used(const struct an_entry *entry, size_t place)
{
	return entry->id != ~(int64_t)place;
}

void an_idtable_init(struct an_idtable *table)
{
	*table = (struct an_idtable){ .near = no_entries, .mask = 1 };
	an_map_init(&table->far, 1, sizeof(struct an_entry));
}

void an_idtable_free(struct an_idtable *table)
{
	if (table->near != no_entries)
		free(table->near);
	an_map_free(&table->far);
	an_idtable_init(table);
}

void *an__idtable_find_far(const struct an_idtable *table, int64_t id)
{
	return an_map_find(&table->far, &(uint64_t){ (uint64_t)id });
}

/* Gives near[] more places, and those to whom they belong.  False when out of memory: all is as it was. */
static bool enlarge(struct an_idtable *table)
{
	size_t places = table->near == no_entries ? FIRST_PLACES : (table->mask + 1) * 2;
	struct an_idtable big = { .near = aligned_alloc(AN_ENTRY_SIZE, places * AN_ENTRY_SIZE), .mask = places - 1,
				  .nnear = table->nnear };
	const uint64_t *key;
	void *entry;

	if (!big.near)
		return false;
	an_map_init(&big.far, 1, sizeof(struct an_entry));
	for (size_t i = 0; i < places; i++)
		big.near[i].id = ~(int64_t)i;
	/* Those that differed in the lower bits still do. */
	for (size_t i = 0; i <= table->mask; i++)
		if (is_used(&table->near[i], i))
			big.near[(uint64_t)table->near[i].id & big.mask] = table->near[i];
	for (size_t pos = 0; an_map_each(&table->far, &pos, &key, &entry);) {
		size_t place = *key & big.mask;
		struct an_entry *to = &big.near[place];

		if (is_used(to, place))
			to = an_map_add(&big.far, key, NULL);
		else
			big.nnear++;
		if (!to) {
			an_map_free(&big.far);
			free(big.near);
			return false;
		}
		memcpy(to, entry, sizeof(*to));
	}
	an_idtable_free(table);
	*table = big;
	return true;
}

void *an__idtable_get_far(struct an_idtable *table, int64_t id, bool *added)
{
	struct an_entry *entry = an__idtable_find_far(table, id);
	size_t n = table->nnear + table->far.n;

	if (entry)
		return entry;
	if (table->near == no_entries || table->nnear * 2 > table->mask ||
	    (table->far.n * 4 > n && table->mask < n * 2))
		if (!enlarge(table))
			return NULL;
	entry = &table->near[(uint64_t)id & table->mask];
	if (!is_used(entry, (uint64_t)id & table->mask)) {
		table->nnear++;
		memset(entry, 0, sizeof(*entry));
	} else if (!(entry = an_map_add(&table->far, &(uint64_t){ (uint64_t)id }, NULL))) {
		return NULL;
	}
	entry->id = id;
	*added = true;
	return entry;
}

void an_idtable_remove(struct an_idtable *table, int64_t id)
{
	size_t place = (uint64_t)id & table->mask;

	if (table->near[place].id != id) {
		an_map_remove(&table->far, &(uint64_t){ (uint64_t)id });
		return;
	}
	table->near[place].id = ~(int64_t)place;
	table->nnear--;
}

void *an_idtable_each(const struct an_idtable *table, size_t *pos)
{
	const uint64_t *key;
	void *entry;
	size_t far;

	for (; *pos <= table->mask; (*pos)++)
		if (is_used(&table->near[*pos], *pos))
			return &table->near[(*pos)++];
	far = *pos - table->mask - 1;
	if (!an_map_each(&table->far, &far, &key, &entry))
		return NULL;
	*pos = far + table->mask + 1;
	return entry;
}
