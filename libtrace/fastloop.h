/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fastloop.h - orderfast.c's loop: usual events, decoded and carried out one after the other.
 *
 * The loop runs along a cursor for as long as its events are the earliest, with the cursor's state in registers.  It carries an event out
 * before it knows that the next one of its thread can be decoded, and takes it back (from what is delivered; the model is of no use any
 * more) should it turn out otherwise.
 *
 * Two threads often take turns for long.  Then the loop goes from one's lane to the other's and back, and the heap is told only when it
 * leaves both.  That must leave the heap as changing places at its head each time would: so it holds only while both threads' next
 * events are earlier than all that could come between, and any doubt ends it.
 *
 * What an event costs is to a large part what the processor guessed wrong, so what it needs to find out is computed early: when the
 * next event of the thread happened, before this one is carried out; and the code of each type looks first for the type that mostly
 * follows it.
 */
#ifndef LIBTRACE_FASTLOOP_H
#define LIBTRACE_FASTLOOP_H

#include <stddef.h>
#include <string.h>

#include "libtrace/fastbits.h"
#include "libtrace/fastout.h"
#include "libtrace/fastrule.h"
#include "libtrace/granges.h"
#include "libtrace/order.h"

/* Fields that lie side by side are stored together, here as in fastout.h. */
_Static_assert(offsetof(struct etr__m, id) == offsetof(struct etr__m, pid) + 8, "pid, id");

/* LOOK(), and event_time is when the event is delivered; of a packed one event_dt, how much later than the one before. */
#define ARGS(type, n)                                                                                                            \
	do {                                                                                                                     \
		LOOK(type, n);                                                                                                   \
		event_time = packed ? time : delivery_time(time, &last_time);                                                    \
		event_dt = (uint64_t)event_time - (uint64_t)last_time;                                                           \
		if (packed && __builtin_expect(event_dt - 1 >= ETR__PACKED_DT_MAX, 0)) {                                         \
			event_time = delivery_time(time, &last_time);                                                            \
			event_dt = (uint64_t)event_time - (uint64_t)last_time;                                                   \
			USUAL(has_packed_dt(event_time, last_time));                                                             \
		}                                                                                                                \
	} while (0)

/* The event of that type is carried out; mostly follows one of the type `follower`, whose code is at `label`. */
#define NEXT(index, type, follower, label) NEXT_BEHIND(1, index, type, follower, label)

/* It took several places in the log. */
#define NEXT_BEHIND(places, index, type, follower, label)                                                                        \
	do {                                                                                                                     \
		deliver(&out, packed, event_time, event_dt, cur->id, context, log_context, places);                                \
		last_time = event_time;                                                                                          \
		cur = next_cur;                                                                                                  \
		o->usual[type] += o->sizes[index].more;                                                                          \
		p = next;                                                                                                        \
		if (__builtin_expect(p > limit, 0))                                                                              \
			goto leave;                                                                                              \
		time = next_time;                                                                                                \
		if (__builtin_expect(is_later(time, &bound), 0))                                                                 \
			goto later;                                                                                              \
		if (__builtin_expect(is_at(packed ? (const void *)out.e : out.ev, &end), 0))                                     \
			goto unusual;                                                                                            \
		if (*p == (follower))                                                                                            \
			goto label;                                                                                              \
		goto dispatch;                                                                                                   \
	} while (0)

/* The context's G must have that status. */
#define CURRENT_G(state) USUAL(has_status(cur, STATUS(state, 1)))

/* The G that is named must have that status, and the event be the next of it. */
#define NAMED_G(name, state, no)                                                                                                 \
	do {                                                                                                                     \
		g = etr__gtable_find(&o->model.gs, (int64_t)(name));                                                             \
		USUAL(has_status(g, STATUS(state, 0)) && g->seq.next == (no));                                                   \
		g->seq.next = (no) + 1;                                                                                          \
	} while (0)

