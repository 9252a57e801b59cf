/* SPDX-License-Identifier: BSD-3-Clause
 *
 * faststage.h - orderfast.c's way where many threads take turns.
 *
 * Where nearly every event is of another thread than the one before, nobody can guess whose turn is next, nor of what type its event is, and
 * a wrong guess costs the processor more than an event.  So a thread's events are staged: some dozens are decoded at once, along the
 * thread, where what follows what is guessed well.  Then they are carried out in turn, by code that is the same for all of them and knows
 * whose turn it is without a branch.
 *
 * Only the types that most of such a trace consists of are staged.  Nearly all change one goroutine, and whether they may is found out when
 * they are carried out; goroutines' beginnings and ends, and what is of none, are carried out apart.  What becomes of the thread, whose
 * goroutine comes and goes, and of its P is known when they are staged.
 *
 * As in orderfast.c an event is delivered only where the next one of its thread can be decoded; so the last one that can is not staged.
 */
#ifndef LIBTRACE_FASTSTAGE_H
#define LIBTRACE_FASTSTAGE_H

#include "libtrace/fastout.h"
#include "libtrace/fastrule.h"
#include "libtrace/staged.h"

/* What carrying out an event of a staged type comes to. */
struct etr__kind {
	uint64_t before, after;	/* its goroutine's status and bound threads, see STATUS() */
	uint32_t head;		/* of the event: kind, resource, from, to */
	uint8_t what;		/* likewise, packed */
	uint8_t named;		/* 1: it is the next one of its goroutine; 0: it has no number */
};

#define KIND(from, from_bound, to, to_bound, from_state, to_state, own_stack, named) {                                           \
	STATUS(from, from_bound), STATUS(to, to_bound),                                                                          \
	ETR_KIND_STATE_TRANSITION | ETR_RESOURCE_GOROUTINE << 8 | (from_state) << 16 | (to_state) << 24,                         \
	ETR__WHAT(from_state, to_state) | ((own_stack) ? ETR__WHAT_OWN_STACK : 0), (named) }

/* No goroutine has it: what is of such a kind is carried out apart. */
#define APART UINT64_MAX

static const struct etr__kind kinds[] = {
	[WIRE_GO_UNBLOCK] = KIND(WIRE_G_WAITING, 0, WIRE_G_RUNNABLE, 0, ETR_STATE_WAITING, ETR_STATE_RUNNABLE, false, 1),
	[WIRE_GO_BLOCK] = KIND(WIRE_G_RUNNING, 1, WIRE_G_WAITING, 0, ETR_STATE_RUNNING, ETR_STATE_WAITING, true, 0),
	[WIRE_GO_START] = KIND(WIRE_G_RUNNABLE, 0, WIRE_G_RUNNING, 1, ETR_STATE_RUNNABLE, ETR_STATE_RUNNING, false, 1),
	[WIRE_GO_STOP] = KIND(WIRE_G_RUNNING, 1, WIRE_G_RUNNABLE, 0, ETR_STATE_RUNNING, ETR_STATE_RUNNABLE, true, 0),
	[WIRE_GO_SYSCALL_BEGIN] = KIND(WIRE_G_RUNNING, 1, WIRE_G_SYSCALL, 1, ETR_STATE_RUNNING, ETR_STATE_SYSCALL, true, 0),
	[WIRE_GO_SYSCALL_END] = KIND(WIRE_G_SYSCALL, 1, WIRE_G_RUNNING, 1, ETR_STATE_SYSCALL, ETR_STATE_RUNNING, false, 0),
	[WIRE_GO_CREATE] = { .before = APART },
	[WIRE_GO_DESTROY] = { .before = APART },
	[WIRE_HEAP_ALLOC] = { .before = APART },
};

_Static_assert(offsetof(struct etr__staged, g_id) == 8 && offsetof(struct etr__staged, id) == offsetof(struct etr__staged, head) + 8, "as the event");
_Static_assert(offsetof(struct etr_event, u.transition.id) == offsetof(struct etr_event, kind) + 8, "kind to stack, id");

