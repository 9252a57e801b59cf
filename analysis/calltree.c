/* SPDX-License-Identifier: BSD-3-Clause
 *
 * calltree.c - stacks merged from their roots.
 *
 * The tree is built with calls in the order in which they turn up, then laid out anew in the order of a walk.
 */
#include "config.h"

#include "analysis/calltree.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/grow.h"
#include "analysis/text.h"

struct building {
	struct an_call *calls;
	size_t n, cap;
	struct an_map ids;	/* parent and function -> index */
};

static int64_t positive(int64_t value)
{
	return value < 0 ? -value : value;
}

/* The call of a function below another; UINT32_MAX when out of memory. */
static uint32_t call_below(struct building *b, uint32_t parent, an_text_id func)
{
	const uint64_t key[2] = { parent, func };
	bool added;
	uint32_t *id = an_map_add(&b->ids, key, &added);
	struct an_call *calls;

	if (!id || b->n == UINT32_MAX)
		return UINT32_MAX;
	if (!added)
		return *id;
	calls = an_grow(b->calls, &b->cap, b->n + 1, sizeof(*calls));
	if (!calls)
		return UINT32_MAX;
	b->calls = calls;
	calls[b->n] = (struct an_call){ .func = func, .parent = parent };
	return *id = (uint32_t)b->n++;
}

static void add_values(struct an_call *call, const struct an_values *values)
{
	call->all.count += values->count;
	call->all.ns += values->ns;
}

static int add_sample(struct building *b, const struct an_names *names, const struct an_sample *sample)
{
	size_t n;
	const struct an_frame *frames = an_stack(names, sample->stack, &n);
	uint32_t at = 0;

	add_values(&b->calls[0], &sample->values);
	for (size_t i = n ? n : 1; i-- > 0;) {
		at = call_below(b, at, n ? frames[i].func : 0);
		if (at == UINT32_MAX)
			return -ETR_E_NOMEM;
		add_values(&b->calls[at], &sample->values);
	}
	b->calls[at].self.count += sample->values.count;
	b->calls[at].self.ns += sample->values.ns;
	return 0;
}

/* Sizes come from below; a call always stands behind its parent. */
static void add_sizes(struct building *b)
{
	for (size_t i = b->n; i-- > 0;) {
		struct an_call *call = &b->calls[i];

		call->size.count += positive(call->self.count);
		call->size.ns += positive(call->self.ns);
		if (i) {
			b->calls[call->parent].size.count += call->size.count;
			b->calls[call->parent].size.ns += call->size.ns;
		}
	}
}

/* What sorting needs of a call: those of one parent stand together, by name. */
struct place {
	const char *name;
	uint32_t parent, id;
};

static int by_parent(const void *left, const void *right)
{
	const struct place *a = left, *b = right;
	int order;

	if (a->parent != b->parent)
		return a->parent < b->parent ? -1 : 1;
	order = strcmp(a->name, b->name);
	return order ? order : a->id < b->id ? -1 : a->id > b->id;
}

/* Lays out calls and depths in the order of a walk.  first[id] is where the calls below id begin among places. */
static void walk(struct an_calltree *tree, const struct building *b, const struct place *places, size_t *next, uint32_t *moved)
{
	uint32_t at = 0, depth = 0;

	tree->calls[0] = b->calls[0];
	tree->depths[0] = 0;
	tree->n = 1;
	moved[0] = 0;
	for (;;) {
		uint32_t id;

		if (next[at] >= b->n || places[next[at]].parent != at || places[next[at]].id == 0) {
			if (at == 0)
				return;
			at = b->calls[at].parent;
			depth--;
			continue;
		}
		id = places[next[at]++].id;
		tree->calls[tree->n] = b->calls[id];
		tree->calls[tree->n].parent = moved[at];
		tree->depths[tree->n] = ++depth;
		moved[id] = (uint32_t)tree->n++;
		at = id;
	}
}

static int lay_out(struct an_calltree *tree, const struct building *b)
{
	struct place *places = malloc(b->n * sizeof(*places));
	size_t *next = malloc(b->n * sizeof(*next));
	uint32_t *moved = malloc(b->n * sizeof(*moved));
	int rc = -ETR_E_NOMEM;

	tree->calls = malloc(b->n * sizeof(*tree->calls));
	tree->depths = malloc(b->n * sizeof(*tree->depths));
	if (places && next && moved && tree->calls && tree->depths) {
		for (size_t i = 0; i < b->n; i++) {
			places[i] = (struct place){ an_text(tree->names, b->calls[i].func, NULL), b->calls[i].parent, (uint32_t)i };
			next[i] = b->n;
		}
		/* The root would be among its own children: it stands behind them all. */
		places[0].parent = UINT32_MAX;
		qsort(places, b->n, sizeof(*places), by_parent);
		for (size_t i = b->n - 1; i-- > 0;)
			next[places[i].parent] = i;
		walk(tree, b, places, next, moved);
		rc = 0;
	}
	free(places);
	free(next);
	free(moved);
	return rc;
}

int an_calltree_init(struct an_calltree *tree, const struct an_profile *profile, const struct an_names *names)
{
	struct building b = { 0 };
	struct an_sample sample;
	int rc = -ETR_E_NOMEM;

	memset(tree, 0, sizeof(*tree));
	tree->names = names;
	an_map_init(&b.ids, 2, sizeof(uint32_t));
	b.calls = an_grow(NULL, &b.cap, 1, sizeof(*b.calls));
	if (b.calls) {
		b.calls[b.n++] = (struct an_call){ 0 };
		rc = 0;
	}
	for (size_t pos = 0; rc == 0 && an_profile_each(profile, &pos, &sample);)
		rc = add_sample(&b, names, &sample);
	if (rc == 0) {
		add_sizes(&b);
		rc = lay_out(tree, &b);
	}
	an_map_free(&b.ids);
	free(b.calls);
	if (rc < 0)
		an_calltree_free(tree);
	return rc;
}

void an_calltree_free(struct an_calltree *tree)
{
	free(tree->calls);
	free(tree->depths);
	memset(tree, 0, sizeof(*tree));
}

static void print_folded_name(const struct an_calltree *tree, an_text_id func, FILE *out)
{
	size_t len;
	const char *text = an_text(tree->names, func, &len);

	if (!len) {
		fputs(func ? "_" : "(no stack)", out);
		return;
	}
	while (len) {
		size_t n = an_text_utf8(text, len);

		if (n > 1)
			fwrite(text, 1, n, out);
		else
			fputc(*text == ';' ? ':' : n && *text >= ' ' && *text != 0x7f ? *text : '_', out);
		n = n ? n : 1;
		text += n;
		len -= n;
	}
}

void an_calltree_print_folded(const struct an_calltree *tree, bool by_count, FILE *out)
{
	uint32_t path[4096];

	for (size_t i = 1; i < tree->n; i++) {
		const struct an_call *call = &tree->calls[i];
		uint32_t depth = tree->depths[i];
		int64_t value = by_count ? call->self.count : call->self.ns;

		/* Deeper stacks than any recorder writes lose what is above. */
		path[depth < 4096 ? depth : 4095] = (uint32_t)i;
		if (!value)
			continue;
		for (uint32_t k = 1; k <= depth && k < 4096; k++) {
			if (k > 1)
				fputc(';', out);
			print_folded_name(tree, tree->calls[path[k]].func, out);
		}
		fprintf(out, " %" PRId64 "\n", value);
	}
}
