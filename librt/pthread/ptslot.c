/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ptslot.c - processors: slots, of which a running thread holds the smallest that was free.
 *
 * Slots come in blocks of 64 with one word of bits each; blocks form a chain that only grows. A set bit is the right to
 * change the slot: it is taken before the pin under which the slot starts, and given back after the pin under which it
 * stopped, so that one slot's events never go back in generations.
 *
 * A thread in a system call keeps its slot, since most are short.  While it is in there the right is up for taking: it belongs to who changes
 * `holder` from what syscall_begin made of it, the thread itself at its end or a thief.  Its bit stays set meanwhile.  There is
 * no thread that looks for long calls: whoever needs a slot when none that was used before is free takes one from a call that has
 * lasted, before it begins a new one.  So there are as many as threads ran at once, and what nobody wants is not touched.
 */
#include "config.h"

#include <sys/mman.h>

#include "librt/pthread/pthost.h"
#include "librt/tracer/clock.h"

#define SLOTS 64

/* A call that has lasted this long can lose its slot, after Go's runtime, whose monitor looks every 20 us. */
#define STEAL_AFTER (20000 / TRACE_CLOCK_UNIT_NS)

struct block {
	_Atomic uint64_t used;		/* taken with acquire, given with release: what the last owner wrote is seen */
	_Atomic(struct block *) next;	/* published with release, read with acquire */
	struct pt_slot slot[SLOTS];
};

static struct block first;

/* The first block's slots have no ids until this ran. */
void pt_slot_init(void)
{
	for (unsigned i = 0; i < SLOTS; i++)
		first.slot[i].p.id = i;
}

static struct block *block_next(struct block *b, uint64_t next_id)
{
	struct block *next = atomic_load_explicit(&b->next, memory_order_acquire);
	struct block *old = NULL;

	if (next)
		return next;
	next = mmap(NULL, sizeof(*next), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (next == MAP_FAILED)
		return NULL;
	for (unsigned i = 0; i < SLOTS; i++)
		next->slot[i].p.id = next_id + i;
	if (atomic_compare_exchange_strong_explicit(&b->next, &old, next, memory_order_acq_rel, memory_order_acquire))
		return next;
	munmap(next, sizeof(*next));
	return old;
}

static bool is_old(const struct pt_slot *slot, uint64_t now)
{
	uint64_t since = atomic_load_explicit(&slot->since, memory_order_relaxed);

	return since <= now && now - since >= STEAL_AFTER;
}

/* A slot below `end`, all of which are held, from a system call that lasts; or NULL. */
static struct pt_slot *steal(struct pt_thread *t, uint64_t end)
{
	uint64_t now = trace_clock_now(), id = 0;

	for (struct block *b = &first; b && id < end; b = atomic_load_explicit(&b->next, memory_order_acquire))
		for (unsigned i = 0; i < SLOTS && id < end; i++, id++) {
			struct pt_slot *slot = &b->slot[i];
			/* Acquire pairs with the release of syscall_begin: `since` is this call's, or a later one's. */
			uintptr_t holder = atomic_load_explicit(&slot->holder, memory_order_acquire);

			if ((holder & PT_SLOT_STATES) == PT_SLOT_SYSCALL && is_old(slot, now) && pt_state_steal(t, slot, holder))
				return slot;
		}
	return NULL;
}

struct pt_slot *pt_slot_take(struct pt_thread *t)
{
	uint64_t id = 0;

	for (struct block *b = &first; b; b = block_next(b, id)) {
		uint64_t used = atomic_load_explicit(&b->used, memory_order_relaxed);

		while (~used) {
			unsigned bit = (unsigned)__builtin_ctzll(~used);

			if (t && !atomic_load_explicit(&b->slot[bit].known, memory_order_relaxed)) {
				struct pt_slot *stolen = steal(t, id + bit);

				if (stolen)
					return stolen;
				t = NULL;
			}
			if (atomic_compare_exchange_weak_explicit(&b->used, &used, used | (uint64_t)1 << bit, memory_order_acquire,
								  memory_order_relaxed))
				return &b->slot[bit];
		}
		id += SLOTS;
	}
	return NULL;
}

void pt_slot_give(struct pt_slot *slot)
{
	uint64_t id = slot->p.id;
	struct block *b = &first;

	for (; id >= SLOTS; id -= SLOTS)
		b = atomic_load_explicit(&b->next, memory_order_acquire);
	atomic_fetch_and_explicit(&b->used, ~((uint64_t)1 << id), memory_order_release);
}

void pt_slot_visit(void (*visit)(void *ctx, const struct trace_p_info *info), void *ctx)
{
	for (struct block *b = &first; b; b = atomic_load_explicit(&b->next, memory_order_acquire))
		for (unsigned i = 0; i < SLOTS; i++) {
			struct pt_slot *slot = &b->slot[i];
			uintptr_t holder;
			struct trace_p_info info = { .p = &slot->p };

			if (!atomic_load_explicit(&slot->known, memory_order_acquire))
				continue;
			holder = atomic_load_explicit(&slot->holder, memory_order_acquire);
			info.m = (struct trace_m *)(holder & ~PT_SLOT_STATES);
			info.state = !holder ? TRACE_P_IDLE : holder & PT_SLOT_STATES ? TRACE_P_SYSCALL : TRACE_P_RUNNING;
			visit(ctx, &info);
		}
}
