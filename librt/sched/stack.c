/* SPDX-License-Identifier: BSD-3-Clause
 *
 * stack.c - the pool of goroutine stacks; see stack.h.
 *
 * A class is a slot size, 64 KiB << class.  Slots are cut from arenas (reserved address space, touched as goroutines touch it)
 * and never go back; a freed one waits in its class's list.  Huge pages are refused: the first touch would cost 2 MiB.
 * All lists are under pool.lock.  The guard is the slot's lowest page.
 */
#include "librt/sched/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "librt/sched/futex.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

#define CLASSES 15			/* to 1 GiB */
#define ARENA_SIZE (64ul << 20)
#define CANARY_WORDS 16
#define CANARY 0x5ca1ab1ec0ffee11ull

static struct {
	struct exrt__lock lock;
	struct exrt__stack *free[CLASSES];
	uintptr_t arena[CLASSES], arena_end[CLASSES];	/* what is left to cut */
	size_t page;
	enum exrt__guard best;				/* kind to try first */
	bool proven;					/* that kind has been seen to work */
	unsigned mprotected, mprotect_max;
} pool = { .best = EXRT__GUARD_MADVISE, .mprotect_max = EXRT__MPROTECT_MAX };

void exrt__stack_limit_guards(enum exrt__guard best, unsigned mprotect_max)
{
	exrt__lock(&pool.lock);
	pool.best = best;
	pool.mprotect_max = mprotect_max;
	exrt__unlock(&pool.lock);
}

static size_t class_size(unsigned cls)
{
	return (size_t)EXRT__STACK_DEFAULT << cls;
}

/* Takes address space for the next slots of a class.  Under pool.lock. */
static bool arena_add(unsigned cls)
{
	size_t size = class_size(cls) > ARENA_SIZE ? class_size(cls) : ARENA_SIZE;
	void *p = MAP_FAILED;

	/* Less is better than nothing where address space is limited. */
	for (; size >= class_size(cls); size /= 4) {
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
		if (p != MAP_FAILED)
			break;
	}
	if (p == MAP_FAILED)
		return false;
	madvise(p, size, MADV_NOHUGEPAGE);
	pool.arena[cls] = (uintptr_t)p;
	pool.arena_end[cls] = (uintptr_t)p + size - size % class_size(cls);
	return true;
}

/* Whether the kernel cannot read the page: emulators accept any advice and do nothing. */
static bool guard_works(uintptr_t lo)
{
	bool faults;
	int fd[2];

	if (pipe2(fd, O_CLOEXEC) != 0)
		return false;
	faults = write(fd[1], (void *)lo, 1) < 0 && errno == EFAULT;
	close(fd[0]);
	close(fd[1]);
	return faults;
}

/* Guards the slot's lowest page with the best means there is.  Under pool.lock. */
static enum exrt__guard guard_install(uintptr_t lo)
{
	if (pool.best <= EXRT__GUARD_MADVISE) {
		if (madvise((void *)lo, pool.page, MADV_GUARD_INSTALL) == 0 && (pool.proven || guard_works(lo))) {
			pool.proven = true;
			return EXRT__GUARD_MADVISE;
		}
		pool.best = EXRT__GUARD_MPROTECT;	/* an older kernel */
	}
	if (pool.best == EXRT__GUARD_MPROTECT && pool.mprotected < pool.mprotect_max &&
	    mprotect((void *)lo, pool.page, PROT_NONE) == 0) {
		pool.mprotected++;
		return EXRT__GUARD_MPROTECT;
	}
	return EXRT__GUARD_CANARY;
}

static void canary_write(struct exrt__stack *stack)
{
	for (unsigned i = 0; i < CANARY_WORDS; i++)
		((volatile uint64_t *)stack->lo)[-1 - (int)i] = CANARY;
}

bool exrt__stack_canary_is_whole(const struct exrt__stack *stack)
{
	for (unsigned i = 0; i < CANARY_WORDS; i++) {
		if (((volatile uint64_t *)stack->lo)[-1 - (int)i] != CANARY)
			return false;
	}
	return true;
}

bool exrt__stack_is_guard(const struct exrt__stack *stack, uintptr_t addr)
{
	return stack->guard != EXRT__GUARD_CANARY && addr < stack->lo && stack->lo - addr <= pool.page;
}

/* Under pool.lock. */
static struct exrt__stack *slot_new(unsigned cls)
{
	struct exrt__stack *stack;
	uintptr_t slot;

	if (pool.page == 0)
		pool.page = (size_t)sysconf(_SC_PAGESIZE);
	if (pool.arena[cls] == pool.arena_end[cls] && !arena_add(cls))
		return NULL;
	stack = malloc(sizeof(*stack));
	if (!stack)
		return NULL;
	slot = pool.arena[cls];
	pool.arena[cls] += class_size(cls);
	/* The canary's words lie in the page that would be the guard, so usable bytes are the same in both cases. */
	*stack = (struct exrt__stack){
		.lo = slot + pool.page, .hi = slot + class_size(cls), .cls = (uint8_t)cls, .guard = guard_install(slot),
	};
	if (stack->guard == EXRT__GUARD_CANARY)
		canary_write(stack);
	return stack;
}

struct exrt__stack *exrt__stack_get(size_t size)
{
	struct exrt__stack *stack;
	unsigned cls = 0;

	while (cls < CLASSES && class_size(cls) < size)
		cls++;
	if (cls == CLASSES)
		return NULL;
	exrt__lock(&pool.lock);
	stack = pool.free[cls];
	if (stack)
		pool.free[cls] = stack->next;
	else
		stack = slot_new(cls);
	exrt__unlock(&pool.lock);
	return stack;
}

void exrt__stack_put(struct exrt__stack *stack)
{
	exrt__lock(&pool.lock);
	stack->next = pool.free[stack->cls];
	pool.free[stack->cls] = stack;
	exrt__unlock(&pool.lock);
}
