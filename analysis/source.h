/* SPDX-License-Identifier: BSD-3-Clause
 *
 * source.h - a trace as analyses see it: events from a reader, with names, notes and clocks kept up to date.
 */
#ifndef ANALYSIS_SOURCE_H
#define ANALYSIS_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include <exectrace/reader.h>

#include "analysis/names.h"
#include "analysis/past.h"
#include "analysis/tracenotes.h"

#define AN_SOURCE_AHEAD 64

struct an_source {
	struct etr_reader *reader;	/* the caller's; what it tells beside events may be up to AN_SOURCE_AHEAD events ahead */
	struct etr_event ahead[AN_SOURCE_AHEAD];	/* events taken from it, of one generation, [next_ahead, nahead) not given yet */
	int nahead, next_ahead;
	struct an_names names;
	struct an_notes notes;
	struct an_past past;		/* of a slice */

	/*
	 * Of the events delivered so far: the time of the first, which is a Sync, and of the last.  When a trace ends well
	 * the last is a Sync too.
	 */
	int64_t start, end;
	uint64_t events, syncs;
	bool last_was_sync;
	bool sought;		/* an_source_seek() was called, and no Sync has come since */
	uint64_t first_generation;	/* as in the file */

	/* The first clock snapshot: trace time, and wall time of the same instant. */
	bool has_clock;
	int64_t clock_trace_ns, clock_wall_sec;
	uint32_t clock_wall_nsec;
	int oom;
};

/* The reader must be open, outlive the source, and be read by nobody else.  Return: 0 or -ETR_E_NOMEM. */
int an_source_init(struct an_source *source, struct etr_reader *reader);
void an_source_free(struct an_source *source);

/* Goes on with another trace: names and modules stay, everything else is that one's. */
void an_source_reopen(struct an_source *source, struct etr_reader *reader);

/* The next event, and what follows from a Sync.  Return as etr_reader_next(); -ETR_E_NOMEM also for the tables here. */
int an_source_next(struct an_source *source, struct etr_event *event);

/*
 * etr_reader_seek_time() and _generation(), to be called behind the trace's first Sync, which comes again if nothing can be passed over.
 * Return as there.
 */
int an_source_seek(struct an_source *source, int64_t time);
int an_source_seek_generation(struct an_source *source, uint64_t generation);

/* When the trace begins, but a slice with its window; likewise its end. */
static inline int64_t an_source_begin(const struct an_source *source)
{
	return source->start < source->past.from ? source->past.from : source->start;
}

static inline int64_t an_source_end(const struct an_source *source)
{
	return source->end > source->past.to ? source->past.to : source->end;
}

/* Does an event of a slice stand outside its window?  Such ones tell the state at its borders, and did not happen there. */
static inline bool an_source_is_outside(const struct an_source *source, const struct etr_event *event)
{
	return event->time < source->past.from || event->time >= source->past.to;
}
/* The same for up to max events, of one generation, a Sync first: etr_reader_next_events().  Return as there. */
int an_source_next_events(struct an_source *source, struct etr_event *events, int max);

/* Generations of which an event was delivered. */
uint64_t an_source_generations(const struct an_source *source);

/* Wall time, in ns since 1970, of a time of the trace.  False: the trace does not say. */
bool an_source_wall(const struct an_source *source, int64_t time, int64_t *wall_ns);

#endif
