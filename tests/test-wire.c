/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test-wire.c - varints, headers and the event table.
 */
#include <check.h>
#include <string.h>

#include "tests/checks.h"
#include "wire/event.h"
#include "wire/header.h"
#include "wire/varint.h"

static const uint64_t numbers[] = { 0, 1, 127, 128, 16383, 16384, UINT32_MAX, (uint64_t)1 << 62, (uint64_t)1 << 63, UINT64_MAX };
#define NUMBERS (sizeof(numbers) / sizeof(numbers[0]))

START_TEST(varints_come_back)
{
	uint8_t buf[WIRE_VARINT_MAX];
	uint64_t v = 99;
	uint8_t *end = wire_put_varint(buf, numbers[_i]);

	ck_assert_uint_eq((size_t)(end - buf), wire_varint_size(numbers[_i]));
	ck_assert_ptr_eq(wire_get_varint(buf, end, &v), end);
	ck_assert_uint_eq(v, numbers[_i]);
}
END_TEST

START_TEST(a_varint_that_is_cut_off_is_refused)
{
	uint8_t buf[WIRE_VARINT_MAX];
	uint64_t v = 99;
	uint8_t *end = wire_put_varint(buf, numbers[_i]);

	for (const uint8_t *p = buf; p < end; p++)
		ck_assert_ptr_null(wire_get_varint(buf, p, &v));
	ck_assert_uint_eq(v, 99);
}
END_TEST

START_TEST(padded_varints_are_legal)
{
	uint8_t buf[WIRE_VARINT_MAX];
	uint64_t v;

	for (size_t width = wire_varint_size(5000); width <= WIRE_VARINT_MAX; width++) {
		uint8_t *end = wire_put_varint_padded(buf, 5000, width);

		ck_assert_uint_eq((size_t)(end - buf), width);
		ck_assert_ptr_eq(wire_get_varint(buf, end, &v), end);
		ck_assert_uint_eq(v, 5000);
	}
}
END_TEST

START_TEST(varints_beyond_64_bits_are_refused)
{
	uint8_t buf[12];
	uint64_t v;

	memset(buf, 0xff, sizeof(buf));
	ck_assert_ptr_null(wire_get_varint(buf, buf + sizeof(buf), &v));
	buf[9] = 1;
	ck_assert_ptr_eq(wire_get_varint(buf, buf + sizeof(buf), &v), buf + 10);
	ck_assert_uint_eq(v, UINT64_MAX);
	buf[9] = 2;
	ck_assert_ptr_null(wire_get_varint(buf, buf + sizeof(buf), &v));
}
END_TEST

START_TEST(file_headers_come_back)
{
	uint8_t h[WIRE_HEADER_SIZE];

	wire_put_file_header(h, 26);
	ck_assert_mem_eq(h, "go 1.26 trace\0\0", 16);
	ck_assert_int_eq(wire_get_file_header(h), 26);
	ck_assert_int_eq(wire_get_file_header((const uint8_t *)"go 1.5 trace\0\0\0"), 5);
	for (size_t i = 0; i < sizeof(h); i++) {
		wire_put_file_header(h, 26);
		h[i] ^= 0x80;
		ck_assert_int_eq(wire_get_file_header(h), -1);
	}
}
END_TEST

START_TEST(a_batch_header_is_its_numbers)
{
	uint8_t h[WIRE_BATCH_HEADER_MAX];
	const uint8_t *end = wire_put_batch_header(h, 3, WIRE_NO_M, 200, 65536), *p = h;
	const uint64_t expect[] = { 3, WIRE_NO_M, 200, 65536 };

	ck_assert_uint_eq(*p++, WIRE_EVENT_BATCH);
	for (int i = 0; i < 4; i++) {
		uint64_t v = 0;

		p = wire_get_varint(p, end, &v);
		ck_assert_ptr_nonnull(p);
		ck_assert_uint_eq(v, expect[i]);
	}
	ck_assert_ptr_eq(p, end);
}
END_TEST

START_TEST(every_event_is_found_by_its_name)
{
	int n = 0;

	for (int t = 0; t < 256; t++) {
		const struct wire_spec *s = &wire_specs[t];

		if (!s->name) {
			ck_assert_int_eq(s->cls, WIRE_CLASS_NONE);
			continue;
		}
		n++;
		ck_assert_int_eq(wire_type_by_name(s->name, strlen(s->name)), t);
		ck_assert_uint_le(s->nargs, WIRE_MAX_ARGS);
		if (wire_is_timed((uint8_t)t))
			ck_assert_int_eq(s->args[0].role, WIRE_ROLE_DT);
	}
	ck_assert_int_eq(n, 61);
	ck_assert_int_eq(wire_type_by_name("GoStar", 6), -1);
	ck_assert_int_eq(wire_type_by_name("gostart", 7), -1);
}
END_TEST

START_TEST(the_table_has_the_formats_numbers)
{
	static const struct {
		int type;
		const char *name;
		int nargs;
	} some[] = {
		{ 1, "EventBatch", 4 }, { 7, "CPUSample", 5 },	   { 12, "ProcSteal", 4 },    { 16, "GoStart", 3 },
		{ 25, "GoStatus", 4 },	{ 44, "UserLog", 5 },	   { 48, "GoStatusStack", 5 }, { 52, "EndOfGeneration", 0 },
		{ 128, "Span", 4 },	{ 136, "GoroutineStackFree", 2 },
	};

	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		ck_assert_str_eq(wire_specs[some[i].type].name, some[i].name);
		ck_assert_int_eq(wire_specs[some[i].type].nargs, some[i].nargs);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("wire");
	TCase *c = tcase_create("all");

	tcase_add_loop_test(c, varints_come_back, 0, NUMBERS);
	tcase_add_loop_test(c, a_varint_that_is_cut_off_is_refused, 0, NUMBERS);
	tcase_add_test(c, padded_varints_are_legal);
	tcase_add_test(c, varints_beyond_64_bits_are_refused);
	tcase_add_test(c, file_headers_come_back);
	tcase_add_test(c, a_batch_header_is_its_numbers);
	tcase_add_test(c, every_event_is_found_by_its_name);
	tcase_add_test(c, the_table_has_the_formats_numbers);
	suite_add_tcase(s, c);
	return checks_run(s);
}
