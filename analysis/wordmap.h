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

/* value_size may be 0: then the map is a set. */
void an_map_init(struct an_map *map, unsigned key_words, size_t value_size);
void an_map_free(struct an_map *map);

/* The value of a key, or NULL.  Lives until the next add or remove. */
void *an_map_find(const struct an_map *map, const uint64_t *key);

/* The same; a new key is added with a zeroed value, and *added (which may be NULL) tells.  NULL when out of memory. */
void *an_map_add(struct an_map *map, const uint64_t *key, bool *added);

void an_map_remove(struct an_map *map, const uint64_t *key);

/* Every entry, in no order that means anything: start with *pos = 0; false at the end.  The map must not change meanwhile. */
bool an_map_each(const struct an_map *map, size_t *pos, const uint64_t **key, void **value);

#endif
