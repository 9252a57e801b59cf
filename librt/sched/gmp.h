/* SPDX-License-Identifier: BSD-3-Clause
 *
 * gmp.h - the scheduler's structures and what its files call of each other.
 *
 * G: a goroutine. M: a thread of ours. P: the right to run goroutines, with a run queue. An M needs a P to run a G; one in a
 * system call keeps it until someone takes it. Scheduler code runs on the M's own stack ("g0"), a goroutine's code on the
 * goroutine's.
 *
 * Who may change what:
 *   - A G belongs to the M that runs it, to whoever took it from a run queue or wait list, or to the list that it is in (then:
 *     to the list's lock).
 *   - A P belongs to the M whose m->p it is while state is RUNNING; in SYSCALL, to whoever changes it by compare-and-swap; else
 *     to the idle list (under sched.lock) or to whoever took it from there.
 *   - An M's fields are its own but note, nextp and nextspin, which the waker writes before it wakes it, and link (under
 *     sched.lock).
 *   - Gs, Ms and Ps are never freed, so that a pointer to one may be looked at at any time.
 *
 * Lock order: a channel's or mutex's lock, timers.lock, sched.lock, the stack pool's lock. None is held across a switch, but
 * for a waiting goroutine's lock, which the M lets go when it has left that goroutine's stack.
 */
#ifndef SCHED_GMP_H
#define SCHED_GMP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exectrace/rt.h"
#include "librt/sched/context.h"
#include "librt/sched/futex.h"
#include "librt/sched/stack.h"
#include "librt/tracer/emit.h"
#include "librt/tracer/tracer.h"

#define EXRT__MAX_PROCS 1024
#define EXRT__RUNQ_SIZE 256u		/* a power of two */

struct exrt__m;

/*
 * The states of Gs and Ps are words: state in the low bits, the M in the rest where there is one, so that both are read at one
 * instant. Numbers are the tracer's. STEALING: a taker has the P and has not told yet; for everyone else it still is in the
 * syscall.
 */
#define EXRT__STATE_BITS 7u
#define EXRT__P_STEALING 4u

/* A wait for one channel, lock or group; on the waiting goroutine's stack or in its G. */
struct exrt__waiter {
	struct exrt__g *g;
	struct exrt__waiter *next, *prev;
	void *elem;			/* channel: the element's place */
	int64_t since;			/* mutex: when it began to wait */
	unsigned index;			/* select: which case */
	bool ok;			/* channel: done, rather than closed; mutex: handed over */
	bool is_select, is_send;
	bool queued;			/* in a list; under that list's lock */
};

struct exrt__g {
	struct trace_g t;
	_Atomic uintptr_t state;
	struct exrt__ctx ctx;
	struct exrt__stack *stack;
	struct exrt__g *next;		/* in the global queue or a free list */
	const char *wait_reason;	/* while waiting, for messages */
	struct trace_where where;	/* where it waits, for messages */
	/* Waiting for a channel: select's race is won by the one who turns it from 0 to 1. */
	_Atomic uint32_t select_done;
	struct exrt__waiter *woken;	/* by which wait, set by the waker */
	/* Sleeping. */
	int64_t wake_at;
	uint32_t timer_index;
	bool is_main;
};

struct exrt__p {
	struct trace_p t;
	_Atomic uintptr_t state;
	/* head: taken by anyone with compare-and-swap; tail: the owner's; slots between them hold Gs. */
	_Atomic uint32_t head __attribute__((aligned(64)));
	_Atomic uint32_t tail;
	_Atomic(struct exrt__g *) runnext;	/* runs before the queue; inherits the slice of its readier */
	_Atomic(struct exrt__g *) runq[EXRT__RUNQ_SIZE];
	/* The owner's. */
	uint32_t tick;
	uint32_t nexts;			/* how often in a row runnext went first */
	struct exrt__g *free;		/* dead Gs with stacks */
	unsigned nfree;
	uint64_t next_id, last_id;	/* goroutine ids reserved for this P */
	_Atomic uint32_t syscall_tick;	/* counts syscalls; the monitor watches it */
	/* The monitor's. */
	uint32_t seen_tick;
	int64_t seen_at;
	struct exrt__p *link;		/* idle list */
} __attribute__((aligned(64)));

