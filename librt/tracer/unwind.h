/* SPDX-License-Identifier: BSD-3-Clause
 *
 * unwind.h - stacks by frame pointers, and by what call frame information tells.
 *
 * A stored pc is a return address, or for the leaf the pc inside it plus one, so looking up pc - 1 always hits the function and
 * the line that was executing.
 */
#ifndef TRACER_UNWIND_H
#define TRACER_UNWIND_H

#include <stdint.h>

#include "wire/event.h"

#define TRACE_MAX_FRAMES WIRE_MAX_FRAMES

/* The return address of functions on which stacks begin, which is not told itself; 0: none.  Written once, before any walk. */
extern uintptr_t trace_unwind_root;

/*
 * Walks from the leaf's pc and frame pointer fp into out; reads memory in [lo, hi) only, and only upwards.  Return: how many, at
 * most TRACE_MAX_FRAMES; 0 when pc is 0.  Async-signal-safe.
 */
uint32_t trace_unwind(uintptr_t pc, uintptr_t fp, uintptr_t lo, uintptr_t hi, uintptr_t out[TRACE_MAX_FRAMES]);

/* Where a thread was interrupted. */
struct trace_registers {
	uintptr_t pc, sp, fp;
};
struct trace_unwind_map;

/*
 * The same from there, by the map's rules, and by frame pointers where it has none.  map may be NULL; wrong rules give wrong frames and
 * no more.
 */
uint32_t trace_unwind_by(const struct trace_unwind_map *map, struct trace_registers at, uintptr_t lo, uintptr_t hi,
			 uintptr_t out[TRACE_MAX_FRAMES]);

#endif
