/* SPDX-License-Identifier: BSD-3-Clause
 *
 * eventlog.h - events of one generation, written by one thread and read later by another.
 *
 * A generation has millions of events, and what they take in memory is what writing and reading them costs.  So an event of a usual
 * kind with small numbers, as nearly all are, is packed into 16 bytes, or 32 where it is a program's own word.  Any other is kept whole, in
 * its place.  The fast loop of orderfast.c writes packed events itself, between etr__log_room() and etr__log_filled().
 */
#ifndef LIBTRACE_EVENTLOG_H
#define LIBTRACE_EVENTLOG_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <exectrace/reader.h>

#define ETR__LOG_PACKED 8192	/* in a chunk */
#define ETR__LOG_WHOLE 1024

struct etr__packed {
	uint16_t dt;		/* ns since the event before */
	uint8_t context;	/* its number among the log's */
	uint8_t what;		/* see below */
	uint32_t id;		/* the transition's */
	int32_t g;
	union {
		struct {
			uint16_t stack, reason;
		};
		uint32_t high;
	};
};
#define ETR__PACKED_DT_MAX UINT16_MAX
#define ETR__PACKED_IDS 0x10000	/* of stacks and strings */

_Static_assert(sizeof(struct etr__packed) == 16, "places");

/* What: a transition of a goroutine or processor; that of the goroutine is where it happened, or is not known. */
#define ETR__WHAT_PROC 0x80
#define ETR__WHAT_OWN_STACK 0x40
#define ETR__WHAT(from, to) ((unsigned)(from) << 3 | (unsigned)(to))
/* One that comes into being has the stack it begins with where others have the reason; only the fast loop packs it. */
#define ETR__WHAT_CREATE ETR__WHAT(ETR_STATE_NOT_EXIST, ETR_STATE_RUNNABLE)
/* And those that are none; no processor has a stack of its own. */
#define ETR__WHAT_OTHERS 0xc0
#define ETR__WHAT_USER 0xc0	/* and the kind, TASK_BEGIN to LOG; id: a task's type; a place more: 16 bytes of the event's union */
#define ETR__WHAT_USER_END 0xe0
#define ETR__WHAT_ASSIST_END 0xfa
#define ETR__WHAT_ASSIST_BEGIN 0xfb
#define ETR__WHAT_SWEEP_END 0xfc	/* id: swept; high: reclaimed */
#define ETR__WHAT_SWEEP_BEGIN 0xfd
#define ETR__WHAT_HEAP 0xfe		/* id: low half of the value; high: high half */
#define ETR__WHAT_WHOLE 0xff

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
	struct etr__log_chunk *chunks, *last_chunk;	/* given back, the first of them first */
	struct etr__log_whole *wholes;
	bool avx2;			/* logs are read by these instructions, which are there; not so in tests */
};

struct etr__log_context {
	int64_t p, m;
};
#define ETR__LOG_CONTEXTS 256

struct etr__log {
	struct etr__log_pool *pool;		/* the caller's */
	struct etr__log_chunk *first, *last;	/* read from the first, written to the last */
	struct etr__log_whole *first_whole, *last_whole;
	uint32_t at, whole_at;			/* reading: places in the first ones */
	int64_t time;				/* of the event before */
	unsigned ncontexts, context;		/* how many there are, the one that was found last */
	struct etr__log_context contexts[ETR__LOG_CONTEXTS];
};

void etr__log_pool_init(struct etr__log_pool *pool);
void etr__log_pool_free(struct etr__log_pool *pool);

/* Makes it empty, and gives its chunks back.  One that is all zero but for its pool is empty. */
void etr__log_clear(struct etr__log *log);

/*
 * Adds an event, later than the one before and far from where an int64 ends.  0, or -1 when out of memory.  *kept is the event if it was kept
 * whole, as every one is with an inherited context or of what comes into being, and may be changed until it is read; else NULL.
 */
int etr__log_add(struct etr__log *log, const struct etr_event *ev, struct etr_event **kept);

/* Where there are *n places for packed events, at least one; NULL when out of memory. */
struct etr__packed *etr__log_room(struct etr__log *log, int *n);

/* So many places were filled, and the last event was at that time. */
void etr__log_filled(struct etr__log *log, int n, int64_t time);

/* The number of a context, or -1: there are too many. */
int etr__log_context(struct etr__log *log, int64_t p, int64_t m);

/* When all is written, and before anything is read. */
void etr__log_rewind(struct etr__log *log);

/* The next ones, max at most, and how many, 0 at the end; their times made to increase from *last_time on.  Each is read once. */
int etr__log_read(struct etr__log *log, int64_t *last_time, struct etr_event *events, int max);

#endif
