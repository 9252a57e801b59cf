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
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "librt/tracer/symbols.h"

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

static void module_free(struct trace_module *m)
{
	trace_dwarf_close(m);
	if (m->elf != NULL)
		elf_end(m->elf);
	if (m->fd >= 0)
		syscall(SYS_close, m->fd);
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

bool trace_modules_refresh(void)
{
	struct pass pass = { .first = true };
	unsigned long long counts[2] = { 0, 0 };
	bool gone = false;

	dl_iterate_phdr(read_counts, counts);
	if (listed && counts[0] == last_adds && counts[1] == last_subs)
		return false;
	for (struct trace_module *m = modules; m != NULL; m = m->next)
		m->seen = false;
	dl_iterate_phdr(visit_object, &pass);
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

void trace_module_open(struct trace_module *m)
{
	if (m->opened)
		return;
	m->opened = true;
	elf_version(EV_CURRENT);
	if (strcmp(m->path, "[vdso]") == 0) {
		m->elf = elf_memory((char *)m->lo, m->hi - m->lo);
	} else {
		m->fd = (int)syscall(SYS_openat, AT_FDCWD, m->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (m->fd < 0)
			return;
		m->elf = elf_begin(m->fd, ELF_C_READ, NULL);
	}
	if (m->elf == NULL)
		return;
	if (elf_kind(m->elf) != ELF_K_ELF || !same_build_id(m, m->elf)) {
		elf_end(m->elf);
		m->elf = NULL;
		return;
	}
	trace_elf_symbols_read(m);
	m->dwarf = dwarf_begin_elf(m->elf, DWARF_C_READ, NULL);
}
