/* SPDX-License-Identifier: BSD-3-Clause
 *
 * names.c - interning of strings and stacks across generations.
 *
 * Each text and each list of frames is an allocation of its own, owned by the table, that never moves.  Ids count up from 0,
 * the empty one, and are never given up, so memory grows with what is distinct and not with the trace.
 */
#include "config.h"

#include "analysis/names.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/grow.h"

#define FREE UINT32_MAX

static uint32_t hash_bytes(const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t h = len;

	for (; len >= 8; p += 8, len -= 8) {
		uint64_t w;

		memcpy(&w, p, 8);
		h = (h ^ w) * 0x9e3779b97f4a7c15;
		h ^= h >> 29;
	}
	for (; len; p++, len--)
		h = (h ^ *p) * 0x100000001b3;
	h *= 0xff51afd7ed558ccd;
	return (uint32_t)(h >> 32);
}

static bool index_reset(struct an_index *index, size_t count)
{
	uint32_t *ids = malloc(count * sizeof(*ids));

	if (!ids)
		return false;
	memset(ids, 0xff, count * sizeof(*ids));
	free(index->ids);
	index->ids = ids;
	index->mask = count - 1;
	return true;
}

static void index_put(struct an_index *index, uint32_t hash, uint32_t id)
{
	size_t i = hash & index->mask;

	while (index->ids[i] != FREE)
		i = (i + 1) & index->mask;
	index->ids[i] = id;
}

int an_names_init(struct an_names *names, const struct etr_reader *reader)
{
	memset(names, 0, sizeof(*names));
	names->reader = reader;
	if (!index_reset(&names->text_index, 256) || !index_reset(&names->stack_index, 256))
		names->oom = true;
	if (!names->oom) {
		an_names_add_text(names, "", 0);
		an_names_add_stack(names, NULL, 0);
	}
	if (!names->oom)
		return 0;
	an_names_free(names);
	return -ETR_E_NOMEM;
}

void an_names_free(struct an_names *names)
{
	for (size_t i = 0; i < names->ntexts; i++)
		free(names->texts[i].text);
	for (size_t i = 0; i < names->nstacks; i++)
		free(names->stacks[i].frames);
	free(names->texts);
	free(names->stacks);
	free(names->text_index.ids);
	free(names->stack_index.ids);
	free(names->text_cache);
	free(names->stack_cache);
	memset(names, 0, sizeof(*names));
}

void an_names_next_generation(struct an_names *names)
{
	if (names->text_cache)
		memset(names->text_cache, 0xff, names->text_cache_cap * sizeof(uint32_t));
	if (names->stack_cache)
		memset(names->stack_cache, 0xff, names->stack_cache_cap * sizeof(uint32_t));
}

void an_names_limit(struct an_names *names, size_t max_texts, size_t max_stacks, size_t max_bytes)
{
	struct an_frame frame = { .func = an_names_add_text(names, "(other)", 7) };

	names->other_text = frame.func;
	names->other_stack = an_names_add_stack(names, &frame, 1);
	names->max_texts = max_texts;
	names->max_stacks = max_stacks;
	names->max_bytes = max_bytes;
}

/* Room for one more text in the array and the index. */
static bool text_room(struct an_names *names)
{
	struct an_text *texts = an_grow(names->texts, &names->texts_cap, names->ntexts + 1, sizeof(*texts));

	if (!texts)
		return false;
	names->texts = texts;
	if ((names->ntexts + 1) * 2 <= names->text_index.mask + 1)
		return true;
	if (!index_reset(&names->text_index, (names->text_index.mask + 1) * 2))
		return false;
	for (size_t i = 0; i < names->ntexts; i++)
		index_put(&names->text_index, texts[i].hash, (uint32_t)i);
	return true;
}

an_text_id an_names_add_text(struct an_names *names, const char *text, size_t len)
{
	uint32_t hash = hash_bytes(text, len);
	struct an_text *t;
	char *copy;

	for (size_t i = hash & names->text_index.mask; names->text_index.ids[i] != FREE; i = (i + 1) & names->text_index.mask) {
		t = &names->texts[names->text_index.ids[i]];
		if (t->hash == hash && t->len == len && memcmp(t->text, text, len) == 0)
			return names->text_index.ids[i];
	}
	if (names->max_texts && (names->ntexts >= names->max_texts || len > names->max_bytes - names->bytes))
		return names->other_text;
	copy = malloc(len + 1);
	if (!copy || len >= UINT32_MAX || names->ntexts >= UINT32_MAX - 1 || !text_room(names)) {
		free(copy);
		names->oom = true;
		return 0;
	}
	memcpy(copy, text, len);
	copy[len] = '\0';
	names->bytes += len;
	names->texts[names->ntexts] = (struct an_text){ .text = copy, .len = (uint32_t)len, .hash = hash };
	index_put(&names->text_index, hash, (uint32_t)names->ntexts);
	return (an_text_id)names->ntexts++;
}

