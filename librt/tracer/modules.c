/* SPDX-License-Identifier: BSD-3-Clause
 *
 * modules.c - the list of loaded objects, as the dynamic loader tells it, and their files.
 *
 * A file is trusted only if its build id is that of the image in memory: it may have been replaced since it was loaded.  Files
 * are read, never mapped: one that shrinks under us must not raise SIGBUS in the program.
 */
#include "librt/tracer/modules.h"

#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "librt/tracer/cfirows.h"
#include "librt/tracer/core.h"
#include "librt/tracer/symbols.h"
#include "librt/tracer/sys.h"

/* The most that is read of what follows the beginning of a file's .eh_frame. */
#define MAX_EH_FRAME (64u << 20)

static struct trace_module *modules;
static unsigned long long last_adds, last_subs;
static bool listed;

static void hex_of(const uint8_t *bytes, size_t n, char out[65])
{
	static const char digits[] = "0123456789abcdef";

	if (n > 32)
		n = 32;
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	strcpy(out + 2 * n, n != 0 ? "" : "-");
}

/* The build id among the notes of [p, p + size). */
static void build_id_in(const uint8_t *p, size_t size, char out[65])
{
	while (size >= sizeof(ElfW(Nhdr))) {
		const ElfW(Nhdr) *note = (const void *)p;
		size_t name = (note->n_namesz + 3u) & ~(size_t)3, desc = (note->n_descsz + 3u) & ~(size_t)3;

		if (name > size - sizeof(*note) || desc > size - sizeof(*note) - name)
			return;
		if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && memcmp(note + 1, "GNU", 4) == 0) {
			hex_of(p + sizeof(*note) + name, note->n_descsz, out);
			return;
		}
		p += sizeof(*note) + name + desc;
		size -= sizeof(*note) + name + desc;
	}
}

static char *module_path(const struct dl_phdr_info *info, bool first)
{
	char buf[PATH_MAX];
	ssize_t n;
	char *real;

	if (info->dlpi_name != NULL && info->dlpi_name[0] == '/') {
		/* The path without links, so that one file has one name. */
		real = realpath(info->dlpi_name, buf);
		return strdup(real != NULL ? real : info->dlpi_name);
	}
	if (first || info->dlpi_name == NULL || info->dlpi_name[0] == '\0') {
		n = readlink("/proc/self/exe", buf, sizeof(buf) - 1);
		if (n > 0) {
			buf[n] = '\0';
			return strdup(buf);
		}
	}
	if (info->dlpi_addr != 0 && info->dlpi_addr == getauxval(AT_SYSINFO_EHDR))
		return strdup("[vdso]");
	return strdup(info->dlpi_name != NULL && info->dlpi_name[0] != '\0' ? info->dlpi_name : "[program]");
}

struct pass {
	bool first, out_of_memory;
};

static int visit_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct pass *pass = arg;
	uintptr_t lo = UINTPTR_MAX, hi = 0;
	char id[65] = "-";
	bool first = pass->first;
	struct trace_module *m;

	pass->first = false;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		uintptr_t at = info->dlpi_addr + ph->p_vaddr;

		if (ph->p_type == PT_LOAD) {
			lo = at < lo ? at : lo;
			hi = at + ph->p_memsz > hi ? at + ph->p_memsz : hi;
		} else if (ph->p_type == PT_NOTE) {
			build_id_in((const uint8_t *)at, ph->p_memsz, id);
		}
	}
	if (lo >= hi)
		return 0;
	for (m = modules; m != NULL; m = m->next) {
		if (m->lo == lo && m->hi == hi && m->bias == info->dlpi_addr && strcmp(m->build_id, id) == 0) {
			m->seen = true;
			return 0;
		}
	}
	m = calloc(1, sizeof(*m));
	if (m == NULL || (m->path = module_path(info, first)) == NULL) {
		free(m);
		pass->out_of_memory = true;
		return 0;
	}
	m->lo = lo;
	m->hi = hi;
	m->bias = info->dlpi_addr;
	m->fd = -1;
	m->seen = true;
	strcpy(m->build_id, id);
	m->next = modules;
	modules = m;
	return 0;
}

