/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cfirows.h - call frame information as a table of rows that is searched by halving.
 *
 * A row holds from its pc up to the next row's.  Of all that the information tells, a row keeps what a walk of return addresses on
 * x86-64 needs: where the caller's stack pointer (the CFA) is, and what became of rbp.  The return address lies below the CFA.
 */
#ifndef TRACER_CFIROWS_H
#define TRACER_CFIROWS_H

#include <stddef.h>
#include <stdint.h>

enum trace_cfi_base {
	TRACE_CFI_UNKNOWN,	/* nothing is known, or nothing that fits into a row */
	TRACE_CFI_RSP,		/* CFA = rsp + cfa */
	TRACE_CFI_RBP,		/* CFA = rbp + cfa */
	TRACE_CFI_RSP_MEMORY,	/* CFA = *(rsp + cfa), and 8 more if `add` */
	TRACE_CFI_RBP_MEMORY,	/* CFA = *(rbp + cfa), likewise */
	TRACE_CFI_PLT,		/* CFA = rsp + 8, and 8 more from byte rbp_at of the 16 of an entry on; rbp is as it was */
	TRACE_CFI_SIGNAL,	/* rip, rsp and rbp are in the kernel's frame at rsp */
	TRACE_CFI_END,		/* nobody called this */
};

enum trace_cfi_rbp {
	TRACE_CFI_SAME,		/* rbp is the caller's */
	TRACE_CFI_AT_CFA,	/* the caller's is at CFA + rbp_at */
	TRACE_CFI_AT_RBP,	/* ... at rbp + rbp_at */
	TRACE_CFI_LOST,
};

/* cfa and rbp_at count words of 8 bytes (but in a PLT's rule).  All zero: unknown. */
struct trace_cfi_rule {
	unsigned base : 3;	/* enum trace_cfi_base */
	unsigned rbp : 2;	/* enum trace_cfi_rbp */
	unsigned add : 1;
	signed cfa : 17;
	signed rbp_at : 9;
};

struct trace_cfi_row {
	uint32_t pc;		/* as the distance from the module's first address */
	struct trace_cfi_rule rule;
};
_Static_assert(sizeof(struct trace_cfi_row) == 8, "there are many of them");

struct trace_cfi_table {
	unsigned refs;		/* the owners', who are one thread */
	size_t n;
	struct trace_cfi_row row[];
};

/* The kernel's frame under a signal handler (struct ucontext of x86-64), from where rsp is when the handler has returned. */
#define TRACE_CFI_SIGNAL_RBP 120
#define TRACE_CFI_SIGNAL_RSP 160
#define TRACE_CFI_SIGNAL_RIP 168

/*
 * Makes the table of the n bytes of an .eh_frame section, which is at address in the module's file; base is the module's first
 * address there.  Entries that make no sense or do not fit leave a gap.  Return: a table with refs 1, or NULL: out of memory, or nothing is
 * in it.
 */
struct trace_cfi_table *trace_cfi_read(const uint8_t *bytes, size_t n, uint64_t address, uint64_t base);

/* Gives up one of its references, of which the last frees it; NULL is allowed. */
void trace_cfi_drop(struct trace_cfi_table *table);

/* The rule at that distance from the module's first address.  Async-signal-safe. */
struct trace_cfi_rule trace_cfi_find(const struct trace_cfi_table *table, uint32_t pc);

#endif
