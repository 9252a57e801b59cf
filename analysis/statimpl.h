/* SPDX-License-Identifier: BSD-3-Clause
 *
 * statimpl.h - what the files that make tables of summaries share.
 */
#ifndef ANALYSIS_STATIMPL_H
#define ANALYSIS_STATIMPL_H

#include "analysis/stattable.h"

/* What a table tells of a histogram: a column each, in this order. */
enum an_figure {
	AN_FIGURE_COUNT,
	AN_FIGURE_NS,
	AN_FIGURE_P50,
	AN_FIGURE_P90,
	AN_FIGURE_P99,
	AN_FIGURE_MAX,
	AN_FIGURE_COUNT_
};

int64_t an__figure(const struct an_hist *hist, int figure);

/* AN_FIGURE_COUNT_ columns; titles and shown may be NULL for the usual.  Returns the first one's number. */
unsigned an__hist_columns(struct an_table *table, const char *prefix, const char *const *titles, const enum an_shown *shown);
void an__hist_cells(struct an_row *row, unsigned first, const struct an_hist *hist);

void an__name_cell(const struct an_summary *summary, struct an_row *row, unsigned column, an_text_id name,
		   const char *if_empty);

int an__group_table(const struct an_summary *summary, enum an_by by, struct an_table *table);

#endif
