/* SPDX-License-Identifier: BSD-3-Clause
 *
 * order.h - the rules by which events may follow each other.
 *
 * A rule looks at a thread's next event and the model.  It returns
 *	1	the event can happen now: the model has changed, and `out` is filled in but for time and stack; what the
 *		event expands to beyond the first is in r->pending
 *	0	not yet: nothing has changed
 *	< 0	it breaks a rule of the model, or names what does not exist; the fault is recorded
 */
#ifndef LIBTRACE_ORDER_H
#define LIBTRACE_ORDER_H

#include "libtrace/readerimpl.h"
#include "wire/event.h"

typedef int etr__rule_fn(struct etr_reader *r, struct etr__cursor *c, struct etr_event *out);

/* Records the fault of an event; returns its code. */
int etr__order_fault(struct etr_reader *r, const struct etr__cursor *c, int code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5), cold));

#define ORDER_FAULT(r, c, ...) etr__order_fault((r), (c), ETR_E_ORDER, __VA_ARGS__)

/* What an event's context must have. */
enum { ETR__NEED_M = 1, ETR__NEED_P = 2, ETR__NEED_G = 4, ETR__NEED_NO_G = 8 };
#define ETR__NEED_ALL (ETR__NEED_M | ETR__NEED_P | ETR__NEED_G)

/* The long form of etr__need. */
int etr__need_fault(struct etr_reader *r, const struct etr__cursor *c, int need) __attribute__((cold));

/* 0, or a negative code when the context lacks something. */
static inline int etr__need(struct etr_reader *r, const struct etr__cursor *c, int need)
{
	const struct etr__m *m = c->m;

	if (((need & ETR__NEED_M) && m->id == -1) || ((need & ETR__NEED_P) && !m->p) || ((need & ETR__NEED_G) && !m->g) ||
	    ((need & ETR__NEED_NO_G) && m->g))
		return etr__need_fault(r, c, need);
	return 0;
}

/* In `out`: a G or P changes state. */
static inline void etr__transition(struct etr_event *out, uint8_t resource, int64_t id, uint8_t from, uint8_t to)
{
	out->kind = ETR_KIND_STATE_TRANSITION;
	out->resource = resource;
	out->from = from;
	out->to = to;
	out->u.transition.id = id;
	out->u.transition.reason = 0;
	out->u.transition.stack = 0;
}

static inline void etr__g_transition(struct etr_event *out, int64_t id, uint8_t from, uint8_t to)
{
	etr__transition(out, ETR_RESOURCE_GOROUTINE, id, from, to);
}

static inline void etr__p_transition(struct etr_event *out, int64_t id, uint8_t from, uint8_t to)
{
	etr__transition(out, ETR_RESOURCE_PROC, id, from, to);
}

/* The dense id of an argument; 0, or a negative code where it names nothing. */
static inline int etr__string_arg(struct etr_reader *r, const struct etr__cursor *c, unsigned arg, etr_string_id *id)
{
	if (__builtin_expect(etr__tables_string(&r->tables, c->args[arg], id), 1))
		return 0;
	return etr__order_fault(r, c, ETR_E_EVENT, "%s names the unknown string %llu", wire_specs[c->type].name,
				(unsigned long long)c->args[arg]);
}

static inline int etr__stack_arg(struct etr_reader *r, const struct etr__cursor *c, unsigned arg, etr_stack_id *id)
{
	if (__builtin_expect(etr__tables_stack(&r->tables, c->args[arg], id), 1))
		return 0;
	return etr__order_fault(r, c, ETR_E_EVENT, "%s names the unknown stack %llu", wire_specs[c->type].name,
				(unsigned long long)c->args[arg]);
}

/* The rules by type byte.  `stack`: which argument after dt is the event's own stack, counted from 1; 0: it has none. */
struct etr__rule {
	etr__rule_fn *fn;
	unsigned stack;
};
extern const struct etr__rule etr__rules[256];

/* The fault of an event without a rule. */
int etr__no_rule(struct etr_reader *r, const struct etr__cursor *c) __attribute__((cold));

/* Tries the event at hand of a cursor by its type's rule, and does what is common to all: the context, the own stack, the count. */
static inline int etr__order_try(struct etr_reader *r, struct etr__cursor *c, struct etr_event *out)
{
	const struct etr__rule *rule = &etr__rules[c->type];
	struct etr__m *m = c->m;
	int rc;

	m->known = true;
	if (__builtin_expect(!rule->fn, 0))
		return etr__no_rule(r, c);
	out->time = c->time;
	out->m = m->id;
	out->p = m->pid;
	out->g = m->gid;
	out->stack = 0;
	rc = rule->fn(r, c, out);
	if (__builtin_expect(rc <= 0, 0))
		return rc;
	r->counts[c->type]++;
	r->bytes[c->type] += (uint64_t)(c->p - c->at);
	if (rule->stack && etr__stack_arg(r, c, rule->stack - 1, &out->stack) < 0)
		return r->fault.code;
	return 1;
}

/* One for each event, or group of alike ones. */
etr__rule_fn etr__rule_proc_status, etr__rule_proc_start, etr__rule_proc_stop, etr__rule_proc_steal;
etr__rule_fn etr__rule_go_status, etr__rule_go_create, etr__rule_go_start, etr__rule_go_stop, etr__rule_go_unblock;
etr__rule_fn etr__rule_go_switch, etr__rule_go_create_syscall, etr__rule_go_destroy_syscall;
etr__rule_fn etr__rule_syscall_begin, etr__rule_syscall_end, etr__rule_syscall_end_blocked;
etr__rule_fn etr__rule_g_range_begin, etr__rule_g_range_active, etr__rule_g_range_end;
etr__rule_fn etr__rule_gc_begin, etr__rule_gc_active, etr__rule_gc_end;
etr__rule_fn etr__rule_sweep_begin, etr__rule_sweep_active, etr__rule_sweep_end;
etr__rule_fn etr__rule_metric, etr__rule_label, etr__rule_log, etr__rule_experimental;
etr__rule_fn etr__rule_task_begin, etr__rule_task_end, etr__rule_region_begin, etr__rule_region_end;

#endif
