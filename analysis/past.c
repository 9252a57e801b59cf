/* SPDX-License-Identifier: BSD-3-Clause
 *
 * past.c - reads the notes of a slice.
 *
 * They stand in its first generation, and some in that in which the window ends.  Malformed ones are passed over: they come from the file and are no reason to give it up.
 */
#include "config.h"

#include "analysis/past.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/grow.h"

#define PREFIX "exectrace:"

void an_past_init(struct an_past *past)
{
	memset(past, 0, sizeof(*past));
	past->from = INT64_MIN;
	past->to = INT64_MAX;
	an_map_init(&past->gs, 1, sizeof(struct an_past_g));
	an_map_init(&past->tasks, 1, sizeof(struct an_past_task));
	an_map_init(&past->regions_of, 1, 2 * sizeof(uint64_t));
}

void an_past_free(struct an_past *past)
{
	an_map_free(&past->gs);
	an_map_free(&past->tasks);
	an_map_free(&past->regions_of);
	free(past->regions);
	free(past->ranges);
	past->regions = NULL;
	past->ranges = NULL;
}

/* Takes a decimal number, perhaps negative, and the space behind it, off *text; "-" gives `none`.  False: there is none. */
static bool take_number(const char **text, int64_t none, int64_t *number)
{
	const char *p = *text;
	char *end;

	if (p[0] == '-' && (p[1] == ' ' || p[1] == '\0')) {
		*number = none;
		*text += 1 + (p[1] == ' ');
		return true;
	}
	if (*p != '-' && (*p < '0' || *p > '9'))
		return false;
	*number = *p == '-' ? (int64_t)strtoll(p, &end, 10) : (int64_t)strtoull(p, &end, 10);
	if (end == p || (*end != ' ' && *end != '\0'))
		return false;
	*text = end + (*end == ' ');
	return true;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Takes an escaped word off *text; "-" is the empty one. */
static an_text_id take_word(struct an_names *names, const char **text)
{
	char word[1024];
	size_t n = 0, len = strcspn(*text, " ");
	const char *p = *text;

	*text += len + (p[len] == ' ');
	if (len == 1 && *p == '-')
		return 0;
	for (size_t i = 0; i < len && n < sizeof(word); i++) {
		if (p[i] == '\\' && len - i >= 4 && p[i + 1] == 'x' && hex_digit(p[i + 2]) >= 0 && hex_digit(p[i + 3]) >= 0) {
			word[n++] = (char)(hex_digit(p[i + 2]) << 4 | hex_digit(p[i + 3]));
			i += 3;
		} else {
			word[n++] = p[i];
		}
	}
	return an_names_add_text(names, word, n);
}

static int note_slice(struct an_past *past, struct an_names *names, const char *text)
{
	int64_t from, to;

	(void)names;
	if (!take_number(&text, INT64_MIN, &from) || !take_number(&text, INT64_MAX, &to) || from > to)
		return 0;
	if (!past->is_slice) {
		past->is_slice = true;
		past->complete = strcmp(text, "complete") == 0;
		past->from = from;
		past->to = to;
	} else if (from == past->from && to < past->to) {
		past->to = to;
	}
	return 0;
}

static int note_goroutine(struct an_past *past, struct an_names *names, const char *text)
{
	struct an_past_g *g, value;
	int64_t id, stack;
	bool added;

	if (!take_number(&text, -1, &id) || !take_number(&text, INT64_MIN, &value.since))
		return 0;
	value.function = take_word(names, &text);
	value.reason = take_word(names, &text);
	if (!take_number(&text, -1, &value.p))
		value.p = -1;
	value.reader_stack = 0;
	if (take_number(&text, 0, &stack) && stack &&
	    etr_reader_stack_by_wire_id(names->reader, (uint64_t)stack, &value.reader_stack) != 1)
		value.reader_stack = 0;
	value.stack = an_names_stack(names, value.reader_stack);
	value.has_run = strcmp(text, "run") == 0;
	g = an_map_add(&past->gs, &(uint64_t){ (uint64_t)id }, &added);
	if (!g)
		return -ETR_E_NOMEM;
	/* A second one has the function, which turned out later. */
	if (added)
		*g = value;
	else if (!g->function)
		g->function = value.function;
	past->learned++;
	return 0;
}

static int note_task(struct an_past *past, struct an_names *names, const char *text)
{
	int64_t id, parent, begin;
	struct an_past_task *task;

	if (!take_number(&text, -1, &id) || !take_number(&text, (int64_t)ETR_NO_TASK, &parent) ||
	    !take_number(&text, INT64_MIN, &begin))
		return 0;
	task = an_map_add(&past->tasks, &(uint64_t){ (uint64_t)id }, NULL);
	if (!task)
		return -ETR_E_NOMEM;
	*task = (struct an_past_task){ .parent = (uint64_t)parent, .begin = begin, .type = take_word(names, &text) };
	return 0;
}

static int note_region(struct an_past *past, struct an_names *names, const char *text)
{
	struct an_past_region *list;
	int64_t g, task, begin;
	uint64_t *ends;

	if (!take_number(&text, -1, &g) || !take_number(&text, 0, &task) || !take_number(&text, INT64_MIN, &begin))
		return 0;
	ends = an_map_add(&past->regions_of, &(uint64_t){ (uint64_t)g }, NULL);
	list = an_grow(past->regions, &past->regions_cap, past->nregions + 1, sizeof(*list));
	if (!list || !ends)
		return -ETR_E_NOMEM;
	past->regions = list;
	*(ends[1] ? &list[ends[1] - 1].next : &ends[0]) = past->nregions + 1;
	ends[1] = past->nregions + 1;
	list[past->nregions++] = (struct an_past_region){ .g = g, .task = (uint64_t)task, .begin = begin,
							   .type = take_word(names, &text) };
	return 0;
}

static int note_range(struct an_past *past, struct an_names *names, const char *text)
{
	struct an_past_range *list;
	int64_t resource, id, begin;

	if (!take_number(&text, 0, &resource) || !take_number(&text, 0, &id) || !take_number(&text, INT64_MIN, &begin))
		return 0;
	list = an_grow(past->ranges, &past->ranges_cap, past->nranges + 1, sizeof(*list));
	if (!list)
		return -ETR_E_NOMEM;
	past->ranges = list;
	list[past->nranges++] = (struct an_past_range){ .resource = (uint8_t)resource, .id = id, .begin = begin,
							.name = take_word(names, &text) };
	return 0;
}

static const struct {
	const char *word;
	int (*note)(struct an_past *past, struct an_names *names, const char *text);
} words[] = {
	{ PREFIX "slice ", note_slice },   { PREFIX "goroutine ", note_goroutine }, { PREFIX "task ", note_task },
	{ PREFIX "region ", note_region }, { PREFIX "range ", note_range },
};

#define NWORDS (sizeof(words) / sizeof(words[0]))
#define NWORDS_LATER 2		/* those that may come in later generations */

/* The index in words[], or NWORDS. */
static size_t word_of(const char *text, size_t len)
{
	size_t i = 0;

	for (; i < NWORDS; i++)
		if (len >= strlen(words[i].word) && memcmp(text, words[i].word, strlen(words[i].word)) == 0)
			break;
	return i;
}

bool an_past_is_note(const char *text, size_t len)
{
	return word_of(text, len) < NWORDS;
}

int an_past_read(struct an_past *past, struct an_names *names, const struct etr_reader *reader, bool first)
{
	size_t n = first || past->is_slice ? etr_reader_nstrings(reader) : 0;
	uint64_t learned = past->learned;

	for (size_t id = 1; id < n; id++) {
		size_t len, i;
		const char *text = etr_reader_string(reader, (etr_string_id)id, &len);
		int rc;

		if (len < sizeof(PREFIX) || memcmp(text, PREFIX, sizeof(PREFIX) - 1) != 0)
			continue;
		i = word_of(text, len);
		rc = i < (first ? NWORDS : NWORDS_LATER) ? words[i].note(past, names, text + strlen(words[i].word)) : 0;
		if (rc < 0)
			return rc;
	}
	if (first)
		past->learned = learned;
	return names->oom ? -ETR_E_NOMEM : 0;
}

bool an_past_range_begin(const struct an_past *past, uint8_t resource, int64_t id, an_text_id name, int64_t *begin)
{
	for (size_t i = 0; i < past->nranges; i++) {
		const struct an_past_range *range = &past->ranges[i];

		if (range->resource != resource || range->id != id || range->name != name)
			continue;
		*begin = range->begin;
		return true;
	}
	return false;
}