/* What to do for the goroutine that was left, once its stack is. */
typedef void exrt__after_fn(struct exrt__m *m, struct exrt__g *g, void *arg);

struct exrt__m {
	struct trace_m t;
	_Atomic uint32_t transition;	/* odd while a state change is under way; written by this M alone, see trace_begin */
	struct exrt__g *g;		/* what it runs */
	struct exrt__p *p;		/* what it holds; in a syscall: held when that began */
	struct exrt__ctx g0;
	struct exrt__g *left;		/* the goroutine that was just left, until after has been called for it */
	exrt__after_fn *after;
	void *after_arg;
	bool spinning;
	bool over;			/* the run that it belongs to is over */
	_Atomic(struct exrt__p *) nextp;	/* stored last by the waker (release); the note may be a stale one */
	bool nextspin;
	struct exrt__note note;
	uint64_t rng;
	struct exrt__m *link;		/* idle or unused list */
	struct exrt__m *all;		/* every M ever, newest first; append only */
	void *altstack;
} __attribute__((aligned(64)));

struct exrt__sched {
	struct exrt__lock lock;
	/* Under lock; those that are atomic are read without it as a hint. */
	struct exrt__m *midle, *munused;
	int nmidle, nm;			/* Ms parked; Ms that live (the monitor is none of them) */
	struct exrt__p *pidle;
	_Atomic int npidle;
	struct exrt__g *runq_head, *runq_tail;
	_Atomic int runq_size;
	struct exrt__g *gfree;
	_Atomic bool monitor_waits;	/* the monitor sleeps until there is something to watch */
	_Atomic bool start_failed;	/* a P is idle because no thread could be had for it; the monitor tries again */
	int stopwait;			/* Ps that have yet to stop */

	_Atomic int nmspinning;
	_Atomic bool stopping;		/* the world is to stop */
	_Atomic bool over;		/* and not to start again */
	_Atomic int nprocs;
	_Atomic(struct exrt__m *) timer_m;	/* waits for the next timer */
	_Atomic(struct exrt__m *) allm;
	_Atomic uint64_t next_id;
	_Atomic uint32_t stop_busy;	/* someone stops the world */
	struct exrt__note stopnote, monitor_note, donenote, mainnote;
	_Atomic int live_threads;	/* of this run, the monitor's too */
	_Atomic(struct exrt__p *) allp[EXRT__MAX_PROCS];	/* by id; see exrt__p_at */
	_Atomic int nallp;		/* ever made */
	int result;			/* of the main goroutine */
};
extern struct exrt__sched exrt__sched;

/* --- m.c, mself.c: threads -------------------------------------------------------------------------------------------------- */

/*
 * The calling thread's M, or NULL.  A function of its own that the compiler cannot look into: a goroutine changes threads, so an
 * address of thread-local data must not be kept across a switch.
 */
struct exrt__m *exrt__m_self(void);
void exrt__m_set_self(struct exrt__m *m);
/* As above; fatal when not on a goroutine, or on one in a system call. */
static inline struct exrt__m *exrt__m_on_g(const char *what);
int exrt__errno_get(void);
void exrt__errno_set(int value);
struct exrt__m *exrt__m_alloc(void);
void exrt__m_release(struct exrt__m *m);
/* Runs p on an idle or a new M. If that cannot be had, p becomes idle. Any thread, no lock held. */
void exrt__m_start(struct exrt__p *p, bool spinning);
int exrt__m_first(struct exrt__p *p);
/* Parks the M, which has no P, until it is given one. */
void exrt__m_stop(struct exrt__m *m);
uint32_t exrt__m_random(struct exrt__m *m);

