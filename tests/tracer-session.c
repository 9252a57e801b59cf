/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tracer-session.c - whole recordings of the fake host: sessions, their files, and samples.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/checks.h"
#include "tests/recording.h"

/* --- sessions --- */

START_TEST(a_recording_is_whole_and_has_the_events)
{
	struct trace_options o = recording_options(recording_path);
	struct recording r;
	struct stat st;

	recording_host(_i != 0);
	ck_assert_int_eq(trace_start(&o), 0);
	ck_assert_int_eq(trace_start(&o), -EBUSY);
	recording_await(5000);
	ck_assert_int_eq(trace_advance(), 0);
	ck_assert_int_eq(trace_stop(), 0);
	ck_assert_int_eq(trace_stop(), -ESRCH);
	ck_assert_int_eq(trace_advance(), -ESRCH);
	fake_stop();
	ck_assert_int_eq(stat(recording_path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	r = recording_read(recording_path);
	ck_assert_int_eq(r.error, 0);
	ck_assert_uint_ge(r.syncs, 3);
	ck_assert_uint_gt(r.transitions, 100);
	ck_assert(r.sync_reason);
	ck_assert(r.named_frame);
}
END_TEST

START_TEST(an_idle_program_gives_a_good_trace)
{
	struct fake_config config = { .always_pin = true, .threads = 0, .procs = 2, .gs = 50 };
	struct trace_options o = recording_options(recording_path);
	struct recording r;

	fake_init(&config);
	fake_start(&config);
	ck_assert_int_eq(trace_start(&o), 0);
	ck_assert_int_eq(trace_advance(), 0);
	ck_assert_int_eq(trace_stop(), 0);
	r = recording_read(recording_path);
	ck_assert_int_eq(r.error, 0);
	/* 50 Gs and 2 Ps, once in each of at least two generations. */
	ck_assert_uint_ge(r.transitions, 104);
}
END_TEST

START_TEST(sessions_follow_each_other)
{
	char name[300];

	recording_host(true);
	for (int i = 0; i < 12; i++) {
		struct trace_options o;
		struct recording r;

		snprintf(name, sizeof(name), "%s.%d", recording_path, i);
		o = recording_options(name);
		o.buffer_limit = (uint64_t)(1 + i % 3) << 24;
		ck_assert_int_eq(trace_start(&o), 0);
		recording_pause(i);
		ck_assert_int_eq(trace_stop(), 0);
		r = recording_read(name);
		ck_assert_int_eq(r.error, 0);
	}
	fake_stop();
}
END_TEST

START_TEST(bad_options_are_refused)
{
	struct trace_options o = recording_options(NULL);

	recording_host(true);
	ck_assert_int_eq(trace_start(&o), -EINVAL);
	o.path = "/nonexistent/dir/file";
	ck_assert_int_eq(trace_start(&o), -ENOENT);
	o.path = recording_dir;
	ck_assert_int_eq(trace_start(&o), -EISDIR);
	ck_assert_int_eq(symlink("target", recording_path), 0);
	o.path = recording_path;
	ck_assert_int_eq(trace_start(&o), -ELOOP);
	o.cpu_hz = 1000000;
	ck_assert_int_eq(trace_start(&o), -EINVAL);
	ck_assert_int_eq(trace_stop(), -ESRCH);
	fake_stop();
}
END_TEST

START_TEST(percent_p_is_the_process_id)
{
	char name[300], expected[300];
	struct trace_options o;

	recording_host(true);
	snprintf(name, sizeof(name), "%s/t.%%p.x", recording_dir);
	o = recording_options(name);
	snprintf(expected, sizeof(expected), "%s/t.%d.x", recording_dir, (int)getpid());
	ck_assert_int_eq(trace_start(&o), 0);
	ck_assert_int_eq(trace_stop(), 0);
	ck_assert_int_eq(access(expected, R_OK), 0);
	fake_stop();
}
END_TEST

/* --- samples --- */

START_TEST(threads_that_compute_are_sampled)
{
	struct trace_options o = recording_options(recording_path);
	struct recording r;
	struct timespec cpu;

	recording_host(true);
	o.cpu_hz = 1000;
	ck_assert_int_eq(trace_start(&o), 0);
	do {
		recording_pause(10);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	} while (cpu.tv_sec == 0 && cpu.tv_nsec < 300000000);
	ck_assert_int_eq(trace_stop(), 0);
	fake_stop();
	r = recording_read(recording_path);
	ck_assert_int_eq(r.error, 0);
	ck_assert_uint_ge(r.samples, 5);
}
END_TEST

START_TEST(no_samples_are_taken_when_none_are_wanted)
{
	struct trace_options o = recording_options(recording_path);

	recording_host(true);
	o.cpu_hz = 0;
	ck_assert_int_eq(trace_start(&o), 0);
	recording_pause(100);
	ck_assert_int_eq(trace_stop(), 0);
	fake_stop();
	ck_assert_uint_eq(recording_read(recording_path).samples, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tracer-session");
	TCase *tc = recording_tests(suite, "sessions", CHECKS(an_idle_program_gives_a_good_trace, sessions_follow_each_other,
		bad_options_are_refused, percent_p_is_the_process_id));

	tcase_add_loop_test(tc, a_recording_is_whole_and_has_the_events, 0, 2);
	recording_tests(suite, "samples", CHECKS(threads_that_compute_are_sampled,
		no_samples_are_taken_when_none_are_wanted));
	return checks_run(suite);
}
