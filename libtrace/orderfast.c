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
 * An event may be delivered only if the next one of its thread can be decoded.  The loop carries an event out before it knows that
 * of the next one, and takes it back (from what is delivered; the model is of no use any more) should it turn out otherwise.
 *
 * The loop is compiled four times: for events as they are delivered and for a log's packed ones, each for x86-64 processors with BMI2,
 * whose bit extraction suits all this well, and for others.
 */
#include "libtrace/order.h"

#include <stddef.h>
#include <string.h>

#include "libtrace/eventlog.h"
#include "libtrace/fastbits.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__

/* How far behind an event's type byte the loop may look. */
#define LOOK_AHEAD 9

/* Times up to here cannot overflow by a step of eight bytes, which hold less than 2^56 units of at most 2^6 ns. */
#define USUAL_TIME_MAX (((int64_t)1 << 62) - 1)

/* What the loop does with an event. */
enum way { BY_RULES, GO_START, GO_BLOCK, GO_STOP, GO_UNBLOCK, SYSCALL_BEGIN, SYSCALL_END, SWEEP_BEGIN, SWEEP_END, HEAP_ALLOC };

/* By type byte. */
static const uint8_t way_of[256] = {
	[WIRE_GO_START] = GO_START,
	[WIRE_GO_BLOCK] = GO_BLOCK,
	[WIRE_GO_STOP] = GO_STOP,
	[WIRE_GO_UNBLOCK] = GO_UNBLOCK,
	[WIRE_GO_SYSCALL_BEGIN] = SYSCALL_BEGIN,
	[WIRE_GO_SYSCALL_END] = SYSCALL_END,
	[WIRE_GC_SWEEP_BEGIN] = SWEEP_BEGIN,
	[WIRE_GC_SWEEP_END] = SWEEP_END,
	[WIRE_HEAP_ALLOC] = HEAP_ALLOC,
};

/* 1 << (how many numbers an event has - 1), dt counted; 0 for what is no event among a thread's. */
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

/* Where events go: either whole ones, or packed ones of a log. */
struct out {
	struct etr_event *ev;
	struct etr__packed *e;		/* NULL in code that is compiled for whole ones */
	uint64_t word, tail;		/* of the packed one so far */
};

/*
 * What the loop costs is mostly its stores, so fields that lie side by side are stored together.
 */
_Static_assert(offsetof(struct etr_event, g) == offsetof(struct etr_event, time) + 8, "time, g");
_Static_assert(offsetof(struct etr_event, m) == offsetof(struct etr_event, p) + 8, "p, m");
_Static_assert(offsetof(struct etr__m, id) == offsetof(struct etr__m, pid) + 8, "pid, id");
_Static_assert(offsetof(struct etr_event, stack) == offsetof(struct etr_event, kind) + 4, "kind, resource, from, to, stack");
_Static_assert(offsetof(struct etr_event, u.transition.stack) == offsetof(struct etr_event, u.transition.reason) + 4, "reason, stack");
_Static_assert(offsetof(struct etr__g, bound) == offsetof(struct etr__g, status) + 4, "status, bound");

#ifdef __SSE2__
typedef __m128i two_words;

INLINE two_words two(int64_t first, int64_t second)
{
	return _mm_set_epi64x(second, first);
}
#else
typedef struct two_words { int64_t first, second; } two_words;

INLINE two_words two(int64_t first, int64_t second)
{
	return (two_words){ first, second };
}
#endif

INLINE void store_two(void *p, two_words w)
{
	memcpy(p, &w, sizeof(w));
}

INLINE void store_head(struct etr_event *ev, uint8_t kind, uint8_t resource, uint8_t from, uint8_t to, etr_stack_id stack)
{
	uint64_t word = (uint64_t)stack << 32 | (uint32_t)(kind | resource << 8 | from << 16 | to << 24);

	memcpy(&ev->kind, &word, sizeof(word));
}

/* Memory that was read by another processor last has to come from there: early, for stores wait for each other. */
#define EVENTS_AHEAD 96

INLINE void prefetch_to_write(const struct etr__packed *e)
{
#ifdef __x86_64__
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)e));
#else
	__builtin_prefetch(e, 1);