/* --- g.c: goroutines ------------------------------------------------------------------------------------------------ */

struct exrt__g *exrt__g_new(struct exrt__m *m, size_t stack_size, void (*fn)(void *), void *arg);
void exrt__g_free(struct exrt__m *m, struct exrt__g *g);
void exrt__g_drop_all(void);
void exrt__g_visit(void (*visit)(struct exrt__g *g, void *ctx), void *ctx);
/* main_entry: 0, or, of the first goroutine, the function that the program knows. */
int exrt__go(struct exrt__m *m, size_t stack_size, void (*fn)(void *), void *arg, struct trace_where where, bool is_main);
void exrt__go_begin(void);
void exrt__go_finish(int result) __attribute__((noreturn));

/* --- runq.c: run queues ------------------------------------------------------------------------------------------------ */

void exrt__runq_put(struct exrt__p *p, struct exrt__g *g, bool next);
struct exrt__g *exrt__runq_get(struct exrt__p *p);
bool exrt__runq_is_empty(const struct exrt__p *p);
struct exrt__g *exrt__runq_steal(struct exrt__p *p, struct exrt__p *victim, bool take_next);
/* The global queue: with sched.lock held. */
void exrt__globq_put(struct exrt__g *g);
struct exrt__g *exrt__globq_get(struct exrt__p *p, int max);

/* --- proc.c: the scheduler ------------------------------------------------------------------------------------------- */

/* The loop of a thread: runs goroutines until the run is over. */
void exrt__m_loop(struct exrt__m *m);
/*
 * Leaves the running goroutine: for the next one in the P's queue if that is near at hand, else for the M's own stack, which
 * looks for one. after is called by whoever is arrived at (exrt__arrive), since the goroutine may run elsewhere once it is
 * known to others; SLOWLY: on the M's own stack, for an after that parks. Returns when the goroutine is run again.
 */
#define EXRT__LEAVE_SLOWLY 1u
#define EXRT__LEAVE_FOR_GOOD 2u
void exrt__leave(struct exrt__m *m, exrt__after_fn *after, void *arg, unsigned flags);
void exrt__arrive(struct exrt__m *m);
/* The running goroutine waits.  after lets go of what keeps wakers away. */
void exrt__park(struct exrt__m *m, const char *reason, uintptr_t lock, struct trace_where where, exrt__after_fn *after,
		void *arg);
/* Makes a waiting goroutine runnable. m: the caller's, with a P. */
void exrt__ready(struct exrt__m *m, struct exrt__g *g, uintptr_t lock, struct trace_where where);
/* Somebody looks for what was put in a queue, if there is a P for it. */
void exrt__wake_p(void);
/* The same, of who has made a P idle: what was put in a queue before that could be seen. */
void exrt__wake_p_again(void);
void exrt__acquire_p(struct exrt__m *m, struct exrt__p *p);
struct exrt__p *exrt__release_p(struct exrt__m *m);
/* Stops the M's P when the world is to stop, and parks until it goes on. */
void exrt__stop_here(struct exrt__m *m);
void exrt__pidle_put(struct exrt__p *p);		/* sched.lock held */
struct exrt__p *exrt__pidle_get(void);			/* likewise; NULL if none */
void exrt__check_dead(void);				/* likewise */

/* --- timer.c --------------------------------------------------------------------------------------------------------- */

void exrt__timer_add(struct exrt__g *g, int64_t when);
int64_t exrt__timer_next(void);				/* 0: none */
/* Wakes those whose time has come.  Return: whether there were any. */
bool exrt__timer_run(struct exrt__m *m);
void exrt__timer_clear(void);

/* --- syscall.c, monitor.c, startstop.c ---------------------------------------------------------------------------------- */

/* Takes p from the M that is in a syscall with it; m: the taker's. Return: whether it could. */
bool exrt__p_steal(struct exrt__m *m, struct exrt__p *p);
/* Finds something to do for a P that was taken, or makes it idle. */
void exrt__p_handoff(struct exrt__p *p);
int exrt__monitor_start(void);
void exrt__monitor_wake(void);				/* sched.lock held */