/* The context's G does not run any more. */
#define OFF(status, state)                                                                                                       \
	do {                                                                                                                     \
		CURRENT_G(WIRE_G_RUNNING);                                                                                       \
		NAMED_STRING(name, v.a);                                                                                         \
		NAMED_STACK(stack, v.b);                                                                                         \
		set_status(cur, STATUS(status, 0));                                                                              \
		transition(&out, packed, cur->id, ETR_STATE_RUNNING, state, stack, true, name);                                  \
		next_cur = &etr__no_g;                                                                                           \
	} while (0)

/* The loop goes elsewhere: the thread is told which goroutine it has, and the heap of the event at hand of its head. */
INLINE void leave_thread(struct etr__m *m, struct etr__g *cur)
{
	m->g = cur == &etr__no_g ? NULL : cur;
	m->gid = cur->id;
}

INLINE void put_back(struct etr__head *heads, const uint8_t *at, int64_t time)
{
	etr__cursor_put(heads[0].cursor, at, time);
	heads[0].time = time;
	etr__head_sink(heads, heads);
}

/* A region begins on g, or the innermost one that is open there ends.  False, and nothing done, where that is not usual. */
INLINE bool begin_region(struct etr__g *g, uint64_t task, struct etr__name *name)
{
	if (!name || g->nregions == g->capregions)
		return false;
	name->refs++;
	g->regions[g->nregions++] = (struct etr__region){ task, name };
	return true;
}

INLINE bool end_region(struct etr__g *g, uint64_t task, struct etr__name *name)
{
	const struct etr__region *inner;

	if (!name || g->nregions == 0)
		return false;
	inner = &g->regions[g->nregions - 1];
	if (inner->task != task || inner->name != name)
		return false;
	/* The string holds it, too. */
	name->refs--;
	g->nregions--;
	return true;
}

/* A task ends whose name is in the generation's tables already, as `name`. */
static __attribute__((noinline)) bool end_task(struct etr__order *o, uint64_t id, uint64_t *parent, etr_string_id *name)
{
	struct etr__task *task = etr__model_task(&o->model, id);

	if (!task || task->name->string_gen != o->now->load_no || task->name->len == 0)
		return false;
	*parent = task->parent;
	*name = task->name->string;
	etr__model_forget_task(&o->model, id, task);
	return true;
}

/*
 * Making a pair takes some time, which is lost when a third thread comes next.  After so many in a row that were lost, one is made in the
 * next call again, and if it is lost in the one after that, and so on.
 */
#define PATIENCE 4

/*
 * When a thread's turn comes after less than NEAR events of another, and the two are no pair, the threads are more of a crowd than before, and
 * when a pair changes places less so.
 */
#define NEAR 8
#define MORE_OF_A_CROWD 2

/* A thread that the loop is at, or comes back to. */
struct lane {
	const uint8_t *p, *limit;	/* the event at hand, and how far the loop may go in its batch */
	int64_t time;
	struct etr__g *cur;		/* the thread's, which is told of it when the loop leaves the lane */
	struct etr__cursor *c;
	struct etr__m *m;
	struct etr__p *proc;
	uint32_t log_context;
	two_words context;
};

/* Where a cursor whose next event is at that time stands right below the heap's head; 0: it does not. */
INLINE unsigned place_below(const struct etr__head *heads, const struct etr__cursor *c, int64_t time)
{
	for (unsigned i = 1; i <= 2; i++)
		if (heads[i].time == time && heads[i].cursor == c)
			return i;
	return 0;
}

/* Leaves this lane; the caller sets out from l. */
#define OTHER_LANE()                                                                                                             \
	do {                                                                                                                     \
		l->p = p;                                                                                                        \
		l->time = time;                                                                                                  \
		l->cur = cur;                                                                                                    \
		swap = l, l = other, other = swap;                                                                               \
	} while (0)

/* The heap and the other lane's thread are told how far that one is, if there is one. */
#define FLUSH_OTHER()                                                                                                            \
	do {                                                                                                                     \
		if (third != INT64_MIN) {                                                                                        \
			heads[0].cursor = l->c;                                                                                  \
			heads[place] = (struct etr__head){ other->time, other->c };                                              \
			etr__cursor_put(other->c, other->p, other->time);                                                        \
			leave_thread(other->m, other->cur);                                                                      \
			third = INT64_MIN;                                                                                       \
		}                                                                                                                \
	} while (0)

