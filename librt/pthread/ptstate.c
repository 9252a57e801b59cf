/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ptstate.c - each state change of a thread's G, M and P, with its events.
 *
 * The rules of tracer.h, and how they are kept here:
 *
 *  1. State and event under one pin: every function below changes `state`, `holder` and m's context between trace_pin_always and
 *     trace_release, recording or not, and nothing else does (but pt_wait_unblock for a waiter's state).
 *  2. A pin after the right was obtained.  A G that is not waiting is changed by its own thread alone; a new one by its creator,
 *     whose pin ends before the thread is made; a waiting one by who unlinked it (ptwait.c).  A slot: by who has its bit (ptslot.c), and
 *     bits change hands outside pins; in a system call by who changes `holder` first.  The thread itself may do so under its pin,
 *     since then nobody else changed the slot; a thief does it before its own, and stores DONE after it.  The thread whose
 *     slot is gone waits for DONE before it pins: GoSyscallEndBlocked's pin comes after ProcSteal's.  Like who unblocks
 *     another (ptwait.c) a thief has all signals blocked until DONE, so that wait is short.
 *  3. Nothing under a pin takes a lock, waits or allocates.
 *
 * A blocked thread holds no P, so a wait that ends by itself is reported without one, as the format allows: GoUnblock, then
 * ProcStart, then GoStart.  In a system call the P stays with the thread until another one wants it.
 */
#include "config.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "librt/pthread/pthost.h"

static const struct trace_where nowhere;

void pt_signals_block(struct pt_thread *t)
{
	sigset_t all;

	/* Not sigprocmask(): the C library keeps two signals for itself out of it, one of which cancels threads. */
	__builtin_memset(&all, 0xff, sizeof(all));
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &t->saved_mask, 8);
}

void pt_signals_restore(struct pt_thread *t)
{
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &t->saved_mask, NULL, 8);
}

/*
 * Waits for time or descriptors fail with EINTR after any handler, and where the kernel sends CPU timers' signals from its clock tick
 * (x86-64 since 5.9 does not), a sample may come just as one begins.  So while t waits that signal is blocked, unless the program has it
 * blocked itself.
 */
static void hold_samples(struct pt_thread *t)
{
	int sig = trace_sample_signal();

	if (sig && (t->sample_signal || !sigismember(&t->saved_mask, sig))) {
		t->sample_signal = sig;
		sigaddset(&t->saved_mask, sig);
	}
}

/* The wait is over, or a signal handler that reports runs in it and has its own mask. */
static void release_samples(struct pt_thread *t)
{
	if (t->sample_signal)
		sigdelset(&t->saved_mask, t->sample_signal);
}

static void set_holder(struct pt_slot *slot, uintptr_t holder)
{
	atomic_store_explicit(&slot->holder, holder, memory_order_release);
}

/* The M takes slot, whose bit is this thread's. */
static void start_p(struct trace_pin *pin, struct pt_thread *t, struct pt_slot *slot)
{
	set_holder(slot, (uintptr_t)&t->m);
	atomic_store_explicit(&slot->known, true, memory_order_release);
	if (pin->gen)
		trace_proc_start(pin, &slot->p);
	t->m.p = &slot->p;
	t->slot = slot;
}

/* The M gives its slot up; the bit is for the caller to give back after the pin. */
static struct pt_slot *stop_p(struct trace_pin *pin, struct pt_thread *t)
{
	struct pt_slot *slot = t->slot;

	if (pin->gen)
		trace_proc_stop(pin);
	t->m.p = NULL;
	t->slot = NULL;
	set_holder(slot, 0);
	return slot;
}

static void start_g(struct trace_pin *pin, struct pt_thread *t)
{
	pt_state_set(t, TRACE_G_RUNNING);
	if (pin->gen)
		trace_go_start(pin, &t->g);
	t->m.g = &t->g;
}

/* How many Ps there are is told when there is one more. */
static void tell_procs(struct trace_pin *pin, const struct pt_slot *slot)
{
	static _Atomic uint64_t told;
	uint64_t procs = slot->p.id + 1, old = atomic_load_explicit(&told, memory_order_relaxed);

	while (old < procs)
		if (atomic_compare_exchange_weak_explicit(&told, &old, procs, memory_order_relaxed, memory_order_relaxed)) {
			if (pin->gen)
				trace_procs_change(pin, procs, nowhere);
			return;
		}
}

/* t's G, which is runnable, goes on with a slot that is t's. */
static void resume(struct trace_pin *pin, struct pt_thread *t, struct pt_slot *slot)
{
	start_p(pin, t, slot);
	start_g(pin, t);
	tell_procs(pin, slot);
}