static void file_close(Elf *elf, int fd)
{
	if (elf != NULL)
		elf_end(elf);
	if (fd >= 0)
		syscall(SYS_close, fd);
}

static void module_free(struct trace_module *m)
{
	trace_dwarf_close(m);
	file_close(m->elf, m->fd);
	trace_cfi_drop(m->cfi);
	free(m->symbols);
	free(m->path);
	free(m);
}

static int read_counts(struct dl_phdr_info *info, size_t size, void *arg)
{
	unsigned long long *counts = arg;

	counts[0] = info->dlpi_adds;
	counts[1] = info->dlpi_subs;
	return 1;
}

struct trace_module *trace_modules_first(void)
{
	return modules;
}

/*
 * dl_iterate_phdr() holds a lock of the loader's that a forked child never gets free: it would hang in its next dlopen() or exception.
 * So a fork waits until nobody is in there, and nobody enters while one forks.  Both sides store their own word first, then load the
 * other's, all seq_cst: one of them sees the other.  Who forks while it has that very lock would wait for ever, so it does so for
 * a while only.
 */
static _Atomic uint32_t listing, forking;
#define FORK_WAITS_NS (200 * 1000 * 1000ull)

static void begin_listing(void)
{
	uint32_t forks;

	for (;;) {
		atomic_store(&listing, 1);
		forks = atomic_load(&forking);
		if (forks == 0)
			return;
		atomic_store(&listing, 0);
		trace_futex_wake(&listing);
		trace_futex_wait(&forking, forks, TRACE_NS_PER_MS);
	}
}

static void end_listing(void)
{
	atomic_store(&listing, 0);
	if (atomic_load(&forking) != 0)
		trace_futex_wake(&listing);
}

void trace_modules_before_fork(void)
{
	atomic_fetch_add(&forking, 1);
	for (uint64_t ns = 0; atomic_load(&listing) != 0 && ns < FORK_WAITS_NS; ns += TRACE_NS_PER_MS)
		trace_futex_wait(&listing, 1, TRACE_NS_PER_MS);
}

void trace_modules_after_fork(bool is_child)
{
	if (!is_child) {
		atomic_fetch_sub(&forking, 1);
		return;
	}
	atomic_store(&forking, 0);
	atomic_store(&listing, 0);
}

/* Marks what is there; false: nothing has changed. */
static bool list(struct pass *pass, unsigned long long counts[2])
{
	bool changed;

	begin_listing();
	dl_iterate_phdr(read_counts, counts);
	changed = !listed || counts[0] != last_adds || counts[1] != last_subs;
	for (struct trace_module *m = modules; changed && m != NULL; m = m->next)
		m->seen = false;
	if (changed)
		dl_iterate_phdr(visit_object, pass);
	end_listing();
	return changed;
}

bool trace_modules_refresh(void)
{
	struct pass pass = { .first = true };
	unsigned long long counts[2] = { 0, 0 };
	bool gone = false;

	if (!list(&pass, counts))
		return false;
	for (struct trace_module **at = &modules; *at != NULL;) {
		struct trace_module *m = *at;

		if (m->seen) {
			at = &m->next;
			continue;
		}
		*at = m->next;
		module_free(m);
		gone = true;
	}
	listed = !pass.out_of_memory;
	last_adds = counts[0];
	last_subs = counts[1];
	return gone;
}

struct trace_module *trace_module_find(uintptr_t addr)
{
	for (struct trace_module *m = modules; m != NULL; m = m->next) {
		if (addr >= m->lo && addr < m->hi)
			return m;
	}
	return NULL;
}

void trace_modules_visit(void (*visit)(void *ctx, const struct trace_module_info *info), void *ctx)
{
	for (struct trace_module *m = modules; m != NULL; m = m->next) {
		struct trace_module_info info = { m->lo, m->hi - m->lo, m->build_id, m->path };

		visit(ctx, &info);
	}
}

/* --- the file --- */

