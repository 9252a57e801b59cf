/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test-trace.c - traces are read in every way that there is, damaged, measured.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <exectrace/raw.h>

#include "tests/checks.h"
#include "tests/maketrace.h"
#include "wire/event.h"

START_TEST(what_is_written_is_read)
{
	struct bytes b = make_trace(2, 3);
	struct etr_reader *r = etr_reader_new();
	struct etr_event ev;
	const struct etr_frame *f;
	size_t n;

	ck_assert_int_eq(etr_reader_open_memory(r, b.p, b.n), 0);
	ck_assert_int_eq(etr_reader_version(r), 26);
	ck_assert_int_eq(etr_reader_next(r, &ev), 1);
	ck_assert_int_eq(ev.kind, ETR_KIND_SYNC);
	ck_assert_int_eq(ev.time, 1000000000);
	ck_assert_int_eq(etr_reader_sync(r)->has_clock, 1);
	ck_assert_int_eq(etr_reader_sync(r)->trace_ns, 1000000000);
	ck_assert_uint_eq(etr_reader_sync(r)->mono_ns, 1000000005);
	ck_assert_int_eq(etr_reader_sync(r)->wall_sec, 1700000000);
	ck_assert_uint_eq(etr_reader_sync(r)->wall_nsec, 250);
	ck_assert_int_eq(etr_reader_next(r, &ev), 1);
	ck_assert_int_eq(ev.kind, ETR_KIND_STATE_TRANSITION);
	ck_assert_int_eq(ev.resource, ETR_RESOURCE_PROC);
	ck_assert_int_eq(ev.from, ETR_STATE_UNDETERMINED);
	ck_assert_int_eq(ev.to, ETR_STATE_RUNNING);
	ck_assert_int_eq(ev.m, 10);
	ck_assert_int_eq(ev.p, -1);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(etr_reader_next(r, &ev), 1);
	/* Its time is that of the sample, which comes later for a tie. */
	ck_assert_int_eq(ev.kind, ETR_KIND_LOG);
	ck_assert_uint_eq(ev.u.log.task, 5);
	ck_assert_str_eq(etr_reader_string(r, ev.u.log.message, &n), "message 0");
	ck_assert_uint_eq(n, 9);
	f = etr_reader_stack(r, ev.stack, &n);
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(f[1].pc, 0x2000);
	ck_assert_uint_eq(f[1].line, 9);
	ck_assert_str_eq(etr_reader_string(r, f[1].func, NULL), "main");
	ck_assert_str_eq(etr_reader_string(r, f[0].file, NULL), "f.c");
	etr_reader_free(r);
	free(b.p);
}
END_TEST

START_TEST(counts_and_sizes_are_told)
{
	struct bytes b = make_trace(3, 4);
	struct etr_reader *r = etr_reader_new();
	const uint64_t *counts;
	uint64_t n, hash;

	etr_reader_open_memory(r, b.p, b.n);
	ck_assert_uint_eq(etr_reader_good_size(r), 0);
	ck_assert_int_eq(drain_reader(r, &n, &hash), 0);
	ck_assert_uint_eq(n, 3 * (1 + 3 + 4 + 1) + 1);
	ck_assert_int_eq(etr_reader_sync(r)->has_clock, 0);
	ck_assert_uint_eq(etr_reader_good_size(r), b.n);
	ck_assert_uint_eq(etr_reader_size(r), b.n);
	ck_assert_uint_eq(etr_reader_generation(r), 3);
	counts = etr_reader_wire_counts(r);
	ck_assert_uint_eq(counts[WIRE_USER_LOG], 12);
	ck_assert_uint_eq(counts[WIRE_GO_STATUS], 3);
	ck_assert_uint_eq(counts[WIRE_CPU_SAMPLE], 3);
	ck_assert_uint_eq(counts[WIRE_STACK], 3);
	ck_assert_uint_eq(counts[WIRE_STRING], 3 * 7);
	ck_assert_uint_eq(counts[WIRE_EVENT_BATCH], 3 * 5);
	ck_assert_uint_eq(counts[WIRE_END_OF_GENERATION], 3);
	ck_assert_str_eq(etr_reader_detail(r), "");
	etr_reader_free(r);
	free(b.p);
}
END_TEST

