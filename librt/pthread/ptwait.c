/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ptwait.c - who waits for what, so that the one who ends a wait can say so.
 *
 * A table hashed by the address that is waited for (mutex, condition, semaphore, thread).  It only serves the trace: the real
 * wait goes on in libc or the kernel, and an entry that is missed costs nothing but the knowledge of who ended a wait.
 *
 * Why no event can come in an order that the format's model refuses:
 *
 *  - The right to change a G that waits lies in its link. The waiter emits its GoBlock and ends that pin first, then links itself. Unlinking,
 *    under the bucket's lock, takes the right; only one can do it, the waiter itself (pt_wait_leave) or another (pt_wait_unblock).  So
 *    the G is unblocked exactly once, and by someone whose pin was taken after the waiter's was released: the generations
 *    of GoBlock and GoUnblock are in order, and so are the sequence numbers.
 *  - Who unlinked another marks it CLAIMED while it still holds the bucket's lock, makes it runnable and emits under its own pin,
 *    releases the pin, and only then stores DONE.  A waiter that finds itself unlinked waits for DONE (acquire, pairs with the release
 *    of that store) before it pins and starts: GoStart's pin comes after GoUnblock's, and the sequence number is seen.
 *  - Whoever unlinked has all signals blocked until DONE, so that wait is short: no handler can get between.
 *
 * The lock and the claims are held with signals blocked and never under a pin (tracer.h, rule 3).
 */
#include "config.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "librt/pthread/pthost.h"

struct pt_bucket pt_buckets[PT_BUCKETS];

long pt_futex_wait(_Atomic uint32_t *word, uint32_t value, const struct timespec *timeout)
{
	return syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout, NULL, 0);
}

void pt_futex_wake(_Atomic uint32_t *word, int n)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

static void bucket_lock(struct pt_bucket *b)
{
	uint32_t old = 0;

	if (atomic_compare_exchange_strong_explicit(&b->lock, &old, 1, memory_order_acquire, memory_order_relaxed))
		return;
	while (atomic_exchange_explicit(&b->lock, 2, memory_order_acquire) != 0)
		pt_futex_wait(&b->lock, 2, NULL);
}

static void bucket_unlock(struct pt_bucket *b)
{
	if (atomic_exchange_explicit(&b->lock, 0, memory_order_release) == 2)
		pt_futex_wake(&b->lock, 1);
}

static void bucket_count(struct pt_bucket *b, uint32_t by)
{
	atomic_store_explicit(&b->count, atomic_load_explicit(&b->count, memory_order_relaxed) + by, memory_order_relaxed);
}

static void unlink_waiter(struct pt_bucket *b, struct pt_thread *t)
{
	if (t->wait_prev)
		t->wait_prev->wait_next = t->wait_next;
	else
		b->first = t->wait_next;
	if (t->wait_next)
		t->wait_next->wait_prev = t->wait_prev;
	else
		b->last = t->wait_prev;
	t->wait_linked = false;
	bucket_count(b, (uint32_t)-1);
}

void pt_wait_link(struct pt_thread *t, uintptr_t key)
{
	struct pt_bucket *b = pt_wait_bucket(key);

	t->wait_key = key;
	if (!key)
		return;
	bucket_lock(b);
	t->wait_next = NULL;
	t->wait_prev = b->last;
	if (b->last)
		b->last->wait_next = t;
	else
		b->first = t;
	b->last = t;
	t->wait_linked = true;
	bucket_count(b, 1);
	bucket_unlock(b);
}

bool pt_wait_leave(struct pt_thread *t)
{
	struct pt_bucket *b = pt_wait_bucket(t->wait_key);
	uint32_t old;

	if (t->wait_key && atomic_load_explicit(&t->handoff, memory_order_relaxed) == PT_HANDOFF_NONE) {
		bucket_lock(b);
		if (t->wait_linked)
			unlink_waiter(b, t);
		bucket_unlock(b);
	}
	/* The bucket's lock, or having been seen above, makes a claim visible. */
	old = atomic_load_explicit(&t->handoff, memory_order_acquire);
	if (old == PT_HANDOFF_NONE)
		return true;
	while (old != PT_HANDOFF_DONE) {
		if (old == PT_HANDOFF_CLAIMED)
			atomic_compare_exchange_strong_explicit(&t->handoff, &old, PT_HANDOFF_AWAITED, memory_order_relaxed,
								memory_order_relaxed);
		pt_futex_wait(&t->handoff, PT_HANDOFF_AWAITED, NULL);
		old = atomic_load_explicit(&t->handoff, memory_order_acquire);
	}
	return false;
}

/* Unlinks the longest waiting for key, or NULL. */
static struct pt_thread *claim_first(uintptr_t key)
{
	struct pt_bucket *b = pt_wait_bucket(key);
	struct pt_thread *w;

	bucket_lock(b);
	for (w = b->first; w && w->wait_key != key; w = w->wait_next)
		;
	if (w) {
		unlink_waiter(b, w);
		atomic_store_explicit(&w->handoff, PT_HANDOFF_CLAIMED, memory_order_relaxed);
	}
	bucket_unlock(b);
	return w;
}

unsigned pt_wait_unblock(struct pt_thread *t, uintptr_t key, unsigned max, uintptr_t lock, struct trace_where where)
{
	struct pt_thread *w;
	unsigned n;

	pt_signals_block(t);
	for (n = 0; n < max && (w = claim_first(key)); n++) {
		struct trace_pin pin;

		trace_pin_always(&pin, &t->m);
		pt_state_set(w, TRACE_G_RUNNABLE);
		if (pin.gen)
			trace_go_unblock(&pin, &w->g, lock, where);
		trace_release(&pin);
		if (atomic_exchange_explicit(&w->handoff, PT_HANDOFF_DONE, memory_order_release) == PT_HANDOFF_AWAITED)
			pt_futex_wake(&w->handoff, 1);
	}
	pt_signals_restore(t);
	return n;
}
