/* SPDX-License-Identifier: BSD-3-Clause
 *
 * encode.c - from events to bytes in a chunk: the parts that are not worth being inline, see encode.h for the others.
 *
 * Invariants: everything here runs on the M of the pin, so nothing of m, of its chunk or of its P's chunk is shared while the
 * pin lasts.  One M's events stand in batches whose stamps rise, each of one M and one generation, inside chunks: the chunk
 * that an M may append to is the one whose last batch has the M's own last stamp.  Before an event of a generation that needs a
 * G or a P, that one's status in the generation has been written; it follows from the event.
 */
#include "librt/tracer/encode.h"

#include "librt/tracer/unwind.h"

void trace_bell_ring(void)
{
	atomic_fetch_add_explicit(&trace_core.bell, 1, memory_order_release);
	trace_futex_wake(&trace_core.bell);
}

void trace_event_lost(struct trace_pin *pin)
{
	struct trace_m *m = pin->m;
	unsigned slot = pin->gen & 1;
	uint64_t now = trace_clock_now();

	if (m->lost_gen[slot] != pin->gen) {
		m->lost_gen[slot] = pin->gen;
		m->lost[slot] = 0;
		m->lost_first[slot] = now;
	}
	m->lost[slot]++;
	m->lost_last[slot] = now;
}

/* Begins a batch of this M at the chunk's pos. */
static void batch_begin(struct trace_pin *pin, struct trace_chunk *c)
{
	struct trace_m *m = pin->m;
	unsigned slot = pin->gen & 1;
	struct trace_batch_head *b = (struct trace_batch_head *)(void *)trace_align8(c->pos);
	uint64_t now = trace_clock_now();

	if (now < m->last_time)
		now = m->last_time;
	m->last_time = now;
	b->prev = m->stamp_gen[slot] == pin->gen ? m->stamp[slot] : 0;
	b->stamp = atomic_fetch_add_explicit(&trace_core.last_stamp, 1, memory_order_relaxed) + 1;
	b->m_id = m->id;
	b->serial = m->serial;
	b->base = now;
	b->size = 0;
	b->hold = m->born == pin->gen;
	m->stamp[slot] = b->stamp;
	m->stamp_gen[slot] = pin->gen;
	c->last = b;
	c->pos = b->bytes;
	atomic_store_explicit(&c->stamp, b->stamp, memory_order_relaxed);
}

/* Makes p's chunk, or the M's own, one that this M may append to; NULL when there is no memory. */
static struct trace_chunk *chunk_open(struct trace_pin *pin, struct trace_p *p)
{
	struct trace_m *m = pin->m;
	unsigned slot = pin->gen & 1;
	struct trace_chunk **place = p != NULL ? &p->chunk[slot] : &m->chunk[slot];
	uint64_t *place_gen = p != NULL ? &p->chunk_gen[slot] : &m->chunk_gen[slot];
	struct trace_chunk *c = *place;

	/*
	 * A chunk of an older generation was collected since, and may be anybody's by now: nothing in it may be believed.  One of this
	 * generation is ours, since the collector takes it only when the pins of the generation, ours too, have passed.
	 */
	if (c != NULL && *place_gen == pin->gen) {
		if (c->end - c->pos >= (ptrdiff_t)(sizeof(struct trace_batch_head) + 8 + ROOM)) {
			c->last->size = (uint32_t)(c->pos - c->last->bytes);
			batch_begin(pin, c);
			return c;
		}
		*place = NULL;
		if (trace_chunk_queue(c))
			trace_writer_nudge();
	}
	c = trace_chunk_get(p != NULL);
	*place = c;
	*place_gen = pin->gen;
	if (c == NULL)
		return NULL;
	c->pos = c->data;
	batch_begin(pin, c);
	atomic_store_explicit(&c->gen, pin->gen, memory_order_relaxed);
	/* Release: the collector, after this pin, finds the chunk whole. */
	atomic_store_explicit(&c->state, TRACE_CHUNK_OPEN, memory_order_release);
	return c;
}

/* A model event that cannot be written makes the whole generation wrong: the session ends at the one before. */
static __attribute__((noinline, cold)) void overrun(struct trace_pin *pin)
{
	uint32_t fine = TRACE_FINE;

	trace_event_lost(pin);
	if (atomic_compare_exchange_strong_explicit(&trace_core.trouble, &fine, TRACE_OVERRUN, memory_order_relaxed,
						    memory_order_relaxed))
		trace_bell_ring();
}

struct trace_chunk *trace_chunk_slow(struct trace_pin *pin, struct trace_p *p)
{
	struct trace_chunk *c = chunk_open(pin, p);

	if (c == NULL)
		overrun(pin);
	return c;
}

uint8_t *trace_put_g_status(uint8_t *at, struct trace_m *m, const struct trace_g *g, uint64_t state)
{
	*at++ = WIRE_GO_STATUS;
	at = put(at, next_dt(m));
	at = put(at, g->id);
	at = put(at, state == WIRE_G_RUNNING || state == WIRE_G_SYSCALL ? m->id : WIRE_NO_M);
	return put(at, state);
}

uint8_t *trace_put_p_status(uint8_t *at, struct trace_m *m, const struct trace_p *p, uint64_t state)
{
	*at++ = WIRE_PROC_STATUS;
	at = put(at, next_dt(m));
	at = put(at, p->id);
	return put(at, state);
}

/* Not inlined: its array would weigh on every emit function's frame. */
uint64_t trace_stack_of(struct trace_pin *pin, struct trace_where where, uintptr_t lock)
{
	const struct trace_g *g = pin->m->g;
	uintptr_t pcs[TRACE_MAX_FRAMES], lo = 0, hi = 0;

	if (g != NULL && where.fp >= g->stack_lo && where.fp < g->stack_hi) {
		lo = g->stack_lo;
		hi = g->stack_hi;
	} else {
		trace_m_stack_bounds(pin->m, &lo, &hi);
	}
	return trace_stack_put(pin->gen & 1, pcs, trace_unwind(where.pc, where.fp, lo, hi, pcs), lock);
}
