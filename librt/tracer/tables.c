/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tables.c - open addressing over pointers into an arena.
 *
 * Invariants: a slot of the index goes from NULL to an entry once a generation, by compare-and-swap with release (readers load
 * with acquire, so they see the entry whole); an entry never changes then.  Two threads that put the same key at once may both
 * build an entry; the loser's stays in the arena with id 0 and is skipped.  An index is at most three quarters full, so probes
 * end.
 */
#include "librt/tracer/tables.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "librt/tracer/sys.h"
#include "wire/event.h"

#define INDEX_SIZE 131072u		/* slots; a power of two */
#define ENTRIES_MAX (INDEX_SIZE / 4 * 3)
#define ARENA_SIZE ((size_t)32 << 20)
#define LOCKS_MAX 4096u			/* identities a generation */
#define STATICS_SIZE 256u		/* slots; a power of two */
#define STATICS_MAX 63u			/* ids 1 to 63: always one byte */

struct table {
	_Atomic(void *) *index;
	uint8_t *arena;
	_Atomic uint64_t used;		/* bytes of the arena */
	_Atomic uint32_t ids;		/* the last id that was given out */
	_Atomic uint32_t entries;
	_Atomic uint64_t lost;
};
static struct table stacks[2], strings[2];
static _Atomic uint32_t locks[2];
static _Atomic uint64_t locks_lost[2];

/* Static strings keep their ids for the process's life; each generation's table lists them all. */
static struct {
	_Atomic(const char *) text;
	_Atomic uint32_t id;		/* 0: being given out; whoever finds that helps */
} statics[STATICS_SIZE];
static _Atomic uint32_t static_ids;

static int table_init(struct table *t)
{
	if (t->index == NULL)
		t->index = trace_pages_new(INDEX_SIZE * sizeof(*t->index));
	if (t->arena == NULL)
		t->arena = trace_pages_new(ARENA_SIZE);
	return t->index != NULL && t->arena != NULL ? 0 : -ENOMEM;
}

int trace_tables_init(void)
{
	for (int i = 0; i < 2; i++) {
		if (table_init(&stacks[i]) < 0 || table_init(&strings[i]) < 0)
			return -ENOMEM;
		atomic_store_explicit(&strings[i].ids, STATICS_MAX, memory_order_relaxed);
	}
	return 0;
}

/* Bytes of the arena, or NULL. */
static void *table_alloc(struct table *t, size_t bytes)
{
	uint64_t at;

	bytes = (bytes + 7) & ~(size_t)7;
	if (atomic_load_explicit(&t->entries, memory_order_relaxed) >= ENTRIES_MAX)
		return NULL;
	at = atomic_load_explicit(&t->used, memory_order_relaxed);
	do {
		if (at + bytes > ARENA_SIZE)
			return NULL;
	} while (!atomic_compare_exchange_weak_explicit(&t->used, &at, at + bytes, memory_order_relaxed, memory_order_relaxed));
	return t->arena + at;
}

static uint64_t mix(uint64_t h)
{
	h ^= h >> 32;
	h *= 0x9e3779b97f4a7c15ull;
	return h ^ h >> 29;
}

/* --- stacks --- */

static bool stack_is(const struct trace_stack_entry *e, uint64_t hash, const uintptr_t *pc, uint32_t n, uint64_t lock)
{
	return e->hash == hash && e->n == n && e->lock == lock && memcmp(e->pc, pc, n * sizeof(*pc)) == 0;
}

static uint64_t stack_hash(const uintptr_t *pc, uint32_t n, uint64_t lock)
{
	uint64_t h = lock * 0xd6e8feb86659fd93ull, k = 0x9e3779b97f4a7c15ull;

	/* Products that do not wait for each other. */
	for (uint32_t i = 0; i < n; i++, k += 0x3c6ef372fe94f82aull)
		h += (pc[i] ^ pc[i] >> 31) * k;
	return mix(h);
}

static struct trace_stack_entry *stack_build(struct table *t, uint64_t hash, const uintptr_t *pc, uint32_t n, uint64_t lock)
{
	struct trace_stack_entry *e = table_alloc(t, sizeof(*e) + n * sizeof(*pc));

	if (e == NULL)
		return NULL;
	e->hash = hash;
	e->lock = lock;
	e->n = n;
	memcpy(e->pc, pc, n * sizeof(*pc));
	e->id = atomic_fetch_add_explicit(&t->ids, 1, memory_order_relaxed) + 1;
	return e;
}

