/* SPDX-License-Identifier: BSD-3-Clause
 *
 * statdiff.c - see statdiff.h.  Each kind of duration that has a name in either trace is one comparison; ranktest.h says how they
 * are compared.
 */
#include "config.h"

#include "analysis/statdiff.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/grow.h"
#include "analysis/ranktest.h"
#include "analysis/statimpl.h"

/* What a duration is of. */
enum what {
	WHAT_ALL,
	WHAT_WAITING,
	WHAT_RUNNABLE,
	WHAT_RANGE,
	WHAT_TASK,
	WHAT_REGION,
	WHAT_FUNCTION,	/* and the state, as far as there are such */
};

static const char *const whats[] = { [WHAT_ALL] = "all",     [WHAT_WAITING] = "waiting", [WHAT_RUNNABLE] = "runnable",
				     [WHAT_RANGE] = "range", [WHAT_TASK] = "task",	 [WHAT_REGION] = "region" };

static const char *const by_state[ETR_STATE_COUNT_] = {
	[ETR_STATE_RUNNING] = "running of", [ETR_STATE_RUNNABLE] = "runnable of",
	[ETR_STATE_SYSCALL] = "syscalls of", [ETR_STATE_WAITING] = "waiting of"
};

static const struct an_hist nothing;

/* Both sides of one comparison. */
struct pair {
	const struct an_hist *side[2];
	struct an_rank_result durations, rates;
};

struct diff {
	const struct an_summary *summaries[2];
	struct an_map pairs;		/* what, text in the first's names -> struct pair */
	struct an_hist totals[2][3];	/* scheduling, system calls, blocked */
	bool oom;
};

static an_text_id text_of(struct diff *diff, int side, an_text_id id)
{
	size_t len;
	const char *text;

	if (side == 0)
		return id;
	text = an_text(diff->summaries[1]->names, id, &len);
	return an_names_add_text(diff->summaries[0]->names, text, len);
}

static void add(struct diff *diff, int side, unsigned what, an_text_id name, const struct an_hist *hist)
{
	const uint64_t key[2] = { what, name };
	struct pair *pair;

	if (!hist->count)
		return;
	if (hist->series)
		an_series_settle(hist->series, &diff->summaries[side]->clock);
	pair = an_map_add(&diff->pairs, key, NULL);
	if (!pair) {
		diff->oom = true;
		return;
	}
	pair->side[side] = hist;
}

static void add_map(struct diff *diff, int side, unsigned what, const struct an_map *map, size_t offset)
{
	const uint64_t *key;
	void *value;

	for (size_t pos = 0; an_map_each(map, &pos, &key, &value);)
		add(diff, side, what, text_of(diff, side, (an_text_id)*key), (const struct an_hist *)((const char *)value + offset));
}

static void add_totals(struct diff *diff, int side)
{
	static const struct {
		const char *name;
		int (*sum)(const struct an_summary *summary, struct an_hist *hist);
	} totals[3] = { { "scheduling latency", an_summary_scheduling },
			{ "system calls", an_summary_syscalls },
			{ "blocked", an_summary_blocked } };

	for (int i = 0; i < 3; i++) {
		an_text_id name = an_names_add_text(diff->summaries[0]->names, totals[i].name, strlen(totals[i].name));

		if (totals[i].sum(diff->summaries[side], &diff->totals[side][i]) < 0)
			diff->oom = true;
		add(diff, side, WHAT_ALL, name, &diff->totals[side][i]);
	}
}

static void add_side(struct diff *diff, int side)
{
	const struct an_summary *summary = diff->summaries[side];
	const struct an_group *group;
	const uint64_t *key;
	void *value;

	add_totals(diff, side);
	for (size_t pos = 0; an_map_each(&summary->reasons, &pos, &key, &value);) {
		const struct an_reason *reason = *(struct an_reason **)value;

		add(diff, side, WHAT_WAITING, text_of(diff, side, reason->name), &reason->waiting);
		add(diff, side, WHAT_RUNNABLE, text_of(diff, side, reason->name), &reason->runnable);
	}
	add_map(diff, side, WHAT_RANGE, &summary->ranges, 0);
	add_map(diff, side, WHAT_TASK, &summary->tasks, offsetof(struct an_span_total, time));
	add_map(diff, side, WHAT_REGION, &summary->regions, offsetof(struct an_span_total, time));
	for (size_t pos = 0; (group = an_groups_each(&summary->functions, &pos));)
		for (int s = 0; s < ETR_STATE_COUNT_; s++)
			if (by_state[s])
				add(diff, side, WHAT_FUNCTION + (unsigned)s,
				    text_of(diff, side, group->other ? summary->other_name : (an_text_id)group->key), &group->state[s]);
}

