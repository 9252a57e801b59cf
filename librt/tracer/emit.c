/* SPDX-License-Identifier: BSD-3-Clause
 *
 * emit.c - the fast path: from a host's report to bytes in a chunk.
 *
 * Invariants: everything here runs on the M of the pin, so nothing of m, of its chunk or of its P's chunk is shared while the pin
 * lasts.  One M's events stand in batches whose stamps rise, each of one M and one generation, inside chunks: the chunk that an M may append to
 * is the one whose last batch has the M's own last stamp.  Before an event of a generation that needs a G or a P, that one's status
 * in the generation has been written; it follows from the event.
 */
#include "librt/tracer/emit.h"

#include <string.h>

#include "librt/tracer/clock.h"
#include "librt/tracer/core.h"
#include "librt/tracer/tables.h"
#include "librt/tracer/unwind.h"
#include "wire/varint.h"

/* The most that one call writes: two statuses and an event of six arguments. */
#define ROOM 160u
_Static_assert(ROOM > 3 * (1 + WIRE_MAX_ARGS * WIRE_VARINT_MAX) - 40, "an event must fit");

#define unlikely(x) __builtin_expect(!!(x), 0)

void trace_bell_ring(void)
{
	atomic_fetch_add_explicit(&trace_core.bell, 1, memory_order_release);
	trace_futex_wake(&trace_core.bell);
}

static void event_lost(struct trace_pin *pin)
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
	const void *home = p != NULL ? (const void *)p : m;
	struct trace_chunk *c = *place;

	/* What stands there may be of an older generation and long somebody else's. */
	if (c != NULL && atomic_load_explicit(&c->home, memory_order_relaxed) == home &&
	    atomic_load_explicit(&c->gen, memory_order_relaxed) == pin->gen &&
	    atomic_load_explicit(&c->state, memory_order_relaxed) == TRACE_CHUNK_OPEN) {
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
	if (c == NULL)
		return NULL;
	c->pos = c->data;
	batch_begin(pin, c);
	atomic_store_explicit(&c->home, home, memory_order_relaxed);
	atomic_store_explicit(&c->gen, pin->gen, memory_order_relaxed);
	/* Release: the collector, after this pin, finds the chunk whole. */
	atomic_store_explicit(&c->state, TRACE_CHUNK_OPEN, memory_order_release);
	return c;
}

/* A model event that cannot be written makes the whole generation wrong: the session ends at the one before. */
static __attribute__((noinline, cold)) void overrun(struct trace_pin *pin)
{
	uint32_t fine = TRACE_FINE;

	event_lost(pin);
	if (atomic_compare_exchange_strong_explicit(&trace_core.trouble, &fine, TRACE_OVERRUN, memory_order_relaxed,
						    memory_order_relaxed))
		trace_bell_ring();
}

static __attribute__((noinline)) struct trace_chunk *chunk_slow(struct trace_pin *pin, struct trace_p *p)
{
	struct trace_chunk *c = chunk_open(pin, p);

	if (c == NULL)
		overrun(pin);
	return c;
}

