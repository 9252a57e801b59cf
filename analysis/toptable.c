/* SPDX-License-Identifier: BSD-3-Clause
 *
 * toptable.c - a profile as a table of functions.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/profile.h"
#include "analysis/text.h"

struct row {
	an_text_id func;
	const char *name;
	struct an_values flat, cum;
	size_t last_sample;	/* 1 + the last sample counted in cum: recursion counts once */
};

/* Adds one sample to the rows of its functions. */
static int add_sample(struct an_map *rows, const struct an_names *names, const struct an_sample *sample, size_t number)
{
	size_t n;
	const struct an_frame *frames = an_stack(names, sample->stack, &n);
	const struct an_frame none = { 0 };

	if (!n) {
		frames = &none;
		n = 1;
	}
	for (size_t i = 0; i < n; i++) {
		struct row *row = an_map_add(rows, &(uint64_t){ frames[i].func }, NULL);

		if (!row)
			return -ETR_E_NOMEM;
		row->func = frames[i].func;
		row->name = an_text(names, row->func, NULL);
		if (i == 0) {
			row->flat.ns += sample->values.ns;
			row->flat.count += sample->values.count;
		}
		if (row->last_sample == number)
			continue;
		row->last_sample = number;
		row->cum.ns += sample->values.ns;
		row->cum.count += sample->values.count;
	}
	return 0;
}

static uint64_t magnitude(int64_t value)
{
	return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

/* Heaviest first; what grew and what shrank by as much are as heavy. */
static int by_flat(const void *left, const void *right)
{
	const struct row *a = *(struct row *const *)left, *b = *(struct row *const *)right;

	if (magnitude(a->flat.ns) != magnitude(b->flat.ns))
		return magnitude(a->flat.ns) > magnitude(b->flat.ns) ? -1 : 1;
	if (magnitude(a->cum.ns) != magnitude(b->cum.ns))
		return magnitude(a->cum.ns) > magnitude(b->cum.ns) ? -1 : 1;
	if (magnitude(a->cum.count) != magnitude(b->cum.count))
		return magnitude(a->cum.count) > magnitude(b->cum.count) ? -1 : 1;
	return strcmp(a->name, b->name);
}

static double percent(int64_t part, int64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void print_rows(struct row **rows, size_t n, const struct an_profile *profile, const struct an_names *names, FILE *out)
{
	const struct an_values total = an_profile_total(profile);
	char flat[32], cum[32];

	fprintf(out, "%10s %6s %10s %6s %10s  %s\n", "flat", "flat%", "cum", "cum%", "count", "function");
	for (size_t i = 0; i < n; i++) {
		const struct row *row = rows[i];

		fprintf(out, "%10s %5.1f%% %10s %5.1f%% %10" PRId64 "  ", an_text_ns(flat, row->flat.ns),
			percent(row->flat.ns, total.ns), an_text_ns(cum, row->cum.ns),
			percent(row->cum.ns, total.ns), row->cum.count);
		if (row->func)
			an_text_print(names, row->func, out);
		else
			fputs("(no stack)", out);
		fputc('\n', out);
	}
}

int an_profile_print_top(const struct an_profile *profile, const struct an_names *names, size_t rows_wanted, FILE *out)
{
	struct an_map rows;
	struct an_sample *samples = NULL;
	struct row **sorted = NULL;
	size_t n = 0, nrows = 0;
	const uint64_t *key;
	void *value;
	int rc;

	an_map_init(&rows, 1, sizeof(struct row));
	rc = an_profile_sorted(profile, &samples, &n);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = add_sample(&rows, names, &samples[i], i + 1);
	if (rc == 0 && !(sorted = malloc((rows.n + 1) * sizeof(struct row *))))
		rc = -ETR_E_NOMEM;
	if (rc == 0) {
		for (size_t pos = 0; an_map_each(&rows, &pos, &key, &value);)
			sorted[nrows++] = value;
		qsort(sorted, nrows, sizeof(struct row *), by_flat);
		print_rows(sorted, rows_wanted && rows_wanted < nrows ? rows_wanted : nrows, profile, names, out);
	}
	free(sorted);
	free(samples);
	an_map_free(&rows);
	return rc;
}
