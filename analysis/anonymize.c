/* SPDX-License-Identifier: BSD-3-Clause
 *
 * anonymize.c - makes pseudonyms.
 *
 * A pseudonym's number is that of the name in a table of all that were met, so memory grows with what is distinct.  Of the recorders'
 * notes those stay whose form is known, with names replaced; others are left out, since nobody can tell what they give away.
 */
#include "config.h"

#include "analysis/anonymize.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "exectrace:"

/* Go's tools look for functions of these packages; ours for those that begin as the runtime's or the threads' do. */
static const char *const always_kept[] = {
	"runtime.", "runtime/", "sync.", "sync/", "internal/", "syscall.", "exrt_", "pthread_",
};

static bool begins(const char *text, size_t len, const char *prefix)
{
	size_t n = strlen(prefix);

	return len >= n && memcmp(text, prefix, n) == 0;
}

static bool is_kept(const struct an_anonymizer *a, enum an_text_kind kind, const char *text, size_t len)
{
	if (kind == AN_TEXT_REASON)
		return true;
	for (size_t i = 0; i < sizeof(always_kept) / sizeof(always_kept[0]) && kind == AN_TEXT_FUNCTION; i++)
		if (begins(text, len, always_kept[i]))
			return true;
	for (size_t i = 0; i < a->nkeep; i++)
		if (begins(text, len, a->keep[i]))
			return true;
	return false;
}

/* The number of a name; 0 when out of memory. */
static unsigned number_of(struct an_anonymizer *a, const char *text, size_t len)
{
	return an_names_add_text(&a->names, text, len);
}

static const char *rename_text(void *ctx, enum an_text_kind kind, const char *text, size_t *len)
{
	static const char *const words[] = { [AN_TEXT_FUNCTION] = "func", [AN_TEXT_FILE] = "file", [AN_TEXT_USER] = "text" };
	struct an_anonymizer *a = ctx;
	unsigned n;

	if (is_kept(a, kind, text, *len))
		return text;
	n = number_of(a, text, *len);
	*len = (size_t)snprintf(a->text, sizeof(a->text), "%s%u", words[kind], n);
	return n ? a->text : NULL;
}

/* Appends a word of a note under another name; "-" stays. */
static bool put_name(struct an_anonymizer *a, size_t *at, const char *word, size_t len)
{
	unsigned n = len == 1 && *word == '-' ? 0 : number_of(a, word, len);

	if (n)
		*at += (size_t)snprintf(a->text + *at, sizeof(a->text) - *at, " name%u", n);
	else
		*at += (size_t)snprintf(a->text + *at, sizeof(a->text) - *at, " -");
	return !a->names.oom;
}

/*
 * What becomes of a note's fields, one letter each: = stays, n becomes a name, - is left out with a dash in its place, and the rest of
 * the line counts as the last one.
 */
static const struct {
	const char *word, *fields;
} notes[] = {
	{ "recorder", "==" }, { "process", "=n-" }, { "host", "n" }, { "cpu", "=" }, { "module", "==-n" }, { "dropped", "===" },
};

static const char *rename_note(void *ctx, const char *note, size_t *len)
{
	struct an_anonymizer *a = ctx;
	const char *p = note + sizeof(PREFIX) - 1, *end = note + *len, *fields = NULL;
	size_t word = strcspn(p, " "), at;

	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++)
		if (strlen(notes[i].word) == word && memcmp(p, notes[i].word, word) == 0)
			fields = notes[i].fields;
	if (!fields) {
		*len = 0;
		return note;
	}
	at = (size_t)snprintf(a->text, sizeof(a->text), PREFIX "%.*s", (int)word, p);
	for (p += word; *fields && p < end && *p == ' '; fields++) {
		size_t n;

		p++;
		n = fields[1] ? strcspn(p, " ") : (size_t)(end - p);
		if (*fields == '=')
			at += (size_t)snprintf(a->text + at, sizeof(a->text) - at, " %.*s", (int)n, p);
		else if (*fields == '-')
			at += (size_t)snprintf(a->text + at, sizeof(a->text) - at, " -");
		else if (!put_name(a, &at, p, n))
			return NULL;
		p += n;
		if (at >= sizeof(a->text) - 32)
			break;
	}
	*len = at < sizeof(a->text) ? at : sizeof(a->text) - 1;
	return a->text;
}

int an_anonymizer_init(struct an_anonymizer *a, const char **keep, size_t nkeep)
{
	memset(a, 0, sizeof(*a));
	a->renamer = (struct an_renamer){ .rename = rename_text, .rename_note = rename_note, .ctx = a };
	a->keep = keep;
	a->nkeep = nkeep;
	return an_names_init(&a->names, NULL);
}

void an_anonymizer_free(struct an_anonymizer *a)
{
	an_names_free(&a->names);
}
