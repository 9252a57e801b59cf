/* SPDX-License-Identifier: BSD-3-Clause
 *
 * eventlog.c - events of one generation, packed.
 *
 * A log owns its chunks; one that has been read to its end goes back to the pool at once.
 */
#include "libtrace/eventlog.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "libtrace/gentables.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

/* What was written by another processor has to come from there: early, for a line takes longer than the events in it. */
#define EVENTS_AHEAD 64

_Static_assert(offsetof(struct etr_event, m) == offsetof(struct etr_event, p) + 8 && offsetof(struct etr__log_context, p) == 0 &&
	       offsetof(struct etr__log_context, m) == 8, "context");
/* What shuffle_transition() stores at once. */
_Static_assert(offsetof(struct etr_event, resource) == offsetof(struct etr_event, kind) + 1 &&
	       offsetof(struct etr_event, from) == offsetof(struct etr_event, kind) + 2 &&
	       offsetof(struct etr_event, to) == offsetof(struct etr_event, kind) + 3 &&
	       offsetof(struct etr_event, stack) == offsetof(struct etr_event, kind) + 4 &&
	       offsetof(struct etr_event, u.transition.id) == offsetof(struct etr_event, kind) + 8 &&
	       offsetof(struct etr_event, u.transition.reason) == offsetof(struct etr_event, kind) + 16 &&
	       offsetof(struct etr_event, u.transition.stack) == offsetof(struct etr_event, kind) + 20 &&
	       offsetof(struct etr_event, kind) + 32 <= sizeof(struct etr_event), "words of an event");

void etr__log_pool_init(struct etr__log_pool *pool)
{
	memset(pool, 0, sizeof(*pool));
	pthread_mutex_init(&pool->lock, NULL);
#ifdef __x86_64__
	pool->avx2 = __builtin_cpu_supports("avx2");
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

/* Gives the first chunk back, to be used again after those given back before: it takes longer to write to what another has just read. */
static void drop_chunk(struct etr__log *log)
{
	struct etr__log_pool *pool = log->pool;
	struct etr__log_chunk *c = log->first;

	log->first = c->next;
	c->next = NULL;
	pthread_mutex_lock(&pool->lock);
	*(pool->chunks ? &pool->last_chunk->next : &pool->chunks) = c;
	pool->last_chunk = c;
	pthread_mutex_unlock(&pool->lock);
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
	log->time = ev->time;
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

/* A program's word of itself, its time and who was at it apart.  Its last place. */
static inline __attribute__((always_inline)) const struct etr__packed *unpack_user(const struct etr__packed *e, struct etr_event *ev)
{
	ev->kind = (uint8_t)(e->what - ETR__WHAT_USER);
	ev->resource = ETR_RESOURCE_NONE;
	ev->from = ev->to = 0;
	ev->stack = e->stack;
	memcpy(&ev->u, e + 1, sizeof(*e));
	/* In the others nothing is there. */
	ev->u.task.type = e->id;
	return e + 1;
}

/* What is neither that nor a transition, its time and who was at it apart. */
static __attribute__((noinline)) void unpack_other(const struct etr__packed *e, struct etr_event *ev)
{
	ev->from = ev->to = 0;
	switch (e->what) {
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
	default:
		ev->kind = ETR_KIND_METRIC;
		ev->resource = ETR_RESOURCE_NONE;
		ev->stack = 0;
		ev->u.metric.name = ETR__STRING_HEAP;
		ev->u.metric.value = e->id | (uint64_t)e->high << 32;
		break;
	}
}

/* A transition, its time and who was at it apart. */
static void unpack_transition(const struct etr__packed *e, uint8_t what, struct etr_event *ev)
{
	ev->kind = ETR_KIND_STATE_TRANSITION;
	ev->resource = what & ETR__WHAT_PROC ? ETR_RESOURCE_PROC : ETR_RESOURCE_GOROUTINE;
	ev->from = what >> 3 & 7;
	ev->to = what & 7;
	ev->stack = e->stack;
	ev->u.transition.id = e->id;
	ev->u.transition.reason = what == ETR__WHAT_CREATE ? 0 : e->reason;
	ev->u.transition.stack = what == ETR__WHAT_CREATE ? e->reason : what & ETR__WHAT_OWN_STACK ? e->stack : 0;
}

#ifdef __x86_64__
/* By what: which bytes of a packed transition stand where from an event's kind on, and the kind, resource, from and to. */
struct form {
	uint8_t shuffle[32], constant[32];
};
#define NO 0x80
#define NO4 NO, NO, NO, NO
#define REASON(what, byte) ((what) == ETR__WHAT_CREATE ? NO : (byte))
#define OWN(what, same, other) ((what) == ETR__WHAT_CREATE ? (other) : (what) & ETR__WHAT_OWN_STACK ? (same) : NO)
#define FORM(what)                                                                                                               \
	{ { NO4, 12, 13, NO, NO, 4, 5, 6, 7, NO4, REASON(what, 14), REASON(what, 15), NO, NO,                                    \
	    OWN(what, 12, 14), OWN(what, 13, 15), NO, NO, NO4, NO4 },                                                            \
	  { ETR_KIND_STATE_TRANSITION, (what) & ETR__WHAT_PROC ? ETR_RESOURCE_PROC : ETR_RESOURCE_GOROUTINE, (what) >> 3 & 7,    \
	    (what) & 7 } }
#define FORM4(what) FORM(what), FORM((what) + 1), FORM((what) + 2), FORM((what) + 3)
#define FORM16(what) FORM4(what), FORM4((what) + 4), FORM4((what) + 8), FORM4((what) + 12)
#define FORM64(what) FORM16(what), FORM16((what) + 16), FORM16((what) + 32), FORM16((what) + 48)
static const struct form forms[ETR__WHAT_OTHERS] __attribute__((aligned(64))) = { FORM64(0), FORM64(64), FORM64(128) };

static inline __attribute__((always_inline, target("avx2"))) void shuffle_transition(const struct etr__packed *e, uint8_t what,
										     struct etr_event *ev)
{
	const struct form *form = &forms[what];
	__m256i part = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)e));

	part = _mm256_shuffle_epi8(part, *(const __m256i *)form->shuffle);
	part = _mm256_or_si256(part, *(const __m256i *)form->constant);
	_mm256_storeu_si256((__m256i *)&ev->kind, part);
}
#endif

