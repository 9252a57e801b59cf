/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test-seek.c - any generation and any time of a trace is reached, plain or compressed.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/checks.h"
#include "tests/packtrace.h"

/* What follows a generation's beginning, as a trace. */
static struct bytes tail_of(const struct bytes *b, size_t from)
{
	struct bytes t = { 0 };

	bytes_append(&t, b->p, 16);
	bytes_append(&t, b->p + from, b->n - from);
	return t;
}

struct source {
	const struct bytes *b;
	size_t passed;
};

static ssize_t source_pread(void *ctx, void *buf, size_t size, uint64_t off)
{
	struct source *s = ctx;
	size_t n = off < s->b->n ? s->b->n - (size_t)off : 0;

	n = n < size ? n : size;
	if (n)
		memcpy(buf, s->b->p + off, n);
	s->passed += n;
	return (ssize_t)n;
}

static int64_t source_size(void *ctx)
{
	return (int64_t)((struct source *)ctx)->b->n;
}

/* To every generation of `form`, forwards, backwards, to none, and from the end. */
static void seek_all(const struct bytes *b, const struct bytes *form, const struct etr_extent *e, size_t n)
{
	struct etr_input_ops ops = { .struct_size = sizeof(ops), .pread = source_pread, .size = source_size };
	struct source src = { form, 0 };
	struct etr_reader *r = etr_reader_new();
	struct etr_event ev;

	ck_assert_int_eq(etr_reader_open_callbacks(r, &ops, &src), 0);
	for (size_t i = 0; i < 2 * n; i++) {
		size_t g = i < n ? i : 2 * n - 1 - i;
		struct bytes t = tail_of(b, (size_t)e[g].offset);
		struct outcome want = outcome_of(&t, t.n), o = { 0 };

		ck_assert_int_eq(etr_reader_seek_generation(r, 1000000), 0);
		ck_assert_int_eq(etr_reader_seek_generation(r, e[g].generation), 1);
		ck_assert_int_eq(etr_reader_next(r, &ev), 1);
		ck_assert_int_eq(ev.kind, ETR_KIND_SYNC);
		ck_assert_uint_eq(ev.u.sync.n, 1);
		ck_assert_uint_eq(etr_reader_generation(r), e[g].generation);
		outcome_take(&o, &ev);
		/* What is asked for and is not there changes nothing, in the middle either. */
		for (int k = 0; k < 5; k++) {
			ck_assert_int_eq(etr_reader_next(r, &ev), 1);
			outcome_take(&o, &ev);
		}
		ck_assert_int_eq(etr_reader_seek_generation(r, 1000000), 0);
		free(t.p);
		if (i % 2)
			continue;
		outcome_drain(&o, r);
		outcome_assert_same(&want, &o);
		ck_assert_uint_eq(etr_reader_good_size(r), b->n);
	}
	etr_reader_free(r);
}

START_TEST(any_generation_is_reached)
{
	struct bytes b = bytes_load(some_traces[_i]), forms[3] = { pack_whole(&b), pack_odd(&b) };
	struct packed k = pack_generations(&b);
	struct etr_extent *e;
	size_t n = extents_of(&b, &e);

	forms[2] = k.b;
	seek_all(&b, &b, e, n);
	for (int i = 0; i < 3; i++) {
		seek_all(&b, &forms[i], e, n);
		free(forms[i].p);
	}
	free(e);
	free(b.p);
}
END_TEST

/* Every event at or after the time, and no more than two generations' before it. */
START_TEST(any_time_is_reached)
{
	struct bytes b = bytes_load(some_traces[_i]);
	struct packed k = pack_generations(&b);
	struct etr_extent *e;
	size_t n = extents_of(&b, &e);
	struct etr_reader *r[2] = { etr_reader_new(), etr_reader_new() };

	ck_assert_int_eq(etr_reader_open_memory(r[0], b.p, b.n), 0);
	ck_assert_int_eq(etr_reader_open_memory(r[1], k.b.p, k.b.n), 0);
	for (size_t i = 0; i < 3 * n; i++) {
		int64_t ns = e[i / 3].sync_ns + (int64_t)(i % 3) - 1;
		size_t last = i % 3 == 0 && i ? i / 3 - 1 : i / 3;
		struct etr_event ev;

		for (int j = 0; j < 2; j++) {
			ck_assert_int_eq(etr_reader_seek_time(r[j], ns), 1);
			ck_assert_int_eq(etr_reader_next(r[j], &ev), 1);
			ck_assert_int_eq(ev.kind, ETR_KIND_SYNC);
			ck_assert_uint_le(etr_reader_generation(r[j]), e[last ? last - 1 : 0].generation);
			ck_assert_uint_ge(etr_reader_generation(r[j]) + 2, e[last].generation);
		}
	}
	ck_assert_int_eq(etr_reader_seek_time(r[0], INT64_MIN), 1);
	ck_assert_int_eq(etr_reader_seek_time(r[1], INT64_MAX), 1);
	etr_reader_free(r[0]);
	etr_reader_free(r[1]);
	free(e);
	free(b.p);
	free(k.b.p);
}
END_TEST

