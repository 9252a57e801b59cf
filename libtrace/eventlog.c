/* SPDX-License-Identifier: BSD-3-Clause
 *
 * eventlog.c - events of one generation, packed.
 *
 * A log owns its chunks; one that has been read to its end goes back to the pool at once.  Packing and unpacking look at an
 * event by words, some of which hold several fields.
 */
#include "libtrace/eventlog.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define IS_WHOLE 0xff		/* what of an event that is kept whole */

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define AT(low, high) ((uint64_t)(low) << 32 | (uint64_t)(high))
#define BYTE(word, i) ((word) >> (24 - 8 * (i)) & 0xff)
#else
#define AT(low, high) ((uint64_t)(low) | (uint64_t)(high) << 32)
#define BYTE(word, i) ((word) >> 8 * (i) & 0xff)
#endif

_Static_assert(offsetof(struct etr_event, kind) % 8 == 0 && offsetof(struct etr_event, resource) == offsetof(struct etr_event, kind) + 1 &&
	       offsetof(struct etr_event, from) == offsetof(struct etr_event, kind) + 2 &&
	       offsetof(struct etr_event, to) == offsetof(struct etr_event, kind) + 3 &&
	       offsetof(struct etr_event, stack) == offsetof(struct etr_event, kind) + 4 &&
	       offsetof(struct etr_event, u.transition.stack) == offsetof(struct etr_event, u.transition.reason) + 4,
	       "words of an event");

void etr__log_pool_init(struct etr__log_pool *pool)
{
	memset(pool, 0, sizeof(*pool));
	pthread_mutex_init(&pool->lock, NULL);
}

void etr__log_pool_free(struct etr__log_pool *pool)
{
	for (struct etr__log_chunk *c = pool->chunks, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	for (struct etr__log_whole *w = pool->wholes, *next; w; w = next) {
		next = w->next;
		free(w);
	}
	pthread_mutex_destroy(&pool->lock);
}

/* Gives the first chunk back. */
static void drop_chunk(struct etr__log *log)
{
	struct etr__log_chunk *c = log->first;

	log->first = c->next;
	pthread_mutex_lock(&log->pool->lock);
	c->next = log->pool->chunks;
	log->pool->chunks = c;
	pthread_mutex_unlock(&log->pool->lock);
}

static void drop_whole(struct etr__log *log)
{
	struct etr__log_whole *w = log->first_whole;

	log->first_whole = w->next;
	pthread_mutex_lock(&log->pool->lock);
	w->next = log->pool->wholes;
	log->pool->wholes = w;
	pthread_mutex_unlock(&log->pool->lock);
}

void etr__log_clear(struct etr__log *log)
{
	while (log->first)
		drop_chunk(log);
	while (log->first_whole)
		drop_whole(log);
	*log = (struct etr__log){ .pool = log->pool };
}

static int next_chunk(struct etr__log *log)
{
	struct etr__log_chunk *c;

	pthread_mutex_lock(&log->pool->lock);
	c = log->pool->chunks;
	if (c)
		log->pool->chunks = c->next;
	pthread_mutex_unlock(&log->pool->lock);
	if (!c)
		c = malloc(sizeof(*c));
	if (!c)
		return -1;
	c->next = NULL;
	c->n = 0;
	*(log->last ? &log->last->next : &log->first) = c;
	log->last = c;
	return 0;
}

static int next_whole(struct etr__log *log)
{
	struct etr__log_whole *w;

	pthread_mutex_lock(&log->pool->lock);
	w = log->pool->wholes;
	if (w)
		log->pool->wholes = w->next;
	pthread_mutex_unlock(&log->pool->lock);
	if (!w)
		w = malloc(sizeof(*w));
	if (!w)
		return -1;
	w->next = NULL;
	w->n = 0;
	*(log->last_whole ? &log->last_whole->next : &log->first_whole) = w;
	log->last_whole = w;
	return 0;
}

static __attribute__((noinline)) int keep_whole(struct etr__log *log, const struct etr_event *ev, struct etr_event **kept)
{
	if ((!log->last_whole || log->last_whole->n == ETR__LOG_WHOLE) && next_whole(log) != 0)
		return -1;
	*kept = &log->last_whole->events[log->last_whole->n++];
	**kept = *ev;
	return 0;
}

/* Memory that was read by another processor last has to come from there: early, for stores wait for each other. */
#define LINES_AHEAD 48

static inline void prefetch_to_write(const struct etr__packed *e)
{
#ifdef __x86_64__
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)e));
#else
	__builtin_prefetch(e, 1);
#endif
}

static inline uint64_t word_of(const struct etr_event *ev, size_t offset)
{
	uint64_t w;

	memcpy(&w, (const char *)ev + offset, sizeof(w));
	return w;
}

#define LOW(w) ((uint32_t)(AT(1, 0) == 1 ? (w) : (w) >> 32))
#define HIGH(w) ((uint32_t)(AT(1, 0) == 1 ? (w) >> 32 : (w)))

