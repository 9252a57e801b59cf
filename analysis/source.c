/* SPDX-License-Identifier: BSD-3-Clause
 *
 * source.c - what every analysis needs of each event, done once.
 *
 * The per-generation caches are reset, and the generation's notes read, when its Sync is delivered, before anyone sees the
 * event.  The trace's last Sync begins no generation; the reader still answers for the last one's ids then.
 */
#include "config.h"

#include "analysis/source.h"

#include <string.h>

int an_source_init(struct an_source *source, struct etr_reader *reader)
{
	memset(source, 0, sizeof(*source));
	source->reader = reader;
	an_notes_init(&source->notes);
	an_past_init(&source->past);
	return an_names_init(&source->names, reader);
}

void an_source_free(struct an_source *source)
{
	an_names_free(&source->names);
	an_notes_free(&source->notes);
	an_past_free(&source->past);
}

void an_source_reopen(struct an_source *source, struct etr_reader *reader)
{
	source->reader = reader;
	source->names.reader = reader;
	an_names_next_generation(&source->names);
	source->start = source->end = 0;
	source->events = source->syncs = 0;
	source->last_was_sync = source->has_clock = false;
	source->nahead = source->next_ahead = 0;
	an_past_free(&source->past);
	an_past_init(&source->past);
}

static int see_sync(struct an_source *source)
{
	const struct etr_sync *sync = etr_reader_sync(source->reader);

	if (source->syncs == 0) {
		source->first_generation = etr_reader_generation(source->reader);
	} else if (source->sought) {
		/* The trace's first generation is as it was. */
		source->sought = false;
		if (etr_reader_generation(source->reader) == source->first_generation) {
			an_names_next_generation(&source->names);
			return an_notes_next_generation(&source->notes, source->reader);
		}
	}
	source->syncs++;
	if (!source->has_clock && sync && sync->has_clock) {
		source->has_clock = true;
		source->clock_trace_ns = sync->trace_ns;
		source->clock_wall_sec = sync->wall_sec;
		source->clock_wall_nsec = sync->wall_nsec;
	}
	an_names_next_generation(&source->names);
	if (an_past_read(&source->past, &source->names, source->reader, source->syncs == 1) < 0)
		return -ETR_E_NOMEM;
	return an_notes_next_generation(&source->notes, source->reader);
}

int an_source_next_events(struct an_source *source, struct etr_event *events, int max)
{
	int n;

	if (source->oom || source->names.oom)
		return -ETR_E_NOMEM;
	n = etr_reader_next_events(source->reader, events, max);
	if (n <= 0)
		return n;
	if (!source->events)
		source->start = events[0].time;
	source->events += (uint64_t)n;
	source->end = events[n - 1].time;
	source->last_was_sync = events[n - 1].kind == ETR_KIND_SYNC;
	if (events[0].kind == ETR_KIND_SYNC && see_sync(source) < 0) {
		source->oom = 1;
		return -ETR_E_NOMEM;
	}
	return n;
}

int an_source_next(struct an_source *source, struct etr_event *event)
{
	int rc;

	if (source->oom || source->names.oom)
		return -ETR_E_NOMEM;
	if (source->next_ahead == source->nahead) {
		rc = etr_reader_next_events(source->reader, source->ahead, AN_SOURCE_AHEAD);
		if (rc <= 0)
			return rc;
		source->nahead = rc;
		source->next_ahead = 0;
	}
	*event = source->ahead[source->next_ahead++];
	if (!source->events++)
		source->start = event->time;
	source->end = event->time;
	source->last_was_sync = event->kind == ETR_KIND_SYNC;
	if (source->last_was_sync && see_sync(source) < 0) {
		source->oom = 1;
		return -ETR_E_NOMEM;
	}
	return 1;
}

uint64_t an_source_generations(const struct an_source *source)
{
	/* A Sync with nothing behind it is the trace's end, or stands before the error that is. */
	return source->syncs - (source->last_was_sync ? 1 : 0);
}

bool an_source_wall(const struct an_source *source, int64_t time, int64_t *wall_ns)
{
	int64_t since, wall;

	if (!source->has_clock || __builtin_sub_overflow(time, source->clock_trace_ns, &since))
		return false;
	if (__builtin_mul_overflow(source->clock_wall_sec, (int64_t)1000000000, &wall) ||
	    __builtin_add_overflow(wall, (int64_t)source->clock_wall_nsec, &wall) || __builtin_add_overflow(wall, since, &wall))
		return false;
	*wall_ns = wall;
	return true;
}

/* The reader has been sought, with that result. */
static int sought(struct an_source *source, int rc)
{
	if (rc != 1)
		return rc;
	source->next_ahead = source->nahead = 0;
	source->sought = true;
	return 1;
}

int an_source_seek(struct an_source *source, int64_t time)
{
	return sought(source, etr_reader_seek_time(source->reader, time));
}

int an_source_seek_generation(struct an_source *source, uint64_t generation)
{
	return sought(source, etr_reader_seek_generation(source->reader, generation));
}
