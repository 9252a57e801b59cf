/* SPDX-License-Identifier: BSD-3-Clause
 *
 * frontier.c - each thread's next event, in a heap by time.
 *
 * Events are decoded one ahead of those that are delivered, as in Go's reader, since that decides how many events come
 * before a decoding error.  The heap's shape, too, is that of Go's reader, because it decides the order of equal times:
 * entries change places only when one is strictly earlier.
 */
#include "libtrace/frontier.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "libtrace/gosort.h"
#include "libtrace/growth.h"
#include "wire/event.h"
#include "wire/varint.h"

#define BEFORE_FIRST UINT32_MAX

const uint8_t etr__nargs[256] = {
#define COUNT_STRUCTURAL(type, n) ((type) == WIRE_CLOCK_SNAPSHOT ? (n) : 0)
#define COUNT_TIMED(type, n) (n)
#define COUNT_EXPERIMENT(type, n) (n)
#define A(name, role) 1
#define WIRE_EVENT(sym, type, name, since, cls, ...) [type] = COUNT_##cls(type, sizeof((const char[]){ __VA_ARGS__ })),
#include "wire/events.def"
#undef WIRE_EVENT
#undef A
};

void etr__frontier_init(struct etr__frontier *f, struct etr__input *in, struct etr__fault *fault)
{
	memset(f, 0, sizeof(*f));
	etr__idmap_init(&f->by_m);
	f->in = in;
	f->fault = fault;
}

void etr__frontier_free(struct etr__frontier *f)
{
	for (size_t i = 0; i < f->made; i++) {
		free(f->cursors[i]->block);
		free(f->cursors[i]);
	}
	free(f->cursors);
	free(f->batches);
	free(f->heap);
	etr__idmap_free(&f->by_m);
}

void etr__frontier_clear(struct etr__frontier *f)
{
	f->nbatches = f->ncursors = f->n = 0;
	f->passed = 0;
	etr__idmap_clear(&f->by_m);
}