#endif
}

/* What of a packed event its kind makes; high is what stands behind g. */
INLINE void pack(struct out *out, unsigned what, uint64_t id, uint64_t high)
{
	out->word = id << ETR__PACKED_ID | (uint64_t)what << ETR__PACKED_WHAT;
	out->tail = high << ETR__PACKED_STACK;
}

/* A goroutine changes state.  The two stacks are where it happened, and that of the goroutine: the same one, or none. */
INLINE void transition(struct out *out, bool packed, int64_t id, uint8_t from, uint8_t to, etr_stack_id stack, bool own, etr_string_id reason)
{
	uint64_t tail = (uint64_t)(own ? stack : 0) << 32 | reason;
	struct etr_event *ev = out->ev;

	if (packed) {
		pack(out, ETR__WHAT(from, to) | (own ? ETR__WHAT_OWN_STACK : 0), (uint64_t)id, (uint64_t)reason << 16 | stack);
		return;
	}
	store_head(ev, ETR_KIND_STATE_TRANSITION, ETR_RESOURCE_GOROUTINE, from, to, stack);
	ev->u.transition.id = id;
	memcpy(&ev->u.transition.reason, &tail, sizeof(tail));
}

/* A G's status and how many threads are bound to it, in one. */
INLINE uint64_t load_status(const struct etr__g *g)
{
	uint64_t word;

	memcpy(&word, &g->status, sizeof(word));
	return word;
}

INLINE void change_status(struct etr__g *g, uint64_t was, uint32_t from, uint32_t to, int bound)
{
	was += (uint64_t)to - from + ((uint64_t)(int64_t)bound << 32);
	memcpy(&g->status, &was, sizeof(was));
}

/* A sweep begins or ends. */
INLINE void sweep(struct out *out, bool packed, uint8_t kind, int64_t p, etr_stack_id stack, uint64_t swept, uint64_t reclaimed)
{
	struct etr_event *ev = out->ev;

	if (packed) {
		if (kind == ETR_KIND_RANGE_BEGIN)
			pack(out, ETR__WHAT_SWEEP_BEGIN, 0, stack);
		else
			pack(out, ETR__WHAT_SWEEP_END, swept, reclaimed);
		return;
	}
	store_head(ev, kind, ETR_RESOURCE_PROC, 0, 0, stack);
	ev->u.range.id = p;
	ev->u.range.name = ETR__STRING_SWEEP;
	ev->u.range.nattrs = kind == ETR_KIND_RANGE_BEGIN ? 0 : 2;
	ev->u.range.swept = swept;
	ev->u.range.reclaimed = reclaimed;
}

INLINE void heap(struct out *out, bool packed, uint64_t value)
{
	if (packed) {
		pack(out, ETR__WHAT_HEAP, value, value >> 32);
		return;
	}
	store_head(out->ev, ETR_KIND_METRIC, 0, 0, 0, 0);
	out->ev->u.metric.name = ETR__STRING_HEAP;
	out->ev->u.metric.value = value;
}

#define USUAL(condition)                                                                                                         \
	do {                                                                                                                     \
		if (__builtin_expect(!(condition), 0))                                                                           \
			goto unusual;                                                                                            \
	} while (0)

#define ARGS(n)                                                                                                                  \
	do {                                                                                                                     \
		v = numbers(p, n, k, bmi2);                                                                                      \
		USUAL(v.usual);                                                                                                  \
	} while (0)

/* The context's G must have that status. */
#define CURRENT_G(state)                                                                                                         \
	do {                                                                                                                     \
		was = load_status(cur);                                                                                          \
		USUAL((uint32_t)was == (state));                                                                                 \
	} while (0)

/* The G that is named must have that status, and the event be the next of it. */
#define NAMED_G(name, state, no)                                                                                                 \
	do {                                                                                                                     \
		g = etr__gtable_find(&o->model.gs, (int64_t)(name));                                                             \
		was = load_status(g);                                                                                            \
		USUAL((uint32_t)was == (state) && etr__seq_fits(&g->seq, gen, no));                                              \
		g->seq.n = (no);                                                                                                 \
	} while (0)

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

