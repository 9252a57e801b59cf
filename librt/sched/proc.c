/* SPDX-License-Identifier: BSD-3-Clause
 *
 * proc.c - the scheduler: what an M runs next, and how goroutines leave, wait and are woken.
 *
 * No wake-up is lost between those who submit work and those who stop looking for it:
 *   - A submitter stores the G in a queue, then (full fence, in exrt__wake_p) reads whether Ps are idle and Ms spin. It wakes
 *     an M unless one spins already.
 *   - Whoever makes a P idle, and if it is a spinning M stops counting as such, then (full fence, in look_again and exrt__wake_p_again)
 *     looks at all queues once more.
 *   Of two threads that each store and then, behind a full fence, read what the other stored, at least one sees the other's
 *   store. So if the submitter saw an M still spinning, that M sees the G; if it saw no P idle, whoever makes one idle does;
 *   else it wakes an M itself.  It may count as a spinning M before there is one: if there is no P for it after all, it says so under
 *   sched.lock, so that who sees a P that became idle later does not take it for one.
 *   - An M that stops spinning because it found work wakes another one in its place, since submitters relied on it.
 */
#include "librt/sched/gmp.h"

#define GLOBAL_EVERY 61		/* scheduling rounds between looks at the global queue, so that it is never starved */
#define TIMERS_EVERY 16		/* and at the clock, which is slow, while goroutines sleep */

struct exrt__sched exrt__sched;

#define load_relaxed(p) atomic_load_explicit(p, memory_order_relaxed)

/* --- Ps ----------------------------------------------------------------------------------------------------------- */

void exrt__acquire_p(struct exrt__m *m, struct exrt__p *p)
{
	struct trace_pin pin;
	bool on = exrt__trace_begin(&pin, m);

	if (on)
		trace_proc_start(&pin, &p->t);
	m->p = p;
	m->t.p = &p->t;
	exrt__p_set(p, TRACE_P_RUNNING, m);
	exrt__trace_end(&pin, m, on);
}

struct exrt__p *exrt__release_p(struct exrt__m *m)
{
	struct exrt__p *p = m->p;
	struct trace_pin pin;
	bool on = exrt__trace_begin(&pin, m);

	if (on)
		trace_proc_stop(&pin);
	m->p = NULL;
	m->t.p = NULL;
	exrt__p_set(p, TRACE_P_IDLE, NULL);
	exrt__trace_end(&pin, m, on);
	return p;
}

void exrt__pidle_put(struct exrt__p *p)
{
	p->link = exrt__sched.pidle;
	exrt__sched.pidle = p;
	atomic_fetch_add_explicit(&exrt__sched.npidle, 1, memory_order_release);
}

struct exrt__p *exrt__pidle_get(void)
{
	struct exrt__p *p = exrt__sched.pidle;

	if (!p || load_relaxed(&exrt__sched.stopping))
		return NULL;
	exrt__sched.pidle = p->link;
	atomic_fetch_sub_explicit(&exrt__sched.npidle, 1, memory_order_relaxed);
	if (exrt__sched.monitor_waits)
		exrt__monitor_wake();
	return p;
}

void exrt__wake_p(void)
{
	struct exrt__sched *s = &exrt__sched;
	struct exrt__p *p;
	int none = 0;

	if (load_relaxed(&s->nprocs) == 1)
		return;		/* the caller has the only one */
	atomic_thread_fence(memory_order_seq_cst);	/* pairs with those in look_again and exrt__wake_p_again */
	/* Acquire pairs with the release in exrt__pidle_put. */
	if (atomic_load_explicit(&s->npidle, memory_order_acquire) == 0 || load_relaxed(&s->nmspinning) != 0)
		return;
	if (!atomic_compare_exchange_strong(&s->nmspinning, &none, 1))
		return;
	exrt__lock(&s->lock);
	p = exrt__pidle_get();
	if (!p)
		atomic_fetch_sub(&s->nmspinning, 1);	/* under the lock, as told above */
	exrt__unlock(&s->lock);
	if (p)
		exrt__m_start(p, true);
}

/*
 * Under sched.lock, by an M that is about to park, or by the monitor when it has made a P idle: a P that is not idle while all
 * Ms are is on its way from a system call to an M.
 */
void exrt__check_dead(void)
{
	struct exrt__sched *s = &exrt__sched;

	if (s->nmidle < s->nm || load_relaxed(&s->npidle) < load_relaxed(&s->nprocs))
		return;
	if (exrt__timer_next() != 0 || load_relaxed(&s->over) || load_relaxed(&s->stopping))
		return;
	exrt__fatal_deadlock();
}

/* --- finding work ---------------------------------------------------------------------------------------------------- */

static void spinning_end(struct exrt__m *m)
{
	m->spinning = false;
	atomic_fetch_sub(&exrt__sched.nmspinning, 1);
}

