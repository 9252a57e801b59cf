/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tracer-failures.c - recordings that cannot be written as they come: the program goes on, and the session tells why.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "librt/tracer/chunk.h"
#include "tests/checks.h"
#include "tests/recording.h"

/* --- sinks that fail --- */

START_TEST(a_full_disk_ends_the_recording_only)
{
	struct trace_options o = recording_options("/dev/full");

	recording_host(true);
	ck_assert_int_eq(trace_start(&o), 0);
	while (trace_is_on())
		recording_pause(1);
	ck_assert_uint_gt(recording_changes(20), 0);
	ck_assert_int_eq(trace_stop(), -ENOSPC);
	fake_stop();
}
END_TEST

START_TEST(a_file_at_its_size_limit_is_cut_to_whole_generations)
{
	struct trace_options o = recording_options(recording_path);
	struct rlimit limit = { 200000, 200000 };
	struct recording r;

	recording_host(true);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(trace_start(&o), 0);
	while (trace_is_on())
		recording_pause(1);
	ck_assert_int_eq(trace_stop(), -EFBIG);
	fake_stop();
	r = recording_read(recording_path);
	ck_assert_int_eq(r.error, 0);
}
END_TEST

START_TEST(a_closed_descriptor_ends_the_recording_only)
{
	struct trace_options o = recording_options(NULL);

	recording_host(true);
	o.fd = open(recording_path, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_eq(trace_start(&o), 0);
	close(o.fd);
	while (trace_is_on())
		recording_pause(1);
	ck_assert_uint_gt(recording_changes(20), 0);
	ck_assert_int_eq(trace_stop(), -EBADF);
	fake_stop();
}
END_TEST

START_TEST(a_pipe_without_reader_ends_the_recording_only)
{
	struct trace_options o = recording_options(NULL);
	int fds[2];

	recording_host(true);
	ck_assert_int_eq(pipe(fds), 0);
	close(fds[0]);
	o.fd = fds[1];
	ck_assert_int_eq(trace_start(&o), 0);
	while (trace_is_on())
		recording_pause(1);
	ck_assert_int_eq(trace_stop(), -EPIPE);
	/* And the next one works. */
	o = recording_options(recording_path);
	ck_assert_int_eq(trace_start(&o), 0);
	ck_assert_int_eq(trace_stop(), 0);
	ck_assert_int_eq(recording_read(recording_path).error, 0);
	fake_stop();
}
END_TEST

/* A reader that never reads: buffers fill, the session ends by itself, never the program. */
START_TEST(a_stuck_reader_does_not_stop_the_program)
{
	struct trace_options o = recording_options(NULL);
	int fds[2], err;

	recording_host(true);
	ck_assert_int_eq(pipe(fds), 0);
	o.fd = fds[1];
	o.buffer_limit = 1 << 20;
	ck_assert_int_eq(trace_start(&o), 0);
	recording_pause(300);
	ck_assert_uint_gt(recording_changes(50), 0);
	close(fds[0]);
	err = trace_stop();
	ck_assert(err == -EPIPE || err == -ENOBUFS);
	fake_stop();
}
END_TEST

/* --- buffers --- */

START_TEST(a_recording_that_cannot_keep_up_ends_whole)
{
	struct trace_options o = recording_options(recording_path);
	struct recording r;
	int err;

	recording_host(true);
	o.advance_ms = 2000;
	o.buffer_limit = 1;		/* the least */
	ck_assert_int_eq(trace_start(&o), 0);
	recording_pause(300);
	err = trace_stop();
	fake_stop();
	ck_assert(err == 0 || err == -ENOBUFS);
	r = recording_read(recording_path);
	ck_assert_int_eq(r.error, 0);
}
END_TEST

/* Whether the file has the bytes of text in it. */
static bool file_has(const char *file, const char *text)
{
	static char bytes[1 << 20];
	int fd = open(file, O_RDONLY);
	ssize_t n = read(fd, bytes, sizeof(bytes));

	close(fd);
	return n > 0 && memmem(bytes, (size_t)n, text, strlen(text)) != NULL;
}

/* With nearly all chunks taken away, logs are dropped and counted, and what the model needs is still written. */
START_TEST(logs_are_dropped_first_and_counted)
{
	struct fake_config config = { .always_pin = true, .threads = 0, .procs = 1, .gs = 2 };
	struct trace_options o = recording_options(recording_path);
	struct trace_chunk *taken[32];
	struct trace_m m;
	struct trace_pin pin;
	char text[64];
	unsigned n = 0;

	fake_init(&config);
	trace_m_register(&m);
	o.advance_ms = 100000;
	o.buffer_limit = 1;
	ck_assert_int_eq(trace_start(&o), 0);
	while (!trace_chunks_are_scarce())
		taken[n++] = trace_chunk_get(true);
	ck_assert(trace_acquire(&pin, &m));
	for (int i = 0; i < 5; i++)
		trace_log(&pin, 0, "key", 3, "value", 5, (struct trace_where){ 0, 0 });
	trace_procs_change(&pin, 3, (struct trace_where){ 0, 0 });
	trace_release(&pin);
	while (n > 0)
		trace_chunk_put(taken[--n]);
	ck_assert_int_eq(trace_stop(), 0);
	snprintf(text, sizeof(text), "exectrace:dropped %d 5 ", (int)getpid());
	ck_assert(file_has(recording_path, text));
	ck_assert_uint_eq(recording_read(recording_path).logs, 0);
	trace_m_unregister(&m);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tracer-failures");

	recording_tests(suite, "sinks", CHECKS(a_full_disk_ends_the_recording_only,
		a_file_at_its_size_limit_is_cut_to_whole_generations, a_closed_descriptor_ends_the_recording_only,
		a_pipe_without_reader_ends_the_recording_only, a_stuck_reader_does_not_stop_the_program));
	recording_tests(suite, "buffers", CHECKS(a_recording_that_cannot_keep_up_ends_whole,
		logs_are_dropped_first_and_counted));
	return checks_run(suite);
}
