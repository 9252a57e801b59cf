/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fastout.h - where orderfast.c's events go: the caller's array, or a log that another thread reads later (eventlog.h).
 *
 * `packed` tells which; it is a constant where these are inlined.  An event's parts are filled in at the next place, deliver() comes last.
 */
#ifndef LIBTRACE_FASTOUT_H
#define LIBTRACE_FASTOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <exectrace/reader.h>

#include "libtrace/eventlog.h"
#include "libtrace/fastbits.h"
#include "libtrace/gentables.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Where events go: either whole ones, or packed ones of a log. */
struct out {
	struct etr_event *ev;		/* the next one's place; NULL in code that is compiled for packed ones */
	struct etr__packed *e;		/* likewise, packed; NULL in code for whole ones */
	uint64_t head, tail;		/* of the packed one: its words, as far as its kind makes them */
	const void *first, *end;	/* of the array, as far as it may be filled */
};

/* Room for events [done, max) of one of the two arrays; the other is NULL. */
INLINE struct out out_to(struct etr_event *ev, struct etr__packed *e, int done, int max)
{
	if (e)
		return (struct out){ .e = e + done, .first = e + done, .end = e + max };
	return (struct out){ .ev = ev + done, .first = ev + done, .end = ev + max };
}

INLINE bool is_full(const struct out *out, bool packed)
{
	return packed ? out->e == out->end : out->ev == out->end;
}

/* Whether an event finds that many places in the log; elsewhere each takes one, and there is one. */
INLINE bool has_room(const struct out *out, bool packed, int places)
{
	return !packed || (const struct etr__packed *)out->end - out->e >= places;
}

/* How many places are filled. */
INLINE int filled(const struct out *out, bool packed)
{
	return packed ? (int)(out->e - (const struct etr__packed *)out->first) : (int)(out->ev - (const struct etr_event *)out->first);
}

/*
 * What the loop costs is mostly its stores, so fields that lie side by side are stored together.
 */
_Static_assert(offsetof(struct etr_event, g) == offsetof(struct etr_event, time) + 8, "time, g");
_Static_assert(offsetof(struct etr_event, m) == offsetof(struct etr_event, p) + 8, "p, m");
_Static_assert(offsetof(struct etr_event, stack) == offsetof(struct etr_event, kind) + 4, "kind, resource, from, to, stack");
_Static_assert(offsetof(struct etr_event, u.transition.stack) == offsetof(struct etr_event, u.transition.reason) + 4, "reason, stack");

#ifdef __SSE2__
typedef __m128i two_words;

INLINE two_words two(int64_t first, int64_t second)
{
	return _mm_set_epi64x(second, first);
}
#else
typedef struct two_words { int64_t first, second; } two_words;

INLINE two_words two(int64_t first, int64_t second)
{
	return (two_words){ first, second };
}
#endif

INLINE void store_two(void *p, two_words w)
{
	memcpy(p, &w, sizeof(w));
}

INLINE void store_head(struct etr_event *ev, uint8_t kind, uint8_t resource, uint8_t from, uint8_t to, etr_stack_id stack)
{
	uint64_t word = (uint64_t)stack << 32 | (uint32_t)(kind | resource << 8 | from << 16 | to << 24);

	memcpy(&ev->kind, &word, sizeof(word));
}

/* Memory that was read by another processor last has to come from there: early, for stores wait for each other. */
#define EVENTS_AHEAD 96

INLINE void prefetch_to_write(const struct etr__packed *e)
{
#ifdef __x86_64__
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)e));
#else
	__builtin_prefetch(e, 1);
#endif
}

_Static_assert(offsetof(struct etr__packed, context) == 2 && offsetof(struct etr__packed, what) == 3 &&
	       offsetof(struct etr__packed, id) == 4 && offsetof(struct etr__packed, g) == 8 && offsetof(struct etr__packed, stack) == 12 &&
	       offsetof(struct etr__packed, reason) == 14 && offsetof(struct etr__packed, high) == 12, "words of a packed event");

/* What of a packed event its kind makes, of one without a stack: in words, since seven stores take longer than two and what makes words. */
INLINE void pack_high(struct out *out, uint8_t what, uint64_t id, uint64_t high)
{
	out->head = id << 32 | (uint32_t)what << 24;
	out->tail = high << 32;
}

/* Of one that has one, or could. */
INLINE void pack(struct out *out, uint8_t what, uint64_t id, uint32_t stack, uint32_t reason)
{
	pack_high(out, what, id, (uint64_t)reason << 16 | stack);
}

