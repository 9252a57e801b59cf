/* SPDX-License-Identifier: BSD-3-Clause
 *
 * order.h - the rules by which events may follow each other.
 *
 * A rule looks at a thread's next event and the model.  It returns
 *	1	the event can happen now: the model has changed, and `out` is filled in but for time and stack; what the
 *		event expands to beyond the first is in o->pending
 *	0	not yet: nothing has changed
 *	< 0	it breaks a rule of the model, or names what does not exist; the fault is recorded
 */
#ifndef LIBTRACE_ORDER_H
#define LIBTRACE_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include <exectrace/reader.h>

#include "libtrace/fault.h"
#include "libtrace/generation.h"
#include "libtrace/model.h"
#include "wire/event.h"

#define ETR__MAX_PENDING 2	/* events that one wire event may expand to, beyond the first */

/* How usual events are delivered: by the rules like all others, or in the fast loop, with BMI2's bit extraction or without. */
enum etr__path { ETR__PATH_RULES, ETR__PATH_LOOP, ETR__PATH_LOOP_BMI2 };

/* How long the last event of a usual type was: its bytes but for two; and what that adds to usual[]. */
struct etr__size {
	uint64_t behind, last, more;
};
#define ETR__SIZE_UNKNOWN 64
#define ETR__USUAL_TYPES 18

#define ETR__CROWD 16		/* threads take turns in such a way that their events are staged, see faststage.h */

/* One ordering: a generation at hand, the model that its events move, and what has been delivered.  It belongs to one thread. */
struct etr__order {
	uint64_t usual[256];		/* wire events that are not in counts and bytes yet: ETR__ONE_MORE each, and their bytes */
	struct etr__generation *now;	/* the caller's; NULL: none yet */
	struct etr__fault *fault;	/* the caller's */
	struct etr__blocks *blocks;	/* likewise, of the thread that orders */
	struct etr__model model;

	enum etr__path path;		/* etr__order_best_path(), but in tests */
	bool stuck;			/* the fault was recorded behind events that were delivered; it is next */
	struct etr__guess *guess;	/* NULL: the model is the true one */
	unsigned lost_pairs;		/* orderfast.c's, as are the next three */
	int crowd;			/* how near to being a crowd the threads are; from ETR__CROWD on they are one */
	bool crowd_next;		/* the loop ended because it is the crowd's turn */
	struct etr__size sizes[ETR__USUAL_TYPES];
	struct etr__dense string_of, stack_of;	/* of the generation at hand, where the fast loop reaches them */
	struct etr__stages *stages;	/* staged.h's; NULL: none yet */
	uint64_t last_number;		/* the highest of the generations that have begun */
	int64_t last_time;		/* of the event delivered last */
	int64_t next_sample_time;	/* ns; INT64_MAX: none, or none that could be earlier than an event */
	unsigned npending, next_pending;
	struct etr_event pending[ETR__MAX_PENDING];
	uint64_t counts[256], bytes[256];	/* wire events by type, the structural ones of begun generations too */
	int nusual;			/* how many, at most ETR__MAX_USUAL */
};

#define ETR__ONE_MORE ((uint64_t)1 << 24)
#define ETR__MAX_USUAL (1 << 19)	/* of 17 bytes at most */

/* Brings counts and bytes up to date. */
void etr__order_count(struct etr__order *o);


void etr__order_init(struct etr__order *o, struct etr__fault *fault);
void etr__order_free(struct etr__order *o);

/* Takes up a loaded generation, which must stay as it is until etr__order_end().  0, or a negative code with the fault recorded. */
int etr__order_begin(struct etr__order *o, struct etr__generation *g);

/* Takes the names of the generation's strings back from the model; without effect when none has begun. */
void etr__order_end(struct etr__order *o);

/*
 * Up to max (at least 1) next events of the generation at hand.  How many, 0 when there are no more, or a negative code with the
 * fault recorded.
 */
int etr__order_events(struct etr__order *o, struct etr_event *ev, int max);

/* The next event, by the rules.  1, 0 when there are no more, or a negative code with the fault recorded. */
int etr__order_one(struct etr__order *o, struct etr_event *ev);

/* The usual events that come next, into a log; when memory is wanting, none.  A fault behind them is told by etr__order_one(). */
struct etr__log;
void etr__order_log(struct etr__order *o, struct etr__log *log);

/*
 * Delivers events, the usual ones (orderfast.c tells what that is) in its loop and those between by the rules, for as long as threads have
 * some and nothing is pending.  There must be one, and nothing pending.  How many, from 0 on; whatever comes next is then for the
 * rules.  A fault behind them is recorded, see stuck.
 */
