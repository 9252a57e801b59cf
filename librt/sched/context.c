/* SPDX-License-Identifier: BSD-3-Clause
 *
 * context.c - making execution contexts; see context.h and switch.S, whose frame layout is built here.
 */
#include "librt/sched/context.h"

#include <pthread.h>
#include <string.h>

#include "config.h"
#ifdef HAVE_VALGRIND_VALGRIND_H
#include <valgrind/valgrind.h>
#endif

void exrt__ctx_prepare(struct exrt__ctx *ctx, void (*fn)(void *), void *arg)
{
	uintptr_t *sp;

#ifdef EXRT_ASAN
	/* Frames that were left for good without a return have their red zones still. */
	__asan_unpoison_memory_region((void *)ctx->lo, ctx->hi - ctx->lo);
#endif
#if defined(__x86_64__)
	uint32_t mxcsr;
	uint16_t fpu;

	/* A new goroutine has the control words of its maker, as a new thread would. */
	__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
	__asm__ volatile("fnstcw %0" : "=m"(fpu));
	/* [control words][r15][r14][r13][r12][rbx][rbp][return address]; aligned to 16 at the entry's first instruction. */
	sp = (uintptr_t *)(ctx->hi & ~(uintptr_t)15) - 2 - 8;
	memset(sp, 0, 10 * sizeof(*sp));
	sp[0] = mxcsr | (uint64_t)fpu << 32;
	sp[3] = (uintptr_t)arg;
	sp[4] = (uintptr_t)fn;
	sp[7] = (uintptr_t)exrt__go_entry;
#elif defined(__aarch64__)
	uint64_t fpcr;

	__asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
	sp = (uintptr_t *)(ctx->hi & ~(uintptr_t)15) - 2 - 22;
	memset(sp, 0, 24 * sizeof(*sp));
	sp[1] = (uintptr_t)exrt__go_entry;
	sp[2] = (uintptr_t)fn;
	sp[3] = (uintptr_t)arg;
	sp[20] = fpcr;
#endif
	ctx->sp = sp;
	ctx->fake = NULL;
}

void exrt__ctx_of_thread(struct exrt__ctx *ctx)
{
	pthread_attr_t attr;
	void *lo = NULL;
	size_t size = 0;

	if (pthread_getattr_np(pthread_self(), &attr) == 0) {
		pthread_attr_getstack(&attr, &lo, &size);
		pthread_attr_destroy(&attr);
	}
	ctx->lo = (uintptr_t)lo;
	ctx->hi = (uintptr_t)lo + size;
#ifdef EXRT_TSAN
	ctx->fiber = __tsan_get_current_fiber();
#endif
}

void exrt__ctx_bind(struct exrt__ctx *ctx, uintptr_t lo, uintptr_t hi)
{
	ctx->lo = lo;
	ctx->hi = hi;
#ifdef EXRT_TSAN
	ctx->fiber = __tsan_create_fiber(0);
#endif
#ifdef HAVE_VALGRIND_VALGRIND_H
	ctx->valgrind_id = VALGRIND_STACK_REGISTER(lo, hi);
#endif
}

void exrt__ctx_unbind(struct exrt__ctx *ctx)
{
#ifdef EXRT_TSAN
	__tsan_destroy_fiber(ctx->fiber);
	ctx->fiber = NULL;
#endif
#ifdef HAVE_VALGRIND_VALGRIND_H
	VALGRIND_STACK_DEREGISTER(ctx->valgrind_id);
#endif
	ctx->lo = ctx->hi = 0;
}
