/* SPDX-License-Identifier: BSD-3-Clause
 *
 * timeline.h - how much of something there was over time, in a fixed number of time buckets whose width doubles as time goes on.
 */
#ifndef ANALYSIS_TIMELINE_H
#define ANALYSIS_TIMELINE_H

#include <stddef.h>
#include <stdint.h>

#define AN_TIMELINE_BUCKETS 256

/* What is counted, all along at once. */
enum an_level {
	AN_LEVEL_RUNNING,	/* goroutines that run */
	AN_LEVEL_RUNNABLE,	/* goroutines that could, but wait for a processor */
	AN_LEVEL_PROCS,		/* processors that run */
	AN_LEVEL_GC,		/* collections under way */
	AN_LEVEL_COUNT_
};

struct an_timeline {
	int64_t origin;		/* where the first bucket begins */
	int64_t width;		/* of a bucket, ns */
	int64_t last;		/* up to when areas are up to date; nothing before origin counts */
	int64_t bucket_end;	/* of the bucket that last is in; INT64_MIN before the origin is reached */
	size_t bucket;		/* its index */
	int64_t level[AN_LEVEL_COUNT_];				/* at present */
	int64_t area[AN_TIMELINE_BUCKETS][AN_LEVEL_COUNT_];	/* level times ns, in each bucket */
};

void an_timeline_init(struct an_timeline *timeline, int64_t origin);

/* The half of the next where a bucket ends. */
void an__timeline_cross(struct an_timeline *timeline, int64_t time);

/* Brings the areas up to a time, which never goes back.  To be called before a level is changed. */
static inline void an_timeline_advance(struct an_timeline *timeline, int64_t time)
{
	int64_t ns = time - timeline->last;
	int64_t *area = timeline->area[timeline->bucket];

	if (__builtin_expect(time >= timeline->bucket_end, 0)) {
		an__timeline_cross(timeline, time);
		return;
	}
	for (int i = 0; i < AN_LEVEL_COUNT_; i++)
		area[i] += timeline->level[i] * ns;
	timeline->last = time;
}

/* Adds other's areas, bucket for bucket of equal time since the origin. */
void an_timeline_merge(struct an_timeline *timeline, const struct an_timeline *other);

/*
 * The mean of a level in each of n equal parts of the time from the origin to end, which may not be before timeline->last; parts
 * smaller than a bucket show the bucket's mean.
 */
void an_timeline_means(const struct an_timeline *timeline, enum an_level level, int64_t end, double *means, size_t n);

#endif