/* The loop goes elsewhere: the thread is told which goroutine it has, and the heap of the event at hand of its head. */
INLINE void leave_thread(struct etr__m *m, struct etr__g *cur)
{
	m->g = cur == &etr__no_g ? NULL : cur;
	m->gid = cur->id;
}

INLINE void put_back(struct etr__frontier *f, const uint8_t *at, const uint8_t *end, int64_t time)
{
	etr__cursor_put(f->heap[0].cursor, at, end, time);
	f->heap[0].time = time;
	etr__frontier_settle_head(f);
}

#define DONE (packed ? (int)(out.e - first_packed) : (int)(out.ev - events))

/*
 * The loop; `log` where it is compiled for packed events.  Their times are less than ETR__PACKED_DT_MAX apart; that their ids fit is known
 * beforehand, see etr__order_run_packed().
 */
INLINE int run(struct etr__order *o, struct out out, int max, struct etr__log *log, bool packed, bool bmi2)
{
	struct etr__frontier *f = &o->now->frontier;
	struct etr__head *const heads = f->heap;
	const struct etr__tables *t = &o->now->tables;
	struct etr__cursor *c;
	struct etr__m *m;
	struct etr__p *proc;
	struct etr__g *cur;		/* m's, which is told of it when the loop is left */
	const struct etr_event *const events = out.ev, *const last = packed ? NULL : events + max;
	const struct etr__packed *const first_packed = out.e, *const last_packed = packed ? first_packed + max : NULL;
	const uint64_t gen = o->now->number;
	const double ns_per_unit = f->ns_per_unit;
	int64_t last_time = o->last_time, event_time, time, bound;
	const uint8_t *p, *limit;
	uint64_t log_context = 0;
	size_t usual_end;
	two_words context;
	struct masks masks = { 0x8080808080808080u, 0x7f7f7f7f7f7f7f7fu }, *k = &masks;

	__asm__("" : "+r"(masks.high), "+r"(masks.low));
	if (!f->usual_clock)
		return 0;
thread:
	c = heads[0].cursor;
	m = c->m;
	proc = m->p;
	cur = m->g ? m->g : &etr__no_g;
	time = c->time;
	bound = o->next_sample_time;
	p = c->at;
	bound = heads[1].time < bound ? heads[1].time : bound;
	bound = heads[2].time < bound ? heads[2].time : bound;
	bound = bound < USUAL_TIME_MAX ? bound : USUAL_TIME_MAX;
	/* Where it is not known whether the thread has a goroutine, gid says so. */
	if (c->end - p < LOOK_AHEAD || !proc || cur->id != m->gid || time <= 0 || time > bound)
		goto done;
	if (packed) {
		if (m->log_p != proc && !find_context(log, m, proc))
			goto done;
		log_context = (uint64_t)m->log_context << ETR__PACKED_CONTEXT;
	}
	limit = c->end - LOOK_AHEAD;
	memcpy(&context, &m->pid, sizeof(context));
	while (packed ? out.e < last_packed : out.ev < last) {
		struct numbers v;
		struct etr__g *g, *next_cur = cur;
		etr_stack_id stack;
		uint64_t was;
		uint8_t type = *p;

		event_time = (int64_t)((uint64_t)last_time + 1);
		event_time = time > event_time ? time : event_time;
		if (packed)
			USUAL((uint64_t)event_time - (uint64_t)last_time <= ETR__PACKED_DT_MAX);
		switch ((enum way)way_of[type]) {
		case GO_START:
			ARGS(2);
			USUAL(cur == &etr__no_g);
			NAMED_G(v.a, WIRE_G_RUNNABLE, v.b);
			change_status(g, was, WIRE_G_RUNNABLE, WIRE_G_RUNNING, 1);
			transition(&out, packed, (int64_t)v.a, ETR_STATE_RUNNABLE, ETR_STATE_RUNNING, 0, false, 0);
			next_cur = g;
			break;
		case GO_BLOCK:
			ARGS(2);
			CURRENT_G(WIRE_G_RUNNING);
			USUAL(v.a < t->nstring_of && v.b < t->nstack_of);
			change_status(cur, was, WIRE_G_RUNNING, WIRE_G_WAITING, -1);
			stack = t->stack_of[v.b];
			transition(&out, packed, cur->id, ETR_STATE_RUNNING, ETR_STATE_WAITING, stack, true, t->string_of[v.a]);
			next_cur = &etr__no_g;
			break;
		case GO_STOP:
			ARGS(2);
			CURRENT_G(WIRE_G_RUNNING);
			USUAL(v.a < t->nstring_of && v.b < t->nstack_of);
			change_status(cur, was, WIRE_G_RUNNING, WIRE_G_RUNNABLE, -1);
			stack = t->stack_of[v.b];
			transition(&out, packed, cur->id, ETR_STATE_RUNNING, ETR_STATE_RUNNABLE, stack, true, t->string_of[v.a]);
			next_cur = &etr__no_g;
			break;
		case GO_UNBLOCK:
			ARGS(3);
			USUAL(v.c < t->nstack_of);
			NAMED_G(v.a, WIRE_G_WAITING, v.b);
			change_status(g, was, WIRE_G_WAITING, WIRE_G_RUNNABLE, 0);
			transition(&out, packed, (int64_t)v.a, ETR_STATE_WAITING, ETR_STATE_RUNNABLE, t->stack_of[v.c], false, 0);
			break;
		case SYSCALL_BEGIN:
			ARGS(2);
			CURRENT_G(WIRE_G_RUNNING);
			USUAL(etr__seq_fits(&proc->seq, gen, v.a) && v.b < t->nstack_of);
			proc->seq.n = v.a;
			proc->status = WIRE_P_SYSCALL;
			change_status(cur, was, WIRE_G_RUNNING, WIRE_G_SYSCALL, 0);
			stack = t->stack_of[v.b];
			transition(&out, packed, cur->id, ETR_STATE_RUNNING, ETR_STATE_SYSCALL, stack, true, 0);
			break;
		case SYSCALL_END:
			ARGS(0);
			CURRENT_G(WIRE_G_SYSCALL);
			USUAL(proc->status == WIRE_P_SYSCALL);
			proc->status = WIRE_P_RUNNING;
			change_status(cur, was, WIRE_G_SYSCALL, WIRE_G_RUNNING, 0);
			transition(&out, packed, cur->id, ETR_STATE_SYSCALL, ETR_STATE_RUNNING, 0, false, 0);
			break;
		case SWEEP_BEGIN:
			ARGS(1);
			USUAL(!proc->sweeping && v.a < t->nstack_of && (!packed || proc->sweep_noted));
			proc->sweeping = true;
			sweep(&out, packed, ETR_KIND_RANGE_BEGIN, proc->id, t->stack_of[v.a], 0, 0);
			break;
		case SWEEP_END:
			ARGS(2);
			USUAL(proc->sweeping && (!packed || (v.a | v.b) >> 32 == 0));
			proc->sweeping = false;
			sweep(&out, packed, ETR_KIND_RANGE_END, proc->id, 0, v.a, v.b);
			break;
		case HEAP_ALLOC:
			ARGS(1);
			heap(&out, packed, v.a);
			break;
		case BY_RULES:
			goto unusual;
		default:
			__builtin_unreachable();
		}
		if (packed) {
			prefetch_to_write(out.e + EVENTS_AHEAD);
			out.e->dt_id = out.word | log_context | ((uint64_t)event_time - (uint64_t)last_time);
			out.e->g_stack = out.tail | (uint64_t)(cur->id + 1);
			out.e++;
		} else {
			store_two(&out.ev->time, two(event_time, cur->id));
			store_two(&out.ev->p, context);
			out.ev++;
		}
		last_time = event_time;
		cur = next_cur;
		o->usual[type] += ETR__ONE_MORE + (uint64_t)(v.next - p);
		p = v.next;
		if (__builtin_expect(p > limit, 0))
			goto leave;
		time += step(p, ns_per_unit, k, bmi2);
		if (__builtin_expect(time > bound, 0))
			break;
	}
	if (time <= bound)
		goto unusual;
	/* The event at p comes later than one of another thread, or a sample. */
	usual_end = nth_end(~load64(p + 1) & k->high, last_number[*p], bmi2);
	if (__builtin_expect(usual_end == 64, 0))
		goto undecoded;
	put_back(f, p, p + 2 + usual_end / 8, time);
	leave_thread(m, cur);
	if (packed ? out.e < last_packed : out.ev < last)
		goto thread;
	goto done;
unusual:
	if (p == c->at)
		goto done;
	leave_thread(m, cur);
	usual_end = nth_end(~load64(p + 1) & k->high, last_number[*p], bmi2);
	if (usual_end < 64) {
		put_back(f, p, p + 2 + usual_end / 8, time);
		goto done;
	}
undecoded:
	time -= step(p, ns_per_unit, k, bmi2);
leave:
	/* The event behind the last one that was carried out is not usual, or not even there. */
	leave_thread(m, cur);
	c->p = p;
	c->time = time;
	if (etr__frontier_advance(f, 0) < 0) {
		o->stuck = true;
		o->last_time = last_time;
		return DONE - 1;
	}
	if (f->n && (packed ? out.e < last_packed : out.ev < last))
		goto thread;
done:
	o->last_time = last_time;
	return DONE;
}

