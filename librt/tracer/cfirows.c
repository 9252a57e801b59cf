/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cfirows.c - from the bytes of .eh_frame to rows.
 *
 * What stands in the section: Linux Standard Base, Core, "Exception Frames".  The programs in it: DWARF 5, 6.4 and 7.24.  The
 * registers' numbers: System V ABI, AMD64, "DWARF Register Number Mapping".
 *
 * The bytes come from a file that anybody may have written: nothing is read but through a cursor that knows its end, and the work is
 * linear in the section's size, since a CIE is bounded, and read once for each FDE at most.
 */
#include "librt/tracer/cfirows.h"

#include <stdlib.h>
#include <string.h>

#include "librt/tracer/cfistate.h"

/* What pads functions is not executed, so a row may go on through it. */
#define PADDING 16
/* Longer CIEs are not used: what compilers write has some 20 bytes. */
#define MAX_CIE 512
#define MAX_REMEMBERED 8

/* --- CIEs --- */

struct cie {
	uint64_t offset;		/* where it begins, plus one; 0: none */
	bool good, augmented;		/* can be used; has an 'z' */
	uint8_t form;			/* of addresses in its FDEs */
	uint64_t code_align;
	int64_t data_align;
	struct state initial;
};

#define CIES 64

struct block {
	uint32_t lo, hi;		/* of an FDE's function */
	uint32_t first, n;		/* its rows */
};

struct reader {
	const uint8_t *bytes;
	size_t size;
	uint64_t address, base;
	struct cie cies[CIES];		/* those that were used last, by their places */
	struct trace_cfi_row *rows;
	struct block *blocks;
	size_t nrows, rows_cap, nblocks, blocks_cap;
	bool out_of_memory;
};

static bool grow(struct reader *r, void *array_pointer, size_t *cap, size_t used, size_t element)
{
	void **array = array_pointer, *bigger;
	size_t wanted = *cap != 0 ? 2 * *cap : 4096;

	if (used < *cap)
		return true;
	bigger = used < UINT32_MAX / 2 ? reallocarray(*array, wanted, element) : NULL;
	if (bigger == NULL) {
		r->out_of_memory = true;
		return false;
	}
	*array = bigger;
	*cap = wanted;
	return true;
}

/* --- programs --- */

struct program {
	struct reader *reader;		/* takes the rows; NULL: what a CIE begins with, which has none */
	const struct cie *cie;
	uint64_t lo, pc, hi;		/* distances from the module's beginning */
	struct state now, remembered[MAX_REMEMBERED];
	unsigned depth;
	bool failed;			/* what follows is not known */
};

/* What holds from the program's pc on. */
static void put_row(struct program *p)
{
	struct reader *r = p->reader;
	struct block *block = &r->blocks[r->nblocks];
	struct trace_cfi_row row = { (uint32_t)p->pc, trace_cfi_rule_of(&p->now) };

	if (block->n > 0 && r->rows[r->nrows - 1].pc == row.pc) {
		r->rows[r->nrows - 1] = row;
		return;
	}
	if (block->n > 0 && memcmp(&r->rows[r->nrows - 1].rule, &row.rule, sizeof(row.rule)) == 0)
		return;
	if (!grow(r, &r->rows, &r->rows_cap, r->nrows, sizeof(*r->rows))) {
		p->failed = true;
		return;
	}
	r->rows[r->nrows++] = row;
	block->n++;
}

static void advance(struct program *p, uint64_t pc)
{
	if (p->reader == NULL || pc < p->pc || pc > p->hi) {
		p->failed = true;
	} else if (pc > p->pc) {
		put_row(p);
		p->pc = pc;
	}
}

static void step(struct program *p, uint64_t delta)
{
	advance(p, p->cie->code_align != 0 && delta > UINT32_MAX / p->cie->code_align ? 0 : p->pc + delta * p->cie->code_align);
}

static void cfa_register(struct state *s, uint64_t reg)
{
	s->base = reg == REG_RSP ? TRACE_CFI_RSP : reg == REG_RBP ? TRACE_CFI_RBP : TRACE_CFI_UNKNOWN;
	s->add = false;
}