/* The chunk for the next event, with room for it; NULL when there is none (the event is then counted as lost). */
static inline struct trace_chunk *chunk_for(struct trace_pin *pin, struct trace_p *p)
{
	struct trace_m *m = pin->m;
	unsigned slot = pin->gen & 1;
	struct trace_chunk *c = p != NULL ? p->chunk[slot] : m->chunk[slot];

	if (unlikely(c == NULL || atomic_load_explicit(&c->stamp, memory_order_relaxed) != m->stamp[slot] ||
		     c->end - c->pos < (ptrdiff_t)ROOM))
		return chunk_slow(pin, p);
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

static __attribute__((noinline)) uint8_t *put_g_status(uint8_t *at, struct trace_m *m, const struct trace_g *g, uint64_t state)
{
	*at++ = WIRE_GO_STATUS;
	at = put(at, next_dt(m));
	at = put(at, g->id);
	at = put(at, state == WIRE_G_RUNNING || state == WIRE_G_SYSCALL ? m->id : WIRE_NO_M);
	return put(at, state);
}

static __attribute__((noinline)) uint8_t *put_p_status(uint8_t *at, struct trace_m *m, const struct trace_p *p, uint64_t state)
{
	*at++ = WIRE_PROC_STATUS;
	at = put(at, next_dt(m));
	at = put(at, p->id);
	return put(at, state);
}

static inline uint8_t *g_duty(uint8_t *at, struct trace_pin *pin, struct trace_g *g, uint64_t state)
{
	return g != NULL && unlikely(status_is_due(&g->res, pin->gen)) ? put_g_status(at, pin->m, g, state) : at;
}

static inline uint8_t *p_duty(uint8_t *at, struct trace_pin *pin, struct trace_p *p, uint64_t state)
{
	return p != NULL && unlikely(status_is_due(&p->res, pin->gen)) ? put_p_status(at, pin->m, p, state) : at;
}

/*
 * An event between begin() and end(): the statuses of the context first, then the type byte and dt.  begin answers NULL when there is
 * no room in the world.
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

/* Not inlined: its array would weigh on every emit function's frame. */
static __attribute__((noinline)) uint64_t stack_of(struct trace_pin *pin, struct trace_where where, uintptr_t lock)
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

static inline uint64_t stack_id(struct trace_pin *pin, struct trace_where where, uintptr_t lock)
{
	return where.pc == 0 ? 0 : stack_of(pin, where, lock);
}

/* Whether an event that may be dropped must be. */
static inline bool must_drop(struct trace_pin *pin)
{
	if (__builtin_expect(!trace_chunks_are_scarce(), 1))
		return false;
	event_lost(pin);
	return true;
}

/* --- processors --- */

void trace_procs_change(struct trace_pin *pin, uint64_t procs, struct trace_where where)
{
	struct trace_chunk *c;
	uint8_t *at;
	uint64_t stack;

	stack = stack_id(pin, where, 0);
	at = begin(pin, &c, WIRE_P_RUNNING, WIRE_G_RUNNING);
	if (unlikely(at == NULL))
		return;
	at = event(at, pin, WIRE_PROCS_CHANGE);
	at = put(at, procs);
	at = put(at, stack);
	end(c, at);
}

/* Into the chunk of the P that is being taken: a thread that blocks and wakes on the same P then goes on in its batch. */
void trace_proc_start(struct trace_pin *pin, struct trace_p *p)
{
	struct trace_chunk *c = chunk_for(pin, p);
	uint8_t *at;

	if (unlikely(c == NULL))
		return;
	at = p_duty(c->pos, pin, p, WIRE_P_IDLE);
	at = event(at, pin, WIRE_PROC_START);
	at = put(at, p->id);
	at = put(at, next_seq(&p->res, pin->gen));
	end(c, at);
}

void trace_proc_stop(struct trace_pin *pin)
{
	struct trace_chunk *c;
	uint8_t *at = begin(pin, &c, WIRE_P_RUNNING, 0);
	if (unlikely(at == NULL))
		return;
	at = event(at, pin, WIRE_PROC_STOP);
	end(c, at);
}

void trace_proc_steal(struct trace_pin *pin, struct trace_p *p, struct trace_m *from)
{
	struct trace_chunk *c;
	uint8_t *at = begin(pin, &c, pin->m->p == p ? WIRE_P_SYSCALL_ABANDONED : WIRE_P_RUNNING, 0);
	if (unlikely(at == NULL))
		return;
	/* "Abandoned" fits whether or not readers know who held it: their state of it stays. */
	at = p_duty(at, pin, p, WIRE_P_SYSCALL_ABANDONED);
	at = event(at, pin, WIRE_PROC_STEAL);
	at = put(at, p->id);
	at = put(at, next_seq(&p->res, pin->gen));
	at = put(at, from->id);
	end(c, at);
}

/* --- goroutines --- */

void trace_go_create(struct trace_pin *pin, struct trace_g *g, uintptr_t entry, bool blocked, struct trace_where where)
{
	struct trace_chunk *c;
	uint8_t *at;
	uint64_t stack, entry_stack;
	uintptr_t pc = entry + 1;

	entry_stack = entry != 0 ? trace_stack_put(pin->gen & 1, &pc, 1, 0) : 0;
	stack = stack_id(pin, where, 0);
	at = begin(pin, &c, WIRE_P_RUNNING, WIRE_G_RUNNING);
	if (unlikely(at == NULL))
		return;
	status_restart(&g->res, pin->gen);
	at = event(at, pin, blocked ? WIRE_GO_CREATE_BLOCKED : WIRE_GO_CREATE);
	at = put(at, g->id);
	at = put(at, entry_stack);
	at = put(at, stack);
	end(c, at);
}

void trace_go_create_syscall(struct trace_pin *pin, struct trace_g *g)
{
	struct trace_chunk *c;
	uint8_t *at = begin(pin, &c, WIRE_P_RUNNING, 0);
	if (unlikely(at == NULL))
		return;
	status_restart(&g->res, pin->gen);
	at = event(at, pin, WIRE_GO_CREATE_SYSCALL);
	at = put(at, g->id);
	end(c, at);
}

void trace_go_start(struct trace_pin *pin, struct trace_g *g)
{
	struct trace_chunk *c;
	uint8_t *at = begin(pin, &c, WIRE_P_RUNNING, 0);
	if (unlikely(at == NULL))
		return;
	at = g_duty(at, pin, g, WIRE_G_RUNNABLE);
	at = event(at, pin, WIRE_GO_START);
	at = put(at, g->id);
	at = put(at, next_seq(&g->res, pin->gen));
	end(c, at);
}

void trace_go_destroy(struct trace_pin *pin)
{
	struct trace_chunk *c;
	uint8_t *at = begin(pin, &c, WIRE_P_RUNNING, WIRE_G_RUNNING);
	if (unlikely(at == NULL))
		return;
	at = event(at, pin, WIRE_GO_DESTROY);
	end(c, at);
}

void trace_go_destroy_syscall(struct trace_pin *pin)
{
	struct trace_chunk *c;
	uint8_t *at = begin(pin, &c, WIRE_P_SYSCALL, WIRE_G_SYSCALL);
	if (unlikely(at == NULL))
		return;
	at = event(at, pin, WIRE_GO_DESTROY_SYSCALL);
	end(c, at);
}

void trace_go_stop(struct trace_pin *pin, const char *reason, struct trace_where where)
{
	struct trace_chunk *c;
	uint8_t *at;
	uint64_t stack;

	stack = stack_id(pin, where, 0);
	at = begin(pin, &c, WIRE_P_RUNNING, WIRE_G_RUNNING);
	if (unlikely(at == NULL))
		return;
	at = event(at, pin, WIRE_GO_STOP);
	at = put(at, trace_string_static(pin->gen & 1, reason));
	at = put(at, stack);
	end(c, at);
}

void trace_go_block(struct trace_pin *pin, const char *reason, uintptr_t lock, struct trace_where where)
{
	struct trace_chunk *c;
	uint8_t *at;
	uint64_t stack;

	stack = stack_id(pin, where, lock);
	at = begin(pin, &c, WIRE_P_RUNNING, WIRE_G_RUNNING);
	if (unlikely(at == NULL))
		return;
	at = event(at, pin, WIRE_GO_BLOCK);
	at = put(at, trace_string_static(pin->gen & 1, reason));
	at = put(at, stack);
	end(c, at);
}

void trace_go_unblock(struct trace_pin *pin, struct trace_g *g, uintptr_t lock, struct trace_where where)
{
	struct trace_chunk *c;
	uint8_t *at;
	uint64_t stack;

	stack = stack_id(pin, where, lock);
	at = begin(pin, &c, WIRE_P_RUNNING, WIRE_G_RUNNING);
	if (unlikely(at == NULL))
		return;
	at = g_duty(at, pin, g, WIRE_G_WAITING);
	at = event(at, pin, WIRE_GO_UNBLOCK);
	at = put(at, g->id);
	at = put(at, next_seq(&g->res, pin->gen));
	at = put(at, stack);
	end(c, at);
}

void trace_go_switch(struct trace_pin *pin, struct trace_g *g, bool destroy)
{
	struct trace_chunk *c;
	uint8_t *at = begin(pin, &c, WIRE_P_RUNNING, WIRE_G_RUNNING);
	if (unlikely(at == NULL))
		return;
	at = g_duty(at, pin, g, WIRE_G_WAITING);
	at = event(at, pin, destroy ? WIRE_GO_SWITCH_DESTROY : WIRE_GO_SWITCH);
	at = put(at, g->id);
	at = put(at, next_seq(&g->res, pin->gen));
	end(c, at);
}

void trace_go_syscall_begin(struct trace_pin *pin, struct trace_where where)
{
	struct trace_chunk *c;
	uint8_t *at;
	uint64_t stack;

	stack = stack_id(pin, where, 0);
	at = begin(pin, &c, WIRE_P_RUNNING, WIRE_G_RUNNING);
	if (unlikely(at == NULL))
		return;
	at = event(at, pin, WIRE_GO_SYSCALL_BEGIN);
	at = put(at, next_seq(&pin->m->p->res, pin->gen));
	at = put(at, stack);
	end(c, at);
}

void trace_go_syscall_end(struct trace_pin *pin)
{
	struct trace_chunk *c;
	uint8_t *at = begin(pin, &c, WIRE_P_SYSCALL, WIRE_G_SYSCALL);
	if (unlikely(at == NULL))
		return;
	at = event(at, pin, WIRE_GO_SYSCALL_END);
	end(c, at);
}

void trace_go_syscall_end_blocked(struct trace_pin *pin)
{
	struct trace_chunk *c;
	uint8_t *at = begin(pin, &c, WIRE_P_RUNNING, WIRE_G_SYSCALL);
	if (unlikely(at == NULL))
		return;
	at = event(at, pin, WIRE_GO_SYSCALL_END_BLOCKED);
	end(c, at);
}

void trace_go_label(struct trace_pin *pin, const char *label, size_t len)
{
	struct trace_chunk *c;
	uint8_t *at;
	uint64_t string;

	if (must_drop(pin))
		return;
	string = trace_string_put(pin->gen & 1, label, len);
	at = begin(pin, &c, WIRE_P_RUNNING, WIRE_G_RUNNING);
	if (unlikely(at == NULL))
		return;
	at = event(at, pin, WIRE_GO_LABEL);
	at = put(at, string);
	end(c, at);
}

/* --- stop-the-world --- */

void trace_stw_begin(struct trace_pin *pin, const char *kind, struct trace_where where)
{
	struct trace_chunk *c;
	uint8_t *at;
	uint64_t stack;

	stack = stack_id(pin, where, 0);
	at = begin(pin, &c, WIRE_P_RUNNING, WIRE_G_RUNNING);
	if (unlikely(at == NULL))
		return;
	at = event(at, pin, WIRE_STW_BEGIN);
	at = put(at, trace_string_static(pin->gen & 1, kind));
	at = put(at, stack);
	end(c, at);
}

void trace_stw_end(struct trace_pin *pin)
{
	struct trace_chunk *c;
	uint8_t *at = begin(pin, &c, WIRE_P_RUNNING, WIRE_G_RUNNING);
	if (unlikely(at == NULL))
		return;
	at = event(at, pin, WIRE_STW_END);
	end(c, at);
}

/* --- user annotations --- */

void trace_task_begin(struct trace_pin *pin, uint64_t task, uint64_t parent, const char *name, size_t len, struct trace_where where)
{
	struct trace_chunk *c;
	uint8_t *at;
	uint64_t stack, string;

	string = trace_string_put(pin->gen & 1, name, len);
	stack = stack_id(pin, where, 0);
	at = begin(pin, &c, WIRE_P_RUNNING, WIRE_G_RUNNING);
	if (unlikely(at == NULL))
		return;
	at = event(at, pin, WIRE_USER_TASK_BEGIN);
	at = put(at, task);
	at = put(at, parent);
	at = put(at, string);
	at = put(at, stack);
	end(c, at);
}

void trace_task_end(struct trace_pin *pin, uint64_t task, struct trace_where where)
{
	struct trace_chunk *c;
	uint8_t *at;
	uint64_t stack;

	stack = stack_id(pin, where, 0);
	at = begin(pin, &c, WIRE_P_RUNNING, WIRE_G_RUNNING);
	if (unlikely(at == NULL))
		return;
	at = event(at, pin, WIRE_USER_TASK_END);
	at = put(at, task);
	at = put(at, stack);
	end(c, at);
}

void trace_region(struct trace_pin *pin, bool start, uint64_t task, const char *name, size_t len, struct trace_where where)
{
	struct trace_chunk *c;
	uint8_t *at;
	uint64_t stack, string;

	string = trace_string_put(pin->gen & 1, name, len);
	stack = stack_id(pin, where, 0);
	at = begin(pin, &c, WIRE_P_RUNNING, WIRE_G_RUNNING);
	if (unlikely(at == NULL))
		return;
	at = event(at, pin, start ? WIRE_USER_REGION_BEGIN : WIRE_USER_REGION_END);
	at = put(at, task);
	at = put(at, string);
	at = put(at, stack);
	end(c, at);
}

void trace_log(struct trace_pin *pin, uint64_t task, const char *key, size_t key_len, const char *value, size_t value_len,
	       struct trace_where where)
{
	struct trace_chunk *c;
	uint8_t *at;
	uint64_t stack, key_string, value_string;

	if (must_drop(pin))
		return;
	key_string = trace_string_put(pin->gen & 1, key, key_len);
	value_string = trace_string_put(pin->gen & 1, value, value_len);
	stack = stack_id(pin, where, 0);
	at = begin(pin, &c, WIRE_P_RUNNING, WIRE_G_RUNNING);
	if (unlikely(at == NULL))
		return;
	at = event(at, pin, WIRE_USER_LOG);
	at = put(at, task);
	at = put(at, key_string);
	at = put(at, value_string);
	at = put(at, stack);
	end(c, at);
}

void trace_heap_alloc(struct trace_pin *pin, uint64_t bytes)
{
	struct trace_chunk *c;
	uint8_t *at;

	if (must_drop(pin))
		return;
	at = begin(pin, &c, WIRE_P_RUNNING, WIRE_G_RUNNING);
	if (unlikely(at == NULL))
		return;
	at = event(at, pin, WIRE_HEAP_ALLOC);
	at = put(at, bytes);
	end(c, at);
}
