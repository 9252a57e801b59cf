/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test-compressed.c - compressed traces, damaged ones among them.
 */
#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "tests/checks.h"
#include "tests/packtrace.h"
#include "wire/seektable.h"

#define CHECKSUM 4		/* bytes, at the end of a frame */

START_TEST(compressed_is_the_same)
{
	struct bytes b = bytes_load(some_traces[_i]), forms[3] = { pack_whole(&b), pack_odd(&b) };
	struct packed k = pack_generations(&b);
	struct outcome plain = outcome_of(&b, b.n);

	ck_assert_int_eq(plain.rc, 0);
	forms[2] = k.b;
	for (int i = 0; i < 3; i++) {
		struct outcome o = outcome_of(&forms[i], forms[i].n);

		outcome_assert_same(&plain, &o);
		free(forms[i].p);
	}
	free(b.p);
}
END_TEST

/* The same, and zstd's, byte by byte and at once: what the library's compressor makes of it. */
START_TEST(the_compressor_finds_generations)
{
	struct bytes b = bytes_load(some_traces[_i]);
	struct packed k = pack_generations(&b);

	for (size_t step = 1; step <= b.n; step = step == 1 ? 1000 : step == 1000 ? b.n : b.n + 1) {
		struct bytes out = { 0 };
		struct etr_compressor *c = etr_compressor_new(bytes_append, &out, 3);
		struct etr_reader *r = etr_reader_new();
		struct outcome plain = outcome_of(&b, b.n), o = { 0 };

		for (size_t at = 0; at < b.n; at += step)
			ck_assert_int_eq(etr_compressor_write(c, b.p + at, b.n - at < step ? b.n - at : step), 0);
		ck_assert_int_eq(etr_compressor_finish(c), 0);
		etr_compressor_free(c);
		ck_assert_int_eq(etr_reader_open_memory(r, out.p, out.n), 0);
		ck_assert_uint_eq(etr_reader_size(r), b.n);
		outcome_drain(&o, r);
		outcome_assert_same(&plain, &o);
		etr_reader_free(r);
		/* As many frames, of the same generations. */
		ck_assert_uint_eq(wire_get_le32(out.p + out.n - 9), k.n);
		for (size_t i = 0, from = 0; i < k.n; from = k.out[i++])
			ck_assert_uint_eq(wire_get_le32(out.p + out.n - 9 - 8 * (k.n - i) + 4), k.out[i] - from);
		free(out.p);
	}
	free(b.p);
	free(k.b.p);
}
END_TEST

