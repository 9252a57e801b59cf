/* SPDX-License-Identifier: BSD-3-Clause
 *
 * timeline.c - when time goes beyond the last bucket, pairs of buckets are made one until it does not.
 */
#include "config.h"

#include "analysis/timeline.h"

#include <string.h>

#define FIRST_WIDTH 1024	/* ns */

void an_timeline_init(struct an_timeline *timeline, int64_t origin)
{
	memset(timeline, 0, sizeof(*timeline));
	timeline->origin = origin;
	for (int i = 0; i < AN_LEVEL_COUNT_; i++)
		timeline->since[i] = origin;
	timeline->width = FIRST_WIDTH;
	timeline->bucket_end = INT64_MIN;
}

/* Halves the number of buckets in use. */
static void widen(struct an_timeline *timeline)
{
	for (size_t i = 0; i < AN_TIMELINE_BUCKETS / 2; i++)
		for (int k = 0; k < AN_LEVEL_COUNT_; k++)
			timeline->area[i][k] = timeline->area[2 * i][k] + timeline->area[2 * i + 1][k];
	memset(timeline->area[AN_TIMELINE_BUCKETS / 2], 0, sizeof(timeline->area) / 2);
	timeline->width *= 2;
}

/* Makes the bucket of a time, which is not before the origin, the present one. */
static void find_bucket(struct an_timeline *timeline, int64_t time)
{
	uint64_t since = (uint64_t)time - (uint64_t)timeline->origin;
	int64_t end;

	while (since / (uint64_t)timeline->width >= AN_TIMELINE_BUCKETS)
		widen(timeline);
	timeline->bucket = since / (uint64_t)timeline->width;
	if (__builtin_mul_overflow((int64_t)timeline->bucket + 1, timeline->width, &end) ||
	    __builtin_add_overflow(timeline->origin, end, &end))
		end = INT64_MAX;
	timeline->bucket_end = end;
}

/* Brings all areas up to a time in the present bucket, or its end. */
static void fill(struct an_timeline *timeline, int64_t time)
{
	for (int i = 0; i < AN_LEVEL_COUNT_; i++) {
		timeline->area[timeline->bucket][i] += timeline->level[i] * (time - timeline->since[i]);
		timeline->since[i] = time;
	}
}

void an_timeline_advance(struct an_timeline *timeline, int64_t time)
{
	if (time < timeline->origin)
		return;
	/* First the width that the time asks for, so that few buckets are crossed one by one. */
	find_bucket(timeline, time);
	find_bucket(timeline, timeline->since[0]);
	while (time >= timeline->bucket_end && timeline->bucket_end < INT64_MAX) {
		fill(timeline, timeline->bucket_end);
		find_bucket(timeline, timeline->bucket_end);
	}
	fill(timeline, time);
}

void an_timeline_merge(struct an_timeline *timeline, const struct an_timeline *other)
{
	struct an_timeline copy = *other;

	while (copy.width < timeline->width)
		widen(&copy);
	while (timeline->width < copy.width)
		widen(timeline);
	for (size_t i = 0; i < AN_TIMELINE_BUCKETS; i++)
		for (int k = 0; k < AN_LEVEL_COUNT_; k++)
			timeline->area[i][k] += copy.area[i][k];
}

void an_timeline_means(const struct an_timeline *timeline, enum an_level level, int64_t end, double *means, size_t n)
{
	double part = ((double)end - (double)timeline->origin) / (double)n, width = (double)timeline->width;

	for (size_t i = 0; i < n; i++) {
		double from = (double)i * part, to = from + part, sum = 0;
		size_t b = (size_t)(from / width);

		for (; b < AN_TIMELINE_BUCKETS && (double)b * width < to; b++) {
			double bucket_from = (double)b * width, bucket_to = bucket_from + width, full;

			/* The last bucket ends with the trace. */
			if (bucket_to > (double)n * part)
				bucket_to = (double)n * part;
			full = bucket_to - bucket_from;
			bucket_from = bucket_from > from ? bucket_from : from;
			bucket_to = bucket_to < to ? bucket_to : to;
			if (bucket_to > bucket_from && full > 0)
				sum += (double)timeline->area[b][level] * (bucket_to - bucket_from) / full;
		}
		means[i] = part > 0 ? sum / part : 0;
	}
}