/*
 * The event of that type is staged: of the_g, whose next number is `number` then.  `and` is what becomes of the thread otherwise.  Mostly follows one
 * of the type `follower`, whose code is at `label`.
 */
#define STAGE(index, type, follower, label, the_g, the_id, number, the_stack, the_tail, and)                                     \
	do {                                                                                                                     \
		store_two(&r->time, two(time, cur->id));                                                                         \
		r->head = kinds[type].head | (uint64_t)(the_stack) << 32;                                                        \
		r->id = (the_id);                                                                                                \
		r->tail = (the_tail);                                                                                            \
		r->g = (the_g);                                                                                                  \
		r->no = (number);                                                                                                \
		r->at = p;                                                                                                       \
		r->more = (uint32_t)o->sizes[index].more;                                                                        \
		r->p_no = p_no;                                                                                                  \
		r->p_status = p_status;                                                                                          \
		r++;                                                                                                             \
		and;                                                                                                             \
		cur = next_cur;                                                                                                  \
		p = next;                                                                                                        \
		time = next_time;                                                                                                \
		if (__builtin_expect(p > limit, 0))                                                                              \
			goto undecoded;                                                                                          \
		if (__builtin_expect(time > latest, 0))                                                                          \
			goto unusual;                                                                                            \
		if (__builtin_expect(r == last, 0))                                                                              \
			goto full;                                                                                               \
		if (*p == (follower))                                                                                            \
			goto label;                                                                                              \
		goto dispatch;                                                                                                   \
	} while (0)

/* The G that is named.  In this generation nothing makes it one that was not told of in it again. */
#define STAGED_G(name)                                                                                                           \
	do {                                                                                                                     \
		g = etr__gtable_find(&o->model.gs, (int64_t)(name));                                                             \
		USUAL(g->seq.next < ETR__STALE);                                                                                        \
	} while (0)

/* The thread's goroutine stops running.  Its next number is the one behind that of the event that started it: while it runs it can have no other. */
#define STAGE_OFF(index, type)                                                                                                   \
	do {                                                                                                                     \
		LOOK(index, 2);                                                                                                  \
		USUAL(state == STATUS(WIRE_G_RUNNING, 1));                                                                       \
		NAMED_STRING(name, v.a);                                                                                         \
		NAMED_STACK(stack, v.b);                                                                                         \
		next_cur = &etr__no_g;                                                                                           \
		STAGE(index, type, WIRE_GO_START, go_start, cur, cur->id, number, stack, (uint64_t)stack << 32 | name, state = 0); \
	} while (0)