/* --- die.c --------------------------------------------------------------------------------------------------------- */

/* The end of the program, with one message and the goroutine's stack.  exit code 2. */
void exrt__fatal(const char *what) __attribute__((noreturn));
void exrt__fatal_deadlock(void) __attribute__((noreturn));
void exrt__overflow_watch(struct exrt__m *m);		/* names a goroutine that overruns its stack */
void exrt__overflow_unwatch(struct exrt__m *m);

/* --- tracehost.c ----------------------------------------------------------------------------------------------------- */

extern const struct trace_host exrt__trace_host;
extern bool exrt__fence_needed;	/* the kernel has no membarrier for us */
void exrt__trace_host_init(void);

/*
 * A state change stands between these two. The starter of a recording must know when changes that saw the switch off have
 * ended: transition is odd during one. It is written plainly, without a fence, so a change costs nothing while nothing is
 * recorded; exrt__settle makes up for it with a membarrier on its side. Proof there. They do not nest.
 */
static inline bool exrt__trace_begin(struct trace_pin *pin, struct exrt__m *m)
{
	uint32_t n = atomic_load_explicit(&m->transition, memory_order_relaxed);

	atomic_store_explicit(&m->transition, n + 1, memory_order_relaxed);
	if (__builtin_expect(exrt__fence_needed, 0))
		atomic_thread_fence(memory_order_seq_cst);
	atomic_signal_fence(memory_order_seq_cst);	/* the switch is read after the store, as far as the compiler goes */
	return trace_acquire(pin, &m->t);
}

static inline void exrt__trace_end(struct trace_pin *pin, struct exrt__m *m, bool on)
{
	if (__builtin_expect(on, 0))
		trace_release(pin);
	/* Release pairs with the acquire in exrt__settle. */
	atomic_store_explicit(&m->transition, atomic_load_explicit(&m->transition, memory_order_relaxed) + 1,
			      memory_order_release);
}

/* Of the caller's own G. */
static inline bool exrt__g_is_in_syscall(const struct exrt__g *g)
{
	return (atomic_load_explicit(&g->state, memory_order_relaxed) & EXRT__STATE_BITS) == TRACE_G_SYSCALL;
}

static inline struct exrt__m *exrt__m_on_g(const char *what)
{
	struct exrt__m *m = exrt__m_self();

	if (__builtin_expect(!m || !m->g, 0))
		exrt__fatal(what);
	/* Its P may be another's by now. */
	if (__builtin_expect(exrt__g_is_in_syscall(m->g), 0))
		exrt__fatal("runtime call between exrt_syscall_begin and exrt_syscall_end");
	return m;
}

static inline void exrt__g_set(struct exrt__g *g, enum trace_gstate state, struct exrt__m *m)
{
	atomic_store_explicit(&g->state, (uintptr_t)m | state, memory_order_release);
}

static inline void exrt__p_set(struct exrt__p *p, unsigned state, struct exrt__m *m)
{
	atomic_store_explicit(&p->state, (uintptr_t)m | state, memory_order_release);
}

/*
 * For those whom a stopped world does not hold up, as they have no P.  Acquire pairs with the release in resize: Ps below the
 * number that is seen are seen too.
 */
static inline int exrt__nprocs(void)
{
	return atomic_load_explicit(&exrt__sched.nprocs, memory_order_acquire);
}

/* The P of an id below nprocs. Acquire pairs with the release of its maker. */
static inline struct exrt__p *exrt__p_at(int id)
{
	return atomic_load_explicit(&exrt__sched.allp[id], memory_order_acquire);
}

static inline unsigned exrt__state(uintptr_t word)
{
	return word & EXRT__STATE_BITS;
}

static inline struct exrt__m *exrt__state_m(uintptr_t word)
{
	return (struct exrt__m *)(word & ~(uintptr_t)EXRT__STATE_BITS);
}

#endif
