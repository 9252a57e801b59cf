/* SPDX-License-Identifier: BSD-3-Clause
 *
 * symbols.h - what the program's addresses mean. The writer's thread only; may use malloc and read files.
 */
#ifndef TRACER_SYMBOLS_H
#define TRACER_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

/* A name, once for the process. gen and id: the id that the writer gave it in the generation gen. */
struct trace_text {
	uint64_t gen, id;
	struct trace_text *next;
	size_t len;
	char bytes[];
};

struct trace_frame {
	struct trace_text *func, *file;		/* never empty */
	uint64_t line;				/* never 0 */
};

/*
 * The frames at a stored pc (a return address, or a leaf's pc plus one), innermost inlined function first; the last one is the
 * physical function. They live until trace_symbols_refresh.  Return: how many, at least 1; or -1 without memory.
 */
int trace_symbols_resolve(uintptr_t pc, const struct trace_frame **frames);

/* To be called once a generation: looks for modules that were loaded or unloaded. */
void trace_symbols_refresh(void);

struct trace_module_info {
	uintptr_t base;
	uint64_t size;
	const char *build_id;			/* in hex, or "-" */
	const char *path;
};
void trace_modules_visit(void (*visit)(void *ctx, const struct trace_module_info *info), void *ctx);

#endif
