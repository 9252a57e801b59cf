/* SPDX-License-Identifier: BSD-3-Clause
 *
 * writersched.c - a small scheduler that is driven by bytes and tells a writer what it does.
 *
 * It keeps the rules, its threads' clocks apart by what the bytes say, or makes mistakes now and then.  The state is the program's,
 * the `announced` flags are the generation's.
 */
#include "tests/fuzz/writersched.h"

#include <string.h>

#include <exectrace/raw.h>

#include "tests/fuzz/fuzz.h"
#include "wire/event.h"

#define NM 4
#define NP 3
#define MAX_G 40
#define NOBODY UINT64_MAX

enum g_state { G_NONE, G_RUNNABLE = WIRE_G_RUNNABLE, G_RUNNING = WIRE_G_RUNNING, G_SYSCALL = WIRE_G_SYSCALL, G_WAITING = WIRE_G_WAITING };

struct g {
	enum g_state state;
	bool announced;
	uint64_t seq;
	unsigned regions;		/* open ones; the k-th is of type k */
	bool assists;			/* in a mark assist */
};

struct p {
	int m;				/* -1: idle */
	bool announced, sweeping;
	uint64_t seq;
};

struct m {
	int g, p;			/* -1: none */
	bool announced;
	uint64_t skew;			/* how far its clock is behind */
};

static struct {
	struct writersched *io;
	struct g g[MAX_G];
	struct p p[NP];
	struct m m[NM];
	int ng;				/* ids that were given */
	uint64_t time, gc_seq, next_task;
	bool marking;
	int gc_first;			/* the thread that put the trace's first GCBegin, in its generation; else -1 */
	bool later;			/* than the first generation */
} s;

/* The next byte of input. */
static uint8_t next(void)
{
	return writersched_byte(s.io);
}

static uint64_t a_string(void)
{
	static const char text[] = "the quick brown fox \xe4\xb8\x80 jumps \xf0\x9f\x98\x80 over the lazy dog";
	char big[1100];
	uint8_t b = next();
	int64_t id;

	if (b < 250) {
		id = etr_writer_string(s.io->w, text + b % 16, b / 8);
	} else {
		memset(big, 'x', sizeof(big));
		memcpy(big + 1020, "\xf0\x9f\x98\x80", 4);
		id = etr_writer_string(s.io->w, big + b % 5, sizeof(big) - 8);
	}
	FUZZ_CHECK(id >= 0);
	return (uint64_t)id;
}

static uint64_t a_stack(void)
{
	struct etr_writer_frame f[140];
	uint8_t b = next();
	size_t n = b < 240 ? b % 5 : 140;
	int64_t id;

	/* One pc has one function, file and line. */
	for (size_t i = 0; i < n; i++) {
		uint64_t line = (b + i) % 7;
		int64_t name = etr_writer_string(s.io->w, &"function"[line], 8 - line);

		FUZZ_CHECK(name >= 0);
		f[i] = (struct etr_writer_frame){ line ? 4096 + line : UINT64_MAX, (uint64_t)name, (uint64_t)name, line };
	}
	id = b % 8 == 7 ? etr_writer_stack_apart(s.io->w, f, n) : etr_writer_stack(s.io->w, f, n);
	FUZZ_CHECK(id >= 0);
	return (uint64_t)id;
}

/* A call's result, good unless there are mistakes. */
static void check(int rc)
{
	FUZZ_CHECK(rc == 0 || s.io->mistakes);
	FUZZ_CHECK(rc == 0 || etr_writer_detail(s.io->w)[0] != '\0');
	s.io->over |= rc < 0 && rc != -ETR_E_INVALID;
}

/* Emits an event, or something like it. */
static void put_wrongly(int m, int type, uint64_t time, const uint64_t *args)
{
	unsigned nargs = etr_wire_nargs(type) - 1;
	uint64_t changed[6] = { 0 };
	uint8_t how = next();

	memcpy(changed, args, nargs * sizeof(*args));
	switch (how % 8) {
	case 0:
		return;
	case 1:
		m = next() % (NM + 1);
		break;
	case 2:
		type = 9 + next() % 40;
		nargs = etr_wire_nargs(type) - 1;
		break;
	case 3:
		check(etr_writer_event(s.io->w, (uint64_t)m, type, time, changed, nargs));
		break;
	case 4:
		time = (uint64_t)next() << (next() % 64);
		break;
	case 5:
		changed[how / 8 % 4] = UINT64_MAX >> (next() % 64);
		break;
	default:
		changed[how / 8 % 4] += (uint64_t)(next() % 5) - 2;
	}
	check(etr_writer_event(s.io->w, (uint64_t)m, type, time, changed, nargs));
}

