/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tracer-environ.c - recordings that the environment asks for.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/checks.h"
#include "tests/recording.h"

static void in_environment(const char *format, const char *file)
{
	char text[600];

	snprintf(text, sizeof(text), format, file);
	setenv("EXECTRACE", text, 1);
}

START_TEST(the_environment_starts_a_recording)
{
	struct recording r;

	in_environment("file=%s,period=5ms,cpu=0,buffer=16M", recording_path);
	recording_host(true);
	ck_assert(trace_is_on());
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(trace_advance(), 0);
	ck_assert_int_eq(trace_stop(), 0);
	fake_stop();
	r = recording_read(recording_path);
	ck_assert_int_eq(r.error, 0);
	ck_assert_uint_ge(r.syncs, 4);
	ck_assert_uint_gt(r.transitions, 0);
}
END_TEST

START_TEST(bad_values_in_the_environment_are_ignored)
{
	char name[300];

	snprintf(name, sizeof(name), "%s/a,b\\c", recording_dir);
	in_environment("period=0ms,cpu=x,nonsense,buffer=9Z,file=%s/a\\,b\\\\c,period=99999999999999999999s", recording_dir);
	recording_host(true);
	ck_assert(trace_is_on());
	ck_assert_int_eq(trace_stop(), 0);
	ck_assert_int_eq(access(name, R_OK), 0);
	fake_stop();
}
END_TEST

START_TEST(an_environment_that_cannot_be_met_leaves_the_program_alone)
{
	in_environment("file=%s/no/such/dir", recording_dir);
	recording_host(true);
	ck_assert(!trace_is_on());
	ck_assert_uint_gt(recording_changes(20), 0);
	fake_stop();
}
END_TEST

START_TEST(a_child_program_leaves_the_parents_file_alone)
{
	in_environment("file=%s", recording_path);
	setenv("EXECTRACE_OWNER", "1:0", 1);
	recording_host(true);
	ck_assert(!trace_is_on());
	fake_stop();
}
END_TEST

START_TEST(the_next_program_of_a_process_gets_a_number)
{
	char owner[32], name[300];

	in_environment("file=%s", recording_path);
	snprintf(owner, sizeof(owner), "%d:2", (int)getpid());
	snprintf(name, sizeof(name), "%s.3", recording_path);
	setenv("EXECTRACE_OWNER", owner, 1);
	recording_host(true);
	ck_assert(trace_is_on());
	ck_assert_int_eq(trace_stop(), 0);
	ck_assert_int_eq(access(name, R_OK), 0);
	fake_stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tracer-environ");

	recording_tests(suite, "environment", CHECKS(the_environment_starts_a_recording,
		bad_values_in_the_environment_are_ignored, an_environment_that_cannot_be_met_leaves_the_program_alone,
		a_child_program_leaves_the_parents_file_alone, the_next_program_of_a_process_gets_a_number));
	return checks_run(suite);
}
