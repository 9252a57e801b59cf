/* SPDX-License-Identifier: BSD-3-Clause
 *
 * chart.c - see chart.h.
 */
#include "config.h"

#include "analysis/chart.h"

#include <inttypes.h>
#include <string.h>

#include "analysis/text.h"

#define MAX_HISTS 4

void an_chart_line(const double *values, size_t n, double most, bool utf8, FILE *out)
{
	static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const ascii[] = { " ", ".", ":", "-", "=", "+", "*", "#", "@" };

	for (size_t i = 0; i < n; i++) {
		double height = most > 0 ? values[i] / most * 8 : 0;
		unsigned step = height >= 7.5 ? 8 : height > 0 ? (unsigned)(height + 0.5) : 0;

		if (height > 0 && step == 0)
			step = 1;
		fputs((utf8 ? blocks : ascii)[step], out);
	}
}

void an_chart_bar(double share, unsigned width, bool fill, bool utf8, FILE *out)
{
	static const char *const parts[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	unsigned eighths = (unsigned)(share * width * 8 + 0.5), full, used;

	if (share > 0 && eighths == 0)
		eighths = 1;
	if (eighths > width * 8)
		eighths = width * 8;
	full = utf8 ? eighths / 8 : (eighths + 7) / 8;
	used = full;
	for (unsigned i = 0; i < full; i++)
		fputs(utf8 ? "█" : "#", out);
	if (utf8 && eighths % 8) {
		fputs(parts[eighths % 8], out);
		used++;
	}
	if (fill)
		fprintf(out, "%*s", (int)(width - used), "");
}

/* Sums over what one line shows. */
static uint64_t line_count(const uint64_t *counts, unsigned line, unsigned step)
{
	uint64_t sum = 0;

	for (unsigned b = line * step; b < (line + 1) * step && b < AN_HIST_BUCKETS; b++)
		sum += counts[b];
	return sum;
}

void an_chart_hists(const struct an_hist *const *hists, const char *const *titles, size_t n, unsigned width, bool fine, bool utf8,
		    FILE *out)
{
	const unsigned step = fine ? 8 : 16, lines = AN_HIST_BUCKETS / step;
	uint64_t counts[MAX_HISTS][AN_HIST_BUCKETS] = { { 0 } }, most[MAX_HISTS] = { 0 };
	unsigned shown[MAX_HISTS], nshown = 0, first = lines, last = 0, bar;

	for (unsigned h = 0; h < n && h < MAX_HISTS; h++) {
		if (!hists[h]->count)
			continue;
		an_hist_counts(hists[h], counts[h]);
		for (unsigned l = 0; l < lines; l++) {
			uint64_t count = line_count(counts[h], l, step);

			most[h] = count > most[h] ? count : most[h];
			if (count) {
				first = l < first ? l : first;
				last = l > last ? l : last;
			}
		}
		shown[nshown++] = h;
	}
	if (!nshown)
		return;
	bar = width > 10 + nshown * 16 ? (width - 10) / nshown - 12 : 4;
	bar = bar < 30 ? bar : 30;
	fprintf(out, "\n%-10s", "Duration");
	for (unsigned i = 0; i < nshown; i++)
		fprintf(out, " %-*.*s", i + 1 < nshown ? (int)bar + 11 : 0, (int)bar + 11, titles[shown[i]]);
	fputc('\n', out);
	for (unsigned l = first; l <= last; l++) {
		char from[32];

		fprintf(out, "  >=%6s", an_text_ns(from, l ? an_hist_bucket_end(l * step - 1) + 1 : 0));
		for (unsigned i = 0; i < nshown; i++) {
			uint64_t count = line_count(counts[shown[i]], l, step);

			fprintf(out, " %10" PRIu64 "%s", count, count || i + 1 < nshown ? " " : "");
			an_chart_bar((double)count / (double)most[shown[i]], bar, i + 1 < nshown, utf8, out);
		}
		fputc('\n', out);
	}
}
