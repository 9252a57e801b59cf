/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fastrule.h - what fastloop.h and faststage.h have in common: the types they know, and how they look at an event.
 */
#ifndef LIBTRACE_FASTRULE_H
#define LIBTRACE_FASTRULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "libtrace/eventlog.h"
#include "libtrace/fastbits.h"
#include "libtrace/fastout.h"
#include "libtrace/guess.h"
#include "libtrace/order.h"

/* How many bytes a loop may look at from an event's type byte on: of one of 17 those, and of the next one nine. */
#define LOOK_AHEAD 26

/* Times up to here cannot overflow by a step of eight bytes, which hold less than 2^56 units of at most 2^6 ns. */
#define USUAL_TIME_MAX (((int64_t)1 << 62) - 1)

INLINE int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Nothing that a loop knows happens later. */
INLINE int64_t latest_usual(const struct etr__order *o)
{
	return earlier(o->next_sample_time, USUAL_TIME_MAX);
}

/* The types that the loop knows. */
enum {
	UNBLOCK, BLOCK, START, STOP, SYSCALL_BEGIN, SYSCALL_END, SWEEP_BEGIN, SWEEP_END, HEAP,
	TASK_BEGIN, TASK_END, REGION_BEGIN, REGION_END, LOG,
	CREATE, DESTROY, ASSIST_BEGIN, ASSIST_END,
	NTYPES
};
_Static_assert(NTYPES == ETR__USUAL_TYPES, "sizes");

_Static_assert(offsetof(struct etr__g, bound) == offsetof(struct etr__g, status) + 4, "status, bound");

/* A G's status and how many threads are bound to it, in one. */
#define STATUS(status, bound) ((uint64_t)(bound) << 32 | (status))

INLINE uint64_t status_word(const struct etr__g *g)
{
	uint64_t word;

	memcpy(&word, &g->status, sizeof(word));
	return word;
}

INLINE bool has_status(const struct etr__g *g, uint64_t status)
{
	return status_word(g) == status;
}

INLINE void set_status(struct etr__g *g, uint64_t status)
{
	memcpy(&g->status, &status, sizeof(status));
}

/* When an event is delivered that happened then: later than the one before. */
INLINE int64_t delivery_time(int64_t time, const int64_t *last_time)
{
	if (__builtin_expect(!is_later(time, last_time), 0)) {
		time = (int64_t)((uint64_t)*last_time + 1);
		/* A branch, which waits for nothing. */
		__asm__("" : "+r"(time));
	}
	return time;
}

/* Whether the log can tell how much later. */
INLINE bool has_packed_dt(int64_t time, int64_t last_time)
{
	return (uint64_t)time - (uint64_t)last_time <= ETR__PACKED_DT_MAX;
}

/* Finds what the log calls the thread with that processor.  False: it has too many names already. */
static __attribute__((noinline)) bool find_context(struct etr__log *log, struct etr__m *m, struct etr__p *p)
{
	int context = p->id < -1 ? -1 : etr__log_context(log, p->id, m->id);

	if (context < 0)
		return false;
	m->log_context = context;
	m->log_p = p;
	return true;
}

/* Added to how many numbers an event has where with dt they may take more than eight bytes: wide_numbers() finds them. */
#define WIDE 8

#define USUAL(condition)                                                                                                         \
	do {                                                                                                                     \
		if (__builtin_expect(!(condition), 0))                                                                           \
			goto unusual;                                                                                            \
	} while (0)

/*
 * The event at p is `v` with n numbers behind its dt; looks at what follows it, too.
 *
 * Where the next event begins is known after some 13 cycles, and with that where the one after it begins, and so on, which is longer than
 * all the rest takes.  But events of a type mostly have the size of the one before.  So the next one is looked for there, and only
 * whether that was right has to be found out, by a branch that is guessed well.  The compiler must not see that both ways lead to
 * the same place.  Sizes are compared by their `last`, which takes two instructions less than `behind`.  Of an event of up to three numbers that
 * is not usual it is none that is ever remembered (0, or bit 63 where there is no number), so that the same branch tells.  One of two or
 * three numbers may still be found in twice eight bytes; no size is remembered of it, since `last` would mean something else.
 */