static bool same_build_id(const struct trace_module *m, Elf *elf)
{
	char id[65] = "-";
	size_t n;

	if (elf_getphdrnum(elf, &n) < 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		GElf_Phdr ph;
		Elf_Data *data;

		if (gelf_getphdr(elf, (int)i, &ph) == NULL || ph.p_type != PT_NOTE)
			continue;
		data = elf_getdata_rawchunk(elf, (int64_t)ph.p_offset, ph.p_filesz, ELF_T_BYTE);
		if (data != NULL)
			build_id_in(data->d_buf, data->d_size, id);
	}
	return strcmp(id, m->build_id) == 0;
}

/* The module's file, if it is the one in memory; *fd: to be closed after elf_end(), or -1.  Return: NULL: it is not, or there is none. */
static Elf *file_open(const struct trace_module *m, int *fd)
{
	Elf *elf = NULL;

	*fd = -1;
	elf_version(EV_CURRENT);
	if (strcmp(m->path, "[vdso]") == 0) {
		elf = elf_memory((char *)m->lo, m->hi - m->lo);
	} else {
		*fd = (int)syscall(SYS_openat, AT_FDCWD, m->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (*fd < 0)
			return NULL;
		elf = elf_begin(*fd, ELF_C_READ, NULL);
	}
	if (elf != NULL && elf_kind(elf) == ELF_K_ELF && same_build_id(m, elf))
		return elf;
	file_close(elf, *fd);
	*fd = -1;
	return NULL;
}

void trace_module_open(struct trace_module *m)
{
	if (m->opened)
		return;
	m->opened = true;
	m->elf = file_open(m, &m->fd);
	if (m->elf == NULL)
		return;
	trace_elf_symbols_read(m);
	m->dwarf = dwarf_begin_elf(m->elf, DWARF_C_READ, NULL);
}

/* --- how its functions are unwound --- */

/* Where .eh_frame begins, as its header says (Linux Standard Base, Core, "Exception Frames") in the form that all linkers write. */
static bool find_eh_frame(Elf *elf, const GElf_Phdr *header, uint64_t *address)
{
	Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)header->p_offset, 8, ELF_T_BYTE);
	const uint8_t *bytes = data != NULL && data->d_size >= 8 ? data->d_buf : NULL;
	int32_t distance;

	/* Version 1; a pointer of four bytes that is relative to its own place. */
	if (bytes == NULL || bytes[0] != 1 || bytes[1] != 0x1b)
		return false;
	memcpy(&distance, bytes + 4, sizeof(distance));
	*address = header->p_vaddr + 4 + (uint64_t)(int64_t)distance;
	return true;
}

static struct trace_cfi_table *table_read(const struct trace_module *m, Elf *elf)
{
	GElf_Phdr ph, header = { 0 };
	uint64_t address;
	size_t n = 0;

	elf_getphdrnum(elf, &n);
	for (size_t i = 0; i < n && header.p_type == 0; i++) {
		if (gelf_getphdr(elf, (int)i, &ph) != NULL && ph.p_type == PT_GNU_EH_FRAME)
			header = ph;
	}
	if (header.p_type == 0 || !find_eh_frame(elf, &header, &address))
		return NULL;
	for (size_t i = 0; i < n; i++) {
		Elf_Data *data;
		uint64_t skip;

		if (gelf_getphdr(elf, (int)i, &ph) == NULL || ph.p_type != PT_LOAD || address - ph.p_vaddr >= ph.p_filesz)
			continue;
		skip = address - ph.p_vaddr;
		if (ph.p_filesz - skip > MAX_EH_FRAME)
			return NULL;
		data = elf_getdata_rawchunk(elf, (int64_t)(ph.p_offset + skip), ph.p_filesz - skip, ELF_T_BYTE);
		return data != NULL ? trace_cfi_read(data->d_buf, data->d_size, address, m->lo - m->bias) : NULL;
	}
	return NULL;
}

struct trace_cfi_table *trace_module_cfi(struct trace_module *m)
{
	Elf *elf;
	int fd;

	if (m->cfi_read)
		return m->cfi;
	m->cfi_read = true;
	elf = file_open(m, &fd);
	if (elf != NULL)
		m->cfi = table_read(m, elf);
	file_close(elf, fd);
	return m->cfi;
}
