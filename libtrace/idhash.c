/* SPDX-License-Identifier: BSD-3-Clause
 *
 * idhash.c - tables keyed by 64-bit ids; idhash.h tells what they promise.
 */
#include "libtrace/idhash.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

uint64_t etr__hash_seed[2];

/* What an empty table points to, so that looking up needs no special case. */
static struct etr__slot no_slots[1];

static void seed(void)
{
	if (getentropy(etr__hash_seed, sizeof(etr__hash_seed)) != 0) {
		etr__hash_seed[0] = (uint64_t)(uintptr_t)&etr__hash_seed ^ (uint64_t)time(NULL);
		etr__hash_seed[1] = 0x9e3779b97f4a7c15u ^ (uint64_t)getpid() << 20;
	}
	/* An odd factor with high bits set mixes every bit of the key. */
	etr__hash_seed[1] |= (uint64_t)1 << 63 | 1;
}

void etr__hash_init(struct etr__hash *h)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, seed);
	h->slots = no_slots;
	h->mask = 0;
	h->n = 0;
}

void etr__hash_free(struct etr__hash *h)
{
	if (h->slots != no_slots)
		free(h->slots);
	h->slots = no_slots;
	h->mask = 0;
	h->n = 0;
}

void etr__hash_clear(struct etr__hash *h)
{
	if (h->n)
		memset(h->slots, 0, (h->mask + 1) * sizeof(*h->slots));
	h->n = 0;
}

static void insert(struct etr__hash *h, uint64_t key, uint64_t val)
{
	size_t i = (size_t)etr__hash_mix(key) & h->mask;

	while (h->slots[i].val)
		i = (i + 1) & h->mask;
	h->slots[i].key = key;
	h->slots[i].val = val;
}

static int grow(struct etr__hash *h)
{
	size_t size = h->slots == no_slots ? 64 : (h->mask + 1) * 2;
	struct etr__hash bigger = { calloc(size, sizeof(struct etr__slot)), size - 1, h->n };

	if (!bigger.slots)
		return -1;
	for (size_t i = 0; i <= h->mask; i++)
		if (h->slots[i].val)
			insert(&bigger, h->slots[i].key, h->slots[i].val);
	etr__hash_free(h);
	*h = bigger;
	return 0;
}

int etr__hash_put(struct etr__hash *h, uint64_t key, uint64_t val)
{
	if ((h->n + 1) * 2 > h->mask + 1 && grow(h) != 0)
		return -1;
	insert(h, key, val);
	h->n++;
	return 0;
}

void etr__hash_del(struct etr__hash *h, uint64_t key)
{
	size_t hole = (size_t)etr__hash_mix(key) & h->mask;

	while (h->slots[hole].val && h->slots[hole].key != key)
		hole = (hole + 1) & h->mask;
	if (!h->slots[hole].val)
		return;
	/* Entries behind the hole that may not stand behind a free slot move into it. */
	for (size_t i = (hole + 1) & h->mask; h->slots[i].val; i = (i + 1) & h->mask) {
		size_t home = (size_t)etr__hash_mix(h->slots[i].key) & h->mask;

		if (((i - home) & h->mask) < ((i - hole) & h->mask))
			continue;
		h->slots[hole] = h->slots[i];
		hole = i;
	}
	h->slots[hole].val = 0;
	h->n--;
}

void etr__idmap_init(struct etr__idmap *map)
{
	memset(map, 0, sizeof(*map));
	etr__hash_init(&map->sparse);
}

void etr__idmap_free(struct etr__idmap *map)
{
	free(map->direct);
	etr__hash_free(&map->sparse);
	etr__idmap_init(map);
}

void etr__idmap_clear(struct etr__idmap *map)
{
	if (map->ndirect)
		memset(map->direct, 0, map->ndirect * sizeof(*map->direct));
	etr__hash_clear(&map->sparse);
	map->count = 0;
}

static int grow_direct(struct etr__idmap *map, uint64_t id)
{
	uint64_t n = map->ndirect ? map->ndirect : 256;
	uint32_t *direct;

	while (n <= id)
		n *= 2;
	direct = realloc(map->direct, n * sizeof(*direct));
	if (!direct)
		return -1;
	memset(direct + map->ndirect, 0, (n - map->ndirect) * sizeof(*direct));
	map->direct = direct;
	map->ndirect = n;
	return 0;
}

/* Ids below are dense enough for the array. */
static uint64_t dense_below(const struct etr__idmap *map)
{
	return 4 * map->count + 1024;
}

int etr__idmap_put(struct etr__idmap *map, uint64_t id, uint32_t val)
{
	if (id >= map->ndirect && id < dense_below(map) && grow_direct(map, id) != 0)
		return -1;
	if (id < map->ndirect)
		map->direct[id] = val;
	else if (etr__hash_put(&map->sparse, id, val) != 0)
		return -1;
	map->count++;
	return 0;
}

int etr__idmap_settle(struct etr__idmap *map)
{
	const struct etr__hash *sparse = &map->sparse;
	uint64_t last = 0;

	for (size_t i = 0; i <= sparse->mask; i++)
		if (sparse->slots[i].val && sparse->slots[i].key < dense_below(map) && sparse->slots[i].key > last)
			last = sparse->slots[i].key;
	if (last >= map->ndirect && grow_direct(map, last) != 0)
		return -1;
	/* They stay in the hash, too, where nobody comes to any more. */
	for (size_t i = 0; i <= sparse->mask; i++)
		if (sparse->slots[i].val && sparse->slots[i].key < map->ndirect)
			map->direct[sparse->slots[i].key] = (uint32_t)sparse->slots[i].val;
	return 0;
}
