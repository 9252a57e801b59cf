/* SPDX-License-Identifier: BSD-3-Clause
 *
 * output.c - the batches that the writer makes itself: statuses at a generation's end, tables, samples, the sync batch.
 *
 * Order within a generation's end: samples may add stacks, stacks add names, so samples are taken first and strings written last.
 */
#include "librt/tracer/writerthread.h"

#include <stdlib.h>
#include <string.h>

#include "librt/tracer/notes.h"
#include "librt/tracer/unwindmap.h"
#include "librt/tracer/sampler.h"
#include "librt/tracer/tables.h"
#include "wire/header.h"

/* --- batches --- */

void trace_batch_start(struct trace_batch *b, uint64_t m, uint64_t time, uint8_t first)
{
	b->m = m;
	b->time = time;
	b->first = first;
	b->used = 0;
	if (first != 0)
		b->bytes[b->used++] = first;
}

void trace_batch_flush(struct trace_writer *w)
{
	struct trace_batch *b = w->batch;
	uint8_t header[WIRE_BATCH_HEADER_MAX];

	if (b->used > (b->first != 0)) {
		trace_sink_put(&w->sink, header,
			       (size_t)(wire_put_batch_header(header, w->file_gen, b->m, b->time, b->used) - header));
		trace_sink_put(&w->sink, b->bytes, b->used);
	}
	trace_batch_start(b, b->m, b->time, b->first);
}

void trace_batch_room(struct trace_writer *w, size_t n)
{
	if (n > sizeof(w->batch->bytes) - w->batch->used)
		trace_batch_flush(w);
}

void trace_batch_number(struct trace_writer *w, uint64_t v)
{
	struct trace_batch *b = w->batch;

	b->used = (size_t)(wire_put_varint(b->bytes + b->used, v) - b->bytes);
}

void trace_batch_byte(struct trace_writer *w, uint8_t v)
{
	w->batch->bytes[w->batch->used++] = v;
}

void trace_batch_bytes(struct trace_writer *w, const void *p, size_t n)
{
	memcpy(w->batch->bytes + w->batch->used, p, n);
	w->batch->used += n;
}

/* --- sync --- */

void trace_output_sync(struct trace_writer *w, const struct trace_clock_snapshot *snapshot)
{
	trace_batch_start(w->batch, WIRE_NO_M, snapshot->units, WIRE_SYNC);
	trace_batch_byte(w, WIRE_FREQUENCY);
	trace_batch_number(w, TRACE_CLOCK_HZ);
	trace_batch_byte(w, WIRE_CLOCK_SNAPSHOT);
	trace_batch_number(w, 0);
	trace_batch_number(w, snapshot->mono_ns);
	trace_batch_number(w, snapshot->wall_s);
	trace_batch_number(w, snapshot->wall_ns);
	trace_batch_flush(w);
}

/* --- statuses --- */

static bool is_bound(const struct trace_captured *c)
{
	return c->is_p ? c->state != WIRE_P_IDLE : c->state == WIRE_G_RUNNING || c->state == WIRE_G_SYSCALL;
}

static void put_status(struct trace_writer *w, const struct trace_captured *c)
{
	trace_batch_room(w, 4 * WIRE_VARINT_MAX + 1);
	trace_batch_byte(w, c->is_p ? WIRE_PROC_STATUS : WIRE_GO_STATUS);
	trace_batch_number(w, 0);
	trace_batch_number(w, c->id);
	if (!c->is_p)
		trace_batch_number(w, is_bound(c) ? c->m_id : WIRE_NO_M);
	trace_batch_number(w, c->state);
}

/*
 * What was captured and then did nothing until the pins had passed is still in the state that was captured. A status that binds
 * a G or P to its M is written in that M's name, as the end of its stream, so that readers see it where it belongs; an M's P
 * goes before its G.
 */
void trace_output_statuses(struct trace_writer *w)
{
	size_t left = 0;

	for (size_t i = 0; i < w->ncaptured; i++) {
		if (atomic_load_explicit(&w->captured[i].res->traced[w->gen & 1], memory_order_relaxed) != w->gen)
			w->captured[left++] = w->captured[i];
	}
	w->ncaptured = left;
	trace_batch_start(w->batch, WIRE_NO_M, w->end_time, 0);
	for (size_t i = 0; i < left; i++) {
		if (!is_bound(&w->captured[i]))
			put_status(w, &w->captured[i]);
	}
	trace_batch_flush(w);
	for (int ps = 1; ps >= 0; ps--) {
		for (size_t i = 0; i < left; i++) {
			const struct trace_captured *c = &w->captured[i];

			if (!is_bound(c) || c->is_p != ps)
				continue;
			trace_batch_start(w->batch, c->m_id, w->end_time, 0);
			put_status(w, c);
			trace_batch_flush(w);
		}
	}
	w->ncaptured = 0;
}

/* --- samples --- */

