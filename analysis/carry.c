/* SPDX-License-Identifier: BSD-3-Clause
 *
 * carry.c - strings, stacks and notes on their way into a slice.
 *
 * What the slice's events name is put into its tables when it is first named, so a slice has what it uses.  Stacks keep ids of
 * their own even where frames are equal, since two of them can stand for two locks.
 */
#include "config.h"

#include "analysis/recode.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/grow.h"

#define PREFIX "exectrace:"
#define NOTE_MAX 1024
#define FRAMES_MAX 128

/* The place of id in a cache of ids, which grows; NULL when out of memory. */
static uint32_t *cached(uint32_t **cache, size_t *cap, size_t id)
{
	size_t old = *cap;
	uint32_t *bigger;

	if (id < old)
		return &(*cache)[id];
	bigger = an_grow(*cache, cap, id + 1, sizeof(*bigger));
	if (!bigger)
		return NULL;
	memset(bigger + old, 0, (*cap - old) * sizeof(*bigger));
	*cache = bigger;
	return &bigger[id];
}

void an__recode_forget_ids(struct an_recoder *rec)
{
	for (int kind = 0; kind < AN_TEXT_KINDS; kind++)
		if (rec->strings[kind])
			memset(rec->strings[kind], 0, rec->strings_cap[kind] * sizeof(uint32_t));
	if (rec->stacks)
		memset(rec->stacks, 0, rec->stacks_cap * sizeof(uint32_t));
}

static uint64_t id_or_failed(struct an_recoder *rec, int64_t id)
{
	return an__recode_fail(rec, id < 0 ? (int)id : 0) < 0 ? 0 : (uint64_t)id;
}

uint64_t an__recode_text(struct an_recoder *rec, enum an_text_kind kind, const char *text, size_t len)
{
	if (rec->renamer && len) {
		text = rec->renamer->rename(rec->renamer->ctx, kind, text, &len);
		if (!text)
			return id_or_failed(rec, -ETR_E_NOMEM);
	}
	return id_or_failed(rec, etr_writer_string(rec->writer, text, len));
}

uint64_t an__recode_string(struct an_recoder *rec, enum an_text_kind kind, etr_string_id id)
{
	uint32_t *place;

	if (id == 0)
		return 0;
	/* What a text is matters only where it gets another name. */
	if (!rec->renamer)
		kind = 0;
	place = cached(&rec->strings[kind], &rec->strings_cap[kind], id);
	if (!place)
		return id_or_failed(rec, -ETR_E_NOMEM);
	if (!*place) {
		size_t len;
		const char *text = etr_reader_string(rec->reader, id, &len);

		*place = (uint32_t)an__recode_text(rec, kind, text, len) + 1;
	}
	return *place - 1;
}

/* Says what a stack of the original stands for beside its frames. */
static int carry_meaning(struct an_recoder *rec, etr_stack_id id, uint64_t written)
{
	const struct an_notes *notes = &rec->world->source->notes;
	const struct {
		const char *word;
		const struct an_map *map;
	} meanings[] = { { "lock", &notes->lock_by_stack }, { "waker", &notes->waker_by_stack } };

	for (size_t i = 0; i < 2; i++) {
		const uint64_t *value = an_map_find(meanings[i].map, &(uint64_t){ id });
		char note[96];
		int len;

		if (!value)
			continue;
		len = snprintf(note, sizeof(note), PREFIX "%s %" PRIu64 " %" PRIu64, meanings[i].word, written, *value);
		id_or_failed(rec, etr_writer_string(rec->writer, note, (size_t)len));
	}
	return rec->failed;
}

