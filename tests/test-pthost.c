/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test-pthost.c - the pthread host without its hooks: waiters, barriers, and state changes under load.
 */
#include "config.h"

#include <stdlib.h>

#include "tests/pthosted.h"

static const struct trace_where nowhere;

/* --- waiters ------------------------------------------------------------------------------------------------------------- */

/* A waiter that is no thread: linked by the test's own. */
static struct pt_thread *make_waiter(uintptr_t key)
{
	struct pt_thread *t = pt_thread_new();

	atomic_store(&t->handoff, PT_HANDOFF_NONE);
	pt_state_set(t, TRACE_G_WAITING);
	pt_wait_link(t, key);
	return t;
}

static void drop_waiter(struct pt_thread *t)
{
	pt_state_set(t, TRACE_G_DEAD);
	pt_thread_free(t);
}

/* A key of the same bucket. */
static uintptr_t other_key(uintptr_t key)
{
	uintptr_t other = key + 8;

	while (pt_wait_bucket(other) != pt_wait_bucket(key))
		other += 8;
	return other;
}

START_TEST(the_longest_waiting_is_unblocked_first)
{
	uintptr_t key = 0x1000, other = other_key(key);
	struct pt_thread *a = make_waiter(other), *b = make_waiter(key), *c = make_waiter(key);

	ck_assert(pt_wait_is_likely((void *)key));
	pt_wait_unblock(self, key, 1, 0, nowhere);
	ck_assert(!pt_wait_is_unblocked(a));
	ck_assert(pt_wait_is_unblocked(b));
	ck_assert(!pt_wait_is_unblocked(c));
	ck_assert_int_eq(pt_state_own(b), TRACE_G_RUNNABLE);
	ck_assert_int_eq(pt_state_own(c), TRACE_G_WAITING);
	/* The unblocked one finds that; the others unblock themselves, once. */
	ck_assert(!pt_wait_leave(b));
	ck_assert(pt_wait_leave(c));
	ck_assert(pt_wait_leave(c));
	ck_assert(pt_wait_leave(a));
	ck_assert(!pt_wait_is_likely((void *)key));
	drop_waiter(a);
	drop_waiter(b);
	drop_waiter(c);
}
END_TEST

START_TEST(all_waiters_of_a_key_are_unblocked)
{
	uintptr_t key = 0x2000, other = other_key(key);
	struct pt_thread *a = make_waiter(key), *b = make_waiter(other), *c = make_waiter(key);

	pt_wait_unblock(self, key, UINT32_MAX, 0, nowhere);
	ck_assert(pt_wait_is_unblocked(a));
	ck_assert(!pt_wait_is_unblocked(b));
	ck_assert(pt_wait_is_unblocked(c));
	ck_assert(pt_wait_leave(b));
	drop_waiter(a);
	drop_waiter(b);
	drop_waiter(c);
}
END_TEST

START_TEST(how_many_were_unblocked_is_told)
{
	uintptr_t key = 0x3000;
	struct pt_thread *a = make_waiter(key), *b = make_waiter(key), *c = make_waiter(key);

	ck_assert_uint_eq(pt_wait_unblock(self, other_key(key), 1, 0, nowhere), 0);
	ck_assert_uint_eq(pt_wait_unblock(self, key, 2, 0, nowhere), 2);
	ck_assert_uint_eq(pt_wake_waiters((void *)key, UINT32_MAX, 0, nowhere), 1);
	ck_assert_uint_eq(pt_wake_waiters((void *)key, 1, 0, nowhere), 0);
	drop_waiter(a);
	drop_waiter(b);
	drop_waiter(c);
}
END_TEST

/* --- barriers ------------------------------------------------------------------------------------------------------------ */

START_TEST(every_countth_is_the_last)
{
	static char barrier[2];

	ck_assert(!pt_barrier_arrive(&barrier[0]));
	pt_barrier_note(&barrier[0], 3);
	pt_barrier_note(&barrier[1], 1);
	for (int round = 0; round < 3; round++) {
		ck_assert(!pt_barrier_arrive(&barrier[0]));
		ck_assert(pt_barrier_arrive(&barrier[1]));
		ck_assert(!pt_barrier_arrive(&barrier[0]));
		ck_assert(pt_barrier_arrive(&barrier[0]));
	}
	/* Made anew, it begins anew. */
	ck_assert(!pt_barrier_arrive(&barrier[0]));
	pt_barrier_note(&barrier[0], 2);
	ck_assert(!pt_barrier_arrive(&barrier[0]));
	ck_assert(pt_barrier_arrive(&barrier[0]));
	pt_barrier_forget(&barrier[0]);
	pt_barrier_forget(&barrier[1]);
	ck_assert(!pt_barrier_arrive(&barrier[1]));
}
END_TEST

/* More than there is room for. */
#define BARRIERS 3000