/* All comparisons, then what each is worth among all. */
static int compare(struct diff *diff)
{
	double **p = calloc(2 * diff->pairs.n + 1, sizeof(*p));
	const uint64_t *key;
	void *value;
	size_t n = 0;
	int rc;

	if (!p)
		return -ETR_E_NOMEM;
	for (size_t pos = 0; an_map_each(&diff->pairs, &pos, &key, &value);) {
		struct pair *pair = value;
		struct an_rank_side sides[2];

		for (int i = 0; i < 2; i++) {
			const struct an_summary *summary = diff->summaries[i];

			if (!pair->side[i])
				pair->side[i] = &nothing;
			sides[i] = (struct an_rank_side){ pair->side[i], &summary->clock, summary->head.end };
		}
		an_rank_durations(&sides[0], &sides[1], &pair->durations);
		an_rank_rates(&sides[0], &sides[1], &pair->rates);
		if (pair->durations.enough)
			p[n++] = &pair->durations.p;
		if (pair->rates.enough)
			p[n++] = &pair->rates.p;
	}
	rc = an_rank_holm(p, n);
	free(p);
	return rc;
}

static double per_second(const struct diff *diff, const struct pair *pair, int side)
{
	int64_t ns = diff->summaries[side]->head.duration;

	return ns > 0 ? (double)pair->side[side]->count * 1e9 / (double)ns : 0;
}

/* What is to be said of a comparison; *changed: that it is more than chance. */
static const char *verdict(const struct diff *diff, const struct pair *pair, bool *changed)
{
	double rate = per_second(diff, pair, 1) / per_second(diff, pair, 0);
	bool longer = pair->durations.effect > 0.5;
	bool durations = pair->durations.p < AN_DIFF_P && fabs(pair->durations.effect - 0.5) >= AN_DIFF_EFFECT &&
			 fabs(pair->durations.parts - 0.5) >= AN_DIFF_PARTS;
	bool rates = pair->rates.p < AN_DIFF_P && (rate >= AN_DIFF_RATE || rate <= 1 / AN_DIFF_RATE) &&
		     fabs(pair->rates.parts - 0.5) >= AN_DIFF_PARTS;

	*changed = durations || rates;
	if (durations && rates)
		return longer ? rate > 1 ? "longer and more often" : "longer and less often" :
				rate > 1 ? "shorter and more often" : "shorter and less often";
	if (durations)
		return longer ? "longer" : "shorter";
	if (rates)
		return rate > 1 ? "more often" : "less often";
	/* What one trace has often enough and the other never. */
	*changed = (!pair->side[0]->count && pair->side[1]->count >= 20) || (!pair->side[1]->count && pair->side[0]->count >= 20);
	if (*changed)
		return pair->side[0]->count ? "only in the first" : "only in the second";
	return pair->durations.enough || pair->rates.enough ? "same" : "too few";
}

enum column {
	COLUMN_NAME, COLUMN_WHAT, COLUMN_COUNT_A, COLUMN_COUNT_B, COLUMN_NS_A, COLUMN_NS_B, COLUMN_CHANGE, COLUMN_P50_A, COLUMN_P50_B,
	COLUMN_P99_A, COLUMN_P99_B, COLUMN_EFFECT, COLUMN_P, COLUMN_PARTS, COLUMN_RATE_A, COLUMN_RATE_B, COLUMN_RATE_P, COLUMN_VERDICT,
};

static void make_columns(struct an_table *table)
{
	an_table_init(table, "diff");
	an_table_column(table, "name", "name", AN_CELL_TEXT, AN_SHOWN_ALWAYS);
	an_table_column(table, "what", "what", AN_CELL_TEXT, AN_SHOWN_ALWAYS);
	an_table_column(table, "count_a", "count A", AN_CELL_COUNT, AN_SHOWN_IF_WIDE);
	an_table_column(table, "count_b", "count B", AN_CELL_COUNT, AN_SHOWN_IF_WIDE);
	an_table_column(table, "ns_a", "total A", AN_CELL_NS, AN_SHOWN_ALWAYS);
	an_table_column(table, "ns_b", "total B", AN_CELL_NS, AN_SHOWN_ALWAYS);
	an_table_column(table, "change_ns", "change", AN_CELL_NS, AN_SHOWN_NEVER);
	an_table_column(table, "p50_a_ns", "p50 A", AN_CELL_NS, AN_SHOWN_ALWAYS);
	an_table_column(table, "p50_b_ns", "p50 B", AN_CELL_NS, AN_SHOWN_ALWAYS);
	an_table_column(table, "p99_a_ns", "p99 A", AN_CELL_NS, AN_SHOWN_NEVER);
	an_table_column(table, "p99_b_ns", "p99 B", AN_CELL_NS, AN_SHOWN_NEVER);
	an_table_column(table, "longer", "B > A", AN_CELL_REAL, AN_SHOWN_ALWAYS);
	an_table_column(table, "p", "p", AN_CELL_REAL, AN_SHOWN_NEVER);
	an_table_column(table, "longer_parts", "parts", AN_CELL_REAL, AN_SHOWN_NEVER);
	an_table_column(table, "per_second_a", "A/s", AN_CELL_REAL, AN_SHOWN_NEVER);
	an_table_column(table, "per_second_b", "B/s", AN_CELL_REAL, AN_SHOWN_NEVER);
	an_table_column(table, "p_rate", "p", AN_CELL_REAL, AN_SHOWN_NEVER);
	an_table_column(table, "verdict", "B is", AN_CELL_TEXT, AN_SHOWN_ALWAYS);
}

