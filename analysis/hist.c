/* SPDX-License-Identifier: BSD-3-Clause
 *
 * hist.c - percentiles of a histogram.
 */
#include "config.h"

#include "analysis/hist.h"

/* The largest duration of a bucket. */
static int64_t bucket_end(unsigned bucket)
{
	unsigned octave = bucket / 8 + 2;

	if (bucket < 8)
		return bucket;
	return (int64_t)(((UINT64_C(8) + bucket % 8 + 1) << (octave - 3)) - 1);
}

int64_t an_hist_percentile(const struct an_hist *hist, double part)
{
	uint64_t wanted = (uint64_t)(part * (double)hist->count + 0.9999999), seen = 0;

	if (!hist->count)
		return 0;
	if (wanted < 1)
		wanted = 1;
	for (unsigned b = 0; b < AN_HIST_BUCKETS; b++) {
		seen += hist->buckets[b];
		if (seen >= wanted)
			return bucket_end(b) < hist->max ? bucket_end(b) : hist->max;
	}
	return hist->max;
}
