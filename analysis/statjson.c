/* SPDX-License-Identifier: BSD-3-Clause
 *
 * statjson.c - a summary as one JSON object.  Tables hold what occurred: a state, reason or name that is missing had nothing.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <exectrace/raw.h>

#include "analysis/json.h"
#include "analysis/stattable.h"

/* A name and what belongs to it. */
struct entry {
	an_text_id name;
	const void *value;
};

static int by_text(const void *left, const void *right, void *names)
{
	const struct entry *a = left, *b = right;
	size_t alen, blen;
	const char *atext = an_text(names, a->name, &alen), *btext = an_text(names, b->name, &blen);
	int order = memcmp(atext, btext, alen < blen ? alen : blen);

	return order ? order : alen < blen ? -1 : alen > blen;
}

/* The entries of a map from texts, in the order of the texts.  NULL when out of memory. */
static struct entry *sorted_entries(const struct an_summary *summary, const struct an_map *map, size_t *n)
{
	struct entry *all = calloc(map->n + 1, sizeof(*all));
	const uint64_t *key;
	void *value;

	*n = 0;
	if (!all)
		return NULL;
	for (size_t pos = 0; an_map_each(map, &pos, &key, &value);)
		all[(*n)++] = (struct entry){ .name = (an_text_id)*key, .value = value };
	qsort_r(all, *n, sizeof(*all), by_text, summary->names);
	return all;
}

static void put_wire_events(const struct an_summary *summary, struct an_json *json)
{
	const struct an_head *head = &summary->head;

	if (head->windowed)
		return;
	an_json_open(json, "wire_events", 11, false);
	for (int type = 0; type < 256; type++)
		if (head->wire_counts[type] && etr_wire_name(type))
			an_json_u64(json, etr_wire_name(type), head->wire_counts[type]);
	an_json_close(json);
	an_json_open(json, "wire_bytes", 10, false);
	for (int type = 0; type < 256; type++)
		if (head->wire_bytes[type] && etr_wire_name(type))
			an_json_u64(json, etr_wire_name(type), head->wire_bytes[type]);
	an_json_close(json);
}

static void put_kinds(const struct an_summary *summary, struct an_json *json)
{
	an_json_open(json, "kinds", 5, false);
	for (int kind = 1; kind < ETR_KIND_COUNT_; kind++)
		if (summary->kinds[kind])
			an_json_u64(json, etr_kind_name(kind), summary->kinds[kind]);
	an_json_close(json);
}

static void put_state(struct an_json *json, int state, int64_t ns, int64_t open_ns, uint64_t entered)
{
	const char *name = etr_state_name(state);

	an_json_open(json, name, strlen(name), true);
	an_json_i64(json, "ns", ns);
	an_json_i64(json, "open_ns", open_ns);
	an_json_u64(json, "entered", entered);
	an_json_close(json);
}

static void put_states(struct an_json *json, const char *key, const struct an_state_total *totals)
{
	an_json_open(json, key, strlen(key), false);
	for (int s = 0; s < ETR_STATE_COUNT_; s++)
		if (totals[s].counted || totals[s].ns || totals[s].entered)
			put_state(json, s, totals[s].ns, totals[s].open_ns, totals[s].entered);
	an_json_close(json);
}

/* Goroutines' states with what is known of those whose status came late. */
static void put_known_states(const struct an_summary *summary, struct an_json *json)
{
	int64_t moved = 0;

	for (int s = 0; s < ETR_STATE_COUNT_; s++)
		moved += summary->known_ns[s];
	an_json_open(json, "goroutine_states_known", 22, false);
	for (int s = 0; s < ETR_STATE_COUNT_; s++) {
		const struct an_state_total *total = &summary->g_states[s];
		int64_t ns = total->ns + summary->known_ns[s] - (s == ETR_STATE_UNDETERMINED ? moved : 0);

		if (total->counted || total->entered || ns)
			put_state(json, s, ns, total->open_ns, total->entered);
	}
	an_json_close(json);
}

static void put_percentiles(struct an_json *json, const struct an_hist *hist)
{
	an_json_i64(json, "max_ns", hist->max);
	an_json_i64(json, "p50_ns", an_hist_percentile(hist, 0.5));
	an_json_i64(json, "p90_ns", an_hist_percentile(hist, 0.9));
	an_json_i64(json, "p99_ns", an_hist_percentile(hist, 0.99));
}

static void put_hist(struct an_json *json, const struct an_hist *hist)
{
	an_json_u64(json, "count", hist->count);
	an_json_i64(json, "ns", hist->ns);
	put_percentiles(json, hist);
}

/* What a table's values are. */
enum values { RANGES, SPANS, WAITING, RUNNABLE };

static const struct an_hist *hist_of(enum values values, const void *value)
{
	switch (values) {
	case WAITING:
		return &(*(const struct an_reason *const *)value)->waiting;
	case RUNNABLE:
		return &(*(const struct an_reason *const *)value)->runnable;
	case SPANS:
		return &((const struct an_span_total *)value)->time;
	default:
		return value;
	}
}

