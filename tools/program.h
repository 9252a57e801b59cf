/* SPDX-License-Identifier: BSD-3-Clause
 *
 * program.h - the program that trace-record is about to run: where it is, and how it can be recorded.
 */
#ifndef TOOLS_PROGRAM_H
#define TOOLS_PROGRAM_H

#include <stdbool.h>

struct program {
	char *path;
	bool is_elf;		/* nothing a shell could read */
	bool has_runtime;	/* it is linked against libexectrace-rt */
	const char *obstacle;	/* why the recorder will not get into it, or NULL */
};

/* Finds name as execvp() would.  0, or -1 with errno: ENOENT, EACCES and what else execve() would say. */
int program_find(struct program *program, const char *name);

#endif
