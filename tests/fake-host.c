/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fake-host.c - see fake-host.h.
 *
 * Rights: a G or P on a list is anyone's who takes it off under `lists`; one that is off all lists belongs to the thread that
 * took it.  A P whose M is in a syscall belongs to whoever changes its state from SYSCALL by compare-and-swap.  So rule 2 of
 * tracer.h holds.
 */
#include "tests/fake-host.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/hostthread.h"

struct fake_g {
	struct trace_g t;
	_Atomic uint64_t state;		/* enum trace_gstate | M's index << 8 | id << 16 */
	struct fake_g *next;
};
struct fake_p {
	struct trace_p t;
	_Atomic uint64_t state;		/* enum trace_pstate | M's index << 8 */
	struct fake_p *next;
};
#define MOVING (1ull << 32)		/* in a P's state: somebody has the right to change it and is about to */
struct fake_m {
	struct trace_m t;
	pthread_t thread;
	unsigned index, rand;
	struct fake_g *g;
	struct fake_p *p;
	bool locked;			/* holds `world` for reading */
	_Atomic bool lost;		/* its P was stolen; set inside the thief's pin */
};

static struct fake_g gs[FAKE_MAX_G];
static struct fake_p ps[FAKE_MAX_P];
static struct fake_m ms[FAKE_MAX_M];
static _Atomic unsigned ngs;
static unsigned nps, nms;
static pthread_mutex_t lists = PTHREAD_MUTEX_INITIALIZER;
static struct fake_g *runnable, *waiting, *dead;
static struct fake_p *idle;
static uint64_t last_id;
static pthread_rwlock_t world = PTHREAD_RWLOCK_INITIALIZER;
static _Atomic bool stopping, throttled;
static _Atomic uint64_t changes;
static bool pins_always;
static __thread struct trace_m *self;

/* --- the core's view --- */

static void visit_gs(void (*visit)(void *, const struct trace_g_info *), void *ctx)
{
	unsigned n = atomic_load(&ngs);

	for (unsigned i = 0; i < n; i++) {
		uint64_t s = atomic_load(&gs[i].state);
		struct trace_g_info info = { .g = &gs[i].t, .id = s >> 16, .state = s & 0xff, .m = &ms[s >> 8 & 0xff].t };

		if ((s & 0xff) != TRACE_G_DEAD)
			visit(ctx, &info);
	}
}

static void visit_ps(void (*visit)(void *, const struct trace_p_info *), void *ctx)
{
	for (unsigned i = 0; i < FAKE_MAX_P; i++) {
		uint64_t s = atomic_load(&ps[i].state);
		struct trace_p_info info = { .p = &ps[i].t, .state = s & 0xff, .m = &ms[s >> 8 & 0xff].t };

		if ((s & 0xff) != TRACE_P_NONE)
			visit(ctx, &info);
	}
}

/* Each change holds `world` for reading, so whoever has it for writing has seen all earlier ones end. */
static void settle(void)
{
	pthread_rwlock_wrlock(&world);
	pthread_rwlock_unlock(&world);
}

static struct trace_m *current_m(void)
{
	return self;
}

/* --- transitions --- */

/* Begins a state change; true when events are to be written. */
static bool change_begin(struct fake_m *m, struct trace_pin *pin)
{
	atomic_fetch_add_explicit(&changes, 1, memory_order_relaxed);
	if (pins_always) {
		trace_pin_always(pin, &m->t);
		return pin->gen != 0;
	}
	pthread_rwlock_rdlock(&world);
	m->locked = true;
	return trace_acquire(pin, &m->t);
}

static void change_end(struct fake_m *m, struct trace_pin *pin, bool on)
{
	if (pins_always || on)
		trace_release(pin);
	if (m->locked) {
		m->locked = false;
		pthread_rwlock_unlock(&world);
	}
}

static unsigned draw(struct fake_m *m, unsigned n)
{
	m->rand = m->rand * 1664525u + 1013904223u;
	return (m->rand >> 8) % n;
}

static struct fake_g *g_pop(struct fake_g **list)
{
	struct fake_g *g;

	pthread_mutex_lock(&lists);
	g = *list;
	if (g != NULL)
		*list = g->next;
	pthread_mutex_unlock(&lists);
	return g;
}

