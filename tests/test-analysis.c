/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test-analysis.c - the small parts that analyses are made of: maps, histograms, figures as text, JSON, points in time.
 */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/hist.h"
#include "analysis/idtable.h"
#include "analysis/json.h"
#include "analysis/text.h"
#include "analysis/window.h"
#include "analysis/wordmap.h"
#include "tests/checks.h"

/* As ck_assert(), which tells the runner of each time that it is passed: too slow for what is looked at a million times. */
#define expect(cond) do { \
	if (!(cond)) \
		ck_abort_msg("line %d: %s", __LINE__, #cond); \
} while (0)

/* The map against an array, through many additions and removals that leave runs of neighbours. */
START_TEST(map_is_what_was_put_in)
{
	enum { KEYS = 700 };
	static uint64_t values[KEYS];	/* 0: not in the map */
	struct an_map map;
	uint64_t random = 1;
	size_t n = 0;

	an_map_init(&map, 1, sizeof(uint64_t));
	for (int step = 1; step < 60000; step++) {
		uint64_t key, *value;
		bool added;

		random = random * 6364136223846793005 + 1442695040888963407;
		key = (random >> 33) % KEYS;
		value = an_map_find(&map, &key);
		expect((value != NULL) == (values[key] != 0));
		expect(!value || *value == values[key]);
		if (random >> 62) {
			value = an_map_add(&map, &key, &added);
			expect(added == (values[key] == 0));
			*value = values[key] = (uint64_t)step;
			n += added;
		} else {
			an_map_remove(&map, &key);
			n -= values[key] != 0;
			values[key] = 0;
		}
		expect(map.n == n);
	}
	an_map_free(&map);
}
END_TEST

START_TEST(map_visits_each_entry_once)
{
	struct an_map map;
	const uint64_t *key;
	void *value;
	uint64_t sum = 0, count = 0;

	an_map_init(&map, 2, 0);
	for (uint64_t i = 1; i <= 1000; i++)
		ck_assert_ptr_nonnull(an_map_add(&map, (uint64_t[]){ i, 7 }, NULL));
	for (size_t pos = 0; an_map_each(&map, &pos, &key, &value); count++)
		sum += key[0];
	ck_assert_uint_eq(count, 1000);
	ck_assert_uint_eq(sum, 500500);
	an_map_free(&map);
}
END_TEST

/*
 * The same for the table of goroutines: ids one after the other, and ids that agree in their low bits, of which only one can
 * stand near.
 */
START_TEST(id_table_is_what_was_put_in)
{
	static bool in[2][1000];
	static uint64_t last[2][1000];
	struct entry {
		int64_t id;
		uint64_t value;
	} *entry;
	struct an_idtable table;
	size_t n = 0, seen = 0;

	an_idtable_init(&table);
	ck_assert_ptr_null(an_idtable_find(&table, -1));
	ck_assert_ptr_null(an_idtable_find(&table, -2));
	an_idtable_remove(&table, -1);
	for (unsigned step = 0; step < 200000; step++) {
		unsigned far = (unsigned)rand() % 2, k = (unsigned)rand() % 1000;
		int64_t id = far ? (int64_t)((uint64_t)k << 40) - 1 : (int64_t)k;
		bool added;

		entry = an_idtable_find(&table, id);
		expect((entry != NULL) == in[far][k]);
		expect(!entry || (entry->id == id && entry->value == last[far][k]));
		if (rand() % 5 < 2) {
			an_idtable_remove(&table, id);
			n -= in[far][k];
			in[far][k] = false;
			continue;
		}
		entry = an_idtable_get(&table, id, &added);
		expect(entry != NULL);
		expect(added == !in[far][k]);
		expect(!added || (entry->id == id && entry->value == 0));
		n += added;
		in[far][k] = true;
		entry->value = last[far][k] = step;
	}
	for (size_t pos = 0; (entry = an_idtable_each(&table, &pos)); seen++) {
		unsigned far = entry->id < 0 || entry->id >= 1000;
		size_t k = far ? (uint64_t)(entry->id + 1) >> 40 : (uint64_t)entry->id;

		ck_assert(in[far][k] && entry->value == last[far][k]);
	}
	ck_assert_uint_eq(seen, n);
	an_idtable_free(&table);
	ck_assert_ptr_null(an_idtable_find(&table, 1));
	an_idtable_free(&table);
}
END_TEST

