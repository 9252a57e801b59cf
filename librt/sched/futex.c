/* SPDX-License-Identifier: BSD-3-Clause
 *
 * futex.c - waiting of threads, on Linux futexes; see futex.h.
 */
#include "librt/sched/futex.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "exectrace/rt.h"

#define SPINS 40

void exrt__futex_wait(_Atomic uint32_t *word, uint32_t expected, int64_t deadline_ns)
{
	struct timespec ts, *timeout = NULL;
	int saved = errno;

	if (deadline_ns > 0) {
		ts.tv_sec = deadline_ns / 1000000000;
		ts.tv_nsec = deadline_ns % 1000000000;
		timeout = &ts;
	}
	/* The bitset form takes an absolute time of CLOCK_MONOTONIC. */
	syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, expected, timeout, NULL, FUTEX_BITSET_MATCH_ANY);
	errno = saved;
}

void exrt__futex_wake(_Atomic uint32_t *word, int count)
{
	int saved = errno;

	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
	errno = saved;
}

static inline void cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

void exrt__lock_slow(struct exrt__lock *lock)
{
	for (int i = 0; i < SPINS; i++) {
		uint32_t free = 0;

		if (atomic_load_explicit(&lock->word, memory_order_relaxed) == 0 &&
		    atomic_compare_exchange_strong_explicit(&lock->word, &free, 1, memory_order_acquire, memory_order_relaxed))
			return;
		cpu_relax();
	}
	/* From here on the word is 2 when we get it: we cannot know whether others wait. */
	while (atomic_exchange_explicit(&lock->word, 2, memory_order_acquire) != 0)
		exrt__futex_wait(&lock->word, 2, 0);
}

bool exrt__note_wait(struct exrt__note *note, int64_t deadline_ns)
{
	/*
	 * One exchange, not a load and then a store: of two wakes, the second one would be overwritten by the store, and nothing would
	 * order what its waker did before it with what the woken looks at next.  Seq_cst keeps that look behind the exchange.
	 */
	while (atomic_exchange_explicit(&note->word, 0, memory_order_seq_cst) == 0) {
		if (deadline_ns && exrt_nanotime() >= deadline_ns)
			return false;
		exrt__futex_wait(&note->word, 0, deadline_ns);
	}
	return true;
}
