/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test-input.c - compressed traces, damaged ones among them, and files that grow.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include <exectrace/raw.h>
#include <exectrace/reader.h>
#include <exectrace/writer.h>

#include "wire/seektable.h"

struct bytes {
	uint8_t *p;
	size_t n;
};

static void append(struct bytes *b, const void *p, size_t n)
{
	b->p = realloc(b->p, b->n + n + 1);
	ck_assert_ptr_nonnull(b->p);
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

/* A trace of testdata/go. */
static struct bytes load(const char *name)
{
	const char *top = getenv("top_srcdir");
	char path[4096];
	struct bytes b = { 0 };
	uint8_t buf[65536];
	FILE *f;

	snprintf(path, sizeof(path), "%s/testdata/go/%s.trace", top ? top : ".", name);
	f = fopen(path, "rb");
	ck_assert_msg(f != NULL, "%s", path);
	for (size_t n; (n = fread(buf, 1, sizeof(buf), f)) > 0;)
		append(&b, buf, n);
	fclose(f);
	return b;
}

/* What a trace is to its reader. */
struct outcome {
	int rc;
	uint64_t events, hash, offset;
	unsigned syncs;
};

static void take(struct outcome *o, const struct etr_event *ev)
{
	const int64_t v[] = { ev->time, ev->g, ev->p, ev->m, ev->kind, ev->from, ev->to, ev->stack };

	o->events++;
	o->syncs += ev->kind == ETR_KIND_SYNC;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		o->hash = (o->hash ^ (uint64_t)v[i]) * 1099511628211u;
}

/* Goes on as far as events come. */
static int drain(struct etr_reader *r, struct outcome *o)
{
	struct etr_event ev;

	while ((o->rc = etr_reader_next(r, &ev)) == 1)
		take(o, &ev);
	o->offset = etr_reader_error_offset(r);
	return o->rc;
}

static struct outcome read_memory(const struct bytes *b, size_t n)
{
	struct etr_reader *r = etr_reader_new();
	struct outcome o = { .rc = etr_reader_open_memory(r, b->p, n) };

	if (o.rc == 0)
		drain(r, &o);
	if (o.rc < 0)
		ck_assert_ptr_nonnull(strstr(etr_reader_detail(r), "offset "));
	etr_reader_free(r);
	return o;
}

static void assert_same(const struct outcome *a, const struct outcome *b)
{
	ck_assert_int_eq(a->rc, b->rc);
	ck_assert_uint_eq(a->events, b->events);
	ck_assert_uint_eq(a->hash, b->hash);
}

static size_t extents_of(const struct bytes *b, struct etr_extent **e)
{
	struct etr_reader *r = etr_reader_new();
	size_t n;

	ck_assert_int_eq(etr_reader_open_memory(r, b->p, b->n), 0);
	ck_assert_int_eq(etr_reader_extents(r, e, &n), 0);
	etr_reader_free(r);
	return n;
}

/* One frame of size bytes. */
static size_t pack_frame(struct bytes *out, const uint8_t *p, size_t size)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	size_t room = ZSTD_compressBound(size), n;
	uint8_t *buf = malloc(room);

	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	n = ZSTD_compress2(c, buf, room, p, size);
	ck_assert(!ZSTD_isError(n));
	append(out, buf, n);
	free(buf);
	ZSTD_freeCCtx(c);
	return n;
}

struct packed {
	struct bytes b;
	size_t n, end[128], out[128];	/* where each generation's frame ends, in the file and uncompressed */
};

/* A frame for each generation, and the seek table. */
static struct packed pack(const struct bytes *b)
{
	struct packed k = { 0 };
	struct etr_extent *e;
	uint8_t table[2048], *t;
	size_t from = 0;

