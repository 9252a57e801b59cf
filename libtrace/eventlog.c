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

#include "libtrace/gentables.h"

#ifdef __x86_64__
#include <tmmintrin.h>
#endif

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define AT(low, high) ((uint64_t)(low) << 32 | (uint64_t)(high))
#else
#define AT(low, high) ((uint64_t)(low) | (uint64_t)(high) << 32)
#endif

/* What was written by another processor has to come from there: early, for a line takes longer than the events in it. */
#define EVENTS_AHEAD 64

_Static_assert(offsetof(struct etr_event, m) == offsetof(struct etr_event, p) + 8 && offsetof(struct etr__log_context, p) == 0 &&
	       offsetof(struct etr__log_context, m) == 8, "context");
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
#ifdef __x86_64__
	pool->shuffles = __builtin_cpu_supports("ssse3");
#endif
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
	/* Without contexts[], which are many and mean nothing from ncontexts on. */
	log->first = log->last = NULL;
	log->first_whole = log->last_whole = NULL;
	log->at = log->whole_at = 0;
	log->time = 0;
	log->ncontexts = log->context = 0;
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

struct etr__packed *etr__log_room(struct etr__log *log, int *n)
{
	if ((!log->last || log->last->n == ETR__LOG_PACKED) && next_chunk(log) != 0)
		return NULL;
	*n = (int)(ETR__LOG_PACKED - log->last->n);
	return log->last->events + log->last->n;
}

void etr__log_filled(struct etr__log *log, int n, int64_t time)
{
	log->last->n += (uint32_t)n;
	log->time = time;
}

int etr__log_context(struct etr__log *log, int64_t p, int64_t m)
{
	unsigned i = log->context;

	if (i < log->ncontexts && log->contexts[i].p == p && log->contexts[i].m == m)
		return (int)i;
	for (i = 0; i < log->ncontexts; i++)
		if (log->contexts[i].p == p && log->contexts[i].m == m)
			break;
	if (i == ETR__LOG_CONTEXTS)
		return -1;
	if (i == log->ncontexts)
		log->contexts[log->ncontexts++] = (struct etr__log_context){ p, m };
	log->context = i;
	return (int)i;
}

/* What comes into being, is told anew or has an inherited context is kept whole, for somebody wants to know of it. */
static bool pack(struct etr__log *log, const struct etr_event *ev, struct etr__packed *e)
{
	uint64_t dt = (uint64_t)ev->time - (uint64_t)log->time, id = (uint64_t)ev->u.transition.id;
	uint32_t stack = ev->stack, own = ev->u.transition.stack, reason = ev->u.transition.reason;
	unsigned what = ETR__WHAT(ev->from, ev->to);
	int context;

	if (ev->kind != ETR_KIND_STATE_TRANSITION || ev->from <= ETR_STATE_NOT_EXIST || dt > ETR__PACKED_DT_MAX || ev->g != (int32_t)ev->g || id >> 32 ||
	    (stack | reason) >> 16 || ev->p < -1)
		return false;
	if (ev->resource == ETR_RESOURCE_PROC)
		what |= ETR__WHAT_PROC;
	if (own)
		what |= ETR__WHAT_OWN_STACK;
	if (own && (own != stack || ev->resource == ETR_RESOURCE_PROC))
		return false;
	context = etr__log_context(log, ev->p, ev->m);
	if (context < 0)
		return false;
	*e = (struct etr__packed){ .dt = (uint16_t)dt, .context = (uint8_t)context, .what = (uint8_t)what, .id = (uint32_t)id,
				   .g = (int32_t)ev->g, .stack = (uint16_t)stack, .reason = (uint16_t)reason };
	return true;
}

