/* SPDX-License-Identifier: BSD-3-Clause
 *
 * emit.c - the events of processors, goroutines and stop-the-world; see encode.c for what they rest on.
 */
#include "librt/tracer/emit.h"

#include "librt/tracer/encode.h"

/* Two shapes that several events have; inline by order, so that each event has code of its own. */

static inline __attribute__((always_inline)) void emit_bare(struct trace_pin *pin, uint8_t type, uint64_t pstate, uint64_t gstate)
{
	struct trace_chunk *c;
	uint8_t *at = begin(pin, &c, pstate, gstate);

	if (unlikely(at == NULL))
		return;
	end(c, event(at, pin, type));
}

/* Of the running G: why, and where. */
static inline __attribute__((always_inline)) void emit_reason(struct trace_pin *pin, uint8_t type, const char *reason,
							      uint64_t stack)
{
	struct trace_chunk *c;
	uint8_t *at = begin(pin, &c, WIRE_P_RUNNING, WIRE_G_RUNNING);

	if (unlikely(at == NULL))
		return;
	at = event(at, pin, type);
	at = put(at, trace_string_static(pin->gen & 1, reason));
	at = put(at, stack);
	end(c, at);
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
	emit_bare(pin, WIRE_PROC_STOP, WIRE_P_RUNNING, 0);
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
	emit_bare(pin, WIRE_GO_DESTROY, WIRE_P_RUNNING, WIRE_G_RUNNING);
}

void trace_go_destroy_syscall(struct trace_pin *pin)
{
	emit_bare(pin, WIRE_GO_DESTROY_SYSCALL, WIRE_P_SYSCALL, WIRE_G_SYSCALL);
}

void trace_go_stop(struct trace_pin *pin, const char *reason, struct trace_where where)
{
	emit_reason(pin, WIRE_GO_STOP, reason, stack_id(pin, where, 0));
}

void trace_go_block(struct trace_pin *pin, const char *reason, uintptr_t lock, struct trace_where where)
{
	emit_reason(pin, WIRE_GO_BLOCK, reason, stack_id(pin, where, lock));
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
	emit_bare(pin, WIRE_GO_SYSCALL_END, WIRE_P_SYSCALL, WIRE_G_SYSCALL);
}

void trace_go_syscall_end_blocked(struct trace_pin *pin)
{
	emit_bare(pin, WIRE_GO_SYSCALL_END_BLOCKED, WIRE_P_RUNNING, WIRE_G_SYSCALL);
}

/* --- stop-the-world --- */

void trace_stw_begin(struct trace_pin *pin, const char *kind, struct trace_where where)
{
	emit_reason(pin, WIRE_STW_BEGIN, kind, stack_id(pin, where, 0));
}

void trace_stw_end(struct trace_pin *pin)
{
	emit_bare(pin, WIRE_STW_END, WIRE_P_RUNNING, WIRE_G_RUNNING);
}
