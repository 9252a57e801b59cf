/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tracer-stacks.c - stacks: the recorder's walk of the frames, and the symbols of what it finds.
 */
#include <check.h>
#include <search.h>
#include <stdbool.h>
#include <string.h>
#include <sys/auxv.h>

#include "librt/tracer/modules.h"
#include "librt/tracer/symbols.h"
#include "librt/tracer/tracer.h"
#include "librt/tracer/unwind.h"
#include "tests/checks.h"

/* --- unwinder --- */

START_TEST(a_chain_of_frames_is_walked_leaf_first)
{
	uintptr_t stack[16] = { 0 }, out[TRACE_MAX_FRAMES], lo = (uintptr_t)stack, hi = (uintptr_t)(stack + 16);

	stack[2] = (uintptr_t)&stack[6];
	stack[3] = 0x1111;
	stack[6] = (uintptr_t)&stack[10];
	stack[7] = 0x2222;
	stack[10] = 0;
	stack[11] = 0x3333;
	ck_assert_uint_eq(trace_unwind(0x9999, (uintptr_t)&stack[2], lo, hi, out), 4);
	ck_assert_uint_eq(out[0], 0x999a);
	ck_assert_uint_eq(out[1], 0x1111);
	ck_assert_uint_eq(out[2], 0x2222);
	ck_assert_uint_eq(out[3], 0x3333);
}
END_TEST

START_TEST(the_code_below_a_goroutine_is_left_out)
{
	uintptr_t stack[16] = { 0 }, out[TRACE_MAX_FRAMES], lo = (uintptr_t)stack, hi = (uintptr_t)(stack + 16);

	stack[2] = (uintptr_t)&stack[6];
	stack[3] = 0x3333;
	stack[6] = 0;
	stack[7] = 0x3333;
	trace_unwind_root = 0x3333;
	/* At the end of the chain alone. */
	ck_assert_uint_eq(trace_unwind(0x9999, (uintptr_t)&stack[2], lo, hi, out), 2);
	ck_assert_uint_eq(out[1], 0x3333);
	stack[7] = 0x2222;
	ck_assert_uint_eq(trace_unwind(0x9999, (uintptr_t)&stack[2], lo, hi, out), 3);
}
END_TEST

START_TEST(wild_frame_pointers_end_the_walk)
{
	uintptr_t stack[16] = { 0 }, out[TRACE_MAX_FRAMES], lo = (uintptr_t)stack, hi = (uintptr_t)(stack + 16);

	/* Outside, below, unaligned, in the last word, pointing at itself, pointing down, a zero return address. */
	ck_assert_uint_eq(trace_unwind(0x9999, 8, lo, hi, out), 1);
	ck_assert_uint_eq(trace_unwind(0x9999, hi, lo, hi, out), 1);
	ck_assert_uint_eq(trace_unwind(0x9999, lo - 8, lo, hi, out), 1);
	ck_assert_uint_eq(trace_unwind(0x9999, lo + 4, lo, hi, out), 1);
	ck_assert_uint_eq(trace_unwind(0x9999, hi - 8, lo, hi, out), 1);
	ck_assert_uint_eq(trace_unwind(0x9999, UINTPTR_MAX, lo, hi, out), 1);
	stack[4] = (uintptr_t)&stack[4];
	stack[5] = 0x1111;
	ck_assert_uint_eq(trace_unwind(0x9999, (uintptr_t)&stack[4], lo, hi, out), 2);
	stack[4] = (uintptr_t)&stack[2];
	ck_assert_uint_eq(trace_unwind(0x9999, (uintptr_t)&stack[4], lo, hi, out), 2);
	stack[5] = 0;
	ck_assert_uint_eq(trace_unwind(0x9999, (uintptr_t)&stack[4], lo, hi, out), 1);
	ck_assert_uint_eq(trace_unwind(0, (uintptr_t)&stack[4], lo, hi, out), 0);
	ck_assert_uint_eq(trace_unwind(0x9999, (uintptr_t)&stack[4], 0, 0, out), 1);
}
END_TEST

static uintptr_t returns_to, walked[TRACE_MAX_FRAMES];

static __attribute__((noinline)) uint32_t walk_one_record(struct trace_where where)
{
	uintptr_t room[16];
	uint32_t n;

	memset(room, 0, sizeof(room));
	__asm__ volatile("" : : "r"(room) : "memory");	/* what lies where the caller's frame was, if that is gone */
	n = trace_unwind(where.pc, where.fp, where.fp, where.fp + 2 * sizeof(uintptr_t), walked);
	__asm__ volatile("" : : "r"(room) : "memory");
	return n;
}

static __attribute__((noinline)) uint32_t call_last(void)
{
	returns_to = (uintptr_t)__builtin_return_address(0);
	return walk_one_record(TRACE_HERE());
}

START_TEST(a_function_whose_last_act_is_a_call_has_its_frame)
{
	ck_assert_uint_eq(call_last(), 2);
	ck_assert_uint_eq(walked[1], returns_to);
}
END_TEST