static uint64_t stack_find_or_add(unsigned slot, const uintptr_t *pc, uint32_t n, uint64_t lock)
{
	struct table *t = &stacks[slot];
	uint64_t hash = stack_hash(pc, n, lock);
	struct trace_stack_entry *mine = NULL;

	for (uint32_t i = (uint32_t)hash;; i++) {
		_Atomic(void *) *at = &t->index[i & (INDEX_SIZE - 1)];
		void *seen = atomic_load_explicit(at, memory_order_acquire);

		if (seen == NULL) {
			if (mine == NULL && (mine = stack_build(t, hash, pc, n, lock)) == NULL)
				break;
			mine->at = i & (INDEX_SIZE - 1);
			if (atomic_compare_exchange_strong_explicit(at, &seen, mine, memory_order_acq_rel, memory_order_acquire)) {
				atomic_fetch_add_explicit(&t->entries, 1, memory_order_relaxed);
				return mine->id;
			}
		}
		if (stack_is(seen, hash, pc, n, lock)) {
			if (mine != NULL)
				mine->id = 0;
			return ((struct trace_stack_entry *)seen)->id;
		}
	}
	atomic_fetch_add_explicit(&t->lost, 1, memory_order_relaxed);
	return 0;
}

uint64_t trace_stack_put(unsigned slot, const uintptr_t *pc, uint32_t n, uint64_t lock)
{
	if (n == 0)
		return 0;
	/* The limit is on distinct pairs; those over it share the plain stack's id. */
	if (__builtin_expect(lock != 0, 0) && atomic_load_explicit(&locks[slot], memory_order_relaxed) >= LOCKS_MAX) {
		atomic_fetch_add_explicit(&locks_lost[slot], 1, memory_order_relaxed);
		lock = 0;
	}
	if (lock != 0) {
		uint32_t before = atomic_load_explicit(&stacks[slot].entries, memory_order_relaxed);
		uint64_t id = stack_find_or_add(slot, pc, n, lock);

		/* May count another thread's new stack as well: the limit is a guard, not a promise. */
		if (atomic_load_explicit(&stacks[slot].entries, memory_order_relaxed) != before)
			atomic_fetch_add_explicit(&locks[slot], 1, memory_order_relaxed);
		return id;
	}
	return stack_find_or_add(slot, pc, n, 0);
}

/* --- strings --- */

static uint64_t text_hash(const char *text, size_t len)
{
	uint64_t h = len * 0xd6e8feb86659fd93ull, w;

	for (; len >= 8; text += 8, len -= 8) {
		memcpy(&w, text, 8);
		h = (h ^ w) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 32;
	}
	/* The rest in fixed-size reads, which may overlap: a copy of varying size would be a call. */
	if (len >= 4) {
		uint32_t first, last;

		memcpy(&first, text, 4);
		memcpy(&last, text + len - 4, 4);
		w = (uint64_t)first << 32 | last;
	} else if (len > 0) {
		w = (uint64_t)(uint8_t)text[0] << 16 | (uint64_t)(uint8_t)text[len / 2] << 8 | (uint8_t)text[len - 1];
	} else {
		w = 0;
	}
	return mix((h ^ w) * 0x9e3779b97f4a7c15ull);
}

/* At most the format's limit, cut before a UTF-8 character that would be split. */
static size_t text_cut(const char *text, size_t len)
{
	size_t cut = WIRE_MAX_STRING_SIZE;

	if (len <= cut)
		return len;
	while (cut > WIRE_MAX_STRING_SIZE - 4 && ((uint8_t)text[cut] & 0xc0) == 0x80)
		cut--;
	return ((uint8_t)text[cut] & 0xc0) == 0x80 ? WIRE_MAX_STRING_SIZE : cut;
}

static struct trace_string_entry *string_build(struct table *t, uint64_t hash, const char *text, size_t len)
{
	struct trace_string_entry *e = table_alloc(t, sizeof(*e) + len);

	if (e == NULL)
		return NULL;
	e->hash = hash;
	e->len = len;
	memcpy(e->text, text, len);
	e->id = atomic_fetch_add_explicit(&t->ids, 1, memory_order_relaxed) + 1;
	return e;
}

uint64_t trace_string_put(unsigned slot, const char *text, size_t len)
{
	struct table *t = &strings[slot];
	struct trace_string_entry *mine = NULL;
	uint64_t hash;

	if (len == 0)
		return 0;
	len = text_cut(text, len);
	hash = text_hash(text, len);
	for (uint32_t i = (uint32_t)hash;; i++) {
		_Atomic(void *) *at = &t->index[i & (INDEX_SIZE - 1)];
		void *seen = atomic_load_explicit(at, memory_order_acquire);
		struct trace_string_entry *e;

		if (seen == NULL) {
			if (mine == NULL && (mine = string_build(t, hash, text, len)) == NULL)
				break;
			mine->at = i & (INDEX_SIZE - 1);
			if (atomic_compare_exchange_strong_explicit(at, &seen, mine, memory_order_acq_rel, memory_order_acquire)) {
				atomic_fetch_add_explicit(&t->entries, 1, memory_order_relaxed);
				return mine->id;
			}
		}
		e = seen;
		if (e->hash == hash && e->len == len && memcmp(e->text, text, len) == 0) {
			if (mine != NULL)
				mine->id = 0;
			return e->id;
		}
	}
	atomic_fetch_add_explicit(&t->lost, 1, memory_order_relaxed);
	return 0;
}

