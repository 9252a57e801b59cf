/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sys.h - what the recorder asks of the system, by bare system calls where a host may have replaced the library's function.
 *
 * The preloaded recorder interposes mutexes, read, write and more; the core must not report its own.  So it has its own lock and
 * calls the kernel itself.  None of these touches malloc; none but trace_lock_take and the waits can block.
 */
#ifndef TRACER_SYS_H
#define TRACER_SYS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* A lock for slow paths, never taken while pinned.  0 free, 1 held, 2 held and waited for. All zero when new. */
struct trace_lock {
	_Atomic uint32_t word;
};

void trace_lock_take(struct trace_lock *lock);
void trace_lock_give(struct trace_lock *lock);

/* Sleeps while *word == value, at most ns nanoseconds (0: for ever); spurious returns happen. */
void trace_futex_wait(_Atomic uint32_t *word, uint32_t value, uint64_t ns);
void trace_futex_wake(_Atomic uint32_t *word);		/* all waiters */

uint64_t trace_mono_ns(void);				/* CLOCK_MONOTONIC */
uint64_t trace_kernel_tid(void);
void trace_sleep_ns(uint64_t ns);
void trace_yield(void);

/* Zeroed pages, reserved and not yet backed; NULL when there are none. */
void *trace_pages_new(size_t bytes);
void trace_pages_free(void *p, size_t bytes);
void trace_pages_clean(void *p, size_t bytes);		/* gives the memory back; reads as zero again */

/* One line on standard error: "exectrace: ...", in one write. */
void trace_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
