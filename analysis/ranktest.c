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

/* Rates are compared in so many parts of the time, each long enough to hide what hangs together. */
#define RATE_PARTS 16

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

void an_rank_durations(const struct an_rank_side *a, const struct an_rank_side *b, struct an_rank_result *result)
{
	uint64_t counts_a[AN_HIST_BUCKETS] = { 0 }, counts_b[AN_HIST_BUCKETS] = { 0 };
	double n = (double)a->hist->count, m = (double)b->hist->count, all = n + m, below = 0, u = 0, ties = 0;
	double effect_a, effect_b, variance;
	unsigned blocks_a, blocks_b;

	*result = (struct an_rank_result){ .effect = 0.5, .p = 1 };
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
	variance = (all + 1 - ties / (all * (all - 1))) / (12 * n * m);
	variance *= (effect_a / n + effect_b / m) / (1 / n + 1 / m);
	if (variance > 0)
		result->p = tail((result->effect - 0.5) / sqrt(variance), (double)(blocks_a < blocks_b ? blocks_a : blocks_b) - 1);
}

/* How often a second, in parts of the time.  What is left of the last part does not count.  Returns how many parts there are. */
static unsigned rates(const struct an_rank_side *side, double *out)
{
	unsigned blocks = side->hist->series ? an_series_blocks(side->clock, side->end) : 0;
	unsigned step = (blocks + RATE_PARTS - 1) / RATE_PARTS, parts = 0;

	/* The last block is not all in the trace. */
	for (unsigned i = 0; step && i + step < blocks; i += step) {
		double sum = 0;

		for (unsigned k = 0; k < step; k++)
			sum += (double)side->hist->series->n[i + k];
		out[parts++] = sum / ((double)step * exp2(side->clock->shift));
	}
	return parts;
}

void an_rank_rates(const struct an_rank_side *a, const struct an_rank_side *b, struct an_rank_result *result)
{
	double rates_a[AN_SERIES_BLOCKS], rates_b[AN_SERIES_BLOCKS], u = 0, ties = 0, variance;
	unsigned n = rates(a, rates_a), m = rates(b, rates_b);
	double all = n + m;

	*result = (struct an_rank_result){ .effect = 0.5, .p = 1 };
	if (n < LEAST_BLOCKS || m < LEAST_BLOCKS || a->hist->count < LEAST_DURATIONS || b->hist->count < LEAST_DURATIONS)
		return;
	for (unsigned j = 0; j < m; j++)
		for (unsigned i = 0; i < n; i++)
			u += rates_b[j] > rates_a[i] ? 1 : rates_b[j] == rates_a[i] ? 0.5 : 0;
	for (unsigned i = 0; i < n + m; i++) {
		double value = i < n ? rates_a[i] : rates_b[i - n], same = 0;

		for (unsigned k = 0; k < n + m; k++)
			same += (k < n ? rates_a[k] : rates_b[k - n]) == value;
		/* Each of t equal ones adds (t^3 - t) / t. */
		ties += same * same - 1;
	}
	result->enough = true;
	result->effect = u / ((double)n * m);
	variance = (all + 1 - ties / (all * (all - 1))) / (12.0 * n * m);
	if (variance > 0)
		result->p = tail((result->effect - 0.5) / sqrt(variance), (n < m ? n : m) - 1);
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
