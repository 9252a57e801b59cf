/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test-tables.c - the parser's tools: hash tables, id maps, Go's sort, Go's quoting.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "libtrace/goquote.h"
#include "libtrace/gosort.h"
#include "libtrace/idhash.h"
#include "tests/checks.h"

static uint64_t random_state;

static size_t next(size_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (size_t)((random_state >> 11) % n);
}

START_TEST(a_hash_holds_what_was_put_and_not_deleted)
{
	enum { KEYS = 512 };
	uint64_t expect[KEYS] = { 0 };
	struct etr__hash h;
	size_t n = 0;

	random_state = 7;
	etr__hash_init(&h);
	for (int i = 0; i < 20000; i++) {
		uint64_t k = next(KEYS);

		if (expect[k]) {
			etr__hash_del(&h, k << 40);
			expect[k] = 0;
			n--;
		} else {
			expect[k] = (uint64_t)i + 1;
			ck_assert_int_eq(etr__hash_put(&h, k << 40, expect[k]), 0);
			n++;
		}
		k = next(KEYS);
		ck_assert_uint_eq(etr__hash_get(&h, k << 40), expect[k]);
		ck_assert_uint_eq(h.n, n);
	}
	for (uint64_t k = 0; k < KEYS; k++)
		ck_assert_uint_eq(etr__hash_get(&h, k << 40), expect[k]);
	etr__hash_clear(&h);
	for (uint64_t k = 0; k < KEYS; k++)
		ck_assert_uint_eq(etr__hash_get(&h, k << 40), 0);
	etr__hash_free(&h);
}
END_TEST

START_TEST(an_id_map_holds_dense_and_far_ids)
{
	static const uint64_t ids[] = { 0, 1, 5, 1000, 4000, UINT32_MAX, UINT64_MAX, (uint64_t)1 << 40, 1500 };
	struct etr__idmap m;

	etr__idmap_init(&m);
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		ck_assert_uint_eq(etr__idmap_get(&m, ids[i]), 0);
		ck_assert_int_eq(etr__idmap_put(&m, ids[i], (uint32_t)i + 1), 0);
	}
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		ck_assert_uint_eq(etr__idmap_get(&m, ids[i]), i + 1);
	ck_assert_uint_eq(etr__idmap_get(&m, 2), 0);
	/* The array did not follow the large ids. */
	ck_assert_uint_le(m.ndirect, 8192);
	etr__idmap_free(&m);
}
END_TEST

START_TEST(an_id_that_came_before_the_array_reached_it_stays_found)
{
	struct etr__idmap m;

	etr__idmap_init(&m);
	ck_assert_int_eq(etr__idmap_put(&m, 3000, 77), 0);
	for (uint32_t id = 0; id < 2999; id++)
		ck_assert_int_eq(etr__idmap_put(&m, id, id + 100), 0);
	ck_assert_uint_gt(m.ndirect, 3000);
	ck_assert_uint_eq(etr__idmap_get(&m, 3000), 77);
	ck_assert_uint_eq(etr__idmap_get(&m, 2998), 3098);
	etr__idmap_free(&m);
}
END_TEST

START_TEST(ids_that_came_too_early_for_the_array_settle_in_it_and_far_ones_do_not)
{
	enum { N = 600 };
	struct etr__idmap m;

	etr__idmap_init(&m);
	/* Downwards, so that at first each is beyond what so few make dense; every fourth is missing. */
	for (uint64_t id = 4 * N; id > 0; id--)
		if (id % 4 != 3)
			ck_assert_int_eq(etr__idmap_put(&m, id, (uint32_t)id + 7), 0);
	ck_assert_int_eq(etr__idmap_put(&m, UINT32_MAX, 1), 0);
	ck_assert_int_eq(etr__idmap_put(&m, UINT64_MAX, 2), 0);
	ck_assert_int_eq(etr__idmap_settle(&m), 0);
	ck_assert_uint_gt(m.ndirect, 4 * N);
	ck_assert_uint_le(m.ndirect, 16384);
	for (uint64_t id = 0; id <= 4 * N; id++) {
		uint32_t want = id == 0 || id % 4 == 3 ? 0 : (uint32_t)id + 7;

		ck_assert_uint_eq(m.direct[id], want);
		ck_assert_uint_eq(etr__idmap_get(&m, id), want);
	}
	ck_assert_uint_eq(etr__idmap_get(&m, UINT32_MAX), 1);
	ck_assert_uint_eq(etr__idmap_get(&m, UINT64_MAX), 2);
	etr__idmap_clear(&m);
	ck_assert_uint_eq(etr__idmap_get(&m, 4 * N), 0);
	ck_assert_uint_eq(etr__idmap_get(&m, UINT32_MAX), 0);
	etr__idmap_free(&m);
}
END_TEST

/* An array element that knows where it was. */
struct item {
	long key, index;
};

static bool item_is_before(const void *a, const void *b)
{
	return ((const struct item *)a)->key < ((const struct item *)b)->key;
}

static long key_at(int pattern, long i, long n, long keys)
{
	long k = (long)next((size_t)keys);

	switch (pattern) {
	case 1:
		return i * keys / 64;
	case 2:
		return (n - i) * keys / 64;
	case 3:
		k = i * keys / 64;
		return next(16) == 0 ? (long)next((size_t)keys) : k;
	}
	return k;
}