#undef DONE

enum etr__path etr__order_best_path(void)
{
#ifdef __x86_64__
	/* The first two Zens have the instructions, but in microcode. */
	if (__builtin_cpu_supports("bmi2") && !__builtin_cpu_is("znver1") && !__builtin_cpu_is("znver2"))
		return ETR__PATH_LOOP_BMI2;
#endif
	return ETR__PATH_LOOP;
}

static int run_anywhere(struct etr__order *o, struct etr_event *events, int max)
{
	return run(o, (struct out){ .ev = events }, max, NULL, false, false);
}

static int run_packed_anywhere(struct etr__order *o, struct etr__packed *e, int max, struct etr__log *log)
{
	return run(o, (struct out){ .e = e }, max, log, true, false);
}

#ifdef __x86_64__
static __attribute__((target("bmi,bmi2"))) int run_bmi2(struct etr__order *o, struct etr_event *events, int max)
{
	return run(o, (struct out){ .ev = events }, max, NULL, false, true);
}

static __attribute__((target("bmi,bmi2"))) int run_packed_bmi2(struct etr__order *o, struct etr__packed *e, int max, struct etr__log *log)
{
	return run(o, (struct out){ .e = e }, max, log, true, true);
}
#endif

/* How many may be delivered before they must be counted. */
static int most(struct etr__order *o, int max)
{
	if (o->nusual == ETR__MAX_USUAL)
		etr__order_count(o);
	return max < ETR__MAX_USUAL - o->nusual ? max : ETR__MAX_USUAL - o->nusual;
}

