/* SPDX-License-Identifier: BSD-3-Clause
 *
 * statdiff.h - what differs between two traces, and whether by more than chance.
 */
#ifndef ANALYSIS_STATDIFF_H
#define ANALYSIS_STATDIFF_H

#include "analysis/summary.h"
#include "analysis/table.h"

/* Below these a difference is called none, however sure it is. */
#define AN_DIFF_EFFECT 0.21	/* of the effect from one half: "large" in Vargha and Delaney's terms */
#define AN_DIFF_PARTS 0.4	/* of the effect between parts from one half: nine of ten pairs of parts */
#define AN_DIFF_RATE 1.5	/* times as often */
#define AN_DIFF_P 0.01		/* the chance of a single false alarm among all */

struct an_diff_counts {
	size_t changed, same, few;	/* rows */
};

/*
 * Compares two summaries that were made with options.series.  all: rows that did not change, or tell too little, are there as
 * well.  The table is sorted, what changed most first; it must not outlive the summaries.  Return: 0 or -ETR_E_NOMEM.
 */
int an_stat_diff(const struct an_summary *a, const struct an_summary *b, bool all, struct an_table *table,
		 struct an_diff_counts *counts);

#endif
