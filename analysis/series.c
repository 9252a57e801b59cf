/* SPDX-License-Identifier: BSD-3-Clause
 *
 * series.c - see series.h.
 */
#include "config.h"

#include "analysis/series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <exectrace/error.h>

#define FIRST_SHIFT 10u

static uint64_t since(const struct an_series_clock *clock, int64_t time)
{
	return time > clock->origin ? (uint64_t)time - (uint64_t)clock->origin : 0;
}

void an_series_settle(struct an_series *series, const struct an_series_clock *clock)
{
	for (; series->shift < clock->shift; series->shift++) {
		for (int i = 0; i < AN_SERIES_BLOCKS / 2; i++) {
			series->n[i] = series->n[2 * i] + series->n[2 * i + 1];
			series->sum[i] = series->sum[2 * i] + series->sum[2 * i + 1];
		}
		memset(series->n + AN_SERIES_BLOCKS / 2, 0, sizeof(series->n) / 2);
		memset(series->sum + AN_SERIES_BLOCKS / 2, 0, sizeof(series->sum) / 2);
	}
}

int an_series_add(struct an_series **series, struct an_series_clock *clock, int64_t time, int64_t ns)
{
	uint64_t block;

	if (!clock->shift)
		clock->shift = FIRST_SHIFT;
	if (!*series && !(*series = calloc(1, sizeof(**series))))
		return -ETR_E_NOMEM;
	while (since(clock, time) >> clock->shift >= AN_SERIES_BLOCKS)
		clock->shift++;
	an_series_settle(*series, clock);
	block = since(clock, time) >> clock->shift;
	(*series)->n[block]++;
	(*series)->sum[block] += log2((double)(ns > 0 ? ns : 0) + 1);
	return 0;
}

int an_series_merge(struct an_series **to, struct an_series *from, const struct an_series_clock *clock)
{
	if (!*to && !(*to = calloc(1, sizeof(**to))))
		return -ETR_E_NOMEM;
	an_series_settle(*to, clock);
	an_series_settle(from, clock);
	for (int i = 0; i < AN_SERIES_BLOCKS; i++) {
		(*to)->n[i] += from->n[i];
		(*to)->sum[i] += from->sum[i];
	}
	return 0;
}

unsigned an_series_blocks(const struct an_series_clock *clock, int64_t end)
{
	uint64_t blocks = (since(clock, end) >> clock->shift) + 1;

	return blocks < AN_SERIES_BLOCKS ? (unsigned)blocks : AN_SERIES_BLOCKS;
}
