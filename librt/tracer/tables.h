/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tables.h - the string and stack tables of the two generations that can be open at a time.
 *
 * Emit paths put (any thread, concurrently, lock-free, no malloc); the writer walks and resets a generation's tables after its
 * pins have passed.  `slot` is a generation's lowest bit.  A full table answers 0, which is "" and the empty stack, and counts
 * the loss.
 */
#ifndef TRACER_TABLES_H
#define TRACER_TABLES_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct trace_stack_entry {
	uint64_t hash;
	uint64_t lock;			/* identity of a lock that belongs to this id, or 0 */
	uint32_t id, at;		/* at: its place in the index */
	uint64_t n;			/* pcs: return addresses, the leaf's own plus one; see unwind.h */
	uintptr_t pc[];
};

struct trace_string_entry {
	uint64_t hash;
	uint32_t id, at;
	uint64_t len;
	char text[];
};

/* Reserves memory once; Return: 0 or -ENOMEM. */
int trace_tables_init(void);

uint64_t trace_stack_put(unsigned slot, const uintptr_t *pc, uint32_t n, uint64_t lock);
uint64_t trace_string_put(unsigned slot, const char *text, size_t len);
/* A string that lives for ever, by its address. */
uint64_t trace_string_static(unsigned slot, const char *text);

/* The writer's: */
void trace_stacks_visit(unsigned slot, void (*visit)(void *ctx, const struct trace_stack_entry *e), void *ctx);
void trace_strings_visit(unsigned slot, void (*visit)(void *ctx, uint64_t id, const char *text, size_t len), void *ctx);
/* An id for a string that the writer adds itself; it is not put in the table. */
uint64_t trace_string_new_id(unsigned slot);
void trace_tables_reset(unsigned slot);
/* Stacks and strings that did not fit and locks whose identity was dropped, since the last reset. */
struct trace_table_losses {
	uint64_t stacks, strings, locks;
};
void trace_tables_losses(unsigned slot, struct trace_table_losses *out);

#endif