/* An input that gives a byte or a few at a time. */
struct trickle {
	const struct bytes *b;
	size_t at;
};

static ssize_t trickle_pread(void *ctx, void *buf, size_t size, uint64_t off)
{
	const struct trickle *t = ctx;
	size_t n = 1 + off % 3;

	if (off >= t->b->n)
		return 0;
	n = n < size ? n : size;
	n = n < t->b->n - off ? n : t->b->n - off;
	memcpy(buf, t->b->p + off, n);
	return (ssize_t)n;
}

static ssize_t trickle_read(void *ctx, void *buf, size_t size)
{
	struct trickle *t = ctx;
	ssize_t n = trickle_pread(ctx, buf, size, t->at);

	t->at += (size_t)n;
	return n;
}

static char path[] = "test-trace.tmp";

static void save(const struct bytes *b)
{
	FILE *f = fopen(path, "wb");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(b->p, 1, b->n, f), b->n);
	ck_assert_int_eq(fclose(f), 0);
}
START_TEST(all_inputs_give_the_same_events)
{
	/* Enough for several batches a generation. */
	struct bytes b = make_trace(2, 20000);
	struct trickle t = { &b, 0 };
	struct etr_input_ops ops = { .struct_size = sizeof(ops), .read = trickle_read };
	uint64_t n[5], hash[5];

	save(&b);
	for (int i = 0; i < 5; i++) {
		struct etr_reader *r = etr_reader_new();
		int fd = -1;

		switch (i) {
		case 0:
			ck_assert_int_eq(etr_reader_open_memory(r, b.p, b.n), 0);
			break;
		case 1:
			ck_assert_int_eq(etr_reader_open_path(r, path), 0);
			break;
		case 2:
			/* Where the descriptor stands does not matter. */
			fd = open(path, O_RDONLY);
			ck_assert_int_eq(lseek(fd, 100, SEEK_SET), 100);
			ck_assert_int_eq(etr_reader_open_fd(r, fd), 0);
			break;
		case 3:
			ck_assert_int_eq(etr_reader_open_callbacks(r, &ops, &t), 0);
			break;
		default:
			ops.pread = trickle_pread;
			ops.read = NULL;
			ck_assert_int_eq(etr_reader_open_callbacks(r, &ops, &t), 0);
		}
		ck_assert_int_eq(drain_reader(r, &n[i], &hash[i]), 0);
		ck_assert_uint_eq(n[i], n[0]);
		ck_assert_uint_eq(hash[i], hash[0]);
		etr_reader_free(r);
		if (fd >= 0)
			close(fd);
	}
	ck_assert_uint_eq(n[0], 2 * (1 + 3 + 20000 + 1) + 1);
	unlink(path);
	free(b.p);
}
END_TEST

START_TEST(every_truncation_is_told_and_keeps_what_was_whole)
{
	struct bytes b = make_trace(3, 2), one = make_trace(1, 2), two = make_trace(2, 2);

	for (size_t size = 0; size < b.n; size++) {
		struct etr_reader *r = etr_reader_new();
		uint64_t n = 0, hash, good = size >= two.n ? two.n : size >= one.n ? one.n : 0;
		int rc = etr_reader_open_memory(r, b.p, size);
		/* Between generations it is a good, shorter trace; tables alone behind them are dropped. */
		bool whole = size == 16 || size == one.n || size == two.n;

		if (rc == 0)
			rc = drain_reader(r, &n, &hash);
		if (size == 0)
			ck_assert_int_eq(rc, -ETR_E_EMPTY);
		else if (whole)
			ck_assert_int_eq(rc, 0);
		else
			ck_assert_int_eq(rc, -ETR_E_TRUNCATED);
		ck_assert_uint_eq(etr_reader_good_size(r), good);
		ck_assert_uint_le(etr_reader_error_offset(r), size);
		if (size >= 16)
			ck_assert_uint_eq(n, (good == two.n ? 14 : good ? 7 : 0) + 1);
		etr_reader_free(r);
	}
	free(b.p);
	free(one.p);
	free(two.p);
}
END_TEST

