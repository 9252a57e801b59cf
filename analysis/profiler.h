/* SPDX-License-Identifier: BSD-3-Clause
 *
 * profiler.h - makes profiles from a trace, any number of kinds in one pass.
 */
#ifndef ANALYSIS_PROFILER_H
#define ANALYSIS_PROFILER_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/filter.h"
#include "analysis/idtable.h"
#include "analysis/labels.h"
#include "analysis/locks.h"
#include "analysis/profile.h"
#include "analysis/source.h"
#include "analysis/wordmap.h"

enum an_profile_kind {
	AN_PROFILE_NET,
	AN_PROFILE_SYNC,
	AN_PROFILE_SYSCALL,
	AN_PROFILE_SCHED,
	AN_PROFILE_BLOCK,
	AN_PROFILE_MUTEX,
	AN_PROFILE_CPU,
	AN_PROFILE_WALL,
	AN_PROFILE_COUNT_
};

/* "net", "sync", ...; and back, -1 for a name that is none. */
const char *an_profile_kind_name(int kind);
int an_profile_kind_by_name(const char *name, size_t len);

/* Units of a kind's two values, its labels unless one says otherwise, and whose intervals count: bits 1 << enum etr_state. */
const char *an_profile_count_type(int kind);
const char *an_profile_time_type(int kind);
unsigned an_profile_labels(int kind);
unsigned an_profile_states(int kind);

/* What a wait's reason says. */
#define AN_REASON_KNOWN   1u
#define AN_REASON_NETWORK 2u
#define AN_REASON_SYNC    4u

/* An interval as it begins. */
struct an_stay {
	uint32_t slot;			/* where it counts in the profile `kind`; AN_NO_SLOT for nowhere */
	uint32_t block_slot, wall_slot;	/* likewise in those */
	an_text_id reason;		/* of a wait, else 0 */
	uint8_t kind;			/* enum an_profile_kind; AN_PROFILE_COUNT_ for none */
	uint8_t state;			/* enum etr_state */
	bool no_lock;			/* a wait for no lock, as far as a mutex profile has asked */
};

struct an_profiler {
	struct an_source *source;	/* the caller's */
	unsigned wanted;		/* bits 1 << kind */
	struct an_profile profiles[AN_PROFILE_COUNT_];
	struct an_labeler labeler;
	struct an_locks locks;
	struct an_idtable gs;		/* goroutines that exist */
	bool has_tasks;			/* labels want to know of tasks and regions */
	struct an_filter *filter;	/* the caller's, or the one below; NULL: all is taken */
	struct an_filter window;	/* of a slice */
	struct an_profile_times times;	/* of the traces that have been finished */

	an_text_id from[ETR_STATE_COUNT_];	/* "(from STATE)" */
	an_text_id forever;

	/* What reasons say, by text id: bits AN_REASON_..., 0 where not looked at yet. */
	uint8_t *reasons;
	size_t reasons_cap;

	/* How an interval began last at each stack of the reader's generation, where all that begin so are alike. */
	struct an_start {
		uint32_t how;		/* kind, resource, from and to of the event; 0: none yet */
		etr_string_id reason;
		struct an_stay stay;
	} *starts;
	size_t starts_cap;
	bool has_starts;		/* no labels tell those apart */

	uint8_t look_at[ETR_STATE_COUNT_];	/* of transitions, by `from`: bits 1 << `to` of those that are looked at */
	bool looks_for_ends;		/* and at waits for ever */
	bool is_plain;			/* all intervals count, with their whole lengths, for what began them */

	struct an_map pending;		/* G and kind -> an interval that counts only if that G never runs */
	struct an_map runs;		/* G -> samples within its present run, for wall */
};

/*
 * wanted: bits 1 << enum an_profile_kind; labels: bits 1 << enum an_label.  The source must outlive the profiler.  Return: 0 or
 * -ETR_E_NOMEM.
 */
int an_profiler_init(struct an_profiler *profiler, struct an_source *source, unsigned wanted, unsigned labels);
void an_profiler_free(struct an_profiler *profiler);

/* Takes only part of each trace.  The filter must outlive the profiler, and have been started when a trace's first event comes. */
void an_profiler_set_filter(struct an_profiler *profiler, struct an_filter *filter);

/*
 * Whether nothing can count any more from a time on, and reading may end.  (Intervals that began before do count if they end,
 * which those of some kinds must.)
 */
bool an_profiler_is_done(const struct an_profiler *profiler, int64_t time);

/* Takes events that an_source_next_events() gave, before more are asked for.  Return: 0 or -ETR_E_NOMEM. */
int an_profiler_events(struct an_profiler *profiler, const struct etr_event *events, int n);

/* The same for one that an_source_next() gave. */
static inline int an_profiler_event(struct an_profiler *profiler, const struct etr_event *event)
{
	return an_profiler_events(profiler, event, 1);
}

/* Finds out what a reason says, and keeps it.  Bits; 0 when out of memory, which the names tell. */
unsigned an__profiler_look_at_reason(struct an_profiler *profiler, an_text_id reason);

/* The trace has ended, well or badly, or enough of it was read; the source may go on with another.  Return: 0 or -ETR_E_NOMEM. */
int an_profiler_finish(struct an_profiler *profiler);

#endif