static void take_sample(void *ctx, const struct trace_sample *s)
{
	struct trace_writer *w = ctx;

	if (!trace_grow(w, &w->samples, &w->samples_cap, w->nsamples + 1, sizeof(*w->samples))) {
		w->lost_samples++;
		return;
	}
	w->samples[w->nsamples].time = s->time;
	w->samples[w->nsamples].m = s->m;
	w->samples[w->nsamples].p = s->p;
	w->samples[w->nsamples].g = s->g;
	w->samples[w->nsamples++].stack = trace_stack_put(w->gen & 1, s->pc, s->n, 0);
}

void trace_output_samples_take(struct trace_writer *w)
{
	w->lost_samples += trace_samplers_drain(take_sample, w);
}

static void put_samples(struct trace_writer *w)
{
	trace_batch_start(w->batch, WIRE_NO_M, w->end_time, WIRE_CPU_SAMPLES);
	for (size_t i = 0; i < w->nsamples; i++) {
		trace_batch_room(w, 1 + 5 * WIRE_VARINT_MAX);
		trace_batch_byte(w, WIRE_CPU_SAMPLE);
		trace_batch_number(w, w->samples[i].time);
		trace_batch_number(w, w->samples[i].m);
		trace_batch_number(w, w->samples[i].p);
		trace_batch_number(w, w->samples[i].g);
		trace_batch_number(w, w->samples[i].stack);
	}
	trace_batch_flush(w);
	w->nsamples = 0;
}

/* --- tables --- */

static uint64_t text_id(struct trace_writer *w, struct trace_text *text)
{
	if (text->gen != w->gen) {
		text->gen = w->gen;
		text->id = trace_string_new_id(w->gen & 1);
		text->next = w->used_texts;
		w->used_texts = text;
	}
	return text->id;
}

static void put_stack(void *ctx, const struct trace_stack_entry *e)
{
	struct trace_writer *w = ctx;
	const struct trace_frame *frames;
	uint32_t total = 0, done = 0;

	for (uint32_t i = 0; i < e->n; i++) {
		int n = trace_symbols_resolve(e->pc[i], &frames);

		if (n < 0)
			w->out_of_memory = true;
		else
			total += (uint32_t)n;
	}
	if (w->out_of_memory)
		return;
	if (total > WIRE_MAX_FRAMES)
		total = WIRE_MAX_FRAMES;
	trace_batch_room(w, 1 + 2 * WIRE_VARINT_MAX + (size_t)total * 4 * WIRE_VARINT_MAX);
	trace_batch_byte(w, WIRE_STACK);
	trace_batch_number(w, e->id);
	trace_batch_number(w, total);
	for (uint32_t i = 0; i < e->n; i++) {
		int n = trace_symbols_resolve(e->pc[i], &frames);

		for (int k = 0; k < n && done < total; k++, done++) {
			/* Readers tell frames apart by pc alone: each inlined one gets its own, the physical one the real one. */
			trace_batch_number(w, e->pc[i] + ((uint64_t)(n - 1 - k) << 57));
			trace_batch_number(w, text_id(w, frames[k].func));
			trace_batch_number(w, text_id(w, frames[k].file));
			trace_batch_number(w, frames[k].line);
		}
	}
}

static void put_string(void *ctx, uint64_t id, const char *text, size_t len)
{
	struct trace_writer *w = ctx;

	if (len > WIRE_MAX_STRING_SIZE)
		len = WIRE_MAX_STRING_SIZE;
	trace_batch_room(w, 1 + 2 * WIRE_VARINT_MAX + len);
	trace_batch_byte(w, WIRE_STRING);
	trace_batch_number(w, id);
	trace_batch_number(w, len);
	trace_batch_bytes(w, text, len);
}

static void put_note(void *ctx, const char *text, size_t len)
{
	struct trace_writer *w = ctx;

	put_string(w, trace_string_new_id(w->gen & 1), text, len);
}

void trace_output_tables(struct trace_writer *w)
{
	unsigned slot = w->gen & 1;

	put_samples(w);
	trace_symbols_refresh();
	if (w->session->options.cpu_hz != 0)
		trace_unwind_map_refresh();
	trace_batch_start(w->batch, WIRE_NO_M, w->end_time, WIRE_STACKS);
	trace_stacks_visit(slot, put_stack, w);
	trace_batch_flush(w);
	trace_batch_start(w->batch, WIRE_NO_M, w->end_time, WIRE_STRINGS);
	trace_strings_visit(slot, put_string, w);
	for (struct trace_text *t = w->used_texts; t != NULL; t = t->next)
		put_string(w, t->id, t->bytes, t->len);
	w->used_texts = NULL;
	trace_notes_write(w, put_note);
	trace_batch_flush(w);
	w->lost_samples = 0;
}

void trace_output_end(struct trace_writer *w)
{
	uint8_t byte = WIRE_END_OF_GENERATION;

	trace_sink_put(&w->sink, &byte, 1);
	trace_sink_mark(&w->sink);
}
