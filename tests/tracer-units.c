/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tracer-units.c - the recorder's parts one by one: clock, tables, unwinder, chunks, sink, symbols.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "librt/tracer/chunk.h"
#include "librt/tracer/clock.h"
#include "librt/tracer/sink.h"
#include "librt/tracer/symbols.h"
#include "librt/tracer/sys.h"
#include "librt/tracer/tables.h"
#include "librt/tracer/tracer.h"
#include "librt/tracer/unwind.h"
#include "wire/seektable.h"

/* --- clock --- */

START_TEST(clock_is_monotonic_time)
{
	uint64_t before, ours, after;

	trace_clock_init();
	trace_clock_refit(0);
	before = trace_mono_ns();
	ours = trace_clock_now() * TRACE_CLOCK_UNIT_NS;
	after = trace_mono_ns();
	/* A rate measured over 200 us may be off by some hundreds of parts in a million, and nothing has passed since. */
	ck_assert_uint_ge(ours + 20000, before);
	ck_assert_uint_le(ours, after + 20000);
}
END_TEST

START_TEST(clock_never_steps_when_refitted)
{
	uint64_t last;

	trace_clock_init();
	trace_clock_refit(0);
	last = trace_clock_now();
	for (int i = 0; i < 20000; i++) {
		uint64_t now;

		if (i % 100 == 0)
			trace_clock_refit(1000000);
		now = trace_clock_now();
		ck_assert_uint_ge(now, last);
		last = now;
	}
}
END_TEST

/* The line as it is now, moved by hand: it must bend back, never jump. */
START_TEST(clock_refit_bends_towards_the_truth)
{
	struct trace_clock_line *line;
	uint64_t seq, counter, at, error_before, error_after;

	trace_clock_init();
	if (!atomic_load(&trace_clock.counter))
		return;		/* every reading is the system's */
	trace_clock_refit(0);
	seq = atomic_load(&trace_clock.seq);
	line = &trace_clock.line[seq & 1];
	atomic_store(&line->base, atomic_load(&line->base) + 15625);	/* 1 ms ahead */
	counter = trace_clock_counter();
	at = trace_clock_at(counter);
	error_before = trace_clock_now() - trace_mono_ns() / TRACE_CLOCK_UNIT_NS;
	trace_clock_refit(100000000);
	ck_assert_uint_ge(trace_clock_now(), at);
	for (int i = 0; i < 20; i++) {
		trace_sleep_ns(10000000);
		trace_clock_refit(100000000);
	}
	error_after = trace_clock_now() - trace_mono_ns() / TRACE_CLOCK_UNIT_NS;
	/* At most 2,000 ppm of 200 ms: 0.4 ms of the 1 ms are gone at most, and something is. */
	ck_assert_int_lt((int64_t)error_after, (int64_t)error_before);
}
END_TEST

START_TEST(clock_reading_before_the_line_is_its_start)
{
	trace_clock_init();
	if (!atomic_load(&trace_clock.counter))
		return;
	trace_clock_refit(0);
	uint64_t seq = atomic_load(&trace_clock.seq);
	const struct trace_clock_line *line = &trace_clock.line[seq & 1];

	ck_assert_uint_eq(trace_clock_at(atomic_load(&line->start) - 1000), atomic_load(&line->base));
}
END_TEST

/* --- tables --- */

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

START_TEST(deep_stacks_are_cut)
{
	static uintptr_t stack[1000];
	uintptr_t out[TRACE_MAX_FRAMES];

	for (int i = 0; i + 2 < 1000; i += 2) {
		stack[i] = (uintptr_t)&stack[i + 2];
		stack[i + 1] = 0x5000;
	}
	ck_assert_uint_eq(trace_unwind(0x9999, (uintptr_t)stack, (uintptr_t)stack, (uintptr_t)(stack + 1000), out), TRACE_MAX_FRAMES);
}
END_TEST

/* --- chunks --- */

START_TEST(the_pool_is_bounded_and_lends_across_sizes)
{
	struct trace_chunk *c[64];
	unsigned n = 0;

	/* The least there is: 8 of each size. */
	ck_assert_int_eq(trace_chunks_init(1), 0);
	while (n < 64 && (c[n] = trace_chunk_get(true)) != NULL)
		n++;
	ck_assert_uint_eq(n, 16);
	ck_assert(trace_chunks_are_scarce());
	ck_assert(!c[15]->big);
	trace_chunk_put(c[0]);
	ck_assert_ptr_eq(trace_chunk_get(false), c[0]);
	for (unsigned i = 0; i < n; i++)
		trace_chunk_put(c[i]);
	ck_assert_uint_eq(trace_chunks_used(), 0);
	ck_assert(!trace_chunks_are_scarce());
}
END_TEST

