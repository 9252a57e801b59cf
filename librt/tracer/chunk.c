/* SPDX-License-Identifier: BSD-3-Clause
 *
 * chunk.c - pools of chunks and the queue to the writer, all lock-free: emit paths must not wait for anyone.
 *
 * Invariants: a chunk is in exactly one of: its pool's free list, an M's or P's slot (OPEN), a queue (QUEUED), the writer's
 * hands. A pool's head carries a count of changes in its upper half, so a stale head cannot be swapped in (no ABA).
 */
#include "librt/tracer/chunk.h"

#include <errno.h>

#include "librt/tracer/sys.h"

#define NUDGE_AT (512u << 10)		/* the writer looks when so many bytes wait */

struct pool {
	uint8_t *base;			/* written while no session is on */
	uint32_t size, count, mapped;	/* count: as many may be used; written like base */
	_Atomic uint32_t fresh;		/* chunks that were given out at least once are those below */
	_Atomic uint32_t used;
	_Atomic uint64_t head;		/* change count << 32 | index + 1 */
};
static struct pool pools[2] = { { .size = TRACE_CHUNK_SMALL }, { .size = TRACE_CHUNK_BIG } };
static _Atomic(struct trace_chunk *) queue[2];
static _Atomic uint64_t waiting;	/* bytes of chunks queued since the writer last looked */
static uint64_t nudge_at;		/* written while no session is on */

static struct trace_chunk *pool_chunk(const struct pool *pool, uint32_t index)
{
	return (struct trace_chunk *)(void *)(pool->base + (size_t)index * pool->size);
}

static int pool_init(struct pool *pool, uint64_t bytes)
{
	uint32_t count = (uint32_t)(bytes / pool->size);

	if (count < 8)
		count = 8;
	if (count > pool->mapped) {
		uint8_t *base = trace_pages_new((size_t)count * pool->size);

		if (base == NULL)
			return -ENOMEM;
		/* The old pages stay reserved: 64 MiB of addresses, no memory. */
		pool->base = base;
		pool->mapped = count;
	}
	pool->count = count;
	atomic_store_explicit(&pool->fresh, 0, memory_order_relaxed);
	atomic_store_explicit(&pool->used, 0, memory_order_relaxed);
	atomic_store_explicit(&pool->head, 0, memory_order_relaxed);
	return 0;
}

int trace_chunks_init(uint64_t limit)
{
	if (limit > (uint64_t)1 << 40)
		limit = (uint64_t)1 << 40;
	nudge_at = limit / 8 < NUDGE_AT ? limit / 8 : NUDGE_AT;
	if (pool_init(&pools[0], limit / 8) < 0)
		return -ENOMEM;
	return pool_init(&pools[1], limit - limit / 8);
}

void trace_chunks_clean(void)
{
	for (int i = 0; i < 2; i++) {
		struct pool *pool = &pools[i];

		trace_pages_clean(pool->base, (size_t)pool->count * pool->size);
		/* Free chunks lost their links with their pages: all are fresh again. */
		atomic_store_explicit(&pool->head, 0, memory_order_relaxed);
		atomic_store_explicit(&pool->fresh, 0, memory_order_relaxed);
	}
}

void trace_chunks_after_fork(void)
{
	for (int i = 0; i < 2; i++) {
		atomic_store_explicit(&pools[i].used, 0, memory_order_relaxed);
		atomic_store_explicit(&queue[i], NULL, memory_order_relaxed);
	}
	if (pools[0].base != NULL)
		trace_chunks_clean();
}

static struct trace_chunk *pool_get(struct pool *pool)
{
	/* Acquire pairs with the release in trace_chunk_put: the link is seen. */
	uint64_t head = atomic_load_explicit(&pool->head, memory_order_acquire);
	uint32_t fresh;
	struct trace_chunk *c;