uint64_t an__recode_stack(struct an_recoder *rec, etr_stack_id id)
{
	struct etr_writer_frame frames[FRAMES_MAX];
	const struct etr_frame *theirs;
	uint32_t *place;
	uint64_t written;
	size_t n;

	if (id == 0)
		return 0;
	place = cached(&rec->stacks, &rec->stacks_cap, id);
	if (!place)
		return id_or_failed(rec, -ETR_E_NOMEM);
	if (*place)
		return *place - 1;
	theirs = etr_reader_stack(rec->reader, id, &n);
	if (n > FRAMES_MAX)
		n = FRAMES_MAX;
	for (size_t i = 0; i < n; i++)
		frames[i] = (struct etr_writer_frame){ .pc = theirs[i].pc, .line = theirs[i].line,
						       .func = an__recode_string(rec, AN_TEXT_FUNCTION, theirs[i].func),
						       .file = an__recode_string(rec, AN_TEXT_FILE, theirs[i].file) };
	written = id_or_failed(rec, etr_writer_stack_apart(rec->writer, frames, n));
	*place = (uint32_t)written + 1;
	carry_meaning(rec, id, written);
	return written;
}

/* A stack of the trace's; one that stands for something has an id of its own. */
static uint64_t known_stack(struct an_recoder *rec, an_stack_id id, bool apart)
{
	const struct an_names *names = &rec->world->source->names;
	struct etr_writer_frame frames[FRAMES_MAX];
	const struct an_frame *ours;
	size_t n, len;
	int64_t written;

	ours = an_stack(names, id, &n);
	if (n == 0)
		return 0;
	if (n > FRAMES_MAX)
		n = FRAMES_MAX;
	for (size_t i = 0; i < n; i++) {
		const char *func = an_text(names, ours[i].func, &len);

		frames[i] = (struct etr_writer_frame){ .pc = ours[i].pc, .line = ours[i].line,
						       .func = an__recode_text(rec, AN_TEXT_FUNCTION, func, len) };
		func = an_text(names, ours[i].file, &len);
		frames[i].file = an__recode_text(rec, AN_TEXT_FILE, func, len);
	}
	written = apart ? etr_writer_stack_apart(rec->writer, frames, n) : etr_writer_stack(rec->writer, frames, n);
	/* Of an earlier generation: where its code was there is other code since, which two known stacks cannot tell in one. */
	return written == -ETR_E_INVALID ? 0 : id_or_failed(rec, written);
}

uint64_t an__recode_known_stack(struct an_recoder *rec, an_stack_id id)
{
	return known_stack(rec, id, false);
}

static bool has_word(const char *text, size_t len, const char *word)
{
	size_t n = strlen(word);

	text += sizeof(PREFIX) - 1;
	len -= sizeof(PREFIX) - 1;
	return len > n && memcmp(text, word, n) == 0 && text[n] == ' ';
}

int an__carry_notes(struct an_recoder *rec, bool whole)
{
	size_t n = etr_reader_nstrings(rec->reader);

	for (size_t id = 1; id < n && !rec->failed; id++) {
		size_t len;
		const char *text = etr_reader_string(rec->reader, (etr_string_id)id, &len);

		if (len < sizeof(PREFIX) || memcmp(text, PREFIX, sizeof(PREFIX) - 1) != 0)
			continue;
		/* These name stacks, and come with them; those of a slice are for that slice to say. */
		if (has_word(text, len, "lock") || has_word(text, len, "waker") || an_past_is_note(text, len))
			continue;
		/* What was lost in a generation is told once, where it begins. */
		if (!whole && has_word(text, len, "dropped"))
			continue;
		if (rec->renamer) {
			text = rec->renamer->rename_note(rec->renamer->ctx, text, &len);
			if (!text)
				return an__recode_fail(rec, -ETR_E_NOMEM);
		}
		id_or_failed(rec, etr_writer_string(rec->writer, text, len));
	}
	return rec->failed;
}

int an__carry_experimental(struct an_recoder *rec)
{
	struct etr_experimental_batch batch;

	/* In an older trace they have no right to be, though readers pass over them. */
	if (rec->version < 23)
		return rec->failed;
	for (size_t i = 0; !rec->failed && !rec->renamer && etr_reader_experimental_batch(rec->reader, i, &batch) == 1; i++)
		an__recode_fail(rec, etr_writer_experimental_batch(rec->writer, batch.experiment, batch.m, batch.data, batch.size));
	return rec->failed;
}

