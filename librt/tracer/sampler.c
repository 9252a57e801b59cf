/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sampler.c - CPU samples: one timer a thread on its own CPU clock, so that idle and blocked threads have none.
 *
 * Invariants: a ring has one producer, the signal handler on the M's own thread, and one consumer, the writer; the consumer
 * holds the core's lock, under which rings and timers come and go.  The handler reads only its own M, its own stack within
 * known bounds, and its ring. The signal is a real-time one that nobody had a handler for, chosen at the first session with
 * samples and kept; calls that it interrupts are restarted.
 */
#include "librt/tracer/sampler.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "librt/tracer/clock.h"
#include "librt/tracer/core.h"
#include "librt/tracer/unwind.h"
#include "librt/tracer/unwindmap.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

/*
 * Words: for each sample TIME, P, G, n, then n pcs.  Positions only grow; a record may wrap round.  One of 128 frames takes 132
 * words, so at least 31 fit, and some 200 of the usual size.
 */
#define RING_WORDS 4096u
#define RECORD_HEAD 4u

/*
 * The kernel looks at CPU clocks once a tick, so a shorter period has passed several times when the signal comes, which then tells how
 * often: what was seen counts for all of them, or sums would come out too small.
 */
#define MAX_OVERRUN 99

struct trace_sampler {
	_Atomic uint64_t head;		/* written up to here: the handler, release; the writer reads with acquire */
	_Atomic uint64_t tail;		/* read up to here: the writer, release; the handler reads with acquire */
	_Atomic uint64_t lost;		/* the handler adds, the writer takes */
	_Atomic bool on;		/* the handler may write: under the core's lock, read relaxed */
	int timer;			/* kernel's timer id, or -1; core's lock */
	uint64_t m_id;
	struct trace_sampler *next;	/* among the orphans; core's lock */
	_Atomic uint64_t word[RING_WORDS];
};

static unsigned session_hz;		/* core's lock */
static _Atomic int signal_number;	/* written under the core's lock; 0: none chosen yet */
static struct trace_sampler *orphans;	/* rings of Ms that are gone and that were not read yet; core's lock */

/* --- the handler --- */

static struct trace_registers interrupted_at(const ucontext_t *uc)
{
#if defined(__x86_64__)
	return (struct trace_registers){ (uintptr_t)uc->uc_mcontext.gregs[REG_RIP], (uintptr_t)uc->uc_mcontext.gregs[REG_RSP],
					 (uintptr_t)uc->uc_mcontext.gregs[REG_RBP] };
#else
	return (struct trace_registers){ (uintptr_t)uc->uc_mcontext.pc, (uintptr_t)uc->uc_mcontext.sp,
					 (uintptr_t)uc->uc_mcontext.regs[29] };
#endif
}

/* A stack pointer in no known stack has the leaf only. */
static uint32_t walk(const struct trace_m *m, const ucontext_t *uc, uintptr_t pcs[TRACE_MAX_FRAMES])
{
	const struct trace_g *g = m->g;
	struct trace_registers at = interrupted_at(uc);
	uintptr_t lo, hi;
	uint32_t n;

	trace_m_stack_bounds(m, &lo, &hi);
	if (g != NULL && at.sp >= g->stack_lo && at.sp < g->stack_hi) {
		lo = g->stack_lo;
		hi = g->stack_hi;
	}
	n = trace_unwind_by(trace_unwind_map_take(), at, lo, hi, pcs);
	trace_unwind_map_give();
	return n;
}

static void ring_put(struct trace_sampler *r, const uint64_t head[RECORD_HEAD], const uintptr_t *pcs)
{
	uint64_t at = atomic_load_explicit(&r->head, memory_order_relaxed), n = head[RECORD_HEAD - 1];

	if (at + RECORD_HEAD + n - atomic_load_explicit(&r->tail, memory_order_acquire) > RING_WORDS) {
		atomic_fetch_add_explicit(&r->lost, 1, memory_order_relaxed);
		return;
	}
	for (unsigned i = 0; i < RECORD_HEAD; i++)
		atomic_store_explicit(&r->word[at++ & (RING_WORDS - 1)], head[i], memory_order_relaxed);
	for (uint64_t i = 0; i < n; i++)
		atomic_store_explicit(&r->word[at++ & (RING_WORDS - 1)], pcs[i], memory_order_relaxed);
	atomic_store_explicit(&r->head, at, memory_order_release);
	if (at - atomic_load_explicit(&r->tail, memory_order_relaxed) > RING_WORDS / 2)
		trace_writer_nudge();
}

