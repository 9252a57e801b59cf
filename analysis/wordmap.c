/* SPDX-License-Identifier: BSD-3-Clause
 *
 * wordmap.c - open addressing with linear probing; removal shifts entries back, so there are no tombstones.
 *
 * Invariants: between a key's home slot and the slot it is in, every slot is used; at most three quarters of the slots are used.
 */
#include "config.h"

#include "analysis/wordmap.h"

#include <stdlib.h>
#include <string.h>

void an_map_init(struct an_map *map, unsigned key_words, size_t value_size)
{
	memset(map, 0, sizeof(*map));
	map->key_words = key_words;
	map->slot_words = 1 + key_words + (unsigned)((value_size + 7) / 8);
}

void an_map_free(struct an_map *map)
{
	free(map->slots);
	map->slots = NULL;
	map->n = 0;
}

static inline uint64_t *slot(const struct an_map *map, size_t i)
{
	return map->slots + i * map->slot_words;
}

static inline bool same(const uint64_t *a, const uint64_t *b, unsigned words)
{
	for (unsigned i = 0; i < words; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

/* The slot that has the key, or the free one where it would go.  Most keys are one word, and most finds are hits. */
static inline size_t probe(const struct an_map *map, const uint64_t *key)
{
	size_t i;

	if (map->key_words == 1) {
		const uint64_t word = *key;

		for (i = an__map_hash(key, 1) & map->mask; *slot(map, i) && slot(map, i)[1] != word;)
			i = (i + 1) & map->mask;
		return i;
	}
	i = an__map_hash(key, map->key_words) & map->mask;
	while (*slot(map, i) && !same(slot(map, i) + 1, key, map->key_words))
		i = (i + 1) & map->mask;
	return i;
}

void *an_map_find(const struct an_map *map, const uint64_t *key)
{
	uint64_t *s;

	if (!map->n)
		return NULL;
	s = slot(map, probe(map, key));
	return *s ? s + 1 + map->key_words : NULL;
}

static bool enlarge(struct an_map *map)
{
	struct an_map big = *map;
	size_t count = map->slots ? (map->mask + 1) * 2 : 16;

	big.slots = calloc(count, map->slot_words * sizeof(uint64_t));
	if (!big.slots)
		return false;
	big.mask = count - 1;
	for (size_t i = 0; map->slots && i <= map->mask; i++) {
		const uint64_t *old = slot(map, i);

		if (*old)
			memcpy(slot(&big, probe(&big, old + 1)), old, map->slot_words * sizeof(uint64_t));
	}
	free(map->slots);
	*map = big;
	return true;
}

void *an_map_add(struct an_map *map, const uint64_t *key, bool *added)
{
	uint64_t *s = map->slots ? slot(map, probe(map, key)) : NULL;

	if (added)
		*added = !s || !*s;
	if (s && *s)
		return s + 1 + map->key_words;
	if (!s || (map->n + 1) * 4 > (map->mask + 1) * 3) {
		if (!enlarge(map))
			return NULL;
		s = slot(map, probe(map, key));
	}
	memset(s, 0, map->slot_words * sizeof(uint64_t));
	*s = 1;
	memcpy(s + 1, key, map->key_words * sizeof(uint64_t));
	map->n++;
	return s + 1 + map->key_words;
}

void an_map_remove(struct an_map *map, const uint64_t *key)
{
	size_t hole, i;

	if (!map->n)
		return;
	hole = probe(map, key);
	if (!*slot(map, hole))
		return;
	/* Entries behind the hole move into it unless their home lies between the hole and themselves. */
	for (i = (hole + 1) & map->mask; *slot(map, i); i = (i + 1) & map->mask) {
		size_t home = an__map_hash(slot(map, i) + 1, map->key_words) & map->mask;

		if (((i - home) & map->mask) >= ((i - hole) & map->mask)) {
			memcpy(slot(map, hole), slot(map, i), map->slot_words * sizeof(uint64_t));
			hole = i;
		}
	}
	*slot(map, hole) = 0;
	map->n--;
}

bool an_map_each(const struct an_map *map, size_t *pos, const uint64_t **key, void **value)
{
	if (!map->slots)
		return false;
	for (; *pos <= map->mask; (*pos)++) {
		uint64_t *s = slot(map, *pos);

		if (!*s)
			continue;
		*key = s + 1;
		*value = s + 1 + map->key_words;
		(*pos)++;
		return true;
	}
	return false;
}
