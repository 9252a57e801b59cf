/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ranktest.c - see ranktest.h.
 */
#include "config.h"

#include "analysis/ranktest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <exectrace/error.h>

/* Fewer durations, or fewer blocks of time that have some, tell nothing. */
#define LEAST_DURATIONS 20
#define LEAST_BLOCKS 6

/* The time has so many parts, each long enough to hide what hangs together. */
#define PARTS 16

/* Two-sided, of a statistic that has Student's distribution; by a normal one, Abramowitz and Stegun 26.7.8. */
static double tail(double t, double degrees)
{
	double z = fabs(t) * (1 - 1 / (4 * degrees)) / sqrt(1 + t * t / (2 * degrees));

	return erfc(z / M_SQRT2);
}

/* The mean and variance of the logarithms in a histogram, to the bucket. */
static double variance_of_logs(const uint64_t *counts, uint64_t n)
{
	double sum = 0, squares = 0, mean;

	for (unsigned b = 0; b < AN_HIST_BUCKETS; b++) {
		double low = b ? (double)an_hist_bucket_end(b - 1) + 1 : 0;
		double log = log2((low + (double)an_hist_bucket_end(b)) / 2 + 1);

		sum += log * (double)counts[b];
		squares += log * log * (double)counts[b];
	}
	mean = sum / (double)n;
	return squares / (double)n - mean * mean;
}

/* How many times larger the variance of the mean is than that of independent durations; *blocks: how many tell. */
static double design_effect(const struct an_rank_side *side, const uint64_t *counts, unsigned *blocks)
{
	const struct an_series *series = side->hist->series;
	double n = 0, sum = 0, mean, between = 0, within;

	*blocks = 0;
	for (unsigned i = 0; series && i < AN_SERIES_BLOCKS; i++) {
		n += (double)series->n[i];
		sum += series->sum[i];
		*blocks += series->n[i] > 0;
	}
	if (*blocks < 2)
		return 1;
	mean = sum / n;
	for (unsigned i = 0; i < AN_SERIES_BLOCKS; i++) {
		double off = series->sum[i] - mean * (double)series->n[i];

		between += off * off;
	}
	between *= (double)*blocks / (*blocks - 1.0) / (n * n);
	within = variance_of_logs(counts, side->hist->count) / n;
	return within > 0 && between > within ? between / within : 1;
}

/*
 * What there was in each part of the time: how often a nanosecond, or the mean logarithm in those that have any.  What is left
 * of the last part does not count.  Returns how many parts there are.
 */
static unsigned parts_of(const struct an_rank_side *side, bool rates, double *out)
{
	const struct an_series *series = side->hist->series;
	unsigned blocks = series ? an_series_blocks(side->clock, side->end) : 0;
	unsigned step = (blocks + PARTS - 1) / PARTS, parts = 0;

	/* The last block is not all in the trace. */
	for (unsigned i = 0; step && i + step < blocks; i += step) {
		double n = 0, sum = 0;

		for (unsigned k = 0; k < step; k++) {
			n += (double)series->n[i + k];
			sum += series->sum[i + k];
		}
		if (rates)
			out[parts++] = n / ((double)step * exp2(side->clock->shift));
		else if (n > 0)
			out[parts++] = sum / n;
	}
	return parts;
}

/* How probably one of b is larger than one of a, ties by half; *ties: the sum of t^3 - t over groups of t equal ones. */
static double effect_of(const double *a, unsigned n, const double *b, unsigned m, double *ties)
{
	double u = 0;

	*ties = 0;
	for (unsigned j = 0; j < m; j++)
		for (unsigned i = 0; i < n; i++)
			u += b[j] > a[i] ? 1 : b[j] == a[i] ? 0.5 : 0;
	for (unsigned i = 0; i < n + m; i++) {
		double value = i < n ? a[i] : b[i - n], same = 0;

		for (unsigned k = 0; k < n + m; k++)
			same += (k < n ? a[k] : b[k - n]) == value;
		/* Each of t equal ones adds (t^3 - t) / t. */
		*ties += same * same - 1;
	}
	return n && m ? u / ((double)n * m) : 0.5;
}

