/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cfistate.c - from what is known at one place of a function to a row's rule, and the expressions in it (DWARF 5, 2.5 and 7.7.1).
 */
#include "librt/tracer/cfistate.h"

#include <string.h>

static bool fits(int64_t offset, int64_t lo, int64_t hi)
{
	return offset % 8 == 0 && offset / 8 >= lo && offset / 8 <= hi;
}

struct trace_cfi_rule trace_cfi_rule_of(const struct state *s)
{
	struct trace_cfi_rule rule = { 0 };

	if (s->ret.where == UNDEFINED) {
		rule.base = TRACE_CFI_END;
	} else if (s->base == TRACE_CFI_RSP_MEMORY && !s->add && s->cfa == TRACE_CFI_SIGNAL_RSP && s->ret.where == AT_RSP &&
		   s->ret.offset == TRACE_CFI_SIGNAL_RIP && s->rbp.where == AT_RSP && s->rbp.offset == TRACE_CFI_SIGNAL_RBP) {
		rule.base = TRACE_CFI_SIGNAL;
	} else if (s->base != TRACE_CFI_UNKNOWN && s->ret.where == AT_CFA && s->ret.offset == -8) {
		if (s->base == TRACE_CFI_PLT) {
			rule.base = TRACE_CFI_PLT;
			rule.rbp_at = (int)s->cfa & 15;
			return rule;
		}
		if (!fits(s->cfa, -(1 << 16), (1 << 16) - 1))
			return rule;
		rule.base = s->base;
		rule.add = s->add;
		rule.cfa = (int)(s->cfa / 8);
		rule.rbp = TRACE_CFI_LOST;
		if (s->rbp.where == IN_REGISTER) {
			rule.rbp = TRACE_CFI_SAME;
		} else if ((s->rbp.where == AT_CFA || s->rbp.where == AT_RBP) && fits(s->rbp.offset, -(1 << 8), (1 << 8) - 1)) {
			rule.rbp = s->rbp.where == AT_CFA ? TRACE_CFI_AT_CFA : TRACE_CFI_AT_RBP;
			rule.rbp_at = (int)(s->rbp.offset / 8);
		}
	}
	return rule;
}

/* --- expressions: the few that compilers, linkers and those who write assembler use --- */

enum { OP_DEREF = 0x06, OP_PLUS_UCONST = 0x23, OP_BREG0 = 0x70, OP_LIT0 = 0x30 };

/* The register plus offset that the expression begins with. Return: the register, or -1. */
static int get_breg(struct cursor *e, int64_t *offset)
{
	unsigned op = (unsigned)get_fixed(e, 1) - OP_BREG0;

	*offset = get_sleb(e);
	return !e->bad && (op == REG_RSP || op == REG_RBP) ? (int)op : -1;
}

/* Where the linker's procedure linkage table is: rsp + 8 + (((rip & 15) >= N) << 3). */
static bool is_plt(struct cursor e, int64_t *from)
{
	static const uint8_t head[] = { OP_BREG0 + REG_RSP, 8, 0x80, 0, OP_LIT0 + 15, 0x1a }, tail[] = { 0x2a, OP_LIT0 + 3, 0x24, 0x22 };

	if (e.end - e.at != sizeof(head) + 1 + sizeof(tail) || memcmp(e.at, head, sizeof(head)) != 0 ||
	    memcmp(e.at + sizeof(head) + 1, tail, sizeof(tail)) != 0)
		return false;
	*from = e.at[sizeof(head)] - OP_LIT0;
	return *from > 0 && *from < 16;
}

void trace_cfi_set_expression(struct state *s, struct cursor e)
{
	int reg;

	s->add = false;
	s->base = TRACE_CFI_PLT;
	if (is_plt(e, &s->cfa))
		return;
	s->base = TRACE_CFI_UNKNOWN;
	reg = get_breg(&e, &s->cfa);
	if (reg < 0)
		return;
	if (e.at == e.end) {
		s->base = reg == REG_RSP ? TRACE_CFI_RSP : TRACE_CFI_RBP;
		return;
	}
	if (get_fixed(&e, 1) != OP_DEREF)
		return;
	if (e.at != e.end) {
		if (get_fixed(&e, 1) != OP_PLUS_UCONST || get_uleb(&e) != 8 || e.bad || e.at != e.end)
			return;
		s->add = true;
	}
	s->base = reg == REG_RSP ? TRACE_CFI_RSP_MEMORY : TRACE_CFI_RBP_MEMORY;
}

struct saved trace_cfi_saved_by(struct cursor e)
{
	struct saved at = { ELSEWHERE, 0 };
	int reg = get_breg(&e, &at.offset);

	if (reg >= 0 && e.at == e.end)
		at.where = reg == REG_RSP ? AT_RSP : AT_RBP;
	return at;
}
