/* SPDX-License-Identifier: BSD-3-Clause
 *
 * calltree.h - a profile's stacks as a tree of functions, from their roots, and what is written from it.
 */
#ifndef ANALYSIS_CALLTREE_H
#define ANALYSIS_CALLTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "analysis/profile.h"

/* A function called along one path. */
struct an_call {
	an_text_id func;	/* 0 for a stack that is empty */
	uint32_t parent;	/* index; the root, which is no function, is 0 and its own parent */
	struct an_values self;	/* of stacks that end here; differences may be negative */
	struct an_values all;	/* and those below */
	struct an_values size;	/* sums of what all stacks here and below amount to, without their signs */
};

struct an_calltree {
	const struct an_names *names;
	struct an_call *calls;	/* in the order of a walk: a call before those below it, these by name */
	size_t n;
	uint32_t *depths;	/* of each; 0 for the root */
};

/* The names must outlive the tree.  Return: 0 or -ETR_E_NOMEM, when nothing needs to be freed. */
int an_calltree_init(struct an_calltree *tree, const struct an_profile *profile, const struct an_names *names);
void an_calltree_free(struct an_calltree *tree);

/*
 * Folded stacks, the input of flame graph makers: "root;...;leaf VALUE" for each stack, by name.  A ';' in a name becomes ':', and
 * what is no printable character '_'.  What writing did shows in the stream.
 */
void an_calltree_print_folded(const struct an_calltree *tree, bool by_count, FILE *out);

/*
 * A flame graph as an SVG file that needs nothing else.  title is plain text; value names what is measured ("delay").  Return: 0 or
 * -ETR_E_NOMEM; what writing did shows in the stream.
 */
struct an_flamegraph {
	const char *title, *value;
	bool by_count;
	bool difference;	/* colours tell what grew and what shrank */
};
int an_calltree_print_svg(const struct an_calltree *tree, const struct an_flamegraph *options, FILE *out);

#endif
