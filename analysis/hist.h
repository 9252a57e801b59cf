/* SPDX-License-Identifier: BSD-3-Clause
 *
 * hist.h - histograms of durations: how often, how long altogether, and percentiles within an eighth.
 *
 * A few durations are kept as they are, so the many names that occur once or twice in a trace cost little.  Beyond that there
 * are buckets, of which those are held that lie between the shortest and the longest duration so far, about.
 */
#ifndef ANALYSIS_HIST_H
#define ANALYSIS_HIST_H

#include <stdint.h>

#define AN_HIST_FEW	8
#define AN_HIST_BUCKETS 496	/* eight to each doubling, from 0 to 2^63 */

struct an_series;

/* Zeroed, it is empty. */
struct an_hist {
	uint64_t count;
	int64_t ns, max;		/* ns: with the rests of durations, which count elsewhere */
	uint64_t *buckets;		/* NULL while all that was added stands in few */
	uint32_t first, n;		/* buckets[0] is bucket number `first`; there are n of them */
	int64_t few[AN_HIST_FEW];
	struct an_series *series;	/* the same over time, where asked for (series.h); owned */
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

/* The largest duration of a bucket. */
int64_t an_hist_bucket_end(unsigned bucket);

/* The half of the next for durations that no bucket is there for. */
int an__hist_place(struct an_hist *hist, int64_t ns);

/* Adds a duration that is not negative, whose bucket is known.  Return: 0 or -ETR_E_NOMEM, nothing having been added. */
static inline int an_hist_add_at(struct an_hist *hist, unsigned bucket, int64_t ns)
{
	uint32_t i = bucket - hist->first;

	if (__builtin_expect(i < hist->n, 1)) {
		hist->buckets[i]++;
	} else {
		int rc = an__hist_place(hist, ns);

		if (rc < 0)
			return rc;
	}
	hist->count++;
	hist->ns += ns;
	if (ns > hist->max)
		hist->max = ns;
	return 0;
}

/* Negative durations count as 0.  Return: the same. */
static inline int an_hist_add(struct an_hist *hist, int64_t ns)
{
	/* While there are no buckets n is 0, and all durations are placed. */
	if (__builtin_expect(ns < 0, 0))
		ns = 0;
	return an_hist_add_at(hist, an_hist_bucket((uint64_t)ns), ns);
}

/* Adds time to what was counted already, elsewhere: the rest of a duration. */
static inline void an_hist_add_rest(struct an_hist *hist, int64_t ns)
{
	hist->ns += ns < 0 ? 0 : ns;
}

/* Adds all of another histogram, series apart.  Return: 0 or -ETR_E_NOMEM, after which `to` holds part of it. */
int an_hist_merge(struct an_hist *to, const struct an_hist *from);

/* Adds how many durations each bucket has to counts, which has AN_HIST_BUCKETS entries. */
void an_hist_counts(const struct an_hist *hist, uint64_t *counts);

/*
 * The duration that `part` (0 to 1) of those counted do not exceed: one of them while they are few, then rounded up to its
 * bucket's end; 0 if none was counted.
 */
int64_t an_hist_percentile(const struct an_hist *hist, double part);

#endif
