/* SPDX-License-Identifier: BSD-3-Clause
 *
 * structmut.c - a trace taken apart into batches, some of them changed, and put together again.
 *
 * A batch's bytes are either the input's or an allocation of its own (own); the input is copied first.  What does not parse as
 * a batch is the tail, and is kept.  Inside a batch an entry is an event or a table's entry: a type byte, numbers, and for
 * strings some bytes.
 */
#include "tests/fuzz/structmut.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "wire/event.h"
#include "wire/header.h"
#include "wire/varint.h"

#define MAX_BATCHES 1024
#define MAX_ENTRIES 4096
#define POOL_SIZE 64

struct batch {
	uint8_t type, experiment;
	uint64_t gen, m, time;
	const uint8_t *data;
	uint8_t *own;			/* NULL: data points into the copy of the input */
	size_t size;
	int64_t lie;			/* added to the size in the header */
	bool padded;			/* that size takes four bytes */
};

struct entry {
	uint8_t type;
	unsigned numbers;		/* how many follow the type byte */
	size_t off, len;		/* in the batch's data */
};

/* Values that were seen, by role, for new events to name. */
struct pool {
	uint64_t v[POOL_SIZE];
	unsigned n;
};

struct mutator {
	uint64_t rng;
	uint8_t version;
	uint8_t *copy;
	struct batch batches[MAX_BATCHES];
	size_t n;
	const uint8_t *tail;
	size_t ntail;
	struct entry entries[MAX_ENTRIES];
	size_t nentries;
	struct pool pools[WIRE_ROLE_COUNT + 1];
};

static uint64_t next(struct mutator *mu)
{
	mu->rng ^= mu->rng << 13;
	mu->rng ^= mu->rng >> 7;
	mu->rng ^= mu->rng << 17;
	return mu->rng >> 3;
}

static size_t below(struct mutator *mu, size_t n)
{
	return n ? (size_t)(next(mu) % n) : 0;
}

/* Taking apart. */

static const uint8_t *get_header(const uint8_t *p, const uint8_t *end, struct batch *b)
{
	uint64_t v[4];

	memset(b, 0, sizeof(*b));
	b->type = *p++;
	b->data = p;
	if (b->type == WIRE_END_OF_GENERATION)
		return p;
	if (b->type == WIRE_EXPERIMENTAL_BATCH && p < end)
		b->experiment = *p++;
	else if (b->type != WIRE_EVENT_BATCH)
		return NULL;
	for (int i = 0; i < 4 && p; i++)
		p = wire_get_varint(p, end, &v[i]);
	if (!p || v[3] > (uint64_t)(end - p))
		return NULL;
	b->gen = v[0];
	b->m = v[1];
	b->time = v[2];
	b->data = p;
	b->size = (size_t)v[3];
	return p + v[3];
}

static void take_apart(struct mutator *mu, const uint8_t *p, const uint8_t *end)
{
	while (p < end && mu->n < MAX_BATCHES) {
		const uint8_t *q = get_header(p, end, &mu->batches[mu->n]);

		if (!q)
			break;
		/* What ends a generation goes with it. */
		if (mu->n && mu->batches[mu->n].type == WIRE_END_OF_GENERATION)
			mu->batches[mu->n].gen = mu->batches[mu->n - 1].gen;
		mu->n++;
		p = q;
	}
	mu->tail = p;
	mu->ntail = (size_t)(end - p);
}

/* How many numbers an entry has, as far as its bytes tell; -1: none is there. */
static int count_numbers(uint8_t type, const uint8_t *p, const uint8_t *end)
{
	uint64_t id, n;

	switch (type) {
	case WIRE_STACK:
		p = wire_get_varint(p, end, &id);
		if (p)
			p = wire_get_varint(p, end, &n);
		return !p || n > 4 * WIRE_MAX_FRAMES ? -1 : (int)(2 + 4 * n);
	case WIRE_STRING:
		return 2;
	}
	return wire_specs[type].name ? wire_specs[type].nargs : -1;
}