START_TEST(a_barrier_without_room_has_no_last)
{
	static char barriers[BARRIERS];
	unsigned known = 0;

	for (int i = 0; i < BARRIERS; i++)
		pt_barrier_note(&barriers[i], 1);
	for (int i = 0; i < BARRIERS; i++)
		known += pt_barrier_arrive(&barriers[i]);
	ck_assert_uint_gt(known, 500);
	ck_assert_uint_lt(known, BARRIERS);
	for (int i = 0; i < BARRIERS; i++)
		pt_barrier_forget(&barriers[i]);
	pt_barrier_note(&barriers[0], 1);
	ck_assert(pt_barrier_arrive(&barriers[0]));
	pt_barrier_forget(&barriers[0]);
}
END_TEST

#define ARRIVALS 3000
#define ARRIVING 4

static char barrier_of_all;
static _Atomic unsigned lasts;

/* Beside barriers of its own that come and go. */
static void *arrive(void *arg)
{
	char own = 0;

	for (int i = 0; i < ARRIVALS; i++) {
		pt_barrier_note(&own, 1);
		ck_assert(pt_barrier_arrive(&own));
		pt_barrier_forget(&own);
		atomic_fetch_add(&lasts, pt_barrier_arrive(&barrier_of_all));
	}
	return arg;
}

START_TEST(each_round_has_one_last)
{
	pthread_t threads[ARRIVING];

	pt_barrier_note(&barrier_of_all, ARRIVING);
	for (int i = 0; i < ARRIVING; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, arrive, NULL), 0);
	for (int i = 0; i < ARRIVING; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(atomic_load(&lasts), ARRIVALS);
	pt_barrier_forget(&barrier_of_all);
}
END_TEST

/* --- load ---------------------------------------------------------------------------------------------------------------- */

#define THREADS 5
#define STEPS 4000

/* What was done, to be found again in the trace. */
static _Atomic uint64_t blocks, syscalls, creations;

static pthread_mutex_t mutexes[3] = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER };
static long guarded[3];

static void lock(pthread_mutex_t *mutex)
{
	struct pt_thread *t;

	if (pthread_mutex_trylock(mutex) == 0)
		return;
	atomic_fetch_add(&blocks, 1);
	t = pt_block_enter(mutex, "sync", (uintptr_t)mutex, TRACE_HERE());
	pthread_mutex_lock(mutex);
	pt_call_leave(t);
}

static void unlock(pthread_mutex_t *mutex)
{
	if (pt_wait_is_likely(mutex))
		pt_wake_waiters(mutex, 1, (uintptr_t)mutex, TRACE_HERE());
	pthread_mutex_unlock(mutex);
}

static void *short_life(void *arg)
{
	struct pt_thread *t = arg;

	ck_assert(pt_thread_begin(t, true, (uintptr_t)short_life));
	atomic_fetch_add(&blocks, 1);
	wait_shortly();
	pt_thread_end(t);
	return NULL;
}

static void make_thread(void)
{
	struct pt_thread *child = pt_thread_new(), *t = pt_enter();
	pthread_t thread;

	atomic_fetch_add(&creations, 1);
	pt_state_create(t, child, (uintptr_t)short_life, TRACE_HERE());
	pt_leave(t);
	ck_assert_int_eq(pthread_create(&thread, NULL, short_life, child), 0);
	pthread_join(thread, NULL);
}

static void step(unsigned *seed, int n)
{
	int which = rand_r(seed) % 3;
	struct pt_thread *t;

	switch (rand_r(seed) % 8) {
	case 0:
		atomic_fetch_add(&blocks, 1);
		wait_shortly();
		break;
	case 1:
		pt_wake_waiters(&pthosted_key, 2, 0, TRACE_HERE());
		break;
	case 2:
		atomic_fetch_add(&syscalls, 1);
		t = pt_syscall_enter(TRACE_HERE());
		pt_call_leave(t);
		break;
	case 3:
		if (n % 100 == 0)
			make_thread();
		break;
	default:
		lock(&mutexes[which]);
		if (guarded[which]++ % 8 == 0)
			sched_yield();
		unlock(&mutexes[which]);
	}
}

static void *work(void *arg)
{
	struct pt_thread *t = arg;
	unsigned seed = (unsigned)t->g.id;

	ck_assert(pt_thread_begin(t, false, (uintptr_t)work));
	atomic_fetch_add(&creations, 1);
	for (int n = 0; n < STEPS; n++)
		step(&seed, n);
	pt_thread_end(t);
	return NULL;
}

START_TEST(the_trace_has_what_was_done)
{
	pthread_t threads[THREADS];
	struct found found;

	start_recording();
	advance_begin();
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, work, pt_thread_new()), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	advance_end();
	ck_assert_int_eq(trace_stop(), 0);
	read_trace(&found);
	ck_assert_uint_eq(found.blocks, atomic_load(&blocks));
	ck_assert_uint_eq(found.syscalls, atomic_load(&syscalls));
	ck_assert_uint_eq(found.creations, atomic_load(&creations));
	ck_assert_uint_eq(found.ends, found.creations);
	ck_assert_uint_gt(found.creations, THREADS);
}
END_TEST

int main(void)
{
	return pthosted_run("pthost", CHECKS(the_longest_waiting_is_unblocked_first, all_waiters_of_a_key_are_unblocked,
					     how_many_were_unblocked_is_told, every_countth_is_the_last, a_barrier_without_room_has_no_last,
					     each_round_has_one_last, the_trace_has_what_was_done));
}
