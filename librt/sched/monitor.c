/* SPDX-License-Identifier: BSD-3-Clause
 *
 * monitor.c - a thread without a P that takes Ps from system calls that last, and makes up for what nobody else looks at.
 *
 * It looks every 20 us while it finds something to do, ever more rarely (to 10 ms) while it does not, and sleeps for good while
 * all Ps are idle; who takes a P from the idle list wakes it (exrt__monitor_wake).
 */
#include "librt/sched/gmp.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#define DELAY_MIN_NS 20000
#define DELAY_MAX_NS 10000000
#define IDLE_ROUNDS 50			/* before the delay grows */
#define KEEP_NS 10000000		/* a P that nobody wants stays with its syscall that long */

#define load_relaxed(p) atomic_load_explicit(p, memory_order_relaxed)

void exrt__monitor_wake(void)
{
	if (!load_relaxed(&exrt__sched.monitor_waits))
		return;
	atomic_store_explicit(&exrt__sched.monitor_waits, false, memory_order_relaxed);
	exrt__note_wake(&exrt__sched.monitor_note);
}

void exrt__p_handoff(struct exrt__p *p)
{
	struct exrt__sched *s = &exrt__sched;
	bool timers = exrt__timer_next() != 0 && !load_relaxed(&s->timer_m);
	int none = 0;

	if (!load_relaxed(&s->stopping)) {
		if (!exrt__runq_is_empty(p) || load_relaxed(&s->runq_size) != 0 || timers) {
			exrt__m_start(p, false);
			return;
		}
		/* Nobody looks for work: somebody should, there may be some in the other queues. */
		if (load_relaxed(&s->nmspinning) + load_relaxed(&s->npidle) == 0 &&
		    atomic_compare_exchange_strong(&s->nmspinning, &none, 1)) {
			exrt__m_start(p, true);
			return;
		}
	}
	exrt__lock(&s->lock);
	if (!load_relaxed(&s->stopping) && load_relaxed(&s->runq_size) != 0) {
		exrt__unlock(&s->lock);
		exrt__m_start(p, false);
		return;
	}
	if (load_relaxed(&s->stopping)) {
		if (--s->stopwait == 0)
			exrt__note_wake(&s->stopnote);
	} else {
		exrt__pidle_put(p);
		exrt__check_dead();
	}
	exrt__unlock(&s->lock);
	exrt__wake_p_again();
}

/* Takes the P if its syscall lasts.  Return: whether it did. */
static bool retake(struct exrt__m *m, struct exrt__p *p, int64_t now)
{
	struct exrt__sched *s = &exrt__sched;
	uint32_t tick;

	if (exrt__state(load_relaxed(&p->state)) != TRACE_P_SYSCALL)
		return false;
	tick = load_relaxed(&p->syscall_tick);
	if (tick != p->seen_tick) {
		/* A new one since the last look: it has until the next. */
		p->seen_tick = tick;
		p->seen_at = now;
		return false;
	}
	/* Nobody wants it as long as its queue is empty and others are idle or look for work themselves; but not for ever. */
	if (exrt__runq_is_empty(p) && load_relaxed(&s->nmspinning) + load_relaxed(&s->npidle) > 0 && now < p->seen_at + KEEP_NS)
		return false;
	if (!exrt__p_steal(m, p))
		return false;
	atomic_fetch_add_explicit(&p->syscall_tick, 1, memory_order_relaxed);
	exrt__p_handoff(p);
	return true;
}

/* Timers that are late while Ps are idle: whoever should have run them computes.  Return: whether it did something. */
static bool run_late_timers(int64_t now)
{
	struct exrt__sched *s = &exrt__sched;
	int64_t next = exrt__timer_next();
	struct exrt__p *p;

	if (next == 0 || now < next + DELAY_MAX_NS / 2 || load_relaxed(&s->npidle) == 0)
		return false;
	exrt__lock(&s->lock);
	p = exrt__pidle_get();
	exrt__unlock(&s->lock);
	if (p)
		exrt__m_start(p, false);
	return p != NULL;
}

/*
 * There was no thread for a P: the system may have one now. Whether work still waits is for that thread to find out; one that is not needed
 * parks, and is there the next time.  Until then this goes on, ever more rarely: nobody else would look.
 */
static void start_again(void)
{
	struct exrt__sched *s = &exrt__sched;
	struct exrt__p *p;

	if (!load_relaxed(&s->start_failed))
		return;
	exrt__lock(&s->lock);
	p = exrt__pidle_get();
	/* Where no P is idle, those that run look for work before they become it; a stopped world hands all Ps out again. */
	atomic_store_explicit(&s->start_failed, false, memory_order_relaxed);
	exrt__unlock(&s->lock);
	if (p)
		exrt__m_start(p, false);
}

static bool nothing_to_watch(void)
{
	const struct exrt__sched *s = &exrt__sched;

	return load_relaxed(&s->npidle) >= load_relaxed(&s->nprocs) && !load_relaxed(&s->start_failed);
}

/* Sleeps while all Ps are idle. */
static void wait_while_idle(void)
{
	struct exrt__sched *s = &exrt__sched;

	if (!nothing_to_watch())
		return;
	exrt__lock(&s->lock);
	if (!nothing_to_watch() || load_relaxed(&s->over)) {
		exrt__unlock(&s->lock);
		return;
	}
	atomic_store_explicit(&s->monitor_waits, true, memory_order_relaxed);
	exrt__unlock(&s->lock);
	exrt__note_wait(&s->monitor_note, 0);
}

static void *monitor_main(void *arg)
{
	struct exrt__sched *s = &exrt__sched;
	struct exrt__m *m = arg;
	int64_t delay = DELAY_MIN_NS;
	unsigned idle = 0;

	exrt__m_set_self(m);
	trace_m_register(&m->t);
	while (!load_relaxed(&s->over)) {
		bool busy = false;
		int64_t now;

		exrt__note_wait(&s->monitor_note, exrt_nanotime() + delay);
		wait_while_idle();
		now = exrt_nanotime();
		for (int i = 0; i < exrt__nprocs() && !load_relaxed(&s->stopping); i++)
			busy |= retake(m, exrt__p_at(i), now);
		busy |= run_late_timers(now);
		start_again();
		idle = busy ? 0 : idle + 1;
		if (idle == 0)
			delay = DELAY_MIN_NS;
		else if (idle > IDLE_ROUNDS && delay < DELAY_MAX_NS)
			delay = delay * 2 < DELAY_MAX_NS ? delay * 2 : DELAY_MAX_NS;
	}
	trace_m_unregister(&m->t);
	exrt__m_set_self(NULL);
	exrt__m_release(m);
	if (atomic_fetch_sub_explicit(&s->live_threads, 1, memory_order_release) == 1)
		exrt__note_wake(&s->donenote);
	return NULL;
}

int exrt__monitor_start(void)
{
	struct exrt__m *m = exrt__m_alloc();
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t every, old;
	int rc;

	if (!m)
		return -ENOMEM;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	atomic_fetch_add_explicit(&exrt__sched.live_threads, 1, memory_order_relaxed);
	/* The program's signals are not for this thread. */
	sigfillset(&every);
	pthread_sigmask(SIG_BLOCK, &every, &old);
	rc = pthread_create(&thread, &attr, monitor_main, m);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (rc) {
		atomic_fetch_sub_explicit(&exrt__sched.live_threads, 1, memory_order_relaxed);
		exrt__m_release(m);
	}
	return -rc;
}