	while ((uint32_t)head != 0) {
		uint64_t next;

		c = pool_chunk(pool, (uint32_t)head - 1);
		next = ((head >> 32) + 1) << 32 | atomic_load_explicit(&c->link, memory_order_relaxed);
		if (atomic_compare_exchange_weak_explicit(&pool->head, &head, next, memory_order_acquire, memory_order_acquire))
			return c;
	}
	fresh = atomic_load_explicit(&pool->fresh, memory_order_relaxed);
	do {
		if (fresh >= pool->count)
			return NULL;
	} while (!atomic_compare_exchange_weak_explicit(&pool->fresh, &fresh, fresh + 1, memory_order_relaxed,
							memory_order_relaxed));
	c = pool_chunk(pool, fresh);
	c->index = fresh;
	c->big = pool->size == TRACE_CHUNK_BIG;
	c->end = (uint8_t *)c + pool->size;
	return c;
}

struct trace_chunk *trace_chunk_get(bool big)
{
	struct trace_chunk *c = pool_get(&pools[big]);

	if (c == NULL)
		c = pool_get(&pools[!big]);
	if (c != NULL)
		atomic_fetch_add_explicit(&pools[c->big].used, 1, memory_order_relaxed);
	return c;
}

void trace_chunk_put(struct trace_chunk *c)
{
	struct pool *pool = &pools[c->big];
	uint64_t head = atomic_load_explicit(&pool->head, memory_order_relaxed), next;

	atomic_store_explicit(&c->stamp, TRACE_FREE_STAMP, memory_order_relaxed);
	atomic_store_explicit(&c->state, TRACE_CHUNK_FREE, memory_order_relaxed);
	do {
		atomic_store_explicit(&c->link, (uint32_t)head, memory_order_relaxed);
		next = ((head >> 32) + 1) << 32 | (c->index + 1);
	} while (!atomic_compare_exchange_weak_explicit(&pool->head, &head, next, memory_order_release, memory_order_relaxed));
	atomic_fetch_sub_explicit(&pool->used, 1, memory_order_relaxed);
}

bool trace_chunks_are_scarce(void)
{
	return atomic_load_explicit(&pools[1].used, memory_order_relaxed) > pools[1].count / 4 * 3;
}

bool trace_chunks_are_many(void)
{
	for (int i = 0; i < 2; i++) {
		if (atomic_load_explicit(&pools[i].used, memory_order_relaxed) > pools[i].count / 2)
			return true;
	}
	return false;
}

uint64_t trace_chunks_used(void)
{
	return (uint64_t)atomic_load_explicit(&pools[0].used, memory_order_relaxed) * TRACE_CHUNK_SMALL +
	       (uint64_t)atomic_load_explicit(&pools[1].used, memory_order_relaxed) * TRACE_CHUNK_BIG;
}

bool trace_chunk_queue(struct trace_chunk *c)
{
	_Atomic(struct trace_chunk *) *q = &queue[atomic_load_explicit(&c->gen, memory_order_relaxed) & 1];

	atomic_store_explicit(&c->state, TRACE_CHUNK_QUEUED, memory_order_relaxed);
	c->next = atomic_load_explicit(q, memory_order_relaxed);
	/* Release: pairs with the acquire in trace_chunk_take_queue, which then reads the events. */
	while (!atomic_compare_exchange_weak_explicit(q, &c->next, c, memory_order_release, memory_order_relaxed))
		;
	return atomic_fetch_add_explicit(&waiting, pools[c->big].size, memory_order_relaxed) > nudge_at || trace_chunks_are_many();
}

struct trace_chunk *trace_chunk_take_queue(unsigned slot)
{
	atomic_store_explicit(&waiting, 0, memory_order_relaxed);
	return atomic_exchange_explicit(&queue[slot], NULL, memory_order_acquire);
}

struct trace_chunk *trace_chunk_collect(uint64_t gen)
{
	struct trace_chunk *list = NULL;

	for (int i = 0; i < 2; i++) {
		struct pool *pool = &pools[i];
		uint32_t fresh = atomic_load_explicit(&pool->fresh, memory_order_relaxed);

		for (uint32_t k = 0; k < fresh; k++) {
			struct trace_chunk *c = pool_chunk(pool, k);

			if (atomic_load_explicit(&c->state, memory_order_acquire) != TRACE_CHUNK_OPEN ||
			    atomic_load_explicit(&c->gen, memory_order_relaxed) != gen)
				continue;
			atomic_store_explicit(&c->state, TRACE_CHUNK_QUEUED, memory_order_relaxed);
			c->next = list;
			list = c;
		}
	}
	return list;
}
