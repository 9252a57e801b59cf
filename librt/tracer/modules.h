/* SPDX-License-Identifier: BSD-3-Clause
 *
 * modules.h - the loaded code and its tables. The writer's thread only; may use malloc and read files.
 */
#ifndef TRACER_MODULES_H
#define TRACER_MODULES_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trace_cfi_table;

struct trace_elf_symbol {
	uint64_t addr, size;
	const char *name;		/* in the file's string table, which the Elf keeps */
	uint8_t rank;			/* of several at one address, the lowest */
};

struct trace_dwarf_range {
	uint64_t lo, hi;
	Dwarf_Off die;
};

/* One compilation unit, with its functions once somebody asked for one. */
struct trace_dwarf_unit {
	Dwarf_Off die;
	bool indexed;
	struct trace_dwarf_range *funcs;	/* sorted by lo */
	size_t nfuncs, cap;
};

struct trace_module {
	struct trace_module *next;
	uintptr_t lo, hi;		/* its segments */
	uintptr_t bias;			/* address in memory minus address in the file */
	char *path;			/* absolute where the loader knows it so; "[vdso]" */
	char build_id[65];		/* hex, or "-" */
	bool seen;			/* by the current pass over the loader's list */
	bool cfi_read;			/* it was tried */
	struct trace_cfi_table *cfi;
	/* Filled when the first address is asked for. */
	bool opened;
	int fd;
	Elf *elf;
	struct trace_elf_symbol *symbols;	/* sorted by address */
	size_t nsymbols, symbols_cap;
	Dwarf *dwarf;
	struct trace_dwarf_range *ranges;	/* sorted; die: index of the unit */
	size_t nranges, ranges_cap;
	struct trace_dwarf_unit *units;
	size_t nunits, units_cap;
};

/*
 * Brings the list up to date. Return: whether a module that was there is gone or changed (addresses may mean something else
 * now).
 */
bool trace_modules_refresh(void);

/* A thread is about to fork, and has forked: both return in both processes. */
void trace_modules_before_fork(void);
void trace_modules_after_fork(bool is_child);
struct trace_module *trace_module_find(uintptr_t addr);
struct trace_module *trace_modules_first(void);
/* Opens the module's file, if it is the one in memory, and reads its symbols; once. */
void trace_module_open(struct trace_module *m);
/* How its functions are unwound, once: read from the file, which is closed again. The module's; NULL: it is not known. */
struct trace_cfi_table *trace_module_cfi(struct trace_module *m);

/* The symbol that covers the file address, or NULL. */
const struct trace_elf_symbol *trace_elf_symbol_at(const struct trace_module *m, uint64_t addr);
void trace_elf_symbols_read(struct trace_module *m);
/* Where the function after the one that begins at the file address addr begins, as the tables for unwinding know; addr + 1: they do not. */
uint64_t trace_elf_function_end(const struct trace_module *m, uint64_t addr);

/* What debugging information says of an address: innermost first. Strings live as long as the module. */
struct trace_dwarf_frame {
	const char *func;		/* NULL: the physical function, whose name the symbol table knows */
	const char *file;		/* NULL: unknown */
	int line;
};
/* Return: how many, at most max; 0: nothing is known. */
int trace_dwarf_frames(struct trace_module *m, uint64_t addr, struct trace_dwarf_frame *out, int max);
void trace_dwarf_close(struct trace_module *m);

#endif