START_TEST(the_compressor_takes_anything)
{
	static const char *const texts[] = { "", "go 1.26 trace", "go 1.26 trace\0\0\0\1\1\1\1", "go 1.26 trace\0\0\0\7\1\2\3",
					     "go 1.22 trace\0\0\0\1\377\377\377\377\377\377\377\377\377\377\377\377" };
	static const size_t sizes[] = { 0, 13, 20, 20, 29 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct bytes out = { 0 };
		struct etr_compressor *c = etr_compressor_new(bytes_append, &out, 19);
		char back[64];

		ck_assert_int_eq(etr_compressor_write(c, texts[i], sizes[i]), 0);
		ck_assert_int_eq(etr_compressor_finish(c), 0);
		ck_assert_uint_eq(ZSTD_decompress(back, sizeof(back), out.p, out.n), sizes[i]);
		ck_assert_int_eq(memcmp(back, texts[i], sizes[i]), 0);
		etr_compressor_free(c);
		free(out.p);
	}
	errno = 0;
	ck_assert_ptr_null(etr_compressor_new(bytes_append, NULL, 20));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(sizes_and_extents_are_of_the_trace)
{
	struct bytes b = bytes_load("126-all-1");
	struct packed k = pack_generations(&b);
	struct etr_reader *r = etr_reader_new();
	struct etr_extent *e, *want;
	struct outcome o = { 0 }, plain = outcome_of(&b, b.n);
	size_t n;

	ck_assert_uint_eq(extents_of(&b, &want), k.n);
	ck_assert_int_eq(etr_reader_open_memory(r, k.b.p, k.b.n), 0);
	ck_assert_uint_eq(etr_reader_size(r), b.n);
	ck_assert_int_eq(etr_reader_extents(r, &e, &n), 0);
	ck_assert_uint_eq(n, k.n);
	ck_assert_int_eq(memcmp(e, want, n * sizeof(*e)), 0);
	ck_assert_int_eq(outcome_drain(&o, r), 0);
	outcome_assert_same(&plain, &o);
	ck_assert_uint_eq(etr_reader_good_size(r), b.n);
	ck_assert_uint_eq(etr_reader_offset(r), b.n);
	etr_reader_free(r);
	free(e);
	free(want);
	free(b.p);
	free(k.b.p);
}
END_TEST

/* Cut anywhere, each generation whose frame is whole is there, and the verdict is good only between frames. */
START_TEST(cut_compressed)
{
	struct bytes b = bytes_load(some_traces[_i]);
	struct packed k = pack_generations(&b);
	/* Before 1.26 a whole generation's events are known to be whole only when the next one begins, or at a clean end. */
	bool marked = strncmp(some_traces[_i], "126", 3) == 0;

	for (size_t n = 0; n < k.b.n; n += n < 200 || n + 200 > k.b.n ? 1 : 13) {
		struct outcome o = outcome_of(&k.b, n), want;
		size_t whole = 0;
		bool clean;

		while (whole < k.n && k.end[whole] <= n)
			whole++;
		clean = whole == k.n || (whole && k.end[whole - 1] == n);
		if (whole == 0) {
			ck_assert_int_lt(o.rc, 0);
			continue;
		}
		want = outcome_of(&b, k.out[whole - 1]);
		ck_assert_msg(o.rc == (clean ? 0 : -ETR_E_TRUNCATED), "cut at %zu: %d", n, o.rc);
		/* Where a checksum alone is missing, the next one's events are there, too. */
		if (marked && !clean && n + CHECKSUM >= k.end[whole])
			want = outcome_of(&b, k.out[whole]);
		/* The Sync that ends it, or comes before the fault. */
		ck_assert_msg(clean || !marked ? o.events >= want.events : o.events == want.events,
			      "cut at %zu, %zu frames whole: %lu events, %lu wanted", n, whole, (unsigned long)o.events,
			      (unsigned long)want.events);
		if (clean)
			ck_assert_uint_eq(o.hash, want.hash);
	}
	free(b.p);
	free(k.b.p);
}
END_TEST

/* A byte that is wrong costs its own generation and those behind it, and is told. */
START_TEST(damaged_compressed)
{
	struct bytes b = bytes_load(some_traces[_i]);
	struct packed k = pack_generations(&b);

	for (size_t at = 0; at < k.end[k.n - 1]; at += at < 300 ? 1 : 11) {
		struct outcome o, want;
		size_t hit = 0;

		k.b.p[at] ^= 0x10;
		o = outcome_of(&k.b, k.b.n);
		k.b.p[at] ^= 0x10;
		while (k.end[hit] <= at)
			hit++;
		ck_assert_msg(o.rc < 0 || o.syncs == k.n + 1, "byte %zu: %d", at, o.rc);
		if (o.rc == 0) {	/* a bit of the header that does not count */
			want = outcome_of(&b, b.n);
			ck_assert_uint_eq(o.hash, want.hash);
			continue;
		}
		want = outcome_of(&b, hit ? k.out[hit - 1] : 0);
		ck_assert_msg(hit == 0 ? o.events <= 1 : o.events == want.events, "byte %zu: %lu events, not %lu", at,
			      (unsigned long)o.events, (unsigned long)want.events);
	}
	free(b.p);
	free(k.b.p);
}
END_TEST

START_TEST(what_is_hostile_is_refused)
{
	/* A window of 2 GiB; a frame of 2^64-1 bytes that has none; a table of 2^27 frames in 17 bytes; zeros behind a frame. */
	static const uint8_t window[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0, 0 };
	static const uint8_t large[] = { 0x28, 0xb5, 0x2f, 0xfd, 0xe0, 255, 255, 255, 255, 255, 255, 255, 255, 1, 0, 0 };
	static const uint8_t table[] = { 0x5e, 0x2a, 0x4d, 0x18, 9, 0, 0, 0, 0, 0, 0, 8, 0, 0xb1, 0xea, 0x92, 0x8f };
	static const uint8_t magic[] = { 0x28, 0xb5, 0x2f, 0xfd };
	struct bytes b = { .p = (uint8_t *)(uintptr_t)window, .n = sizeof(window) }, zeros = { 0 };
	struct bytes trace = bytes_load("126-short-1");

	ck_assert_int_eq(outcome_of(&b, b.n).rc, -ETR_E_COMPRESSION);
	b = (struct bytes){ .p = (uint8_t *)(uintptr_t)large, .n = sizeof(large) };
	ck_assert_int_lt(outcome_of(&b, b.n).rc, 0);
	b = (struct bytes){ .p = (uint8_t *)(uintptr_t)table, .n = sizeof(table) };
	ck_assert_int_eq(outcome_of(&b, b.n).rc, -ETR_E_EMPTY);
	b = (struct bytes){ .p = (uint8_t *)(uintptr_t)magic, .n = sizeof(magic) };
	ck_assert_int_eq(outcome_of(&b, b.n).rc, -ETR_E_TRUNCATED);
	pack_frame(&zeros, trace.p, trace.n);
	bytes_append(&zeros, "\0\0\0\0\0", 5);
	ck_assert_int_eq(outcome_of(&zeros, zeros.n).rc, -ETR_E_COMPRESSION);
	free(zeros.p);
	free(trace.p);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("compressed");
	TCase *tc = checks_add(suite, "compressed", 300, CHECKS(sizes_and_extents_are_of_the_trace,
		the_compressor_takes_anything, what_is_hostile_is_refused));

	tcase_add_loop_test(tc, compressed_is_the_same, 0, SOME_TRACES);
	tcase_add_loop_test(tc, the_compressor_finds_generations, 0, SOME_TRACES);
	tcase_add_loop_test(tc, cut_compressed, 0, SOME_TRACES);
	tcase_add_loop_test(tc, damaged_compressed, 0, SOME_TRACES);
	return checks_run(suite);
}
