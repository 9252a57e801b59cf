/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tracenotes.c - reads the "exectrace:" strings of a generation.
 *
 * Each word has one function that takes what follows it.  Unknown words and malformed notes are passed over: they come from the
 * file and are no reason to give it up.
 */
#include "config.h"

#include "analysis/tracenotes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/grow.h"

#define PREFIX "exectrace:"

void an_notes_init(struct an_notes *notes)
{
	memset(notes, 0, sizeof(*notes));
	an_map_init(&notes->lock_by_stack, 1, sizeof(uint64_t));
	an_map_init(&notes->waker_by_stack, 1, sizeof(uint64_t));
}

void an_notes_free(struct an_notes *notes)
{
	free(notes->process);
	free(notes->cmdline);
	free(notes->host);
	free(notes->recorder);
	for (size_t i = 0; i < notes->nmodules; i++) {
		free(notes->modules[i].build_id);
		free(notes->modules[i].path);
	}
	free(notes->modules);
	an_map_free(&notes->lock_by_stack);
	an_map_free(&notes->waker_by_stack);
	memset(notes, 0, sizeof(*notes));
}

/* Takes a number, decimal or 0x..., and the space behind it, off *text.  False: there is none. */
static bool take_number(const char **text, uint64_t *number)
{
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	*number = strtoull(*text, &end, 0);
	if (*end != ' ' && *end != '\0')
		return false;
	*text = end + (*end == ' ');
	return true;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* An allocated copy of text up to len bytes, \xHH made the byte again unless it would be a NUL; NULL when out of memory. */
static char *unescape(const char *text, size_t len)
{
	char *copy = malloc(len + 1), *to = copy;

	for (size_t i = 0; copy && i < len; i++) {
		if (text[i] == '\\' && len - i >= 4 && text[i + 1] == 'x' && hex_digit(text[i + 2]) >= 0 &&
		    hex_digit(text[i + 3]) > (text[i + 2] == '0' ? 0 : -1)) {
			*to++ = (char)(hex_digit(text[i + 2]) << 4 | hex_digit(text[i + 3]));
			i += 3;
		} else {
			*to++ = text[i];
		}
	}
	if (copy)
		*to = '\0';
	return copy;
}

/* Takes a word off *text; an allocated copy, or NULL when out of memory. */
static char *take_word(const char **text)
{
	size_t len = strcspn(*text, " ");
	char *word = unescape(*text, len);

	*text += len + ((*text)[len] == ' ');
	return word;
}

static int keep_first(char **where, const char *text)
{
	if (!*where)
		*where = unescape(text, strlen(text));
	return *where ? 0 : -ETR_E_NOMEM;
}

static int note_process(struct an_notes *notes, const struct etr_reader *reader, const char *text)
{
	uint64_t pid;

	if (notes->has_process || !take_number(&text, &pid))
		return 0;
	notes->has_process = true;
	notes->pid = pid;
	notes->process = take_word(&text);
	notes->cmdline = strdup(text);
	return notes->process && notes->cmdline ? 0 : -ETR_E_NOMEM;
}

static int note_host(struct an_notes *notes, const struct etr_reader *reader, const char *text)
{
	return keep_first(&notes->host, text);
}

static int note_recorder(struct an_notes *notes, const struct etr_reader *reader, const char *text)
{
	return keep_first(&notes->recorder, text);
}

static int note_cpu(struct an_notes *notes, const struct etr_reader *reader, const char *text)
{
	uint64_t hz;

	if (!notes->sample_period_ns && take_number(&text, &hz) && hz > 0 && hz <= 1000000000)
		notes->sample_period_ns = 1000000000 / hz;
	return 0;
}

static int note_module(struct an_notes *notes, const struct etr_reader *reader, const char *text)
{
	struct an_module module = { 0 }, *bigger;

	if (!take_number(&text, &module.base) || !take_number(&text, &module.size))
		return 0;
	for (size_t i = 0; i < notes->nmodules; i++)
		if (notes->modules[i].base == module.base && notes->modules[i].size == module.size)
			return 0;
	module.build_id = take_word(&text);
	module.path = unescape(text, strlen(text));
	bigger = an_grow(notes->modules, &notes->modules_cap, notes->nmodules + 1, sizeof(*bigger));
	if (bigger)
		notes->modules = bigger;
	if (!module.build_id || !module.path || !bigger) {
		free(module.build_id);
		free(module.path);
		return -ETR_E_NOMEM;
	}
	notes->modules[notes->nmodules++] = module;
	return 0;
}

/* "M COUNT NS"; M may also be "-", threads that are gone, or the name of something that was no event. */
static int note_dropped(struct an_notes *notes, const struct etr_reader *reader, const char *text)
{
	const struct {
		const char *name;
		uint64_t *sum;
	} others[] = {
		{ "samples ", &notes->dropped_samples },
		{ "stacks ", &notes->dropped_stacks },
		{ "strings ", &notes->dropped_strings },
		{ "locks ", &notes->dropped_locks },
	};
	uint64_t m, count, ns = 0;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strncmp(text, others[i].name, strlen(others[i].name)) != 0)
			continue;
		text += strlen(others[i].name);
		if (take_number(&text, &count))
			*others[i].sum += count;
		return 0;
	}
	if (strncmp(text, "- ", 2) == 0)
		text += 2;
	else if (!take_number(&text, &m))
		return 0;
	if (!take_number(&text, &count))
		return 0;
	take_number(&text, &ns);
	notes->dropped_events += count;
	notes->dropped_ns += ns;
	return 0;
}