static void fill(const struct diff *diff, const uint64_t *key, const struct pair *pair, const char *said, struct an_row *row)
{
	const char *what = key[0] >= WHAT_FUNCTION ? by_state[key[0] - WHAT_FUNCTION] : whats[key[0]];
	const struct an_hist *a = pair->side[0], *b = pair->side[1];

	an__name_cell(diff->summaries[0], row, COLUMN_NAME, (an_text_id)key[1], "(none)");
	an_row_text(row, COLUMN_WHAT, what, strlen(what));
	an_row_n(row, COLUMN_COUNT_A, (int64_t)a->count);
	an_row_n(row, COLUMN_COUNT_B, (int64_t)b->count);
	an_row_n(row, COLUMN_NS_A, a->ns);
	an_row_n(row, COLUMN_NS_B, b->ns);
	an_row_n(row, COLUMN_CHANGE, b->ns > a->ns ? b->ns - a->ns : a->ns - b->ns);
	if (a->count) {
		an_row_n(row, COLUMN_P50_A, an_hist_percentile(a, 0.5));
		an_row_n(row, COLUMN_P99_A, an_hist_percentile(a, 0.99));
	}
	if (b->count) {
		an_row_n(row, COLUMN_P50_B, an_hist_percentile(b, 0.5));
		an_row_n(row, COLUMN_P99_B, an_hist_percentile(b, 0.99));
	}
	if (pair->durations.enough) {
		an_row_real(row, COLUMN_EFFECT, pair->durations.effect);
		an_row_real(row, COLUMN_P, pair->durations.p);
		an_row_real(row, COLUMN_PARTS, pair->durations.parts);
	}
	an_row_real(row, COLUMN_RATE_A, per_second(diff, pair, 0));
	an_row_real(row, COLUMN_RATE_B, per_second(diff, pair, 1));
	if (pair->rates.enough)
		an_row_real(row, COLUMN_RATE_P, pair->rates.p);
	an_row_text(row, COLUMN_VERDICT, said, strlen(said));
}

static void make_rows(const struct diff *diff, bool all, struct an_table *table, struct an_diff_counts *counts)
{
	const uint64_t *key;
	void *value;

	for (size_t pos = 0; an_map_each(&diff->pairs, &pos, &key, &value);) {
		const struct pair *pair = value;
		bool changed;
		const char *said = verdict(diff, pair, &changed);
		struct an_row *row;

		counts->changed += changed;
		counts->few += !changed && *said == 't';
		counts->same += !changed && *said == 's';
		row = changed || all ? an_table_row(table) : NULL;
		if (row)
			fill(diff, key, pair, said, row);
		if (row)
			row->last = !changed;
	}
	an_table_sort(table, COLUMN_CHANGE);
}

int an_stat_diff(const struct an_summary *a, const struct an_summary *b, bool all, struct an_table *table,
		 struct an_diff_counts *counts)
{
	struct diff diff = { .summaries = { a, b } };
	int rc;

	memset(counts, 0, sizeof(*counts));
	an_map_init(&diff.pairs, 2, sizeof(struct pair));
	make_columns(table);
	add_side(&diff, 0);
	add_side(&diff, 1);
	rc = compare(&diff);
	if (rc == 0)
		make_rows(&diff, all, table, counts);
	for (int i = 0; i < 6; i++)
		an_hist_free(&diff.totals[i / 3][i % 3]);
	an_map_free(&diff.pairs);
	return rc < 0 || diff.oom || table->oom || a->names->oom ? -ETR_E_NOMEM : 0;
}
