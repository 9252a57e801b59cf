/* SPDX-License-Identifier: BSD-3-Clause
 *
 * summerge.c - several summaries made one, and the figures that are sums over a summary's tables.
 *
 * Names have other ids in each summary: they are looked up by their texts.  Distinct ids of goroutines, processors and threads
 * are different ones in each trace and are added up.
 */
#include "config.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/sumimpl.h"

static an_text_id text_here(struct an_summary *to, const struct an_summary *from, an_text_id id)
{
	size_t len;
	const char *text = an_text(from->names, id, &len);

	return an_names_add_text(to->names, text, len);
}

static an_stack_id stack_here(struct an_summary *to, const struct an_summary *from, an_stack_id id)
{
	size_t n;
	const struct an_frame *theirs = an_stack(from->names, id, &n);
	struct an_frame *frames = calloc(n + 1, sizeof(*frames));
	an_stack_id got;

	if (!frames) {
		to->names->oom = true;
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		frames[i] = theirs[i];
		frames[i].func = text_here(to, from, theirs[i].func);
		frames[i].file = text_here(to, from, theirs[i].file);
	}
	got = an_names_add_stack(to->names, frames, n);
	free(frames);
	return got;
}

static void merge_states(struct an_state_total *to, const struct an_state_total *from)
{
	for (int s = 0; s < ETR_STATE_COUNT_; s++) {
		to[s].ns += from[s].ns;
		to[s].open_ns += from[s].open_ns;
		to[s].entered += from[s].entered;
		to[s].counted += from[s].counted;
	}
}

/*
 * What a row says beside sums, before theirs are added to it: ids of several traces have the function that all of them have, and a
 * generation is as long as all of that number together, from the first one's start on.
 */
static void merge_group_head(struct an_summary *to, struct an_group *mine, const struct an_summary *from, const struct an_group *group)
{
	static const char several[] = "(several)";
	an_text_id function = text_here(to, from, group->function);

	if (mine->other)
		return;
	if (an_group_is_empty(mine) && !mine->function && !mine->end) {
		mine->function = function;
		mine->start = group->start;
		mine->end = group->end;
		return;
	}
	if (mine->function != function)
		mine->function = an_names_add_text(to->names, several, sizeof(several) - 1);
	mine->end += group->end - group->start;
}

static int merge_groups(struct an_summary *to, struct an_groups *groups, const struct an_summary *from,
			const struct an_groups *theirs, bool named)
{
	const struct an_group *group;

	for (size_t pos = 0; (group = an_groups_each(theirs, &pos));) {
		struct an_group *mine;

		if (group->other)
			mine = an_groups_other(groups);
		else
			mine = an_groups_get(groups, named ? text_here(to, from, (an_text_id)group->key) : group->key);
		if (!mine)
			return -ETR_E_NOMEM;
		merge_group_head(to, mine, from, group);
		if (an_group_merge(mine, group) < 0)
			return -ETR_E_NOMEM;
	}
	return 0;
}

static int merge_reasons(struct an_summary *to, const struct an_summary *from)
{
	const uint64_t *key;
	void *value;

	for (size_t pos = 0; an_map_each(&from->reasons, &pos, &key, &value);) {
		const struct an_reason *theirs = *(struct an_reason **)value;
		struct an_reason *mine = an__reason_get(to, text_here(to, from, theirs->name));

		if (!mine || an_hist_merge(&mine->waiting, &theirs->waiting) < 0 ||
		    an_hist_merge(&mine->runnable, &theirs->runnable) < 0)
			return -ETR_E_NOMEM;
	}
	return 0;
}

static int merge_hists(struct an_summary *to, struct an_map *map, const struct an_summary *from, const struct an_map *theirs)
{
	const uint64_t *key;
	void *value;

	for (size_t pos = 0; an_map_each(theirs, &pos, &key, &value);) {
		an_text_id name = text_here(to, from, (an_text_id)*key);
		struct an_hist *mine = an_map_add(map, &(uint64_t){ an__capped(to, map, name) }, NULL);

		if (!mine || an_hist_merge(mine, value) < 0)
			return -ETR_E_NOMEM;
	}
	return 0;
}

static int merge_spans(struct an_summary *to, struct an_map *map, const struct an_summary *from, const struct an_map *theirs)
{
	const uint64_t *key;
	void *value;

	for (size_t pos = 0; an_map_each(theirs, &pos, &key, &value);) {
		const struct an_span_total *span = value;
		struct an_span_total *mine = an__span_get(to, map, text_here(to, from, (an_text_id)*key));

		if (!mine || an_hist_merge(&mine->time, &span->time) < 0)
			return -ETR_E_NOMEM;
		mine->begun += span->begun;
		mine->ended += span->ended;
	}
	return 0;
}

static int merge_samples(struct an_summary *to, const struct an_summary *from)
{
	const uint64_t *key;
	void *value;

	for (size_t pos = 0; an_map_each(&from->samples, &pos, &key, &value);) {
		an_text_id name = text_here(to, from, (an_text_id)*key);
		uint64_t *mine = an_map_add(&to->samples, &(uint64_t){ an__capped(to, &to->samples, name) }, NULL);

		if (!mine)
			return -ETR_E_NOMEM;
		*mine += *(const uint64_t *)value;
	}
	return 0;
}

