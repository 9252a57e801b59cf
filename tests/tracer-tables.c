/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tracer-tables.c - the recorder's tables of stacks and strings.
 */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "librt/tracer/tables.h"
#include "tests/checks.h"

static uint64_t visited_ids[16], visited_locks[16];
static size_t nvisited;

static void note_stack(void *ctx, const struct trace_stack_entry *e)
{
	(void)ctx;
	if (nvisited < 16) {
		visited_ids[nvisited] = e->id;
		visited_locks[nvisited++] = e->lock;
	}
}

START_TEST(equal_stacks_share_an_id)
{
	uintptr_t a[] = { 1000, 2000, 3000 }, b[] = { 1000, 2000, 3001 };
	uint64_t id;

	ck_assert_int_eq(trace_tables_init(), 0);
	id = trace_stack_put(0, a, 3, 0);
	ck_assert_uint_ne(id, 0);
	ck_assert_uint_eq(trace_stack_put(0, a, 3, 0), id);
	ck_assert_uint_ne(trace_stack_put(0, b, 3, 0), id);
	ck_assert_uint_ne(trace_stack_put(0, a, 2, 0), id);
	ck_assert_uint_eq(trace_stack_put(0, a, 0, 0), 0);
}
END_TEST

START_TEST(a_lock_gives_a_stack_its_own_id)
{
	uintptr_t a[] = { 1000, 2000 };
	uint64_t plain, one, two;

	trace_tables_init();
	plain = trace_stack_put(1, a, 2, 0);
	one = trace_stack_put(1, a, 2, 0xabc);
	two = trace_stack_put(1, a, 2, 0xdef);
	ck_assert(plain != one && one != two && plain != two);
	ck_assert_uint_eq(trace_stack_put(1, a, 2, 0xabc), one);
	trace_stacks_visit(1, note_stack, NULL);
	ck_assert_uint_eq(nvisited, 3);
	ck_assert_uint_eq(visited_locks[1], 0xabc);
	trace_tables_reset(1);
	nvisited = 0;
	trace_stacks_visit(1, note_stack, NULL);
	ck_assert_uint_eq(nvisited, 0);
}
END_TEST

START_TEST(lock_identities_are_bounded_and_counted)
{
	struct trace_table_losses losses;
	uint64_t plain;
	uintptr_t a[] = { 1000 };

	trace_tables_init();
	plain = trace_stack_put(0, a, 1, 0);
	for (uint64_t lock = 1; lock <= 5000; lock++)
		trace_stack_put(0, a, 1, lock);
	ck_assert_uint_eq(trace_stack_put(0, a, 1, 6000), plain);
	trace_tables_losses(0, &losses);
	ck_assert_uint_eq(losses.locks, 5000 - 4096 + 1);
}
END_TEST

START_TEST(a_full_stack_table_answers_zero_and_counts)
{
	struct trace_table_losses losses;
	uint64_t lost = 0;

	trace_tables_init();
	for (uintptr_t pc = 4096; pc < 4096 + 110000; pc++)
		lost += trace_stack_put(0, &pc, 1, 0) == 0;
	ck_assert_uint_gt(lost, 0);
	trace_tables_losses(0, &losses);
	ck_assert_uint_eq(losses.stacks, lost);
	trace_tables_reset(0);
	ck_assert_uint_ne(trace_stack_put(0, &(uintptr_t){ 4096 }, 1, 0), 0);
	trace_tables_losses(0, &losses);
	ck_assert_uint_eq(losses.stacks, 0);
}
END_TEST

static char last_text[2048];
static size_t last_len;

static void note_string(void *ctx, uint64_t id, const char *text, size_t len)
{
	if (id == *(uint64_t *)ctx) {
		memcpy(last_text, text, len);
		last_len = len;
	}
}

START_TEST(strings_are_shared_and_static_ones_keep_their_id)
{
	static const char reason[] = "sync";
	uint64_t a, s;

	trace_tables_init();
	a = trace_string_put(0, "hello", 5);
	ck_assert_uint_eq(trace_string_put(0, "hello!", 5), a);
	ck_assert_uint_ne(trace_string_put(0, "hello!", 6), a);
	ck_assert_uint_eq(trace_string_put(0, "", 0), 0);
	s = trace_string_static(0, reason);
	ck_assert_uint_ne(s, 0);
	ck_assert_uint_ne(s, a);
	trace_tables_reset(0);
	ck_assert_uint_eq(trace_string_static(1, reason), s);
	ck_assert_uint_eq(trace_string_static(0, reason), s);
	trace_strings_visit(0, note_string, &s);
	ck_assert_uint_eq(last_len, 4);
	ck_assert(memcmp(last_text, "sync", 4) == 0);
}
END_TEST

START_TEST(more_static_strings_than_there_is_room_for_still_work)
{
	static char many[200][16];
	uint64_t ids[200];

	trace_tables_init();
	for (int i = 0; i < 200; i++) {
		snprintf(many[i], sizeof(many[i]), "r%d", i);
		ids[i] = trace_string_static(0, many[i]);
		ck_assert_uint_ne(ids[i], 0);
	}
	for (int i = 0; i < 200; i++) {
		for (int k = 0; k < i; k++)
			ck_assert_uint_ne(ids[i], ids[k]);
		last_len = 0;
		trace_strings_visit(0, note_string, &ids[i]);
		ck_assert_uint_eq(last_len, strlen(many[i]));
		ck_assert(memcmp(last_text, many[i], last_len) == 0);
	}
}
END_TEST

START_TEST(long_strings_are_cut_between_characters)
{
	char text[1100];
	uint64_t id;

	trace_tables_init();
	memset(text, 'a', sizeof(text));
	/* A character of three bytes from 1,022 to 1,024: the cut at 1,024 would split it. */
	memcpy(text + 1022, "\xe2\x82\xac", 3);
	id = trace_string_put(0, text, sizeof(text));
	trace_strings_visit(0, note_string, &id);
	ck_assert_uint_eq(last_len, 1022);
}
END_TEST

enum { PUTTERS = 4, KEYS = 3000 };
static uint64_t put_ids[PUTTERS][KEYS];

static void *putter(void *arg)
{
	uint64_t *ids = arg;

	for (uintptr_t i = 0; i < KEYS; i++) {
		uintptr_t pcs[] = { 5000 + i, 77 };

		ids[i] = trace_stack_put(0, pcs, 2, 0);
	}
	return NULL;
}

START_TEST(threads_that_put_the_same_stacks_agree)
{
	pthread_t t[PUTTERS];

	trace_tables_init();
	for (int i = 0; i < PUTTERS; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, putter, put_ids[i]), 0);
	for (int i = 0; i < PUTTERS; i++)
		pthread_join(t[i], NULL);
	for (int k = 0; k < KEYS; k++) {
		ck_assert_uint_ne(put_ids[0][k], 0);
		for (int i = 1; i < PUTTERS; i++)
			ck_assert_uint_eq(put_ids[i][k], put_ids[0][k]);
		if (k > 0)
			ck_assert_uint_ne(put_ids[0][k], put_ids[0][k - 1]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tracer-tables");

	checks_add(suite, "stacks", 60, CHECKS(equal_stacks_share_an_id, a_lock_gives_a_stack_its_own_id,
		lock_identities_are_bounded_and_counted, a_full_stack_table_answers_zero_and_counts,
		threads_that_put_the_same_stacks_agree));
	checks_add(suite, "strings", 60, CHECKS(strings_are_shared_and_static_ones_keep_their_id,
		more_static_strings_than_there_is_room_for_still_work, long_strings_are_cut_between_characters));
	return checks_run(suite);
}