static void find_entries(struct mutator *mu, const struct batch *b)
{
	const uint8_t *p = b->data, *end = p + b->size;

	mu->nentries = 0;
	if (b->experiment)
		return;
	while (p < end && mu->nentries < MAX_ENTRIES) {
		struct entry *e = &mu->entries[mu->nentries];
		const uint8_t *q = p + 1;
		uint64_t v = 0;
		int numbers = count_numbers(*p, q, end);

		if (numbers < 0)
			return;
		for (int i = 0; i < numbers && q; i++)
			q = wire_get_varint(q, end, &v);
		if (!q || (*p == WIRE_STRING && v > (uint64_t)(end - q)))
			return;
		if (*p == WIRE_STRING)
			q += v;
		*e = (struct entry){ *p, (unsigned)numbers, (size_t)(p - b->data), (size_t)(q - p) };
		mu->nentries++;
		p = q;
	}
}

static uint8_t role_of(uint8_t type, unsigned number)
{
	if (type == WIRE_STACK && number >= 2)
		return (number - 2) % 4 == 1 || (number - 2) % 4 == 2 ? WIRE_ROLE_STRING : WIRE_ROLE_VALUE;
	if (type == WIRE_STRING && number == 1)
		return WIRE_ROLE_LEN;
	return number < wire_specs[type].nargs ? wire_specs[type].args[number].role : 0;
}

/* Fills the pools from a few batches. */
static void gather(struct mutator *mu)
{
	for (unsigned tries = 0; tries < 12 && mu->n; tries++) {
		const struct batch *b = &mu->batches[below(mu, mu->n)];

		find_entries(mu, b);
		for (size_t i = 0; i < mu->nentries; i++) {
			const struct entry *e = &mu->entries[i];
			const uint8_t *p = b->data + e->off + 1;

			for (unsigned k = 0; k < e->numbers; k++) {
				struct pool *pool = &mu->pools[role_of(e->type, k)];
				uint64_t v = 0;

				p = wire_get_varint(p, b->data + b->size, &v);
				pool->v[pool->n < POOL_SIZE ? pool->n++ : below(mu, POOL_SIZE)] = v;
			}
		}
	}
}

/* A number for a role: one that was seen, an edge, a neighbour of the one it replaces. */
static uint64_t number(struct mutator *mu, uint8_t role, uint64_t old)
{
	static const uint64_t edges[] = {
		0,	    1,		   2,	      127,	  128,	      1024,	  1025,	     65536, 65537, INT32_MAX, UINT32_MAX,
		INT64_MAX - 1, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX - 1, UINT64_MAX,
	};
	const struct pool *pool = &mu->pools[role];

	switch (below(mu, 8)) {
	case 0:
		return old + 1;
	case 1:
		return old - 1;
	case 2:
		return edges[below(mu, sizeof(edges) / sizeof(*edges))];
	case 3:
		return below(mu, 9);
	case 4:
		return next(mu) >> below(mu, 61);
	default:
		return pool->n ? pool->v[below(mu, pool->n)] : below(mu, 4);
	}
}

/* Changing what a batch holds. */

/* Puts n bytes in the place of len bytes at off. */
static void splice(struct batch *b, size_t off, size_t len, const uint8_t *bytes, size_t n)
{
	size_t size = b->size - len + n;
	uint8_t *data = malloc(size ? size : 1);

	if (!data)
		abort();
	if (off)
		memcpy(data, b->data, off);
	if (n)
		memcpy(data + off, bytes, n);
	if (b->size > off + len)
		memcpy(data + off + n, b->data + off + len, b->size - off - len);
	free(b->own);
	b->own = data;
	b->data = data;
	b->size = size;
}