START_TEST(an_error_stays)
{
	struct bytes b = make_trace(1, 2);
	struct etr_reader *r = etr_reader_new();
	struct etr_event ev;
	uint64_t n, hash;
	char detail[300];

	ck_assert_int_eq(etr_reader_open_memory(r, b.p, b.n - 1), 0);
	ck_assert_int_eq(drain_reader(r, &n, &hash), -ETR_E_TRUNCATED);
	snprintf(detail, sizeof(detail), "%s", etr_reader_detail(r));
	ck_assert_int_eq(strncmp(detail, "offset ", 7), 0);
	ck_assert_uint_eq(etr_reader_error_generation(r), 1);
	ck_assert_int_eq(etr_reader_next(r, &ev), -ETR_E_TRUNCATED);
	ck_assert_str_eq(etr_reader_detail(r), detail);
	ck_assert_int_eq(etr_reader_open_memory(r, b.p, b.n), -ETR_E_INVALID);
	ck_assert_int_eq(etr_reader_next(r, &ev), -ETR_E_TRUNCATED);
	etr_reader_free(r);
	free(b.p);
}
END_TEST

START_TEST(what_is_no_trace_is_refused)
{
	static const struct {
		const char *data;
		size_t n;
		int rc;
		const char *says;
	} some[] = {
		{ "", 0, ETR_E_EMPTY, "empty" },
		{ "go 1", 4, ETR_E_TRUNCATED, "cut off after 4 of 16 bytes" },
		{ "gone", 4, ETR_E_FORMAT, "not an execution trace but text: \"gone\"" },
		{ "go 1.24 trace\0\0\0", 16, ETR_E_VERSION, "\"go 1.24 trace\", where those of 1.22, 1.23, 1.25 and 1.26" },
		{ "go 1.27 trace\0\0\0", 16, ETR_E_VERSION, "a newer exectrace may read it" },
		{ "go 1.21 trace\0\0\0", 16, ETR_E_VERSION, "\"go 1.21 trace\", in the format before Go 1.22: build the" },
		{ "go 1.19 trace\0\0\0", 16, ETR_E_VERSION, "\"go 1.19 trace\", in the old format of Go 1.19 or 1.20: build" },
		{ "go 1.11 trace\0\0\0", 16, ETR_E_VERSION, "\"go 1.11 trace\", in the old format of Go 1.11 to 1.18: build" },
		{ "go 1.5 trace\0\0\0\0", 16, ETR_E_VERSION, "\"go 1.5 trace\", in the format before Go 1.22" },
		{ "go 1.26 trace\0\0x", 16, ETR_E_FORMAT, "not an execution trace" },
		{ "\x1f\x8b\x08", 3, ETR_E_FORMAT, "gzip-compressed" },
		{ "\x7f" "ELF\2\1\1", 7, ETR_E_FORMAT, "an ELF file" },
	};

	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		struct etr_reader *r = etr_reader_new();
		struct etr_event ev;

		ck_assert_int_eq(etr_reader_open_memory(r, some[i].data, some[i].n), -some[i].rc);
		ck_assert_ptr_nonnull(strstr(etr_reader_detail(r), some[i].says));
		ck_assert_int_eq(etr_reader_next(r, &ev), -some[i].rc);
		etr_reader_free(r);
	}
}
END_TEST

START_TEST(files_that_cannot_be_read_say_why)
{
	struct etr_reader *r = etr_reader_new();
	struct etr_event ev;

	ck_assert_int_eq(etr_reader_next(r, &ev), -ETR_E_INVALID);
	ck_assert_int_eq(etr_reader_open_path(r, "/nonexistent/trace"), -ETR_E_IO);
	ck_assert_str_eq(etr_reader_detail(r), "offset 0: No such file or directory");
	etr_reader_free(r);
	r = etr_reader_new();
	ck_assert_int_eq(etr_reader_open_path(r, "/"), -ETR_E_IO);
	ck_assert_str_eq(etr_reader_error_message(r), "Is a directory");
	etr_reader_free(r);
}
END_TEST

