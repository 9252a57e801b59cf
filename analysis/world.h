/* SPDX-License-Identifier: BSD-3-Clause
 *
 * world.h - what is alive at a point of a trace: goroutines, processors, threads, ranges, tasks and regions.
 *
 * It follows the delivered events, and so knows what they tell and nothing else: what an event meant on the wire follows from it.
 */
#ifndef ANALYSIS_WORLD_H
#define ANALYSIS_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include <exectrace/reader.h>

#include "analysis/source.h"
#include "analysis/wordmap.h"

/* A position among a G's or P's events in a generation that is being written; see recode.h. */
struct an_count {
	uint64_t generation;	/* for which n counts; of another one nothing was written yet */
	uint64_t n;
};

/* A range that is open: on a goroutine, a processor, or of the whole program. */
struct an_open_range {
	an_text_id name;
	an_stack_id stack;	/* where it began, 0 if that was not seen */
	int64_t begin;		/* when; INT64_MIN if that was not seen */
	uint64_t told;		/* number of the trace's Sync behind which it last began or was said to be active */
};

struct an_open_region {
	uint64_t task;
	an_text_id type;
	int64_t begin;
};

struct an_open_task {
	uint64_t parent;
	an_text_id type;
	int64_t begin;
};

struct an_m;

struct an_go {
	int64_t id;
	uint8_t state;		/* enum etr_state */
	struct an_m *m;		/* on which it runs or is in a syscall, NULL elsewhere */
	int64_t since;		/* when it entered its state */
	an_text_id reason;	/* the event's that made it, or "(from STATE)" */
	an_stack_id stack;	/* its own then */
	an_stack_id event_stack;	/* of the event that made it, be it another goroutine's */
	uint64_t lock;		/* that event_stack stands for, if has_lock */
	bool has_lock;
	bool has_run;
	int64_t p;		/* Syscall: the processor that it had when that began, -1 for none */
	an_text_id function;	/* that it started in, 0 while unknown */
	struct an_open_range *ranges;
	size_t nranges, ranges_cap;
	struct an_open_region *regions;	/* outermost first */
	size_t nregions, regions_cap;
	struct an_count count;
	struct an_go *next, *prev;	/* all that exist, in order of appearance */
};

struct an_proc {
	int64_t id;
	uint8_t state;		/* ETR_STATE_RUNNING or ETR_STATE_IDLE */
	bool in_syscall;	/* running, that is in a syscall with its thread */
	bool unsure;		/* which of the two, since only statuses have told of it */
	bool abandoned;		/* recode.h: idle in the slice, since its thread ended in a syscall there */
	bool sweeping;
	struct an_m *m;		/* that holds it, NULL for none */
	struct an_open_range sweep;
	int64_t since;
	struct an_count count;
	struct an_proc *next;
};

struct an_m {
	int64_t id;
	struct an_go *g;
	struct an_proc *p;
	/*
	 * recode.h: the status of a processor on this thread that waits for what follows to tell whether it is in a syscall, and
	 * behind it that of a goroutine.
	 */
	bool holds, holds_g;
	int64_t held_time, held_g_time;
	struct an_proc *held;
	uint64_t held_g[4];
	struct an_m *next;
};

#define AN_WORLD_CACHE 1024
#define AN_WORLD_M_CACHE 256

struct an_world {
	struct an_source *source;	/* the caller's */
	struct an_map gs, ps, ms;	/* id -> pointer */
	struct an_go *first_g, *last_g, *free_gs;
	struct an_proc *first_p, **last_p;
	struct an_m *first_m, **last_m;
	struct an_go *g_cache[AN_WORLD_CACHE];
	struct an_m *m_cache[AN_WORLD_M_CACHE];
	bool marking;			/* a collection is */
	struct an_open_range mark;
	struct an_map tasks;		/* id -> struct an_open_task */
	struct an_map met;		/* goroutines of the time before a slice that have appeared in it */
	an_text_id assist_name, from_state[ETR_STATE_COUNT_];
	bool oom;
};

/* The source must outlive the world.  Return: 0 or -ETR_E_NOMEM. */
int an_world_init(struct an_world *world, struct an_source *source);
void an_world_free(struct an_world *world);

/* Takes events that the source gave, before the next ones are asked for.  Return: 0 or -ETR_E_NOMEM. */
int an_world_events(struct an_world *world, const struct etr_event *events, size_t n);

static inline int an_world_event(struct an_world *world, const struct etr_event *event)
{
	return an_world_events(world, event, 1);
}

/* NULL for what is unknown. */
struct an_go *an_world_g(struct an_world *world, int64_t id);
struct an_proc *an_world_p(struct an_world *world, int64_t id);
struct an_m *an_world_m(struct an_world *world, int64_t id);

/* Has a goroutine of the time before this slice appeared? */
static inline bool an_world_knew(const struct an_world *world, int64_t id)
{
	return an_map_find(&world->met, &(uint64_t){ (uint64_t)id }) != NULL;
}

/* The same, made if need be (a processor as one of no state); NULL when out of memory. */
struct an_proc *an_world_get_p(struct an_world *world, int64_t id);
struct an_m *an_world_get_m(struct an_world *world, int64_t id);

/* Is this the name of a stop-the-world?  If so it becomes its kind. */
bool an_is_stw(const char **name, size_t *len);

#endif