static void merge_longest(struct an_summary *to, const struct an_summary *from)
{
	for (unsigned i = 0; i < from->nlongest; i++) {
		struct an_long_wait wait = from->longest[i];
		unsigned at;

		if (to->nlongest == AN_LONGEST && wait.ns <= to->longest[AN_LONGEST - 1].ns)
			return;
		wait.reason = text_here(to, from, wait.reason);
		wait.function = text_here(to, from, wait.function);
		wait.stack = stack_here(to, from, wait.stack);
		wait.waker_stack = stack_here(to, from, wait.waker_stack);
		/* Times of different traces have nothing to do with each other. */
		wait.start -= from->head.start;
		if (to->nlongest < AN_LONGEST)
			to->nlongest++;
		for (at = to->nlongest - 1; at > 0 && to->longest[at - 1].ns < wait.ns; at--)
			to->longest[at] = to->longest[at - 1];
		to->longest[at] = wait;
	}
}

static void merge_head(struct an_summary *to, const struct an_summary *from)
{
	struct an_head *head = &to->head;

	head->version = from->head.version > head->version ? from->head.version : head->version;
	head->files += from->head.files;
	head->bytes += from->head.bytes;
	head->generations += from->head.generations;
	head->events += from->head.events;
	head->duration += from->head.duration;
	head->end = head->end > from->head.duration ? head->end : from->head.duration;
	head->goroutines += from->head.goroutines;
	head->procs += from->head.procs;
	head->threads += from->head.threads;
	head->windowed |= from->head.windowed;
	for (int i = 0; i < 256; i++) {
		head->wire_counts[i] += from->head.wire_counts[i];
		head->wire_bytes[i] += from->head.wire_bytes[i];
	}
}

int an_summary_merge(struct an_summary *to, const struct an_summary *from)
{
	/* Numbers of goroutines, threads, processors and generations are those of each trace; the rows of a merged one are of all. */
	bool named = from->options.by == AN_BY_TASK || from->options.by == AN_BY_REGION;
	int rc;

	if (!from->begun)
		return 0;
	merge_head(to, from);
	for (int kind = 0; kind < ETR_KIND_COUNT_; kind++)
		to->kinds[kind] += from->kinds[kind];
	merge_states(to->g_states, from->g_states);
	merge_states(to->p_states, from->p_states);
	for (int s = 0; s < ETR_STATE_COUNT_; s++)
		to->known_ns[s] += from->known_ns[s];
	to->gc_cycles += from->gc_cycles;
	to->max_procs = to->max_procs > from->max_procs ? to->max_procs : from->max_procs;
	to->max_heap = to->max_heap > from->max_heap ? to->max_heap : from->max_heap;
	merge_longest(to, from);
	rc = merge_groups(to, &to->functions, from, &from->functions, true);
	if (rc == 0)
		rc = merge_groups(to, &to->extra, from, &from->extra, named);
	if (rc == 0)
		rc = merge_reasons(to, from);
	if (rc == 0)
		rc = merge_hists(to, &to->ranges, from, &from->ranges);
	if (rc == 0)
		rc = merge_spans(to, &to->tasks, from, &from->tasks);
	if (rc == 0)
		rc = merge_spans(to, &to->regions, from, &from->regions);
	if (rc == 0)
		rc = merge_samples(to, from);
	to->begun = false;
	return rc < 0 || to->names->oom ? -ETR_E_NOMEM : 0;
}

/* Adds one of a summary's histograms to a sum over several. */
static int sum_up(const struct an_summary *summary, struct an_hist *hist, const struct an_hist *part)
{
	if (part->series && an_series_merge(&hist->series, part->series, &summary->clock) < 0)
		return -ETR_E_NOMEM;
	return an_hist_merge(hist, part);
}

static int sum_reasons(const struct an_summary *summary, size_t offset, struct an_hist *hist)
{
	const uint64_t *key;
	void *value;

	memset(hist, 0, sizeof(*hist));
	for (size_t pos = 0; an_map_each(&summary->reasons, &pos, &key, &value);)
		if (sum_up(summary, hist, (const struct an_hist *)(*(const char **)value + offset)) < 0)
			return -ETR_E_NOMEM;
	return 0;
}

int an_summary_scheduling(const struct an_summary *summary, struct an_hist *hist)
{
	return sum_reasons(summary, offsetof(struct an_reason, runnable), hist);
}

int an_summary_blocked(const struct an_summary *summary, struct an_hist *hist)
{
	return sum_reasons(summary, offsetof(struct an_reason, waiting), hist);
}

int an_summary_syscalls(const struct an_summary *summary, struct an_hist *hist)
{
	const struct an_group *group;

	memset(hist, 0, sizeof(*hist));
	for (size_t pos = 0; (group = an_groups_each(&summary->functions, &pos));)
		if (sum_up(summary, hist, &group->state[ETR_STATE_SYSCALL]) < 0)
			return -ETR_E_NOMEM;
	return 0;
}