static int put_table(const struct an_summary *summary, struct an_json *json, const char *key, const struct an_map *map,
		     enum values values)
{
	size_t n;
	struct entry *entries = sorted_entries(summary, map, &n);

	if (!entries)
		return -ETR_E_NOMEM;
	an_json_open(json, key, strlen(key), false);
	for (size_t i = 0; i < n; i++) {
		size_t len;
		const char *name = an_text(summary->names, entries[i].name, &len);
		const struct an_hist *hist = hist_of(values, entries[i].value);

		if (values != SPANS && !hist->count && !hist->ns)
			continue;
		an_json_open(json, name, len, true);
		if (values == SPANS) {
			const struct an_span_total *span = entries[i].value;

			an_json_u64(json, "begun", span->begun);
			an_json_u64(json, "ended", span->ended);
			an_json_i64(json, "ns", hist->ns);
			put_percentiles(json, hist);
		} else {
			put_hist(json, hist);
		}
		an_json_close(json);
	}
	an_json_close(json);
	free(entries);
	return 0;
}

static void put_function(const struct an_group *group, struct an_json *json)
{
	an_json_u64(json, "goroutines", group->goroutines);
	for (int s = 0; s < ETR_STATE_COUNT_; s++)
		if (group->state[s].ns)
			an_json_i64(json, etr_state_name(s), group->state[s].ns);
	for (int s = 0; s < ETR_STATE_COUNT_; s++) {
		static const char *const words[ETR_STATE_COUNT_] = { [ETR_STATE_RUNNING] = "running", [ETR_STATE_RUNNABLE] = "runnable",
								     [ETR_STATE_SYSCALL] = "syscall", [ETR_STATE_WAITING] = "waiting" };
		const struct an_hist *hist = &group->state[s];
		char name[32];

		if (!words[s] || !hist->count)
			continue;
		snprintf(name, sizeof(name), "%s_count", words[s]);
		an_json_u64(json, name, hist->count);
		for (int p = 50; p <= 99; p = p == 50 ? 90 : p + 9) {
			snprintf(name, sizeof(name), "%s_p%d_ns", words[s], p);
			an_json_i64(json, name, an_hist_percentile(hist, p / 100.0));
		}
		snprintf(name, sizeof(name), "%s_max_ns", words[s]);
		an_json_i64(json, name, hist->max);
	}
}

static int put_functions(const struct an_summary *summary, struct an_json *json)
{
	const struct an_groups *groups = &summary->functions;
	size_t n;
	struct entry *entries = sorted_entries(summary, &groups->map, &n);

	if (!entries)
		return -ETR_E_NOMEM;
	an_json_open(json, "functions", 9, false);
	for (size_t i = 0; i < n; i++) {
		const struct an_group *group = *(struct an_group *const *)entries[i].value;
		size_t len;
		const char *name = an_text(summary->names, entries[i].name, &len);

		if (an_group_is_empty(group))
			continue;
		an_json_open(json, name, len, true);
		put_function(group, json);
		an_json_close(json);
	}
	if (groups->other) {
		an_json_open(json, "(other)", 7, true);
		put_function(groups->other, json);
		an_json_close(json);
	}
	an_json_close(json);
	free(entries);
	return 0;
}

/* A table as an array of rows. */
static int put_rows(const struct an_summary *summary, struct an_json *json, const char *key, enum an_stat_table which,
		    const struct an_stat_view *view)
{
	struct an_table table;
	int rc = an_stat_table(summary, which, NULL, &table);

	if (rc == 0 && view && view->sort)
		an_stat_table_sort(&table, view->sort);
	if (rc == 0)
		an_table_print_json(&table, key, view && view->top > 0 ? (size_t)view->top : 0, json);
	an_table_free(&table);
	return rc;
}

static void put_process(const struct an_notes *notes, struct an_json *json)
{
	if (!notes->any)
		return;
	an_json_open(json, "process", 7, false);
	if (notes->has_process) {
		an_json_u64(json, "pid", notes->pid);
		an_json_text(json, "name", notes->process, strlen(notes->process));
		an_json_text(json, "cmdline", notes->cmdline, strlen(notes->cmdline));
	}
	if (notes->host)
		an_json_text(json, "host", notes->host, strlen(notes->host));
	if (notes->recorder)
		an_json_text(json, "recorder", notes->recorder, strlen(notes->recorder));
	an_json_u64(json, "modules", notes->nmodules);
	an_json_u64(json, "dropped_events", notes->dropped_events);
	an_json_u64(json, "dropped_ns", notes->dropped_ns);
	an_json_u64(json, "dropped_samples", notes->dropped_samples);
	an_json_u64(json, "dropped_stacks", notes->dropped_stacks);
	an_json_u64(json, "dropped_strings", notes->dropped_strings);
	an_json_u64(json, "dropped_locks", notes->dropped_locks);
	an_json_close(json);
}

