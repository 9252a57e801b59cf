/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test-trace.c - traces are written, read in every way that there is, damaged, measured.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <exectrace/raw.h>
#include <exectrace/reader.h>
#include <exectrace/writer.h>

#include "wire/event.h"

struct bytes {
	uint8_t *p;
	size_t n, limit;	/* limit: writing fails when it would be passed; 0: none */
};

static int append(void *ctx, const void *buf, size_t size)
{
	struct bytes *b = ctx;

	if (b->limit && b->n + size > b->limit) {
		errno = ENOSPC;
		return -1;
	}
	b->p = realloc(b->p, b->n + size + 1);
	ck_assert_ptr_nonnull(b->p);
	memcpy(b->p + b->n, buf, size);
	b->n += size;
	return 0;
}

#define EVENT(w, m, type, time, ...)                                                                                             \
	do {                                                                                                                     \
		const uint64_t args_[] = { 0, ##__VA_ARGS__ };                                                                   \
		ck_assert_int_eq(etr_writer_event(w, m, type, time, args_ + 1, sizeof(args_) / 8 - 1), 0);                       \
	} while (0)

/* A generation: goroutine 1 on thread 10 logs n times, and goroutine 2 has waited all the time. */
static void write_generation(struct etr_writer *w, uint64_t time, int n)
{
	const struct etr_writer_frame frames[] = {
		{ 0x1000, (uint64_t)etr_writer_string(w, "f", 1), (uint64_t)etr_writer_string(w, "f.c", 3), 7 },
		{ 0x2000, (uint64_t)etr_writer_string(w, "main", 4), (uint64_t)etr_writer_string(w, "f.c", 3), 9 },
	};
	uint64_t stack = (uint64_t)etr_writer_stack(w, frames, 2);

	ck_assert_int_eq(etr_writer_stack(w, frames, 2), (int64_t)stack);
	EVENT(w, 10, WIRE_PROC_STATUS, time + 1, 0, WIRE_P_RUNNING);
	EVENT(w, 10, WIRE_GO_STATUS, time + 2, 1, 10, WIRE_G_RUNNING);
	EVENT(w, 10, WIRE_GO_STATUS_STACK, time + 2, 2, UINT64_MAX, WIRE_G_WAITING, stack);
	for (int i = 0; i < n; i++) {
		char text[32];
		int len = snprintf(text, sizeof(text), "message %d", i);

		EVENT(w, 10, WIRE_USER_LOG, time + 3 + (uint64_t)i, 5, 0, (uint64_t)etr_writer_string(w, text, (size_t)len), stack);
	}
	ck_assert_int_eq(etr_writer_cpu_sample(w, time + 3, 10, 0, 1, stack), 0);
}

/* A trace of so many generations, each with n logs and a second apart. */
static struct bytes make_trace(int generations, int n)
{
	struct bytes b = { 0 };
	struct etr_writer *w = etr_writer_new(append, &b, 1000000000);

	for (int g = 0; g < generations; g++) {
		uint64_t time = (uint64_t)(g + 1) * 1000000000;

		ck_assert_int_eq(etr_writer_begin_generation(w, time, time + 5, 1700000000 + g, 250), 0);
		write_generation(w, time, n);
		ck_assert_int_eq(etr_writer_end_generation(w), 0);
	}
	etr_writer_free(w);
	return b;
}

/* Reads to the end; the count goes to *n and a hash over all that the events say to *hash.  The last return value. */
static int drain(struct etr_reader *r, uint64_t *n, uint64_t *hash)
{
	struct etr_event ev;
	int rc;

	*n = *hash = 0;
	while ((rc = etr_reader_next(r, &ev)) == 1) {
		const int64_t v[] = { ev.time, ev.g, ev.p, ev.m, ev.kind, ev.from, ev.to, ev.stack };

		++*n;
		for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
			*hash = (*hash ^ (uint64_t)v[i]) * 1099511628211u;
	}
	return rc;
}

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
	ck_assert_int_eq(drain(r, &n, &hash), 0);
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
		ck_assert_int_eq(drain(r, &n[i], &hash[i]), 0);
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
			rc = drain(r, &n, &hash);
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
	ck_assert_int_eq(drain(r, &n, &hash), -ETR_E_TRUNCATED);
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
	ck_assert_int_eq(drain(r, &events, &hash), 0);
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

START_TEST(a_writer_refuses_what_fits_no_event)
{
	struct bytes b = { 0 };
	struct etr_writer *w = etr_writer_new(append, &b, 1000);
	const uint64_t args[4] = { 0 };

	ck_assert_ptr_null(etr_writer_new(append, &b, 0));
	ck_assert_int_eq(etr_writer_event(w, 1, WIRE_PROC_STOP, 1, args, 0), -ETR_E_INVALID);
	ck_assert_int_eq(etr_writer_end_generation(w), -ETR_E_INVALID);
	ck_assert_int_eq(etr_writer_begin_generation(w, 1, 1, 1, 1), 0);
	ck_assert_int_eq(etr_writer_begin_generation(w, 1, 1, 1, 1), -ETR_E_INVALID);
	ck_assert_int_eq(etr_writer_event(w, 1, WIRE_STRINGS, 1, args, 0), -ETR_E_INVALID);
	ck_assert_int_eq(etr_writer_event(w, 1, WIRE_GO_START, 1, args, 1), -ETR_E_INVALID);
	ck_assert_int_eq(etr_writer_event(w, 1, 200, 1, args, 0), -ETR_E_INVALID);
	ck_assert_int_eq(etr_writer_string(w, "", 0), 0);
	ck_assert_int_eq(etr_writer_stack(w, NULL, 0), 0);
	ck_assert_int_eq(etr_writer_end_generation(w), 0);
	etr_writer_free(w);
	free(b.p);
}
END_TEST

/* A call is refused for the reason given, and the writer goes on. */
#define REFUSED(w, why, call)                                                                                                    \
	do {                                                                                                                     \
		ck_assert_int_eq((call), -ETR_E_INVALID);                                                                        \
		ck_assert_ptr_nonnull(strstr(etr_writer_detail(w), why));                                                        \
	} while (0)

START_TEST(a_writer_refuses_what_the_generation_does_not_have)
{
	struct bytes b = { 0 };
	struct etr_writer *w = etr_writer_new(append, &b, 1000);
	const uint64_t args[4] = { 1, 2, 3, 4 };
	struct etr_writer_frame f[2] = { { 0x10, 1, 1, 7 }, { 0x20, 1, 2, 7 } };

	REFUSED(w, "no generation has been begun", etr_writer_string(w, "a", 1));
	ck_assert_int_eq(etr_writer_begin_generation(w, 1, 1, 1, 1), 0);
	REFUSED(w, "generation 1 has not been ended", etr_writer_begin_generation(w, 1, 1, 1, 1));
	REFUSED(w, "the first generation has been begun", etr_writer_set_verify(w, 0));
	REFUSED(w, "4 is not the type of a timed event", etr_writer_event(w, 1, WIRE_STRINGS, 1, args, 0));
	REFUSED(w, "GoStart with 1 arguments, where it has 2", etr_writer_event(w, 1, WIRE_GO_START, 1, args, 1));
	REFUSED(w, "GoLabel names string 1,", etr_writer_event(w, 1, WIRE_GO_LABEL, 1, args, 1));
	ck_assert_int_eq(etr_writer_string(w, "a", 1), 1);
	REFUSED(w, "GoBlock names stack 2,", etr_writer_event(w, 1, WIRE_GO_BLOCK, 1, args, 2));
	REFUSED(w, "sample names stack 9,", etr_writer_cpu_sample(w, 1, 1, 1, 1, 9));
	REFUSED(w, "ProcStatus with status 5,", etr_writer_event(w, 1, WIRE_PROC_STATUS, 1, (const uint64_t[]){ 0, 5 }, 2));
	REFUSED(w, "frame 1 names string 2,", etr_writer_stack(w, f, 2));
	f[1] = (struct etr_writer_frame){ 0x10, 1, 1, 8 };
	REFUSED(w, "frame 1 has pc 0x10, which stands for another", etr_writer_stack(w, f, 2));
	ck_assert_int_eq(etr_writer_stack(w, f + 1, 1), 1);
	REFUSED(w, "frame 0 has pc 0x10, which stands for another", etr_writer_stack(w, f, 1));
	ck_assert_int_eq(etr_writer_end_generation(w), 0);
	/* Ids and places are the generation's. */
	ck_assert_int_eq(etr_writer_begin_generation(w, 1, 1, 1, 1), 0);
	REFUSED(w, "GoLabel names string 1,", etr_writer_event(w, 1, WIRE_GO_LABEL, 1, args, 1));
	ck_assert_int_eq(etr_writer_string(w, "b", 1), 1);
	ck_assert_int_eq(etr_writer_stack(w, f, 1), 1);
	ck_assert_int_eq(etr_writer_end_generation(w), 0);
	etr_writer_free(w);
	free(b.p);
}
END_TEST

START_TEST(a_generation_that_breaks_a_rule_is_not_written)
{
	struct bytes b = { 0 };
	struct etr_writer *w = etr_writer_new(append, &b, 1000);
	struct etr_reader *r = etr_reader_new();
	uint64_t n, hash;
	size_t whole;

	etr_writer_begin_generation(w, 1, 1, 1, 1);
	write_generation(w, 1, 10);
	ck_assert_uint_eq(b.n, 16);
	ck_assert_int_eq(etr_writer_end_generation(w), 0);
	whole = b.n;
	etr_writer_begin_generation(w, 100, 1, 1, 1);
	EVENT(w, 10, WIRE_PROC_STATUS, 100, 0, WIRE_P_RUNNING);
	EVENT(w, 11, WIRE_GO_START, 101, 99, 1);
	ck_assert_int_eq(etr_writer_end_generation(w), -ETR_E_ORDER);
	ck_assert_str_eq(etr_writer_detail(w), "generation 2 is refused: thread 11: no thread's next event can follow; the earliest "
			 "is GoStart of thread 11");
	ck_assert_uint_eq(b.n, whole);
	ck_assert_int_eq(etr_writer_begin_generation(w, 100, 1, 1, 1), -ETR_E_ORDER);
	ck_assert_int_eq(etr_writer_string(w, "a", 1), -ETR_E_ORDER);
	etr_writer_free(w);
	ck_assert_int_eq(etr_reader_open_memory(r, b.p, b.n), 0);
	ck_assert_int_eq(drain(r, &n, &hash), 0);
	ck_assert_uint_eq(etr_reader_good_size(r), whole);
	etr_reader_free(r);
	free(b.p);
}
END_TEST

START_TEST(a_writer_that_does_not_verify_takes_the_callers_word)
{
	struct bytes b = { 0 };
	struct etr_writer *w = etr_writer_new(append, &b, 1000);
	struct etr_reader *r = etr_reader_new();
	uint64_t n, hash;

	ck_assert_int_eq(etr_writer_set_verify(w, 0), 0);
	etr_writer_begin_generation(w, 100, 1, 1, 1);
	EVENT(w, 11, WIRE_GO_START, 101, 99, 1);
	ck_assert_int_eq(etr_writer_end_generation(w), 0);
	etr_writer_free(w);
	ck_assert_int_eq(etr_reader_open_memory(r, b.p, b.n), 0);
	ck_assert_int_eq(drain(r, &n, &hash), -ETR_E_ORDER);
	etr_reader_free(r);
	free(b.p);
}
END_TEST

START_TEST(a_stopped_world_does_not_span_generations)
{
	struct bytes b = { 0 };
	struct etr_writer *w = etr_writer_new(append, &b, 1000);

	for (int gen = 1; gen <= 2; gen++) {
		etr_writer_begin_generation(w, 1, 1, 1, 1);
		EVENT(w, 10, WIRE_PROC_STATUS, 1, 0, WIRE_P_RUNNING);
		EVENT(w, 10, WIRE_GO_STATUS, 2, 1, 10, WIRE_G_RUNNING);
		if (gen == 1)
			EVENT(w, 10, WIRE_STW_BEGIN, 3, (uint64_t)etr_writer_string(w, "x", 1), 0);
		ck_assert_int_eq(etr_writer_end_generation(w), gen == 1 ? 0 : -ETR_E_ORDER);
	}
	ck_assert_ptr_nonnull(strstr(etr_writer_detail(w), "goroutine 1 has stopped the world in the generation before"));
	etr_writer_free(w);
	free(b.p);
}
END_TEST

#define STOPS 100000

/* Has the next range of that kind end (or begin), whose name must be the one of number i; -1: a mark assist. */
static void expect_range(struct etr_reader *r, uint8_t kind, int i)
{
	char name[64] = "GC mark assist";
	struct etr_event ev;

	if (i >= 0)
		snprintf(name, sizeof(name), "stop-the-world (%d)", i);
	do
		ck_assert_msg(etr_reader_next(r, &ev) == 1, "%s", etr_reader_detail(r));
	while (ev.kind != ETR_KIND_RANGE_BEGIN && ev.kind != ETR_KIND_RANGE_END);
	ck_assert_int_eq(ev.kind, kind);
	ck_assert_str_eq(etr_reader_string(r, ev.u.range.name, NULL), name);
}

/* Whoever looked through all that are open at every event would take some 10^10 steps here. */
START_TEST(a_goroutine_may_stop_the_world_in_many_ways_at_once)
{
	static int open[STOPS + 1];
	struct bytes b = { 0 };
	struct etr_writer *w = etr_writer_new(append, &b, 1000);
	struct etr_reader *r = etr_reader_new();
	struct etr_event ev;
	uint64_t first = 0;
	int rc, n = 0;

	etr_writer_set_verify(w, 0);
	etr_writer_begin_generation(w, 1, 1, 1, 1);
	EVENT(w, 10, WIRE_PROC_STATUS, 1, 0, WIRE_P_RUNNING);
	EVENT(w, 10, WIRE_GO_STATUS, 2, 1, 10, WIRE_G_RUNNING);
	for (int i = 0; i < STOPS; i++) {
		char text[16];
		uint64_t id = (uint64_t)etr_writer_string(w, text, (size_t)snprintf(text, sizeof(text), "%d", i));

		first = i ? first : id;
		EVENT(w, 10, WIRE_STW_BEGIN, 3, id, 0);
	}
	for (int i = 0; i < STOPS; i++) {
		EVENT(w, 10, WIRE_GC_MARK_ASSIST_BEGIN, 4, 0);
		if (i == STOPS / 2)
			EVENT(w, 10, WIRE_STW_END, 4);
		EVENT(w, 10, WIRE_GC_MARK_ASSIST_END, 4);
	}
	for (int i = 2; i < STOPS; i++)
		EVENT(w, 10, WIRE_STW_END, 5);
	/* The last one is the one that came second; it is still open, and the first is not. */
	EVENT(w, 10, WIRE_STW_BEGIN, 6, first, 0);
	EVENT(w, 10, WIRE_STW_BEGIN, 6, first + 1, 0);
	ck_assert_int_eq(etr_writer_end_generation(w), 0);

	etr_reader_open_memory(r, b.p, b.n);
	for (; n < STOPS; n++) {
		expect_range(r, ETR_KIND_RANGE_BEGIN, n);
		open[n] = n;
	}
	for (int i = 0; i < STOPS; i++) {
		expect_range(r, ETR_KIND_RANGE_BEGIN, -1);
		if (i == STOPS / 2) {
			/* The assist, which is the last, takes its place, and ends itself. */
			expect_range(r, ETR_KIND_RANGE_END, open[0]);
			open[0] = open[--n];
		}
		expect_range(r, ETR_KIND_RANGE_END, -1);
	}
	while (n > 1) {
		expect_range(r, ETR_KIND_RANGE_END, open[0]);
		open[0] = open[--n];
	}
	ck_assert_int_eq(open[0], 1);
	expect_range(r, ETR_KIND_RANGE_BEGIN, 0);
	while ((rc = etr_reader_next(r, &ev)) == 1)
		ck_assert_int_eq(ev.kind, ETR_KIND_SYNC);
	ck_assert_int_eq(rc, -ETR_E_ORDER);
	ck_assert_ptr_nonnull(strstr(etr_reader_detail(r), "where such a range is open already"));
	etr_reader_free(r);
	etr_writer_free(w);
	free(b.p);
}
END_TEST

#define HOLDERS 2000
#define TOLD 100000

/* Two threads hold processor 5, behind many that hold their own: the one that came first is it, then the other. */
START_TEST(who_holds_an_abandoned_processor_is_known_among_many_threads)
{
	struct bytes b = { 0 };
	struct etr_writer *w = etr_writer_new(append, &b, 1000000000);
	struct etr_reader *r = etr_reader_new();
	int64_t holder = HOLDERS;
	struct etr_event ev;
	int rc, n = 0;

	etr_writer_set_verify(w, 0);
	etr_writer_begin_generation(w, 1, 1, 1, 1);
	for (uint64_t m = 0; m < HOLDERS; m++)
		EVENT(w, m, WIRE_PROC_STATUS, 2 + m, 1000 + m, WIRE_P_RUNNING);
	EVENT(w, HOLDERS, WIRE_PROC_STATUS, 10000, 5, WIRE_P_SYSCALL);
	EVENT(w, HOLDERS + 1, WIRE_PROC_STATUS, 10001, 5, WIRE_P_SYSCALL);
	for (uint64_t i = 0; i < TOLD; i++) {
		if (i == TOLD / 2)
			EVENT(w, HOLDERS, WIRE_PROC_STATUS, 10002 + i, 6, WIRE_P_RUNNING);
		EVENT(w, 0, WIRE_PROC_STATUS, 10002 + i, 5, WIRE_P_SYSCALL_ABANDONED);
	}
	ck_assert_int_eq(etr_writer_end_generation(w), 0);
	etr_reader_open_memory(r, b.p, b.n);
	while ((rc = etr_reader_next(r, &ev)) == 1) {
		if (ev.kind != ETR_KIND_STATE_TRANSITION)
			continue;
		if (ev.u.transition.id == 6)
			holder = HOLDERS + 1;
		if (ev.u.transition.id != 5 || ev.from != ETR_STATE_RUNNING || ev.to != ETR_STATE_RUNNING || n++ == 0)
			continue;
		ck_assert_int_eq(ev.m, holder);
		ck_assert_int_eq(ev.p, 5);
	}
	ck_assert_msg(rc == 0, "%s", etr_reader_detail(r));
	ck_assert_int_eq(n, TOLD + 1);
	etr_reader_free(r);
	etr_writer_free(w);
	free(b.p);
}
END_TEST

START_TEST(long_strings_are_cut_between_characters)
{
	struct bytes b = { 0 };
	struct etr_writer *w = etr_writer_new(append, &b, 1000);
	struct etr_reader *r = etr_reader_new();
	struct etr_event ev;
	char text[2000];
	size_t n;
	int64_t id;

	memset(text, 'a', sizeof(text));
	memcpy(text + 1022, "\xe4\xb8\x96", 3);
	etr_writer_begin_generation(w, 1, 1, 1, 1);
	id = etr_writer_string(w, text, sizeof(text));
	EVENT(w, 10, WIRE_PROC_STATUS, 1, 0, WIRE_P_RUNNING);
	EVENT(w, 10, WIRE_GO_STATUS, 2, 1, 10, WIRE_G_RUNNING);
	EVENT(w, 10, WIRE_GO_LABEL, 3, (uint64_t)id);
	etr_writer_end_generation(w);
	etr_reader_open_memory(r, b.p, b.n);
	while (etr_reader_next(r, &ev) == 1 && ev.kind != ETR_KIND_LABEL)
		;
	ck_assert_int_eq(ev.kind, ETR_KIND_LABEL);
	etr_reader_string(r, ev.u.label.label, &n);
	ck_assert_uint_eq(n, 1022);
	etr_reader_free(r);
	etr_writer_free(w);
	free(b.p);
}
END_TEST

START_TEST(a_full_disk_stays_full)
{
	struct bytes b = { .limit = 100 };
	struct etr_writer *w = etr_writer_new(append, &b, 1000);

	ck_assert_int_eq(etr_writer_begin_generation(w, 1, 1, 1, 1), 0);
	write_generation(w, 1, 10);
	ck_assert_int_eq(etr_writer_end_generation(w), -ETR_E_IO);
	ck_assert_str_eq(etr_writer_detail(w), "No space left on device");
	ck_assert_int_eq(etr_writer_begin_generation(w, 1, 1, 1, 1), -ETR_E_IO);
	etr_writer_free(w);
	free(b.p);
}
END_TEST

START_TEST(time_may_go_back_on_a_thread)
{
	struct bytes b = { 0 };
	struct etr_writer *w = etr_writer_new(append, &b, 1000000000);
	struct etr_reader *r = etr_reader_new();
	uint64_t n, hash;

	etr_writer_begin_generation(w, 50, 1, 1, 1);
	EVENT(w, 10, WIRE_PROC_STATUS, 100, 0, WIRE_P_RUNNING);
	EVENT(w, 10, WIRE_PROC_STOP, 60);
	EVENT(w, 10, WIRE_PROC_START, 70, 0, 1);
	etr_writer_end_generation(w);
	etr_reader_open_memory(r, b.p, b.n);
	ck_assert_int_eq(drain(r, &n, &hash), 0);
	ck_assert_uint_eq(n, 5);
	etr_reader_free(r);
	etr_writer_free(w);
	free(b.p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("libtrace");
	TCase *c = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

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
	tcase_add_test(c, a_writer_refuses_what_fits_no_event);
	tcase_add_test(c, a_writer_refuses_what_the_generation_does_not_have);
	tcase_add_test(c, a_generation_that_breaks_a_rule_is_not_written);
	tcase_add_test(c, a_writer_that_does_not_verify_takes_the_callers_word);
	tcase_add_test(c, a_stopped_world_does_not_span_generations);
	tcase_add_test(c, a_goroutine_may_stop_the_world_in_many_ways_at_once);
	tcase_add_test(c, who_holds_an_abandoned_processor_is_known_among_many_threads);
	tcase_add_test(c, long_strings_are_cut_between_characters);
	tcase_add_test(c, a_full_disk_stays_full);
	tcase_add_test(c, time_may_go_back_on_a_thread);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
