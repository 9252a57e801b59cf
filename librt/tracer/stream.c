/* SPDX-License-Identifier: BSD-3-Clause
 *
 * stream.c - event batches on their way out: an M's in the order in which it wrote them.
 *
 * A chunk says which chunk of its M came before it (prev). It is written when that one was, or when nothing of its M is missing.
 * Stamps rise along an M's chunks and from an M to a later one with the same thread id, so at the generation's end, when all are
 * there, ascending stamps are a right order. Before, chunks of an M that is younger than the generation wait: its thread id may have been
 * another's in the same generation.
 */
#include "librt/tracer/writer.h"

#include <stdlib.h>
#include <string.h>

#include "wire/header.h"

static size_t chunk_bytes(const struct trace_chunk *c)
{
	return c->big ? TRACE_CHUNK_BIG : TRACE_CHUNK_SMALL;
}

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

static void chunk_write(struct trace_writer *w, struct trace_chunk *c)
{
	uint8_t header[WIRE_BATCH_HEADER_MAX];
	size_t size = (size_t)(c->pos - c->data);

	if (size != 0) {
		trace_sink_put(&w->sink, header,
			       (size_t)(wire_put_batch_header(header, w->file_gen, c->m_id, c->base, size) - header));
		trace_sink_put(&w->sink, c->data, size);
	}
	trace_chunk_put(c);
}

static int by_stamp(const void *a, const void *b)
{
	uint64_t x = atomic_load_explicit(&(*(struct trace_chunk *const *)a)->stamp, memory_order_relaxed);
	uint64_t y = atomic_load_explicit(&(*(struct trace_chunk *const *)b)->stamp, memory_order_relaxed);

	return x < y ? -1 : x > y;
}

static void hold_list(struct trace_writer *w, struct trace_chunk *list)
{
	struct trace_stream *s = &w->stream;

	while (list != NULL) {
		struct trace_chunk *next = list->next;

		if (trace_grow(w, &s->held, &s->cap, s->nheld + 1, sizeof(*s->held))) {
			s->held[s->nheld++] = list;
			s->held_bytes += chunk_bytes(list);
		} else {
			trace_chunk_put(list);	/* the generation is given up anyway */
		}
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
	if (s->nheld > 1)
		qsort(s->held, s->nheld, sizeof(*s->held), by_stamp);
	s->held_bytes = 0;
	for (size_t i = 0; i < s->nheld; i++) {
		struct trace_chunk *c = s->held[i];
		uint64_t *last = last_grow(w) ? last_find(s, c->serial) : NULL;

		if (final || (!c->hold && last != NULL && *last == c->prev)) {
			if (last != NULL)
				*last = atomic_load_explicit(&c->stamp, memory_order_relaxed);
			chunk_write(w, c);
		} else {
			s->held[left++] = c;
			s->held_bytes += chunk_bytes(c);
		}
	}
	s->nheld = left;
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
		trace_chunk_put(w->stream.held[i]);
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