void pt_state_block(struct pt_thread *t, uintptr_t key, const char *reason, uintptr_t lock, struct trace_where where)
{
	struct trace_pin pin;
	struct pt_slot *slot;

	pt_signals_block(t);
	atomic_store_explicit(&t->handoff, PT_HANDOFF_NONE, memory_order_relaxed);
	trace_pin_always(&pin, &t->m);
	pt_state_set(t, TRACE_G_WAITING);
	if (pin.gen)
		trace_go_block(&pin, reason, lock, where);
	t->m.g = NULL;
	slot = stop_p(&pin, t);
	trace_release(&pin);
	pt_slot_give(slot);
	pt_wait_link(t, key);
	hold_samples(t);
	pt_signals_restore(t);
}

bool pt_state_wake(struct pt_thread *t)
{
	struct trace_pin pin;
	struct pt_slot *slot;
	bool own;

	pt_signals_block(t);
	release_samples(t);
	own = pt_wait_leave(t);
	slot = pt_slot_take(t);
	if (slot) {
		trace_pin_always(&pin, &t->m);
		if (own) {
			pt_state_set(t, TRACE_G_RUNNABLE);
			if (pin.gen)
				trace_go_unblock(&pin, &t->g, 0, nowhere);
		}
		resume(&pin, t, slot);
		trace_release(&pin);
	}
	pt_signals_restore(t);
	return slot;
}

/*
 * A system call is reported often, and two calls more to hold signals back would cost as much as the rest; but a handler may leave by
 * longjmp, and must not do so from inside a pin.
 */
static bool guard(struct pt_thread *t)
{
	bool needed = atomic_load_explicit(&pt_has_handlers, memory_order_relaxed);

	if (needed)
		pt_signals_block(t);
	return needed;
}

void pt_state_syscall_begin(struct pt_thread *t, struct trace_where where)
{
	bool guarded = guard(t);
	struct trace_pin pin;

	atomic_store_explicit(&t->handoff, PT_HANDOFF_NONE, memory_order_relaxed);
	trace_pin_always(&pin, &t->m);
	pt_state_set(t, TRACE_G_SYSCALL);
	if (pin.gen)
		trace_go_syscall_begin(&pin, where);
	atomic_store_explicit(&t->slot->since, pin.gen ? t->m.last_time : UINT64_MAX, memory_order_relaxed);
	/* Last: from here on the slot may be taken.  Release pairs with the thief's acquire. */
	set_holder(t->slot, (uintptr_t)&t->m | PT_SLOT_SYSCALL);
	trace_release(&pin);
	if (guarded)
		pt_signals_restore(t);
}

bool pt_state_steal(struct pt_thread *t, struct pt_slot *slot, uintptr_t holder)
{
	struct trace_m *from = (struct trace_m *)(holder & ~PT_SLOT_STATES);
	struct pt_thread *victim = (struct pt_thread *)from;
	struct trace_pin pin;

	/* Acquire pairs with the release of syscall_begin: what that M did with the slot is ours now. */
	if (!atomic_compare_exchange_strong_explicit(&slot->holder, &holder, (uintptr_t)from | PT_SLOT_STEALING, memory_order_acquire,
						     memory_order_relaxed))
		return false;
	trace_pin_always(&pin, &t->m);
	if (pin.gen)
		trace_proc_steal(&pin, &slot->p, from);
	set_holder(slot, 0);
	trace_release(&pin);
	/* Release pairs with the acquire of the victim that awaits it: it pins after us. */
	if (atomic_exchange_explicit(&victim->handoff, PT_HANDOFF_DONE, memory_order_release) == PT_HANDOFF_AWAITED)
		pt_futex_wake(&victim->handoff, 1);
	return true;
}

/* The slot is gone: waits until the thief has told so. */
static void await_thief(struct pt_thread *t)
{
	uint32_t old = PT_HANDOFF_NONE;

	/* Acquire in all of them pairs with the thief's release of DONE. */
	atomic_compare_exchange_strong_explicit(&t->handoff, &old, PT_HANDOFF_AWAITED, memory_order_acquire, memory_order_acquire);
	while (atomic_load_explicit(&t->handoff, memory_order_acquire) != PT_HANDOFF_DONE)
		pt_futex_wait(&t->handoff, PT_HANDOFF_AWAITED, NULL);
	/* Before t reports anything, be it a theft of its own. */
	t->m.p = NULL;
}

static __attribute__((noinline)) bool syscall_end_without_p(struct pt_thread *t)
{
	struct trace_pin pin;
	struct pt_slot *slot;

	pt_signals_block(t);
	await_thief(t);
	slot = pt_slot_take(t);
	if (slot) {
		trace_pin_always(&pin, &t->m);
		if (pin.gen)
			trace_go_syscall_end_blocked(&pin);
		t->m.g = NULL;
		resume(&pin, t, slot);
		trace_release(&pin);
	}
	pt_signals_restore(t);
	return slot;
}

