/* SPDX-License-Identifier: BSD-3-Clause
 *
 * pthost.h - a pthread program as the recorder's host: inside of the preloaded library.
 *
 * M is a kernel thread and G its one goroutine: both live in one struct pt_thread, from the thread's creation to its end. P is the
 * smallest free slot, taken on waking and given back on blocking, so that the recorder's buffers follow the running threads.
 *
 * A hook of a program's function has this shape:
 *
 *     t = pt_enter();			NULL: not ours, or we are inside the recorder already: only make the real call
 *     ... report ...
 *     pt_leave(t);
 *     rc = PT_REAL(function)(...);	the thread can be interrupted, cancelled or forked here, or never come back
 *     t = pt_reenter(t);
 *     ... report ...
 *     pt_leave(t);
 *
 * Nothing is remembered across the real call but the G's state, and whoever finds a state that does not fit (a signal handler ran,
 * or left the call with longjmp; a cancellation unwound it) sets it right in pt_enter().
 */
#ifndef PTHREAD_PTHOST_H
#define PTHREAD_PTHOST_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "librt/tracer/emit.h"
#include "librt/tracer/tracer.h"

/* ptroot.S: fn(a, b, c), on which recorded stacks end; and where fn returns to. */
uintptr_t pt_root_call(uintptr_t fn, uintptr_t a, uintptr_t b, uintptr_t c);
extern const char pt_root_returned[];

#define PT_EXPORT __attribute__((visibility("default")))

/* One slot.  Which M holds it is in `holder`; the right to change that belongs to who owns the slot's bit (ptslot.c). */
struct pt_slot {
	struct trace_p p;
	_Atomic uintptr_t holder;	/* the struct trace_m, with one of the below; 0: idle.  Written under the owner's pin, or as told there */
	_Atomic uint64_t since;		/* when its M's system call began, clock units; UINT64_MAX: not known.  Written before holder */
	_Atomic bool known;		/* was held once: it exists for the trace */
};
#define PT_SLOT_SYSCALL ((uintptr_t)1)	/* the M is in a system call: whoever changes this first owns the slot */
#define PT_SLOT_STEALING ((uintptr_t)2)	/* still, but another one owns it */
#define PT_SLOT_STATES ((uintptr_t)3)

/* How far the handing of a waiter's right to change itself has come; see ptwait.c. */
enum pt_handoff { PT_HANDOFF_NONE, PT_HANDOFF_CLAIMED, PT_HANDOFF_AWAITED, PT_HANDOFF_DONE };

struct pt_thread {
	struct trace_m m;
	struct trace_g g;
	/* The G's id << PT_STATE_BITS, and its enum trace_gstate.  Written under the pin of who has the right to change the G. */
	_Atomic uint64_t state;

	/* The thread's own. */
	struct pt_slot *slot;		/* the P it holds, or NULL */
	volatile int busy;		/* inside the recorder; also read by its signal handlers */
	int saved_errno;		/* the program's, while busy */
	sigset_t saved_mask;		/* likewise, between pt_signals_block and _restore */
	int sample_signal;		/* held back by us while it waits; 0: none */
	bool blocks_samples;		/* their signal is blocked, as far as the program knows (hooksignal.c) */
	int destructor_rounds;
	uintptr_t start;		/* its first function: void *(void *), or of a C11 thread int (void *) */
	void *arg;

	/* Waiting: written by the thread itself before it is linked, then under the bucket's lock. */
	uintptr_t wait_key;
	bool wait_linked;
	struct pt_thread *wait_next, *wait_prev;
	_Atomic uint32_t handoff;	/* enum pt_handoff, of this or, in a system call, of the P; a futex */

	/* The list of all records (append only) and the pool, under the pool's lock. */
	struct pt_thread *all_next, *pool_next;
};

#define PT_STATE_BITS 3

static inline enum trace_gstate pt_state_of(uint64_t word)
{
	return (enum trace_gstate)(word & ((1u << PT_STATE_BITS) - 1));
}

static inline void pt_state_set(struct pt_thread *t, enum trace_gstate state)
{
	/* Release: pairs with the visitor's acquire, which then sees the M that runs the G. */
	atomic_store_explicit(&t->state, t->g.id << PT_STATE_BITS | state, memory_order_release);
}