/* A timed event of any type. */
static size_t new_event(struct mutator *mu, uint8_t *out, uint8_t type)
{
	uint8_t *p = out;

	*p++ = type;
	for (unsigned i = 0; i < wire_specs[type].nargs; i++)
		p = wire_put_varint(p, i == 0 ? below(mu, 200) : number(mu, wire_specs[type].args[i].role, 0));
	return (size_t)(p - out);
}

static uint8_t any_timed(struct mutator *mu)
{
	uint8_t type;

	do
		type = (uint8_t)(below(mu, 16) ? 9 + below(mu, 40) : 128 + below(mu, 9));
	while (!wire_is_timed(type));
	return type;
}

static void change_number(struct mutator *mu, struct batch *b, const struct entry *e)
{
	unsigned k = (unsigned)below(mu, e->numbers);
	const uint8_t *p = b->data + e->off + 1, *q;
	uint8_t out[WIRE_VARINT_MAX];
	uint64_t v = 0;
	size_t n;

	if (e->numbers == 0)
		return;
	for (unsigned i = 0;; i++) {
		q = wire_get_varint(p, b->data + b->size, &v);
		if (i == k)
			break;
		p = q;
	}
	if (below(mu, 24) == 0) {
		memset(out, 0xff, sizeof(out));
		n = below(mu, 2) ? sizeof(out) : (size_t)(wire_put_varint_padded(out, v & 0x7f, 1 + below(mu, 9)) - out);
	} else {
		n = (size_t)(wire_put_varint(out, number(mu, role_of(e->type, k), v)) - out);
	}
	splice(b, (size_t)(p - b->data), (size_t)(q - p), out, n);
}

/* Some entries from the i-th on come again, behind themselves or at the end of a batch. */
static void repeat(struct mutator *mu, struct batch *b, size_t i)
{
	size_t k = i + below(mu, mu->nentries - i < 8 ? mu->nentries - i : 8), off = mu->entries[i].off;
	size_t len = mu->entries[k].off + mu->entries[k].len - off;
	struct batch *other = below(mu, 2) ? b : &mu->batches[below(mu, mu->n)];

	splice(other, other == b ? off + len : other->size, 0, b->data + off, len);
}

static void mutate_entry(struct mutator *mu, struct batch *b)
{
	uint8_t bytes[1 + WIRE_MAX_ARGS * WIRE_VARINT_MAX];
	uint8_t *both;
	struct batch *other;
	struct entry e, f;
	size_t i;

	find_entries(mu, b);
	if (mu->nentries == 0)
		return;
	i = below(mu, mu->nentries);
	e = mu->entries[i];
	f = mu->entries[i + 1 < mu->nentries ? i + 1 : i];
	switch (below(mu, 15)) {
	case 0:
		splice(b, e.off, e.len, NULL, 0);
		break;
	case 1:
		splice(b, e.off, 0, b->data + e.off, e.len);
		break;
	case 2:		/* changes places with the next one */
		if (f.off == e.off)
			break;
		both = malloc(e.len + f.len);
		if (!both)
			abort();
		memcpy(both, b->data + f.off, f.len);
		memcpy(both + f.len, b->data + e.off, e.len);
		splice(b, e.off, e.len + f.len, both, e.len + f.len);
		free(both);
		break;
	case 3:
		splice(b, e.off, 0, bytes, new_event(mu, bytes, any_timed(mu)));
		break;
	case 4:
		splice(b, e.off, e.len, bytes, new_event(mu, bytes, any_timed(mu)));
		break;
	case 5:		/* goes to another batch's end */
		other = &mu->batches[below(mu, mu->n)];
		splice(other, other->size, 0, b->data + e.off, e.len);
		break;
	case 6:
		bytes[0] = (uint8_t)(b->data[e.off + below(mu, e.len)] ^ (1 << below(mu, 8)));
		splice(b, e.off + below(mu, e.len), 1, bytes, 1);
		break;
	case 7:
		bytes[0] = (uint8_t)below(mu, 256);
		splice(b, e.off, 1, bytes, 1);
		break;
	case 8:
		splice(b, e.off, b->size - e.off, NULL, 0);
		break;
	case 9:
		repeat(mu, b, i);
		break;
	default:
		change_number(mu, b, &e);
	}
}

