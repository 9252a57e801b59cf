/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tracer-buffers.c - what carries the recorder's bytes: the pool of chunks, and the sink.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "librt/tracer/chunk.h"
#include "librt/tracer/sink.h"
#include "tests/checks.h"
#include "wire/seektable.h"

/* --- chunks --- */

START_TEST(the_pool_is_bounded_and_lends_across_sizes)
{
	struct trace_chunk *c[64];
	unsigned n = 0;

	/* The least there is: 8 of each size. */
	ck_assert_int_eq(trace_chunks_init(1), 0);
	while (n < 64 && (c[n] = trace_chunk_get(true)) != NULL)
		n++;
	ck_assert_uint_eq(n, 16);
	ck_assert(trace_chunks_are_scarce());
	ck_assert(!c[15]->big);
	trace_chunk_put(c[0]);
	ck_assert_ptr_eq(trace_chunk_get(false), c[0]);
	for (unsigned i = 0; i < n; i++)
		trace_chunk_put(c[i]);
	ck_assert_uint_eq(trace_chunks_used(), 0);
	ck_assert(!trace_chunks_are_scarce());
}
END_TEST

static void *chunk_thrower(void *arg)
{
	for (int i = 0; i < 20000; i++) {
		struct trace_chunk *c = trace_chunk_get(i & 1);

		if (c == NULL)
			continue;
		/* Nobody else has it. */
		if (atomic_fetch_add(&c->gen, 1) != 0)
			*(int *)arg = 1;
		atomic_fetch_sub(&c->gen, 1);
		trace_chunk_put(c);
	}
	return NULL;
}

START_TEST(a_chunk_belongs_to_one_at_a_time)
{
	pthread_t t[4];
	int bad[4] = { 0 };

	trace_chunks_init(1);
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, chunk_thrower, &bad[i]);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		ck_assert_int_eq(bad[i], 0);
	}
	ck_assert_uint_eq(trace_chunks_used(), 0);
}
END_TEST

/* --- sink --- */

START_TEST(a_sink_cuts_back_to_the_last_mark)
{
	char name[] = "/tmp/tracer-buffers.XXXXXX", buf[64] = "";
	struct trace_sink sink;
	int fd = mkstemp(name), back = open(name, O_RDONLY);

	ck_assert_int_ge(fd, 0);
	unlink(name);
	ck_assert_int_eq(trace_sink_open(&sink, fd, true, 0), 0);
	trace_sink_put(&sink, "whole", 5);
	trace_sink_mark(&sink);
	trace_sink_put(&sink, "half", 4);
	trace_sink_flush(&sink);
	ck_assert_int_eq(pread(back, buf, sizeof(buf), 0), 9);
	ck_assert_int_eq(trace_sink_close(&sink), 0);
	ck_assert_int_eq(pread(back, buf, sizeof(buf), 0), 5);
	close(back);
}
END_TEST

#ifdef WITH_ZSTD
/* Two frames, and half of a third: the two stay, and the table of both stands behind them. */
START_TEST(a_sink_keeps_whole_frames)
{
	char name[] = "/tmp/tracer-buffers.XXXXXX", buf[1024];
	const uint8_t *bytes = (const uint8_t *)buf;
	struct trace_sink sink;
	int fd = mkstemp(name), back = open(name, O_RDONLY);
	uint64_t marks[2], rng = 1;
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	unlink(name);
	ck_assert_int_eq(trace_sink_open(&sink, fd, true, 3), 0);
	for (int i = 0; i < 2; i++) {
		trace_sink_put(&sink, "some bytes", 10);
		trace_sink_put(&sink, "and more of them", 16);
		trace_sink_mark(&sink);
		marks[i] = sink.whole;
		/* Whole in the file, for whoever follows it, or finds it when all else is dead. */
		ck_assert_int_eq(pread(back, buf, sizeof(buf), 0), (ssize_t)marks[i]);
	}
	for (int i = 0; i < 200000; i++) {
		rng = rng * 6364136223846793005u + 1442695040888963407u;
		trace_sink_put(&sink, &rng, sizeof(rng));
	}
	ck_assert_uint_gt(sink.written, sink.whole);
	ck_assert_int_eq(trace_sink_close(&sink), 0);
	n = pread(back, buf, sizeof(buf), 0);
	ck_assert_int_eq(n, (ssize_t)marks[1] + 8 + 2 * 8 + 9);
	ck_assert_uint_eq(wire_get_le32(bytes), WIRE_ZSTD_MAGIC);
	ck_assert_uint_eq(wire_get_le32(bytes + marks[0]), WIRE_ZSTD_MAGIC);
	ck_assert_uint_eq(wire_get_le32(bytes + marks[1]), WIRE_SEEK_TABLE_MAGIC);
	ck_assert_uint_eq(wire_get_le32(bytes + marks[1] + 8), marks[0]);
	ck_assert_uint_eq(wire_get_le32(bytes + marks[1] + 12), 26);
	ck_assert_uint_eq(wire_get_le32(bytes + marks[1] + 16), marks[1] - marks[0]);
	ck_assert_uint_eq(wire_get_le32(bytes + n - 4), WIRE_SEEK_FOOTER_MAGIC);
	close(back);
}
END_TEST
#endif

START_TEST(a_full_device_is_an_error_that_stays)
{
	struct trace_sink sink;

	ck_assert_int_eq(trace_sink_open(&sink, open("/dev/full", O_WRONLY), false, 0), 0);
	trace_sink_put(&sink, "x", 1);
	trace_sink_flush(&sink);
	ck_assert_int_eq(sink.error, -ENOSPC);
	trace_sink_put(&sink, "x", 1);
	ck_assert_int_eq(trace_sink_close(&sink), -ENOSPC);
}
END_TEST

static void *slow_reader(void *arg)
{
	int fd = *(int *)arg;
	static char buf[4096];
	size_t total = 0;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		total += (size_t)n;
	return (void *)total;
}

START_TEST(a_full_nonblocking_pipe_is_waited_for)
{
	static uint8_t block[100000];
	struct trace_sink sink;
	int fds[2];
	pthread_t t;
	void *total;

	ck_assert_int_eq(pipe(fds), 0);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	ck_assert_int_eq(trace_sink_open(&sink, fds[1], false, 0), 0);
	pthread_create(&t, NULL, slow_reader, &fds[0]);
	for (int i = 0; i < 10; i++)
		trace_sink_put(&sink, block, sizeof(block));
	ck_assert_int_eq(trace_sink_close(&sink), 0);
	pthread_join(t, &total);
	ck_assert_uint_eq((size_t)total, 10 * sizeof(block));
	close(fds[0]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tracer-buffers");
	TCase *sink;

	checks_add(suite, "chunks", 60, CHECKS(the_pool_is_bounded_and_lends_across_sizes,
		a_chunk_belongs_to_one_at_a_time));
	sink = checks_add(suite, "sink", 60, CHECKS(a_sink_cuts_back_to_the_last_mark,
		a_full_device_is_an_error_that_stays, a_full_nonblocking_pipe_is_waited_for));
#ifdef WITH_ZSTD
	tcase_add_test(sink, a_sink_keeps_whole_frames);
#else
	(void)sink;
#endif
	return checks_run(suite);
}