/* 126 generations of which two are read: few of the compressed bytes are. */
START_TEST(few_frames_are_read)
{
	struct bytes one = bytes_load("126-all-1"), b = { 0 };
	struct etr_extent *e;
	struct packed k;
	struct etr_input_ops ops = { .struct_size = sizeof(ops), .pread = source_pread, .size = source_size };
	struct source src = { .b = &k.b };
	struct etr_reader *r = etr_reader_new();
	struct etr_event ev;
	size_t n = extents_of(&one, &e);

	/* The first generation over and over, as 1, 2 and so on: every batch's number is one byte there. */
	ck_assert_uint_gt(n, 0);
	bytes_append(&b, one.p, 16);
	for (unsigned g = 1; g <= 126; g++) {
		struct bytes part = { 0 };
		struct etr_raw_reader *raw = etr_raw_reader_new();
		struct etr_raw_event w;

		bytes_append(&part, one.p, (size_t)(e[0].offset + e[0].size));
		ck_assert_int_eq(etr_raw_reader_open_memory(raw, one.p, part.n), 0);
		while (etr_raw_reader_next(raw, &w) == 1)
			if (w.type == 1 || w.type == 49)
				part.p[w.offset + 1 + (w.type == 49)] = (uint8_t)g;
		etr_raw_reader_free(raw);
		bytes_append(&b, part.p + 16, part.n - 16);
		free(part.p);
	}
	k = pack_generations(&b);
	ck_assert_uint_eq(k.n, 126);
	ck_assert_int_eq(etr_reader_open_callbacks(r, &ops, &src), 0);
	ck_assert_int_eq(etr_reader_seek_generation(r, 100), 1);
	do
		ck_assert_int_eq(etr_reader_next(r, &ev), 1);
	while (etr_reader_generation(r) < 101);
	/* The beginnings of seven frames, and 99 to 101. */
	ck_assert_msg(src.passed < k.b.n / 3, "%zu of %zu bytes were read", src.passed, k.b.n);
	etr_reader_free(r);
	free(e);
	free(b.p);
	free(one.p);
	free(k.b.p);
}
END_TEST

/* Events of earlier generations may be anything: their batches' headers suffice. */
START_TEST(what_lies_before_is_not_decoded)
{
	struct bytes b = bytes_load(some_traces[_i]), t;
	struct etr_raw_reader *raw = etr_raw_reader_new();
	struct etr_reader *r = etr_reader_new();
	struct outcome want, o = { 0 };
	struct etr_raw_event ev;
	struct etr_extent *e;
	size_t n = extents_of(&b, &e), overwritten = 0;

	ck_assert_uint_ge(n, 2);
	t = tail_of(&b, (size_t)e[n - 1].offset);
	want = outcome_of(&t, t.n);
	/* No event has number 127. */
	t.n = 0;
	bytes_append(&t, b.p, b.n);
	ck_assert_int_eq(etr_raw_reader_open_memory(raw, t.p, t.n), 0);
	while (etr_raw_reader_next(raw, &ev) == 1 && ev.offset < e[n - 1].offset)
		if (ev.type >= ETR_WIRE_PROCS_CHANGE && ev.type <= ETR_WIRE_GO_STATUS_STACK) {
			b.p[ev.offset] = 127;
			overwritten++;
		}
	etr_raw_reader_free(raw);
	ck_assert_uint_gt(overwritten, 10);
	ck_assert_int_lt(outcome_of(&b, b.n).rc, 0);
	ck_assert_int_eq(etr_reader_open_memory(r, b.p, b.n), 0);
	ck_assert_int_eq(etr_reader_seek_generation(r, e[n - 1].generation), 1);
	ck_assert_int_eq(outcome_drain(&o, r), 0);
	outcome_assert_same(&want, &o);
	etr_reader_free(r);
	free(e);
	free(t.p);
	free(b.p);
}
END_TEST

START_TEST(where_nothing_can_be_sought)
{
	struct bytes b = bytes_load("126-loop-1");
	struct etr_input_ops ops = { .struct_size = sizeof(ops), .pread = source_pread };
	struct source src = { &b, 0 };
	struct etr_reader *r = etr_reader_new();
	struct outcome o = { 0 };
	int p[2];

	ck_assert_int_eq(etr_reader_seek_generation(r, 1), -ETR_E_INVALID);
	/* Damage is no hindrance to what lies before it, and can be left again. */
	b.p[b.n - 1] = 99;
	ck_assert_int_eq(etr_reader_open_callbacks(r, &ops, &src), 0);
	ck_assert_int_lt(outcome_drain(&o, r), 0);
	ck_assert_int_eq(etr_reader_seek_generation(r, 1), 1);
	ck_assert_str_eq(etr_reader_detail(r), "");
	ck_assert_int_lt(outcome_drain(&o, r), 0);
	ck_assert_int_lt(etr_reader_seek_generation(r, 77), 0);
	ck_assert_int_lt(outcome_drain(&o, r), 0);
	ck_assert_int_eq(etr_reader_seek_time(r, 0), -ETR_E_BATCH);
	etr_reader_free(r);

	r = etr_reader_new();
	ck_assert_int_eq(pipe(p), 0);
	ck_assert_int_eq(write(p[1], b.p, 16), 16);
	close(p[1]);
	ck_assert_int_eq(etr_reader_open_fd(r, p[0]), 0);
	ck_assert_int_eq(etr_reader_seek_generation(r, 1), -ETR_E_INVALID);
	ck_assert_int_eq(outcome_drain(&o, r), 0);
	close(p[0]);
	etr_reader_free(r);
	free(b.p);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("seek");
	TCase *tc = checks_add(suite, "seeking", 300, CHECKS(few_frames_are_read, where_nothing_can_be_sought));

	tcase_add_loop_test(tc, any_generation_is_reached, 0, SOME_TRACES);
	tcase_add_loop_test(tc, any_time_is_reached, 0, SOME_TRACES);
	tcase_add_loop_test(tc, what_lies_before_is_not_decoded, 0, SOME_TRACES - 1);
	return checks_run(suite);
}