static void on_timer(int sig, siginfo_t *info, void *context)
{
	int saved = errno;
	struct trace_m *m = trace_core.host->current_m();
	struct trace_sampler *r = NULL;

	/* Acquire pairs with the release in sampler_on, which another thread may have called. */
	if (m != NULL && m->priv != NULL)
		r = __atomic_load_n(&m->priv->sampler, __ATOMIC_ACQUIRE);
	if (r != NULL && atomic_load_explicit(&r->on, memory_order_relaxed) && trace_is_on()) {
		uintptr_t pcs[TRACE_MAX_FRAMES];
		const struct trace_g *g = m->g;
		const struct trace_p *p = m->p;
		uint32_t n = walk(m, context, pcs);
		int more = info->si_overrun < MAX_OVERRUN ? info->si_overrun : MAX_OVERRUN;
		uint64_t head[RECORD_HEAD] = { trace_clock_now(), p != NULL ? p->id : UINT64_MAX, g != NULL ? g->id : 0, n };

		do
			ring_put(r, head, pcs);
		while (more-- > 0);
	}
	errno = saved;
}

/* --- timers --- */

static bool signal_choose(void)
{
	struct sigaction act = { .sa_sigaction = on_timer, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK }, old;

	if (signal_number != 0)
		return true;
	sigfillset(&act.sa_mask);
	for (int sig = SIGRTMAX - 3; sig > SIGRTMIN; sig--) {
		if (sigaction(sig, NULL, &old) != 0 || (old.sa_flags & SA_SIGINFO) != 0 || old.sa_handler != SIG_DFL)
			continue;
		if (sigaction(sig, &act, NULL) == 0) {
			signal_number = sig;
			return true;
		}
	}
	trace_warn("no real-time signal is free: no CPU samples");
	return false;
}

int trace_sample_signal(void)
{
	return atomic_load_explicit(&signal_number, memory_order_relaxed);
}

/* The CPU clock of a thread of this process, as the kernel numbers them. */
static clockid_t thread_clock(uint64_t tid)
{
	return (clockid_t)((~(unsigned)tid) << 3 | 6);
}

/* The library's timer_create may call malloc; the kernel's does not. */
static void timer_start(struct trace_m *m)
{
	struct trace_sampler *r = m->priv->sampler;
	struct sigevent ev;
	uint64_t ns = TRACE_NS_PER_S / session_hz;
	struct itimerspec spec;
	int id;

	memset(&ev, 0, sizeof(ev));
	ev.sigev_notify = SIGEV_THREAD_ID;
	ev.sigev_signo = signal_number;
	ev.sigev_notify_thread_id = (int)m->id;
	if (syscall(SYS_timer_create, thread_clock(m->id), &ev, &id) != 0)
		return;
	spec.it_interval = (struct timespec){ (time_t)(ns / TRACE_NS_PER_S), (long)(ns % TRACE_NS_PER_S) };
	/* Threads that start together should not be sampled together: the first one comes after a part of the period. */
	ns = ns / 16 * (1 + m->serial % 16);
	spec.it_value = (struct timespec){ (time_t)(ns / TRACE_NS_PER_S), (long)(ns % TRACE_NS_PER_S) };
	if (syscall(SYS_timer_settime, id, 0, &spec, NULL) != 0) {
		syscall(SYS_timer_delete, id);
		return;
	}
	r->timer = id;
}

