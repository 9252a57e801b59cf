/* SPDX-License-Identifier: BSD-3-Clause
 *
 * startstop.c - starting the runtime, ending it, and stopping all Ps to change their number.
 *
 * The world stops cooperatively: an M that finds sched.stopping at a scheduling point gives its P up and counts down
 * sched.stopwait; Ps in system calls are taken. C code cannot be interrupted, so a goroutine that computes delays it. (Starting
 * a recording does not need it, see tracehost.c.)
 */
#include "librt/sched/gmp.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAIN_STACK (8u << 20)		/* as a program's first thread usually has */
#define RESCAN_NS 200000		/* between looks for Ps in new system calls while the world stops */
#define FAREWELL_NS 20000000		/* how long the end of a run waits for its threads */

#define load_relaxed(p) atomic_load_explicit(p, memory_order_relaxed)

int64_t exrt_nanotime(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

/* --- stopping and starting ------------------------------------------------------------------------------------------- */

void exrt__stop_here(struct exrt__m *m)
{
	struct exrt__sched *s = &exrt__sched;
	struct exrt__p *p;

	while (!m->p || load_relaxed(&s->stopping)) {
		if (m->spinning) {
			m->spinning = false;
			atomic_fetch_sub(&s->nmspinning, 1);
		}
		exrt__lock(&s->lock);
		if (!load_relaxed(&s->over) && !load_relaxed(&s->stopping) && m->p) {
			exrt__unlock(&s->lock);
			return;
		}
		p = m->p ? exrt__release_p(m) : NULL;
		/* Counted by who stops the world; when a run is over nobody counts. */
		if (p && load_relaxed(&s->stopping) && !load_relaxed(&s->over) && --s->stopwait == 0)
			exrt__note_wake(&s->stopnote);
		exrt__unlock(&s->lock);
		if (load_relaxed(&s->over))
			return;
		exrt__m_stop(m);
		if (!m->p && load_relaxed(&s->over))
			return;
	}
}

/* Takes what is idle or in a system call. */
static void stop_others(struct exrt__m *m)
{
	struct exrt__sched *s = &exrt__sched;
	int n = load_relaxed(&s->nprocs);

	exrt__lock(&s->lock);
	for (; s->pidle; s->pidle = s->pidle->link) {
		atomic_fetch_sub_explicit(&s->npidle, 1, memory_order_relaxed);
		s->stopwait--;
	}
	exrt__unlock(&s->lock);
	for (int i = 0; i < n; i++) {
		if (!exrt__p_steal(m, exrt__p_at(i)))
			continue;
		exrt__lock(&s->lock);
		s->stopwait--;
		exrt__unlock(&s->lock);
	}
}

/* By a goroutine's M. Afterwards all Ps but its own are in nobody's hands. */
static void stop_world(struct exrt__m *m)
{
	struct exrt__sched *s = &exrt__sched;

	exrt__lock(&s->lock);
	s->stopwait = load_relaxed(&s->nprocs) - 1;
	atomic_store(&s->stopping, true);
	exrt__unlock(&s->lock);
	for (;;) {
		bool done;

		stop_others(m);
		exrt__lock(&s->lock);
		done = s->stopwait == 0;
		exrt__unlock(&s->lock);
		if (done || load_relaxed(&s->over))
			return;
		exrt__note_wait(&s->stopnote, exrt_nanotime() + RESCAN_NS);
	}
}

/* Hands out the Ps; those with work get an M. */
static void start_world(struct exrt__m *m)
{
	struct exrt__sched *s = &exrt__sched;
	struct exrt__p *work = NULL, *p;
	int n = load_relaxed(&s->nprocs);

	exrt__lock(&s->lock);
	if (load_relaxed(&s->over)) {
		exrt__unlock(&s->lock);
		return;
	}
	for (int i = n - 1; i >= 0; i--) {
		p = exrt__p_at(i);
		if (p == m->p)
			continue;
		if (exrt__runq_is_empty(p)) {
			exrt__pidle_put(p);
		} else {
			p->link = work;
			work = p;
		}
	}
	atomic_store(&s->stopping, false);
	exrt__monitor_wake();
	exrt__unlock(&s->lock);
	while (work) {
		p = work;
		work = p->link;
		exrt__m_start(p, false);
	}
	exrt__wake_p();
}

/* --- how many Ps ------------------------------------------------------------------------------------------------------ */

/* Makes Ps so that there are n at least.  Return: 0 or -ENOMEM. */
static int procs_make(int n)
{
	struct exrt__sched *s = &exrt__sched;

	for (int i = load_relaxed(&s->nallp); i < n; i++) {
		struct exrt__p *p = aligned_alloc(_Alignof(struct exrt__p), sizeof(*p));

		if (!p)
			return -ENOMEM;
		memset(p, 0, sizeof(*p));
		p->t.id = (uint64_t)i;
		exrt__p_set(p, TRACE_P_IDLE, NULL);
		/* Release pairs with the acquire in exrt__p_at. */
		atomic_store_explicit(&s->allp[i], p, memory_order_release);
		/* Release pairs with the acquire of who walks the array. */
		atomic_store_explicit(&s->nallp, i + 1, memory_order_release);
	}
	return 0;
}

/* What waits in the rings of Ps that go is everybody's. */
static void empty_queues(int from, int to)
{
	struct exrt__g *g;

	for (int i = from; i < to; i++) {
		while ((g = exrt__runq_get(exrt__p_at(i))) != NULL) {
			exrt__lock(&exrt__sched.lock);
			exrt__globq_put(g);
			exrt__unlock(&exrt__sched.lock);
		}
	}
}

/* With the world stopped, and all of it under one pin so that no generation ends inside. */
static void resize(struct exrt__m *m, int n, struct trace_where where)
{
	struct exrt__sched *s = &exrt__sched;
	struct exrt__p *old = m->p, *p = old->t.id < (uint64_t)n ? old : exrt__p_at(0);
	struct exrt__g *g = m->g;
	struct trace_pin pin;
	bool on = exrt__trace_begin(&pin, m);

	if (on) {
		trace_stw_begin(&pin, "GOMAXPROCS", where);
		trace_procs_change(&pin, (uint64_t)n, where);
	}
	atomic_store_explicit(&s->nprocs, n, memory_order_release);	/* pairs with the acquire in exrt__nprocs */
	if (p != old) {
		/* The caller's own P goes: to a reader, its goroutine is descheduled and goes on with another. */
		if (on) {
			trace_go_stop(&pin, "runtime.Gosched", where);
			m->t.g = NULL;
			trace_proc_stop(&pin);
			m->t.p = NULL;
			trace_proc_start(&pin, &p->t);
			m->t.p = &p->t;
			trace_go_start(&pin, &g->t);
			m->t.g = &g->t;
		}
		exrt__p_set(old, TRACE_P_IDLE, NULL);
		exrt__p_set(p, TRACE_P_RUNNING, m);
		m->p = p;
		m->t.p = &p->t;
	}
	if (on)
		trace_stw_end(&pin);
	exrt__trace_end(&pin, m, on);
}

int exrt_maxprocs(int n)
{
	struct exrt__sched *s = &exrt__sched;
	struct exrt__m *m = exrt__m_on_g("exrt_maxprocs: not on a goroutine");
	int old = load_relaxed(&s->nprocs);
	uint32_t nobody = 0;

	if (n <= 0)
		return old;
	if (n > EXRT__MAX_PROCS)
		n = EXRT__MAX_PROCS;
	while (!atomic_compare_exchange_strong_explicit(&s->stop_busy, &nobody, 1, memory_order_acquire, memory_order_relaxed)) {
		nobody = 0;
		exrt_yield();
	}
	m = exrt__m_self();
	old = load_relaxed(&s->nprocs);
	if (n != old && procs_make(n) == 0) {
		stop_world(m);
		if (!load_relaxed(&s->over)) {
			resize(m, n, TRACE_HERE());
			empty_queues(n, old);
		}
		start_world(m);
	}
	atomic_store_explicit(&s->stop_busy, 0, memory_order_release);
	return old;
}

/* RTMAXPROCS, else the processors that this process may use. */
static int procs_wanted(void)
{
	const char *text = getenv("RTMAXPROCS");
	cpu_set_t set;

	if (text && *text) {
		char *end;
		long n = strtol(text, &end, 10);

		if (*end == '\0' && n >= 1 && n <= EXRT__MAX_PROCS)
			return (int)n;
		fprintf(stderr, "exectrace-rt: RTMAXPROCS=%s is ignored: not a number from 1 to %d\n", text, EXRT__MAX_PROCS);
	}
	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		return CPU_COUNT(&set);
	return 1;
}

/* --- a run -------------------------------------------------------------------------------------------------------------- */

/* Ends the run's threads, as far as they come to a scheduling point in time.  m: the caller's own, with no P. */
static void end_threads(struct exrt__m *m)
{
	struct exrt__sched *s = &exrt__sched;
	int64_t deadline = exrt_nanotime() + FAREWELL_NS;
	struct exrt__m *idle;

	while (atomic_load_explicit(&s->live_threads, memory_order_acquire) > 0 && exrt_nanotime() < deadline) {
		exrt__lock(&s->lock);
		while ((idle = s->midle) != NULL) {
			s->midle = idle->link;
			s->nmidle--;
			exrt__note_wake(&idle->note);
		}
		exrt__unlock(&s->lock);
		exrt__note_wake(&s->monitor_note);
		idle = atomic_load(&s->timer_m);
		if (idle)
			exrt__note_wake(&idle->note);
		for (int i = 0; i < load_relaxed(&s->nprocs); i++)
			exrt__p_steal(m, exrt__p_at(i));
		exrt__note_wait(&s->donenote, exrt_nanotime() + 1000000);
	}
}

/* Makes the scheduler new again when all threads have gone.  Return: whether they have. */
static bool clean_up(void)
{
	struct exrt__sched *s = &exrt__sched;

	if (atomic_load_explicit(&s->live_threads, memory_order_acquire) > 0)
		return false;
	exrt__timer_clear();
	for (int i = 0; i < load_relaxed(&s->nallp); i++) {
		while (exrt__runq_get(exrt__p_at(i)))
			;
	}
	s->runq_head = s->runq_tail = NULL;
	atomic_store(&s->runq_size, 0);
	s->pidle = NULL;
	atomic_store(&s->npidle, 0);
	s->midle = NULL;
	s->nmidle = s->nm = 0;
	atomic_store(&s->nmspinning, 0);
	atomic_store(&s->timer_m, NULL);
	atomic_store(&s->monitor_waits, false);
	atomic_store(&s->start_failed, false);
	atomic_store(&s->stop_busy, 0);
	atomic_store(&s->over, false);
	atomic_store(&s->stopping, false);
	exrt__g_drop_all();
	return true;
}

/*
 * Makes the Ps and the first goroutine.  Return: its P, or NULL.  The caller's function is the goroutine's own, with nothing between
 * (exrt__go_entry passes what it returns on): the cast takes its result from the type, not from the call.
 */
static struct exrt__p *prepare(struct exrt__m *m, int (*fn)(void *), void *arg)
{
	struct exrt__sched *s = &exrt__sched;
	int n = procs_wanted();
	int rc;

	if (procs_make(n))
		return NULL;
	atomic_store(&s->nprocs, n);
	for (int i = n - 1; i > 0; i--)
		exrt__pidle_put(exrt__p_at(i));
	exrt__acquire_p(m, exrt__p_at(0));
	/* There are no Ms yet: nobody is to be woken. */
	atomic_store(&s->nmspinning, 1);
	rc = exrt__go(m, MAIN_STACK, (void (*)(void *))(uintptr_t)fn, arg, (struct trace_where){ 0, 0 }, true);
	atomic_store(&s->nmspinning, 0);
	exrt__release_p(m);
	return rc ? NULL : exrt__p_at(0);
}

int exrt_run(int (*fn)(void *arg), void *arg)
{
	static _Atomic bool running;
	struct exrt__sched *s = &exrt__sched;
	struct exrt__m *m;
	struct exrt__p *p;
	int rc = -ENOMEM;

	if (exrt__m_self() || atomic_exchange(&running, true))
		return -EBUSY;
	if (!clean_up()) {
		atomic_store(&running, false);
		return -EBUSY;		/* threads of the last run are still in system calls */
	}
	exrt__trace_host_init();
	m = exrt__m_alloc();
	if (!m)
		goto out;
	exrt__m_set_self(m);
	trace_m_register(&m->t);
	s->result = 0;
	p = prepare(m, fn, arg);
	if (p) {
		rc = exrt__monitor_start();
		if (rc == 0)
			rc = exrt__m_first(p);
		if (rc == 0) {
			while (!exrt__note_wait(&s->mainnote, 0))
				;
			rc = s->result;
		}
		atomic_store(&s->over, true);
		atomic_store(&s->stopping, true);
		end_threads(m);
	}
	trace_m_unregister(&m->t);
	exrt__m_set_self(NULL);
	exrt__m_release(m);
out:
	atomic_store(&running, false);
	return rc;
}