#define LOOK(type, n)                                                                                                            \
	do {                                                                                                                     \
		v = (n) > WIDE ? wide_numbers(p, (n) - WIDE, k, bmi2) : numbers_at(p, n, k, bmi2);                               \
		if ((n) > WIDE)                                                                                                  \
			USUAL(v.usual);                                                                                          \
		next = p + 2 + o->sizes[type].behind;                                                                            \
		__asm__("" : "+r"(next));                                                                                        \
		if (__builtin_expect((n) > WIDE ? v.behind != o->sizes[type].behind : v.last != o->sizes[type].last, 0)) {       \
			if (v.usual) {                                                                                           \
				o->sizes[type].behind = v.behind;                                                                \
				o->sizes[type].last = v.last;                                                                    \
			} else {                                                                                                 \
				USUAL((n) == 2 || (n) == 3);                                                                     \
				v = wide_numbers(p, n, k, bmi2);                                                                 \
				USUAL(v.usual);                                                                                  \
				o->sizes[type].last = ETR__SIZE_UNKNOWN;                                                         \
			}                                                                                                        \
			o->sizes[type].more = ETR__ONE_MORE + 2 + v.behind;                                                      \
			next = p + 2 + v.behind;                                                                                 \
			__asm__ volatile("");                                                                                    \
		}                                                                                                                \
		front = look(next, k, bmi2);                                                                                     \
		next_time = time + step(&front, ns_per_unit, whole_ns, &unit, k, bmi2);                                          \
		next_cur = cur;                                                                                                  \
	} while (0)

/* The dense id of what the event names. */
#define NAMED(id, of, no)                                                                                                        \
	do {                                                                                                                     \
		USUAL((no) < (of).n);                                                                                            \
		id = (of).ids[no];                                                                                               \
		USUAL(id != 0 || (no) == 0);                                                                                     \
	} while (0)

#define NAMED_STACK(stack, no) NAMED(stack, o->stack_of, no)
#define NAMED_STRING(string, no) NAMED(string, o->string_of, no)

/* Whether the event at p can be decoded within eight bytes, or twice eight, as the loop does it. */
INLINE bool can_decode(const uint8_t *p, const struct masks *k, bool bmi2)
{
	struct front f = look(p, k, bmi2);
	unsigned n = etr__nargs[*p];

	if (has_numbers(&f, n))
		return true;
	return (n == 3 && wide_numbers(p, 2, k, bmi2).usual) || (n == 4 && wide_numbers(p, 3, k, bmi2).usual) ||
	       (n == 5 && wide_numbers(p, 4, k, bmi2).usual);
}

/* A goroutine is created: 1; 0, and nothing done, where there is one of that id; -1 when out of memory. */
INLINE int create(struct etr__order *o, struct out *out, bool packed, int64_t id, etr_stack_id stack, etr_stack_id begins)
{
	if (__builtin_expect(etr__gtable_find(&o->model.gs, id) != &etr__no_g, 0))
		return 0;
	if (__builtin_expect(!etr__model_add_g(&o->model, id, WIRE_G_RUNNABLE), 0))
		return -1;
	if (packed && o->guess)
		etr__guess_created(o->guess, id);
	creation(out, packed, id, stack, begins);
	return 1;
}

/* A running goroutine ends; it is not there any more. */
INLINE void destroy(struct etr__order *o, struct out *out, bool packed, struct etr__g *g)
{
	transition(out, packed, g->id, ETR_STATE_RUNNING, ETR_STATE_NOT_EXIST, 0, false, 0);
	set_status(g, STATUS(WIRE_G_RUNNING, 0));
	etr__model_forget_g(&o->model, g);
}

#endif