/* A note that is being written. */
struct note {
	char text[NOTE_MAX];
	size_t len;
};

static void note_number(struct note *note, const char *before, int64_t number, bool is_none)
{
	char digits[32];
	int n = is_none ? snprintf(digits, sizeof(digits), "-") : snprintf(digits, sizeof(digits), "%" PRId64, number);

	for (; *before; before++)
		note->text[note->len++] = *before;
	memcpy(note->text + note->len, digits, (size_t)n);
	note->len += (size_t)n;
}

/* A word, escaped, up to `limit` bytes of the note in all; "-" for none. */
static void note_text(struct an_recoder *rec, struct note *note, enum an_text_kind kind, const char *text, size_t len, size_t limit)
{
	static const char digits[] = "0123456789abcdef";

	if (rec->renamer && len) {
		text = rec->renamer->rename(rec->renamer->ctx, kind, text, &len);
		if (!text) {
			an__recode_fail(rec, -ETR_E_NOMEM);
			return;
		}
	}
	note->text[note->len++] = ' ';
	if (len == 0 || (len == 1 && *text == '-'))
		note->text[note->len++] = '-';
	for (size_t i = 0; len > 0 && !(len == 1 && *text == '-') && i < len && note->len + 4 <= limit; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c > 0x20 && c < 0x7f && c != '\\') {
			note->text[note->len++] = (char)c;
			continue;
		}
		note->text[note->len++] = '\\';
		note->text[note->len++] = 'x';
		note->text[note->len++] = digits[c >> 4];
		note->text[note->len++] = digits[c & 15];
	}
}

static void note_word(struct an_recoder *rec, struct note *note, enum an_text_kind kind, an_text_id id, size_t limit)
{
	size_t len;
	const char *text = an_text(&rec->world->source->names, id, &len);

	note_text(rec, note, kind, text, len, limit);
}

static void note_done(struct an_recoder *rec, const struct note *note)
{
	if (!rec->failed)
		id_or_failed(rec, etr_writer_string(rec->writer, note->text, note->len));
}

/* lock: that g->stack stands for, or NULL. */
static void carry_goroutine(struct an_recoder *rec, int64_t id, const struct an_past_g *g, const uint64_t *lock)
{
	const uint64_t stack = known_stack(rec, g->stack, lock);
	struct note note = { .len = 0 };

	note_number(&note, PREFIX "goroutine ", id, false);
	note_number(&note, " ", g->since, g->since == INT64_MIN);
	note_word(rec, &note, AN_TEXT_FUNCTION, g->function, 700);
	note_word(rec, &note, AN_TEXT_REASON, g->reason, NOTE_MAX - 64);
	note_number(&note, " ", g->p, g->p == -1);
	note_number(&note, " ", (int64_t)stack, stack == 0);
	if (g->has_run)
		note.len += (size_t)sprintf(note.text + note.len, " run");
	note_done(rec, &note);
	if (lock && stack) {
		note.len = (size_t)snprintf(note.text, sizeof(note.text), PREFIX "lock %" PRIu64 " %" PRIu64, stack, *lock);
		note_done(rec, &note);
	}
}

int an_recoder_learn(struct an_recoder *rec, int64_t g, const char *function, size_t len)
{
	struct note note = { .len = 0 };

	if (rec->failed)
		return rec->failed;
	note_number(&note, PREFIX "goroutine ", g, false);
	note_number(&note, " ", 0, true);
	note_text(rec, &note, AN_TEXT_FUNCTION, function, len, 700);
	note_number(&note, " ", 0, true);
	note_done(rec, &note);
	return rec->failed;
}

static void carry_range(struct an_recoder *rec, uint8_t resource, int64_t id, int64_t begin, an_text_id name)
{
	struct note note = { .len = 0 };

	note_number(&note, PREFIX "range ", resource, false);
	note_number(&note, " ", id, false);
	note_number(&note, " ", begin, begin == INT64_MIN);
	note_word(rec, &note, AN_TEXT_REASON, name, NOTE_MAX);
	note_done(rec, &note);
}