/* Changing batches. */

static void remove_batch(struct mutator *mu, size_t i)
{
	free(mu->batches[i].own);
	memmove(&mu->batches[i], &mu->batches[i + 1], (mu->n - i - 1) * sizeof(mu->batches[0]));
	mu->n--;
}

/* Makes room for a batch at i, a copy of b. */
static void insert_batch(struct mutator *mu, size_t i, struct batch b)
{
	if (mu->n == MAX_BATCHES)
		return;
	b.own = NULL;
	memmove(&mu->batches[i + 1], &mu->batches[i], (mu->n - i) * sizeof(mu->batches[0]));
	mu->batches[i] = b;
	mu->n++;
	splice(&mu->batches[i], 0, 0, NULL, 0);
}

static void change_header(struct mutator *mu, struct batch *b)
{
	static const uint8_t types[] = { WIRE_EVENT_BATCH, WIRE_EXPERIMENTAL_BATCH, WIRE_END_OF_GENERATION };
	const struct batch *other = &mu->batches[below(mu, mu->n)];

	switch (below(mu, 8)) {
	case 0:
		b->gen += below(mu, 2) ? 1 : -1;
		break;
	case 1:
		b->gen = number(mu, 0, b->gen);
		break;
	case 2:
		b->m = number(mu, WIRE_ROLE_M, b->m);
		break;
	case 3:
		b->m = other->m;
		break;
	case 4:
		b->time = below(mu, 2) ? other->time : number(mu, WIRE_ROLE_TIME, b->time);
		break;
	case 5:
		b->type = types[below(mu, 3)];
		b->experiment = b->type == WIRE_EXPERIMENTAL_BATCH ? (uint8_t)below(mu, 3) : 0;
		break;
	case 6:
		b->lie = (int64_t)below(mu, 9) - 4;
		break;
	default:
		b->padded = true;
	}
}

/* Drops, repeats or renumbers a whole generation, or those from it on. */
static void mutate_generation(struct mutator *mu)
{
	uint64_t gen = mu->batches[below(mu, mu->n)].gen;
	size_t what = below(mu, 4), n = mu->n, last = 0;

	for (size_t i = 0; i < n; i++)
		if (mu->batches[i].gen == gen)
			last = i + 1;
	if (what == 0) {
		for (size_t i = mu->n; i-- > 0;)
			if (mu->batches[i].gen == gen)
				remove_batch(mu, i);
	} else if (what == 1) {		/* again, behind itself, as the next one, and those behind it move on */
		for (size_t i = last; i < n; i++)
			if (mu->batches[i].gen > gen)
				mu->batches[i].gen++;
		for (size_t i = 0, at = last; i < last && mu->n < MAX_BATCHES; i++)
			if (mu->batches[i].gen == gen) {
				struct batch b = mu->batches[i];

				b.gen++;
				insert_batch(mu, at++, b);
			}
	} else {
		for (size_t i = 0; i < n; i++)
			if (what == 2 ? mu->batches[i].gen >= gen : mu->batches[i].gen == gen)
				mu->batches[i].gen += below(mu, 8) ? 1 : UINT64_MAX - gen;
	}
}

static void split(struct mutator *mu, size_t i)
{
	struct batch *b = &mu->batches[i];
	struct batch second = *b;
	size_t at;

	find_entries(mu, b);
	if (mu->nentries == 0)
		return;
	at = mu->entries[below(mu, mu->nentries)].off;
	second.data += at;
	second.size -= at;
	insert_batch(mu, i + 1, second);
	splice(&mu->batches[i], at, mu->batches[i].size - at, NULL, 0);
}