int etr__order_run(struct etr__order *o, struct etr_event *events, int max)
{
	int n;

	max = most(o, max);
#ifdef __x86_64__
	if (o->path == ETR__PATH_LOOP_BMI2)
		n = run_bmi2(o, events, max);
	else
#endif
		n = o->path == ETR__PATH_RULES ? 0 : run_anywhere(o, events, max);
	o->nusual += n;
	return n;
}

int etr__order_run_packed(struct etr__order *o, struct etr__packed *e, int max, struct etr__log *log)
{
	const struct etr__tables *t = &o->now->tables;
	int n;

	if (t->nstacks >= ETR__PACKED_IDS || t->nstrings >= ETR__PACKED_IDS || o->model.gs.has_large_ids)
		return 0;
	max = most(o, max);
#ifdef __x86_64__
	if (o->path == ETR__PATH_LOOP_BMI2)
		n = run_packed_bmi2(o, e, max, log);
	else
#endif
		n = o->path == ETR__PATH_RULES ? 0 : run_packed_anywhere(o, e, max, log);
	o->nusual += n;
	return n;
}

#else

enum etr__path etr__order_best_path(void)
{
	return ETR__PATH_RULES;
}

int etr__order_run(struct etr__order *o, struct etr_event *events, int max)
{
	(void)o, (void)events, (void)max;
	return 0;
}

int etr__order_run_packed(struct etr__order *o, struct etr__packed *e, int max, struct etr__log *log)
{
	(void)o, (void)e, (void)max, (void)log;
	return 0;
}

#endif