/* A goroutine changes state.  The two stacks are where it happened, and that of the goroutine: the same one, or none. */
INLINE void transition(struct out *out, bool packed, int64_t id, uint8_t from, uint8_t to, etr_stack_id stack, bool own, etr_string_id reason)
{
	uint64_t tail = (uint64_t)(own ? stack : 0) << 32 | reason;
	struct etr_event *ev = out->ev;

	if (packed) {
		pack(out, ETR__WHAT(from, to) | (own ? ETR__WHAT_OWN_STACK : 0), (uint64_t)id, stack, reason);
		return;
	}
	store_head(ev, ETR_KIND_STATE_TRANSITION, ETR_RESOURCE_GOROUTINE, from, to, stack);
	ev->u.transition.id = id;
	memcpy(&ev->u.transition.reason, &tail, sizeof(tail));
}

/* A goroutine comes into being, and begins with a stack. */
INLINE void creation(struct out *out, bool packed, int64_t id, etr_stack_id stack, etr_stack_id begins)
{
	if (packed) {
		pack(out, ETR__WHAT_CREATE, (uint64_t)id, stack, begins);
		return;
	}
	transition(out, false, id, ETR_STATE_NOT_EXIST, ETR_STATE_RUNNABLE, stack, false, 0);
	out->ev->u.transition.stack = begins;
}

/* A range of one's own, a P's or a goroutine's, begins or ends. */
INLINE void range(struct out *out, bool packed, uint8_t what, uint8_t kind, uint8_t resource, int64_t id, etr_stack_id stack)
{
	struct etr_event *ev = out->ev;

	if (packed) {
		pack(out, what, 0, stack, 0);
		return;
	}
	store_head(ev, kind, resource, 0, 0, stack);
	ev->u.range.id = id;
	ev->u.range.name = resource == ETR_RESOURCE_PROC ? ETR__STRING_SWEEP : ETR__STRING_ASSIST;
	ev->u.range.nattrs = 0;
	ev->u.range.swept = ev->u.range.reclaimed = 0;
}

/* A P's sweep ends. */
INLINE void sweep_end(struct out *out, bool packed, int64_t p, uint64_t swept, uint64_t reclaimed)
{
	if (packed) {
		pack_high(out, ETR__WHAT_SWEEP_END, swept, reclaimed);
		return;
	}
	range(out, false, 0, ETR_KIND_RANGE_END, ETR_RESOURCE_PROC, p, 0);
	out->ev->u.range.nattrs = 2;
	out->ev->u.range.swept = swept;
	out->ev->u.range.reclaimed = reclaimed;
}

_Static_assert(offsetof(struct etr_event, u.task.parent) == offsetof(struct etr_event, u) + 8 &&
	       offsetof(struct etr_event, u.region.type) == offsetof(struct etr_event, u) + 8 &&
	       offsetof(struct etr_event, u.log.category) == offsetof(struct etr_event, u) + 8 &&
	       offsetof(struct etr_event, u.log.message) == offsetof(struct etr_event, u) + 12, "words of the union");

/* What a program says of itself, of a task; b is its parent, or a log's message, the name a type or category.  Two places in the log. */
INLINE void user(struct out *out, bool packed, uint8_t kind, etr_stack_id stack, etr_string_id name, uint64_t task, uint64_t b)
{
	bool is_task = kind == ETR_KIND_TASK_BEGIN || kind == ETR_KIND_TASK_END;
	uint64_t words[2] = { task, is_task ? b : b << 32 | name };
	struct etr_event *ev = out->ev;

	if (packed) {
		pack(out, ETR__WHAT_USER + kind, name, stack, 0);
		memcpy(out->e + 1, words, sizeof(words));
		return;
	}
	store_head(ev, kind, 0, 0, 0, stack);
	memcpy(&ev->u, words, sizeof(words));
	if (is_task)
		ev->u.task.type = name;
}

INLINE void heap(struct out *out, bool packed, uint64_t value)
{
	if (packed) {
		pack_high(out, ETR__WHAT_HEAP, value, value >> 32);
		return;
	}
	store_head(out->ev, ETR_KIND_METRIC, 0, 0, 0, 0);
	out->ev->u.metric.name = ETR__STRING_HEAP;
	out->ev->u.metric.value = value;
}

/*
 * What every event has; with it the event is delivered.  dt: how much later than the one before; context: P and M; log_context: their name
 * in the log, where it stands in an event's first word; places: how many it took there.
 */
INLINE void deliver(struct out *out, bool packed, int64_t time, uint64_t dt, int64_t g, two_words context, uint32_t log_context,
		    int places)
{
	if (packed) {
		uint64_t words[2] = { out->head + log_context + dt, out->tail | (uint32_t)g };

		prefetch_to_write(out->e + EVENTS_AHEAD);
		memcpy(out->e, words, sizeof(words));
		out->e += places;
	} else {
		store_two(&out->ev->time, two(time, g));
		store_two(&out->ev->p, context);
		out->ev++;
	}
}

/* The name of a context, which is less than ETR__LOG_CONTEXTS, where it stands in an event's first word. */
INLINE uint32_t log_context_word(int context)
{
	return (uint32_t)context << 16;
}

#endif