int etr__log_add(struct etr__log *log, const struct etr_event *events, int n, struct etr_event **kept)
{
	const struct etr_event *ev = events, *last = events + n;
	struct etr__packed *e, *end;
	int64_t time = log->time;

	*kept = NULL;
	if ((!log->last || log->last->n == ETR__LOG_PACKED) && next_chunk(log) != 0)
		return -1;
	e = log->last->events + log->last->n;
	end = log->last->events + ETR__LOG_PACKED;
	for (; ev < last && e < end; ev++, e++) {
		uint64_t dt = (uint64_t)ev->time - (uint64_t)time, g1 = (uint64_t)ev->g + 1, p1 = (uint64_t)ev->p + 1;
		uint64_t kinds = word_of(ev, offsetof(struct etr_event, kind)), id = (uint64_t)ev->u.transition.id;
		uint64_t stacks = word_of(ev, offsetof(struct etr_event, u.transition.reason));
		uint32_t kind = LOW(kinds), stack = HIGH(kinds), reason = LOW(stacks), own = HIGH(stacks);

		prefetch_to_write(e + LINES_AHEAD);
		time = ev->time;
		/* Of what comes into being or is told anew somebody wants to know. */
		if (BYTE(kind, 0) != ETR_KIND_STATE_TRANSITION || BYTE(kind, 2) <= ETR_STATE_NOT_EXIST ||
		    ((dt | g1 | id | (uint64_t)ev->m) >> 32 | (stack | reason | own) >> 16 | p1 >> 8) != 0) {
			if (keep_whole(log, ev, kept) != 0)
				return -1;
			e->rest = (uint64_t)IS_WHOLE << 56;
			e++;
			ev++;
			break;
		}
		e->dt_g = dt | g1 << 32;
		e->m_id = (uint64_t)ev->m | id << 32;
		e->rest = (uint64_t)stack | (uint64_t)reason << 16 | (uint64_t)own << 32 | p1 << 48 |
			  (uint64_t)((BYTE(kind, 1) - ETR_RESOURCE_GOROUTINE) << 6 | BYTE(kind, 2) << 3 | BYTE(kind, 3)) << 56;
	}
	log->time = time;
	log->last->n = (uint32_t)(e - log->last->events);
	return (int)(ev - events);
}

void etr__log_rewind(struct etr__log *log)
{
	log->at = log->whole_at = 0;
	log->time = 0;
}

static __attribute__((noinline)) void read_whole(struct etr__log *log, struct etr_event *ev)
{
	*ev = log->first_whole->events[log->whole_at++];
	if (log->whole_at == ETR__LOG_WHOLE) {
		drop_whole(log);
		log->whole_at = 0;
	}
}

/* The first chunk, or, where it has been read, the one behind it.  NULL: there is no more. */
static const struct etr__log_chunk *chunk_to_read(struct etr__log *log)
{
	while (log->first && log->at == log->first->n) {
		drop_chunk(log);
		log->at = 0;
	}
	return log->first;
}

/* kind, resource, from and to, by what. */
#define PUT(word, i) ((uint32_t)(word) << (AT(1, 0) == 1 ? 8 * (i) : 24 - 8 * (i)))
#define KINDS(what)                                                                                                              \
	(PUT(ETR_KIND_STATE_TRANSITION, 0) | PUT(ETR_RESOURCE_GOROUTINE + ((what) >> 6), 1) | PUT((what) >> 3 & 7, 2) |            \
	 PUT((what) & 7, 3))
#define KINDS4(what) KINDS(what), KINDS((what) + 1), KINDS((what) + 2), KINDS((what) + 3)
#define KINDS32(what)                                                                                                            \
	KINDS4(what), KINDS4((what) + 4), KINDS4((what) + 8), KINDS4((what) + 12), KINDS4((what) + 16), KINDS4((what) + 20),      \
		KINDS4((what) + 24), KINDS4((what) + 28)
static const uint32_t kinds_of[128] = { KINDS32(0), KINDS32(32), KINDS32(64), KINDS32(96) };

int etr__log_read(struct etr__log *log, int64_t *last_time, struct etr_event *events, int max)
{
	const struct etr__log_chunk *c = chunk_to_read(log);
	const struct etr__packed *e, *end;
	struct etr_event *ev = events;
	int64_t time = log->time, before = *last_time;

	if (!c)
		return 0;
	e = c->events + log->at;
	end = c->events + c->n;
	if (end - e > max)
		end = e + max;
	log->at = (uint32_t)(end - c->events);
	for (; e < end; e++, ev++) {
		uint64_t rest = e->rest, kinds, stacks;
		uint32_t what = (uint32_t)(rest >> 56);

		__builtin_prefetch(e + LINES_AHEAD);
		if (__builtin_expect(what == IS_WHOLE, 0)) {
			read_whole(log, ev);
			time = ev->time;
		} else {
			time = (int64_t)((uint64_t)time + (uint32_t)e->dt_g);
			ev->g = (int64_t)(e->dt_g >> 32) - 1;
			ev->p = (int64_t)(rest >> 48 & 0xff) - 1;
			ev->m = (int64_t)(uint32_t)e->m_id;
			ev->u.transition.id = (int64_t)(e->m_id >> 32);
			kinds = AT(kinds_of[what], (uint32_t)rest & 0xffff);
			memcpy((char *)ev + offsetof(struct etr_event, kind), &kinds, sizeof(kinds));
			stacks = AT((uint32_t)rest >> 16, rest >> 32 & 0xffff);
			memcpy((char *)ev + offsetof(struct etr_event, u.transition.reason), &stacks, sizeof(stacks));
		}
		before = time > before ? time : (int64_t)((uint64_t)before + 1);
		ev->time = before;
	}
	log->time = time;
	*last_time = before;
	return (int)(ev - events);
}