void etr__blocks_free(struct etr__blocks *blocks)
{
	for (struct etr__block *b = blocks->free, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	blocks->free = NULL;
}

static void give_back(struct etr__blocks *blocks, struct etr__cursor *c)
{
	if (!c->block)
		return;
	c->block->next = blocks->free;
	blocks->free = c->block;
	c->block = NULL;
}

void etr__frontier_release(struct etr__frontier *f)
{
	for (size_t i = 0; i < f->ncursors; i++)
		give_back(f->blocks, f->cursors[i]);
}

/* A block for so many bytes in the cursor.  0, or -1 when out of memory. */
static int take_block(struct etr__blocks *blocks, struct etr__cursor *c, size_t size)
{
	/* Most batches are a few bytes short of 64 KiB. */
	size_t cap = size > 4096 ? (size + 0xffff) & ~(size_t)0xffff : size;

	if (!c->block && blocks->free) {
		c->block = blocks->free;
		blocks->free = c->block->next;
	}
	if (c->block && c->block->cap >= size)
		return 0;
	free(c->block);
	c->block = malloc(sizeof(*c->block) + cap);
	if (!c->block)
		return -1;
	c->block->cap = cap;
	return 0;
}

static void cursor_rewind(struct etr__cursor *c)
{
	c->m = NULL;
	c->stage = NULL;
	c->staged = &etr__nothing_staged;
	c->batch = BEFORE_FIRST;
	c->p = c->end = c->start = c->at = NULL;
	c->time = 0;
	c->decoded = true;
}

void etr__frontier_rewind(struct etr__frontier *f)
{
	for (size_t i = 0; i < f->ncursors; i++)
		cursor_rewind(f->cursors[i]);
	f->n = 0;
	f->passed = 0;
}

/* The cursor of m in this generation, made at its first batch. */
static struct etr__cursor *get_cursor(struct etr__frontier *f, uint64_t m)
{
	uint32_t i = etr__idmap_get(&f->by_m, m);
	struct etr__cursor *c;

	if (i)
		return f->cursors[i - 1];
	if (f->ncursors >= UINT32_MAX - 1 || etr__grow(&f->cursors, &f->capcursors, f->ncursors + 1) != 0)
		return NULL;
	if (f->ncursors == f->made) {
		c = calloc(1, sizeof(*c));
		if (!c)
			return NULL;
		f->cursors[f->made++] = c;
	}
	if (etr__idmap_put(&f->by_m, m, (uint32_t)f->ncursors + 1) != 0)
		return NULL;
	c = f->cursors[f->ncursors++];
	cursor_rewind(c);
	c->m_id = m;
	c->first_batch = BEFORE_FIRST;
	return c;
}

int etr__frontier_add(struct etr__frontier *f, uint64_t m, const struct etr__event_batch *batch)
{
	struct etr__cursor *c = get_cursor(f, m);

	if (!c || f->nbatches >= BEFORE_FIRST - 1 || etr__grow(&f->batches, &f->capbatches, f->nbatches + 1) != 0)
		return -1;
	f->batches[f->nbatches] = *batch;
	f->batches[f->nbatches].next = 0;
	if (c->first_batch == BEFORE_FIRST)
		c->first_batch = (uint32_t)f->nbatches;
	else
		f->batches[c->last_batch].next = (uint32_t)f->nbatches;
	c->last_batch = (uint32_t)f->nbatches++;
	return 0;
}

/* Brings a batch's bytes into reach. */
static int load(struct etr__frontier *f, struct etr__cursor *c, const struct etr__event_batch *b)
{
	ssize_t n;

	c->offset = b->data;
	c->base = etr__units_to_ns(f->ns_per_unit, b->time);
	f->passed += b->size;
	if (b->held || f->in->mode == ETR__INPUT_MEMORY) {
		c->start = b->held ? b->held : f->in->mem + b->data;
	} else {
		if (take_block(f->blocks, c, b->size) != 0)
			return etr__fault_nomem(f->fault);
		n = etr__input_pread(f->in, c->block->bytes, b->size, b->data);
		if (n < 0)
			return etr__fault_io(f->fault, b->data);
		if ((size_t)n < b->size)
			return etr__fault_set(f->fault, ETR_E_TRUNCATED, b->data, "the input has become shorter while it was read");
		c->start = c->block->bytes;
	}
	c->p = c->at = c->start;
	c->end = c->start + b->size;
	return 0;
}

/* Moves on to the thread's next batch that is not empty.  1, 0 when there is none, negative code. */
static int next_batch(struct etr__frontier *f, struct etr__cursor *c)
{
	const struct etr__event_batch *b;

	do {
		uint32_t next = c->batch == BEFORE_FIRST ? c->first_batch : f->batches[c->batch].next;

		if (c->batch != BEFORE_FIRST && next == 0)
			return 0;
		c->batch = next;
		b = &f->batches[next];
	} while (b->size == 0);
	int rc = load(f, c, b);

	c->time = 0;
	return rc < 0 ? rc : 1;
}

static int undecodable(struct etr__frontier *f, struct etr__cursor *c)
{
	uint64_t offset = etr__cursor_offset(c);

	if (!wire_specs[c->type].name)
		return etr__fault_set(f->fault, ETR_E_EVENT, offset, "no event has type %u", c->type);
	if (!etr__nargs[c->type])
		return etr__fault_set(f->fault, ETR_E_EVENT, offset, "%s among a thread's events", wire_specs[c->type].name);
	return etr__fault_set(f->fault, ETR_E_EVENT, offset, "the %s that begins here is cut off or has a number beyond 64 bits",
			      wire_specs[c->type].name);
}

/* The event at hand into the cursor, its dt apart; where it ends, or NULL where it cannot be decoded.  nargs is etr__nargs[] of its type. */
static inline const uint8_t *decode(struct etr__cursor *c, unsigned nargs, uint64_t *dt)
{
	const uint8_t *p = wire_get_varint(c->at + 1, c->end, dt);

	for (unsigned i = 1; p && i < nargs; i++)
		p = wire_get_varint(p, c->end, &c->args[i - 1]);
	c->decoded = true;
	return p;
}

int etr__cursor_next(struct etr__frontier *f, struct etr__cursor *c)
{
	const uint8_t *p;
	uint64_t dt;
	unsigned nargs;

	if (__builtin_expect(c->p == c->end, 0)) {
		int rc = next_batch(f, c);

		if (rc <= 0)
			return rc;
	}
	if (__builtin_expect(c->time == 0, 0))
		c->time = c->base;
	c->at = c->p;
	c->type = *c->at;
	nargs = etr__nargs[c->type];
	p = nargs ? decode(c, nargs, &dt) : NULL;
	if (__builtin_expect(!p, 0))
		return undecodable(f, c);
	c->p = p;
	c->time = (int64_t)((uint64_t)c->time + (uint64_t)etr__units_to_ns(f->ns_per_unit, dt));
	return 1;
}

void etr__cursor_decode(struct etr__cursor *c)
{
	uint64_t dt;

	c->type = *c->at;
	c->p = decode(c, etr__nargs[c->type], &dt);
}

static size_t sift_up(struct etr__head *heap, size_t i)
{
	struct etr__head h = heap[i];

	for (; i > 0 && heap[(i - 1) / 2].time > h.time; i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = h;
	return i;
}

/* The thread's events have ended. */
static void drop(struct etr__frontier *f, size_t i)
{
	struct etr__head *heap = f->heap;

	give_back(f->blocks, heap[i].cursor);
	heap[i].cursor->at = NULL;
	for (; i > 0; i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[0] = heap[--f->n];
	heap[f->n].time = INT64_MAX;
	if (f->n)
		etr__head_sink(heap, heap);
}

int etr__frontier_advance(struct etr__frontier *f, size_t i)
{
	struct etr__head *h = &f->heap[i];
	int rc = etr__cursor_next(f, h->cursor);

	if (rc < 0)
		return rc;
	if (rc == 0) {
		drop(f, i);
		return 0;
	}
	h->time = h->cursor->time;
	if (i == 0 || sift_up(f->heap, i) == i)
		etr__head_sink(f->heap, h);
	return 0;
}

int etr__frontier_start(struct etr__frontier *f, struct etr__model *model, double ns_per_unit, struct etr__blocks *blocks)
{
	f->blocks = blocks;
	f->ns_per_unit = ns_per_unit;
	f->usual_clock = ns_per_unit <= 64;
	f->whole_clock = f->usual_clock && ns_per_unit >= 1 && ns_per_unit == (double)(int)ns_per_unit;
	/* The children of the last one's children are never asked for. */
	if (etr__grow(&f->heap, &f->capheap, 2 * f->ncursors + 3) != 0)
		return etr__fault_nomem(f->fault);
	for (size_t i = 0; i < 2 * f->ncursors + 3; i++)
		f->heap[i].time = INT64_MAX;
	for (size_t i = 0; i < f->ncursors; i++) {
		struct etr__cursor *c = f->cursors[i];
		int rc;

		c->m = etr__model_get_m(model, (int64_t)c->m_id);
		if (!c->m)
			return etr__fault_nomem(f->fault);
		rc = etr__cursor_next(f, c);

		if (rc < 0)
			return rc;
		if (rc == 0)
			continue;
		f->heap[f->n] = (struct etr__head){ c->time, c };
		sift_up(f->heap, f->n++);
	}
	return 0;
}

static bool head_is_before(const void *a, const void *b)
{
	return ((const struct etr__head *)a)->time < ((const struct etr__head *)b)->time;
}

void etr__frontier_sort(struct etr__frontier *f)
{
	size_t i = 1;

	/* Sorting what is sorted changes nothing, and this runs for every event that has to wait. */
	while (i < f->n && f->heap[i].time >= f->heap[i - 1].time)
		i++;
	if (i < f->n)
		etr__gosort(f->heap, f->n, sizeof(*f->heap), head_is_before);
}