/* Stages what comes next of a cursor's thread.  How many events: 0 where that at hand cannot be staged. */
INLINE size_t stage(struct etr__order *o, struct etr__cursor *c, bool whole_ns, bool bmi2)
{
	const struct etr__frontier *f = &o->now->frontier;
	const uint64_t gen = o->now->number;
	const double ns_per_unit = f->ns_per_unit;
	const int64_t unit = whole_ns ? (int64_t)ns_per_unit : 0, latest = latest_usual(o);
	struct etr__stage *s = c->stage ? c->stage : etr__staged_take(o, c);
	struct etr__staged *r = s->r, *const last = s->r + ETR__STAGED;
	const struct etr__m *m = c->m;
	struct etr__g *cur = m->g ? m->g : &etr__no_g, *next_cur, *g;
	uint64_t state, number;		/* cur's STATUS(), and its next number */
	uint64_t p_no;			/* the P's next number, */
	uint8_t p_status;		/* and its status */
	const uint8_t *p = c->at, *const limit = c->end - LOOK_AHEAD, *next;
	int64_t time = c->time, next_time;
	struct front front;
	struct numbers v;
	etr_stack_id stack, begins;
	etr_string_id name;
	const struct masks masks = { HIGH_BITS, ~HIGH_BITS }, *k = &masks;

	c->staged = &etr__nothing_staged;
	s->batch = c->batch;
	/* As the loop wants it; and the record has to tell no goroutine from one whose id is negative. */
	if (p > limit || !m->p || cur->id != m->gid || (m->g && m->gid < 0) || time <= 0 || time > latest)
		return 0;
	state = status_word(cur);
	number = cur->seq.next;
	p_no = m->p->seq.next;
	p_status = m->p->status;
dispatch:
	switch (*p) {
	case WIRE_GO_UNBLOCK:
	go_unblock:
		LOOK(UNBLOCK, 3);
		NAMED_STACK(stack, v.c);
		STAGED_G(v.a);
		STAGE(UNBLOCK, WIRE_GO_UNBLOCK, WIRE_GO_BLOCK, go_block, g, (int64_t)v.a, v.b + 1, stack, 0, (void)0);
	case WIRE_GO_BLOCK:
	go_block:
		STAGE_OFF(BLOCK, WIRE_GO_BLOCK);
	case WIRE_GO_START:
	go_start:
		LOOK(START, 2);
		USUAL(cur == &etr__no_g);
		STAGED_G(v.a);
		number = v.b + 1;
		next_cur = g;
		STAGE(START, WIRE_GO_START, WIRE_GO_UNBLOCK, go_unblock, g, (int64_t)v.a, number, 0, 0, state = STATUS(WIRE_G_RUNNING, 1));
	case WIRE_GO_STOP:
		STAGE_OFF(STOP, WIRE_GO_STOP);
	case WIRE_GO_SYSCALL_BEGIN:
	go_syscall_begin:
		LOOK(SYSCALL_BEGIN, 2);
		USUAL(state == STATUS(WIRE_G_RUNNING, 1) && m->p->seq.gen == gen && v.a == p_no);
		NAMED_STACK(stack, v.b);
		STAGE(SYSCALL_BEGIN, WIRE_GO_SYSCALL_BEGIN, WIRE_GO_SYSCALL_END, go_syscall_end, cur, cur->id, number, stack,
		      (uint64_t)stack << 32, (state = STATUS(WIRE_G_SYSCALL, 1), p_no++, p_status = WIRE_P_SYSCALL));
	case WIRE_GO_SYSCALL_END:
	go_syscall_end:
		LOOK(SYSCALL_END, 0);
		USUAL(state == STATUS(WIRE_G_SYSCALL, 1) && p_status == WIRE_P_SYSCALL);
		STAGE(SYSCALL_END, WIRE_GO_SYSCALL_END, WIRE_GO_SYSCALL_BEGIN, go_syscall_begin, cur, cur->id, number, 0, 0,
		      (state = STATUS(WIRE_G_RUNNING, 1), p_status = WIRE_P_RUNNING));
	case WIRE_GO_CREATE:
	go_create:
		LOOK(CREATE, WIDE + 3);
		USUAL(state == STATUS(WIRE_G_RUNNING, 1) && v.a <= INT32_MAX);
		NAMED_STACK(begins, v.b);
		NAMED_STACK(stack, v.c);
		STAGE(CREATE, WIRE_GO_CREATE, WIRE_GO_CREATE, go_create, &etr__no_g, (int64_t)v.a, number, stack, begins, (void)0);
	case WIRE_GO_DESTROY:
		LOOK(DESTROY, 0);
		USUAL(state == STATUS(WIRE_G_RUNNING, 1));
		next_cur = &etr__no_g;
		STAGE(DESTROY, WIRE_GO_DESTROY, WIRE_GO_START, go_start, cur, cur->id, number, 0, 0, state = 0);
	case WIRE_HEAP_ALLOC:
	heap_alloc:
		LOOK(HEAP, 1);
		STAGE(HEAP, WIRE_HEAP_ALLOC, WIRE_HEAP_ALLOC, heap_alloc, &etr__no_g, ETR__NOT_STAGED, number, 0, v.a, (void)0);
	default:
		goto unusual;
	}
full:
unusual:
	if (__builtin_expect(can_decode(p, k, bmi2), 1)) {
		store_two(&r->time, two(time, cur->id));
		r->at = p;
		r->p_no = p_no;
		r->p_status = p_status;
	} else {
undecoded:
		if (r == s->r)
			return 0;
		r--;
	}
	r->g = &etr__no_g;
	r->id = ETR__NOT_STAGED;
	s->end = r;
	c->staged = s->r;
	return (size_t)(r - s->r);
}

