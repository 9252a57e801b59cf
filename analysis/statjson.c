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
#include "analysis/summary.h"

/* Rows sorted by their texts, bytewise; or by weight. */
static int by_text(const void *left, const void *right, void *names)
{
	const struct an_row *a = left, *b = right;
	size_t alen, blen;
	const char *atext = an_text(names, a->name, &alen), *btext = an_text(names, b->name, &blen);
	int order = memcmp(atext, btext, alen < blen ? alen : blen);

	return order ? order : alen < blen ? -1 : alen > blen;
}

static int by_weight(const void *left, const void *right, void *names)
{
	const struct an_row *a = left, *b = right;

	if (a->weight != b->weight)
		return a->weight > b->weight ? -1 : 1;
	return by_text(left, right, names);
}

int an_summary_rows(const struct an_summary *summary, const struct an_map *map, int64_t (*weigh)(const void *value),
		    struct an_row **rows, size_t *n)
{
	struct an_row *all = malloc((map->n + 1) * sizeof(*all));
	const uint64_t *key;
	void *value;
	size_t count = 0;

	if (!all)
		return -ETR_E_NOMEM;
	for (size_t pos = 0; an_map_each(map, &pos, &key, &value);)
		all[count++] = (struct an_row){ .name = (an_text_id)*key, .value = value, .weight = weigh ? weigh(value) : 0 };
	qsort_r(all, count, sizeof(*all), weigh ? by_weight : by_text, &summary->source->names);
	*rows = all;
	*n = count;
	return 0;
}

static void put_wire_events(const struct an_summary *summary, struct an_json *json)
{
	const uint64_t *counts = etr_reader_wire_counts(summary->source->reader);

	an_json_open(json, "wire_events", 11, false);
	for (int type = 0; counts && type < 256; type++)
		if (counts[type] && etr_wire_name(type))
			an_json_u64(json, etr_wire_name(type), counts[type]);
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
		if (totals[s].counted || totals[s].entered)
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

		if (total->counted || total->entered)
			put_state(json, s, ns, total->open_ns, total->entered);
	}
	an_json_close(json);
}

static void put_hist(struct an_json *json, const struct an_hist *hist)
{
	an_json_u64(json, "count", hist->count);
	an_json_i64(json, "ns", hist->ns);
	an_json_i64(json, "max_ns", hist->max);
}

/* A table of histograms, or of spans. */
static int put_table(const struct an_summary *summary, struct an_json *json, const char *key, const struct an_map *map,
		     bool spans)
{
	struct an_row *rows;
	size_t n;

	if (an_summary_rows(summary, map, NULL, &rows, &n) < 0)
		return -ETR_E_NOMEM;
	an_json_open(json, key, strlen(key), false);
	for (size_t i = 0; i < n; i++) {
		size_t len;
		const char *name = an_text(&summary->source->names, rows[i].name, &len);

		an_json_open(json, name, len, true);
		if (spans) {
			const struct an_span_total *span = rows[i].value;

			an_json_u64(json, "begun", span->begun);
			an_json_u64(json, "ended", span->ended);
			an_json_i64(json, "ns", span->time.ns);
			an_json_i64(json, "max_ns", span->time.max);
		} else {
			put_hist(json, rows[i].value);
		}
		an_json_close(json);
	}
	an_json_close(json);
	free(rows);
	return 0;
}

static int put_functions(const struct an_summary *summary, struct an_json *json)
{
	struct an_row *rows;
	size_t n;

	if (an_summary_rows(summary, &summary->functions, NULL, &rows, &n) < 0)
		return -ETR_E_NOMEM;
	an_json_open(json, "functions", 9, false);
	for (size_t i = 0; i < n; i++) {
		const struct an_function_total *total = rows[i].value;
		size_t len;
		const char *name = an_text(&summary->source->names, rows[i].name, &len);

		an_json_open(json, name, len, true);
		an_json_u64(json, "goroutines", total->goroutines);
		for (int s = 0; s < ETR_STATE_COUNT_; s++)
			if (total->ns[s])
				an_json_i64(json, etr_state_name(s), total->ns[s]);
		an_json_close(json);
	}
	an_json_close(json);
	free(rows);
	return 0;
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
	const struct etr_reader *reader = summary->source->reader;
	const char *message = etr_reader_error_message(reader);

	if (!failed)
		return;
	an_json_open(json, "error", 5, false);
	an_json_u64(json, "offset", etr_reader_error_offset(reader));
	an_json_u64(json, "generation", etr_reader_error_generation(reader));
	an_json_text(json, "message", message, strlen(message));
	an_json_close(json);
}

static void put_head(const struct an_summary *summary, const char *file, struct an_json *json)
{
	const struct an_source *source = summary->source;
	const struct etr_reader *reader = source->reader;
	int version = etr_reader_version(reader);
	char text[32];

	an_json_text(json, "file", file, strlen(file));
	snprintf(text, sizeof(text), "go 1.%d", version);
	if (version > 0)
		an_json_text(json, "version", text, strlen(text));
	else
		an_json_null(json, "version");
	put_process(&source->notes, json);
	an_json_u64(json, "bytes", etr_reader_size(reader) ? etr_reader_size(reader) : etr_reader_offset(reader));
	an_json_u64(json, "generations", an_source_generations(source));
	an_json_u64(json, "events", source->events);
	an_json_i64(json, "start_ns", source->start);
	an_json_i64(json, "end_ns", source->end);
	an_json_i64(json, "duration_ns", source->end - source->start);
	an_json_u64(json, "goroutines", summary->gs_seen.set.n);
	an_json_u64(json, "procs", summary->ps_seen.set.n);
	an_json_u64(json, "threads", summary->ms_seen.set.n);
}

int an_summary_print_json(const struct an_summary *summary, const char *file, int failed, FILE *out)
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
	rc = put_table(summary, &json, "waiting_by_reason", &summary->waiting, false);
	if (rc == 0)
		rc = put_table(summary, &json, "runnable_by_reason", &summary->runnable, false);
	an_json_open(&json, "syscalls", 8, true);
	put_hist(&json, &summary->syscalls);
	an_json_i64(&json, "open_ns", summary->g_states[ETR_STATE_SYSCALL].open_ns);
	an_json_close(&json);
	if (rc == 0)
		rc = put_table(summary, &json, "ranges", &summary->ranges, false);
	an_json_u64(&json, "gc_cycles", summary->gc_cycles);
	if (rc == 0)
		rc = put_table(summary, &json, "tasks", &summary->tasks, true);
	an_json_u64(&json, "regions", summary->kinds[ETR_KIND_REGION_BEGIN]);
	if (rc == 0)
		rc = put_table(summary, &json, "region_types", &summary->regions, true);
	an_json_u64(&json, "logs", summary->kinds[ETR_KIND_LOG]);
	an_json_u64(&json, "cpu_samples", summary->kinds[ETR_KIND_STACK_SAMPLE]);
	if (rc == 0)
		rc = put_functions(summary, &json);
	put_error(summary, failed, &json);
	an_json_end(&json);
	return rc;
}
