/* SPDX-License-Identifier: BSD-3-Clause
 *
 * wordmap.h - hash maps from a few 64-bit words to values of one size.
 */
#ifndef ANALYSIS_WORDMAP_H
#define ANALYSIS_WORDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct an_map {
	uint64_t *slots;	/* mask + 1 of them, each: used, the key's words, the value */
	size_t mask;		/* slots - 1; meaningless while slots is NULL */
	size_t n;		/* used slots */
	unsigned key_words;
	unsigned slot_words;
};

static inline uint64_t an__map_hash(const uint64_t *key, unsigned words)
{
	uint64_t h = 0;

	for (unsigned i = 0; i < words; i++) {
		h = (h ^ key[i]) * 0x9e3779b97f4a7c15;
		h ^= h >> 32;
	}
	return h;
}

/* value_size may be 0: then the map is a set. */
void an_map_init(struct an_map *map, unsigned key_words, size_t value_size);
void an_map_free(struct an_map *map);

/* The value of a key, or NULL.  Lives until the next add or remove. */
void *an_map_find(const struct an_map *map, const uint64_t *key);

/* The same; a new key is added with a zeroed value, and *added (which may be NULL) tells.  NULL when out of memory. */
void *an_map_add(struct an_map *map, const uint64_t *key, bool *added);

/* an_map_add() for keys of one word, with the search for a key that is there already made inline. */
static inline void *an_map_add_word(struct an_map *map, uint64_t key, bool *added)
{
	for (size_t i = an__map_hash(&key, 1) & map->mask; map->slots; i = (i + 1) & map->mask) {
		uint64_t *slot = map->slots + i * map->slot_words;

		if (!slot[0])
			break;
		if (slot[1] == key) {
			*added = false;
			return slot + 2;
		}
	}
	return an_map_add(map, &key, added);
}

void an_map_remove(struct an_map *map, const uint64_t *key);

/* Every entry, in no order that means anything: start with *pos = 0; false at the end.  The map must not change meanwhile. */
bool an_map_each(const struct an_map *map, size_t *pos, const uint64_t **key, void **value);

#endif
