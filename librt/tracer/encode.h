/* SPDX-License-Identifier: BSD-3-Clause
 *
 * encode.h - what every emit function is made of; see encode.c.
 *
 * An emit function takes stack and string ids first, then calls begin (which finds the chunk and writes the statuses that are
 * due), event, put for each argument, and end.
 */
#ifndef TRACER_ENCODE_H
#define TRACER_ENCODE_H

#include <stddef.h>

#include "librt/tracer/chunk.h"
#include "librt/tracer/clock.h"
#include "librt/tracer/core.h"
#include "librt/tracer/tables.h"
#include "wire/varint.h"

/* The most that one call writes: two statuses and an event of six arguments. */
#define ROOM 160u
_Static_assert(ROOM > 3 * (1 + WIRE_MAX_ARGS * WIRE_VARINT_MAX) - 40, "an event must fit");

#define unlikely(x) __builtin_expect(!!(x), 0)

/* encode.c: the slow parts. */
void trace_event_lost(struct trace_pin *pin);
struct trace_chunk *trace_chunk_slow(struct trace_pin *pin, struct trace_p *p);
uint8_t *trace_put_g_status(uint8_t *at, struct trace_m *m, const struct trace_g *g, uint64_t state);
uint8_t *trace_put_p_status(uint8_t *at, struct trace_m *m, const struct trace_p *p, uint64_t state);
uint64_t trace_stack_of(struct trace_pin *pin, struct trace_where where, uintptr_t lock);

/* The chunk for the next event, with room for it; NULL when there is none (the event is then counted as lost). */
static inline struct trace_chunk *chunk_for(struct trace_pin *pin, struct trace_p *p)
{
	struct trace_m *m = pin->m;
	unsigned slot = pin->gen & 1;
	struct trace_chunk *c = p != NULL ? p->chunk[slot] : m->chunk[slot];
	uint64_t gen = p != NULL ? p->chunk_gen[slot] : m->chunk_gen[slot];

	/*
	 * The generation is looked at even where the stamp is right: a pointer of an older generation may lead to what is another P's
	 * chunk by now, with this M's own last batch in it, from when it held that P.
	 */
	if (unlikely(c == NULL || gen != pin->gen || atomic_load_explicit(&c->stamp, memory_order_relaxed) != m->stamp[slot] ||
		     c->end - c->pos < (ptrdiff_t)ROOM))
		return trace_chunk_slow(pin, p);
	return c;
}

/* The time of an event as the difference to the one before; never backwards inside one M's stream. */
static inline uint64_t next_dt(struct trace_m *m)
{
	uint64_t now = trace_clock_now(), last = m->last_time;

	if (unlikely(now < last))
		return 0;
	m->last_time = now;
	return now - last;
}

static inline uint8_t *put(uint8_t *p, uint64_t v)
{
	return wire_put_varint(p, v);
}

/* Takes the right to write the status of something that is now this M's to change. */
static inline bool status_is_due(struct trace_res *res, uint64_t gen)
{
	unsigned slot = gen & 1;

	if (__builtin_expect(atomic_load_explicit(&res->traced[slot], memory_order_relaxed) == gen, 1))
		return false;
	atomic_store_explicit(&res->traced[slot], gen, memory_order_relaxed);
	res->seq[slot] = 0;
	return true;
}

/* A creation is its own status, also where the struct was another's, which died in this generation. */
static inline void status_restart(struct trace_res *res, uint64_t gen)
{
	unsigned slot = gen & 1;

	atomic_store_explicit(&res->traced[slot], gen, memory_order_relaxed);
	res->seq[slot] = 0;
}

static inline uint64_t next_seq(struct trace_res *res, uint64_t gen)
{
	return ++res->seq[gen & 1];
}

static inline uint8_t *g_duty(uint8_t *at, struct trace_pin *pin, struct trace_g *g, uint64_t state)
{
	return g != NULL && unlikely(status_is_due(&g->res, pin->gen)) ? trace_put_g_status(at, pin->m, g, state) : at;
}

static inline uint8_t *p_duty(uint8_t *at, struct trace_pin *pin, struct trace_p *p, uint64_t state)
{
	return p != NULL && unlikely(status_is_due(&p->res, pin->gen)) ? trace_put_p_status(at, pin->m, p, state) : at;
}

/*
 * An event between begin() and end(): the statuses of the context first, then the type byte and dt.  begin answers NULL when
 * there is no room in the world.
 */
static inline uint8_t *begin(struct trace_pin *pin, struct trace_chunk **chunk, uint64_t pstate, uint64_t gstate)
{
	struct trace_chunk *c = chunk_for(pin, pin->m->p);

	*chunk = c;
	if (unlikely(c == NULL))
		return NULL;
	return g_duty(p_duty(c->pos, pin, pin->m->p, pstate), pin, gstate != 0 ? pin->m->g : NULL, gstate);
}

static inline uint8_t *event(uint8_t *at, struct trace_pin *pin, uint8_t type)
{
	*at++ = type;
	return put(at, next_dt(pin->m));
}

static inline void end(struct trace_chunk *c, uint8_t *at)
{
	c->pos = at;
}

static inline uint64_t stack_id(struct trace_pin *pin, struct trace_where where, uintptr_t lock)
{
	return where.pc == 0 ? 0 : trace_stack_of(pin, where, lock);
}

/* Whether an event that may be dropped must be. */
static inline bool must_drop(struct trace_pin *pin)
{
	if (__builtin_expect(!trace_chunks_are_scarce(), 1))
		return false;
	trace_event_lost(pin);
	return true;
}

#endif
