/* SPDX-License-Identifier: BSD-3-Clause
 *
 * orderfast.c - the usual event, fast.
 *
 * Nearly all events of a trace are of a dozen types, have small numbers, follow the rules, and come from the thread that the
 * event before them came from.  For these, decoding and rule are fused here: one loop runs along one cursor for as long as its
 * events are the earliest, with the cursor's state in registers.  Whatever is not usual (an unusual type or number, the end of a
 * batch, an event that has to wait or breaks a rule) leaves the loop with nothing of that event done; the rules in order-*.c, which
 * are the truth about every event, then take it.  So a condition that is too strict here costs time and nothing else; one that
 * is too lax is a bug.
 *
 * An event's numbers lie behind its type byte, and the high bit of each of their bytes says whether more follow.  The high bits
 * of 16 bytes, fetched at once and turned round, have a 1 for each number's end; so an event's length is the place of its n-th 1.
 * The next event's length is thus known, and that it can be decoded, before this one is delivered, which is the rule of delivery.
 *
 * The loop is compiled twice: for x86-64 processors with BMI2, whose bit extraction suits all this well, and for others.
 */
#include "libtrace/order.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__

#define HIGH_BITS 0x8080808080808080u

/* How far behind an event's type byte the loop may look. */
#define LOOK_AHEAD 17