/* When it was, and who was at it. */
static inline __attribute__((always_inline)) void unpack_context(const struct etr__log *log, const struct etr__packed *e, uint64_t *time,
								 struct etr_event *ev)
{
	*time += e->dt;
	ev->time = (int64_t)*time;
	ev->g = e->g;
	memcpy(&ev->p, &log->contexts[e->context], sizeof(log->contexts[0]));
}

/* Events from e on, their times as they are in the log, up to `end` or one that was kept whole.  `transition` unpacks a transition. */
#define UNPACK(transition)                                                                                                       \
	do {                                                                                                                     \
		struct etr_event *ev = *events;                                                                                  \
		uint64_t time = (uint64_t)log->time;                                                                             \
                                                                                                                                 \
		for (; e < end; e++, ev++) {                                                                                     \
			const uint8_t what = e->what;                                                                            \
                                                                                                                                 \
			__builtin_prefetch(e + EVENTS_AHEAD);                                                                    \
			if (__builtin_expect(what < ETR__WHAT_OTHERS, 1)) {                                                      \
				unpack_context(log, e, &time, ev);                                                               \
				transition(e, what, ev);                                                                         \
			} else if (what == ETR__WHAT_WHOLE) {                                                                    \
				break;                                                                                           \
			} else {                                                                                                 \
				unpack_context(log, e, &time, ev);                                                               \
				if (what < ETR__WHAT_USER_END)                                                                   \
					e = unpack_user(e, ev);                                                                  \
				else                                                                                             \
					unpack_other(e, ev);                                                                     \
			}                                                                                                        \
		}                                                                                                                \
		log->time = (int64_t)time;                                                                                       \
		*events = ev;                                                                                                    \
		return e;                                                                                                        \
	} while (0)

#ifdef __x86_64__
static __attribute__((target("avx2"))) const struct etr__packed *unpack_avx2(struct etr__log *log, const struct etr__packed *e,
									     const struct etr__packed *end, struct etr_event **events)
{
	UNPACK(shuffle_transition);
}
#endif

static const struct etr__packed *unpack_anywhere(struct etr__log *log, const struct etr__packed *e, const struct etr__packed *end,
						 struct etr_event **events)
{
	UNPACK(unpack_transition);
}

/* Makes times increase from `before` on, as they do among themselves; the last one. */
static int64_t put_behind(int64_t before, struct etr_event *ev, const struct etr_event *end)
{
	for (; ev < end && ev->time <= before; ev++)
		ev->time = before = (int64_t)((uint64_t)before + 1);
	return ev < end ? end[-1].time : before;
}

int etr__log_read(struct etr__log *log, int64_t *last_time, struct etr_event *events, int max)
{
	const struct etr__log_chunk *c = chunk_to_read(log);
	const struct etr__packed *e, *end;
	struct etr_event *ev = events;

	if (!c)
		return 0;
	e = c->events + log->at;
	end = c->events + c->n;
	if (end - e > max)
		end = e + max;
	/* A program's own words take two places, of which the second may lie behind the end. */
	while (e < end) {
#ifdef __x86_64__
		if (log->pool->avx2)
			e = unpack_avx2(log, e, end, &ev);
		else
#endif
			e = unpack_anywhere(log, e, end, &ev);
		if (e < end) {
			read_whole(log, ev++);
			e++;
		}
	}
	log->at = (uint32_t)(e - c->events);
	*last_time = put_behind(*last_time, events, ev);
	return (int)(ev - events);
}
