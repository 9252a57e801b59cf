/* SPDX-License-Identifier: BSD-3-Clause
 *
 * hist.c - what histograms do seldom: making room, merging, percentiles.
 */
#include "config.h"

#include "analysis/hist.h"

#include <stdlib.h>
#include <string.h>

#include <exectrace/error.h>

/* Buckets come in whole octaves, and with one to spare on the side where they were short. */
#define OCTAVE 8u

void an_hist_free(struct an_hist *hist)
{
	free(hist->buckets);
	free(hist->series);
	memset(hist, 0, sizeof(*hist));
}

/* Makes the buckets from first up to, not including, end exist. */
static int make_room(struct an_hist *hist, uint32_t first, uint32_t end)
{
	uint64_t *bigger;

	if (hist->n && first > hist->first)
		first = hist->first;
	if (hist->n && end < hist->first + hist->n)
		end = hist->first + hist->n;
	if (hist->n == end - first)
		return 0;
	bigger = calloc(end - first, sizeof(*bigger));
	if (!bigger)
		return -ETR_E_NOMEM;
	if (hist->n)
		memcpy(bigger + (hist->first - first), hist->buckets, hist->n * sizeof(*bigger));
	free(hist->buckets);
	hist->buckets = bigger;
	hist->first = first;
	hist->n = end - first;
	return 0;
}

static int reach(struct an_hist *hist, int64_t ns)
{
	uint32_t bucket = an_hist_bucket((uint64_t)ns), first = bucket / OCTAVE * OCTAVE, end = first + OCTAVE;

	if (hist->n && bucket - hist->first < hist->n)
		return 0;
	if (first >= OCTAVE && (!hist->n || bucket < hist->first))
		first -= OCTAVE;
	if (end < AN_HIST_BUCKETS && (!hist->n || bucket >= hist->first + hist->n))
		end += OCTAVE;
	return make_room(hist, first, end);
}

/* From few to buckets. */
static int spread(struct an_hist *hist)
{
	for (uint64_t i = 0; i < hist->count; i++)
		if (reach(hist, hist->few[i]) < 0)
			return -ETR_E_NOMEM;
	for (uint64_t i = 0; i < hist->count; i++)
		hist->buckets[an_hist_bucket((uint64_t)hist->few[i]) - hist->first]++;
	return 0;
}

int an__hist_place(struct an_hist *hist, int64_t ns)
{
	if (!hist->n && hist->count < AN_HIST_FEW) {
		hist->few[hist->count] = ns;
		return 0;
	}
	if ((!hist->n && spread(hist) < 0) || reach(hist, ns) < 0)
		return -ETR_E_NOMEM;
	hist->buckets[an_hist_bucket((uint64_t)ns) - hist->first]++;
	return 0;
}

int an_hist_merge(struct an_hist *to, const struct an_hist *from)
{
	const int64_t ns = to->ns + from->ns;

	if (!from->n) {
		for (uint64_t i = 0; i < from->count; i++)
			if (an_hist_add(to, from->few[i]) < 0)
				return -ETR_E_NOMEM;
	} else {
		if ((!to->n && spread(to) < 0) || make_room(to, from->first, from->first + from->n) < 0)
			return -ETR_E_NOMEM;
		for (uint32_t i = 0; i < from->n; i++)
			to->buckets[from->first - to->first + i] += from->buckets[i];
		to->count += from->count;
		if (from->max > to->max)
			to->max = from->max;
	}
	to->ns = ns;
	return 0;
}

void an_hist_counts(const struct an_hist *hist, uint64_t *counts)
{
	for (uint32_t i = 0; i < hist->n; i++)
		counts[hist->first + i] += hist->buckets[i];
	for (uint64_t i = 0; !hist->n && i < hist->count; i++)
		counts[an_hist_bucket((uint64_t)hist->few[i])]++;
}

int64_t an_hist_bucket_end(unsigned bucket)
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
	if (!hist->n) {
		memcpy(few, hist->few, sizeof(few));
		qsort(few, hist->count, sizeof(few[0]), by_size);
		return few[(wanted < hist->count ? wanted : hist->count) - 1];
	}
	for (uint32_t i = 0; i < hist->n; i++) {
		int64_t end = an_hist_bucket_end(hist->first + i);

		seen += hist->buckets[i];
		if (seen >= wanted)
			return end < hist->max ? end : hist->max;
	}
	return hist->max;
}