static inline __attribute__((always_inline)) uint64_t load64(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

/* A bit for each of the 16 bytes at p that is the last of a number, from bit 0 on; the bits above mean nothing. */
static inline __attribute__((always_inline)) uint32_t number_ends(const uint8_t *p)
{
#ifdef __SSE2__
	return ~(uint32_t)_mm_movemask_epi8(_mm_loadu_si128((const __m128i *)(const void *)p));
#else
	uint64_t low = (~load64(p) & HIGH_BITS) >> 7, high = (~load64(p + 8) & HIGH_BITS) >> 7;

	/* The multiplication brings bit 8 * i to bit 56 + i. */
	return (uint32_t)((low * 0x0102040810204080u) >> 56 | (high * 0x0102040810204080u) >> 56 << 8);
#endif
}

/* For each type among a thread's events 1 << (number of its numbers - 1), dt counted; 0 for others. */
static const uint8_t last_number[256] = {
#define LAST_STRUCTURAL(n) 0
#define LAST_TIMED(n) (1 << ((n) - 1))
#define LAST_EXPERIMENT(n) (1 << ((n) - 1))
#define A(name, role) 1
#define WIRE_EVENT(sym, type, name, since, cls, ...) [type] = LAST_##cls(sizeof((const char[]){ __VA_ARGS__ })),
#include "wire/events.def"
#undef WIRE_EVENT
#undef A
};

/* The index of the n-th bit that is set in ends, `last` being 1 << (n - 1); 32 or more if there is none or last is 0. */
static inline __attribute__((always_inline)) unsigned nth_end(uint32_t ends, uint32_t last, bool bmi2)
{
#ifdef __x86_64__
	if (bmi2) {
		uint64_t bit;

		__asm__("pdep %2, %1, %0" : "=r"(bit) : "r"((uint64_t)last), "r"((uint64_t)ends));
		return bit ? (unsigned)__builtin_ctzll(bit) : 64;
	}
#endif
	if (!last)
		return 64;
	for (; last > 1; last >>= 1)
		ends &= ends - 1;
	return ends ? (unsigned)__builtin_ctz(ends) : 64;
}

/* The number in the bytes of w that `bytes` covers: their low seven bits, side by side. */
static inline __attribute__((always_inline)) uint64_t number(uint64_t w, uint64_t bytes, bool bmi2)
{
#ifdef __x86_64__
	if (bmi2) {
		uint64_t v;

		__asm__("pext %2, %1, %0" : "=r"(v) : "r"(w), "r"(bytes & ~HIGH_BITS));
		return v;
	}
#endif
	w = (w & bytes & ~HIGH_BITS) >> __builtin_ctzll(bytes | (uint64_t)1 << 63);
	w = (w & 0x007f007f007f007fu) | (w & 0x7f007f007f007f00u) >> 1;
	w = (w & 0x00003fff00003fffu) | (w & 0x3fff00003fff0000u) >> 2;
	return (w & 0x000000000fffffffu) | (w & 0x0fffffff00000000u) >> 4;
}

/* The first three numbers within eight bytes.  False: fewer than n end there, n being 1 to 3. */
static inline __attribute__((always_inline)) bool numbers(const uint8_t *p, uint64_t *v, int n, bool bmi2)
{
	uint64_t w = load64(p), ends = ~w & HIGH_BITS, upto = ends ^ (ends - 1), before;

	v[0] = number(w, upto, bmi2);
	if (n > 1) {
		ends &= ends - 1;
		before = upto;
		upto = ends ^ (ends - 1);
		v[1] = number(w, upto & ~before, bmi2);
	}
	if (n > 2) {
		ends &= ends - 1;
		before = upto;
		upto = ends ^ (ends - 1);
		v[2] = number(w, upto & ~before, bmi2);
	}
	return ends != 0;
}

/* Whether eight bytes in a row are not the last of a number: the number may not fit in 64 bits. */
static inline __attribute__((always_inline)) bool has_long_number(uint32_t ends)
{
	uint32_t run = ~ends & 0xffff;

	run &= run >> 1;
	run &= run >> 2;
	return (run & run >> 4) != 0;
}

#define USUAL(condition)                                                                                                         \
	do {                                                                                                                     \
		if (__builtin_expect(!(condition), 0))                                                                           \
			goto unusual;                                                                                            \
	} while (0)

#define ARGS(n) USUAL(numbers(p + 2 + __builtin_ctz(ends), v, n, bmi2))

/* The context's G, which must have that status; its P must be there, too. */
#define CURRENT_G(state)                                                                                                         \
	do {                                                                                                                     \
		g = m->g;                                                                                                        \
		USUAL(g && m->p && g->status == (state));                                                                        \
	} while (0)

/* The G that is named, which must have that status, and the event be the next of it. */
#define NAMED_G(name, state, no)                                                                                                 \
	do {                                                                                                                     \
		g = etr__gtable_find(&o->model.gs, (int64_t)(name));                                                             \
		USUAL(g->status == (state) && g->seq.gen == gen && g->seq.n + 1 == (no));                                        \
	} while (0)

static inline __attribute__((always_inline)) int run(struct etr__order *o, struct etr_event *events, int max, bool bmi2)
{
	struct etr__frontier *f = &o->now->frontier;
	const struct etr__tables *t = &o->now->tables;
	const uint64_t gen = o->now->number;
	const double ns_per_unit = f->ns_per_unit;
	const int64_t whole_ns = f->whole_ns;
	struct etr__cursor *c = f->heap[0].cursor;
	struct etr__m *m = c->m;
	struct etr_event *ev = events, *const last = events + max;
	int64_t last_time = o->last_time, time = c->time, bound = o->next_sample_time;
	const uint8_t *p = c->at, *next = c->p, *limit;
	uint8_t type = c->type;
	uint32_t ends;

	if (f->n > 1 && f->heap[1].time < bound)
		bound = f->heap[1].time;
	if (f->n > 2 && f->heap[2].time < bound)
		bound = f->heap[2].time;
	if (c->end - p < LOOK_AHEAD || m->id == -1 || time <= 0 || time > bound || !f->usual_clock)
		return 0;
	limit = c->end - LOOK_AHEAD;
	m->known = true;
	ends = number_ends(p + 1);
	while (ev < last) {
		const uint8_t *next2;
		uint8_t type2;
		uint32_t ends2, dt_ends;
		unsigned len;
		int64_t time2;
		uint64_t v[3], dt, w;
		struct etr__g *g;

		/* The next event: its length and its time. */
		USUAL(next <= limit);
		type2 = *next;
		ends2 = number_ends(next + 1);
		len = nth_end(ends2, last_number[type2], bmi2);
		USUAL(len <= 8 || (len < 16 && !has_long_number(ends2)));
		next2 = next + 2 + len;
		w = load64(next + 1);
		dt_ends = ~(uint32_t)w & (uint32_t)HIGH_BITS;
		USUAL(dt_ends != 0);
		dt = number(w, dt_ends ^ (dt_ends - 1), bmi2);
		if (whole_ns)
			time2 = time + (int64_t)dt * whole_ns;
		else
			time2 = time + (int64_t)((double)(int32_t)dt * ns_per_unit);

		/* This one. */
		ev->g = m->gid;
		ev->p = m->pid;
		ev->m = m->id;
		switch (type) {
		case WIRE_GO_START:
			ARGS(2);
			NAMED_G(v[0], WIRE_G_RUNNABLE, v[1]);
			USUAL(m->p && !m->g && g->id != -1);
			g->status = WIRE_G_RUNNING;
			g->seq.n++;
			g->bound++;
			m->g = g;
			m->gid = g->id;
			etr__g_transition(ev, g->id, ETR_STATE_RUNNABLE, ETR_STATE_RUNNING);
			ev->stack = 0;
			break;
		case WIRE_GO_BLOCK:
		case WIRE_GO_STOP:
			ARGS(2);
			CURRENT_G(WIRE_G_RUNNING);
			USUAL(v[0] < t->nstring_of && v[1] < t->nstack_of);
			if (type == WIRE_GO_BLOCK) {
				g->status = WIRE_G_WAITING;
				etr__g_transition(ev, g->id, ETR_STATE_RUNNING, ETR_STATE_WAITING);
			} else {
				g->status = WIRE_G_RUNNABLE;
				etr__g_transition(ev, g->id, ETR_STATE_RUNNING, ETR_STATE_RUNNABLE);
			}
			ev->u.transition.reason = t->string_of[v[0]];
			ev->u.transition.stack = ev->stack = t->stack_of[v[1]];
			g->bound--;
			m->g = NULL;
			m->gid = -1;
			break;
		case WIRE_GO_UNBLOCK:
			ARGS(3);
			NAMED_G(v[0], WIRE_G_WAITING, v[1]);
			USUAL(v[2] < t->nstack_of);
			g->status = WIRE_G_RUNNABLE;
			g->seq.n++;
			etr__g_transition(ev, g->id, ETR_STATE_WAITING, ETR_STATE_RUNNABLE);
			ev->stack = t->stack_of[v[2]];
			break;
		case WIRE_GO_SYSCALL_BEGIN:
			ARGS(2);
			CURRENT_G(WIRE_G_RUNNING);
			USUAL(etr__seq_fits(&m->p->seq, gen, v[0]) && v[1] < t->nstack_of);
			g->status = WIRE_G_SYSCALL;
			m->p->status = WIRE_P_SYSCALL;
			m->p->seq.n++;
			etr__g_transition(ev, g->id, ETR_STATE_RUNNING, ETR_STATE_SYSCALL);
			ev->u.transition.stack = ev->stack = t->stack_of[v[1]];
			break;
		case WIRE_GO_SYSCALL_END:
			CURRENT_G(WIRE_G_SYSCALL);
			USUAL(m->p->status == WIRE_P_SYSCALL);
			g->status = WIRE_G_RUNNING;
			m->p->status = WIRE_P_RUNNING;
			etr__g_transition(ev, g->id, ETR_STATE_SYSCALL, ETR_STATE_RUNNING);
			ev->stack = 0;
			break;
		default:
			goto unusual;
		}
		ev->time = time > last_time ? time : (int64_t)((uint64_t)last_time + 1);
		last_time = ev->time;
		ev++;
		o->counts[type]++;
		o->bytes[type] += (uint64_t)(next - p);
		p = next;
		next = next2;
		type = type2;
		ends = ends2;
		time = time2;
		/* Not above 0 is unusual, too. */
		if (__builtin_expect((uint64_t)(time - 1) >= (uint64_t)bound, 0))
			break;
	}
unusual:
	if (p != c->at) {
		c->at = p;
		c->p = next;
		c->type = type;
		c->has_args = false;
		c->time = f->heap[0].time = time;
		o->last_time = last_time;
	}
	if (!etr__frontier_head_stays(f, time))
		etr__frontier_settle(f, 0);
	return (int)(ev - events);
}

static int run_anywhere(struct etr__order *o, struct etr_event *events, int max)
{
	return run(o, events, max, false);
}

bool etr__order_can_bmi2(void)
{
#ifdef __x86_64__
	/* The first two Zens have the instructions, but in microcode. */
	return __builtin_cpu_supports("bmi2") && !__builtin_cpu_is("znver1") && !__builtin_cpu_is("znver2");
#else
	return false;
#endif
}

#ifdef __x86_64__
static __attribute__((target("bmi,bmi2"))) int run_bmi2(struct etr__order *o, struct etr_event *events, int max)
{
	return run(o, events, max, true);
}
#endif

int etr__order_run(struct etr__order *o, struct etr_event *events, int max)
{
#ifdef __x86_64__
	if (o->bmi2)
		return run_bmi2(o, events, max);
#endif
	return run_anywhere(o, events, max);
}

#else

bool etr__order_can_bmi2(void)
{
	return false;
}

int etr__order_run(struct etr__order *o, struct etr_event *events, int max)
{
	(void)o, (void)events, (void)max;
	return 0;
}

#endif