START_TEST(deep_stacks_are_cut)
{
	static uintptr_t stack[1000];
	uintptr_t out[TRACE_MAX_FRAMES], lo = (uintptr_t)stack;

	for (int i = 0; i + 2 < 1000; i += 2) {
		stack[i] = (uintptr_t)&stack[i + 2];
		stack[i + 1] = 0x5000;
	}
	ck_assert_uint_eq(trace_unwind(0x9999, lo, lo, (uintptr_t)(stack + 1000), out), TRACE_MAX_FRAMES);
}
END_TEST

/* --- symbols --- */

static __attribute__((noinline)) uintptr_t own_function(void)
{
	uintptr_t pc = trace_current_pc();

	__asm__ volatile("" ::: "memory");
	return pc;
}

static inline __attribute__((always_inline)) uintptr_t inner(void)
{
	return trace_current_pc();
}

static __attribute__((noinline)) uintptr_t outer(void)
{
	uintptr_t pc = inner();

	__asm__ volatile("nop" ::: "memory");	/* or the compiler would fold this function and own_function into one */
	return pc;
}

static bool text_is(const struct trace_text *t, const char *s)
{
	return t->len == strlen(s) && memcmp(t->bytes, s, t->len) == 0;
}

static bool text_ends(const struct trace_text *t, const char *s)
{
	return t->len >= strlen(s) && memcmp(t->bytes + t->len - strlen(s), s, strlen(s)) == 0;
}

START_TEST(own_functions_have_name_file_and_line)
{
	const struct trace_frame *f;
	int n;

	trace_symbols_refresh();
	n = trace_symbols_resolve(own_function() + 1, &f);
	ck_assert_int_ge(n, 1);
	ck_assert(text_is(f[n - 1].func, "own_function"));
	ck_assert(text_ends(f[n - 1].file, "tracer-stacks.c"));
	ck_assert_uint_gt(f[n - 1].line, 10);
}
END_TEST

START_TEST(inlined_functions_come_before_the_one_they_are_in)
{
	const struct trace_frame *f;
	int n;

	trace_symbols_refresh();
	n = trace_symbols_resolve(outer() + 1, &f);
	ck_assert_int_ge(n, 2);
	ck_assert(text_is(f[n - 1].func, "outer"));
	ck_assert(text_is(f[n - 2].func, "inner"));
	ck_assert_uint_gt(f[n - 1].line, f[n - 2].line);
}
END_TEST

START_TEST(functions_of_a_shared_library_have_their_name)
{
	const struct trace_frame *f;
	uintptr_t pc = (uintptr_t)insque;	/* which no sanitizer replaces */
	int n;

	trace_symbols_refresh();
	n = trace_symbols_resolve(pc + 1, &f);
	ck_assert_int_ge(n, 1);
	ck_assert(text_is(f[n - 1].func, "insque"));
	ck_assert_uint_ge(f[n - 1].line, 1);
}
END_TEST

START_TEST(unresolved_addresses_have_stand_ins)
{
	static int data = 1;
	const struct trace_frame *f;

	trace_symbols_refresh();
	ck_assert_int_eq(trace_symbols_resolve(16, &f), 1);
	ck_assert(f->func->len > 0 && f->file->len > 0 && f->line > 0);
	/* A data address of a module that has no function there. */
	ck_assert_int_eq(trace_symbols_resolve((uintptr_t)&data + 1, &f), 1);
	ck_assert(f->func->len > 0 && f->file->len > 0 && f->line > 0);
}
END_TEST

START_TEST(the_vdso_is_a_module)
{
	const struct trace_frame *f;
	uintptr_t base = getauxval(AT_SYSINFO_EHDR);

	if (base == 0)
		return;
	trace_symbols_refresh();
	ck_assert_int_eq(trace_symbols_resolve(base + 2, &f), 1);
	ck_assert(text_is(f->file, "[vdso]"));
}
END_TEST

static bool self_seen;

static void note_module(void *ctx, const struct trace_module_info *info)
{
	uintptr_t here = (uintptr_t)own_function;

	(void)ctx;
	if (here >= info->base && here < info->base + info->size)
		self_seen = strstr(info->path, "tracer-stacks") != NULL && info->build_id[0] != '\0';
}

START_TEST(modules_tell_where_they_are)
{
	trace_symbols_refresh();
	trace_modules_visit(note_module, NULL);
	ck_assert(self_seen);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tracer-stacks");

	checks_add(suite, "unwind", 60, CHECKS(a_chain_of_frames_is_walked_leaf_first, the_code_below_a_goroutine_is_left_out,
		wild_frame_pointers_end_the_walk, a_function_whose_last_act_is_a_call_has_its_frame, deep_stacks_are_cut));
	checks_add(suite, "symbols", 60, CHECKS(own_functions_have_name_file_and_line,
		inlined_functions_come_before_the_one_they_are_in, functions_of_a_shared_library_have_their_name,
		unresolved_addresses_have_stand_ins, the_vdso_is_a_module, modules_tell_where_they_are));
	return checks_run(suite);
}
