/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test-running.c - running goroutines: results, ends, processors, stacks.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/checks.h"
#include "tests/rtcheck.h"

START_TEST(run_returns_the_result_and_can_be_repeated)
{
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(exrt_run(rtcheck_return, &i), i);
	ck_assert_int_eq(rtcheck_failed_line, 0);
	ck_assert_uint_eq(exrt_goid(), 0);
}
END_TEST

static int leave_others(void *arg)
{
	for (int i = 0; i < 20; i++) {
		exrt_go(rtcheck_endless, NULL);
		exrt_go(rtcheck_blocked, NULL);
	}
	exrt_yield();
	return 0;
}

START_TEST(run_ends_while_others_run_and_wait)
{
	for (int i = 0; i < 5; i++)
		rtcheck_run(leave_others);
}
END_TEST

static int procs_seen(void *arg)
{
	return exrt_maxprocs(0);
}

static int child_procs(void *arg)
{
	return exrt_maxprocs(0);
}

START_TEST(rtmaxprocs_is_obeyed_and_nonsense_named)
{
	char text[4096];

	/*
	 * The children come first: a fork must not fall into the last moments of a run's threads, which are detached and may
	 * still be on their way out of the C library when exrt_run() has returned.  AddressSanitizer's allocator takes its locks
	 * there and does not hold them over a fork, so that a child would get one that nobody ever unlocks.
	 */
	for (int i = 0; i < 5; i++) {
		static const char *const bad[] = { "0", "-1", "x", "3x", "99999999999999999999" };

		setenv("RTMAXPROCS", bad[i], 1);
		ck_assert_int_ge(rtcheck_child(child_procs, text), 1);
		ck_assert_ptr_nonnull(strstr(text, "RTMAXPROCS"));
		ck_assert_ptr_nonnull(strstr(text, bad[i]));
	}
	setenv("RTMAXPROCS", "7", 1);
	ck_assert_int_eq(exrt_run(procs_seen, NULL), 7);
}
END_TEST

static _Atomic long counter;

static void count_up(void *arg)
{
	for (int i = 0; i < 1000; i++) {
		counter++;
		if (i % 10 == 0)
			exrt_yield();
	}
	exrt_waitgroup_done(arg);
}

static int change_procs(void *arg)
{
	struct exrt_waitgroup wg = EXRT_WAITGROUP_INIT;

	exrt_waitgroup_add(&wg, 20);
	for (int i = 0; i < 20; i++)
		exrt_go(count_up, &wg);
	for (int i = 0; i < 50; i++) {
		int n = 1 + i * 7 % 5, old = exrt_maxprocs(n);

		expect(old >= 1 && old <= 5 + 64);
		expect(exrt_maxprocs(0) == n);
		exrt_yield();
	}
	exrt_waitgroup_wait(&wg);
	expect(counter == 20000);
	return 0;
}

START_TEST(maxprocs_changes_while_others_run)
{
	rtcheck_run(change_procs);
}
END_TEST

static void deep(void *arg)
{
	char big[200000];

	memset(big, 1, sizeof(big));
	*(int *)arg = big[100000];
	exrt_waitgroup_done((struct exrt_waitgroup *)((int *)arg + 2));
}

static _Atomic bool went_on;

/* Calls nothing of the runtime until the one that yielded to it goes on, which therefore needs another processor. */
static void compute(void *arg)
{
	while (!went_on)
		;
	exrt_waitgroup_done(arg);
}

static int yield_to_those_who_compute(void *arg)
{
	const int64_t enough = exrt_nanotime() + 5000000000;
	unsigned random = 1;

	exrt_maxprocs(2);
	/* Not longer, since where other programs want the processors, too, a round may take milliseconds. */
	for (int i = 0; i < 10000 && exrt_nanotime() < enough; i++) {
		struct exrt_waitgroup wg = EXRT_WAITGROUP_INIT;
		int64_t until;

		went_on = false;
		exrt_waitgroup_add(&wg, 1);
		exrt_go(compute, &wg);
		/* At any moment of the other processor's search for work, and some time behind it. */
		random = random * 1103515245 + 12345;
		until = exrt_nanotime() + (random >> 16) % 150000;
		while (exrt_nanotime() < until)
			;
		exrt_yield();
		went_on = true;
		exrt_waitgroup_wait(&wg);
	}
	return 0;
}

START_TEST(who_yields_goes_on_where_a_processor_is_idle)
{
	rtcheck_run(yield_to_those_who_compute);
}
END_TEST

static int big_stack(void *arg)
{
	struct {
		int value, pad;
		struct exrt_waitgroup wg;
	} s = { 0 };
	struct exrt_go_opts opts = { .struct_size = sizeof(opts), .stack_size = 300000 };

	exrt_waitgroup_add(&s.wg, 1);
	expect(exrt_go_opts(&opts, deep, &s.value) == 0);
	exrt_waitgroup_wait(&s.wg);
	expect(s.value == 1);
	opts.struct_size = 1;
	expect(exrt_go_opts(&opts, deep, &s.value) == -EINVAL);
	return 0;
}

START_TEST(stack_size_can_be_chosen)
{
	rtcheck_run(big_stack);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("running");

	checks_add(suite, "running", 60, CHECKS(run_returns_the_result_and_can_be_repeated,
		run_ends_while_others_run_and_wait, rtmaxprocs_is_obeyed_and_nonsense_named,
		maxprocs_changes_while_others_run, who_yields_goes_on_where_a_processor_is_idle,
		stack_size_can_be_chosen));
	return checks_run(suite);
}