static bool stack_room(struct an_names *names)
{
	struct an_stack *stacks = an_grow(names->stacks, &names->stacks_cap, names->nstacks + 1, sizeof(*stacks));

	if (!stacks)
		return false;
	names->stacks = stacks;
	if ((names->nstacks + 1) * 2 <= names->stack_index.mask + 1)
		return true;
	if (!index_reset(&names->stack_index, (names->stack_index.mask + 1) * 2))
		return false;
	for (size_t i = 0; i < names->nstacks; i++)
		index_put(&names->stack_index, stacks[i].hash, (uint32_t)i);
	return true;
}

an_stack_id an_names_add_stack(struct an_names *names, const struct an_frame *frames, size_t n)
{
	size_t size = n * sizeof(*frames);
	uint32_t hash = hash_bytes(frames, size);
	struct an_frame *copy;

	for (size_t i = hash & names->stack_index.mask; names->stack_index.ids[i] != FREE;
	     i = (i + 1) & names->stack_index.mask) {
		const struct an_stack *s = &names->stacks[names->stack_index.ids[i]];

		if (s->hash == hash && s->n == n && (!n || memcmp(s->frames, frames, size) == 0))
			return names->stack_index.ids[i];
	}
	if (names->max_stacks && names->nstacks >= names->max_stacks)
		return names->other_stack;
	copy = malloc(size + 1);
	if (!copy || n >= UINT32_MAX || names->nstacks >= UINT32_MAX - 1 || !stack_room(names)) {
		free(copy);
		names->oom = true;
		return 0;
	}
	if (n)
		memcpy(copy, frames, size);
	names->stacks[names->nstacks] = (struct an_stack){ .frames = copy, .n = (uint32_t)n, .hash = hash };
	index_put(&names->stack_index, hash, (uint32_t)names->nstacks);
	return (an_stack_id)names->nstacks++;
}

/* Makes the cache reach id, if the reader knows that id. */
static bool cache_reach(uint32_t **cache, size_t *cap, size_t id, size_t known)
{
	size_t old = *cap;
	uint32_t *bigger;

	if (id < old)
		return true;
	bigger = an_grow(*cache, cap, known > id ? known : id + 1, sizeof(**cache));
	if (!bigger)
		return false;
	*cache = bigger;
	memset(bigger + old, 0xff, (*cap - old) * sizeof(**cache));
	return true;
}

an_text_id an__names_load_text(struct an_names *names, etr_string_id id)
{
	size_t len, known = etr_reader_nstrings(names->reader);
	const char *text;
	an_text_id got;

	if (id >= known)
		return 0;
	text = etr_reader_string(names->reader, id, &len);
	got = an_names_add_text(names, text, len);
	if (!cache_reach(&names->text_cache, &names->text_cache_cap, id, known))
		names->oom = true;
	else
		names->text_cache[id] = got;
	return got;
}

an_stack_id an__names_load_stack(struct an_names *names, etr_stack_id id)
{
	size_t n, known = etr_reader_nstacks(names->reader);
	const struct etr_frame *theirs;
	struct an_frame few[128], *frames = few;
	an_stack_id got;

	if (id >= known)
		return 0;
	theirs = etr_reader_stack(names->reader, id, &n);
	/* A writer that found no caller may say so with frames that say nothing. */
	while (n && !theirs[n - 1].pc && !theirs[n - 1].func && !theirs[n - 1].file && !theirs[n - 1].line)
		n--;
	if (n > sizeof(few) / sizeof(few[0]) && !(frames = malloc(n * sizeof(*frames)))) {
		names->oom = true;
		return 0;
	}
	/* All bytes of a frame are hashed and compared: it has no padding. */
	_Static_assert(sizeof(struct an_frame) == 24, "no padding in struct an_frame");
	for (size_t i = 0; i < n; i++)
		frames[i] = (struct an_frame){ .pc = theirs[i].pc, .line = theirs[i].line,
					       .func = an_names_text(names, theirs[i].func),
					       .file = an_names_text(names, theirs[i].file) };
	got = an_names_add_stack(names, frames, n);
	if (frames != few)
		free(frames);
	if (!cache_reach(&names->stack_cache, &names->stack_cache_cap, id, known))
		names->oom = true;
	else
		names->stack_cache[id] = got;
	return got;
}