static void save(struct program *p, uint64_t reg, enum where where, int64_t offset)
{
	struct saved at = { where, offset };

	if (reg == REG_RBP)
		p->now.rbp = at;
	else if (reg == REG_RETURN)
		p->now.ret = at;
}

static int64_t scaled(const struct program *p, uint64_t factor)
{
	return (int64_t)(factor * (uint64_t)p->cie->data_align);
}

static void restore(struct program *p, uint64_t reg)
{
	const struct state *initial = &p->cie->initial;

	if (reg == REG_RBP)
		p->now.rbp = initial->rbp;
	else if (reg == REG_RETURN)
		p->now.ret = initial->ret;
}

static void remember(struct program *p)
{
	if (p->depth < MAX_REMEMBERED)
		p->remembered[p->depth++] = p->now;
	else
		p->failed = true;
}

static void recall(struct program *p)
{
	if (p->depth > 0)
		p->now = p->remembered[--p->depth];
	else
		p->failed = true;
}

/* The instructions that have an opcode of their own (DWARF 5, table 7.29). c stands behind it, at `place` in the file. */
static void run_extended(struct program *p, struct cursor *c, uint8_t op, uint64_t place)
{
	uint64_t reg;

	switch (op) {
	case 0x00:	/* nop */
		break;
	case 0x01:	/* set_loc */
		advance(p, get_encoded(c, p->cie->form, place) - (p->reader != NULL ? p->reader->base : 0));
		break;
	case 0x02:	/* advance_loc1, 2, 4 */
	case 0x03:
	case 0x04:
		step(p, get_fixed(c, 1u << (op - 2)));
		break;
	case 0x05:	/* offset_extended */
		reg = get_uleb(c);
		save(p, reg, AT_CFA, scaled(p, get_uleb(c)));
		break;
	case 0x06:	/* restore_extended */
		restore(p, get_uleb(c));
		break;
	case 0x07:	/* undefined */
		save(p, get_uleb(c), UNDEFINED, 0);
		break;
	case 0x08:	/* same_value */
		save(p, get_uleb(c), IN_REGISTER, 0);
		break;
	case 0x09:	/* register */
		reg = get_uleb(c);
		save(p, reg, ELSEWHERE, 0);
		get_uleb(c);
		break;
	case 0x0a:
		remember(p);
		break;
	case 0x0b:
		recall(p);
		break;
	case 0x0c:	/* def_cfa */
		cfa_register(&p->now, get_uleb(c));
		p->now.cfa = (int64_t)get_uleb(c);
		break;
	case 0x0d:	/* def_cfa_register */
		cfa_register(&p->now, get_uleb(c));
		break;
	case 0x0e:	/* def_cfa_offset */
		p->now.cfa = (int64_t)get_uleb(c);
		break;
	case 0x0f:	/* def_cfa_expression */
		trace_cfi_set_expression(&p->now, get_block(c, get_uleb(c)));
		break;
	case 0x10: {	/* expression */
		struct saved at;

		reg = get_uleb(c);
		at = trace_cfi_saved_by(get_block(c, get_uleb(c)));
		save(p, reg, at.where, at.offset);
		break;
	}
	case 0x11:	/* offset_extended_sf */
		reg = get_uleb(c);
		save(p, reg, AT_CFA, scaled(p, (uint64_t)get_sleb(c)));
		break;
	case 0x12:	/* def_cfa_sf */
		cfa_register(&p->now, get_uleb(c));
		p->now.cfa = scaled(p, (uint64_t)get_sleb(c));
		break;
	case 0x13:	/* def_cfa_offset_sf */
		p->now.cfa = scaled(p, (uint64_t)get_sleb(c));
		break;
	case 0x14:	/* val_offset, val_offset_sf */
	case 0x15:
		save(p, get_uleb(c), ELSEWHERE, 0);
		get_uleb(c);
		break;
	case 0x16:	/* val_expression */
		save(p, get_uleb(c), ELSEWHERE, 0);
		get_block(c, get_uleb(c));
		break;
	case 0x2e:	/* GNU_args_size (LSB) */
		get_uleb(c);
		break;
	case 0x2f:	/* GNU_negative_offset_extended (LSB) */
		reg = get_uleb(c);
		save(p, reg, AT_CFA, scaled(p, 0 - get_uleb(c)));
		break;
	default:
		p->failed = true;
	}
}