/* By the thread itself. */
static inline enum trace_gstate pt_state_own(struct pt_thread *t)
{
	return pt_state_of(atomic_load_explicit(&t->state, memory_order_relaxed));
}

/* --- real functions (ptreal.c) --------------------------------------------------------------------------------------- */

#include "librt/pthread/ptreal.h"

/* --- the process (pthost.c) ------------------------------------------------------------------------------------------- */

extern __thread struct pt_thread *pt_self __attribute__((tls_model("initial-exec")));
extern bool pt_active;			/* set once, before main(): a session was started */
extern _Atomic bool pt_has_handlers;	/* the program has installed a signal handler; never taken back */
extern pid_t pt_pid;			/* of the process that is recorded */

/* Whether this is the recorded process, not a forked child of it. */
static inline bool pt_is_recorded(void)
{
	return pt_active && trace_switch_page->always_pin;
}

struct pt_thread *pt_enter_slow(struct pt_thread *t);

/* The calling thread's record with the right to report; its G runs.  NULL: pass through. */
static inline struct pt_thread *pt_enter(void)
{
	struct pt_thread *t = pt_self;

	if (!t || t->busy || !pt_is_recorded())
		return NULL;
	t->busy = 1;
	t->saved_errno = errno;
	if (__builtin_expect(pt_state_own(t) != TRACE_G_RUNNING, 0))
		return pt_enter_slow(t);
	return t;
}

/* After the real call, with what pt_enter returned before it: like it, but the G's state is left as it is. */
static inline struct pt_thread *pt_reenter(struct pt_thread *t)
{
	if (!t || t->busy || !pt_is_recorded())
		return NULL;
	t->busy = 1;
	t->saved_errno = errno;
	return t;
}

static inline void pt_leave(struct pt_thread *t)
{
	errno = t->saved_errno;
	t->busy = 0;
}

/* Both wait until everything so far is written; the first ends the recording.  Nothing where this is not the recorded process. */
void pt_finish(void);
void pt_flush(void);

/* --- slots (ptslot.c) --------------------------------------------------------------------------------------------------- */

void pt_slot_init(void);
/* For t, the calling thread, which holds none and has its signals blocked; or NULL, by who steals none.  NULL: no memory. */
struct pt_slot *pt_slot_take(struct pt_thread *t);
void pt_slot_give(struct pt_slot *slot);
void pt_slot_visit(void (*visit)(void *ctx, const struct trace_p_info *info), void *ctx);

/* --- threads (ptthread.c) ------------------------------------------------------------------------------------------------ */

struct pt_thread *pt_thread_new(void);	/* a record with a new G, dead still; NULL: no memory */
void pt_thread_free(struct pt_thread *t);
/* The calling thread becomes t's, from its first event on.  created: t's G exists already.  False: no memory, nothing was done. */
bool pt_thread_begin(struct pt_thread *t, bool created, uintptr_t entry);
void pt_thread_end(struct pt_thread *t);	/* likewise; the thread reports nothing from then on */
void pt_thread_visit(void (*visit)(void *ctx, const struct trace_g_info *info), void *ctx);
unsigned pt_thread_live(void);		/* how many there are, or are being made */

/* --- state changes (ptstate.c): by t's own thread, busy ------------------------------------------------------------------- */

void pt_state_block(struct pt_thread *t, uintptr_t key, const char *reason, uintptr_t lock, struct trace_where where);
/* From waiting, however that ended, to running.  False: no memory for a P; t stays as it is. */
bool pt_state_wake(struct pt_thread *t);
void pt_state_syscall_begin(struct pt_thread *t, struct trace_where where);
/* From a system call, however that ended, to running.  False: no memory for a P; t stays as it is. */
bool pt_state_syscall_end(struct pt_thread *t);
/* t takes the slot of the M that is in a system call with it: `holder` is what was seen of it.  False: it is not any more. */
bool pt_state_steal(struct pt_thread *t, struct pt_slot *slot, uintptr_t holder);
void pt_state_create(struct pt_thread *t, struct pt_thread *child, uintptr_t entry, struct trace_where where);
void pt_state_create_failed(struct pt_thread *t, struct pt_thread *child);
void pt_state_begin(struct pt_thread *t, struct pt_slot *slot, bool created, uintptr_t entry);
void pt_state_end(struct pt_thread *t);