START_TEST(extents_are_the_generations)
{
	struct bytes b = make_trace(3, 30000), one = make_trace(1, 30000);
	struct etr_reader *r = etr_reader_new();
	struct etr_extent *e;
	uint64_t events, hash, at = 16;
	size_t n;

	etr_reader_open_memory(r, b.p, b.n);
	ck_assert_int_eq(etr_reader_extents(r, &e, &n), 0);
	ck_assert_uint_eq(n, 3);
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_eq(e[i].generation, i + 1);
		ck_assert_uint_eq(e[i].offset, at);
		ck_assert_uint_eq(e[i].frequency, 1000000000);
		ck_assert_uint_eq(e[i].first_time, (i + 1) * 1000000000 + 1);
		ck_assert_uint_gt(e[i].last_time, e[i].first_time);
		ck_assert_int_eq(e[i].sync_ns, (int64_t)(i + 1) * 1000000000);
		at += e[i].size;
	}
	ck_assert_uint_eq(at, b.n);
	ck_assert_uint_eq(e[0].size, one.n - 16);
	free(e);
	/* Reading may begin afterwards, and then they cannot be asked for any more. */
	ck_assert_int_eq(drain_reader(r, &events, &hash), 0);
	ck_assert_int_eq(etr_reader_extents(r, &e, &n), -ETR_E_INVALID);
	etr_reader_free(r);
	r = etr_reader_new();
	etr_reader_open_memory(r, b.p, b.n - 1);
	ck_assert_int_eq(etr_reader_extents(r, &e, &n), -ETR_E_TRUNCATED);
	ck_assert_uint_eq(n, 2);
	free(e);
	etr_reader_free(r);
	free(b.p);
	free(one.p);
}
END_TEST

START_TEST(the_raw_reader_sees_what_was_written)
{
	struct bytes b = make_trace(1, 2);
	struct etr_raw_reader *raw = etr_raw_reader_new();
	struct etr_raw_event ev;
	uint64_t logs = 0, strings = 0, end = 0;
	int rc;

	ck_assert_int_eq(etr_raw_reader_open_memory(raw, b.p, b.n), 0);
	while ((rc = etr_raw_reader_next(raw, &ev)) == 1) {
		ck_assert_uint_eq(b.p[ev.offset], ev.type);
		logs += ev.type == WIRE_USER_LOG;
		strings += ev.type == WIRE_STRING;
		if (ev.type == WIRE_STACK)
			ck_assert_uint_eq(ev.frames[1].pc, 0x2000);
		if (ev.type == WIRE_STRING && ev.args[0] == 1)
			ck_assert(ev.size == 1 && ev.data[0] == 'f');
		end = ev.offset;
	}
	ck_assert_int_eq(rc, 0);
	ck_assert_uint_eq(logs, 2);
	ck_assert_uint_eq(strings, 5);
	ck_assert_uint_eq(end, b.n - 1);
	etr_raw_reader_free(raw);
	free(b.p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("reader");
	TCase *c = tcase_create("all");

	tcase_set_timeout(c, 120);
	tcase_add_test(c, what_is_written_is_read);
	tcase_add_test(c, counts_and_sizes_are_told);
	tcase_add_test(c, all_inputs_give_the_same_events);
	tcase_add_test(c, every_truncation_is_told_and_keeps_what_was_whole);
	tcase_add_test(c, an_error_stays);
	tcase_add_test(c, what_is_no_trace_is_refused);
	tcase_add_test(c, files_that_cannot_be_read_say_why);
	tcase_add_test(c, extents_are_the_generations);
	tcase_add_test(c, the_raw_reader_sees_what_was_written);
	suite_add_tcase(s, c);
	return checks_run(s);
}