static void run(struct program *p, struct cursor c, const uint8_t *bytes, uint64_t address)
{
	while (c.at < c.end && !c.bad && !p->failed) {
		uint8_t op = (uint8_t)get_fixed(&c, 1), low = op & 0x3f;

		switch (op >> 6) {
		case 1:
			step(p, low);
			break;
		case 2:
			save(p, low, AT_CFA, scaled(p, get_uleb(&c)));
			break;
		case 3:
			restore(p, low);
			break;
		default:
			run_extended(p, &c, op, address + (uint64_t)(c.at - bytes));
		}
	}
	p->failed = p->failed || c.bad;
}

/* --- entries --- */

/* The entry at offset, without its length; *next: where the following one is.  Bad at the end, and behind it. */
static struct cursor entry_at(const struct reader *r, uint64_t offset, uint64_t *next)
{
	struct cursor all = { r->bytes + r->size, r->bytes + r->size, true }, entry = all;
	uint64_t length;

	*next = r->size;
	if (offset >= r->size)
		return all;
	all.at = r->bytes + offset;
	all.bad = false;
	length = get_fixed(&all, 4);
	if (length == 0xffffffff)
		length = get_fixed(&all, 8);
	if (length == 0)
		return entry;
	entry = get_block(&all, length);
	entry.bad = all.bad;
	*next = (uint64_t)(all.at - r->bytes);
	return entry;
}

/* What the letters behind the 'z' announce. */
static bool read_augmentation(struct cie *cie, const char *letters, struct cursor data)
{
	uint8_t form;

	for (; *letters != '\0'; letters++) {
		switch (*letters) {
		case 'R':
			cie->form = (uint8_t)get_fixed(&data, 1);
			break;
		case 'P':	/* aligned pointers are as rare as other letters */
			form = (uint8_t)get_fixed(&data, 1);
			get_encoded(&data, form & 0x0f, 0);
			break;
		case 'L':
			get_fixed(&data, 1);
			break;
		case 'S':
		case 'B':
			break;
		default:
			return false;
		}
	}
	return !data.bad;
}

static bool cie_read(const struct reader *r, struct cie *cie, struct cursor c)
{
	struct program p = { .cie = cie, .now = { .rbp = { IN_REGISTER, 0 }, .ret = { ELSEWHERE, 0 } } };
	const char *letters;
	uint8_t version;
	size_t length;

	if (c.end - c.at > MAX_CIE || get_fixed(&c, 4) != 0)
		return false;
	version = (uint8_t)get_fixed(&c, 1);
	letters = (const char *)c.at;
	length = strnlen(letters, (size_t)(c.end - c.at));
	get_block(&c, length + 1);
	cie->code_align = get_uleb(&c);
	cie->data_align = get_sleb(&c);
	if (c.bad || (version != 1 && version != 3) || (version == 1 ? get_fixed(&c, 1) : get_uleb(&c)) != REG_RETURN)
		return false;
	if (letters[0] == 'z') {
		cie->augmented = true;
		if (!read_augmentation(cie, letters + 1, get_block(&c, get_uleb(&c))))
			return false;
	} else if (letters[0] != '\0') {
		return false;
	}
	if (c.bad)
		return false;
	run(&p, c, r->bytes, r->address);
	cie->initial = p.now;
	return !p.failed;
}

static const struct cie *cie_at(struct reader *r, uint64_t offset)
{
	struct cie *cie = &r->cies[offset / 8 % CIES];

	if (cie->offset != offset + 1) {
		uint64_t next;
		struct cursor c = entry_at(r, offset, &next);

		memset(cie, 0, sizeof(*cie));
		cie->offset = offset + 1;
		cie->good = !c.bad && cie_read(r, cie, c);
	}
	return cie->good ? cie : NULL;
}

static uint64_t place_of(const struct reader *r, const struct cursor *c)
{
	return r->address + (uint64_t)(c->at - r->bytes);
}