static void g_push(struct fake_g **list, struct fake_g *g)
{
	struct fake_g **at = list;

	pthread_mutex_lock(&lists);
	/* Now and then at the end would be slow; the front keeps some Gs untouched for generations, which is wanted. */
	g->next = *at;
	*at = g;
	pthread_mutex_unlock(&lists);
}

static void p_take(struct fake_m *m)
{
	struct trace_pin pin;
	struct fake_p *p;
	bool on;

	pthread_mutex_lock(&lists);
	p = idle;
	if (p != NULL)
		idle = p->next;
	pthread_mutex_unlock(&lists);
	if (p == NULL)
		return;
	on = change_begin(m, &pin);
	atomic_store(&p->state, TRACE_P_RUNNING | (uint64_t)m->index << 8);
	if (on)
		trace_proc_start(&pin, &p->t);
	m->p = p;
	m->t.p = &p->t;
	change_end(m, &pin, on);
}

static void p_give(struct fake_p *p)
{
	pthread_mutex_lock(&lists);
	p->next = idle;
	idle = p;
	pthread_mutex_unlock(&lists);
}

static void p_drop(struct fake_m *m)
{
	struct trace_pin pin;
	struct fake_p *p = m->p;
	bool on = change_begin(m, &pin);

	atomic_store(&p->state, TRACE_P_IDLE);
	if (on)
		trace_proc_stop(&pin);
	m->p = NULL;
	m->t.p = NULL;
	change_end(m, &pin, on);
	p_give(p);
}

static void g_run(struct fake_m *m)
{
	struct fake_g *g = g_pop(&runnable);
	struct trace_pin pin;
	bool on;

	if (g == NULL)
		return;
	on = change_begin(m, &pin);
	atomic_store(&g->state, (TRACE_G_RUNNING | (uint64_t)m->index << 8) | g->t.id << 16);
	if (on)
		trace_go_start(&pin, &g->t);
	m->g = g;
	m->t.g = &g->t;
	change_end(m, &pin, on);
}

static void g_create(struct fake_m *m)
{
	struct fake_g *g = g_pop(&dead);
	struct trace_pin pin;
	bool on, blocked = draw(m, 4) == 0;

	if (g == NULL)
		return;
	pthread_mutex_lock(&lists);
	g->t.id = ++last_id;
	pthread_mutex_unlock(&lists);
	on = change_begin(m, &pin);
	atomic_store(&g->state, (blocked ? TRACE_G_WAITING : TRACE_G_RUNNABLE) | g->t.id << 16);
	if (on)
		trace_go_create(&pin, &g->t, (uintptr_t)g_create, blocked, TRACE_HERE());
	change_end(m, &pin, on);
	g_push(blocked ? &waiting : &runnable, g);
}

static void g_unblock(struct fake_m *m)
{
	struct fake_g *g = g_pop(&waiting);
	struct trace_pin pin;
	bool on;

	if (g == NULL)
		return;
	on = change_begin(m, &pin);
	atomic_store(&g->state, (TRACE_G_RUNNABLE) | g->t.id << 16);
	if (on)
		trace_go_unblock(&pin, &g->t, (uintptr_t)&waiting, TRACE_HERE());
	change_end(m, &pin, on);
	g_push(&runnable, g);
}

/* The G leaves the M: how 0 stops, 1 blocks, 2 ends. */
static void g_leave(struct fake_m *m, int how)
{
	static const enum trace_gstate to[] = { TRACE_G_RUNNABLE, TRACE_G_WAITING, TRACE_G_DEAD };
	struct fake_g **const lists_to[] = { &runnable, &waiting, &dead };
	struct fake_g *g = m->g;
	struct trace_pin pin;
	bool on = change_begin(m, &pin);

	atomic_store(&g->state, (to[how]) | g->t.id << 16);
	if (on && how == 0)
		trace_go_stop(&pin, "runtime.Gosched", TRACE_HERE());
	else if (on && how == 1)
		trace_go_block(&pin, "sync", (uintptr_t)&waiting, TRACE_HERE());
	else if (on)
		trace_go_destroy(&pin);
	m->g = NULL;
	m->t.g = NULL;
	change_end(m, &pin, on);
	g_push(lists_to[how], g);
}