bool pt_state_syscall_end(struct pt_thread *t)
{
	uintptr_t mine = (uintptr_t)&t->m | PT_SLOT_SYSCALL;
	bool guarded = guard(t), kept;
	struct trace_pin pin;

	trace_pin_always(&pin, &t->m);
	/* Relaxed where it fails: await_thief() comes next.  Release: for those who read the state. */
	kept = atomic_compare_exchange_strong_explicit(&t->slot->holder, &mine, (uintptr_t)&t->m, memory_order_release,
						       memory_order_relaxed);
	if (kept) {
		pt_state_set(t, TRACE_G_RUNNING);
		if (pin.gen)
			trace_go_syscall_end(&pin);
	}
	trace_release(&pin);
	if (guarded)
		pt_signals_restore(t);
	return kept || syscall_end_without_p(t);
}

void pt_state_create(struct pt_thread *t, struct pt_thread *child, uintptr_t entry, struct trace_where where)
{
	struct trace_pin pin;

	pt_signals_block(t);
	trace_pin_always(&pin, &t->m);
	pt_state_set(child, TRACE_G_RUNNABLE);
	if (pin.gen)
		trace_go_create(&pin, &child->g, entry, false, where);
	trace_release(&pin);
	pt_signals_restore(t);
}

/* There is no thread to run child: its life passes on this one. */
void pt_state_create_failed(struct pt_thread *t, struct pt_thread *child)
{
	struct trace_pin pin;

	pt_signals_block(t);
	trace_pin_always(&pin, &t->m);
	if (pin.gen) {
		trace_go_stop(&pin, "preempted", nowhere);
		t->m.g = NULL;
		trace_go_start(&pin, &child->g);
		t->m.g = &child->g;
		trace_go_destroy(&pin);
		t->m.g = NULL;
		trace_go_start(&pin, &t->g);
		t->m.g = &t->g;
	}
	pt_state_set(child, TRACE_G_DEAD);
	trace_release(&pin);
	pt_signals_restore(t);
}

void pt_state_begin(struct pt_thread *t, struct pt_slot *slot, bool created, uintptr_t entry)
{
	struct trace_pin pin;

	trace_pin_always(&pin, &t->m);
	start_p(&pin, t, slot);
	if (!created) {
		pt_state_set(t, TRACE_G_RUNNABLE);
		if (pin.gen)
			trace_go_create(&pin, &t->g, entry, false, nowhere);
	}
	start_g(&pin, t);
	tell_procs(&pin, slot);
	trace_release(&pin);
}

void pt_state_end(struct pt_thread *t)
{
	struct trace_pin pin;
	struct pt_slot *slot;

	trace_pin_always(&pin, &t->m);
	pt_state_set(t, TRACE_G_DEAD);
	if (pin.gen)
		trace_go_destroy(&pin);
	t->m.g = NULL;
	slot = stop_p(&pin, t);
	trace_release(&pin);
	pt_slot_give(slot);
}

/* --- what hooks are made of ------------------------------------------------------------------------------------------ */

struct pt_thread *pt_enter_slow(struct pt_thread *t)
{
	/* A call that was reported did not come back the usual way: it was unwound, or a signal handler runs inside it. */
	if (pt_state_own(t) == TRACE_G_SYSCALL ? pt_state_syscall_end(t) : pt_state_wake(t))
		return t;
	pt_leave(t);
	return NULL;
}

struct pt_thread *pt_syscall_enter(struct trace_where where)
{
	struct pt_thread *t = pt_enter();

	if (t) {
		pt_state_syscall_begin(t, where);
		pt_leave(t);
	}
	return t;
}

struct pt_thread *pt_block_enter(const volatile void *key, const char *reason, uintptr_t lock, struct trace_where where)
{
	struct pt_thread *t = pt_enter();

	if (t) {
		pt_state_block(t, (uintptr_t)key, reason, lock, where);
		pt_leave(t);
	}
	return t;
}

void pt_call_leave(struct pt_thread *t)
{
	t = pt_reenter(t);
	if (!t)
		return;
	if (pt_state_own(t) != TRACE_G_RUNNING) {
		t->sample_signal = pt_enter_slow(t) ? 0 : t->sample_signal;
	} else if (t->sample_signal) {
		/* A handler has reported meanwhile, and our mask came back when it returned. */
		pt_signals_block(t);
		release_samples(t);
		pt_signals_restore(t);
		t->sample_signal = 0;
	}
	if (t->busy)
		pt_leave(t);
}

unsigned pt_wake_waiters(const volatile void *key, unsigned max, uintptr_t lock, struct trace_where where)
{
	struct pt_thread *t = pt_enter();
	unsigned n;

	if (!t)
		return 0;
	n = pt_wait_unblock(t, (uintptr_t)key, max, lock, where);
	pt_leave(t);
	return n;
}