static struct exrt__g *steal(struct exrt__m *m)
{
	struct exrt__sched *s = &exrt__sched;
	unsigned n = (unsigned)load_relaxed(&s->nprocs);

	for (unsigned round = 0; round < 4; round++) {
		unsigned at = exrt__m_random(m) % n;

		for (unsigned i = 0; i < n; i++, at = at + 1 < n ? at + 1 : 0) {
			struct exrt__p *victim = exrt__p_at((int)at);
			struct exrt__g *g;

			if (load_relaxed(&s->stopping))
				return NULL;
			if (victim == m->p)
				continue;
			g = exrt__runq_steal(m->p, victim, round == 3);
			if (g)
				return g;
		}
	}
	return NULL;
}

static struct exrt__g *global_get(struct exrt__p *p, int max)
{
	struct exrt__g *g;

	if (load_relaxed(&exrt__sched.runq_size) == 0)
		return NULL;
	exrt__lock(&exrt__sched.lock);
	g = exrt__globq_get(p, max);
	exrt__unlock(&exrt__sched.lock);
	return g;
}

/* Takes an idle P, if there is one. */
static bool take_idle_p(struct exrt__m *m)
{
	struct exrt__p *p;

	exrt__lock(&exrt__sched.lock);
	p = exrt__pidle_get();
	exrt__unlock(&exrt__sched.lock);
	if (p)
		exrt__acquire_p(m, p);
	return p != NULL;
}

static bool work_waits(void)
{
	int n = exrt__nprocs();

	if (load_relaxed(&exrt__sched.runq_size) != 0)
		return true;
	for (int i = 0; i < n; i++)
		if (!exrt__runq_is_empty(exrt__p_at(i)))
			return true;
	return false;
}

/*
 * The second look, by an M that has just given up its P: who submitted work meanwhile may have seen no idle P.  Return: whether it has a P
 * again, and something to find.
 */
static bool look_again(struct exrt__m *m)
{
	atomic_thread_fence(memory_order_seq_cst);	/* pairs with the one in exrt__wake_p */
	/* Where all Ps are at work again, their Ms will find it, and if they give them up they look again, too. */
	if (!work_waits() || !take_idle_p(m))
		return false;
	m->spinning = true;
	atomic_fetch_add(&exrt__sched.nmspinning, 1);
	return true;
}

void exrt__wake_p_again(void)
{
	atomic_thread_fence(memory_order_seq_cst);	/* pairs with the one in exrt__wake_p */
	if (work_waits())
		exrt__wake_p();
}

/* One M without a P waits for the next timer.  Return: whether this one did, and now has a P. */
static bool wait_for_timer(struct exrt__m *m)
{
	struct exrt__sched *s = &exrt__sched;
	struct exrt__m *none = NULL;
	int64_t when;

	if (exrt__timer_next() == 0 || !atomic_compare_exchange_strong(&s->timer_m, &none, m))
		return false;
	for (;;) {
		atomic_thread_fence(memory_order_seq_cst);	/* pairs with the one in exrt__timer_add */
		when = exrt__timer_next();
		if (when == 0 || exrt_nanotime() >= when || load_relaxed(&s->over))
			break;
		exrt__note_wait(&m->note, when);
	}
	atomic_store(&s->timer_m, NULL);
	return !load_relaxed(&s->over) && take_idle_p(m);
}

/* Looks everywhere; without success gives up the P and parks. Return: NULL: look again from the start. */
static struct exrt__g *find(struct exrt__m *m)
{
	struct exrt__sched *s = &exrt__sched;
	struct exrt__g *g;

	exrt__timer_run(m);
	g = exrt__runq_get(m->p);
	if (!g)
		g = global_get(m->p, 0);
	if (g)
		return g;
	/* As many may spin as half of those at work: more would only cost power. */
	if (m->spinning || 2 * load_relaxed(&s->nmspinning) < load_relaxed(&s->nprocs) - load_relaxed(&s->npidle)) {
		if (!m->spinning) {
			m->spinning = true;
			atomic_fetch_add(&s->nmspinning, 1);
		}
		g = steal(m);
		if (g)
			return g;
	}
	exrt__lock(&s->lock);
	if (load_relaxed(&s->stopping)) {
		exrt__unlock(&s->lock);
		return NULL;
	}
	g = exrt__globq_get(m->p, 0);
	if (g) {
		exrt__unlock(&s->lock);
		return g;
	}
	exrt__pidle_put(exrt__release_p(m));
	exrt__unlock(&s->lock);
	if (m->spinning)
		spinning_end(m);
	if (look_again(m))
		return NULL;
	if (!wait_for_timer(m))
		exrt__m_stop(m);
	return NULL;
}

/* What the M runs next; NULL when the run is over. */
static struct exrt__g *pick(struct exrt__m *m)
{
	struct exrt__sched *s = &exrt__sched;
	struct exrt__g *g = NULL;

