/* SPDX-License-Identifier: BSD-3-Clause
 *
 * chart.h - figures as lines and bars of characters: blocks where the terminal shows UTF-8, else ASCII.
 */
#ifndef ANALYSIS_CHART_H
#define ANALYSIS_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "analysis/hist.h"

/* A character for each value, whose height is its share of `most`; a blank for nothing at all. */
void an_chart_line(const double *values, size_t n, double most, bool utf8, FILE *out);

/* A bar of at most `width` characters, with blanks behind it up to there if fill; what is more than nothing shows. */
void an_chart_bar(double share, unsigned width, bool fill, bool utf8, FILE *out);

/*
 * Histograms side by side, a line for each factor of 2 (fine) or 4 in duration: their counts, and bars of their shares.  Those
 * that count nothing are left out.
 */
void an_chart_hists(const struct an_hist *const *hists, const char *const *titles, size_t n, unsigned width, bool fine, bool utf8,
		    FILE *out);

#endif
