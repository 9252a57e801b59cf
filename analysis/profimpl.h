/* SPDX-License-Identifier: BSD-3-Clause
 *
 * profimpl.h - what the parts of the profiler share.
 */
#ifndef ANALYSIS_PROFIMPL_H
#define ANALYSIS_PROFIMPL_H

#include "analysis/profiler.h"

/* Of a goroutine: what it has been through. */
#define G_HAS_RUN    1u
#define G_ENDED      2u		/* it blocked for ever: nothing counts any more */
#define G_HAS_REGION 4u		/* it is in a region: samples may have labels */
#define G_HAD_LOCK   8u		/* it has waited for a lock: locks know it */

/* A goroutine. */
struct g {
	int64_t id;
	int64_t since;		/* when the present interval began */
	int64_t blocked;	/* when the wait began that a block profile counts once it runs again */
	uint32_t block_slot;	/* for that; AN_NO_SLOT if there is none */
	an_text_id block_reason;	/* likewise */
	struct an_stay stay;	/* the present interval */
	an_text_id function;	/* known to filters only: where it started */
	uint8_t flags;
};

_Static_assert(sizeof(struct g) <= AN_ENTRY_SIZE, "a goroutine fits in an entry");

static inline bool wants(const struct an_profiler *profiler, enum an_profile_kind kind)
{
	return profiler->wanted & 1u << kind;
}

/* profiler.c: what counts of an interval of a goroutine: 0 and *ns, or -1 if the filter does not take it. */
int an__profiler_interval_counts(struct an_profiler *profiler, const struct g *g, int64_t start, int64_t end, int64_t *ns);

/* profsample.c: CPU samples, and wall time, which is made of them where there are some. */
void an__profiler_init_runs(struct an_profiler *profiler);
void an__profiler_free_runs(struct an_profiler *profiler);

/* Counts the goroutine's present interval, which ends. */
void an__profiler_count_wall(struct an_profiler *profiler, const struct g *g, int64_t end);

/* A run of a goroutine is over. */
void an__profiler_forget_run(struct an_profiler *profiler, int64_t id);

/* Takes a sample.  Return: 0 or -ETR_E_NOMEM. */
int an__profiler_sample(struct an_profiler *profiler, const struct etr_event *event);

#endif