static void mutate_batch(struct mutator *mu)
{
	size_t i = below(mu, mu->n), k = below(mu, mu->n);
	struct batch b = mu->batches[i];

	switch (below(mu, 9)) {
	case 0:
		remove_batch(mu, i);
		break;
	case 1:
		insert_batch(mu, k, b);
		break;
	case 2:
		mu->batches[i] = mu->batches[k];
		mu->batches[k] = b;
		break;
	case 3:
		split(mu, i);
		break;
	case 4:
		splice(&mu->batches[i], mu->batches[i].size, 0, mu->batches[k].data, mu->batches[k].size);
		break;
	case 5:
		b = (struct batch){ .type = WIRE_END_OF_GENERATION, .data = b.data };
		insert_batch(mu, k, b);
		break;
	case 6:
		b.size = 0;
		insert_batch(mu, k, b);
		break;
	default:
		change_header(mu, &mu->batches[i]);
	}
}

/* Putting together. */

static size_t put_together(const struct mutator *mu, uint8_t *out, size_t max)
{
	size_t n = WIRE_HEADER_SIZE;

	wire_put_file_header(out, mu->version);
	for (size_t i = 0; i < mu->n; i++) {
		const struct batch *b = &mu->batches[i];
		uint64_t size = b->size + (uint64_t)b->lie;
		uint8_t head[WIRE_BATCH_HEADER_MAX + 4], *p = head;

		*p++ = b->type;
		if (b->type == WIRE_EXPERIMENTAL_BATCH)
			*p++ = b->experiment;
		if (b->type != WIRE_END_OF_GENERATION) {
			p = wire_put_varint(p, b->gen);
			p = wire_put_varint(p, b->m);
			p = wire_put_varint(p, b->time);
			p = b->padded && size < 1 << 21 ? wire_put_varint_padded(p, size, 4) : wire_put_varint(p, size);
		}
		if (n + (size_t)(p - head) + b->size > max)
			break;
		memcpy(out + n, head, (size_t)(p - head));
		n += (size_t)(p - head);
		if (b->size && b->type != WIRE_END_OF_GENERATION) {
			memcpy(out + n, b->data, b->size);
			n += b->size;
		}
	}
	if (mu->ntail && mu->ntail <= max - n) {
		memcpy(out + n, mu->tail, mu->ntail);
		n += mu->ntail;
	}
	return n;
}

size_t structmut_mutate(uint8_t *data, size_t size, size_t max, uint64_t seed)
{
	static const uint8_t versions[] = { 22, 23, 25, 26 };
	struct mutator *mu;
	int version = size < WIRE_HEADER_SIZE ? -1 : wire_get_file_header(data);

	if (max < WIRE_HEADER_SIZE)
		return size;
	mu = calloc(1, sizeof(*mu));
	if (!mu || !(mu->copy = malloc(size ? size : 1)))
		abort();
	mu->rng = seed * 0x9e3779b97f4a7c15u + 1;
	if (mu->rng == 0)
		mu->rng = 1;
	next(mu);
	memcpy(mu->copy, data, size);
	if (version > 0)
		take_apart(mu, mu->copy + WIRE_HEADER_SIZE, mu->copy + size);
	mu->version = version > 0 ? (uint8_t)version : versions[below(mu, 4)];
	gather(mu);
	for (size_t changes = below(mu, 2) ? 1 : 1 + below(mu, 4); changes > 0 && mu->n; changes--) {
		size_t what = below(mu, 32);

		if (what == 0)
			mu->version = versions[below(mu, 4)];
		else if (what == 1)
			mutate_generation(mu);
		else if (what < 8)
			mutate_batch(mu);
		else
			mutate_entry(mu, &mu->batches[below(mu, mu->n)]);
	}
	size = put_together(mu, data, max);
	for (size_t i = 0; i < mu->n; i++)
		free(mu->batches[i].own);
	free(mu->copy);
	free(mu);
	return size;
}