START_TEST(buckets_hold_what_they_say)
{
	struct an_hist hist;

	/* A percentile of one duration is that duration, since no percentile is above the largest. */
	for (int shift = 0; shift < 63; shift++) {
		int64_t ns = ((int64_t)1 << shift) + shift;

		memset(&hist, 0, sizeof(hist));
		for (int times = 0; times < 20; times++) {
			ck_assert_int_eq(an_hist_add(&hist, ns), 0);
			ck_assert_int_eq(an_hist_percentile(&hist, 0.5), ns);
		}
		an_hist_free(&hist);
	}
	ck_assert_uint_eq(an_hist_bucket(INT64_MAX), AN_HIST_BUCKETS - 9);
	ck_assert_uint_lt(an_hist_bucket(INT64_MAX), AN_HIST_BUCKETS);
}
END_TEST

START_TEST(percentiles_are_within_an_eighth)
{
	struct an_hist hist;

	memset(&hist, 0, sizeof(hist));
	ck_assert_int_eq(an_hist_percentile(&hist, 0.5), 0);
	for (int64_t ns = 1; ns <= 100000; ns++)
		an_hist_add(&hist, ns);
	ck_assert_int_eq(hist.ns, 5000050000);
	ck_assert_int_ge(an_hist_percentile(&hist, 0.5), 50000);
	ck_assert_int_le(an_hist_percentile(&hist, 0.5), 50000 + 50000 / 8);
	ck_assert_int_ge(an_hist_percentile(&hist, 0.99), 99000);
	ck_assert_int_eq(an_hist_percentile(&hist, 1), 100000);
	an_hist_free(&hist);
}
END_TEST

START_TEST(few_durations_are_exact)
{
	struct an_hist hist;

	memset(&hist, 0, sizeof(hist));
	for (int64_t ns = 8; ns >= 1; ns--)
		an_hist_add(&hist, ns * 1000001);
	ck_assert_int_eq(an_hist_percentile(&hist, 0.5), 4000004);
	ck_assert_int_eq(an_hist_percentile(&hist, 0.99), 8000008);
	ck_assert_int_eq(an_hist_percentile(&hist, 0), 1000001);
}
END_TEST

START_TEST(durations_read_well)
{
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
		{ 0, "0" }, { 1, "1ns" }, { 999, "999ns" }, { 1000, "1.00us" }, { 12345, "12.3us" }, { 999499, "999us" },
		{ 999500, "1.00ms" }, { 1500000, "1.50ms" }, { 999600000, "1.00s" }, { 61000000000, "61.0s" }, { -1500, "-1.50us" },
	};
	char buf[32];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_str_eq(an_text_ns(buf, cases[i].ns), cases[i].text);
	ck_assert_str_eq(an_text_bytes(buf, 999), "999 B");
	ck_assert_str_eq(an_text_bytes(buf, 7236088), "7.24 MB");
}
END_TEST

static char *printed(void (*print)(FILE *out, const char *text, size_t len), const char *text, size_t len)
{
	char *buf = NULL;
	size_t size;
	FILE *out = open_memstream(&buf, &size);

	print(out, text, len);
	fclose(out);
	return buf;
}

static void print_shown(FILE *out, const char *text, size_t len)
{
	an_text_print_bytes(text, len, out);
}

static void print_json(FILE *out, const char *text, size_t len)
{
	struct an_json json;

	an_json_begin(&json, out);
	an_json_text(&json, "k", text, len);
	an_json_end(&json);
}

START_TEST(text_is_safe_to_show)
{
	/* A letter, an escape sequence, a euro sign, a stray continuation byte, an overlong slash, a C1 control. */
	static const char text[] = "a\x1b[1m\xe2\x82\xac\x80\xc0\xaf\xc2\x9b";
	char *shown = printed(print_shown, text, sizeof(text) - 1);

	ck_assert_str_eq(shown, "a\\x1b[1m\xe2\x82\xac\\x80\\xc0\\xaf\\xc2\\x9b");
	free(shown);
}
END_TEST