static void put_error(const struct an_summary *summary, int failed, struct an_json *json)
{
	const struct etr_reader *reader;
	const char *message;

	if (!failed || !summary->source)
		return;
	reader = summary->source->reader;
	message = etr_reader_error_message(reader);
	an_json_open(json, "error", 5, false);
	an_json_u64(json, "offset", etr_reader_error_offset(reader));
	an_json_u64(json, "generation", etr_reader_error_generation(reader));
	an_json_text(json, "message", message, strlen(message));
	an_json_close(json);
}

/* file: NULL for several that were merged. */
static void put_head(const struct an_summary *summary, const char *file, struct an_json *json)
{
	const struct an_head *head = &summary->head;
	char text[32];

	if (file)
		an_json_text(json, "file", file, strlen(file));
	else
		an_json_u64(json, "merged", head->files);
	snprintf(text, sizeof(text), "go 1.%d", head->version);
	if (head->version > 0)
		an_json_text(json, "version", text, strlen(text));
	else
		an_json_null(json, "version");
	if (summary->source)
		put_process(&summary->source->notes, json);
	an_json_u64(json, "bytes", head->bytes);
	an_json_u64(json, "generations", head->generations);
	an_json_u64(json, "events", head->events);
	if (file) {
		an_json_i64(json, "start_ns", head->start);
		an_json_i64(json, "end_ns", head->end);
	}
	an_json_i64(json, "duration_ns", head->duration);
	an_json_u64(json, "goroutines", head->goroutines);
	an_json_u64(json, "procs", head->procs);
	an_json_u64(json, "threads", head->threads);
	if (summary->max_procs)
		an_json_u64(json, "gomaxprocs", summary->max_procs);
	if (summary->max_heap)
		an_json_u64(json, "heap_max_bytes", summary->max_heap);
}

static int put_durations(const struct an_summary *summary, struct an_json *json, const char *key,
			 int (*sum)(const struct an_summary *summary, struct an_hist *hist), const int64_t *open_ns)
{
	struct an_hist hist;
	int rc = sum(summary, &hist);

	an_json_open(json, key, strlen(key), true);
	put_hist(json, &hist);
	if (open_ns)
		an_json_i64(json, "open_ns", *open_ns);
	an_json_close(json);
	an_hist_free(&hist);
	return rc;
}

/* What came later than the figures that are defined: figures of single tables, with rows as they are in CSV. */
static int put_tables(const struct an_summary *summary, const struct an_stat_view *view, struct an_json *json)
{
	const char *by = an_by_name(summary->options.by);
	int rc = put_rows(summary, json, "latency", AN_STAT_LATENCY, NULL);

	if (rc == 0 && summary->source)
		rc = put_rows(summary, json, "utilization", AN_STAT_UTILIZATION, NULL);
	if (rc == 0)
		rc = put_rows(summary, json, "longest_waits", AN_STAT_WAIT, NULL);
	if (rc == 0)
		rc = put_rows(summary, json, "cpu_functions", AN_STAT_SAMPLE, NULL);
	if (rc < 0 || !view || !view->by_only)
		return rc;
	an_json_text(json, "by", by, strlen(by));
	return put_rows(summary, json, "rows", AN_STAT_BY, view);
}

int an_summary_print_json(const struct an_summary *summary, const char *file, int failed, const struct an_stat_view *view,
			  FILE *out)
{
	struct an_json json;
	int rc;

	an_json_begin(&json, out);
	put_head(summary, file, &json);
	put_kinds(summary, &json);
	put_wire_events(summary, &json);
	put_states(&json, "goroutine_states", summary->g_states);
	put_known_states(summary, &json);
	put_states(&json, "proc_states", summary->p_states);
	rc = put_table(summary, &json, "waiting_by_reason", &summary->reasons, WAITING);
	if (rc == 0)
		rc = put_table(summary, &json, "runnable_by_reason", &summary->reasons, RUNNABLE);
	if (rc == 0)
		rc = put_durations(summary, &json, "syscalls", an_summary_syscalls,
				   &summary->g_states[ETR_STATE_SYSCALL].open_ns);
	if (rc == 0)
		rc = put_durations(summary, &json, "scheduling", an_summary_scheduling, NULL);
	if (rc == 0)
		rc = put_durations(summary, &json, "blocked", an_summary_blocked, NULL);
	if (rc == 0)
		rc = put_table(summary, &json, "ranges", &summary->ranges, RANGES);
	an_json_u64(&json, "gc_cycles", summary->gc_cycles);
	if (rc == 0)
		rc = put_table(summary, &json, "tasks", &summary->tasks, SPANS);
	an_json_u64(&json, "regions", summary->kinds[ETR_KIND_REGION_BEGIN]);
	if (rc == 0)
		rc = put_table(summary, &json, "region_types", &summary->regions, SPANS);
	an_json_u64(&json, "logs", summary->kinds[ETR_KIND_LOG]);
	an_json_u64(&json, "cpu_samples", summary->kinds[ETR_KIND_STACK_SAMPLE]);
	if (rc == 0)
		rc = put_functions(summary, &json);
	if (rc == 0)
		rc = put_tables(summary, view, &json);
	put_error(summary, failed, &json);
	an_json_end(&json);
	return rc;
}
