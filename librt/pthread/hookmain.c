/* SPDX-License-Identifier: BSD-3-Clause
 *
 * hookmain.c - where the program's main() is, and that the first thread's stacks end there.
 *
 * Recording has begun by then (pthost.c), in the name of the executable's entry point. The entry point calls __libc_start_main (Linux
 * Standard Base, Core, "__libc_start_main") with main(), which has no name of its own in a stripped executable.
 */
#include "config.h"

#include "librt/pthread/pthost.h"

static uintptr_t program_main;

static int root_main(int argc, char **argv, char **envp)
{
	return (int)pt_root_call(program_main, (uintptr_t)argc, (uintptr_t)argv, (uintptr_t)envp);
}

__typeof__(*pt_real.__libc_start_main) __libc_start_main;	/* which no header declares */

PT_EXPORT int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void), void (*fini)(void),
				void (*rtld_fini)(void), void *stack_end)
{
	if (pt_is_recorded()) {
		program_main = (uintptr_t)main;
		trace_set_main(program_main);
		main = root_main;
	}
	return PT_REAL(__libc_start_main)(main, argc, argv, init, fini, rtld_fini, stack_end);
}
