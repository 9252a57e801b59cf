/* SPDX-License-Identifier: BSD-3-Clause
 *
 * eventlog.h - events of one generation, written by one thread and read later by another.
 *
 * A generation has millions of events, and what they take in memory is what writing and reading them costs.  So an event that
 * is a change of state with small numbers, as nearly all are, is packed into 24 bytes.  Any other is kept whole, in its place.
 */
#ifndef LIBTRACE_EVENTLOG_H
#define LIBTRACE_EVENTLOG_H

#include <stdbool.h>
#include <stdint.h>

#include <exectrace/reader.h>

#define ETR__LOG_PACKED 10000	/* in a chunk */
#define ETR__LOG_WHOLE 1000
#define ETR__LOG_IS_WHOLE 0xff	/* what of an event that is kept whole */

struct etr__packed {
	uint32_t dt;			/* ns since the event before */
	uint32_t g1, m, id;		/* g1 is g plus one */
	uint16_t stack, reason, own_stack;
	uint8_t p1;			/* p plus one */
	uint8_t what;			/* from, to and resource */
};

struct etr__log_chunk {
	struct etr__log_chunk *next;
	uint32_t n;
	struct etr__packed events[ETR__LOG_PACKED];
};

struct etr__log_whole {
	struct etr__log_whole *next;
	uint32_t n;
	struct etr_event events[ETR__LOG_WHOLE];
};

/* Chunks stay when it is written anew. */
struct etr__log {
	struct etr__log_chunk *chunks, *chunk;	/* all of them, and the one at hand */
	struct etr__log_whole *wholes, *whole;
	uint32_t packed_at, whole_at;		/* reading: places in the chunks at hand */
	int64_t time;				/* of the event before */
	uint64_t chunks_read, chunks_written;
};

/* An empty log is all zero. */
void etr__log_free(struct etr__log *log);

/* Makes it empty. */
void etr__log_rewrite(struct etr__log *log);

/*
 * Adds an event, times not decreasing; 0, or -1 when out of memory.  *kept is the event where it was kept whole and may be changed
 * until it is read, else NULL.
 */
int etr__log_add(struct etr__log *log, const struct etr_event *ev, struct etr_event **kept);

/* Goes back to the first event.  etr__log_read() then gives up to max of them and how many, 0 at the end. */
void etr__log_rewind(struct etr__log *log);
int etr__log_read(struct etr__log *log, struct etr_event *events, int max);

#endif