START_TEST(equal_elements_end_up_where_gos_sort_puts_them)
{
	/*
	 * Hashes over what slices.SortFunc of Go 1.26 makes of the same arrays, 400 lengths with five numbers of different keys
	 * each: random, increasing, decreasing, nearly increasing.
	 */
	static const uint64_t go_results[] = { 0xe3e385c64aac63c7u, 0x6511aa3ce4eeca66u, 0x4cc05737c78ef6d2u, 0xc9eca92ddd9f48eau };
	static const long keys[] = { 1, 2, 7, 50, 100000 };

	random_state = 42;
	for (int pattern = 0; pattern < 4; pattern++) {
		uint64_t hash = 14695981039346656037u;

		for (long n = 0; n < 400; n++)
			for (int k = 0; k < 5; k++) {
				struct item a[400];

				for (long i = 0; i < n; i++)
					a[i] = (struct item){ key_at(pattern, i, n, keys[k]), i };
				etr__gosort(a, (size_t)n, sizeof(a[0]), item_is_before);
				for (long i = 0; i < n; i++) {
					hash = (hash ^ (uint64_t)a[i].key) * 1099511628211u;
					hash = (hash ^ (uint64_t)a[i].index) * 1099511628211u;
				}
			}
		ck_assert_uint_eq(hash, go_results[pattern]);
	}
}
END_TEST

START_TEST(quoting_is_gos)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *quoted;
	} some[] = {
		{ "", 0, "\"\"" },
		{ "plain", 5, "\"plain\"" },
		{ "a\"b\\c", 5, "\"a\\\"b\\\\c\"" },
		{ "\a\b\f\n\r\t\v", 7, "\"\\a\\b\\f\\n\\r\\t\\v\"" },
		{ "\0\x01\x7f", 3, "\"\\x00\\x01\\x7f\"" },
		{ "\xff\xc3", 2, "\"\\xff\\xc3\"" },
		{ "\xc3\xa9\xe4\xb8\x96", 5, "\"\xc3\xa9\xe4\xb8\x96\"" },
		{ "\xc2\xa0\xe2\x80\xa8", 5, "\"\\u00a0\\u2028\"" },
		{ "\xed\xa0\x80", 3, "\"\\xed\\xa0\\x80\"" },
		{ "\xf4\x8f\xbf\xbf", 4, "\"\\U0010ffff\"" },
		{ "\xf0\x9f\x98\x80", 4, "\"\xf0\x9f\x98\x80\"" },
	};

	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		char out[64];
		size_t n = etr__quote(out, (const uint8_t *)some[i].bytes, some[i].n);

		ck_assert_uint_eq(n, strlen(some[i].quoted));
		ck_assert_mem_eq(out, some[i].quoted, n);
	}
}
END_TEST

START_TEST(what_was_quoted_comes_back)
{
	random_state = 3;
	for (int round = 0; round < 2000; round++) {
		uint8_t in[100], back[ETR__QUOTED_MAX(100)];
		char quoted[ETR__QUOTED_MAX(100)];
		const char *p = quoted;
		size_t n = next(100), len;

		for (size_t i = 0; i < n; i++)
			in[i] = (uint8_t)next(round % 2 ? 256 : 128);
		len = etr__quote(quoted, in, n);
		ck_assert_uint_le(len, ETR__QUOTED_MAX(n));
		ck_assert_int_eq(etr__unquote(back, &p, quoted + len), (ptrdiff_t)n);
		ck_assert_ptr_eq(p, quoted + len);
		ck_assert_mem_eq(in, back, n);
	}
}
END_TEST

START_TEST(quoted_text_in_gos_other_forms_is_read)
{
	static const struct {
		const char *text, *bytes;
		ptrdiff_t n;
	} some[] = {
		{ "`raw \\n`", "raw \\n", 6 },	  { "\"\\101\\x42\\u0043\\U00000044\"", "ABCD", 4 },
		{ "\"\\u4e16\"", "\xe4\xb8\x96", 3 }, { "\"\\xe4\"", "\xe4", 1 },
		{ "\"open", NULL, -1 },		  { "\"\\q\"", NULL, -1 },
		{ "\"\\x4\"", NULL, -1 },	  { "\"\\ud800\"", NULL, -1 },
		{ "\"\\400\"", NULL, -1 },	  { "plain", NULL, -1 },
		{ "", NULL, -1 },		  { "\"\\", NULL, -1 },
	};

	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		const char *p = some[i].text;
		uint8_t out[64];

		ck_assert_int_eq(etr__unquote(out, &p, p + strlen(p)), some[i].n);
		if (some[i].n > 0)
			ck_assert_mem_eq(out, some[i].bytes, (size_t)some[i].n);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("libtrace tables");
	TCase *c = tcase_create("all");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, a_hash_holds_what_was_put_and_not_deleted);
	tcase_add_test(c, an_id_map_holds_dense_and_far_ids);
	tcase_add_test(c, an_id_that_came_before_the_array_reached_it_stays_found);
	tcase_add_test(c, ids_that_came_too_early_for_the_array_settle_in_it_and_far_ones_do_not);
	tcase_add_test(c, equal_elements_end_up_where_gos_sort_puts_them);
	tcase_add_test(c, quoting_is_gos);
	tcase_add_test(c, what_was_quoted_comes_back);
	tcase_add_test(c, quoted_text_in_gos_other_forms_is_read);
	suite_add_tcase(s, c);
	return checks_run(s);
}
