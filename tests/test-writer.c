/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test-writer.c - what the writer takes, what it refuses, and why.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/checks.h"
#include "tests/maketrace.h"
#include "wire/event.h"

START_TEST(a_writer_refuses_what_fits_no_event)
{
	struct bytes b = { 0 };
	struct etr_writer *w = etr_writer_new(bytes_append, &b, 1000);
	const uint64_t args[4] = { 0 };

	ck_assert_ptr_null(etr_writer_new(bytes_append, &b, 0));
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
	struct etr_writer *w = etr_writer_new(bytes_append, &b, 1000);
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
	struct etr_writer *w = etr_writer_new(bytes_append, &b, 1000);
	struct etr_reader *r = etr_reader_new();
	uint64_t n, hash;
	size_t whole;

	etr_writer_begin_generation(w, 1, 1, 1, 1);
	write_logs(w, 1, 10);
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
	ck_assert_int_eq(drain_reader(r, &n, &hash), 0);
	ck_assert_uint_eq(etr_reader_good_size(r), whole);
	etr_reader_free(r);
	free(b.p);
}
END_TEST

START_TEST(a_writer_that_does_not_verify_takes_the_callers_word)
{
	struct bytes b = { 0 };
	struct etr_writer *w = etr_writer_new(bytes_append, &b, 1000);
	struct etr_reader *r = etr_reader_new();
	uint64_t n, hash;

	ck_assert_int_eq(etr_writer_set_verify(w, 0), 0);
	etr_writer_begin_generation(w, 100, 1, 1, 1);
	EVENT(w, 11, WIRE_GO_START, 101, 99, 1);
	ck_assert_int_eq(etr_writer_end_generation(w), 0);
	etr_writer_free(w);
	ck_assert_int_eq(etr_reader_open_memory(r, b.p, b.n), 0);
	ck_assert_int_eq(drain_reader(r, &n, &hash), -ETR_E_ORDER);
	etr_reader_free(r);
	free(b.p);
}
END_TEST

START_TEST(a_stopped_world_does_not_span_generations)
{
	struct bytes b = { 0 };
	struct etr_writer *w = etr_writer_new(bytes_append, &b, 1000);

	for (int gen = 1; gen <= 2; gen++) {
		begin_running(w);
		if (gen == 1)
			EVENT(w, 10, WIRE_STW_BEGIN, 3, (uint64_t)etr_writer_string(w, "x", 1), 0);
		ck_assert_int_eq(etr_writer_end_generation(w), gen == 1 ? 0 : -ETR_E_ORDER);
	}
	ck_assert_ptr_nonnull(strstr(etr_writer_detail(w), "goroutine 1 has stopped the world in the generation before"));
	etr_writer_free(w);
	free(b.p);
}
END_TEST

START_TEST(long_strings_are_cut_between_characters)
{
	struct bytes b = { 0 };
	struct etr_writer *w = etr_writer_new(bytes_append, &b, 1000);
	struct etr_reader *r = etr_reader_new();
	struct etr_event ev;
	char text[2000];
	size_t n;
	int64_t id;

	memset(text, 'a', sizeof(text));
	memcpy(text + 1022, "\xe4\xb8\x96", 3);
	begin_running(w);
	id = etr_writer_string(w, text, sizeof(text));
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
	struct etr_writer *w = etr_writer_new(bytes_append, &b, 1000);

	ck_assert_int_eq(etr_writer_begin_generation(w, 1, 1, 1, 1), 0);
	write_logs(w, 1, 10);
	ck_assert_int_eq(etr_writer_end_generation(w), -ETR_E_IO);
	ck_assert_str_eq(etr_writer_detail(w), "No space left on device");
	ck_assert_int_eq(etr_writer_begin_generation(w, 1, 1, 1, 1), -ETR_E_IO);
	etr_writer_free(w);
	free(b.p);
}
END_TEST

START_TEST(a_batch_of_an_experiment_is_refused_or_comes_back_whole)
{
	static uint8_t data[65537];
	struct bytes b = { 0 }, b_old = { 0 };
	struct etr_writer *w = etr_writer_new_version(bytes_append, &b, 1000, 23), *old = etr_writer_new_version(bytes_append, &b_old, 1000, 22);
	struct etr_reader *r = etr_reader_new();
	struct etr_experimental_batch batch;
	struct etr_event ev;

	ck_assert_int_eq(etr_writer_begin_generation(old, 1, 1, 1, 1), 0);
	REFUSED(old, "in a trace of version 1.22", etr_writer_experimental_batch(old, 1, 5, data, 1));
	etr_writer_free(old);
	free(b_old.p);
	memset(data, 0x5a, sizeof(data));
	REFUSED(w, "no generation", etr_writer_experimental_batch(w, 1, 5, data, 1));
	ck_assert_int_eq(etr_writer_begin_generation(w, 1, 1, 1, 1), 0);
	REFUSED(w, "0 is not the number", etr_writer_experimental_batch(w, 0, 5, data, 1));
	REFUSED(w, "256 is not the number", etr_writer_experimental_batch(w, 256, 5, data, 1));
	REFUSED(w, "of 65537 bytes", etr_writer_experimental_batch(w, 1, 5, data, 65537));
	ck_assert_int_eq(etr_writer_experimental_batch(w, 1, 5, data, 65536), 0);
	ck_assert_int_eq(etr_writer_end_generation(w), 0);
	etr_reader_keep_experimental(r, 1);
	etr_reader_open_memory(r, b.p, b.n);
	ck_assert_int_eq(etr_reader_next(r, &ev), 1);
	ck_assert_int_eq(etr_reader_experimental_batch(r, 0, &batch), 1);
	ck_assert_uint_eq(batch.m, 5);
	ck_assert_uint_eq(batch.size, 65536);
	ck_assert_int_eq(memcmp(batch.data, data, 65536), 0);
	ck_assert_int_eq(etr_reader_experimental_batch(r, 1, &batch), 0);
	etr_reader_free(r);
	etr_writer_free(w);
	free(b.p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("writer");

	checks_add(s, "all", 120,
		   CHECKS(a_writer_refuses_what_fits_no_event, a_writer_refuses_what_the_generation_does_not_have,
			  a_generation_that_breaks_a_rule_is_not_written, a_writer_that_does_not_verify_takes_the_callers_word,
			  a_stopped_world_does_not_span_generations, long_strings_are_cut_between_characters, a_full_disk_stays_full,
			  a_batch_of_an_experiment_is_refused_or_comes_back_whole));
	return checks_run(s);
}
