/* SPDX-License-Identifier: BSD-3-Clause
 *
 * elfsyms.c - a module's own sorted symbol table, searched by halving: libdwfl walks the whole table for each address.
 */
#include "librt/tracer/modules.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

/* How many symbols before the nearest one may cover an address (functions inside functions, as hand-written code has them). */
#define LOOK_BACK 16

static bool add_symbol(struct trace_module *m, const struct trace_elf_symbol *s)
{
	if (m->nsymbols == m->symbols_cap) {
		size_t cap = m->symbols_cap != 0 ? 2 * m->symbols_cap : 1024;
		void *bigger = reallocarray(m->symbols, cap, sizeof(*m->symbols));

		if (bigger == NULL)
			return false;
		m->symbols = bigger;
		m->symbols_cap = cap;
	}
	m->symbols[m->nsymbols++] = *s;
	return true;
}

static int by_address(const void *a, const void *b)
{
	const struct trace_elf_symbol *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void read_section(struct trace_module *m, Elf_Scn *scn, const GElf_Shdr *sh)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t n = data != NULL && sh->sh_entsize != 0 ? sh->sh_size / sh->sh_entsize : 0;

	for (size_t i = 0; i < n; i++) {
		struct trace_elf_symbol s;
		GElf_Sym sym;
		int type;

		if (gelf_getsym(data, (int)i, &sym) == NULL || sym.st_shndx == SHN_UNDEF)
			continue;
		type = GELF_ST_TYPE(sym.st_info);
		if (type != STT_FUNC && type != STT_GNU_IFUNC)
			continue;
		s.name = elf_strptr(m->elf, sh->sh_link, sym.st_name);
		if (s.name == NULL || s.name[0] == '\0')
			continue;
		s.addr = sym.st_value;
		s.size = sym.st_size;
		s.rank = (uint8_t)(2 * (GELF_ST_BIND(sym.st_info) == STB_LOCAL) + (GELF_ST_BIND(sym.st_info) == STB_WEAK) +
				   4 * (sym.st_size == 0));
		if (!add_symbol(m, &s))
			return;
	}
}

void trace_elf_symbols_read(struct trace_module *m)
{
	Elf_Scn *scn = NULL, *best = NULL;
	GElf_Shdr sh, best_sh = { 0 };

	/* The full table has all that the dynamic one has. */
	while ((scn = elf_nextscn(m->elf, scn)) != NULL) {
		if (gelf_getshdr(scn, &sh) == NULL || (sh.sh_type != SHT_SYMTAB && sh.sh_type != SHT_DYNSYM))
			continue;
		if (best == NULL || sh.sh_type == SHT_SYMTAB) {
			best = scn;
			best_sh = sh;
		}
	}
	if (best != NULL)
		read_section(m, best, &best_sh);
	if (m->nsymbols > 1)
		qsort(m->symbols, m->nsymbols, sizeof(*m->symbols), by_address);
}

const struct trace_elf_symbol *trace_elf_symbol_at(const struct trace_module *m, uint64_t addr)
{
	size_t lo = 0, hi = m->nsymbols, first;
	const struct trace_elf_symbol *best = NULL;

	/* The first symbol above addr. */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->symbols[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	first = lo > LOOK_BACK ? lo - LOOK_BACK : 0;
	while (lo-- > first) {
		const struct trace_elf_symbol *s = &m->symbols[lo];

		/* One without a size reaches to the next symbol. */
		if (s->size != 0 ? addr - s->addr >= s->size : lo + 1 < m->nsymbols && addr >= m->symbols[lo + 1].addr &&
		    m->symbols[lo + 1].addr != s->addr)
			continue;
		if (best == NULL || s->addr == best->addr)
			best = s;
		else
			break;
	}
	return best;
}

/*
 * The binary search table of .eh_frame_hdr (Linux Standard Base, Core, "Exception Frames") has the functions' beginnings in ascending
 * order, whether or not they have names.  Only in the form that all linkers write: pairs of four bytes, relative to the header.
 */
uint64_t trace_elf_function_end(const struct trace_module *m, uint64_t addr)
{
	static const uint8_t form[4] = { 1, 0x1b, 0x03, 0x3b };
	size_t n = 0, phdrs = 0;
	Elf_Data *data = NULL;
	GElf_Phdr ph;

	if (m->elf == NULL || elf_getphdrnum(m->elf, &phdrs) < 0)
		return addr + 1;
	for (size_t i = 0; i < phdrs && data == NULL; i++) {
		if (gelf_getphdr(m->elf, (int)i, &ph) != NULL && ph.p_type == PT_GNU_EH_FRAME)
			data = elf_getdata_rawchunk(m->elf, (int64_t)ph.p_offset, ph.p_filesz, ELF_T_BYTE);
	}
	if (data == NULL || data->d_size < 12 || memcmp(data->d_buf, form, sizeof(form)) != 0)
		return addr + 1;
	n = (data->d_size - 12) / 8;
	for (size_t i = 0; i + 1 < n; i++) {
		int32_t begins[2];

		memcpy(&begins[0], (const char *)data->d_buf + 12 + 8 * i, 4);
		memcpy(&begins[1], (const char *)data->d_buf + 20 + 8 * i, 4);
		if (ph.p_vaddr + (uint64_t)(int64_t)begins[0] == addr && begins[1] > begins[0])
			return ph.p_vaddr + (uint64_t)(int64_t)begins[1];
	}
	return addr + 1;
}
