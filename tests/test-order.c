/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test-order.c - how the events of traces that no program records are put in order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libtrace/readerimpl.h"
#include "tests/checks.h"
#include "tests/maketrace.h"
#include "wire/event.h"

#define STOPS 100000

/* Has the next range of that kind end (or begin), whose name must be the one of number i; -1: a mark assist. */
static void expect_range(struct etr_reader *r, uint8_t kind, int i)
{
	char name[64] = "GC mark assist";
	struct etr_event ev;
	int rc;

	if (i >= 0)
		snprintf(name, sizeof(name), "stop-the-world (%d)", i);
	do
		rc = etr_reader_next(r, &ev);
	while (rc == 1 && ev.kind != ETR_KIND_RANGE_BEGIN && ev.kind != ETR_KIND_RANGE_END);
	/* An assertion that holds costs the runner a message, and these are many. */
	if (rc != 1)
		ck_abort_msg("range %d: %s", i, etr_reader_detail(r));
	if (ev.kind != kind || strcmp(etr_reader_string(r, ev.u.range.name, NULL), name) != 0)
		ck_abort_msg("%s: kind %u of %s", name, ev.kind, etr_reader_string(r, ev.u.range.name, NULL));
}

/* Whoever looked through all that are open at every event would take some 10^10 steps here. */
START_TEST(a_goroutine_may_stop_the_world_in_many_ways_at_once)
{
	static int open[STOPS + 1];
	struct bytes b = { 0 };
	struct etr_writer *w = etr_writer_new(bytes_append, &b, 1000);
	struct etr_reader *r = etr_reader_new();
	struct etr_event ev;
	uint64_t first = 0;
	int rc, n = 0;

	etr_writer_set_verify(w, 0);
	begin_running(w);
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
	struct etr_writer *w = etr_writer_new(bytes_append, &b, 1000000000);
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

START_TEST(time_may_go_back_on_a_thread)
{
	struct bytes b = { 0 };
	struct etr_writer *w = etr_writer_new(bytes_append, &b, 1000000000);
	struct etr_reader *r = etr_reader_new();
	uint64_t n, hash;

	etr_writer_begin_generation(w, 50, 1, 1, 1);
	EVENT(w, 10, WIRE_PROC_STATUS, 100, 0, WIRE_P_RUNNING);
	EVENT(w, 10, WIRE_PROC_STOP, 60);
	EVENT(w, 10, WIRE_PROC_START, 70, 0, 1);
	etr_writer_end_generation(w);
	etr_reader_open_memory(r, b.p, b.n);
	ck_assert_int_eq(drain_reader(r, &n, &hash), 0);
	ck_assert_uint_eq(n, 5);
	etr_reader_free(r);
	etr_writer_free(w);
	free(b.p);
}
END_TEST

#define SAID 10000

/* Two generations of words, `more` events before them. */
static struct bytes make_words(int more)
{
	struct bytes b = { 0 };
	struct etr_writer *w = etr_writer_new(bytes_append, &b, 1000000000);

	for (uint64_t g = 0; g < 2; g++) {
		uint64_t time = 1000000 * g + 100, a, name;

		ck_assert_int_eq(etr_writer_begin_generation(w, time, 1, 1, 1), 0);
		name = (uint64_t)etr_writer_string(w, "word", 4);
		EVENT(w, 10, WIRE_PROC_STATUS, time, 0, WIRE_P_RUNNING);
		EVENT(w, 10, WIRE_GO_STATUS, time, 1, 10, WIRE_G_RUNNING);
		for (int i = 0; i < more; i++)
			EVENT(w, 10, WIRE_HEAP_ALLOC, time, 5);
		for (uint64_t i = 0; i < SAID; i += 5) {
			time += 5;
			a = 1000 * i + g;
			EVENT(w, 10, WIRE_USER_TASK_BEGIN, time, a, 0, name, 0);
			EVENT(w, 10, WIRE_USER_REGION_BEGIN, time + 1, a, name, 0);
			EVENT(w, 10, WIRE_USER_LOG, time + 2, a, name, name, 0);
			EVENT(w, 10, WIRE_USER_REGION_END, time + 3, a, name, 0);
			EVENT(w, 10, WIRE_USER_TASK_END, time + 4, a, 0);
		}
		ck_assert_int_eq(etr_writer_end_generation(w), 0);
	}
	etr_writer_free(w);
	return b;
}

/* They take two places each in what is put in order ahead, and a chunk's last place may be one. */
START_TEST(what_programs_say_is_the_same_ordered_ahead)
{
	for (int more = 0; more < 2; more++) {
		struct bytes b = make_words(more);
		struct etr_reader *r = etr_reader_new(), *ahead = etr_reader_new();
		uint64_t n, hash, n_ahead, hash_ahead;

		etr_reader_open_memory(r, b.p, b.n);
		ck_assert_int_eq(drain_reader(r, &n, &hash), 0);
		etr_reader_set_threads(ahead, 2);
		ahead->guess_all = true;
		etr_reader_open_memory(ahead, b.p, b.n);
		ck_assert_int_eq(drain_reader(ahead, &n_ahead, &hash_ahead), 0);
		ck_assert_uint_eq(ahead->nheld, 1);
		ck_assert_uint_eq(n, (uint64_t)(2 * (SAID + 2 + more) + 3));
		ck_assert_uint_eq(n_ahead, n);
		ck_assert_uint_eq(hash_ahead, hash);
		etr_reader_free(ahead);
		etr_reader_free(r);
		free(b.p);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("order");

	checks_add(s, "all", 120,
		   CHECKS(a_goroutine_may_stop_the_world_in_many_ways_at_once, who_holds_an_abandoned_processor_is_known_among_many_threads,
			  time_may_go_back_on_a_thread, what_programs_say_is_the_same_ordered_ahead));
	return checks_run(s);
}