static void g_switch(struct fake_m *m)
{
	struct fake_g *g = g_pop(&waiting), *old = m->g;
	struct trace_pin pin;
	bool on, destroy = draw(m, 4) == 0;

	if (g == NULL)
		return;
	on = change_begin(m, &pin);
	atomic_store(&old->state, (destroy ? TRACE_G_DEAD : TRACE_G_WAITING) | old->t.id << 16);
	atomic_store(&g->state, (TRACE_G_RUNNING | (uint64_t)m->index << 8) | g->t.id << 16);
	if (on)
		trace_go_switch(&pin, &g->t, destroy);
	m->g = g;
	m->t.g = &g->t;
	change_end(m, &pin, on);
	g_push(destroy ? &dead : &waiting, old);
}

/*
 * Takes P away from an M in a syscall; `taker` may be that M.  The P is the taker's from the compare-and-swap on, so before its
 * pin; the one that lost it hears of that inside the pin, and only then reports its own return.
 */
static bool p_steal(struct fake_m *taker, struct fake_p *p)
{
	uint64_t s = atomic_load(&p->state);
	struct fake_m *from = &ms[s >> 8 & 0xff];
	struct trace_pin pin;
	bool on;

	if ((s & 0xff) != TRACE_P_SYSCALL || (s & MOVING) != 0 || !atomic_compare_exchange_strong(&p->state, &s, s | MOVING))
		return false;
	on = change_begin(taker, &pin);
	atomic_store(&p->state, TRACE_P_IDLE);
	if (on)
		trace_proc_steal(&pin, &p->t, &from->t);
	atomic_store(&from->lost, true);
	change_end(taker, &pin, on);
	p_give(p);
	return true;
}

static void pause_ns(long ns)
{
	nanosleep(&(struct timespec){ 0, ns }, NULL);
}

static void syscall_some(struct fake_m *m)
{
	struct trace_pin pin;
	struct fake_g *g = m->g;
	struct fake_p *p = m->p;
	uint64_t mine = TRACE_P_SYSCALL | (uint64_t)m->index << 8;
	bool on = change_begin(m, &pin);

	if (on)
		trace_go_syscall_begin(&pin, TRACE_HERE());
	atomic_store(&g->state, (TRACE_G_SYSCALL | (uint64_t)m->index << 8) | g->t.id << 16);
	m->t.p = NULL;
	m->p = NULL;
	atomic_store(&m->lost, false);
	atomic_store(&p->state, mine);	/* from here on, it can be stolen */
	change_end(m, &pin, on);
	if (draw(m, 8) == 0)
		pause_ns(draw(m, 100) * 100000L);
	if (draw(m, 8) == 0)
		p_steal(m, p);		/* itself */
	if (atomic_compare_exchange_strong(&p->state, &mine, mine | MOVING)) {
		on = change_begin(m, &pin);
		atomic_store(&p->state, TRACE_P_RUNNING | (uint64_t)m->index << 8);
		m->p = p;
		m->t.p = &p->t;
		atomic_store(&g->state, (TRACE_G_RUNNING | (uint64_t)m->index << 8) | g->t.id << 16);
		if (on)
			trace_go_syscall_end(&pin);
		change_end(m, &pin, on);
		return;
	}
	while (!atomic_load(&m->lost))
		sched_yield();
	on = change_begin(m, &pin);
	atomic_store(&g->state, (TRACE_G_RUNNABLE) | g->t.id << 16);
	if (on)
		trace_go_syscall_end_blocked(&pin);
	m->g = NULL;
	m->t.g = NULL;
	change_end(m, &pin, on);
	g_push(&runnable, g);
}

static void annotate(struct fake_m *m)
{
	static _Atomic uint64_t tasks;
	struct trace_pin pin;
	bool on = change_begin(m, &pin);
	uint64_t task;
	char text[32];

	if (on) {
		task = atomic_fetch_add(&tasks, 1) + 1;
		snprintf(text, sizeof(text), "value %u", draw(m, 100));
		trace_task_begin(&pin, task, 0, "task", 4, TRACE_HERE());
		trace_region(&pin, true, task, "region", 6, TRACE_HERE());
		trace_log(&pin, task, "key", 3, text, strlen(text), TRACE_HERE());
		trace_go_label(&pin, "label", 5);
		trace_heap_alloc(&pin, draw(m, 1000));
		trace_region(&pin, false, task, "region", 6, TRACE_HERE());
		trace_task_end(&pin, task, TRACE_HERE());
	}
	change_end(m, &pin, on);
}