static void *chunk_thrower(void *arg)
{
	for (int i = 0; i < 20000; i++) {
		struct trace_chunk *c = trace_chunk_get(i & 1);

		if (c == NULL)
			continue;
		/* Nobody else has it. */
		if (atomic_fetch_add(&c->gen, 1) != 0)
			*(int *)arg = 1;
		atomic_fetch_sub(&c->gen, 1);
		trace_chunk_put(c);
	}
	return NULL;
}

START_TEST(a_chunk_belongs_to_one_at_a_time)
{
	pthread_t t[4];
	int bad[4] = { 0 };

	trace_chunks_init(1);
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, chunk_thrower, &bad[i]);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		ck_assert_int_eq(bad[i], 0);
	}
	ck_assert_uint_eq(trace_chunks_used(), 0);
}
END_TEST

/* --- sink --- */

START_TEST(a_sink_cuts_back_to_the_last_mark)
{
	char name[] = "/tmp/tracer-units.XXXXXX", buf[64] = "";
	struct trace_sink sink;
	int fd = mkstemp(name), back = open(name, O_RDONLY);

	ck_assert_int_ge(fd, 0);
	unlink(name);
	ck_assert_int_eq(trace_sink_open(&sink, fd, true, 0), 0);
	trace_sink_put(&sink, "whole", 5);
	trace_sink_mark(&sink);
	trace_sink_put(&sink, "half", 4);
	trace_sink_flush(&sink);
	ck_assert_int_eq(pread(back, buf, sizeof(buf), 0), 9);
	ck_assert_int_eq(trace_sink_close(&sink), 0);
	ck_assert_int_eq(pread(back, buf, sizeof(buf), 0), 5);
	close(back);
}
END_TEST

#ifdef WITH_ZSTD
/* Two frames, and half of a third: the two stay, and the table of both stands behind them. */
START_TEST(a_sink_keeps_whole_frames)
{
	char name[] = "/tmp/tracer-units.XXXXXX", buf[1024];
	const uint8_t *bytes = (const uint8_t *)buf;
	struct trace_sink sink;
	int fd = mkstemp(name), back = open(name, O_RDONLY);
	uint64_t marks[2], rng = 1;
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	unlink(name);
	ck_assert_int_eq(trace_sink_open(&sink, fd, true, 3), 0);
	for (int i = 0; i < 2; i++) {
		trace_sink_put(&sink, "some bytes", 10);
		trace_sink_put(&sink, "and more of them", 16);
		trace_sink_mark(&sink);
		marks[i] = sink.whole;
		/* Whole in the file, for whoever follows it, or finds it when all else is dead. */
		ck_assert_int_eq(pread(back, buf, sizeof(buf), 0), (ssize_t)marks[i]);
	}
	for (int i = 0; i < 200000; i++) {
		rng = rng * 6364136223846793005u + 1442695040888963407u;
		trace_sink_put(&sink, &rng, sizeof(rng));
	}
	ck_assert_uint_gt(sink.written, sink.whole);
	ck_assert_int_eq(trace_sink_close(&sink), 0);
	n = pread(back, buf, sizeof(buf), 0);
	ck_assert_int_eq(n, (ssize_t)marks[1] + 8 + 2 * 8 + 9);
	ck_assert_uint_eq(wire_get_le32(bytes), WIRE_ZSTD_MAGIC);
	ck_assert_uint_eq(wire_get_le32(bytes + marks[0]), WIRE_ZSTD_MAGIC);
	ck_assert_uint_eq(wire_get_le32(bytes + marks[1]), WIRE_SEEK_TABLE_MAGIC);
	ck_assert_uint_eq(wire_get_le32(bytes + marks[1] + 8), marks[0]);
	ck_assert_uint_eq(wire_get_le32(bytes + marks[1] + 12), 26);
	ck_assert_uint_eq(wire_get_le32(bytes + marks[1] + 16), marks[1] - marks[0]);
	ck_assert_uint_eq(wire_get_le32(bytes + n - 4), WIRE_SEEK_FOOTER_MAGIC);
	close(back);
}
END_TEST
#endif