int etr__log_add(struct etr__log *log, const struct etr_event *ev, struct etr_event **kept)
{
	int n;
	struct etr__packed *e = etr__log_room(log, &n);

	*kept = NULL;
	if (!e)
		return -1;
	if (!pack(log, ev, e)) {
		if (keep_whole(log, ev, kept) != 0)
			return -1;
		e->what = ETR__WHAT_WHOLE;
	}
	etr__log_filled(log, 1, ev->time);
	return 0;
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

/* By what: kind, resource, from and to, where they stand in an event; and which bytes of a packed one are the reason and the own stack. */
struct form {
	uint32_t kinds[4];
	uint8_t shuffle[16];
};
#define PUT(word, i) ((uint32_t)(word) << (AT(1, 0) == 1 ? 8 * (i) : 24 - 8 * (i)))
#define NO 0x80
#define REASON(what, byte) ((what) == ETR__WHAT_CREATE ? NO : (byte))
#define OWN(what, same, other) ((what) == ETR__WHAT_CREATE ? (other) : (what) & ETR__WHAT_OWN_STACK ? (same) : NO)
#define FORM(what)                                                                                                               \
	{ { PUT(ETR_KIND_STATE_TRANSITION, 0) | PUT((what) & ETR__WHAT_PROC ? ETR_RESOURCE_PROC : ETR_RESOURCE_GOROUTINE, 1) |     \
	    PUT((what) >> 3 & 7, 2) | PUT((what) & 7, 3), 0, 0, 0 },                                                             \
	  { REASON(what, 14), REASON(what, 15), NO, NO, OWN(what, 12, 14), OWN(what, 13, 15), NO, NO,                            \
	    NO, NO, NO, NO, NO, NO, NO, NO } }
#define FORM4(what) FORM(what), FORM((what) + 1), FORM((what) + 2), FORM((what) + 3)
#define FORM16(what) FORM4(what), FORM4((what) + 4), FORM4((what) + 8), FORM4((what) + 12)
#define FORM64(what) FORM16(what), FORM16((what) + 16), FORM16((what) + 32), FORM16((what) + 48)
static const struct form forms[ETR__WHAT_OTHERS] __attribute__((aligned(64))) = { FORM64(0), FORM64(64), FORM64(128) };

static void range(struct etr_event *ev, uint8_t kind, uint32_t stack, uint8_t resource)
{
	ev->kind = kind;
	ev->resource = resource;
	ev->stack = stack;
	ev->u.range.id = resource == ETR_RESOURCE_PROC ? ev->p : ev->g;
	ev->u.range.name = resource == ETR_RESOURCE_PROC ? ETR__STRING_SWEEP : ETR__STRING_ASSIST;
	ev->u.range.nattrs = 0;
	ev->u.range.swept = ev->u.range.reclaimed = 0;
}

/* Who was at it. */
static inline __attribute__((always_inline)) void unpack_context(const struct etr__log *log, const struct etr__packed *e, struct etr_event *ev)
{
	ev->g = e->g;
	memcpy(&ev->p, &log->contexts[e->context], sizeof(log->contexts[0]));
}

/* What is no transition, its time apart.  Its last place. */
static __attribute__((noinline)) const struct etr__packed *unpack_other(const struct etr__log *log, const struct etr__packed *e,
									struct etr_event *ev)
{
	struct etr__packed_more more;

	unpack_context(log, e, ev);
	ev->from = ev->to = 0;
	switch (e->what) {
	default:
		memcpy(&more, e + 1, sizeof(more));
		ev->kind = (uint8_t)(e->what - ETR__WHAT_USER);
		ev->resource = ETR_RESOURCE_NONE;
		ev->stack = e->stack;
		etr__log_user(ev, e->id, more.a, more.b);
		return e + 1;
	case ETR__WHAT_ASSIST_BEGIN:
		range(ev, ETR_KIND_RANGE_BEGIN, e->stack, ETR_RESOURCE_GOROUTINE);
		break;
	case ETR__WHAT_ASSIST_END:
		range(ev, ETR_KIND_RANGE_END, 0, ETR_RESOURCE_GOROUTINE);
		break;
	case ETR__WHAT_SWEEP_BEGIN:
		range(ev, ETR_KIND_RANGE_BEGIN, e->stack, ETR_RESOURCE_PROC);
		break;
	case ETR__WHAT_SWEEP_END:
		range(ev, ETR_KIND_RANGE_END, 0, ETR_RESOURCE_PROC);
		ev->u.range.nattrs = 2;
		ev->u.range.swept = e->id;
		ev->u.range.reclaimed = e->high;
		break;
	case ETR__WHAT_HEAP:
		ev->kind = ETR_KIND_METRIC;
		ev->resource = ETR_RESOURCE_NONE;
		ev->stack = 0;
		ev->u.metric.name = ETR__STRING_HEAP;
		ev->u.metric.value = e->id | (uint64_t)e->high << 32;
		break;
	}
	return e;
}

/* A transition, its time apart. */
static void unpack(const struct etr__log *log, const struct etr__packed *e, struct etr_event *ev)
{
	unpack_context(log, e, ev);
	memcpy(&ev->kind, forms[e->what].kinds, sizeof(uint32_t));
	ev->stack = e->stack;
	ev->u.transition.id = e->id;
	ev->u.transition.reason = e->what == ETR__WHAT_CREATE ? 0 : e->reason;
	ev->u.transition.stack = e->what == ETR__WHAT_CREATE ? e->reason : e->what & ETR__WHAT_OWN_STACK ? e->stack : 0;
}

#ifdef __x86_64__
/* Transitions from e on, their times as they are in the log, up to `end` or something else: by shuffling the bytes of each. */
static __attribute__((target("ssse3"))) const struct etr__packed *unpack_many(const struct etr__log *log, const struct etr__packed *e,
									      const struct etr__packed *end, int64_t *last_time,
									      struct etr_event *ev)
{
	const __m128i stack_and_id = _mm_setr_epi8(-1, -1, -1, -1, 12, 13, -1, -1, 4, 5, 6, 7, -1, -1, -1, -1);
	uint64_t time = (uint64_t)*last_time;

	for (; e < end && e->what < ETR__WHAT_OTHERS; e++, ev++) {
		const struct form *form = &forms[e->what];
		__m128i packed = _mm_loadu_si128((const __m128i *)e), head, tail;

		__builtin_prefetch(e + EVENTS_AHEAD);
		time += e->dt;
		ev->time = (int64_t)time;
		unpack_context(log, e, ev);
		head = _mm_or_si128(_mm_shuffle_epi8(packed, stack_and_id), *(const __m128i *)form->kinds);
		_mm_storeu_si128((__m128i *)&ev->kind, head);
		tail = _mm_shuffle_epi8(packed, *(const __m128i *)form->shuffle);
		_mm_storel_epi64((__m128i *)&ev->u.transition.reason, tail);
	}
	*last_time = (int64_t)time;
	return e;
}
#endif

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
	for (; e < end; e++, ev++) {
#ifdef __x86_64__
		/* Times increase in the log, so once one is later than all before, all are. */
		if (before == time && log->pool->shuffles) {
			const struct etr__packed *from = e;

			e = unpack_many(log, e, end, &time, ev);
			ev += e - from;
			before = time;
			if (e == end)
				break;
		}
#endif
		if (e->what == ETR__WHAT_WHOLE) {
			read_whole(log, ev);
			time = ev->time;
		} else {
			time = (int64_t)((uint64_t)time + e->dt);
			if (e->what < ETR__WHAT_OTHERS)
				unpack(log, e, ev);
			else
				e = unpack_other(log, e, ev);
		}
		before = time > before ? time : (int64_t)((uint64_t)before + 1);
		ev->time = before;
	}
	log->at = (uint32_t)(e - c->events);
	log->time = time;
	*last_time = before;
	return (int)(ev - events);
}
