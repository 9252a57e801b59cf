/* SPDX-License-Identifier: BSD-3-Clause
 *
 * unwindmap.c - the tables of all modules, for signal handlers.
 *
 * A map is never changed once it is published. The writer's thread owns all maps and what they refer to: it replaces the map, and frees
 * replaced ones when it sees that nobody reads, which it tries once a generation.
 *
 * The tables take 8 bytes a row, 64 MiB at most; modules beyond that have none.  A module that was unloaded is found here until the
 * generation's end, so another one at its place may have wrong frames until then, but no more than that.
 */
#include "librt/tracer/unwindmap.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "librt/tracer/modules.h"

/*
 * A reader counts itself, then loads the map; the writer stores the map, then loads the count: all seq_cst.  So either the reader
 * has the new map or the writer sees it.
 */
static _Atomic(struct trace_unwind_map *) current;
static _Atomic unsigned readers;

const struct trace_unwind_map *trace_unwind_map_take(void)
{
	atomic_fetch_add_explicit(&readers, 1, memory_order_seq_cst);
	return atomic_load_explicit(&current, memory_order_seq_cst);
}

/* Release: pairs with the writer's load, which is an acquire as well. */
void trace_unwind_map_give(void)
{
	atomic_fetch_sub_explicit(&readers, 1, memory_order_release);
}

struct trace_cfi_rule trace_unwind_rule(const struct trace_unwind_map *map, uintptr_t pc)
{
	size_t lo = 0, n = map != NULL ? map->n : 0;

	while (n > 1) {
		size_t half = n / 2;

		lo += map->span[lo + half].lo <= pc ? half : 0;
		n -= half;
	}
	if (n == 0 || pc < map->span[lo].lo || pc >= map->span[lo].hi)
		return (struct trace_cfi_rule){ 0 };
	return trace_cfi_find(map->span[lo].table, (uint32_t)(pc - map->span[lo].lo));
}

void trace_unwind_map_after_fork(void)
{
	atomic_store_explicit(&readers, 0, memory_order_relaxed);
}

#if defined(__x86_64__)

#define MAX_ROWS ((64u << 20) / sizeof(struct trace_cfi_row))

static struct trace_unwind_map *replaced;	/* the writer's */

static void map_free(struct trace_unwind_map *map)
{
	for (size_t i = 0; i < map->n; i++)
		trace_cfi_drop(map->span[i].table);
	free(map);
}

static int by_address(const void *a, const void *b)
{
	const struct trace_unwind_span *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

static struct trace_unwind_map *map_new(void)
{
	struct trace_unwind_map *map;
	size_t n = 0, rows = 0;

	for (struct trace_module *m = trace_modules_first(); m != NULL; m = m->next)
		n++;
	map = malloc(sizeof(*map) + n * sizeof(map->span[0]));
	if (map == NULL)
		return NULL;
	map->n = 0;
	for (struct trace_module *m = trace_modules_first(); m != NULL; m = m->next) {
		struct trace_cfi_table *table = m->hi - m->lo <= UINT32_MAX ? trace_module_cfi(m) : NULL;

		if (table == NULL || table->n > MAX_ROWS - rows)
			continue;
		rows += table->n;
		table->refs++;
		map->span[map->n++] = (struct trace_unwind_span){ m->lo, m->hi, table };
	}
	qsort(map->span, map->n, sizeof(map->span[0]), by_address);
	return map;
}

static bool is_same(const struct trace_unwind_map *a, const struct trace_unwind_map *b)
{
	return a != NULL && a->n == b->n && memcmp(a->span, b->span, a->n * sizeof(a->span[0])) == 0;
}

void trace_unwind_map_refresh(void)
{
	struct trace_unwind_map *map = map_new(), *old = atomic_load_explicit(&current, memory_order_relaxed);

	if (map != NULL && is_same(old, map)) {
		map_free(map);
	} else if (map != NULL) {
		atomic_store_explicit(&current, map, memory_order_seq_cst);
		if (old != NULL) {
			old->next = replaced;
			replaced = old;
		}
	}
	if (replaced == NULL || atomic_load_explicit(&readers, memory_order_seq_cst) != 0)
		return;
	while (replaced != NULL) {
		old = replaced;
		replaced = old->next;
		map_free(old);
	}
}

#else

void trace_unwind_map_refresh(void)
{
}

#endif