static void carry_region(struct an_recoder *rec, int64_t g, uint64_t task, int64_t begin, an_text_id type)
{
	struct note note = { .len = 0 };

	note_number(&note, PREFIX "region ", g, false);
	note_number(&note, " ", (int64_t)task, false);
	note_number(&note, " ", begin, begin == INT64_MIN);
	note_word(rec, &note, AN_TEXT_USER, type, NOTE_MAX);
	note_done(rec, &note);
}

static void carry_tasks(struct an_recoder *rec)
{
	const uint64_t *id;
	void *value;

	for (size_t pos = 0; an_map_each(&rec->world->tasks, &pos, &id, &value);) {
		const struct an_open_task *task = value;
		struct note note = { .len = 0 };

		note_number(&note, PREFIX "task ", (int64_t)*id, false);
		note_number(&note, " ", (int64_t)task->parent, task->parent == ETR_NO_TASK);
		note_number(&note, " ", task->begin, task->begin == INT64_MIN);
		note_word(rec, &note, AN_TEXT_USER, task->type, NOTE_MAX);
		note_done(rec, &note);
	}
}

/* What a slice that is being cut says of goroutines that have not appeared in it yet. */
static void carry_unseen(struct an_recoder *rec)
{
	const struct an_past *past = &rec->world->source->past;
	const uint64_t *id;
	void *value;

	for (size_t pos = 0; an_map_each(&past->gs, &pos, &id, &value);) {
		const struct an_past_g *g = value;

		if (!an_world_knew(rec->world, (int64_t)*id))
			carry_goroutine(rec, (int64_t)*id, g, an_map_find(&rec->world->source->notes.lock_by_stack,
									   &(uint64_t){ g->reader_stack }));
	}
	for (size_t i = 0; i < past->nregions; i++) {
		const struct an_past_region *region = &past->regions[i];

		if (!an_world_knew(rec->world, region->g))
			carry_region(rec, region->g, region->task, region->begin, region->type);
	}
}

int an__carry_window(struct an_recoder *rec, int64_t from, int64_t to)
{
	const struct an_source *source = rec->world->source;
	struct note note = { .len = 0 };

	note_number(&note, PREFIX "slice ", from, false);
	note_number(&note, " ", to, to == INT64_MAX);
	/* Behind the trace's first generation all that lives is known. */
	if (source->syncs > 1 || source->past.complete)
		note.len += (size_t)sprintf(note.text + note.len, " complete");
	note_done(rec, &note);
	return rec->failed;
}

int an__carry_past(struct an_recoder *rec)
{
	struct an_world *world = rec->world;

	carry_tasks(rec);
	for (const struct an_go *g = world->first_g; g; g = g->next) {
		const struct an_past_g state = { .since = g->since, .function = g->function, .reason = g->reason,
						 .p = g->state == ETR_STATE_SYSCALL ? g->p : -1, .stack = g->event_stack,
						 .has_run = g->has_run };

		carry_goroutine(rec, g->id, &state, g->has_lock ? &g->lock : NULL);
		for (size_t i = 0; i < g->nregions; i++)
			carry_region(rec, g->id, g->regions[i].task, g->regions[i].begin, g->regions[i].type);
		for (size_t i = 0; i < g->nranges; i++)
			carry_range(rec, ETR_RESOURCE_GOROUTINE, g->id, g->ranges[i].begin, g->ranges[i].name);
	}
	for (const struct an_proc *p = world->first_p; p; p = p->next)
		if (p->sweeping)
			carry_range(rec, ETR_RESOURCE_PROC, p->id, p->sweep.begin, p->sweep.name);
	if (world->marking)
		carry_range(rec, ETR_RESOURCE_NONE, 0, world->mark.begin, world->mark.name);
	carry_unseen(rec);
	return rec->failed;
}