int etr__order_run(struct etr__order *o, struct etr_event *ev, int max);

/* The usual ones alone, for as long as they can be packed, with their contexts in that log.  How many places they take. */
struct etr__packed;
int etr__order_run_packed(struct etr__order *o, struct etr__packed *e, int max, struct etr__log *log);

/* The last path that this processor can take, and should. */
enum etr__path etr__order_best_path(void);

/* The id of a name in the generation's tables, put there if it came from an earlier one.  0, or -1 when out of memory. */
int etr__name_in_tables(struct etr__name *name, struct etr__generation *g, etr_string_id *id);

/* Makes times increase. */
static inline void etr__order_deliver(struct etr__order *o, struct etr_event *ev)
{
	if (ev->time <= o->last_time)
		ev->time = (int64_t)((uint64_t)o->last_time + 1);
	o->last_time = ev->time;
}

/* Times from here on are so large that one more than the last may be none. */
#define ETR__TIME_END ((int64_t)1 << 62)

typedef int etr__rule_fn(struct etr__order *o, struct etr__cursor *c, struct etr_event *out);

/* Records the fault of an event; returns its code. */
int etr__order_fault(struct etr__order *o, const struct etr__cursor *c, int code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5), cold));

#define ORDER_FAULT(o, c, ...) etr__order_fault((o), (c), ETR_E_ORDER, __VA_ARGS__)

/* What an event's context must have. */
enum { ETR__NEED_M = 1, ETR__NEED_P = 2, ETR__NEED_G = 4, ETR__NEED_NO_G = 8 };
#define ETR__NEED_ALL (ETR__NEED_M | ETR__NEED_P | ETR__NEED_G)

/* A task begins: 1; 0 and nothing done where there is one of that id; -1 when out of memory. */
int etr__order_begin_task(struct etr__order *o, uint64_t id, uint64_t parent, etr_string_id type);

/* The long form of etr__need. */
int etr__need_fault(struct etr__order *o, const struct etr__cursor *c, int need) __attribute__((cold));

/* 0, or a negative code when the context lacks something. */
static inline int etr__need(struct etr__order *o, const struct etr__cursor *c, int need)
{
	const struct etr__m *m = c->m;

	if (((need & ETR__NEED_M) && m->id == -1) || ((need & ETR__NEED_P) && !m->p) || ((need & ETR__NEED_G) && !m->g) ||
	    ((need & ETR__NEED_NO_G) && m->g))
		return etr__need_fault(o, c, need);
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
static inline int etr__string_arg(struct etr__order *o, const struct etr__cursor *c, unsigned arg, etr_string_id *id)
{
	if (__builtin_expect(etr__tables_string(&o->now->tables, c->args[arg], id), 1))
		return 0;
	return etr__order_fault(o, c, ETR_E_EVENT, "%s names the unknown string %llu", wire_specs[c->type].name,
				(unsigned long long)c->args[arg]);
}

static inline int etr__stack_arg(struct etr__order *o, const struct etr__cursor *c, unsigned arg, etr_stack_id *id)
{
	if (__builtin_expect(etr__tables_stack(&o->now->tables, c->args[arg], id), 1))
		return 0;
	return etr__order_fault(o, c, ETR_E_EVENT, "%s names the unknown stack %llu", wire_specs[c->type].name,
				(unsigned long long)c->args[arg]);
}

/* The rules by type byte.  `stack`: which argument after dt is the event's own stack, counted from 1; 0: it has none. */
struct etr__rule {
	etr__rule_fn *fn;
	unsigned stack;
};
extern const struct etr__rule etr__rules[256];

/* The fault of an event without a rule. */
int etr__no_rule(struct etr__order *o, const struct etr__cursor *c) __attribute__((cold));

/* Tries the event at hand of a cursor by its type's rule, and does what is common to all: the context, the own stack, the count. */
static inline int etr__order_try(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	const struct etr__rule *rule;
	struct etr__m *m = c->m;
	int rc;

	etr__model_know(&o->model, m);
	if (!c->decoded)
		etr__cursor_decode(c);
	rule = &etr__rules[c->type];
	if (__builtin_expect(!rule->fn, 0))
		return etr__no_rule(o, c);
	out->time = c->time;
	out->m = m->id;
	out->p = m->pid;
	out->g = m->gid;
	out->stack = 0;
	rc = rule->fn(o, c, out);
	if (__builtin_expect(rc <= 0, 0))
		return rc;
	o->counts[c->type]++;
	o->bytes[c->type] += (uint64_t)(c->p - c->at);
	if (rule->stack && etr__stack_arg(o, c, rule->stack - 1, &out->stack) < 0)
		return o->fault->code;
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
