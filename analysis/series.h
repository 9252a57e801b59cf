/* SPDX-License-Identifier: BSD-3-Clause
 *
 * series.h - durations by the time at which they ended, in blocks: how many, and the sum of their logarithms.
 *
 * What lies close in time is alike in most programs, so durations tell less than their number suggests; how much less is seen
 * from how the blocks differ.  All series of a trace share one clock, which makes blocks twice as wide when time outgrows them.
 */
#ifndef ANALYSIS_SERIES_H
#define ANALYSIS_SERIES_H

#include <stdint.h>

#define AN_SERIES_BLOCKS 64

struct an_series_clock {
	int64_t origin;
	unsigned shift;		/* blocks are 2^shift ns wide */
};

struct an_series {
	unsigned shift;		/* that of the clock when something was added last */
	uint64_t n[AN_SERIES_BLOCKS];
	double sum[AN_SERIES_BLOCKS];	/* of the logarithms to base 2 of ns + 1 */
};

/* *series is made when NULL.  Return: 0 or -ETR_E_NOMEM. */
int an_series_add(struct an_series **series, struct an_series_clock *clock, int64_t time, int64_t ns);

/* Makes the blocks as wide as the clock's. */
void an_series_settle(struct an_series *series, const struct an_series_clock *clock);

/* Adds what another one of the same clock has; *to is made when NULL.  Return: 0 or -ETR_E_NOMEM. */
int an_series_merge(struct an_series **to, struct an_series *from, const struct an_series_clock *clock);

/* In how many blocks of a clock the time from its origin to end lies. */
unsigned an_series_blocks(const struct an_series_clock *clock, int64_t end);

#endif
