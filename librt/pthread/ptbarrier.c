/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ptbarrier.c - who is the last at a barrier, known before it is passed.
 *
 * How many a barrier waits for is told when it is made, and each arrival draws a number: the last one's are the multiples of the count. That
 * needs nothing of libc's barriers but what they are by POSIX; that numbers may be drawn in another order than libc counts the
 * arrivals shifts by so little what is shown.
 *
 * An entry is found within a few places of where its address belongs.  A barrier that found no free place there, or that other
 * processes use too, is not known: nobody is the last.  A barrier is made and destroyed by one thread while no other uses it, and
 * that is the entry's owner.
 */
#include "config.h"

#include "librt/pthread/pthost.h"

#define ENTRIES 1024
#define PLACES 8

static struct entry {
	_Atomic uintptr_t key;		/* the barrier's address; 0: free */
	_Atomic uint64_t arrived;
	_Atomic unsigned count;
} entries[ENTRIES + PLACES - 1];

static struct entry *place(uintptr_t key)
{
	return &entries[(key * 0x9e3779b97f4a7c15u) >> 54];
}

static struct entry *find(uintptr_t key)
{
	struct entry *first = place(key);

	for (struct entry *e = first; e < first + PLACES; e++)
		if (atomic_load_explicit(&e->key, memory_order_relaxed) == key)
			return e;
	return NULL;
}

static struct entry *find_free(uintptr_t key)
{
	struct entry *first = place(key);

	for (struct entry *e = first; e < first + PLACES; e++) {
		uintptr_t old = 0;

		if (atomic_compare_exchange_strong_explicit(&e->key, &old, key, memory_order_relaxed, memory_order_relaxed))
			return e;
	}
	return NULL;
}

void pt_barrier_note(const void *barrier, unsigned count)
{
	uintptr_t key = (uintptr_t)barrier;
	struct entry *e = find(key);

	if (!e)
		e = find_free(key);
	if (!e)
		return;
	atomic_store_explicit(&e->arrived, 0, memory_order_relaxed);
	atomic_store_explicit(&e->count, count, memory_order_relaxed);
}

void pt_barrier_forget(const void *barrier)
{
	struct entry *e = find((uintptr_t)barrier);

	if (e)
		atomic_store_explicit(&e->key, 0, memory_order_relaxed);
}

bool pt_barrier_arrive(const void *barrier)
{
	struct entry *e = find((uintptr_t)barrier);
	unsigned count = e ? atomic_load_explicit(&e->count, memory_order_relaxed) : 0;

	return count != 0 && (atomic_fetch_add_explicit(&e->arrived, 1, memory_order_relaxed) + 1) % count == 0;
}