/* Emits an event of m with up to five arguments, which the reader makes `delivered` events of. */
static void put(int m, int type, const uint64_t *args, uint64_t delivered)
{
	uint64_t time = s.time > s.m[m].skew ? s.time - s.m[m].skew : 0;

	if (s.io->mistakes && next() >= 250)
		put_wrongly(m, type, time, args);
	else
		check(etr_writer_event(s.io->w, (uint64_t)m, type, time, args, etr_wire_nargs(type) - 1));
	s.io->delivered += delivered;
}

#define PUT(m, type, ...) put((m), (type), (const uint64_t[]){ __VA_ARGS__ }, 1)

static void announce_p(int by, int p, int status)
{
	if (!s.p[p].announced)
		PUT(by, WIRE_PROC_STATUS, (uint64_t)p, (uint64_t)status);
	if (!s.p[p].announced && s.p[p].sweeping)
		PUT(by, WIRE_GC_SWEEP_ACTIVE, (uint64_t)p);
	s.p[p].announced = true;
}

static void announce_g(int by, int g, int m)
{
	if (!s.g[g].announced)
		PUT(by, WIRE_GO_STATUS, (uint64_t)g + 1, m < 0 ? NOBODY : (uint64_t)m, (uint64_t)s.g[g].state);
	if (!s.g[g].announced && s.g[g].assists)
		PUT(by, WIRE_GC_MARK_ASSIST_ACTIVE, (uint64_t)g + 1);
	s.g[g].announced = true;
}

/* What a thread holds comes before its first event. */
static void announce_m(int m)
{
	struct m *self = &s.m[m];

	if (self->announced)
		return;
	self->announced = true;
	if (self->p >= 0)
		announce_p(m, self->p, self->g >= 0 && s.g[self->g].state == G_SYSCALL ? WIRE_P_SYSCALL : WIRE_P_RUNNING);
	if (self->g >= 0)
		announce_g(m, self->g, m);
}

static void begin_generation(void)
{
	s.time += 1000;
	check(etr_writer_begin_generation(s.io->w, s.time, s.time * 3, 1700000000, 999999999));
	s.io->delivered++;
	s.gc_first = -1;
	for (int i = 0; i < NM; i++)
		s.m[i].announced = false;
	for (int i = 0; i < NP; i++) {
		s.p[i].announced = false;
		s.p[i].seq = 0;
	}
	for (int i = 0; i < s.ng; i++) {
		s.g[i].announced = false;
		s.g[i].seq = 0;
	}
}

static void end_generation(void)
{
	for (int i = 0; i < NM; i++)
		announce_m(i);
	for (int i = 0; i < NP; i++)
		announce_p(0, i, WIRE_P_IDLE);
	for (int i = 0; i < s.ng; i++)
		if (s.g[i].state != G_NONE)
			announce_g(0, i, -1);
	check(etr_writer_end_generation(s.io->w));
	s.later = true;
}

/* A G in that state, beginning the search where the input says; -1: none. */
static int find_g(enum g_state state)
{
	int from = next();

	for (int i = 0; i < s.ng; i++)
		if (s.g[(from + i) % s.ng].state == state)
			return (from + i) % s.ng;
	return -1;
}

static int new_g(enum g_state state)
{
	if (s.ng == MAX_G)
		return -1;
	s.g[s.ng] = (struct g){ .state = state, .announced = true };
	return s.ng++;
}

static void leave(struct m *self, enum g_state state)
{
	s.g[self->g].state = state;
	if (state == G_NONE) {
		s.g[self->g].regions = 0;
		s.g[self->g].assists = false;
	}
	self->g = -1;
}

static void create(int m)
{
	bool blocked = next() & 1;
	int g = new_g(blocked ? G_WAITING : G_RUNNABLE);

	if (g >= 0)
		PUT(m, blocked ? WIRE_GO_CREATE_BLOCKED : WIRE_GO_CREATE, (uint64_t)g + 1, a_stack(), a_stack());
}