static void sampler_on(struct trace_m *m)
{
	if (m->priv == NULL)
		return;
	if (m->priv->sampler == NULL) {
		struct trace_sampler *r = trace_pages_new(sizeof(*r));

		if (r == NULL)
			return;
		r->timer = -1;
		r->m_id = m->id;
		__atomic_store_n(&m->priv->sampler, r, __ATOMIC_RELEASE);
	}
	if (m->priv->sampler->timer >= 0)
		return;
	atomic_store_explicit(&m->priv->sampler->on, true, memory_order_relaxed);
	timer_start(m);
}

static void sampler_off(struct trace_m *m)
{
	struct trace_sampler *r = m->priv != NULL ? m->priv->sampler : NULL;

	if (r == NULL)
		return;
	atomic_store_explicit(&r->on, false, memory_order_relaxed);
	if (r->timer >= 0)
		syscall(SYS_timer_delete, r->timer);
	r->timer = -1;
}

void trace_samplers_set(unsigned hz)
{
	trace_lock_take(&trace_core.lock);
	session_hz = hz;
	if (hz != 0 && trace_core.host->current_m != NULL && signal_choose()) {
		for (struct trace_m *m = trace_core.ms; m != NULL; m = m->next)
			sampler_on(m);
	} else {
		for (struct trace_m *m = trace_core.ms; m != NULL; m = m->next)
			sampler_off(m);
	}
	trace_lock_give(&trace_core.lock);
}

void trace_sampler_attach(struct trace_m *m)
{
	if (session_hz != 0 && signal_number != 0)
		sampler_on(m);
}

/* --- the consumer --- */

static uint64_t ring_drain(struct trace_sampler *r, void (*take)(void *ctx, const struct trace_sample *s), void *ctx)
{
	uint64_t head = atomic_load_explicit(&r->head, memory_order_acquire);
	uint64_t at = atomic_load_explicit(&r->tail, memory_order_relaxed);
	uintptr_t pcs[TRACE_MAX_FRAMES];

	while (at < head) {
		uint64_t w[RECORD_HEAD];
		struct trace_sample s;

		for (unsigned i = 0; i < RECORD_HEAD; i++)
			w[i] = atomic_load_explicit(&r->word[at++ & (RING_WORDS - 1)], memory_order_relaxed);
		for (uint64_t i = 0; i < w[3]; i++)
			pcs[i] = (uintptr_t)atomic_load_explicit(&r->word[at++ & (RING_WORDS - 1)], memory_order_relaxed);
		s = (struct trace_sample){ w[0], r->m_id, w[1], w[2], (uint32_t)w[3], pcs };
		take(ctx, &s);
	}
	atomic_store_explicit(&r->tail, at, memory_order_release);
	return atomic_exchange_explicit(&r->lost, 0, memory_order_relaxed);
}

uint64_t trace_samplers_drain(void (*take)(void *ctx, const struct trace_sample *s), void *ctx)
{
	uint64_t lost = 0;

	trace_lock_take(&trace_core.lock);
	for (struct trace_m *m = trace_core.ms; m != NULL; m = m->next) {
		if (m->priv != NULL && m->priv->sampler != NULL)
			lost += ring_drain(m->priv->sampler, take, ctx);
	}
	while (orphans != NULL) {
		struct trace_sampler *r = orphans;

		orphans = r->next;
		lost += ring_drain(r, take, ctx);
		trace_pages_free(r, sizeof(*r));
	}
	trace_lock_give(&trace_core.lock);
	return lost;
}

/* By the M's own thread, so no handler is running; a signal that is still on its way finds no ring. */
void trace_sampler_detach(struct trace_m *m)
{
	struct trace_sampler *r = m->priv != NULL ? m->priv->sampler : NULL;

	if (r == NULL)
		return;
	sampler_off(m);
	m->priv->sampler = NULL;
	if (session_hz != 0) {
		r->next = orphans;
		orphans = r;
	} else {
		trace_pages_free(r, sizeof(*r));
	}
}

void trace_samplers_after_fork(void)
{
	session_hz = 0;
	for (struct trace_m *m = trace_core.ms; m != NULL; m = m->next) {
		if (m->priv != NULL && m->priv->sampler != NULL) {
			m->priv->sampler->timer = -1;
			atomic_store_explicit(&m->priv->sampler->on, false, memory_order_relaxed);
		}
	}
}
