/* SPDX-License-Identifier: BSD-3-Clause
 *
 * writertables.c - the strings and stacks of the generation that a writer has at hand.
 *
 * Entries live in the tables' arenas until the generation ends, in the order of their ids; equal ones are found by the hash of
 * their bytes.
 */
#include "libtrace/tracewriter.h"

#include <inttypes.h>
#include <string.h>

#include "wire/header.h"

static void table_init(struct etr__wtable *t)
{
	memset(t, 0, sizeof(*t));
	etr__hash_init(&t->by_hash);
	t->last = &t->first;
}

static void table_clear(struct etr__wtable *t)
{
	etr__hash_clear(&t->by_hash);
	etr__arena_clear(&t->arena);
	t->first = NULL;
	t->last = &t->first;
	t->n = 0;
}

static void table_free(struct etr__wtable *t)
{
	etr__hash_free(&t->by_hash);
	etr__arena_free(&t->arena);
}

void etr__writer_tables_init(struct etr_writer *w)
{
	table_init(&w->strings);
	table_init(&w->stacks);
	etr__hash_init(&w->places);
}

void etr__writer_tables_clear(struct etr_writer *w)
{
	table_clear(&w->strings);
	table_clear(&w->stacks);
	etr__hash_clear(&w->places);
}

void etr__writer_tables_free(struct etr_writer *w)
{
	table_free(&w->strings);
	table_free(&w->stacks);
	etr__hash_free(&w->places);
}

static uint64_t hash_bytes(const uint8_t *p, size_t n)
{
	uint64_t h = n;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 1099511628211u;
	return etr__hash_mix(h);
}

/* The id of these bytes in the table; 0: they are not there. */
static uint64_t find(const struct etr__wtable *t, uint64_t hash, const uint8_t *p, size_t n, uint32_t count)
{
	const struct etr__wentry *e = (const struct etr__wentry *)(uintptr_t)etr__hash_get(&t->by_hash, hash);

	for (; e; e = e->same_hash)
		if (e->len == n && e->count == count && memcmp(e + 1, p, n) == 0)
			return e->id;
	return 0;
}

/* Adds them under the next id; NULL with the fault recorded. */
static struct etr__wentry *add_entry(struct etr_writer *w, struct etr__wtable *t, const uint8_t *p, size_t n, uint32_t count)
{
	size_t size = (sizeof(struct etr__wentry) + n + 7) & ~(size_t)7;
	struct etr__wentry *e = t->n < UINT32_MAX ? etr__arena_alloc(&t->arena, size) : NULL;

	if (!e) {
		etr__writer_nomem(w);
		return NULL;
	}
	*e = (struct etr__wentry){ .id = ++t->n, .count = count, .len = (uint32_t)n };
	memcpy(e + 1, p, n);
	*t->last = e;
	t->last = &e->next;
	return e;
}

/* Adds them, to be found again; returns their id. */
static int64_t add(struct etr_writer *w, struct etr__wtable *t, uint64_t hash, const uint8_t *p, size_t n, uint32_t count)
{
	struct etr__wentry *same = (struct etr__wentry *)(uintptr_t)etr__hash_get(&t->by_hash, hash);
	struct etr__wentry *e = add_entry(w, t, p, n, count);

	if (!e)
		return w->fault.code;
	if (same) {
		e->same_hash = same->same_hash;
		same->same_hash = e;
	} else if (etr__hash_put(&t->by_hash, hash, (uint64_t)(uintptr_t)e) != 0) {
		return etr__writer_nomem(w);
	}
	return (int64_t)e->id;
}

int64_t etr_writer_string(struct etr_writer *w, const char *text, size_t len)
{
	const uint8_t *p = (const uint8_t *)text;
	int rc = etr__writer_check_open(w);
	uint64_t hash, id;

	if (rc < 0 || len == 0)
		return rc;
	if (len > WIRE_MAX_STRING_SIZE) {
		/* Not inside a character. */
		len = WIRE_MAX_STRING_SIZE;
		while (len > WIRE_MAX_STRING_SIZE - 3 && (p[len] & 0xc0) == 0x80)
			len--;
	}
	hash = hash_bytes(p, len);
	id = find(&w->strings, hash, p, len, 0);
	return id ? (int64_t)id : add(w, &w->strings, hash, p, len, 0);
}