static void switch_to(int m, bool destroy)
{
	struct m *self = &s.m[m];
	int g = find_g(G_WAITING);

	if (g < 0)
		return;
	announce_g(m, g, -1);
	put(m, destroy ? WIRE_GO_SWITCH_DESTROY : WIRE_GO_SWITCH, (const uint64_t[]){ (uint64_t)g + 1, ++s.g[g].seq }, 3);
	leave(self, destroy ? G_NONE : G_WAITING);
	self->g = g;
	s.g[g].state = G_RUNNING;
}

static void annotate(int m, struct g *g)
{
	uint64_t task = s.next_task, type;

	switch (next() % 6) {
	case 0:
		s.next_task++;
		PUT(m, WIRE_USER_TASK_BEGIN, task, task / 2, a_string(), a_stack());
		break;
	case 1:
		PUT(m, WIRE_USER_TASK_END, task / 2, a_stack());
		break;
	case 2:
		type = (uint64_t)etr_writer_string(s.io->w, "regions", g->regions % 8);
		PUT(m, WIRE_USER_REGION_BEGIN, g->regions++, type, a_stack());
		break;
	case 3:
		type = g->regions ? (uint64_t)etr_writer_string(s.io->w, "regions", (g->regions - 1) % 8) : a_string();
		if (g->regions)
			g->regions--;
		PUT(m, WIRE_USER_REGION_END, g->regions, type, a_stack());
		break;
	case 4:
		PUT(m, WIRE_USER_LOG, task, a_string(), a_string(), a_stack());
		break;
	default:
		PUT(m, WIRE_GO_LABEL, a_string());
	}
}

/*
 * Begins or ends a collection.  A trace's first GCBegin tells where the collector's sequence begins, and which is the first is told
 * by the clocks; so until the generation ends no other thread begins a collection, as its clock may be behind.
 */
static void turn_collector(int m)
{
	if (s.marking) {
		PUT(m, WIRE_GC_END, ++s.gc_seq);
	} else {
		if (s.gc_seq == 0)
			s.gc_first = m;
		else if (s.gc_first >= 0 && s.gc_first != m)
			return;
		PUT(m, WIRE_GC_BEGIN, ++s.gc_seq, a_stack());
	}
	s.marking = !s.marking;
}

/* A range of the thread's G or P begins or ends, or one that is short does both. */
static void turn_range(int m, bool *on, bool both, int begin, int end, uint64_t swept)
{
	if (!*on)
		PUT(m, begin, a_stack());
	if (*on || both)
		PUT(m, end, swept, UINT64_MAX);
	*on = !*on && !both;
}

static void collect(int m)
{
	struct m *self = &s.m[m];
	uint8_t how = next();

	switch (how % 4) {
	case 0:
		if (how >= 192 && s.marking && s.later)
			PUT(m, WIRE_GC_ACTIVE, ++s.gc_seq);
		else
			turn_collector(m);
		break;
	case 1:
		PUT(m, WIRE_STW_BEGIN, a_string(), a_stack());
		PUT(m, WIRE_STW_END, 0);
		break;
	case 2:
		turn_range(m, &s.p[self->p].sweeping, how < 128, WIRE_GC_SWEEP_BEGIN, WIRE_GC_SWEEP_END, 1);
		break;
	default:
		turn_range(m, &s.g[self->g].assists, how < 128, WIRE_GC_MARK_ASSIST_BEGIN, WIRE_GC_MARK_ASSIST_END, 0);
	}
}

static void run_g(int m)
{
	struct m *self = &s.m[m];
	int g;

	switch (next() % 10) {
	case 0:
		PUT(m, WIRE_GO_STOP, a_string(), a_stack());
		leave(self, G_RUNNABLE);
		break;
	case 1:
		PUT(m, WIRE_GO_BLOCK, a_string(), a_stack());
		leave(self, G_WAITING);
		break;
	case 2:
		PUT(m, WIRE_GO_DESTROY, 0);
		leave(self, G_NONE);
		break;
	case 3:
		g = find_g(G_WAITING);
		if (g < 0)
			break;
		announce_g(m, g, -1);
		PUT(m, WIRE_GO_UNBLOCK, (uint64_t)g + 1, ++s.g[g].seq, a_stack());
		s.g[g].state = G_RUNNABLE;
		break;
	case 4:
		create(m);
		break;
	case 5:
		PUT(m, WIRE_GO_SYSCALL_BEGIN, ++s.p[self->p].seq, a_stack());
		s.g[self->g].state = G_SYSCALL;
		break;
	case 6:
		switch_to(m, next() & 1);
		break;
	case 7:
		collect(m);
		break;
	case 8:
		PUT(m, WIRE_HEAP_ALLOC, s.time);
		break;
	default:
		annotate(m, &s.g[self->g]);
	}
}