/*
 * The loop; `log` where it is compiled for packed events.  Their times are less than ETR__PACKED_DT_MAX apart; that their ids fit is known
 * beforehand, see etr__order_run_packed().
 */
INLINE int run(struct etr__order *o, struct out out, struct etr__log *log, bool packed, bool whole_ns, bool bmi2)
{
	struct etr__frontier *f = &o->now->frontier;
	struct etr__head *const heads = f->heap;
	const struct etr__tables *t = &o->now->tables;
	struct lane lanes[2], *l = lanes, *other = lanes + 1, *swap;
	struct etr__g *cur;		/* l's, as are p, limit, time, context and log_context */
	const uint64_t gen = o->now->number;
	const void *const end = out.end;
	const double ns_per_unit = f->ns_per_unit;
	const int64_t unit = whole_ns ? (int64_t)ns_per_unit : 0;
	int64_t latest = latest_usual(o);
	int64_t last_time = o->last_time, event_time, time;
	uint64_t event_dt;
	int64_t bound;			/* the loop stays in l up to here */
	int64_t third = INT64_MIN;	/* there is a pair, and up to here nothing else comes; else INT64_MIN */
	unsigned place = 0;		/* of the other lane's cursor in the heap */
	unsigned lost = o->lost_pairs < PATIENCE ? o->lost_pairs : PATIENCE - 1;
	const uint8_t *p, *limit;
	uint32_t log_context = 0;
	two_words context;
	struct front front;
	struct numbers v;
	const uint8_t *next;
	int64_t next_time;
	struct etr__g *g, *next_cur, gone;
	etr_stack_id stack, stack2;
	etr_string_id name, text;
	uint64_t parent, kind;
	int begun;
	int turned = 0;			/* how many were done when a turn that was no pair's began */
	const struct masks masks = { HIGH_BITS, ~HIGH_BITS }, *k = &masks;

thread:
	l->c = heads[0].cursor;
	l->m = l->c->m;
	l->proc = l->m->p;
	cur = l->m->g ? l->m->g : &etr__no_g;
	time = l->c->time;
	p = l->c->at;
	bound = earlier(earlier(latest, heads[1].time), heads[2].time);
	limit = l->c->end - LOOK_AHEAD;
	/* Where it is not known whether the thread has a goroutine, gid says so. */
	if (p > limit || !l->proc || cur->id != l->m->gid || time <= 0 || time > bound)
		goto by_rules;
	if (packed) {
		if (l->m->log_p != l->proc && !find_context(log, l->m, l->proc))
			goto done;
		l->log_context = log_context = log_context_word(l->m->log_context);
	}
	l->limit = limit;
	memcpy(&context, &l->m->pid, sizeof(context));
	l->context = context;
	if (is_full(&out, packed))
		goto done;
dispatch:
	/* Most are one of three, for which a question each takes less than the table. */
	if (*p == WIRE_GO_UNBLOCK)
		goto go_unblock;
	if (*p == WIRE_GO_BLOCK)
		goto go_block;
	if (*p == WIRE_GO_START)
		goto go_start;
	switch (*p) {
	case WIRE_GO_UNBLOCK:
	go_unblock:
		ARGS(UNBLOCK, 3);
		NAMED_STACK(stack, v.c);
		NAMED_G(v.a, WIRE_G_WAITING, v.b);
		set_status(g, STATUS(WIRE_G_RUNNABLE, 0));
		transition(&out, packed, (int64_t)v.a, ETR_STATE_WAITING, ETR_STATE_RUNNABLE, stack, false, 0);
		NEXT(UNBLOCK, WIRE_GO_UNBLOCK, WIRE_GO_BLOCK, go_block);
	case WIRE_GO_BLOCK:
	go_block:
		ARGS(BLOCK, 2);
		OFF(WIRE_G_WAITING, ETR_STATE_WAITING);
		NEXT(BLOCK, WIRE_GO_BLOCK, WIRE_GO_START, go_start);
	case WIRE_GO_START:
	go_start:
		ARGS(START, 2);
		USUAL(cur == &etr__no_g);
		NAMED_G(v.a, WIRE_G_RUNNABLE, v.b);
		set_status(g, STATUS(WIRE_G_RUNNING, 1));
		transition(&out, packed, (int64_t)v.a, ETR_STATE_RUNNABLE, ETR_STATE_RUNNING, 0, false, 0);
		next_cur = g;
		NEXT(START, WIRE_GO_START, WIRE_GO_UNBLOCK, go_unblock);
	case WIRE_GO_STOP:
		ARGS(STOP, 2);
		OFF(WIRE_G_RUNNABLE, ETR_STATE_RUNNABLE);
		NEXT(STOP, WIRE_GO_STOP, WIRE_GO_START, go_start);
	case WIRE_GO_CREATE:
	go_create:
		ARGS(CREATE, WIDE + 3);
		CURRENT_G(WIRE_G_RUNNING);
		USUAL(!packed || v.a <= INT32_MAX);
		NAMED_STACK(stack, v.b);
		NAMED_STACK(stack2, v.c);
		begun = create(o, &out, packed, (int64_t)v.a, stack2, stack);
		if (__builtin_expect(begun < 0, 0))
			goto no_memory;
		USUAL(begun);
		NEXT(CREATE, WIRE_GO_CREATE, WIRE_GO_CREATE, go_create);
	case WIRE_GO_DESTROY:
		ARGS(DESTROY, 0);
		CURRENT_G(WIRE_G_RUNNING);
		/* The event's context is still told of it. */
		gone.id = cur->id;
		destroy(o, &out, packed, cur);
		cur = &gone;
		next_cur = &etr__no_g;
		NEXT(DESTROY, WIRE_GO_DESTROY, WIRE_GO_START, go_start);
	case WIRE_GO_SYSCALL_BEGIN:
	go_syscall_begin:
		ARGS(SYSCALL_BEGIN, 2);
		CURRENT_G(WIRE_G_RUNNING);
		USUAL(etr__seq_fits(&l->proc->seq, gen, v.a));
		NAMED_STACK(stack, v.b);
		l->proc->seq.next = v.a + 1;
		l->proc->status = WIRE_P_SYSCALL;
		set_status(cur, STATUS(WIRE_G_SYSCALL, 1));
		transition(&out, packed, cur->id, ETR_STATE_RUNNING, ETR_STATE_SYSCALL, stack, true, 0);
		NEXT(SYSCALL_BEGIN, WIRE_GO_SYSCALL_BEGIN, WIRE_GO_SYSCALL_END, go_syscall_end);
	case WIRE_GO_SYSCALL_END:
	go_syscall_end:
		ARGS(SYSCALL_END, 0);
		CURRENT_G(WIRE_G_SYSCALL);
		USUAL(l->proc->status == WIRE_P_SYSCALL);
		l->proc->status = WIRE_P_RUNNING;
		set_status(cur, STATUS(WIRE_G_RUNNING, 1));
		transition(&out, packed, cur->id, ETR_STATE_SYSCALL, ETR_STATE_RUNNING, 0, false, 0);
		NEXT(SYSCALL_END, WIRE_GO_SYSCALL_END, WIRE_GO_SYSCALL_BEGIN, go_syscall_begin);
	case WIRE_GC_SWEEP_BEGIN:
	gc_sweep_begin:
		ARGS(SWEEP_BEGIN, 1);
		USUAL(!l->proc->sweeping && (!packed || l->proc->sweep_noted));
		NAMED_STACK(stack, v.a);
		l->proc->sweeping = true;
		range(&out, packed, ETR__WHAT_SWEEP_BEGIN, ETR_KIND_RANGE_BEGIN, ETR_RESOURCE_PROC, l->proc->id, stack);
		NEXT(SWEEP_BEGIN, WIRE_GC_SWEEP_BEGIN, WIRE_GC_SWEEP_END, gc_sweep_end);
	case WIRE_GC_SWEEP_END:
	gc_sweep_end:
		ARGS(SWEEP_END, 2);
		USUAL(l->proc->sweeping && (!packed || (v.a | v.b) >> 32 == 0));
		l->proc->sweeping = false;
		sweep_end(&out, packed, l->proc->id, v.a, v.b);
		NEXT(SWEEP_END, WIRE_GC_SWEEP_END, WIRE_GC_SWEEP_BEGIN, gc_sweep_begin);
	case WIRE_GC_MARK_ASSIST_BEGIN:
		ARGS(ASSIST_BEGIN, 1);
		CURRENT_G(WIRE_G_RUNNING);
		USUAL(cur->assist == 0 && (!packed || cur->range_noted));
		NAMED_STACK(stack, v.a);
		if (__builtin_expect(etr__range_open(cur, WIRE_GC_MARK_ASSIST_BEGIN, 0) != 0, 0))
			goto no_memory;
		range(&out, packed, ETR__WHAT_ASSIST_BEGIN, ETR_KIND_RANGE_BEGIN, ETR_RESOURCE_GOROUTINE, cur->id, stack);
		NEXT(ASSIST_BEGIN, WIRE_GC_MARK_ASSIST_BEGIN, WIRE_GC_MARK_ASSIST_END, assist_end);
	case WIRE_GC_MARK_ASSIST_END:
	assist_end:
		ARGS(ASSIST_END, 0);
		CURRENT_G(WIRE_G_RUNNING);
		USUAL(cur->assist != 0);
		etr__range_close(cur, WIRE_GC_MARK_ASSIST_BEGIN, &kind);
		range(&out, packed, ETR__WHAT_ASSIST_END, ETR_KIND_RANGE_END, ETR_RESOURCE_GOROUTINE, cur->id, 0);
		NEXT(ASSIST_END, WIRE_GC_MARK_ASSIST_END, WIRE_GO_BLOCK, go_block);
	case WIRE_HEAP_ALLOC:
	heap_alloc:
		ARGS(HEAP, 1);
		heap(&out, packed, v.a);
		NEXT(HEAP, WIRE_HEAP_ALLOC, WIRE_HEAP_ALLOC, heap_alloc);
	case WIRE_USER_TASK_BEGIN:
		ARGS(TASK_BEGIN, WIDE + 4);
		CURRENT_G(WIRE_G_RUNNING);
		USUAL(has_room(&out, packed, 2));
		NAMED_STRING(name, v.c);
		NAMED_STACK(stack, v.d);
		begun = etr__order_begin_task(o, v.a, v.b ? v.b : ETR_NO_TASK, name);
		if (__builtin_expect(begun < 0, 0))
			goto no_memory;
		USUAL(begun);
		user(&out, packed, ETR_KIND_TASK_BEGIN, stack, name, v.a, v.b ? v.b : ETR_NO_TASK);
		NEXT_BEHIND(2, TASK_BEGIN, WIRE_USER_TASK_BEGIN, WIRE_USER_REGION_BEGIN, region_begin);
	case WIRE_USER_TASK_END:
	task_end:
		ARGS(TASK_END, 2);
		CURRENT_G(WIRE_G_RUNNING);
		USUAL(has_room(&out, packed, 2));
		NAMED_STACK(stack, v.b);
		USUAL(end_task(o, v.a, &parent, &name));
		user(&out, packed, ETR_KIND_TASK_END, stack, name, v.a, parent);
		NEXT_BEHIND(2, TASK_END, WIRE_USER_TASK_END, WIRE_GO_BLOCK, go_block);
	case WIRE_USER_REGION_BEGIN:
	region_begin:
		ARGS(REGION_BEGIN, 3);
		CURRENT_G(WIRE_G_RUNNING);
		USUAL(has_room(&out, packed, 2));
		NAMED_STRING(name, v.b);
		NAMED_STACK(stack, v.c);
		USUAL(begin_region(cur, v.a, t->strings[name].name));
		user(&out, packed, ETR_KIND_REGION_BEGIN, stack, name, v.a, 0);
		NEXT_BEHIND(2, REGION_BEGIN, WIRE_USER_REGION_BEGIN, WIRE_USER_LOG, user_log);
	case WIRE_USER_REGION_END:
	region_end:
		ARGS(REGION_END, 3);
		CURRENT_G(WIRE_G_RUNNING);
		USUAL(has_room(&out, packed, 2));
		NAMED_STRING(name, v.b);
		NAMED_STACK(stack, v.c);
		USUAL(end_region(cur, v.a, t->strings[name].name));
		user(&out, packed, ETR_KIND_REGION_END, stack, name, v.a, 0);
		NEXT_BEHIND(2, REGION_END, WIRE_USER_REGION_END, WIRE_USER_TASK_END, task_end);
	case WIRE_USER_LOG:
	user_log:
		ARGS(LOG, WIDE + 4);
		CURRENT_G(WIRE_G_RUNNING);
		USUAL(has_room(&out, packed, 2));
		NAMED_STRING(name, v.b);
		NAMED_STRING(text, v.c);
		NAMED_STACK(stack, v.d);
		user(&out, packed, ETR_KIND_LOG, stack, name, v.a, text);
		NEXT_BEHIND(2, LOG, WIRE_USER_LOG, WIRE_USER_REGION_END, region_end);
	default:
		goto unusual;
	}
later:
	/* The event at p, which may be of any type, comes later than one of another thread, or a sample. */
	if (__builtin_expect(!can_decode(p, k, bmi2), 0))
		goto undecoded;
	/* bound is third or less, so the other is earlier than this one, and alone in that. */
	if (time <= third) {
		bound = time;
		OTHER_LANE();
		lost = 0;
		o->crowd -= o->crowd > 0;
		p = l->p;
		limit = l->limit;
		time = l->time;
		cur = l->cur;
		context = l->context;
		log_context = l->log_context;
		if (is_full(&out, packed))
			goto unusual;
		goto dispatch;
	}
	FLUSH_OTHER();
	put_back(heads, p, time);
	leave_thread(l->m, cur);
	if (filled(&out, packed) - turned < NEAR)
		o->crowd += o->crowd < ETR__CROWD ? MORE_OF_A_CROWD : 0;
	else if (o->crowd > 0 && o->crowd < ETR__CROWD)
		o->crowd = 0;
	turned = filled(&out, packed);
	if (o->crowd >= ETR__CROWD) {
		o->crowd_next = true;
		goto done;
	}
	if (lost < PATIENCE && (place = place_below(heads, l->c, time)) != 0) {
		third = earlier(heads[3 - place].time, latest);
		third = earlier(third, heads[2 * place + 1].time);
		third = earlier(third, heads[2 * place + 2].time);
		lost++;
		OTHER_LANE();
	}
	if (!is_full(&out, packed))
		goto thread;
	goto done;
unusual:
	if (third == INT64_MIN && p == l->c->at)
		goto by_rules;
	FLUSH_OTHER();
	leave_thread(l->m, cur);
	if (can_decode(p, k, bmi2)) {
		put_back(heads, p, time);
		goto by_rules;
	}
undecoded:
	front = look(p, k, bmi2);
	time -= step(&front, ns_per_unit, whole_ns, &unit, k, bmi2);
leave:
	/* The event behind the last one that was carried out is not usual, or not even there. */
	FLUSH_OTHER();
	leave_thread(l->m, cur);
	l->c->p = p;
	l->c->time = time;
	if (etr__frontier_advance(f, 0) < 0) {
		o->stuck = true;
		o->last_time = last_time;
		return filled(&out, packed) - 1;
	}
	if (o->crowd >= ETR__CROWD) {
		o->crowd_next = true;
		goto done;
	}
	if (f->n && !is_full(&out, packed))
		goto thread;
	goto done;
by_rules:
	/* Called from here, since to leave and to come back takes longer than the event itself. */
	third = INT64_MIN;
	if (packed || is_full(&out, packed))
		goto done;
	o->last_time = last_time;
	if (etr__order_one(o, out.ev) == 1) {
		out.ev++;
		last_time = o->last_time;
		latest = latest_usual(o);
		if (f->n && o->npending == 0 && !is_full(&out, packed))
			goto thread;
	}
	goto done;
no_memory:
	etr__fault_nomem(o->fault);
	o->stuck = true;
done:
	o->lost_pairs = lost;
	o->last_time = last_time;
	return filled(&out, packed);
}

#undef ARGS
#undef NEXT
#undef NEXT_BEHIND
#undef CURRENT_G
#undef NAMED_G
#undef OFF
#undef OTHER_LANE
#undef FLUSH_OTHER

#endif