/* Whether the generation has these ids, and each pc stands for what it stood for before. */
static int check_frames(struct etr_writer *w, const struct etr_writer_frame *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct etr__wplace *known = (const struct etr__wplace *)(uintptr_t)etr__hash_get(&w->places, f[i].pc);
		bool same = !known || (known->func == f[i].func && known->file == f[i].file && known->line == f[i].line);

		if (f[i].func > w->strings.n || f[i].file > w->strings.n)
			return etr__writer_refuse(w, "frame %zu names string %" PRIu64 ", which this generation does not have", i,
				      f[i].func > w->strings.n ? f[i].func : f[i].file);
		for (size_t k = 0; k < i && same; k++)
			same = f[k].pc != f[i].pc ||
			       (f[k].func == f[i].func && f[k].file == f[i].file && f[k].line == f[i].line);
		if (!same)
			return etr__writer_refuse(w, "frame %zu has pc 0x%" PRIx64 ", which stands for another function, file or line already",
				      i, f[i].pc);
	}
	return 0;
}

/* Notes what the pcs stand for. */
static int keep_places(struct etr_writer *w, const struct etr_writer_frame *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct etr__wplace *place;

		if (etr__hash_get(&w->places, f[i].pc))
			continue;
		place = etr__arena_alloc(&w->stacks.arena, sizeof(*place));
		if (!place || etr__hash_put(&w->places, f[i].pc, (uint64_t)(uintptr_t)place) != 0)
			return etr__writer_nomem(w);
		*place = (struct etr__wplace){ f[i].func, f[i].file, f[i].line };
	}
	return 0;
}

/* Encodes a stack's frames, n of them, which it cuts. */
static size_t encode_frames(uint8_t *bytes, const struct etr_writer_frame *frames, size_t *n)
{
	uint8_t *p = bytes;

	if (*n > WIRE_MAX_FRAMES)
		*n = WIRE_MAX_FRAMES;
	for (size_t i = 0; i < *n; i++) {
		p = wire_put_varint(p, frames[i].pc);
		p = wire_put_varint(p, frames[i].func);
		p = wire_put_varint(p, frames[i].file);
		p = wire_put_varint(p, frames[i].line);
	}
	return (size_t)(p - bytes);
}

int64_t etr_writer_stack(struct etr_writer *w, const struct etr_writer_frame *frames, size_t n)
{
	uint8_t bytes[WIRE_MAX_FRAMES * 4 * WIRE_VARINT_MAX];
	int rc = etr__writer_check_open(w);
	uint64_t hash, id;
	size_t size;

	if (rc < 0 || n == 0)
		return rc;
	size = encode_frames(bytes, frames, &n);
	hash = hash_bytes(bytes, size);
	id = find(&w->stacks, hash, bytes, size, (uint32_t)n);
	if (id)
		return (int64_t)id;
	rc = check_frames(w, frames, n);
	if (rc == 0)
		rc = keep_places(w, frames, n);
	return rc < 0 ? rc : add(w, &w->stacks, hash, bytes, size, (uint32_t)n);
}

int64_t etr_writer_stack_apart(struct etr_writer *w, const struct etr_writer_frame *frames, size_t n)
{
	uint8_t bytes[WIRE_MAX_FRAMES * 4 * WIRE_VARINT_MAX];
	int rc = etr__writer_check_open(w);
	struct etr__wentry *e;
	size_t size;

	if (rc < 0)
		return rc;
	size = encode_frames(bytes, frames, &n);
	e = add_entry(w, &w->stacks, bytes, size, (uint32_t)n);
	return e ? (int64_t)e->id : w->fault.code;
}
