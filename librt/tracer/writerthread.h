/* SPDX-License-Identifier: BSD-3-Clause
 *
 * writerthread.h - what the files of the writer's thread share: writerthread.c (its loop, the advance), stream.c (event batches in
 * order) and output.c (status, table, sample and sync batches). Everything here is that thread's own.
 */
#ifndef TRACER_WRITERTHREAD_H
#define TRACER_WRITERTHREAD_H

#include "librt/tracer/clock.h"
#include "librt/tracer/core.h"
#include "librt/tracer/sink.h"
#include "librt/tracer/symbols.h"

/* A G or P that had not been traced when the generation was about to end. */
struct trace_captured {
	const struct trace_res *res;
	uint64_t id, m_id;
	uint8_t state;			/* of the wire format */
	bool is_p;
};

struct trace_stream {
	struct trace_pending {		/* a batch that is not written yet: its turn has not come */
		const struct trace_batch_head *batch;
		struct trace_chunk *chunk;
		size_t size;
	} *held;
	size_t nheld, cap;
	size_t next_try;		/* looking through them pays again when there are so many */
	struct { uint64_t serial, stamp; } *last;	/* of each M, the batch written last; open addressing */
	size_t nlast, last_size;
};

/* A batch under construction. */
struct trace_batch {
	uint64_t m, time;
	size_t used;
	uint8_t first;			/* the byte that each of a series of such batches begins with, or 0 */
	uint8_t bytes[WIRE_MAX_BATCH_SIZE];
};

struct trace_writer {
	struct trace_session *session;
	struct trace_sink sink;
	struct trace_stream stream;
	struct trace_batch *batch;
	uint64_t gen;			/* the generation that is being recorded; its lowest bit is the slot */
	uint64_t file_gen;
	uint64_t end_time;		/* of the generation that is being ended */
	struct trace_captured *captured;
	size_t ncaptured, captured_cap;
	struct trace_text *used_texts;	/* names that have an id in this generation */
	struct { uint64_t time, m, p, g, stack; } *samples;
	size_t nsamples, samples_cap;
	uint64_t lost_samples;
	bool out_of_memory;
};

/* stream.c. final: the generation is over, everything that is left is written. */
void trace_stream_drain(struct trace_writer *w, bool final);
/* Gives all chunks of all generations back. */
void trace_stream_discard(struct trace_writer *w);
void trace_stream_free(struct trace_stream *stream);

/* output.c */
void trace_output_sync(struct trace_writer *w, const struct trace_clock_snapshot *snapshot);
void trace_output_statuses(struct trace_writer *w);
void trace_output_samples_take(struct trace_writer *w);		/* from the rings, into this generation */
void trace_output_tables(struct trace_writer *w);
void trace_output_end(struct trace_writer *w);

/* Room for one more element; false (and w->out_of_memory) when there is none. */
bool trace_grow(struct trace_writer *w, void *array_pointer, size_t *cap, size_t need, size_t element);

/* batch */
void trace_batch_start(struct trace_batch *b, uint64_t m, uint64_t time, uint8_t first);
void trace_batch_room(struct trace_writer *w, size_t n);	/* flushes if n bytes more do not fit */
void trace_batch_number(struct trace_writer *w, uint64_t v);
void trace_batch_byte(struct trace_writer *w, uint8_t v);
void trace_batch_bytes(struct trace_writer *w, const void *p, size_t n);
void trace_batch_flush(struct trace_writer *w);

#endif