/* "STACKID VALUE" into a map. */
static int note_of_stack(struct an_map *map, const struct etr_reader *reader, const char *text)
{
	uint64_t wire_id, value, *slot;
	etr_stack_id stack;

	if (!take_number(&text, &wire_id) || !take_number(&text, &value))
		return 0;
	if (etr_reader_stack_by_wire_id(reader, wire_id, &stack) != 1)
		return 0;
	slot = an_map_add(map, &(uint64_t){ stack }, NULL);
	if (!slot)
		return -ETR_E_NOMEM;
	*slot = value;
	return 0;
}

static int note_lock(struct an_notes *notes, const struct etr_reader *reader, const char *text)
{
	return note_of_stack(&notes->lock_by_stack, reader, text);
}

static int note_waker(struct an_notes *notes, const struct etr_reader *reader, const char *text)
{
	return note_of_stack(&notes->waker_by_stack, reader, text);
}

static const struct {
	const char *word;
	int (*note)(struct an_notes *notes, const struct etr_reader *reader, const char *text);
} words[] = {
	{ "lock", note_lock },
	{ "waker", note_waker },
	{ "module", note_module },
	{ "process", note_process },
	{ "host", note_host },
	{ "recorder", note_recorder },
	{ "cpu", note_cpu },
	{ "dropped", note_dropped },
};

static int note_string(struct an_notes *notes, const struct etr_reader *reader, const char *text)
{
	size_t len = strcspn(text, " ");

	notes->any = true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i].word) == len && memcmp(words[i].word, text, len) == 0)
			return words[i].note(notes, reader, text + len + (text[len] == ' '));
	return 0;
}

int an_notes_next_generation(struct an_notes *notes, const struct etr_reader *reader)
{
	const size_t prefix_len = sizeof(PREFIX) - 1;
	size_t n = etr_reader_nstrings(reader);

	an_map_free(&notes->lock_by_stack);
	an_map_free(&notes->waker_by_stack);
	for (size_t id = 1; id < n; id++) {
		size_t len;
		const char *text = etr_reader_string(reader, (etr_string_id)id, &len);
		int rc;

		if (len <= prefix_len || memcmp(text, PREFIX, prefix_len) != 0)
			continue;
		rc = note_string(notes, reader, text + prefix_len);
		if (rc < 0)
			return rc;
	}
	return 0;
}
