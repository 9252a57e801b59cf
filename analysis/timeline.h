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
	int64_t since[AN_LEVEL_COUNT_];	/* up to when the level is in its area; all in one bucket, and not before the origin */
	int64_t bucket_end;	/* of that bucket; INT64_MIN before the origin is reached */
	size_t bucket;		/* its index */
	int64_t level[AN_LEVEL_COUNT_];				/* at present */
	int64_t area[AN_TIMELINE_BUCKETS][AN_LEVEL_COUNT_];	/* level times ns, in each bucket */
};

void an_timeline_init(struct an_timeline *timeline, int64_t origin);

/* Brings all areas up to a time, which never goes back. */
void an_timeline_advance(struct an_timeline *timeline, int64_t time);

/* At a time, which never goes back, a level becomes another. */
static inline void an_timeline_change(struct an_timeline *timeline, enum an_level level, int64_t delta, int64_t time)
{
	if (__builtin_expect(time >= timeline->bucket_end, 0))
		an_timeline_advance(timeline, time);
	if (__builtin_expect(time > timeline->since[level], 1)) {
		timeline->area[timeline->bucket][level] += timeline->level[level] * (time - timeline->since[level]);
		timeline->since[level] = time;
	}
	timeline->level[level] += delta;
}

/* Adds other's areas, bucket for bucket of equal time since the origin. */
void an_timeline_merge(struct an_timeline *timeline, const struct an_timeline *other);

/*
 * The mean of a level in each of n equal parts of the time from the origin to end, up to which the areas are brought; parts
 * smaller than a bucket show the bucket's mean.
 */
void an_timeline_means(const struct an_timeline *timeline, enum an_level level, int64_t end, double *means, size_t n);

#endif