void an_rank_durations(const struct an_rank_side *a, const struct an_rank_side *b, struct an_rank_result *result)
{
	uint64_t counts_a[AN_HIST_BUCKETS] = { 0 }, counts_b[AN_HIST_BUCKETS] = { 0 };
	double n = (double)a->hist->count, m = (double)b->hist->count, all = n + m, below = 0, u = 0, ties = 0;
	double effect_a, effect_b, variance, parts_a[AN_SERIES_BLOCKS], parts_b[AN_SERIES_BLOCKS], ties_of_parts;
	unsigned blocks_a, blocks_b, parts;

	*result = (struct an_rank_result){ .effect = 0.5, .p = 1, .parts = 0.5 };
	if (a->hist->count < LEAST_DURATIONS || b->hist->count < LEAST_DURATIONS)
		return;
	an_hist_counts(a->hist, counts_a);
	an_hist_counts(b->hist, counts_b);
	for (unsigned i = 0; i < AN_HIST_BUCKETS; i++) {
		double t = (double)counts_a[i] + (double)counts_b[i];

		u += (double)counts_b[i] * (below + (double)counts_a[i] / 2);
		below += (double)counts_a[i];
		ties += t * t * t - t;
	}
	effect_a = design_effect(a, counts_a, &blocks_a);
	effect_b = design_effect(b, counts_b, &blocks_b);
	result->effect = u / (n * m);
	if (blocks_a < LEAST_BLOCKS || blocks_b < LEAST_BLOCKS)
		return;
	result->enough = true;
	parts = parts_of(a, false, parts_a);
	result->parts = effect_of(parts_a, parts, parts_b, parts_of(b, false, parts_b), &ties_of_parts);
	variance = (all + 1 - ties / (all * (all - 1))) / (12 * n * m);
	variance *= (effect_a / n + effect_b / m) / (1 / n + 1 / m);
	if (variance > 0)
		result->p = tail((result->effect - 0.5) / sqrt(variance), (double)(blocks_a < blocks_b ? blocks_a : blocks_b) - 1);
}

void an_rank_rates(const struct an_rank_side *a, const struct an_rank_side *b, struct an_rank_result *result)
{
	double rates_a[AN_SERIES_BLOCKS], rates_b[AN_SERIES_BLOCKS], ties, variance;
	unsigned n = parts_of(a, true, rates_a), m = parts_of(b, true, rates_b);
	double all = n + m;

	*result = (struct an_rank_result){ .effect = 0.5, .p = 1, .parts = 0.5 };
	if (n < LEAST_BLOCKS || m < LEAST_BLOCKS || a->hist->count < LEAST_DURATIONS || b->hist->count < LEAST_DURATIONS)
		return;
	result->enough = true;
	result->effect = result->parts = effect_of(rates_a, n, rates_b, m, &ties);
	variance = (all + 1 - ties / (all * (all - 1))) / (12.0 * n * m);
	if (variance > 0)
		result->p = erfc(fabs(result->effect - 0.5) / sqrt(2 * variance));
}

static int by_value(const void *left, const void *right)
{
	double a = **(double *const *)left, b = **(double *const *)right;

	return a < b ? -1 : a > b;
}

int an_rank_holm(double *const *p, size_t n)
{
	double **sorted = malloc((n + 1) * sizeof(*sorted)), least = 0;

	if (!sorted)
		return -ETR_E_NOMEM;
	memcpy(sorted, p, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_value);
	for (size_t i = 0; i < n; i++) {
		double worth = *sorted[i] * (double)(n - i);

		least = worth > least ? worth : least;
		*sorted[i] = least < 1 ? least : 1;
	}
	free(sorted);
	return 0;
}
