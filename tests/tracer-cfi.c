/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tracer-cfi.c - call frame information: the rows that are made of it, and the walk by them.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "librt/tracer/cfirows.h"
#include "librt/tracer/symbols.h"
#include "librt/tracer/unwind.h"
#include "librt/tracer/unwindmap.h"
#include "tests/checks.h"

/*
 * A CIE as gcc writes it, and two FDEs.  The first, from 0x1000 on: CFA rsp+8; after 1 byte rsp+16, rbp at CFA-16; after 4 rbp+16;
 * from 0x14 on rsp+8.  The second, from 0x1040 on: a table entry of the linker's, from its byte 11 on.
 */
static const uint8_t section[] = {
	0x14, 0, 0, 0, 0, 0, 0, 0, 1, 'z', 'R', 0, 1, 0x78, 0x10, 1, 0x03, 0x0c, 7, 8, 0x90, 1, 0, 0,
	0x1c, 0, 0, 0, 0x1c, 0, 0, 0, 0x00, 0x10, 0, 0, 0x20, 0, 0, 0, 0,
	0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6, 0x50, 0x0c, 7, 8, 0xc6, 0, 0,
	0x1c, 0, 0, 0, 0x3c, 0, 0, 0, 0x40, 0x10, 0, 0, 0x20, 0, 0, 0, 0,
	0x0f, 0x0b, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22, 0, 0,
	0, 0, 0, 0,
};

static struct trace_cfi_rule found(const struct trace_cfi_table *t, uint32_t pc)
{
	ck_assert_ptr_nonnull(t);
	return trace_cfi_find(t, pc);
}

START_TEST(rows_say_what_the_programs_say)
{
	struct trace_cfi_table *t = trace_cfi_read(section, sizeof(section), 0, 0x1000);

	ck_assert_uint_eq(found(t, 0).base, TRACE_CFI_RSP);
	ck_assert_int_eq(found(t, 0).cfa, 1);
	ck_assert_uint_eq(found(t, 0).rbp, TRACE_CFI_SAME);
	ck_assert_int_eq(found(t, 1).cfa, 2);
	ck_assert_uint_eq(found(t, 1).rbp, TRACE_CFI_AT_CFA);
	ck_assert_int_eq(found(t, 3).rbp_at, -2);
	ck_assert_uint_eq(found(t, 4).base, TRACE_CFI_RBP);
	ck_assert_int_eq(found(t, 19).cfa, 2);
	ck_assert_uint_eq(found(t, 20).base, TRACE_CFI_RSP);
	ck_assert_uint_eq(found(t, 31).rbp, TRACE_CFI_SAME);
	ck_assert_uint_eq(found(t, 32).base, TRACE_CFI_UNKNOWN);
	ck_assert_uint_eq(found(t, 64).base, TRACE_CFI_PLT);
	ck_assert_int_eq(found(t, 95).rbp_at, 11);
	ck_assert_uint_eq(found(t, 96).base, TRACE_CFI_UNKNOWN);
	trace_cfi_drop(t);
}
END_TEST

/* In blocks of their own size, so that AddressSanitizer sees a byte too many. */
static void read_hostile(const uint8_t *bytes, size_t n)
{
	uint8_t *copy = malloc(n != 0 ? n : 1);
	struct trace_cfi_table *t;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, n);
	t = trace_cfi_read(copy, n, 0, 0x1000);
	for (size_t i = 1; t != NULL && i < t->n; i++)
		ck_assert_uint_lt(t->row[i - 1].pc, t->row[i].pc);
	trace_cfi_drop(t);
	free(copy);
}

START_TEST(damaged_sections_are_read_within_their_bounds)
{
	uint8_t bytes[sizeof(section)];
	uint32_t seed = 1;

	for (size_t n = 0; n <= sizeof(section); n++)
		read_hostile(section, n);
	for (int round = 0; round < 100000; round++) {
		memcpy(bytes, section, sizeof(bytes));
		for (int i = 0; i <= round % 4; i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[(seed >> 8) % sizeof(bytes)] = (uint8_t)(seed >> 24);
		}
		read_hostile(bytes, sizeof(bytes));
	}
}
END_TEST

#if defined(__x86_64__)

static uintptr_t walked[TRACE_MAX_FRAMES];
static uint32_t nwalked;

/* libc calls this from functions that have no frame pointers. */
static __attribute__((noinline)) int compare(const void *a, const void *b)
{
	struct trace_registers at;
	uintptr_t lo;

	__asm__ volatile("leaq 0(%%rip), %0\n\tmovq %%rsp, %1\n\tmovq %%rbp, %2" : "=r"(at.pc), "=r"(at.sp), "=r"(at.fp));
	lo = at.sp;
	nwalked = trace_unwind_by(trace_unwind_map_take(), at, lo, lo + (1 << 14), walked);
	trace_unwind_map_give();
	return *(const int *)a - *(const int *)b;
}

