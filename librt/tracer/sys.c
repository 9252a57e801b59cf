/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sys.c - locks, waits, pages and messages of the recorder, without any function that a host may have replaced.
 */
#include "librt/tracer/sys.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000ull

void trace_futex_wait(_Atomic uint32_t *word, uint32_t value, uint64_t ns)
{
	struct timespec ts = { (time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S) };
	int saved = errno;

	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, ns != 0 ? &ts : NULL, NULL, 0);
	errno = saved;
}

void trace_futex_wake(_Atomic uint32_t *word)
{
	int saved = errno;

	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 0x7fffffff, NULL, NULL, 0);
	errno = saved;
}

void trace_lock_take(struct trace_lock *lock)
{
	uint32_t seen = 0;

	/* Acquire: pairs with the release in trace_lock_give. */
	if (atomic_compare_exchange_strong_explicit(&lock->word, &seen, 1, memory_order_acquire, memory_order_relaxed))
		return;
	while (atomic_exchange_explicit(&lock->word, 2, memory_order_acquire) != 0)
		trace_futex_wait(&lock->word, 2, 0);
}

void trace_lock_give(struct trace_lock *lock)
{
	if (atomic_exchange_explicit(&lock->word, 0, memory_order_release) == 2)
		trace_futex_wake(&lock->word);
}

uint64_t trace_mono_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t trace_kernel_tid(void)
{
	return (uint64_t)syscall(SYS_gettid);
}

void trace_sleep_ns(uint64_t ns)
{
	static _Atomic uint32_t never;

	trace_futex_wait(&never, 0, ns);
}

void trace_yield(void)
{
	syscall(SYS_sched_yield);
}

void *trace_pages_new(size_t bytes)
{
	int saved = errno;
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	errno = saved;
	return p == MAP_FAILED ? NULL : p;
}

void trace_pages_free(void *p, size_t bytes)
{
	int saved = errno;

	if (p != NULL)
		munmap(p, bytes);
	errno = saved;
}

void trace_pages_clean(void *p, size_t bytes)
{
	int saved = errno;

	madvise(p, bytes, MADV_DONTNEED);
	errno = saved;
}

void trace_warn(const char *fmt, ...)
{
	char line[512] = "exectrace: ";
	size_t used = 11;
	int saved = errno, n;
	va_list ap;

	va_start(ap, fmt);
	n = vsnprintf(line + used, sizeof(line) - used - 1, fmt, ap);
	va_end(ap);
	if (n > 0)
		used += (size_t)n < sizeof(line) - used - 1 ? (size_t)n : sizeof(line) - used - 2;
	line[used++] = '\n';
	syscall(SYS_write, 2, line, used);
	errno = saved;
}