	while (!g) {
		if (load_relaxed(&s->stopping) || !m->p)
			exrt__stop_here(m);
		if (!m->p)
			return NULL;
		m->p->tick++;
		if (m->p->tick % GLOBAL_EVERY == 0)
			g = global_get(m->p, 1);
		if (m->p->tick % TIMERS_EVERY == 0)
			exrt__timer_run(m);
		if (!g)
			g = exrt__runq_get(m->p);
		if (!g)
			g = find(m);
	}
	if (m->spinning) {
		spinning_end(m);
		exrt__wake_p();
	}
	return g;
}

/* --- running ---------------------------------------------------------------------------------------------------------- */

static void start(struct exrt__m *m, struct exrt__g *g)
{
	struct trace_pin pin;
	bool on = exrt__trace_begin(&pin, m);

	if (on)
		trace_go_start(&pin, &g->t);
	m->g = g;
	m->t.g = &g->t;
	exrt__g_set(g, TRACE_G_RUNNING, m);
	exrt__trace_end(&pin, m, on);
}

void exrt__arrive(struct exrt__m *m)
{
	struct exrt__g *left = m->left;

	if (!left)
		return;
	m->left = NULL;
	if (__builtin_expect(!exrt__stack_is_whole(left->stack), 0))
		exrt__fatal("a goroutine has overrun its stack");
	m->after(m, left, m->after_arg);
}

void exrt__m_loop(struct exrt__m *m)
{
	struct exrt__g *g;

	while ((g = pick(m)) != NULL) {
		start(m, g);
		exrt__ctx_switch(&m->g0, &g->ctx, false);
		m->g = NULL;
		exrt__arrive(m);
	}
}

/* A goroutine that waits in the P's own queue, unless it is time for pick to look elsewhere. */
static struct exrt__g *pick_near(struct exrt__m *m)
{
	struct exrt__p *p = m->p;
	uint32_t tick = p->tick + 1;
	struct exrt__g *g;

	if (load_relaxed(&exrt__sched.stopping) || tick % GLOBAL_EVERY == 0 || tick % TIMERS_EVERY == 0)
		return NULL;
	g = exrt__runq_get(p);
	if (g)
		p->tick = tick;
	return g;
}

void exrt__leave(struct exrt__m *m, exrt__after_fn *after, void *arg, unsigned flags)
{
	struct exrt__g *g = m->g, *next = flags & EXRT__LEAVE_SLOWLY ? NULL : pick_near(m);

	m->left = g;
	m->after = after;
	m->after_arg = arg;
	if (next)
		start(m, next);
	exrt__ctx_switch(&g->ctx, next ? &next->ctx : &m->g0, flags & EXRT__LEAVE_FOR_GOOD);
	exrt__arrive(exrt__m_self());	/* perhaps another M by now */
}

void exrt__park(struct exrt__m *m, const char *reason, uintptr_t lock, struct trace_where where, exrt__after_fn *after,
		void *arg)
{
	struct exrt__g *g = m->g;
	struct trace_pin pin;
	bool on;

	g->wait_reason = reason;
	g->where = where;
	on = exrt__trace_begin(&pin, m);
	exrt__g_set(g, TRACE_G_WAITING, NULL);
	if (on)
		trace_go_block(&pin, reason, lock, where);
	m->t.g = NULL;
	exrt__trace_end(&pin, m, on);
	exrt__leave(m, after, arg, 0);
}

void exrt__ready(struct exrt__m *m, struct exrt__g *g, uintptr_t lock, struct trace_where where)
{
	struct trace_pin pin;
	bool on = exrt__trace_begin(&pin, m);

	exrt__g_set(g, TRACE_G_RUNNABLE, NULL);
	if (on)
		trace_go_unblock(&pin, &g->t, lock, where);
	exrt__trace_end(&pin, m, on);
	exrt__runq_put(m->p, g, true);
	exrt__wake_p();
}

static void yield_after(struct exrt__m *m, struct exrt__g *g, void *arg)
{
	/* Behind what waits globally, if anything does; else the own ring is as fair and needs no lock. */
	if (load_relaxed(&exrt__sched.runq_size) == 0) {
		exrt__runq_put(m->p, g, false);
	} else {
		exrt__lock(&exrt__sched.lock);
		exrt__globq_put(g);
		exrt__unlock(&exrt__sched.lock);
	}
	/* It was in no queue while the M took the next one: who looked for work just then found none. */
	exrt__wake_p();
}

void exrt_yield(void)
{
	struct exrt__m *m = exrt__m_on_g("exrt_yield: not on a goroutine");
	struct trace_pin pin;
	bool on = exrt__trace_begin(&pin, m);

	exrt__g_set(m->g, TRACE_G_RUNNABLE, NULL);
	if (on)
		trace_go_stop(&pin, "runtime.Gosched", TRACE_HERE());
	m->t.g = NULL;
	exrt__trace_end(&pin, m, on);
	exrt__leave(m, yield_after, NULL, 0);
}
