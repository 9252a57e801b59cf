/* SPDX-License-Identifier: BSD-3-Clause
 *
 * stack.h - goroutine stacks: slots of power-of-two sizes in large arenas, pooled, each with a guard at its low end.
 */
#ifndef SCHED_STACK_H
#define SCHED_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXRT__STACK_DEFAULT (64u << 10)

enum exrt__guard {
	EXRT__GUARD_NONE,	/* not chosen yet */
	EXRT__GUARD_MADVISE,	/* MADV_GUARD_INSTALL: costs no mapping */
	EXRT__GUARD_MPROTECT,	/* two mappings each, so only for the first EXRT__MPROTECT_MAX */
	EXRT__GUARD_CANARY,	/* words at the low end that must not change */
};
#define EXRT__MPROTECT_MAX 28000

/* A slot. Allocated with its stack's first use, never freed. */
struct exrt__stack {
	uintptr_t lo, hi;	/* usable bytes */
	struct exrt__stack *next;	/* in a free list */
	uint8_t cls;
	uint8_t guard;		/* enum exrt__guard */
};

/* A stack of at least size bytes (0: the default), guarded; NULL when out of memory. Any thread. */
struct exrt__stack *exrt__stack_get(size_t size);
void exrt__stack_put(struct exrt__stack *stack);

/* Whether the canary words are as they were; true where there are none. */
bool exrt__stack_canary_is_whole(const struct exrt__stack *stack);

static inline bool exrt__stack_is_whole(const struct exrt__stack *stack)
{
	return stack->guard != EXRT__GUARD_CANARY || exrt__stack_canary_is_whole(stack);
}

/* Whether addr is in the guard of a stack, right below its usable bytes. */
bool exrt__stack_is_guard(const struct exrt__stack *stack, uintptr_t addr);

/* For tests: the best kind of guard to use for slots made from now on, and how many mprotect may make. */
void exrt__stack_limit_guards(enum exrt__guard best, unsigned mprotect_max);

#endif