static void step_with_g(struct fake_m *m)
{
	switch (draw(m, 12)) {
	case 0:
		g_create(m);
		break;
	case 1: case 2: case 3:
		g_unblock(m);
		break;
	case 4:
		g_leave(m, 0);
		break;
	case 5: case 6:
		g_leave(m, 1);
		break;
	case 7:
		g_leave(m, draw(m, 3) == 0 ? 2 : 0);
		break;
	case 8:
		g_switch(m);
		break;
	case 9:
		annotate(m);
		break;
	default:
		syscall_some(m);
	}
}

static void step(struct fake_m *m)
{
	if (atomic_load_explicit(&throttled, memory_order_relaxed) || draw(m, 4096) == 0)
		pause_ns(draw(m, 30) * 10000L);
	/* A thread without a P plays the monitor. */
	if (draw(m, 6) == 0)
		p_steal(m, &ps[draw(m, nps)]);
	if (m->p == NULL)
		p_take(m);
	if (m->p == NULL)
		return;
	if (m->g == NULL && draw(m, 10) == 0)
		p_drop(m);
	else if (m->g == NULL)
		g_run(m);
	else
		step_with_g(m);
	if (m->g == NULL && m->p != NULL && draw(m, 4) == 0)
		g_unblock(m);
}

static void *m_main(void *arg)
{
	struct fake_m *m = arg;

	trace_m_register(&m->t);
	self = &m->t;
	while (!atomic_load_explicit(&stopping, memory_order_relaxed))
		step(m);
	/* Leave with nothing in hand. */
	if (m->g != NULL)
		g_leave(m, 0);
	if (m->p != NULL)
		p_drop(m);
	self = NULL;
	trace_m_unregister(&m->t);
	return NULL;
}

/* All new: no thread runs, and nothing was recorded of them. */
static void populate(const struct fake_config *config)
{
	nps = config->procs;
	runnable = waiting = dead = NULL;
	idle = NULL;
	for (unsigned i = 0; i < nps; i++) {
		ps[i].t.id = i;
		atomic_store(&ps[i].state, TRACE_P_IDLE);
		ps[i].next = idle;
		idle = &ps[i];
	}
	for (unsigned i = 0; i < FAKE_MAX_G; i++) {
		bool live = i < config->gs;

		if (live)
			gs[i].t.id = ++last_id;
		atomic_store(&gs[i].state, (!live ? TRACE_G_DEAD : i & 1 ? TRACE_G_WAITING : TRACE_G_RUNNABLE) | gs[i].t.id << 16);
		g_push(!live ? &dead : i & 1 ? &waiting : &runnable, &gs[i]);
	}
	atomic_store(&ngs, FAKE_MAX_G);
}

void fake_init(const struct fake_config *config)
{
	static struct trace_host host = {
		.name = "fake", .visit_gs = visit_gs, .visit_ps = visit_ps, .thread_new = hostthread_new, .current_m = current_m,
	};

	pins_always = config->always_pin;
	host.always_pin = pins_always;
	if (!pins_always)
		host.settle = settle;
	populate(config);
	trace_init(&host);
}

void fake_start(const struct fake_config *config)
{
	if (atomic_load(&ngs) == 0)
		populate(config);
	atomic_store(&stopping, false);
	nms = config->threads;
	for (unsigned i = 0; i < nms; i++) {
		ms[i].index = i;
		ms[i].rand = config->seed * 7919 + i;
		ms[i].g = NULL;
		ms[i].p = NULL;
		if (pthread_create(&ms[i].thread, NULL, m_main, &ms[i]) != 0)
			abort();
	}
}

void fake_stop(void)
{
	atomic_store(&stopping, true);
	for (unsigned i = 0; i < nms; i++)
		pthread_join(ms[i].thread, NULL);
	for (unsigned i = 0; i < FAKE_MAX_P; i++)
		atomic_store(&ps[i].state, TRACE_P_NONE);
	atomic_store(&ngs, 0);
}

uint64_t fake_changes(void)
{
	return atomic_load(&changes);
}

void fake_throttle(bool on)
{
	atomic_store(&throttled, on);
}
