/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test-threads.c - a runtime whose threads the kernel refuses now and then: pthread_create() is replaced (--wrap).
 */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "tests/checks.h"
#include "tests/rtcheck.h"

#define REFUSED 3

static _Atomic int to_refuse;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg)
{
	if (atomic_load(&to_refuse) > 0) {
		atomic_fetch_sub(&to_refuse, 1);
		return EAGAIN;
	}
	return __real_pthread_create(thread, attr, start, arg);
}

static int held[2], answer[2];
static _Atomic int holders;

static void hold_a_thread(void *arg)
{
	char byte;

	atomic_fetch_add(&holders, 1);
	exrt_read(held[0], &byte, 1);
	atomic_fetch_sub(&holders, 1);
}

static void write_answer(void *arg)
{
	expect(exrt_write(answer[1], "", 1) == 1);
}

/* How many threads are there, parked ones too. */
static int threads(void)
{
	int n;

	exrt__lock(&exrt__sched.lock);
	n = exrt__sched.nm;
	exrt__unlock(&exrt__sched.lock);
	return n;
}

/* Waits in a system call, with the only processor and no thread to spare, for what another goroutine is to write. */
static int wait_without_threads(void *arg)
{
	char byte;
	int n = 0;

	exrt_maxprocs(1);
	expect(pipe(held) == 0 && pipe(answer) == 0);
	do {
		exrt_go(hold_a_thread, NULL);
		for (n++; atomic_load(&holders) < n;)
			exrt_yield();
	} while (threads() > n + 1);
	exrt_go(write_answer, NULL);
	atomic_store(&to_refuse, REFUSED);
	expect(exrt_read(answer[0], &byte, 1) == 1);
	expect(atomic_load(&to_refuse) == 0);
	for (int i = 0; i < n; i++)
		expect(write(held[1], "", 1) == 1);
	while (atomic_load(&holders) > 0)
		exrt_yield();
	return 0;
}

START_TEST(refused_threads_are_asked_for_again)
{
	rtcheck_run(wait_without_threads);
}
END_TEST

/* The first thread of all: there is nobody to try again. */
START_TEST(run_without_a_thread_fails)
{
	atomic_store(&to_refuse, 1);
	ck_assert_int_eq(exrt_run(wait_without_threads, NULL), -EAGAIN);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("threads");

	checks_add(suite, "refused", 60, CHECKS(refused_threads_are_asked_for_again, run_without_a_thread_fails));
	return checks_run(suite);
}
