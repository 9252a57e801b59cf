/* SPDX-License-Identifier: BSD-3-Clause
 *
 * packtrace.c - see packtrace.h.
 */
#include "tests/packtrace.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "wire/seektable.h"

const char *const some_traces[SOME_TRACES] = { "122-user-1", "123-user-1", "125-user-1", "126-user-1", "126-loop-1" };

struct bytes bytes_load(const char *name)
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
		bytes_append(&b, buf, n);
	fclose(f);
	return b;
}

void outcome_take(struct outcome *o, const struct etr_event *ev)
{
	const int64_t v[] = { ev->time, ev->g, ev->p, ev->m, ev->kind, ev->from, ev->to, ev->stack };

	o->events++;
	o->syncs += ev->kind == ETR_KIND_SYNC;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		o->hash = (o->hash ^ (uint64_t)v[i]) * 1099511628211u;
}

int outcome_drain(struct outcome *o, struct etr_reader *r)
{
	struct etr_event ev;

	while ((o->rc = etr_reader_next(r, &ev)) == 1)
		outcome_take(o, &ev);
	o->offset = etr_reader_error_offset(r);
	return o->rc;
}

struct outcome outcome_of(const struct bytes *b, size_t n)
{
	struct etr_reader *r = etr_reader_new();
	struct outcome o = { .rc = etr_reader_open_memory(r, b->p, n) };

	if (o.rc == 0)
		outcome_drain(&o, r);
	if (o.rc < 0)
		ck_assert_ptr_nonnull(strstr(etr_reader_detail(r), "offset "));
	etr_reader_free(r);
	return o;
}

void outcome_assert_same(const struct outcome *a, const struct outcome *b)
{
	ck_assert_int_eq(a->rc, b->rc);
	ck_assert_uint_eq(a->events, b->events);
	ck_assert_uint_eq(a->hash, b->hash);
}

size_t extents_of(const struct bytes *b, struct etr_extent **e)
{
	struct etr_reader *r = etr_reader_new();
	size_t n;

	ck_assert_int_eq(etr_reader_open_memory(r, b->p, b->n), 0);
	ck_assert_int_eq(etr_reader_extents(r, e, &n), 0);
	etr_reader_free(r);
	return n;
}

size_t pack_frame(struct bytes *out, const uint8_t *p, size_t size)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	size_t room = ZSTD_compressBound(size), n;
	uint8_t *buf = malloc(room);

	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	n = ZSTD_compress2(c, buf, room, p, size);
	ck_assert(!ZSTD_isError(n));
	bytes_append(out, buf, n);
	free(buf);
	ZSTD_freeCCtx(c);
	return n;
}

struct packed pack_generations(const struct bytes *b)
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
	bytes_append(&k.b, table, (size_t)(t - table));
	free(e);
	return k;
}

struct bytes pack_whole(const struct bytes *b)
{
	struct bytes out = { 0 };

	pack_frame(&out, b->p, b->n);
	return out;
}

struct bytes pack_odd(const struct bytes *b)
{
	static const uint8_t skip[] = { 0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c' };
	struct bytes out = { 0 };

	for (size_t at = 0; at < b->n; at += 777) {
		bytes_append(&out, skip, sizeof(skip));
		pack_frame(&out, b->p + at, b->n - at < 777 ? b->n - at : 777);
	}
	pack_frame(&out, b->p, 0);
	bytes_append(&out, skip, sizeof(skip));
	return out;
}