START_TEST(json_takes_any_bytes)
{
	static const char text[] = "\"\\\n\0\xff\xe2\x82\xac";
	char *json = printed(print_json, text, sizeof(text) - 1);

	ck_assert_str_eq(json, "{\n  \"k\": \"\\\"\\\\\\u000a\\u0000\\ufffd\xe2\x82\xac\"\n}\n");
	free(json);
}
END_TEST

START_TEST(points_in_time)
{
	static const struct {
		const char *text;
		enum an_when_kind kind;
		int64_t ns;
	} cases[] = {
		{ "1.5s", AN_WHEN_SINCE_START, 1500000000 },
		{ "200ms", AN_WHEN_SINCE_START, 200000000 },
		{ "1m30s", AN_WHEN_SINCE_START, 90000000000 },
		{ "0", AN_WHEN_SINCE_START, 0 },
		{ ".5us", AN_WHEN_SINCE_START, 500 },
		{ "1.0000000019s", AN_WHEN_SINCE_START, 1000000001 },
		{ "@4424611871360", AN_WHEN_TRACE_CLOCK, 4424611871360 },
		{ "@-5", AN_WHEN_TRACE_CLOCK, -5 },
		{ "2023-11-14T22:13:20.25Z", AN_WHEN_WALL, 1700000000250000000 },
		{ "2023-11-15T00:13:20+02:00", AN_WHEN_WALL, 1700000000000000000 },
		{ "2023-11-14 19:43:20-0230", AN_WHEN_WALL, 1700000000000000000 },
		{ "2023-11-14T22:13Z", AN_WHEN_WALL, 1699999980000000000 },
	};
	struct an_when when;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_msg(an_when_parse(&when, cases[i].text), "%s is refused", cases[i].text);
		ck_assert_int_eq(when.kind, cases[i].kind);
		ck_assert_int_eq(when.ns, cases[i].ns);
	}
}
END_TEST

START_TEST(no_points_in_time)
{
	static const char *const texts[] = { "", "5", "s", "1.s", "-1s", "1e3s", "1s ", "9999999999999s", "@", "@x", "@1s",
					     "2023-13-01T00:00:00Z", "2023-11-14", "2023-11-14T25:00:00Z", "2023-11-14T22:13:20+0",
					     "2023-11-14T22:13:20Zx", "9223372036854775808ns" };
	struct an_when when;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ck_assert_msg(!an_when_parse(&when, texts[i]), "'%s' is taken", texts[i]);
}
END_TEST

START_TEST(ranges_of_generations)
{
	static const struct {
		const char *text;
		uint64_t first, last;
	} cases[] = { { "3", 3, 3 }, { "2..5", 2, 5 }, { "2..", 2, UINT64_MAX }, { "..5", 0, 5 } };
	static const char *const wrong[] = { "", ".", "x", "5..2", "1.2", "1...2", "1..2x", "-1" };
	struct an_generations generations;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert(an_generations_parse(&generations, cases[i].text));
		ck_assert_uint_eq(generations.first, cases[i].first);
		ck_assert_uint_eq(generations.last, cases[i].last);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(!an_generations_parse(&generations, wrong[i]), "'%s' is taken", wrong[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("analysis");
	TCase *tc = tcase_create("parts");

	tcase_add_test(tc, map_is_what_was_put_in);
	tcase_add_test(tc, map_visits_each_entry_once);
	tcase_add_test(tc, id_table_is_what_was_put_in);
	tcase_add_test(tc, buckets_hold_what_they_say);
	tcase_add_test(tc, percentiles_are_within_an_eighth);
	tcase_add_test(tc, few_durations_are_exact);
	tcase_add_test(tc, durations_read_well);
	tcase_add_test(tc, text_is_safe_to_show);
	tcase_add_test(tc, json_takes_any_bytes);
	tcase_add_test(tc, points_in_time);
	tcase_add_test(tc, no_points_in_time);
	tcase_add_test(tc, ranges_of_generations);
	suite_add_tcase(suite, tc);
	return checks_run(suite);
}