	k.n = extents_of(b, &e);
	ck_assert(k.n > 0 && k.n <= 128);
	t = wire_put_seek_header(table, (uint32_t)k.n);
	for (size_t i = 0; i < k.n; i++) {
		size_t to = (size_t)(e[i].offset + e[i].size), n = pack_frame(&k.b, b->p + from, to - from);

		t = wire_put_seek_entry(t, (uint32_t)n, (uint32_t)(to - from));
		k.end[i] = k.b.n;
		k.out[i] = from = to;
	}
	t = wire_put_seek_footer(t, (uint32_t)k.n);
	append(&k.b, table, (size_t)(t - table));
	free(e);
	return k;
}

#define CHECKSUM 4		/* bytes, at the end of a frame */

/* All but the last one have several generations. */
static const char *const traces[] = { "122-user-1", "123-user-1", "125-user-1", "126-user-1", "126-loop-1" };
#define NTRACES (sizeof(traces) / sizeof(traces[0]))

static struct bytes one_frame(const struct bytes *b)
{
	struct bytes out = { 0 };

	pack_frame(&out, b->p, b->n);
	return out;
}

/* Frames that know nothing of generations, and skippable ones between them. */
static struct bytes odd_frames(const struct bytes *b)
{
	static const uint8_t skip[] = { 0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c' };
	struct bytes out = { 0 };

	for (size_t at = 0; at < b->n; at += 777) {
		append(&out, skip, sizeof(skip));
		pack_frame(&out, b->p + at, b->n - at < 777 ? b->n - at : 777);
	}
	pack_frame(&out, b->p, 0);
	append(&out, skip, sizeof(skip));
	return out;
}

START_TEST(compressed_is_the_same)
{
	struct bytes b = load(traces[_i]), forms[3] = { one_frame(&b), odd_frames(&b) };
	struct packed k = pack(&b);
	struct outcome plain = read_memory(&b, b.n);

	ck_assert_int_eq(plain.rc, 0);
	forms[2] = k.b;
	for (int i = 0; i < 3; i++) {
		struct outcome o = read_memory(&forms[i], forms[i].n);

		assert_same(&plain, &o);
		free(forms[i].p);
	}
	free(b.p);
}
END_TEST

static int append_to(void *ctx, const void *buf, size_t size)
{
	append(ctx, buf, size);
	return 0;
}

/* The same, and zstd's, byte by byte and at once: what the library's compressor makes of it. */
START_TEST(the_compressor_finds_generations)
{
	struct bytes b = load(traces[_i]);
	struct packed k = pack(&b);

	for (size_t step = 1; step <= b.n; step = step == 1 ? 1000 : step == 1000 ? b.n : b.n + 1) {
		struct bytes out = { 0 };
		struct etr_compressor *c = etr_compressor_new(append_to, &out, 3);
		struct etr_reader *r = etr_reader_new();
		struct outcome plain = read_memory(&b, b.n), o = { 0 };

		for (size_t at = 0; at < b.n; at += step)
			ck_assert_int_eq(etr_compressor_write(c, b.p + at, b.n - at < step ? b.n - at : step), 0);
		ck_assert_int_eq(etr_compressor_finish(c), 0);
		etr_compressor_free(c);
		ck_assert_int_eq(etr_reader_open_memory(r, out.p, out.n), 0);
		ck_assert_uint_eq(etr_reader_size(r), b.n);
		drain(r, &o);
		assert_same(&plain, &o);
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
		struct etr_compressor *c = etr_compressor_new(append_to, &out, 19);
		char back[64];

		ck_assert_int_eq(etr_compressor_write(c, texts[i], sizes[i]), 0);
		ck_assert_int_eq(etr_compressor_finish(c), 0);
		ck_assert_uint_eq(ZSTD_decompress(back, sizeof(back), out.p, out.n), sizes[i]);
		ck_assert_int_eq(memcmp(back, texts[i], sizes[i]), 0);
		etr_compressor_free(c);
		free(out.p);
	}
	errno = 0;
	ck_assert_ptr_null(etr_compressor_new(append_to, NULL, 20));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(sizes_and_extents_are_of_the_trace)
{
	struct bytes b = load("126-all-1");
	struct packed k = pack(&b);
	struct etr_reader *r = etr_reader_new();
	struct etr_extent *e, *want;
	struct outcome o = { 0 }, plain = read_memory(&b, b.n);
	size_t n;

	ck_assert_uint_eq(extents_of(&b, &want), k.n);
	ck_assert_int_eq(etr_reader_open_memory(r, k.b.p, k.b.n), 0);
	ck_assert_uint_eq(etr_reader_size(r), b.n);
	ck_assert_int_eq(etr_reader_extents(r, &e, &n), 0);
	ck_assert_uint_eq(n, k.n);
	ck_assert_int_eq(memcmp(e, want, n * sizeof(*e)), 0);
	ck_assert_int_eq(drain(r, &o), 0);
	assert_same(&plain, &o);
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
	struct bytes b = load(traces[_i]);
	struct packed k = pack(&b);
	/* Before 1.26 a whole generation's events are known to be whole only when the next one begins, or at a clean end. */
	bool marked = strncmp(traces[_i], "126", 3) == 0;

	for (size_t n = 0; n < k.b.n; n += n < 200 || n + 200 > k.b.n ? 1 : 13) {
		struct outcome o = read_memory(&k.b, n), want;
		size_t whole = 0;
		bool clean;

		while (whole < k.n && k.end[whole] <= n)
			whole++;
		clean = whole == k.n || (whole && k.end[whole - 1] == n);
		if (whole == 0) {
			ck_assert_int_lt(o.rc, 0);
			continue;
		}
		want = read_memory(&b, k.out[whole - 1]);
		ck_assert_msg(o.rc == (clean ? 0 : -ETR_E_TRUNCATED), "cut at %zu: %d", n, o.rc);
		/* Where a checksum alone is missing, the next one's events are there, too. */
		if (marked && !clean && n + CHECKSUM >= k.end[whole])
			want = read_memory(&b, k.out[whole]);
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
	struct bytes b = load(traces[_i]);
	struct packed k = pack(&b);

	for (size_t at = 0; at < k.end[k.n - 1]; at += at < 300 ? 1 : 11) {
		struct outcome o, want;
		size_t hit = 0;

		k.b.p[at] ^= 0x10;
		o = read_memory(&k.b, k.b.n);
		k.b.p[at] ^= 0x10;
		while (k.end[hit] <= at)
			hit++;
		ck_assert_msg(o.rc < 0 || o.syncs == k.n + 1, "byte %zu: %d", at, o.rc);
		if (o.rc == 0) {	/* a bit of the header that does not count */
			want = read_memory(&b, b.n);
			ck_assert_uint_eq(o.hash, want.hash);
			continue;
		}
		want = read_memory(&b, hit ? k.out[hit - 1] : 0);
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
	struct bytes b = { (uint8_t *)(uintptr_t)window, sizeof(window) }, zeros = { 0 };
	struct bytes trace = load("126-short-1");

	ck_assert_int_eq(read_memory(&b, b.n).rc, -ETR_E_COMPRESSION);
	b = (struct bytes){ (uint8_t *)(uintptr_t)large, sizeof(large) };
	ck_assert_int_lt(read_memory(&b, b.n).rc, 0);
	b = (struct bytes){ (uint8_t *)(uintptr_t)table, sizeof(table) };
	ck_assert_int_eq(read_memory(&b, b.n).rc, -ETR_E_EMPTY);
	b = (struct bytes){ (uint8_t *)(uintptr_t)magic, sizeof(magic) };
	ck_assert_int_eq(read_memory(&b, b.n).rc, -ETR_E_TRUNCATED);
	pack_frame(&zeros, trace.p, trace.n);
	append(&zeros, "\0\0\0\0\0", 5);
	ck_assert_int_eq(read_memory(&zeros, zeros.n).rc, -ETR_E_COMPRESSION);
	free(zeros.p);
	free(trace.p);
}
END_TEST

/* --- seeking --- */

/* What follows a generation's beginning, as a trace. */
static struct bytes tail_of(const struct bytes *b, size_t from)
{
	struct bytes t = { 0 };

	append(&t, b->p, 16);
	append(&t, b->p + from, b->n - from);
	return t;
}

struct source {
	const struct bytes *b;
	size_t passed;
};

static ssize_t source_pread(void *ctx, void *buf, size_t size, uint64_t off)
{
	struct source *s = ctx;
	size_t n = off < s->b->n ? s->b->n - (size_t)off : 0;

	n = n < size ? n : size;
	if (n)
		memcpy(buf, s->b->p + off, n);
	s->passed += n;
	return (ssize_t)n;
}

static int64_t source_size(void *ctx)
{
	return (int64_t)((struct source *)ctx)->b->n;
}

/* To every generation of `form`, forwards, backwards, to none, and from the end. */
static void seek_all(const struct bytes *b, const struct bytes *form, const struct etr_extent *e, size_t n)
{
	struct etr_input_ops ops = { .struct_size = sizeof(ops), .pread = source_pread, .size = source_size };
	struct source src = { form, 0 };
	struct etr_reader *r = etr_reader_new();
	struct etr_event ev;

	ck_assert_int_eq(etr_reader_open_callbacks(r, &ops, &src), 0);
	for (size_t i = 0; i < 2 * n; i++) {
		size_t g = i < n ? i : 2 * n - 1 - i;
		struct bytes t = tail_of(b, (size_t)e[g].offset);
		struct outcome want = read_memory(&t, t.n), o = { 0 };

		ck_assert_int_eq(etr_reader_seek_generation(r, 1000000), 0);
		ck_assert_int_eq(etr_reader_seek_generation(r, e[g].generation), 1);
		ck_assert_int_eq(etr_reader_next(r, &ev), 1);
		ck_assert_int_eq(ev.kind, ETR_KIND_SYNC);
		ck_assert_uint_eq(ev.u.sync.n, 1);
		ck_assert_uint_eq(etr_reader_generation(r), e[g].generation);
		take(&o, &ev);
		/* What is asked for and is not there changes nothing, in the middle either. */
		for (int k = 0; k < 5; k++) {
			ck_assert_int_eq(etr_reader_next(r, &ev), 1);
			take(&o, &ev);
		}
		ck_assert_int_eq(etr_reader_seek_generation(r, 1000000), 0);
		free(t.p);
		if (i % 2)
			continue;
		drain(r, &o);
		assert_same(&want, &o);
		ck_assert_uint_eq(etr_reader_good_size(r), b->n);
	}
	etr_reader_free(r);
}

START_TEST(any_generation_is_reached)
{
	struct bytes b = load(traces[_i]), forms[3] = { one_frame(&b), odd_frames(&b) };
	struct packed k = pack(&b);
	struct etr_extent *e;
	size_t n = extents_of(&b, &e);

	forms[2] = k.b;
	seek_all(&b, &b, e, n);
	for (int i = 0; i < 3; i++) {
		seek_all(&b, &forms[i], e, n);
		free(forms[i].p);
	}
	free(e);
	free(b.p);
}
END_TEST

/* Every event at or after the time, and no more than two generations' before it. */
START_TEST(any_time_is_reached)
{
	struct bytes b = load(traces[_i]);
	struct packed k = pack(&b);
	struct etr_extent *e;
	size_t n = extents_of(&b, &e);
	struct etr_reader *r[2] = { etr_reader_new(), etr_reader_new() };

	ck_assert_int_eq(etr_reader_open_memory(r[0], b.p, b.n), 0);
	ck_assert_int_eq(etr_reader_open_memory(r[1], k.b.p, k.b.n), 0);
	for (size_t i = 0; i < 3 * n; i++) {
		int64_t ns = e[i / 3].sync_ns + (int64_t)(i % 3) - 1;
		size_t last = i % 3 == 0 && i ? i / 3 - 1 : i / 3;
		struct etr_event ev;

		for (int j = 0; j < 2; j++) {
			ck_assert_int_eq(etr_reader_seek_time(r[j], ns), 1);
			ck_assert_int_eq(etr_reader_next(r[j], &ev), 1);
			ck_assert_int_eq(ev.kind, ETR_KIND_SYNC);
			ck_assert_uint_le(etr_reader_generation(r[j]), e[last ? last - 1 : 0].generation);
			ck_assert_uint_ge(etr_reader_generation(r[j]) + 2, e[last].generation);
		}
	}
	ck_assert_int_eq(etr_reader_seek_time(r[0], INT64_MIN), 1);
	ck_assert_int_eq(etr_reader_seek_time(r[1], INT64_MAX), 1);
	etr_reader_free(r[0]);
	etr_reader_free(r[1]);
	free(e);
	free(b.p);
	free(k.b.p);
}
END_TEST

/* 126 generations of which two are read: few of the compressed bytes are. */
START_TEST(few_frames_are_read)
{
	struct bytes one = load("126-all-1"), b = { 0 };
	struct etr_extent *e;
	struct packed k;
	struct etr_input_ops ops = { .struct_size = sizeof(ops), .pread = source_pread, .size = source_size };
	struct source src = { .b = &k.b };
	struct etr_reader *r = etr_reader_new();
	struct etr_event ev;
	size_t n = extents_of(&one, &e);

	/* The first generation over and over, as 1, 2 and so on: every batch's number is one byte there. */
	ck_assert_uint_gt(n, 0);
	append(&b, one.p, 16);
	for (unsigned g = 1; g <= 126; g++) {
		struct bytes part = { 0 };
		struct etr_raw_reader *raw = etr_raw_reader_new();
		struct etr_raw_event w;

		append(&part, one.p, (size_t)(e[0].offset + e[0].size));
		ck_assert_int_eq(etr_raw_reader_open_memory(raw, one.p, part.n), 0);
		while (etr_raw_reader_next(raw, &w) == 1)
			if (w.type == 1 || w.type == 49)
				part.p[w.offset + 1 + (w.type == 49)] = (uint8_t)g;
		etr_raw_reader_free(raw);
		append(&b, part.p + 16, part.n - 16);
		free(part.p);
	}
	k = pack(&b);
	ck_assert_uint_eq(k.n, 126);
	ck_assert_int_eq(etr_reader_open_callbacks(r, &ops, &src), 0);
	ck_assert_int_eq(etr_reader_seek_generation(r, 100), 1);
	do
		ck_assert_int_eq(etr_reader_next(r, &ev), 1);
	while (etr_reader_generation(r) < 101);
	/* The beginnings of seven frames, and 99 to 101. */
	ck_assert_msg(src.passed < k.b.n / 3, "%zu of %zu bytes were read", src.passed, k.b.n);
	etr_reader_free(r);
	free(e);
	free(b.p);
	free(one.p);
	free(k.b.p);
}
END_TEST

/* Events of earlier generations may be anything: their batches' headers suffice. */
START_TEST(what_lies_before_is_not_decoded)
{
	struct bytes b = load(traces[_i]), t;
	struct etr_raw_reader *raw = etr_raw_reader_new();
	struct etr_reader *r = etr_reader_new();
	struct outcome want, o = { 0 };
	struct etr_raw_event ev;
	struct etr_extent *e;
	size_t n = extents_of(&b, &e), overwritten = 0;

	ck_assert_uint_ge(n, 2);
	t = tail_of(&b, (size_t)e[n - 1].offset);
	want = read_memory(&t, t.n);
	/* No event has number 127. */
	t.n = 0;
	append(&t, b.p, b.n);
	ck_assert_int_eq(etr_raw_reader_open_memory(raw, t.p, t.n), 0);
	while (etr_raw_reader_next(raw, &ev) == 1 && ev.offset < e[n - 1].offset)
		if (ev.type >= ETR_WIRE_PROCS_CHANGE && ev.type <= ETR_WIRE_GO_STATUS_STACK) {
			b.p[ev.offset] = 127;
			overwritten++;
		}
	etr_raw_reader_free(raw);
	ck_assert_uint_gt(overwritten, 10);
	ck_assert_int_lt(read_memory(&b, b.n).rc, 0);
	ck_assert_int_eq(etr_reader_open_memory(r, b.p, b.n), 0);
	ck_assert_int_eq(etr_reader_seek_generation(r, e[n - 1].generation), 1);
	ck_assert_int_eq(drain(r, &o), 0);
	assert_same(&want, &o);
	etr_reader_free(r);
	free(e);
	free(t.p);
	free(b.p);
}
END_TEST

START_TEST(where_nothing_can_be_sought)
{
	struct bytes b = load("126-loop-1");
	struct etr_input_ops ops = { .struct_size = sizeof(ops), .pread = source_pread };
	struct source src = { &b, 0 };
	struct etr_reader *r = etr_reader_new();
	struct outcome o = { 0 };
	int p[2];

	ck_assert_int_eq(etr_reader_seek_generation(r, 1), -ETR_E_INVALID);
	/* Damage is no hindrance to what lies before it, and can be left again. */
	b.p[b.n - 1] = 99;
	ck_assert_int_eq(etr_reader_open_callbacks(r, &ops, &src), 0);
	ck_assert_int_lt(drain(r, &o), 0);
	ck_assert_int_eq(etr_reader_seek_generation(r, 1), 1);
	ck_assert_str_eq(etr_reader_detail(r), "");
	ck_assert_int_lt(drain(r, &o), 0);
	ck_assert_int_lt(etr_reader_seek_generation(r, 77), 0);
	ck_assert_int_lt(drain(r, &o), 0);
	ck_assert_int_eq(etr_reader_seek_time(r, 0), -ETR_E_BATCH);
	etr_reader_free(r);

	r = etr_reader_new();
	ck_assert_int_eq(pipe(p), 0);
	ck_assert_int_eq(write(p[1], b.p, 16), 16);
	close(p[1]);
	ck_assert_int_eq(etr_reader_open_fd(r, p[0]), 0);
	ck_assert_int_eq(etr_reader_seek_generation(r, 1), -ETR_E_INVALID);
	ck_assert_int_eq(drain(r, &o), 0);
	close(p[0]);
	etr_reader_free(r);
	free(b.p);
}
END_TEST

/* --- files that grow --- */

struct growing {
	char path[64];
	int fd;
	struct etr_reader *r;
	struct outcome o;
};

static void grow_begin(struct growing *g)
{
	memset(g, 0, sizeof(*g));
	strcpy(g->path, "/tmp/test-input.XXXXXX");
	g->fd = mkstemp(g->path);
	ck_assert_int_ge(g->fd, 0);
	g->r = etr_reader_new();
	ck_assert_int_eq(etr_reader_follow(g->r, 1), 0);
	ck_assert_int_eq(etr_reader_open_path(g->r, g->path), 0);
	ck_assert_int_eq(etr_reader_version(g->r), 0);
}

static void grow(struct growing *g, const uint8_t *p, size_t n)
{
	ck_assert_int_eq(write(g->fd, p, n), (ssize_t)n);
}

static void grow_end(struct growing *g)
{
	etr_reader_free(g->r);
	close(g->fd);
	unlink(g->path);
}

/* Byte by byte where it counts: a generation is there when its last byte is, or the next one's first batch; the end is told. */
static void follow(const struct bytes *b, const struct packed *k, const char *name)
{
	const struct bytes *file = k ? &k->b : b;
	struct outcome plain = read_memory(b, b->n);
	bool marked = strncmp(name, "126", 3) == 0;
	struct etr_extent *e;
	size_t n = extents_of(b, &e), step;
	struct growing g;

	grow_begin(&g);
	for (size_t at = 0; at < file->n; at += step) {
		size_t whole = 0, almost = 0;

		step = file->n < 10000 || file->n - at < 300 || at < 300 ? 1 : 13;
		grow(&g, file->p + at, step);
		drain(g.r, &g.o);
		while (whole < n && (k ? k->end[whole] : e[whole].offset + e[whole].size) <= at + step)
			whole++;
		/* The last bytes of a frame are its checksum's. */
		while (almost < n && (k ? k->end[almost] : e[almost].offset + e[almost].size) <= at + step + (k ? 16 : 0))
			almost++;
		if (k && at + step == file->n)
			break;
		ck_assert_int_eq(g.o.rc, -ETR_E_AGAIN);
		ck_assert_str_eq(etr_reader_detail(g.r), "");
		ck_assert_msg(g.o.syncs + !marked >= whole && g.o.syncs <= almost,
			      "%s, %zu bytes: %u Syncs, %zu whole", name, at + step, g.o.syncs, whole);
	}
	if (!k) {
		ck_assert_int_eq(g.o.rc, -ETR_E_AGAIN);
		ck_assert_int_eq(etr_reader_follow(g.r, 0), 0);
		drain(g.r, &g.o);
	}
	assert_same(&plain, &g.o);
	grow_end(&g);
	free(e);
}

START_TEST(growing_files_are_followed)
{
	struct bytes b = load(traces[_i]);
	struct packed k = pack(&b);

	follow(&b, NULL, traces[_i]);
	follow(&b, &k, traces[_i]);
	free(b.p);
	free(k.b.p);
}
END_TEST

/* Frames that end inside batches, and a caller who asks often. */
START_TEST(growing_pieces_of_batches_are_followed)
{
	struct bytes b = load(traces[_i]), odd = odd_frames(&b);
	struct outcome plain = read_memory(&b, b.n);
	struct growing g;

	grow_begin(&g);
	for (size_t at = 0, n; at < odd.n; at += n) {
		n = odd.n - at < 151 ? odd.n - at : 151;
		grow(&g, odd.p + at, n);
		for (int i = 0; i < 40; i++)
			ck_assert_int_eq(drain(g.r, &g.o), -ETR_E_AGAIN);
	}
	etr_reader_follow(g.r, 0);
	drain(g.r, &g.o);
	assert_same(&plain, &g.o);
	grow_end(&g);
	free(b.p);
	free(odd.p);
}
END_TEST

/* The writer is done in the middle of a generation. */
START_TEST(following_ends_as_any_reading)
{
	struct bytes b = load(traces[_i]);

	for (size_t n = 0; n < b.n; n += n < 64 ? 1 : b.n / 7) {
		struct outcome plain = read_memory(&b, n);
		struct growing g;

		grow_begin(&g);
		grow(&g, b.p, n);
		ck_assert_int_eq(drain(g.r, &g.o), -ETR_E_AGAIN);
		ck_assert_int_eq(drain(g.r, &g.o), -ETR_E_AGAIN);
		etr_reader_follow(g.r, 0);
		drain(g.r, &g.o);
		/* A file header that is missing is told without the Sync. */
		assert_same(&plain, &g.o);
		grow_end(&g);
	}
	free(b.p);
}
END_TEST

START_TEST(a_followed_file_is_cut_back_replaced_shortened)
{
	struct bytes b = load("126-loop-1"), two = { 0 };
	struct outcome plain = read_memory(&b, b.n);
	struct packed k;
	struct growing g;

	append(&two, b.p, b.n);
	append(&two, "\1\7", 2);

	/* What was begun is taken back. */
	grow_begin(&g);
	grow(&g, two.p, two.n);
	ck_assert_int_eq(drain(g.r, &g.o), -ETR_E_AGAIN);
	ck_assert_int_eq(ftruncate(g.fd, (off_t)b.n), 0);
	ck_assert_int_eq(drain(g.r, &g.o), 0);
	assert_same(&plain, &g.o);
	grow_end(&g);

	/* Bytes that were read are gone. */
	grow_begin(&g);
	grow(&g, b.p, b.n);
	ck_assert_int_eq(drain(g.r, &g.o), -ETR_E_AGAIN);
	ck_assert_int_eq(ftruncate(g.fd, (off_t)b.n - 1), 0);
	ck_assert_int_eq(drain(g.r, &g.o), -ETR_E_TRUNCATED);
	ck_assert_int_eq(drain(g.r, &g.o), -ETR_E_TRUNCATED);
	grow_end(&g);

	/* The name goes to another file. */
	grow_begin(&g);
	grow(&g, b.p, b.n);
	ck_assert_int_eq(drain(g.r, &g.o), -ETR_E_AGAIN);
	unlink(g.path);
	ck_assert_int_eq(drain(g.r, &g.o), 0);
	assert_same(&plain, &g.o);
	grow_end(&g);

	/* It is too late to begin. */
	grow_begin(&g);
	ck_assert_int_eq(etr_reader_follow(g.r, 1), -ETR_E_INVALID);
	grow_end(&g);

	/* Compressed, and the half of a frame is taken back. */
	k = pack(&b);
	grow_begin(&g);
	grow(&g, k.b.p, k.end[k.n - 1]);
	ck_assert_int_eq(drain(g.r, &g.o), -ETR_E_AGAIN);
	grow(&g, k.b.p, 20);
	ck_assert_int_eq(drain(g.r, &g.o), -ETR_E_AGAIN);
	ck_assert_int_eq(ftruncate(g.fd, (off_t)k.end[k.n - 1]), 0);
	ck_assert_int_eq(drain(g.r, &g.o), 0);
	assert_same(&plain, &g.o);
	grow_end(&g);
	free(k.b.p);
	free(b.p);
	free(two.p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("input");
	TCase *c = tcase_create("compressed");
	SRunner *runner;
	int failed;

	tcase_set_timeout(c, 300);
	tcase_add_loop_test(c, compressed_is_the_same, 0, (int)NTRACES);
	tcase_add_test(c, sizes_and_extents_are_of_the_trace);
	tcase_add_loop_test(c, the_compressor_finds_generations, 0, (int)NTRACES);
	tcase_add_test(c, the_compressor_takes_anything);
	tcase_add_loop_test(c, cut_compressed, 0, (int)NTRACES);
	tcase_add_loop_test(c, damaged_compressed, 0, (int)NTRACES);
	tcase_add_test(c, what_is_hostile_is_refused);
	suite_add_tcase(s, c);
	c = tcase_create("seeking");
	tcase_set_timeout(c, 300);
	tcase_add_loop_test(c, any_generation_is_reached, 0, (int)NTRACES);
	tcase_add_loop_test(c, any_time_is_reached, 0, (int)NTRACES);
	tcase_add_test(c, few_frames_are_read);
	tcase_add_loop_test(c, what_lies_before_is_not_decoded, 0, (int)NTRACES - 1);
	tcase_add_test(c, where_nothing_can_be_sought);
	suite_add_tcase(s, c);
	c = tcase_create("growing");
	tcase_set_timeout(c, 300);
	tcase_add_loop_test(c, growing_files_are_followed, 0, (int)NTRACES);
	tcase_add_loop_test(c, growing_pieces_of_batches_are_followed, 0, (int)NTRACES);
	tcase_add_loop_test(c, following_ends_as_any_reading, 0, (int)NTRACES);
	tcase_add_test(c, a_followed_file_is_cut_back_replaced_shortened);
	suite_add_tcase(s, c);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
