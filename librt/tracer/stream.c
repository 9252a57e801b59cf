/* SPDX-License-Identifier: BSD-3-Clause
 *
 * stream.c - event batches on their way out: an M's in the order in which it wrote them.
 *
 * A batch says which batch of its M came before it (prev). It is written when that one was, or when nothing of its M is
 * missing. Stamps rise along an M's batches and from an M to a later one with the same thread id, so at the generation's end,
 * when all are there, ascending stamps are a right order. Before, batches of an M that is younger than the generation wait: its
 * thread id may have been another's in the same generation.  A chunk is given back when all its batches are written.
 */
#include "librt/tracer/writerthread.h"

#include <stdlib.h>
#include <string.h>

#include "wire/header.h"

static uint64_t *last_find(struct trace_stream *s, uint64_t serial)
{
	for (size_t i = serial * 0x9e3779b97f4a7c15ull >> 32;; i++) {
		if (s->last[i & (s->last_size - 1)].serial == serial)
			return &s->last[i & (s->last_size - 1)].stamp;
		if (s->last[i & (s->last_size - 1)].serial == 0) {
			s->last[i & (s->last_size - 1)].serial = serial;
			s->nlast++;
			return &s->last[i & (s->last_size - 1)].stamp;
		}
	}
}

/* Room for one M more. Return: false when there is no memory. */
static bool last_grow(struct trace_writer *w)
{
	struct trace_stream *s = &w->stream, bigger = { 0 };

	if (s->nlast < s->last_size / 2)
		return true;
	bigger.last_size = s->last_size != 0 ? 2 * s->last_size : 64;
	bigger.last = calloc(bigger.last_size, sizeof(*bigger.last));
	if (bigger.last == NULL) {
		w->out_of_memory = true;
		return false;
	}
	for (size_t i = 0; i < s->last_size; i++) {
		if (s->last[i].serial != 0)
			*last_find(&bigger, s->last[i].serial) = s->last[i].stamp;
	}
	free(s->last);
	s->last = bigger.last;
	s->last_size = bigger.last_size;
	return true;
}

static void batch_done(const struct trace_pending *p)
{
	if (--p->chunk->left == 0)
		trace_chunk_put(p->chunk);
}

static void batch_write(struct trace_writer *w, const struct trace_pending *p)
{
	uint8_t header[WIRE_BATCH_HEADER_MAX], *end;

	if (p->size != 0) {
		end = wire_put_batch_header(header, w->file_gen, p->batch->m_id, p->batch->base, p->size);
		trace_sink_put(&w->sink, header, (size_t)(end - header));
		trace_sink_put(&w->sink, p->batch->bytes, p->size);
	}
	batch_done(p);
}

static int by_stamp(const void *a, const void *b)
{
	uint64_t x = ((const struct trace_pending *)a)->batch->stamp, y = ((const struct trace_pending *)b)->batch->stamp;

	return x < y ? -1 : x > y;
}

/* All batches of a chunk; without memory the generation is given up, and the chunk with it. */
static void hold_chunk(struct trace_writer *w, struct trace_chunk *c)
{
	struct trace_stream *s = &w->stream;
	uint8_t *at = c->data;

	c->left = 1;		/* so that it lives until all are seen */
	while (at < c->pos) {
		struct trace_batch_head *b = (struct trace_batch_head *)(void *)at;
		size_t size = b == c->last ? (size_t)(c->pos - b->bytes) : b->size;

		if (trace_grow(w, &s->held, &s->cap, s->nheld + 1, sizeof(*s->held))) {
			s->held[s->nheld++] = (struct trace_pending){ b, c, size };
			c->left++;
		}
		at = trace_align8(b->bytes + size);
	}
	batch_done(&(struct trace_pending){ .chunk = c });
}

static void hold_list(struct trace_writer *w, struct trace_chunk *list)
{
	while (list != NULL) {
		struct trace_chunk *next = list->next;

		hold_chunk(w, list);
		list = next;
	}
}

void trace_stream_drain(struct trace_writer *w, bool final)
{
	struct trace_stream *s = &w->stream;
	size_t left = 0;

	hold_list(w, trace_chunk_take_queue(w->gen & 1));
	if (final)
		hold_list(w, trace_chunk_collect(w->gen));
	if (!final && s->nheld < s->next_try)
		return;
	if (s->nheld > 1)
		qsort(s->held, s->nheld, sizeof(*s->held), by_stamp);
	for (size_t i = 0; i < s->nheld; i++) {
		const struct trace_pending p = s->held[i];
		uint64_t *last = last_grow(w) ? last_find(s, p.batch->serial) : NULL;

		if (final || (!p.batch->hold && last != NULL && *last == p.batch->prev)) {
			if (last != NULL)
				*last = p.batch->stamp;
			batch_write(w, &p);
		} else {
			s->held[left++] = p;
		}
	}
	s->nheld = left;
	/* Doubling bounds the work of looking at the same ones again and again. */
	s->next_try = 2 * left;
	if (final && s->last != NULL) {
		memset(s->last, 0, s->last_size * sizeof(*s->last));
		s->nlast = 0;
	}
}

static void discard_list(struct trace_chunk *list)
{
	while (list != NULL) {
		struct trace_chunk *next = list->next;

		trace_chunk_put(list);
		list = next;
	}
}

void trace_stream_discard(struct trace_writer *w)
{
	for (size_t i = 0; i < w->stream.nheld; i++)
		batch_done(&w->stream.held[i]);
	w->stream.nheld = 0;
	for (uint64_t gen = w->gen; gen <= w->gen + 1; gen++) {
		discard_list(trace_chunk_take_queue(gen & 1));
		discard_list(trace_chunk_collect(gen));
	}
}

void trace_stream_free(struct trace_stream *s)
{
	free(s->held);
	free(s->last);
	*s = (struct trace_stream){ 0 };
}
