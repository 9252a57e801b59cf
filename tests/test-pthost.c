/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test-pthost.c - the pthread host without its hooks: slots, waiters, and state changes under load.
 *
 * The hooks would stand before a sanitizer's own, so the test calls what they are made of.
 */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <exectrace/reader.h>

#include "librt/pthread/pthost.h"
#include "tests/hostthread.h"

/* What the hooks' files would define. */
_Atomic bool pt_has_handlers;
void pt_mutex_init(void) {}
void pt_rwlock_init(void) {}
void pt_c11_init(void) {}
void pt_hookthread_init(void) {}
void pt_hookthread_begun(struct pt_thread *t) {}
void pt_signal_init(void) {}
void pt_signal_begin(void) {}

int pt_own_thread_new(void (*fn)(void *), void *arg)
{
	return hostthread_new(fn, arg);
}

static const struct trace_where nowhere;
static char trace_path[] = "/tmp/exectrace-test-XXXXXX";
static struct pt_thread *self;

static void start_recording(void)
{
	struct trace_options o = TRACE_OPTIONS_INIT;

	o.path = trace_path;
	o.cpu_hz = 0;
	ck_assert_int_eq(trace_start(&o), 0);
}

/* --- slots --------------------------------------------------------------------------------------------------------------- */

START_TEST(slots_are_the_smallest_free)
{
	struct pt_slot *slot[200];
	uint64_t first;

	slot[0] = pt_slot_take();
	first = slot[0]->p.id;
	for (unsigned i = 1; i < 200; i++) {
		slot[i] = pt_slot_take();
		ck_assert_uint_eq(slot[i]->p.id, first + i);
	}
	pt_slot_give(slot[150]);
	pt_slot_give(slot[3]);
	ck_assert_ptr_eq(pt_slot_take(), slot[3]);
	ck_assert_ptr_eq(pt_slot_take(), slot[150]);
	for (unsigned i = 0; i < 200; i++)
		pt_slot_give(slot[i]);
}
END_TEST

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
static _Atomic bool done;

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

/* A wait that ends by itself while others try to end it. */
static void wait_shortly(void)
{
	struct pt_thread *t = pt_block_enter(&done, "sleep", 0, TRACE_HERE());

	atomic_fetch_add(&blocks, 1);
	sched_yield();
	pt_call_leave(t);
}

static void *short_life(void *arg)
{
	struct pt_thread *t = arg;

	ck_assert(pt_thread_begin(t, true, (uintptr_t)short_life));
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
		wait_shortly();
		break;
	case 1:
		pt_wake_waiters(&done, 2, 0, TRACE_HERE());
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

static void *advance(void *arg)
{
	while (!atomic_load(&done)) {
		trace_advance();
		usleep(1000);
	}
	return arg;
}

struct found {
	uint64_t blocks, syscalls, creations, ends;
};

static void read_trace(struct found *found)
{
	struct etr_reader *r = etr_reader_new();
	struct etr_event ev;
	int rc;

	memset(found, 0, sizeof(*found));
	ck_assert_int_eq(etr_reader_open_path(r, trace_path), 0);
	while ((rc = etr_reader_next(r, &ev)) == 1) {
		if (ev.kind != ETR_KIND_STATE_TRANSITION || ev.resource != ETR_RESOURCE_GOROUTINE)
			continue;
		found->blocks += ev.from == ETR_STATE_RUNNING && ev.to == ETR_STATE_WAITING;
		found->syscalls += ev.from == ETR_STATE_RUNNING && ev.to == ETR_STATE_SYSCALL;
		found->creations += ev.from == ETR_STATE_NOT_EXIST;
		found->ends += ev.to == ETR_STATE_NOT_EXIST;
	}
	ck_assert_msg(rc == 0, "%s", etr_reader_detail(r));
	etr_reader_free(r);
}

START_TEST(the_trace_has_what_was_done)
{
	pthread_t threads[THREADS], advancer;
	struct found found;

	start_recording();
	pthread_create(&advancer, NULL, advance, NULL);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, work, pt_thread_new()), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&done, true);
	pthread_join(advancer, NULL);
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
	Suite *suite = suite_create("pthost");
	TCase *tcase = tcase_create("pthost");
	SRunner *runner;
	int fd = mkstemp(trace_path), failed;

	close(fd);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, slots_are_the_smallest_free);
	tcase_add_test(tcase, the_longest_waiting_is_unblocked_first);
	tcase_add_test(tcase, all_waiters_of_a_key_are_unblocked);
	tcase_add_test(tcase, how_many_were_unblocked_is_told);
	tcase_add_test(tcase, every_countth_is_the_last);
	tcase_add_test(tcase, a_barrier_without_room_has_no_last);
	tcase_add_test(tcase, each_round_has_one_last);
	tcase_add_test(tcase, the_trace_has_what_was_done);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	/* The core has one state for the process, and a forked child is silent. */
	srunner_set_fork_status(runner, CK_NOFORK);
	pt_active = true;
	pt_pid = getpid();
	self = pt_thread_new();
	if (!pt_thread_begin(self, false, 0))
		return 99;
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	unlink(trace_path);
	return failed ? 1 : 0;
}