START_TEST(a_full_device_is_an_error_that_stays)
{
	struct trace_sink sink;

	ck_assert_int_eq(trace_sink_open(&sink, open("/dev/full", O_WRONLY), false, 0), 0);
	trace_sink_put(&sink, "x", 1);
	trace_sink_flush(&sink);
	ck_assert_int_eq(sink.error, -ENOSPC);
	trace_sink_put(&sink, "x", 1);
	ck_assert_int_eq(trace_sink_close(&sink), -ENOSPC);
}
END_TEST

static void *slow_reader(void *arg)
{
	int fd = *(int *)arg;
	static char buf[4096];
	size_t total = 0;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		total += (size_t)n;
	return (void *)total;
}

START_TEST(a_full_nonblocking_pipe_is_waited_for)
{
	static uint8_t block[100000];
	struct trace_sink sink;
	int fds[2];
	pthread_t t;
	void *total;

	ck_assert_int_eq(pipe(fds), 0);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	ck_assert_int_eq(trace_sink_open(&sink, fds[1], false, 0), 0);
	pthread_create(&t, NULL, slow_reader, &fds[0]);
	for (int i = 0; i < 10; i++)
		trace_sink_put(&sink, block, sizeof(block));
	ck_assert_int_eq(trace_sink_close(&sink), 0);
	pthread_join(t, &total);
	ck_assert_uint_eq((size_t)total, 10 * sizeof(block));
	close(fds[0]);
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
	ck_assert(text_ends(f[n - 1].file, "tracer-units.c"));
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
	const struct trace_frame *f;

	trace_symbols_refresh();
	ck_assert_int_eq(trace_symbols_resolve(16, &f), 1);
	ck_assert(f->func->len > 0 && f->file->len > 0 && f->line > 0);
	/* A data address of a module that has no function there. */
	ck_assert_int_eq(trace_symbols_resolve((uintptr_t)&nvisited + 1, &f), 1);
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
		self_seen = strstr(info->path, "tracer-units") != NULL && info->build_id[0] != '\0';
}

START_TEST(modules_tell_where_they_are)
{
	trace_symbols_refresh();
	trace_modules_visit(note_module, NULL);
	ck_assert(self_seen);
}
END_TEST

static void add(Suite *s, const char *name, const TTest *const *tests)
{
	TCase *tc = tcase_create(name);

	for (; *tests != NULL; tests++)
		tcase_add_test(tc, *tests);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(s, tc);
}

int main(void)
{
	Suite *s = suite_create("tracer-units");
	SRunner *r;
	int failed;

	add(s, "clock", (const TTest *const[]){ clock_is_monotonic_time, clock_never_steps_when_refitted,
						clock_refit_bends_towards_the_truth,
						clock_reading_before_the_line_is_its_start, NULL });
	add(s, "tables", (const TTest *const[]){ equal_stacks_share_an_id, a_lock_gives_a_stack_its_own_id,
						 lock_identities_are_bounded_and_counted,
						 a_full_stack_table_answers_zero_and_counts,
						 strings_are_shared_and_static_ones_keep_their_id,
						 more_static_strings_than_there_is_room_for_still_work,
						 long_strings_are_cut_between_characters,
						 threads_that_put_the_same_stacks_agree, NULL });
	add(s, "unwind", (const TTest *const[]){ a_chain_of_frames_is_walked_leaf_first, wild_frame_pointers_end_the_walk,
						 deep_stacks_are_cut, NULL });
	add(s, "chunks", (const TTest *const[]){ the_pool_is_bounded_and_lends_across_sizes, a_chunk_belongs_to_one_at_a_time,
						 NULL });
	add(s, "sink", (const TTest *const[]){ a_sink_cuts_back_to_the_last_mark, a_full_device_is_an_error_that_stays,
					       a_full_nonblocking_pipe_is_waited_for,
#ifdef WITH_ZSTD
					       a_sink_keeps_whole_frames,
#endif
					       NULL });
	add(s, "symbols", (const TTest *const[]){ own_functions_have_name_file_and_line,
						  inlined_functions_come_before_the_one_they_are_in,
						  functions_of_a_shared_library_have_their_name,
						  unresolved_addresses_have_stand_ins, the_vdso_is_a_module,
						  modules_tell_where_they_are, NULL });
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