/* Of two times and their cursors: the earlier one is left in a, the first one if they are equal. */
INLINE void earlier_first(int64_t *time_a, struct etr__cursor **a, int64_t *time_b, struct etr__cursor **b)
{
	const int64_t time = *time_a;
	struct etr__cursor *const cursor = *a;

#ifdef __x86_64__
	__asm__("cmpq %[time], %[time_b]\n\t"
		"cmovlq %[time_b], %[time_a]\n\t"
		"cmovlq %[b], %[a]\n\t"
		"cmovlq %[time], %[time_b]\n\t"
		"cmovlq %[cursor], %[b]"
		: [time_a] "+&r"(*time_a), [a] "+&r"(*a), [time_b] "+&r"(*time_b), [b] "+&r"(*b)
		: [time] "r"(time), [cursor] "r"(cursor) : "cc");
#else
	const bool change = *time_b < time;

	*time_a = change ? *time_b : time;
	*a = change ? *b : cursor;
	*time_b = change ? time : *time_b;
	*b = change ? cursor : *b;
#endif
}

/* The earlier of a place's two children, the first one if they are equal. */
INLINE struct etr__head *earlier_child(struct etr__head *heads, struct etr__head *at)
{
	struct etr__head *child = at + (at - heads) + 1;

#ifdef __x86_64__
	struct etr__head *second = child + 1;

	__asm__("cmpq %[first_time], %[second_time]\n\tcmovlq %[second], %[child]"
		: [child] "+r"(child) : [second] "r"(second), [first_time] "r"(child->time), [second_time] "m"(second->time) : "cc");
#else
	child += child[1].time < child[0].time;
#endif
	return child;
}

/*
 * Does what etr__head_sink() does to the head, but always down to the bottom, that many levels below: there whichever is later goes on.  How far
 * a head sinks nobody can guess where many threads take turns, so nothing here is a branch that depends on it.
 */
INLINE void sink(struct etr__head *heads, unsigned levels)
{
	struct etr__cursor *cursor = heads[0].cursor;
	int64_t time = heads[0].time;
	struct etr__head *at = heads;

	for (unsigned i = 0; i < levels; i++) {
		struct etr__head *child = earlier_child(heads, at);
		struct etr__cursor *other = child->cursor;
		int64_t other_time = child->time;

		earlier_first(&time, &cursor, &other_time, &other);
		*at = (struct etr__head){ time, cursor };
		time = other_time;
		cursor = other;
		at = child;
	}
	*at = (struct etr__head){ time, cursor };
}

/*
 * Carries out, in full, what only few events do, its time and context apart: 1; 0, and nothing done, where it is not usual; -1 when out of
 * memory.  The thread's goroutine is not that of m, which is behind.
 */
INLINE int carry_out_apart(struct etr__order *o, const struct etr__staged *r, struct out *out, bool packed)
{
	struct etr__g *cur = etr__gtable_find(&o->model.gs, r->g_id);

	switch (*r->at) {
	case WIRE_HEAP_ALLOC:
		heap(out, packed, r->tail);
		return 1;
	case WIRE_GO_DESTROY:
		if (!has_status(cur, STATUS(WIRE_G_RUNNING, 1)))
			return 0;
		destroy(o, out, packed, cur);
		return 1;
	case WIRE_GO_CREATE:
		if (!has_status(cur, STATUS(WIRE_G_RUNNING, 1)))
			return 0;
		return create(o, out, packed, r->id, (etr_stack_id)(r->head >> 32), (etr_stack_id)r->tail);
	default:
		return 0;
	}
}

