/* SPDX-License-Identifier: BSD-3-Clause
 *
 * hist.c - percentiles of a histogram.
 */
#include "config.h"

#include "analysis/hist.h"

#include <stdlib.h>
#include <string.h>

#include <exectrace/error.h>

void an_hist_free(struct an_hist *hist)
{
	free(hist->buckets);
	memset(hist, 0, sizeof(*hist));
}

int an__hist_spread(struct an_hist *hist)
{
	hist->buckets = calloc(AN_HIST_BUCKETS, sizeof(*hist->buckets));
	if (!hist->buckets)
		return -ETR_E_NOMEM;
	for (unsigned i = 0; i < AN_HIST_FEW; i++)
		hist->buckets[an_hist_bucket((uint64_t)hist->few[i])]++;
	return 0;
}

/* The largest duration of a bucket. */
static int64_t bucket_end(unsigned bucket)
{
	unsigned octave = bucket / 8 + 2;

	if (bucket < 8)
		return bucket;
	return (int64_t)(((UINT64_C(8) + bucket % 8 + 1) << (octave - 3)) - 1);
}

static int by_size(const void *left, const void *right)
{
	const int64_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

int64_t an_hist_percentile(const struct an_hist *hist, double part)
{
	uint64_t wanted = (uint64_t)(part * (double)hist->count + 0.9999999), seen = 0;
	int64_t few[AN_HIST_FEW];

	if (!hist->count)
		return 0;
	if (wanted < 1)
		wanted = 1;
	if (!hist->buckets) {
		memcpy(few, hist->few, sizeof(few));
		qsort(few, hist->count, sizeof(few[0]), by_size);
		return few[(wanted < hist->count ? wanted : hist->count) - 1];
	}
	for (unsigned b = 0; b < AN_HIST_BUCKETS; b++) {
		seen += hist->buckets[b];
		if (seen >= wanted)
			return bucket_end(b) < hist->max ? bucket_end(b) : hist->max;
	}
	return hist->max;
}
