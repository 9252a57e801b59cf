/* SPDX-License-Identifier: BSD-3-Clause
 *
 * stattext.h - a summary for people.
 */
#ifndef ANALYSIS_STATTEXT_H
#define ANALYSIS_STATTEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "analysis/stattable.h"

/* failed: the reader's code that ended the trace, 0 for a good end.  Return: 0 or -ETR_E_NOMEM. */
int an_stat_print_text(const struct an_summary *summary, const char *file, int failed, const struct an_stat_view *view,
		       FILE *out);

#endif
