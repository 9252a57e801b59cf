/* SPDX-License-Identifier: BSD-3-Clause
 *
 * hist.h - histograms of durations: how often, how long altogether, and percentiles within an eighth.
 *
 * A few durations are kept as they are, so the many names that occur once or twice in a trace cost little.
 */
#ifndef ANALYSIS_HIST_H
#define ANALYSIS_HIST_H

#include <stdint.h>

#define AN_HIST_FEW	8
#define AN_HIST_BUCKETS 496	/* eight to each doubling, from 0 to 2^63 */

/* Zeroed, it is empty. */
struct an_hist {
	uint64_t count;
	int64_t ns, max;
	int64_t few[AN_HIST_FEW];	/* all that was added, while buckets is NULL */
	uint64_t *buckets;		/* AN_HIST_BUCKETS, once there were more */
};

void an_hist_free(struct an_hist *hist);

static inline unsigned an_hist_bucket(uint64_t ns)
{
	unsigned octave;

	if (ns < 8)
		return (unsigned)ns;
	octave = 63 - (unsigned)__builtin_clzll(ns);
	return (octave - 2) * 8 + (unsigned)(ns >> (octave - 3) & 7);
}

/* The half of the next that comes by once. */
int an__hist_spread(struct an_hist *hist);

/* Negative durations count as 0.  Return: 0 or -ETR_E_NOMEM. */
static inline int an_hist_add(struct an_hist *hist, int64_t ns)
{
	if (ns < 0)
		ns = 0;
	if (!hist->buckets) {
		if (hist->count < AN_HIST_FEW) {
			hist->few[hist->count] = ns;
		} else {
			int rc = an__hist_spread(hist);

			if (rc < 0)
				return rc;
		}
	}
	if (hist->buckets)
		hist->buckets[an_hist_bucket((uint64_t)ns)]++;
	hist->count++;
	hist->ns += ns;
	if (ns > hist->max)
		hist->max = ns;
	return 0;
}

/*
 * The duration that `part` (0 to 1) of those counted do not exceed: one of them while they are few, then rounded up to its
 * bucket's end; 0 if none was counted.
 */
int64_t an_hist_percentile(const struct an_hist *hist, double part);

#endif
