/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ranktest.h - whether durations of two traces differ by more than chance.
 *
 * Durations: the rank sum test of Wilcoxon, Mann and Whitney (H. B. Mann, D. R. Whitney, "On a test of whether one of two random
 * variables is stochastically larger than the other", Annals of Mathematical Statistics 18, 1947), on histograms: what lies in
 * one bucket is tied, and the variance has the usual correction for ties.  The durations of a trace are not independent of each
 * other; so each side's part of the variance is multiplied by a design effect (L. Kish, "Survey Sampling", 1965), the variance of
 * the mean logarithm as blocks of time give it over what it were if all durations were independent, if that is above 1.
 *
 * How often: the same test on the rates in parts of the time.
 *
 * Two runs of one program are not alike to the degree that parts of one run are: the machine is busier, a cache is cold.  What
 * that does cannot be told from one run of each; but a difference is less likely to come from there if hardly any part of the
 * one run looks like a part of the other.  That is what `parts` tells.
 */
#ifndef ANALYSIS_RANKTEST_H
#define ANALYSIS_RANKTEST_H

#include <stdbool.h>
#include <stddef.h>

#include "analysis/hist.h"
#include "analysis/series.h"

struct an_rank_result {
	bool enough;		/* there was enough to tell at all */
	double effect;		/* how probably one of the second is larger than one of the first, ties by half: 0 to 1 */
	double p;		/* two-sided */
	double parts;		/* the effect again, of the means of parts of the time rather than of single durations */
};

/* A histogram with its series, and the time it is from. */
struct an_rank_side {
	const struct an_hist *hist;
	const struct an_series_clock *clock;
	int64_t end;		/* of the time that the clock's origin begins, ns */
};

void an_rank_durations(const struct an_rank_side *a, const struct an_rank_side *b, struct an_rank_result *result);
void an_rank_rates(const struct an_rank_side *a, const struct an_rank_side *b, struct an_rank_result *result);

/*
 * Holm's step-down (S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6,
 * 1979): makes each of n probabilities what it is worth among n, in place.  Return: 0 or -ETR_E_NOMEM.
 */
int an_rank_holm(double *const *p, size_t n);

#endif
