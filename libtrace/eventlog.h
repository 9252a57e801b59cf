/* SPDX-License-Identifier: BSD-3-Clause
 *
 * eventlog.h - events of one generation, written by one thread and read later by another.
 *
 * A generation has millions of events, and what they take in memory is what writing and reading them costs.  So an event that
 * is a change of state with small numbers, as nearly all are, is packed into 24 bytes.  Any other is kept whole, in its place.
 */
#ifndef LIBTRACE_EVENTLOG_H
#define LIBTRACE_EVENTLOG_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <exectrace/reader.h>

#define ETR__LOG_PACKED 8192	/* in a chunk */
#define ETR__LOG_WHOLE 1024

/* Three words, so that few instructions move them. */
struct etr__packed {
	uint64_t dt_g;			/* ns since the event before, and above bit 32 g plus one */
	uint64_t m_id;			/* m, and above bit 32 the transition's id */
	uint64_t rest;			/* from bit 0 on: stack, reason, the transition's stack, 16 bits each; p plus one, what: 8 each */
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

/* Chunks that no log has; those that one log has been read from go into another that is being written. */
struct etr__log_pool {
	pthread_mutex_t lock;		/* of the two lists */
	struct etr__log_chunk *chunks;
	struct etr__log_whole *wholes;
};

struct etr__log {
	struct etr__log_pool *pool;		/* the caller's */
	struct etr__log_chunk *first, *last;	/* read from the first, written to the last */
	struct etr__log_whole *first_whole, *last_whole;
	uint32_t at, whole_at;			/* reading: places in the first ones */
	int64_t time;				/* of the event before */
};

void etr__log_pool_init(struct etr__log_pool *pool);
void etr__log_pool_free(struct etr__log_pool *pool);

/* Makes it empty, and gives its chunks back.  One that is all zero but for its pool is empty. */
void etr__log_clear(struct etr__log *log);

/*
 * Adds up to n events, at least one, their times increasing and far from where an int64 ends.  Returns how many, or -1 when out of
 * memory.  *kept is the last of them where it was kept whole, and may be changed until it is read; else NULL.
 */
int etr__log_add(struct etr__log *log, const struct etr_event *events, int n, struct etr_event **kept);

/* When all is written, and before anything is read. */
void etr__log_rewind(struct etr__log *log);

/* The next ones, max at most, and how many, 0 at the end; their times made to increase from *last_time on.  Each is read once. */
int etr__log_read(struct etr__log *log, int64_t *last_time, struct etr_event *events, int max);

#endif