static __attribute__((noinline)) void sort_two(int *v)
{
	qsort(v, 2, sizeof(*v), compare);
	__asm__ volatile("" ::: "memory");
}

static __attribute__((noinline)) void call_sort(int *v)
{
	sort_two(v);
	__asm__ volatile("" ::: "memory");
}

/* The place of a function among the frames; -1: none. */
static int place_of(const char *name)
{
	for (uint32_t i = 0; i < nwalked; i++) {
		const struct trace_frame *f;
		int n = trace_symbols_resolve(walked[i], &f);

		if (n > 0 && strlen(name) == f[n - 1].func->len && memcmp(f[n - 1].func->bytes, name, f[n - 1].func->len) == 0)
			return (int)i;
	}
	return -1;
}

START_TEST(callers_through_a_library_without_frame_pointers_are_found)
{
	int v[2] = { 2, 1 };

	trace_symbols_refresh();
	trace_unwind_map_refresh();
	call_sort(v);
	ck_assert_int_eq(place_of("compare"), 0);
	ck_assert_int_gt(place_of("sort_two"), 1);
	ck_assert_int_eq(place_of("call_sort"), place_of("sort_two") + 1);
	ck_assert_int_gt(place_of("main"), place_of("call_sort"));
}
END_TEST

START_TEST(a_map_stays_until_it_is_given_back)
{
	const struct trace_unwind_map *map, *later;

	trace_symbols_refresh();
	trace_unwind_map_refresh();
	map = trace_unwind_map_take();
	ck_assert_ptr_nonnull(map);
	ck_assert_uint_ge(map->n, 2);
	trace_unwind_map_refresh();
	later = trace_unwind_map_take();
	ck_assert_ptr_eq(map, later);
	trace_unwind_map_give();
	trace_unwind_map_give();
}
END_TEST

START_TEST(wrong_rules_end_the_walk)
{
	struct trace_cfi_table *table = calloc(1, sizeof(*table) + sizeof(table->row[0]));
	struct trace_unwind_map *map = calloc(1, sizeof(*map) + sizeof(map->span[0]));
	uintptr_t stack[8] = { 0, 0x5008, 0x5010 }, out[TRACE_MAX_FRAMES], lo = (uintptr_t)stack, hi = (uintptr_t)(stack + 8);
	struct trace_cfi_rule *rule;

	ck_assert(table != NULL && map != NULL);
	table->n = map->n = 1;
	map->span[0] = (struct trace_unwind_span){ 0x5000, 0x6000, table };
	rule = &table->row[0].rule;
	/* A stack pointer that rises by two words finds the second, then a zero. */
	*rule = (struct trace_cfi_rule){ .base = TRACE_CFI_RSP, .cfa = 2 };
	ck_assert_uint_eq(trace_unwind_by(map, (struct trace_registers){ 0x5004, lo, 0 }, lo, hi, out), 2);
	ck_assert_uint_eq(out[1], 0x5008);
	/* One that does not rise; one that leaves the stack; a frame pointer from anywhere; an end. */
	rule->cfa = 0;
	ck_assert_uint_eq(trace_unwind_by(map, (struct trace_registers){ 0x5004, lo + 16, 0 }, lo, hi, out), 1);
	rule->cfa = -1;
	ck_assert_uint_eq(trace_unwind_by(map, (struct trace_registers){ 0x5004, lo + 24, 0 }, lo, hi, out), 1);
	rule->cfa = 9;
	ck_assert_uint_eq(trace_unwind_by(map, (struct trace_registers){ 0x5004, lo, 0 }, lo, hi, out), 1);
	*rule = (struct trace_cfi_rule){ .base = TRACE_CFI_RBP, .cfa = 2 };
	ck_assert_uint_eq(trace_unwind_by(map, (struct trace_registers){ 0x5004, lo, UINTPTR_MAX - 7 }, lo, hi, out), 1);
	rule->base = TRACE_CFI_RBP_MEMORY;
	ck_assert_uint_eq(trace_unwind_by(map, (struct trace_registers){ 0x5004, lo, 8 }, lo, hi, out), 1);
	rule->base = TRACE_CFI_END;
	ck_assert_uint_eq(trace_unwind_by(map, (struct trace_registers){ 0x5004, lo, lo }, lo, hi, out), 1);
	rule->base = TRACE_CFI_SIGNAL;
	ck_assert_uint_eq(trace_unwind_by(map, (struct trace_registers){ 0x5004, lo, lo }, lo, hi, out), 1);
	free(map);
	free(table);
}
END_TEST

#endif

int main(void)
{
	Suite *suite = suite_create("tracer-cfi");

	checks_add(suite, "rows", 60, CHECKS(rows_say_what_the_programs_say, damaged_sections_are_read_within_their_bounds));
#if defined(__x86_64__)
	checks_add(suite, "walk", 60, CHECKS(callers_through_a_library_without_frame_pointers_are_found,
		a_map_stays_until_it_is_given_back, wrong_rules_end_the_walk));
#endif
	return checks_run(suite);
}