uint64_t trace_string_static(unsigned slot, const char *text)
{
	uint32_t i = (uint32_t)mix((uintptr_t)text);

	if (text == NULL)
		return 0;
	for (uint32_t probe = 0; probe < STATICS_SIZE; probe++, i++) {
		const char *seen = atomic_load_explicit(&statics[i & (STATICS_SIZE - 1)].text, memory_order_relaxed);
		_Atomic uint32_t *id = &statics[i & (STATICS_SIZE - 1)].id;
		uint32_t none = 0, mine;

		if (seen == NULL) {
			if (atomic_load_explicit(&static_ids, memory_order_relaxed) >= STATICS_MAX)
				break;
			atomic_compare_exchange_strong_explicit(&statics[i & (STATICS_SIZE - 1)].text, &seen, text,
								memory_order_relaxed, memory_order_relaxed);
			if (seen == NULL)
				seen = text;
		}
		if (seen != text)
			continue;
		mine = atomic_load_explicit(id, memory_order_relaxed);
		if (mine != 0)
			return mine;
		mine = atomic_fetch_add_explicit(&static_ids, 1, memory_order_relaxed) + 1;
		if (mine > STATICS_MAX)
			break;
		return atomic_compare_exchange_strong_explicit(id, &none, mine, memory_order_relaxed, memory_order_relaxed) ? mine : none;
	}
	return trace_string_put(slot, text, strlen(text));
}

/* --- the writer's side --- */

void trace_stacks_visit(unsigned slot, void (*visit)(void *ctx, const struct trace_stack_entry *e), void *ctx)
{
	struct table *t = &stacks[slot];
	uint64_t used = atomic_load_explicit(&t->used, memory_order_relaxed);

	for (uint64_t at = 0; at < used;) {
		const struct trace_stack_entry *e = (const void *)(t->arena + at);

		if (e->id != 0)
			visit(ctx, e);
		at += sizeof(*e) + e->n * sizeof(*e->pc);
	}
}

void trace_strings_visit(unsigned slot, void (*visit)(void *ctx, uint64_t id, const char *text, size_t len), void *ctx)
{
	struct table *t = &strings[slot];
	uint64_t used = atomic_load_explicit(&t->used, memory_order_relaxed);

	for (uint32_t i = 0; i < STATICS_SIZE; i++) {
		const char *text = atomic_load_explicit(&statics[i].text, memory_order_relaxed);
		uint32_t id = atomic_load_explicit(&statics[i].id, memory_order_relaxed);

		if (text != NULL && id != 0)
			visit(ctx, id, text, text_cut(text, strlen(text)));
	}
	for (uint64_t at = 0; at < used;) {
		const struct trace_string_entry *e = (const void *)(t->arena + at);

		if (e->id != 0)
			visit(ctx, e->id, e->text, e->len);
		at += (sizeof(*e) + e->len + 7) & ~(size_t)7;
	}
}

uint64_t trace_string_new_id(unsigned slot)
{
	return atomic_fetch_add_explicit(&strings[slot].ids, 1, memory_order_relaxed) + 1;
}

/*
 * The advance that opens this slot to emitters again (a seq_cst store of the generation's number) orders these stores before
 * their loads.
 */
static void table_reset(struct table *t, uint32_t first_id)
{
	atomic_store_explicit(&t->used, 0, memory_order_relaxed);
	atomic_store_explicit(&t->ids, first_id, memory_order_relaxed);
	atomic_store_explicit(&t->entries, 0, memory_order_relaxed);
	atomic_store_explicit(&t->lost, 0, memory_order_relaxed);
}

void trace_tables_reset(unsigned slot)
{
	struct table *t = &stacks[slot];
	uint64_t used = atomic_load_explicit(&t->used, memory_order_relaxed);

	/* Entry by entry: the index is large and mostly empty. */
	for (uint64_t at = 0; at < used;) {
		const struct trace_stack_entry *e = (const void *)(t->arena + at);

		if (e->id != 0)
			atomic_store_explicit(&t->index[e->at], NULL, memory_order_relaxed);
		at += sizeof(*e) + e->n * sizeof(*e->pc);
	}
	t = &strings[slot];
	used = atomic_load_explicit(&t->used, memory_order_relaxed);
	for (uint64_t at = 0; at < used;) {
		const struct trace_string_entry *e = (const void *)(t->arena + at);

		if (e->id != 0)
			atomic_store_explicit(&t->index[e->at], NULL, memory_order_relaxed);
		at += (sizeof(*e) + e->len + 7) & ~(size_t)7;
	}
	table_reset(&stacks[slot], 0);
	table_reset(&strings[slot], STATICS_MAX);
	atomic_store_explicit(&locks[slot], 0, memory_order_relaxed);
	atomic_store_explicit(&locks_lost[slot], 0, memory_order_relaxed);
}

void trace_tables_losses(unsigned slot, struct trace_table_losses *out)
{
	out->stacks = atomic_load_explicit(&stacks[slot].lost, memory_order_relaxed);
	out->strings = atomic_load_explicit(&strings[slot].lost, memory_order_relaxed);
	out->locks = atomic_load_explicit(&locks_lost[slot], memory_order_relaxed);
}