/* Around what other threads may have to wait for: a handler that ran in between could block for ever. */
void pt_signals_block(struct pt_thread *t);
void pt_signals_restore(struct pt_thread *t);

/* --- hooks ------------------------------------------------------------------------------------------------------------------ */

void pt_mutex_init(void);
void pt_rwlock_init(void);
void pt_c11_init(void);
/* A mutex that was just found taken. */
int pt_mutex_lock_contended(pthread_mutex_t *mutex, struct trace_where where);
/* The calling thread is about to unlock mutex: whoever waits longest is told, if that frees it. */
void pt_mutex_wake(pthread_mutex_t *mutex, struct trace_where where);
void pt_hookthread_init(void);
void pt_hookthread_begun(struct pt_thread *t);	/* its end will be noticed */
int pt_own_thread_new(void (*fn)(void *), void *arg);	/* struct trace_host's thread_new */

/* --- waiters (ptwait.c) --------------------------------------------------------------------------------------------------- */

#define PT_BUCKETS 1024

struct pt_bucket {
	_Atomic uint32_t lock;		/* 0 free, 1 held, 2 held and waited for */
	_Atomic uint32_t count;		/* of linked waiters; written under the lock */
	struct pt_thread *first, *last;
} __attribute__((aligned(64)));

extern struct pt_bucket pt_buckets[PT_BUCKETS];

static inline struct pt_bucket *pt_wait_bucket(uintptr_t key)
{
	return &pt_buckets[(key * 0x9e3779b97f4a7c15u) >> 54];
}

/* A hint, without any order: who waits for key may not be seen yet. */
static inline bool pt_wait_is_likely(const volatile void *key)
{
	return __builtin_expect(atomic_load_explicit(&pt_wait_bucket((uintptr_t)key)->count, memory_order_relaxed) != 0, 0);
}

void pt_wait_link(struct pt_thread *t, uintptr_t key);
/* t waits no longer.  True: nobody unblocked it, that is its own to do.  May be called again. */
bool pt_wait_leave(struct pt_thread *t);
static inline bool pt_wait_is_unblocked(struct pt_thread *t)
{
	return atomic_load_explicit(&t->handoff, memory_order_relaxed) != PT_HANDOFF_NONE;
}
/* By another thread t: makes up to max waiters for key runnable, the longest waiting first.  Return: how many. */
unsigned pt_wait_unblock(struct pt_thread *t, uintptr_t key, unsigned max, uintptr_t lock, struct trace_where where);

/* --- barriers (ptbarrier.c) ------------------------------------------------------------------------------------------------ */

void pt_barrier_note(const void *barrier, unsigned count);	/* it was made */
void pt_barrier_forget(const void *barrier);
/* Each time somebody comes to it: whether this is the last. */
bool pt_barrier_arrive(const void *barrier);

/* --- what most hooks are made of -------------------------------------------------------------------------------------------- */

/*
 * Whether a wait until then is tried first, as the hooks do.  Before anything else libc refuses other clocks and, in some functions, times that
 * are none, even if nothing had to be waited for; a function that is given such is left alone.
 */
static inline bool pt_is_time(clockid_t clock, const struct timespec *abstime)
{
	return (clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC) && (!abstime || (unsigned long)abstime->tv_nsec < 1000000000);
}

struct pt_thread *pt_syscall_enter(struct trace_where where);
struct pt_thread *pt_block_enter(const volatile void *key, const char *reason, uintptr_t lock, struct trace_where where);
void pt_call_leave(struct pt_thread *t);	/* after either */
unsigned pt_wake_waiters(const volatile void *key, unsigned max, uintptr_t lock, struct trace_where where);

long pt_futex_wait(_Atomic uint32_t *word, uint32_t value, const struct timespec *timeout);
void pt_futex_wake(_Atomic uint32_t *word, int n);

/* --- signals (hooksignal.c) -------------------------------------------------------------------------------------------------- */

void pt_signal_init(void);	/* before the core starts to record, */
void pt_signal_begin(void);	/* and after */

#endif
