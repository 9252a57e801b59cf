/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tracer-ends.c - recordings of programs that exit, are killed, or fork.
 */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/checks.h"
#include "tests/recording.h"

/* Runs fn in a child that records into recording_path; returns its wait status. */
static int child_status(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct trace_options o = recording_options(recording_path);

		/* The test runner handles some. */
		signal(SIGTERM, SIG_DFL);
		signal(SIGABRT, SIG_DFL);
		signal(SIGSEGV, SIG_DFL);
		recording_host(true);
		if (trace_start(&o) != 0)
			_exit(99);
		recording_await(1000);
		fn();
		_exit(98);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void end_by_exit(void)
{
	exit(7);
}

static void end_by_sigterm(void)
{
	kill(getpid(), SIGTERM);
	recording_pause(10000);
}

static void end_by_abort(void)
{
	abort();
}

static void *volatile nowhere = (void *)8;

static void end_by_fault(void)
{
	*(volatile int *)nowhere = 1;
}

START_TEST(exit_flushes)
{
	int status = child_status(end_by_exit);
	struct recording r = recording_read(recording_path);

	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	ck_assert_int_eq(r.error, 0);
	ck_assert_uint_gt(r.transitions, 0);
}
END_TEST

START_TEST(fatal_signals_flush_and_still_kill)
{
	static void (*const fns[])(void) = { end_by_sigterm, end_by_abort, end_by_fault };
	static const int signals[] = { SIGTERM, SIGABRT, SIGSEGV };
	int status = child_status(fns[_i]);
	struct recording r = recording_read(recording_path);

	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == signals[_i]);
	ck_assert_int_eq(r.error, 0);
	ck_assert_uint_gt(r.transitions, 0);
}
END_TEST

static void die_ignored(void)
{
	struct sigaction act;

	/* Ignored before the session began: still ignored. */
	sigaction(SIGHUP, NULL, &act);
	_exit(act.sa_handler == SIG_IGN ? 5 : 6);
}

START_TEST(ignored_signals_stay_ignored)
{
	int status;

	signal(SIGHUP, SIG_IGN);
	status = child_status(die_ignored);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 5);
}
END_TEST

/*
 * ThreadSanitizer forbids threads after a fork.  AddressSanitizer's allocator keeps, in the child, the locks that the parent's
 * other threads held, so a thread there may wait for ever.
 */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define NO_THREADS_AFTER_FORK 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define NO_THREADS_AFTER_FORK 1
#endif
#ifdef NO_THREADS_AFTER_FORK
static const bool no_threads_after_fork = true;
#else
static const bool no_threads_after_fork = false;
#endif

START_TEST(a_forked_child_is_silent_and_may_record_by_itself)
{
	struct trace_options o = recording_options(recording_path);
	char name[300];
	int status;
	pid_t pid;

	recording_host(true);
	ck_assert_int_eq(trace_start(&o), 0);
	snprintf(name, sizeof(name), "%s.child", recording_path);
	pid = fork();
	if (pid == 0) {
		struct fake_config none = { .procs = 1, .gs = 3 };

		o.path = name;
		if (trace_is_on() || trace_stop() != -ESRCH)
			_exit(1);
		if (no_threads_after_fork)
			_exit(0);
		fake_start(&none);	/* the Gs and Ps as they were, and no threads */
		if (trace_start(&o) != 0 || trace_stop() != 0)
			_exit(2);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_assert_int_eq(trace_stop(), 0);
	fake_stop();
	ck_assert_int_eq(recording_read(recording_path).error, 0);
	if (!no_threads_after_fork)
		ck_assert_int_eq(recording_read(name).error, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tracer-ends");
	TCase *tc = recording_tests(suite, "ends", CHECKS(exit_flushes, ignored_signals_stay_ignored,
		a_forked_child_is_silent_and_may_record_by_itself));

	tcase_add_loop_test(tc, fatal_signals_flush_and_still_kill, 0, 3);
	return checks_run(suite);
}
