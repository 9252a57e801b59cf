/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cfistate.h - what cfirows.c (entries, programs, the table) and cfistate.c (what is known at one place of a function) share: a cursor
 * that knows its end, and that state.
 */
#ifndef TRACER_CFISTATE_H
#define TRACER_CFISTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "librt/tracer/cfirows.h"

enum { REG_RBP = 6, REG_RSP = 7, REG_RETURN = 16 };

struct cursor {
	const uint8_t *at, *end;
	bool bad;			/* something was read that is not there */
};

static inline uint64_t get_fixed(struct cursor *c, unsigned size)
{
	uint64_t v = 0;

	if ((size_t)(c->end - c->at) < size) {
		c->bad = true;
		c->at = c->end;
		return 0;
	}
	for (unsigned i = 0; i < size; i++)
		v |= (uint64_t)c->at[i] << 8 * i;
	c->at += size;
	return v;
}

/* LEB128 (DWARF 5, 7.6): seven bits a byte; of a signed one the last byte's highest of these goes on. */
static inline uint64_t get_leb(struct cursor *c, bool is_signed)
{
	uint64_t v = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		byte = (uint8_t)get_fixed(c, 1);
		if (shift < 64)
			v |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while ((byte & 0x80) != 0);
	if (is_signed && (byte & 0x40) != 0 && shift < 64)
		v |= ~(uint64_t)0 << shift;
	return v;
}

static inline uint64_t get_uleb(struct cursor *c)
{
	return get_leb(c, false);
}

static inline int64_t get_sleb(struct cursor *c)
{
	return (int64_t)get_leb(c, true);
}

/* Cuts the next n bytes off as a cursor of their own. */
static inline struct cursor get_block(struct cursor *c, uint64_t n)
{
	struct cursor block = { c->at, c->at, false };

	if (n > (uint64_t)(c->end - c->at)) {
		c->bad = true;
		c->at = c->end;
		return block;
	}
	c->at += n;
	block.end = c->at;
	return block;
}

/* A value in one of the forms of DW_EH_PE_..., of which the lower half is the format; absolute, unless it is relative to its own place. */
static inline uint64_t get_encoded(struct cursor *c, uint8_t form, uint64_t place)
{
	uint64_t v;

	switch (form & 0x0f) {
	case 0x00:
	case 0x04:
	case 0x0c:
		v = get_fixed(c, 8);
		break;
	case 0x01:
		v = get_uleb(c);
		break;
	case 0x02:
		v = get_fixed(c, 2);
		break;
	case 0x03:
		v = get_fixed(c, 4);
		break;
	case 0x09:
		v = (uint64_t)get_sleb(c);
		break;
	case 0x0a:
		v = (uint64_t)(int64_t)(int16_t)get_fixed(c, 2);
		break;
	case 0x0b:
		v = (uint64_t)(int64_t)(int32_t)get_fixed(c, 4);
		break;
	default:
		c->bad = true;
		return 0;
	}
	if ((form & 0xf0) == 0x10)
		return v + place;
	if ((form & 0xf0) != 0)
		c->bad = true;
	return v;
}

/* --- what is known at one place --- */

enum where { IN_REGISTER, AT_CFA, AT_RSP, AT_RBP, UNDEFINED, ELSEWHERE };

struct saved {
	enum where where;
	int64_t offset;
};

struct state {
	enum trace_cfi_base base;	/* RSP, RBP, their MEMORY, PLT; or UNKNOWN */
	bool add;
	int64_t cfa;			/* in bytes */
	struct saved rbp, ret;
};

/* As a row has it. */
struct trace_cfi_rule trace_cfi_rule_of(const struct state *s);
/* The CFA is what an expression computes. */
void trace_cfi_set_expression(struct state *s, struct cursor e);
/* A register is kept where an expression says. */
struct saved trace_cfi_saved_by(struct cursor e);

#endif
