/* SPDX-License-Identifier: BSD-3-Clause
 *
 * idhash.h - from 64-bit ids, which a hostile file chooses, to what belongs to them.
 *
 * struct etr__hash is an open-addressing table with linear probing, at most half full, its hash keyed with random numbers so
 * that nobody can prepare ids that collide.  struct etr__idmap puts an array in front of it for ids that are dense; the
 * array's size is bounded by the number of entries, never by the largest id.
 */
#ifndef LIBTRACE_IDHASH_H
#define LIBTRACE_IDHASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct etr__slot {
	uint64_t key;
	uint64_t val;		/* 0: the slot is free */
};

struct etr__hash {
	struct etr__slot *slots;
	size_t mask;		/* number of slots minus one */
	size_t n;
};

/* Secret factors of the hash; the same for all tables of a process, set by the first etr__hash_init(). */
extern uint64_t etr__hash_seed[2];

void etr__hash_init(struct etr__hash *h);
void etr__hash_free(struct etr__hash *h);
void etr__hash_clear(struct etr__hash *h);

/* The key must not be there and val not be 0.  0, or -1 when out of memory. */
int etr__hash_put(struct etr__hash *h, uint64_t key, uint64_t val);
void etr__hash_del(struct etr__hash *h, uint64_t key);

static inline uint64_t etr__hash_mix(uint64_t key)
{
#ifdef __SIZEOF_INT128__
	unsigned __int128 x = (unsigned __int128)(key ^ etr__hash_seed[0]) * etr__hash_seed[1];

	return (uint64_t)x ^ (uint64_t)(x >> 64);
#else
	key = (key ^ etr__hash_seed[0]) * etr__hash_seed[1];
	key = (key ^ key >> 32) * 0x9e3779b97f4a7c15u;
	return key ^ key >> 29;
#endif
}

/* 0 when the key is not there. */
static inline uint64_t etr__hash_get(const struct etr__hash *h, uint64_t key)
{
	size_t i = (size_t)etr__hash_mix(key) & h->mask;

	for (; h->slots[i].val; i = (i + 1) & h->mask)
		if (h->slots[i].key == key)
			return h->slots[i].val;
	return 0;
}

struct etr__idmap {
	uint32_t *direct;	/* value by id, 0: not here */
	uint64_t ndirect;
	uint64_t count;
	struct etr__hash sparse;
};

void etr__idmap_init(struct etr__idmap *map);
void etr__idmap_free(struct etr__idmap *map);
void etr__idmap_clear(struct etr__idmap *map);

/* The id must not be there and val not be 0.  0, or -1 when out of memory. */
int etr__idmap_put(struct etr__idmap *map, uint64_t id, uint32_t val);

/*
 * When all are there, in whatever order they came: those of the array's range that came too early for it are in the array, too.  0, or -1
 * when out of memory.
 */
int etr__idmap_settle(struct etr__idmap *map);

/* 0 when the id is not there. */
static inline uint32_t etr__idmap_get(const struct etr__idmap *map, uint64_t id)
{
	if (__builtin_expect(id < map->ndirect, 1) && __builtin_expect(map->direct[id] != 0, 1))
		return map->direct[id];
	return (uint32_t)etr__hash_get(&map->sparse, id);
}

#endif