/* The staged event r of c is carried out: what is common to all. */
#define CARRIED_OUT(r)                                                                                                           \
	do {                                                                                                                     \
		o->usual[*(r)->at] += (r)->more;                                                                                 \
		memcpy(&context, &c->m->pid, sizeof(context));                                                                   \
		deliver(&out, packed, event_time, (uint64_t)event_time - (uint64_t)last_time, (r)->g_id, context,                \
			log_context_word(c->m->log_context), 1);                                                                 \
		last_time = event_time;                                                                                          \
		c->staged = (r) + 1;                                                                                             \
		heads[0].time = (r)[1].time;                                                                                     \
		sink(heads, levels);                                                                                             \
	} while (0)

typedef size_t stage_fn(struct etr__order *o, struct etr__cursor *c);

/*
 * Delivers what is staged, and stages what comes next, for as long as the earliest event can be.  How many; whatever comes next, if there is
 * room, is for the loop.  A fault is recorded, see stuck.
 */
INLINE int crowd(struct etr__order *o, struct out out, struct etr__log *log, bool packed, stage_fn *fill)
{
	struct etr__head *const heads = o->now->frontier.heap;
	const unsigned levels = 31 - (unsigned)__builtin_clz((unsigned)o->now->frontier.n);
	int64_t last_time = o->last_time, event_time;
	const struct etr__staged *r;
	struct etr__cursor *c;
	two_words context;
	size_t n;

	if (!etr__staged_begin(o, packed))
		goto no_memory;
	for (;;) {
		for (;;) {
			const struct etr__kind *kind;
			struct etr__p *p;
			struct etr__g *g;

			c = heads[0].cursor;
			r = c->staged;
			g = r->g;
			if (__builtin_expect(r->id != g->id, 0))
				break;
			kind = &kinds[*r->at];
			p = c->m->p;
			if (__builtin_expect(g->seq.next + kind->named != r->no, 0) || __builtin_expect(!has_status(g, kind->before), 0) ||
			    __builtin_expect(((p->seq.next ^ r->p_no) | (uint64_t)(p->status ^ r->p_status)) != 0, 0))
				break;
			event_time = delivery_time(r->time, &last_time);
			if (__builtin_expect(is_full(&out, packed), 0) || __builtin_expect(packed && !has_packed_dt(event_time, last_time), 0))
				break;
			g->seq.next = r->no;
			set_status(g, kind->after);
			p->seq.next = r[1].p_no;
			p->status = r[1].p_status;
			if (packed) {
				pack(&out, kind->what, (uint64_t)r->id, (uint32_t)(r->head >> 32), (uint32_t)r->tail);
			} else {
				memcpy(&out.ev->kind, &r->head, 16);
				memcpy(&out.ev->u.transition.reason, &r->tail, 8);
			}
			CARRIED_OUT(r);
		}
		if (is_full(&out, packed))
			break;
		event_time = delivery_time(r->time, &last_time);
		if (c->staged != &etr__nothing_staged && r != c->stage->end && kinds[*r->at].before == APART &&
		    (!packed || has_packed_dt(event_time, last_time))) {
			int rc = carry_out_apart(o, r, &out, packed);

			if (rc < 0)
				goto no_memory;
			if (rc > 0) {
				CARRIED_OUT(r);
				continue;
			}
		}
		if (c->stage) {
			if (c->staged == &etr__nothing_staged || r != c->stage->end) {
				etr__staged_drop(o, c);
				break;
			}
			etr__staged_used_up(o, c);
		} else if (packed && c->m->p && c->m->log_p != c->m->p && !find_context(log, c->m, c->m->p)) {
			break;
		}
		n = fill(o, c);
		if (!etr__staged_filled(o, c))
			break;
		if (n == 0) {
			etr__staged_drop(o, c);
			break;
		}
	}
	o->last_time = last_time;
	return filled(&out, packed);
no_memory:
	etr__fault_nomem(o->fault);
	o->stuck = true;
	o->last_time = last_time;
	return filled(&out, packed);
}

#undef CARRIED_OUT

#endif
