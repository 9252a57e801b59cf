/* SPDX-License-Identifier: BSD-3-Clause
 *
 * unwindmap.h - which module's table tells how the code at an address is unwound (x86-64; elsewhere there is none).
 */
#ifndef TRACER_UNWINDMAP_H
#define TRACER_UNWINDMAP_H

#include <stddef.h>
#include <stdint.h>

#include "librt/tracer/cfirows.h"

struct trace_unwind_span {
	uintptr_t lo, hi;
	struct trace_cfi_table *table;
};

struct trace_unwind_map {
	struct trace_unwind_map *next;	/* among those that were replaced */
	size_t n;
	struct trace_unwind_span span[];	/* sorted, apart */
};

/* The writer's thread, after trace_symbols_refresh(): reads the tables of modules that are new, and publishes. */
void trace_unwind_map_refresh(void);

/* The map, which stays as it is until trace_unwind_map_give(); NULL: none.  Both async-signal-safe; each take has its give. */
const struct trace_unwind_map *trace_unwind_map_take(void);
void trace_unwind_map_give(void);

/* The rule at an address; all zero: unknown.  map may be NULL. Async-signal-safe. */
struct trace_cfi_rule trace_unwind_rule(const struct trace_unwind_map *map, uintptr_t pc);

/* In a forked child, in which nobody else holds one. */
void trace_unwind_map_after_fork(void);

#endif
