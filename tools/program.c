/* SPDX-License-Identifier: BSD-3-Clause
 *
 * program.c - finds a program and looks into its file.
 */
#include "config.h"

#include "tools/program.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define INTERPRETERS_MAX 4	/* the kernel's limit for scripts of scripts */

/* 0 when path is a file that this user may execute, else -1 with errno. */
static int check_file(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EACCES;
		return -1;
	}
	return access(path, X_OK);
}

static char *search(const char *name)
{
	const char *dirs = getenv("PATH"), *end;
	int error = ENOENT;

	if (!dirs)
		dirs = "/bin:/usr/bin";
	for (;; dirs = end + 1) {
		char *path;

		end = strchrnul(dirs, ':');
		if (asprintf(&path, "%.*s%s%s", (int)(end - dirs), dirs, end > dirs ? "/" : "./", name) < 0)
			return NULL;
		if (check_file(path) == 0)
			return path;
		/* Something is there, but not to be executed: told, if nothing better comes. */
		if (errno == EACCES)
			error = EACCES;
		free(path);
		if (!*end)
			break;
	}
	errno = error;
	return NULL;
}

static bool needs_runtime(Elf *elf, const GElf_Phdr *dynamic)
{
	Elf_Scn *scn = gelf_offscn(elf, dynamic->p_offset);
	Elf_Data *data = scn ? elf_getdata(scn, NULL) : NULL;
	GElf_Shdr shdr;
	GElf_Dyn dyn;

	if (!data || !gelf_getshdr(scn, &shdr))
		return false;
	for (int i = 0; gelf_getdyn(data, i, &dyn) && dyn.d_tag != DT_NULL; i++) {
		const char *name = dyn.d_tag == DT_NEEDED ? elf_strptr(elf, shdr.sh_link, dyn.d_un.d_val) : NULL;

		if (name && strncmp(name, "libexectrace-rt.so", 18) == 0)
			return true;
	}
	return false;
}

static void look_into_elf(struct program *program, Elf *elf)
{
	bool interpreter = false;
	GElf_Ehdr ehdr;
	GElf_Phdr phdr;
	size_t n;

	if (!gelf_getehdr(elf, &ehdr) || elf_getphdrnum(elf, &n) != 0)
		return;
	if (gelf_getclass(elf) != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32)) {
		program->obstacle = "a program for another word size";
		return;
	}
	for (size_t i = 0; i < n && gelf_getphdr(elf, (int)i, &phdr); i++) {
		interpreter |= phdr.p_type == PT_INTERP;
		if (phdr.p_type == PT_DYNAMIC)
			program->has_runtime = needs_runtime(elf, &phdr);
	}
	if (!interpreter)
		program->obstacle = "a statically linked program";
}

/* Looks into path; for a script fills interpreter, of size bytes, else makes it empty. */
static void look_into(struct program *program, const char *path, char *interpreter, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;
	Elf *elf;

	interpreter[0] = '\0';
	if (fd < 0)
		return;
	memset(interpreter, 0, size);
	got = pread(fd, interpreter, size - 1, 0);
	interpreter[got > 0 ? got : 0] = '\0';
	if (interpreter[0] == '#' && interpreter[1] == '!') {
		char *from = interpreter + 2 + strspn(interpreter + 2, " \t");

		from[strcspn(from, " \t\r\n")] = '\0';
		memmove(interpreter, from, strlen(from) + 1);
	} else {
		program->is_elf = memcmp(interpreter, ELFMAG, SELFMAG) == 0;
		interpreter[0] = '\0';
		elf = elf_begin(fd, ELF_C_READ, NULL);
		if (elf) {
			look_into_elf(program, elf);
			elf_end(elf);
		}
	}
	close(fd);
}

/* Programs with more rights than their user: the loader ignores the environment there. */
static bool has_privilege(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return false;
	return ((st.st_mode & S_ISUID) && st.st_uid != geteuid()) || ((st.st_mode & S_ISGID) && st.st_gid != getegid()) ||
	       (geteuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0);
}

int program_find(struct program *program, const char *name)
{
	char script[256];
	const char *path;

	memset(program, 0, sizeof(*program));
	if (!*name) {
		errno = ENOENT;
		return -1;
	}
	program->path = strchr(name, '/') ? strdup(name) : search(name);
	if (!program->path || check_file(program->path) != 0)
		return -1;
	elf_version(EV_CURRENT);
	path = program->path;
	for (int i = 0; i < INTERPRETERS_MAX; i++) {
		char next[sizeof(script)];

		if (has_privilege(path))
			program->obstacle = "a program with privileges of its own";
		look_into(program, path, next, sizeof(next));
		if (!next[0])
			break;
		strcpy(script, next);
		path = script;
	}
	return 0;
}
