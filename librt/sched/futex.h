/* SPDX-License-Identifier: BSD-3-Clause
 *
 * futex.h - what the scheduler's threads wait with: a small lock and a one-shot wake-up.
 *
 * Both block the thread, not the goroutine, and are for the runtime's own short sections.
 */
#ifndef SCHED_FUTEX_H
#define SCHED_FUTEX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Blocks while *word == expected, until woken or deadline_ns (CLOCK_MONOTONIC; 0: never).  May return early. */
void exrt__futex_wait(_Atomic uint32_t *word, uint32_t expected, int64_t deadline_ns);
void exrt__futex_wake(_Atomic uint32_t *word, int count);

/* word: 0 free, 1 held, 2 held and perhaps waited for. */
struct exrt__lock {
	_Atomic uint32_t word;
};

void exrt__lock_slow(struct exrt__lock *lock);

static inline void exrt__lock(struct exrt__lock *lock)
{
	uint32_t free = 0;

	/* Acquire pairs with the release in exrt__unlock. */
	if (!atomic_compare_exchange_strong_explicit(&lock->word, &free, 1, memory_order_acquire, memory_order_relaxed))
		exrt__lock_slow(lock);
}

static inline void exrt__unlock(struct exrt__lock *lock)
{
	if (atomic_exchange_explicit(&lock->word, 0, memory_order_release) == 2)
		exrt__futex_wake(&lock->word, 1);
}

/* One thread waits, another one wakes it, before or after it began to wait.  word: 1 once woken. */
struct exrt__note {
	_Atomic uint32_t word;
};

static inline void exrt__note_wake(struct exrt__note *note)
{
	/* Pairs with the exchange in exrt__note_wait: what the waker did before is seen by the woken. */
	if (atomic_exchange_explicit(&note->word, 1, memory_order_seq_cst) == 0)
		exrt__futex_wake(&note->word, 1);
}

/* Waits until woken or the deadline (0: none), and makes the note new again.  Return: whether it was woken. */
bool exrt__note_wait(struct exrt__note *note, int64_t deadline_ns);

#endif