/* c: behind the pointer to its CIE. */
static void fde_read(struct reader *r, const struct cie *cie, struct cursor c)
{
	struct program p = { .reader = r, .cie = cie, .now = cie->initial };
	uint64_t size;

	p.lo = p.pc = get_encoded(&c, cie->form, place_of(r, &c)) - r->base;
	size = get_encoded(&c, cie->form & 0x0f, 0);
	if (cie->augmented)
		get_block(&c, get_uleb(&c));
	if (c.bad || size == 0 || p.lo >= UINT32_MAX || size >= UINT32_MAX - p.lo)
		return;
	p.hi = p.lo + size;
	if (!grow(r, &r->blocks, &r->blocks_cap, r->nblocks, sizeof(*r->blocks)))
		return;
	r->blocks[r->nblocks] = (struct block){ (uint32_t)p.lo, (uint32_t)p.hi, (uint32_t)r->nrows, 0 };
	run(&p, c, r->bytes, r->address);
	if (p.failed)
		memset(&p.now, 0, sizeof(p.now));
	p.failed = false;
	if (p.pc < p.hi)
		put_row(&p);
	if (!p.failed)
		r->nblocks++;
}

static void read_all(struct reader *r)
{
	for (uint64_t at = 0, next; at < r->size && !r->out_of_memory; at = next) {
		struct cursor c = entry_at(r, at, &next);
		const struct cie *cie;
		uint64_t id, here = (uint64_t)(c.at - r->bytes);

		/* The length 0 ends the section. */
		if (c.bad || next <= at)
			return;
		id = get_fixed(&c, 4);
		if (c.bad || id == 0 || id > here)
			continue;
		cie = cie_at(r, here - id);
		if (cie != NULL)
			fde_read(r, cie, c);
	}
}

/* --- the table --- */

static int by_address(const void *a, const void *b)
{
	const struct block *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

static void add_row(struct trace_cfi_table *t, struct trace_cfi_row row)
{
	if (t->n == 0 || memcmp(&t->row[t->n - 1].rule, &row.rule, sizeof(row.rule)) != 0)
		t->row[t->n++] = row;
}

static struct trace_cfi_table *table_of(struct reader *r)
{
	const struct trace_cfi_rule unknown = { 0 };
	struct trace_cfi_table *t = malloc(sizeof(*t) + (r->nrows + 2 * r->nblocks) * sizeof(t->row[0])), *exact;
	uint32_t end = 0;

	if (t == NULL)
		return NULL;
	qsort(r->blocks, r->nblocks, sizeof(*r->blocks), by_address);
	t->refs = 1;
	t->n = 0;
	for (size_t i = 0; i < r->nblocks; i++) {
		const struct block *b = &r->blocks[i];

		if (b->lo < end)
			continue;
		if (t->n != 0 && b->lo - end >= PADDING)
			add_row(t, (struct trace_cfi_row){ end, unknown });
		for (uint32_t k = 0; k < b->n; k++)
			add_row(t, r->rows[b->first + k]);
		end = b->hi;
	}
	add_row(t, (struct trace_cfi_row){ end, unknown });
	exact = realloc(t, sizeof(*t) + t->n * sizeof(t->row[0]));
	return exact != NULL ? exact : t;
}

struct trace_cfi_table *trace_cfi_read(const uint8_t *bytes, size_t n, uint64_t address, uint64_t base)
{
	struct reader *r = calloc(1, sizeof(*r));
	struct trace_cfi_table *table = NULL;

	if (r == NULL)
		return NULL;
	r->bytes = bytes;
	r->size = n;
	r->address = address;
	r->base = base;
	read_all(r);
	if (!r->out_of_memory && r->nblocks > 0)
		table = table_of(r);
	free(r->rows);
	free(r->blocks);
	free(r);
	return table;
}

void trace_cfi_drop(struct trace_cfi_table *table)
{
	if (table != NULL && --table->refs == 0)
		free(table);
}

struct trace_cfi_rule trace_cfi_find(const struct trace_cfi_table *table, uint32_t pc)
{
	size_t lo = 0, n = table->n;

	/* The last row that does not begin above pc. */
	while (n > 1) {
		size_t half = n / 2;

		lo += table->row[lo + half].pc <= pc ? half : 0;
		n -= half;
	}
	if (table->n == 0 || table->row[lo].pc > pc)
		return (struct trace_cfi_rule){ 0 };
	return table->row[lo].rule;
}
