/* SPDX-License-Identifier: BSD-3-Clause
 *
 * names.h - strings and stacks of a whole trace, by content.
 *
 * The reader's ids hold for one generation.  Here the same text, and the same list of frames, has one id for as long as the
 * struct lives; what a generation's ids stand for is looked up once per generation and cached in arrays indexed by them.
 */
#ifndef ANALYSIS_NAMES_H
#define ANALYSIS_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <exectrace/reader.h>

/* Ids of texts and stacks; 0 is the empty one. */
typedef uint32_t an_text_id;
typedef uint32_t an_stack_id;

struct an_frame {
	uint64_t pc, line;
	an_text_id func, file;
};

/* A table of things that are found by content: hash and id at once.  Owned by an_names. */
struct an_index {
	uint32_t *ids;		/* mask + 1 of them; UINT32_MAX where free */
	size_t mask;
};

struct an_names {
	const struct etr_reader *reader;	/* the caller's */
	bool oom;		/* an allocation failed; ids given since may be 0 */

	struct an_text {
		char *text;	/* with a NUL behind it */
		uint32_t len, hash;
	} *texts;
	size_t ntexts, texts_cap;
	struct an_index text_index;

	struct an_stack {
		struct an_frame *frames;	/* leaf first */
		uint32_t n, hash;
	} *stacks;
	size_t nstacks, stacks_cap;
	struct an_index stack_index;

	/* Beyond these, everything new is "(other)"; 0: no limit. */
	size_t max_texts, max_stacks, max_bytes;
	size_t bytes;		/* of all texts */
	an_text_id other_text;
	an_stack_id other_stack;

	/* What the reader's ids stand for in this generation; UINT32_MAX: not asked for yet. */
	uint32_t *text_cache, *stack_cache;
	size_t text_cache_cap, stack_cache_cap;
};

/* Return: 0 or -ETR_E_NOMEM. */
int an_names_init(struct an_names *names, const struct etr_reader *reader);
void an_names_free(struct an_names *names);

/*
 * Sets limits, for users who can do with some names where a file makes up millions: new texts and stacks beyond are "(other)".
 * max_bytes is of all texts together.  Out of memory: names->oom.
 */
void an_names_limit(struct an_names *names, size_t max_texts, size_t max_stacks, size_t max_bytes);

/* To be called when a Sync was delivered: the reader's ids have changed their meaning. */
void an_names_next_generation(struct an_names *names);

/* From content.  Out of memory: 0, and names->oom is set.  Frames and text are copied. */
an_text_id an_names_add_text(struct an_names *names, const char *text, size_t len);
an_stack_id an_names_add_stack(struct an_names *names, const struct an_frame *frames, size_t n);

/* The slow halves of the two below. */
an_text_id an__names_load_text(struct an_names *names, etr_string_id id);
an_stack_id an__names_load_stack(struct an_names *names, etr_stack_id id);

/* From an id of the reader's current generation. */
static inline an_text_id an_names_text(struct an_names *names, etr_string_id id)
{
	if (id < names->text_cache_cap && names->text_cache[id] != UINT32_MAX)
		return names->text_cache[id];
	return an__names_load_text(names, id);
}

static inline an_stack_id an_names_stack(struct an_names *names, etr_stack_id id)
{
	if (id < names->stack_cache_cap && names->stack_cache[id] != UINT32_MAX)
		return names->stack_cache[id];
	return an__names_load_stack(names, id);
}

/* The content, which lives as long as names; len may be NULL. */
static inline const char *an_text(const struct an_names *names, an_text_id id, size_t *len)
{
	if (len)
		*len = names->texts[id].len;
	return names->texts[id].text;
}

static inline const struct an_frame *an_stack(const struct an_names *names, an_stack_id id, size_t *n)
{
	*n = names->stacks[id].n;
	return names->stacks[id].frames;
}

#endif
