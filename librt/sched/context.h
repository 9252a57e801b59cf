/* SPDX-License-Identifier: BSD-3-Clause
 *
 * context.h - execution contexts (a goroutine's, and each M's own) and the one function that switches between them.
 *
 * Every notice that AddressSanitizer, ThreadSanitizer and valgrind want of a switch stands here and in context.c.
 */
#ifndef SCHED_CONTEXT_H
#define SCHED_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__SANITIZE_ADDRESS__)
#define EXRT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EXRT_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define EXRT_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define EXRT_TSAN 1
#endif
#endif

#ifdef EXRT_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef EXRT_TSAN
#include <sanitizer/tsan_interface.h>
#endif

/* Written by the thread that runs or switches to it. */
struct exrt__ctx {
	void *sp;		/* while it does not run */
	uintptr_t lo, hi;	/* its stack */
	void *fake;		/* ASan's fake stack, while it does not run */
	void *fiber;		/* TSan's; a pooled stack keeps it */
	unsigned valgrind_id;
};

void exrt__switch_raw(void **save_sp, void *load_sp);
void exrt__go_entry(void);
extern const char exrt__go_returned[];	/* where a goroutine's function returns to */

/* Builds the frame that makes the first switch to ctx run fn(arg). */
void exrt__ctx_prepare(struct exrt__ctx *ctx, void (*fn)(void *), void *arg);
/* The calling thread's own stack as a context. */
void exrt__ctx_of_thread(struct exrt__ctx *ctx);
/* Called when a stack is bound to the context for the first time, and before it is unbound. */
void exrt__ctx_bind(struct exrt__ctx *ctx, uintptr_t lo, uintptr_t hi);
void exrt__ctx_unbind(struct exrt__ctx *ctx);

/* Leaves from for to; returns when something switches back. dying: it never will (as to ASan). */
static inline void exrt__ctx_switch(struct exrt__ctx *from, struct exrt__ctx *to, bool dying)
{
#ifdef EXRT_ASAN
	__sanitizer_start_switch_fiber(dying ? NULL : &from->fake, (void *)to->lo, to->hi - to->lo);
#endif
#ifdef EXRT_TSAN
	__tsan_switch_to_fiber(to->fiber, 0);
#endif
	exrt__switch_raw(&from->sp, to->sp);
#ifdef EXRT_ASAN
	__sanitizer_finish_switch_fiber(from->fake, NULL, NULL);
#endif
	(void)dying;
}

/* The other half of the first switch to a context, called on it. */
static inline void exrt__ctx_arrived(void)
{
#ifdef EXRT_ASAN
	__sanitizer_finish_switch_fiber(NULL, NULL, NULL);
#endif
}

#endif
