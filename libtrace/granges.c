/* SPDX-License-Identifier: BSD-3-Clause
 *
 * granges.c - the ranges that are open on a goroutine.
 *
 * They stand in an array, in which the last takes the place of one that ends: which STW is the first is part of the format.  As
 * there is one assist at most, the first STW is at place 0 or 1, and g->assist tells the assist's.  Once there are many, g->kinds
 * is the set of the STWs' kinds, until none is left.
 */
#include "libtrace/granges.h"

#include "libtrace/growth.h"
#include "wire/event.h"

#define FEW 16			/* ranges up to which looking at each is as good as a hash */

static int make_kinds(struct etr__g *g)
{
	g->kinds = malloc(sizeof(*g->kinds));
	if (!g->kinds)
		return -1;
	etr__hash_init(g->kinds);
	for (size_t i = 0; i < g->nranges; i++)
		if (g->ranges[i].begin == WIRE_STW_BEGIN && etr__hash_put(g->kinds, g->ranges[i].kind, 1) != 0)
			return -1;
	return 0;
}

bool etr__range_is_open(const struct etr__g *g, uint8_t begin, uint64_t kind)
{
	if (begin != WIRE_STW_BEGIN)
		return g->assist != 0;
	if (g->kinds)
		return etr__hash_get(g->kinds, kind) != 0;
	for (size_t i = 0; i < g->nranges; i++)
		if (g->ranges[i].begin == begin && g->ranges[i].kind == kind)
			return true;
	return false;
}

int etr__range_open(struct etr__g *g, uint8_t begin, uint64_t kind)
{
	if (etr__grow(&g->ranges, &g->capranges, g->nranges + 1) != 0)
		return -1;
	if (g->nranges >= FEW && !g->kinds && make_kinds(g) != 0)
		return -1;
	if (begin == WIRE_STW_BEGIN && g->kinds && etr__hash_put(g->kinds, kind, 1) != 0)
		return -1;
	g->ranges[g->nranges++] = (struct etr__range){ begin, kind };
	if (begin != WIRE_STW_BEGIN)
		g->assist = g->nranges;
	return 0;
}

bool etr__range_close(struct etr__g *g, uint8_t begin, uint64_t *kind)
{
	size_t i = begin == WIRE_STW_BEGIN ? g->assist == 1 : g->assist - 1;

	/* Without an assist, its place is behind any. */
	if (i >= g->nranges)
		return false;
	*kind = g->ranges[i].kind;
	if (begin != WIRE_STW_BEGIN)
		g->assist = 0;
	else if (g->kinds)
		etr__hash_del(g->kinds, *kind);
	g->nranges--;
	if (g->assist == g->nranges + 1)
		g->assist = i + 1;
	g->ranges[i] = g->ranges[g->nranges];
	if (g->nranges == 0)
		etr__ranges_clear(g);
	return true;
}

void etr__ranges_clear(struct etr__g *g)
{
	g->nranges = g->assist = 0;
	if (g->kinds)
		etr__hash_free(g->kinds);
	free(g->kinds);
	g->kinds = NULL;
}

int etr__ranges_copy(struct etr__g *g, const struct etr__g *from)
{
	etr__ranges_clear(g);
	if (etr__grow(&g->ranges, &g->capranges, from->nranges) != 0)
		return -1;
	if (from->nranges)
		memcpy(g->ranges, from->ranges, from->nranges * sizeof(*g->ranges));
	g->nranges = from->nranges;
	g->assist = from->assist;
	return from->kinds ? make_kinds(g) : 0;
}
