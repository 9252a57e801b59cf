/* SPDX-License-Identifier: BSD-3-Clause
 *
 * hist.h - histograms of durations: how often, how long altogether, and percentiles within an eighth.
 */
#ifndef ANALYSIS_HIST_H
#define ANALYSIS_HIST_H

#include <stdint.h>

#define AN_HIST_BUCKETS 496	/* eight to each doubling, from 0 to 2^63 */

struct an_hist {
	uint64_t count;
	int64_t ns, max;
	uint64_t buckets[AN_HIST_BUCKETS];
};

static inline unsigned an_hist_bucket(uint64_t ns)
{
	unsigned octave;

	if (ns < 8)
		return (unsigned)ns;
	octave = 63 - (unsigned)__builtin_clzll(ns);
	return (octave - 2) * 8 + (unsigned)(ns >> (octave - 3) & 7);
}

/* Negative durations count as 0. */
static inline void an_hist_add(struct an_hist *hist, int64_t ns)
{
	if (ns < 0)
		ns = 0;
	hist->count++;
	hist->ns += ns;
	if (ns > hist->max)
		hist->max = ns;
	hist->buckets[an_hist_bucket((uint64_t)ns)]++;
}

/* The duration that `part` (0 to 1) of those counted do not exceed, rounded up to its bucket's end; 0 if none was counted. */
int64_t an_hist_percentile(const struct an_hist *hist, double part);

#endif
