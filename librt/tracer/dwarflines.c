/* SPDX-License-Identifier: BSD-3-Clause
 *
 * dwarflines.c - lines and inlined functions from debugging information.
 *
 * libdw reads the information; the two indexes are ours, since its own searches walk a unit's whole tree for each address:
 * ranges to units (made when the module's first address is asked for) and ranges to functions of one unit (made with the unit's
 * first address).
 */
#include "librt/tracer/modules.h"

#include <dwarf.h>
#include <stdlib.h>

static bool grow(void *array_pointer, size_t *cap, size_t need, size_t element)
{
	void **array = array_pointer, *bigger;
	size_t wanted = *cap != 0 ? 2 * *cap : 64;

	if (need <= *cap)
		return true;
	bigger = reallocarray(*array, wanted, element);
	if (bigger == NULL)
		return false;
	*array = bigger;
	*cap = wanted;
	return true;
}

static int by_lo(const void *a, const void *b)
{
	const struct trace_dwarf_range *x = a, *y = b;

	if (x->lo != y->lo)
		return x->lo < y->lo ? -1 : 1;
	return x->die < y->die ? -1 : x->die > y->die;
}

/* The range with the highest start that holds addr; ranges may not nest, which holds for units and for functions of one unit. */
static const struct trace_dwarf_range *range_find(const struct trace_dwarf_range *r, size_t n, uint64_t addr)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r[mid].lo <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 && addr < r[lo - 1].hi ? &r[lo - 1] : NULL;
}

static void add_ranges(Dwarf_Die *die, Dwarf_Off value, struct trace_dwarf_range **r, size_t *n, size_t *cap)
{
	Dwarf_Addr base, lo, hi;
	ptrdiff_t off = 0;

	while ((off = dwarf_ranges(die, off, &base, &lo, &hi)) > 0) {
		if (lo >= hi || !grow(r, cap, *n + 1, sizeof(**r)))
			continue;
		(*r)[(*n)++] = (struct trace_dwarf_range){ lo, hi, value };
	}
}

static void index_units(struct trace_module *m)
{
	Dwarf_Off off = 0, next;
	size_t header;

	while (dwarf_nextcu(m->dwarf, off, &next, &header, NULL, NULL, NULL) == 0) {
		Dwarf_Die die;

		if (dwarf_offdie(m->dwarf, off + header, &die) != NULL && dwarf_tag(&die) == DW_TAG_compile_unit &&
		    grow(&m->units, &m->units_cap, m->nunits + 1, sizeof(*m->units))) {
			m->units[m->nunits] = (struct trace_dwarf_unit){ .die = off + header };
			add_ranges(&die, m->nunits++, &m->ranges, &m->nranges, &m->ranges_cap);
		}
		off = next;
	}
	if (m->nranges > 1)
		qsort(m->ranges, m->nranges, sizeof(*m->ranges), by_lo);
}

/* Functions stand at the top of a unit or in what groups them. */
static void index_functions(struct trace_dwarf_unit *u, Dwarf_Die *parent, int depth)
{
	Dwarf_Die die;

	if (depth > 16 || dwarf_child(parent, &die) != 0)
		return;
	do {
		switch (dwarf_tag(&die)) {
		case DW_TAG_subprogram:
			add_ranges(&die, dwarf_dieoffset(&die), &u->funcs, &u->nfuncs, &u->cap);
			break;
		case DW_TAG_namespace:
		case DW_TAG_module:
		case DW_TAG_class_type:
		case DW_TAG_structure_type:
			index_functions(u, &die, depth + 1);
			break;
		default:
			break;
		}
	} while (dwarf_siblingof(&die, &die) == 0);
}

/* The inlined call inside `parent` that holds addr, looked for through blocks. */
static bool inlined_child(Dwarf_Die *parent, Dwarf_Addr addr, Dwarf_Die *out, int depth)
{
	Dwarf_Die die;

	if (depth > 64 || dwarf_child(parent, &die) != 0)
		return false;
	do {
		int tag = dwarf_tag(&die);

		if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_lexical_block)
			continue;
		if (dwarf_haspc(&die, addr) <= 0)
			continue;
		if (tag == DW_TAG_inlined_subroutine) {
			*out = die;
			return true;
		}
		if (inlined_child(&die, addr, out, depth + 1))
			return true;
	} while (dwarf_siblingof(&die, &die) == 0);
	return false;
}

static const char *call_site(Dwarf_Die *cu, Dwarf_Die *inlined, int *line)
{
	Dwarf_Attribute attr;
	Dwarf_Word number;
	Dwarf_Files *files;
	size_t nfiles;

	*line = 0;
	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attr), &number) == 0)
		*line = (int)number;
	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attr), &number) != 0 ||
	    dwarf_getsrcfiles(cu, &files, &nfiles) != 0 || number >= nfiles)
		return NULL;
	return dwarf_filesrc(files, number, NULL, NULL);
}

/* The chain of inlined calls at addr, outermost first. */
static int inlined_chain(struct trace_module *m, struct trace_dwarf_unit *u, Dwarf_Die *cu, uint64_t addr, Dwarf_Die *chain,
			 int max)
{
	const struct trace_dwarf_range *func;
	Dwarf_Die die;
	int n = 0;

	if (!u->indexed) {
		u->indexed = true;
		index_functions(u, cu, 0);
		if (u->nfuncs > 1)
			qsort(u->funcs, u->nfuncs, sizeof(*u->funcs), by_lo);
	}
	func = range_find(u->funcs, u->nfuncs, addr);
	if (func == NULL || dwarf_offdie(m->dwarf, func->die, &die) == NULL)
		return 0;
	while (n < max && inlined_child(&die, addr, &chain[n], 0)) {
		die = chain[n];
		n++;
	}
	return n;
}

int trace_dwarf_frames(struct trace_module *m, uint64_t addr, struct trace_dwarf_frame *out, int max)
{
	const struct trace_dwarf_range *r;
	Dwarf_Die cu, chain[63];
	Dwarf_Line *line;
	const char *file = NULL;
	int n, number = 0;

	if (m->dwarf == NULL)
		return 0;
	if (m->nunits == 0)
		index_units(m);
	r = range_find(m->ranges, m->nranges, addr);
	if (r == NULL || dwarf_offdie(m->dwarf, m->units[r->die].die, &cu) == NULL)
		return 0;
	line = dwarf_getsrc_die(&cu, addr);
	if (line != NULL) {
		file = dwarf_linesrc(line, NULL, NULL);
		dwarf_lineno(line, &number);
	}
	n = inlined_chain(m, &m->units[r->die], &cu, addr, chain, max - 1 < 63 ? max - 1 : 63);
	/* Where the innermost stands is the line's; where its caller stands is its call site; and so on outwards. */
	for (int i = 0; i <= n; i++) {
		Dwarf_Die *inlined = i < n ? &chain[n - 1 - i] : NULL;

		out[i] = (struct trace_dwarf_frame){ inlined != NULL ? dwarf_diename(inlined) : NULL, file, number };
		if (inlined != NULL && out[i].func == NULL)
			out[i].func = "(inlined)";
		if (inlined != NULL)
			file = call_site(&cu, inlined, &number);
	}
	return n + 1;
}

void trace_dwarf_close(struct trace_module *m)
{
	for (size_t i = 0; i < m->nunits; i++)
		free(m->units[i].funcs);
	free(m->units);
	free(m->ranges);
	if (m->dwarf != NULL)
		dwarf_end(m->dwarf);
}