/* Takes the processor of a thread in a system call. */
static void steal(int m)
{
	for (int p = 0; p < NP; p++) {
		int from = s.p[p].m;

		if (from < 0 || s.m[from].g < 0 || s.g[s.m[from].g].state != G_SYSCALL)
			continue;
		announce_p(m, p, WIRE_P_SYSCALL_ABANDONED);
		PUT(m, WIRE_PROC_STEAL, (uint64_t)p, ++s.p[p].seq, (uint64_t)from);
		s.m[from].p = -1;
		s.p[p].m = -1;
		return;
	}
}

static void in_syscall(int m)
{
	struct m *self = &s.m[m];

	if (self->p < 0 && (next() & 1)) {
		/* With a clock behind it may come before its processor was stolen. */
		s.io->unsure++;
		PUT(m, WIRE_GO_DESTROY_SYSCALL, 0);
		leave(self, G_NONE);
	} else if (self->p < 0) {
		PUT(m, WIRE_GO_SYSCALL_END_BLOCKED, 0);
		leave(self, G_RUNNABLE);
	} else if (next() & 1) {
		PUT(m, WIRE_GO_SYSCALL_END, 0);
		s.g[self->g].state = G_RUNNING;
	} else {
		PUT(m, WIRE_PROC_STOP, 0);
		s.p[self->p].m = -1;
		self->p = -1;
	}
}

static void find_work(int m)
{
	struct m *self = &s.m[m];
	int g, p = next() % NP;

	if (self->p >= 0 && (next() & 3)) {
		g = find_g(G_RUNNABLE);
		if (g < 0)
			return;
		announce_g(m, g, -1);
		PUT(m, WIRE_GO_START, (uint64_t)g + 1, ++s.g[g].seq);
		s.g[g].state = G_RUNNING;
		self->g = g;
	} else if (self->p >= 0) {
		PUT(m, WIRE_PROC_STOP, 0);
		s.p[self->p].m = -1;
		self->p = -1;
	} else if (s.p[p].m < 0) {
		announce_p(m, p, WIRE_P_IDLE);
		PUT(m, WIRE_PROC_START, (uint64_t)p, ++s.p[p].seq);
		s.p[p].m = m;
		self->p = p;
	} else if (next() & 1) {
		steal(m);
	} else {
		g = new_g(G_SYSCALL);
		if (g < 0)
			return;
		PUT(m, WIRE_GO_CREATE_SYSCALL, (uint64_t)g + 1);
		self->g = g;
	}
}

static void step(void)
{
	uint8_t b = next();
	int m = b % NM;

	s.time += b;
	if (b >= 252) {
		end_generation();
		begin_generation();
		return;
	}
	if (b >= 248) {
		check(etr_writer_cpu_sample(s.io->w, s.time, (uint64_t)m, 0, next(), a_stack()));
		s.io->delivered++;
		return;
	}
	if (b >= 244)
		s.m[m].skew = (uint64_t)next() * 8;
	announce_m(m);
	if (s.m[m].g < 0)
		find_work(m);
	else if (s.g[s.m[m].g].state == G_SYSCALL)
		in_syscall(m);
	else
		run_g(m);
}
void writersched_run(struct writersched *io)
{
	memset(&s, 0, sizeof(s));
	s.io = io;
	for (int i = 0; i < NM; i++)
		s.m[i] = (struct m){ .g = -1, .p = -1 };
	for (int i = 0; i < NP; i++)
		s.p[i].m = -1;
	for (s.ng = 0; s.ng < 3; s.ng++)
		s.g[s.ng].state = s.ng ? G_WAITING : G_RUNNABLE;
	s.next_task = 1;
	begin_generation();
	while (io->data < io->end && !io->over)
		step();
	if (!io->over)
		end_generation();
}
