/* SPDX-License-Identifier: BSD-3-Clause
 *
 * chunk.h - event buffers: a chunk holds batches of one generation, one after the other, each of one M.
 *
 * Life: FREE in the pool -> OPEN, written by the M that is pinned (through its own slot or its P's) -> QUEUED to the writer
 * when full, or collected by it at the generation's end once all pins have passed -> FREE. An open chunk is found by the writer
 * through the pool itself, so an M or a P may disappear without a word.  When another M takes the P, it begins a new batch in
 * the same chunk: threads that take turns on a processor cost a batch each time, not a chunk.
 */
#ifndef TRACER_CHUNK_H
#define TRACER_CHUNK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACE_CHUNK_BIG 65536u		/* for a P */
#define TRACE_CHUNK_SMALL 2048u		/* for an M without one */
#define TRACE_FREE_STAMP 0		/* a free chunk's, also one whose pages were given back */
#define TRACE_NO_STAMP UINT64_MAX	/* an M's that has written nothing: no chunk's */

enum trace_chunk_state { TRACE_CHUNK_FREE, TRACE_CHUNK_OPEN, TRACE_CHUNK_QUEUED };

/* A batch in a chunk, at a multiple of 8; its bytes follow, and then the next one.  Written by its M under its pin. */
struct trace_batch_head {
	uint64_t stamp;			/* unique for the process's life, rising in the order of beginning */
	uint64_t prev;			/* stamp of the M's batch before this one in its generation, or 0 */
	uint64_t m_id, serial;
	uint64_t base;			/* time of the batch */
	uint32_t size;			/* of the bytes; of a chunk's last batch, up to its pos instead */
	uint32_t hold;			/* not to be written before the generation ends: its M is younger than the generation */
	uint8_t bytes[];
};

/*
 * The head of a chunk.  Memory is never unmapped, so stale pointers may be looked at: what is looked at through them is
 * atomic.  All but link, next and left: written by the M that opens it, or that holds it, under its pin.
 */
struct trace_chunk {
	_Atomic uint64_t stamp;		/* of its last batch, the only one that is written to */
	_Atomic uint32_t state;		/* OPEN is stored with release and read with acquire by the collector */
	_Atomic uint32_t link;		/* in the pool's free list: index + 1 of the next */
	_Atomic uint64_t gen;
	struct trace_chunk *next;	/* in the queue */
	uint32_t index;			/* in its pool */
	bool big;
	uint32_t left;			/* the writer's: batches that are not written yet */
	struct trace_batch_head *last;	/* its last batch */
	uint8_t *pos, *end;
	_Alignas(8) uint8_t data[];
};

static inline uint8_t *trace_align8(uint8_t *p)
{
	return p + (-(uintptr_t)p & 7);
}

/*
 * Makes room for limit bytes of chunks; nothing is open.  Memory that was handed out is never unmapped: Ms and Ps keep stale
 * pointers. Return: 0 or -ENOMEM.
 */
int trace_chunks_init(uint64_t limit);
/* Gives the memory back to the system; nothing is open. */
void trace_chunks_clean(void);

/* In a forked child: all chunks are free, whatever they hold. */
void trace_chunks_after_fork(void);

/* A free chunk, of the other size if need be; NULL when there is none.  Lock-free. */
struct trace_chunk *trace_chunk_get(bool big);
void trace_chunk_put(struct trace_chunk *c);

/* Whether what can be dropped should be: less than a quarter of the big chunks is free. */
bool trace_chunks_are_scarce(void);
/* Whether half of the big or of the small chunks is in use: time to end the generation. */
bool trace_chunks_are_many(void);
/* How many bytes of chunks are in use. */
uint64_t trace_chunks_used(void);

/* Hands a chunk to the writer (any thread). Return: whether so much waits now that the writer should be told. */
bool trace_chunk_queue(struct trace_chunk *c);
/* Takes all that were handed over in a generation's slot (the writer), last one first. */
struct trace_chunk *trace_chunk_take_queue(unsigned slot);
/* Takes every open chunk of generation gen, whose pins have all passed; linked by next. */
struct trace_chunk *trace_chunk_collect(uint64_t gen);

#endif
