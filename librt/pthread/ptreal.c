/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ptreal.c - finds the functions that the hooks stand in front of.
 */
#include "config.h"

#include "librt/pthread/ptreal.h"

#include <dlfcn.h>

struct pt_real pt_real;

static void *find(const char *name, const char *version)
{
	void *fn = version ? dlvsym(RTLD_NEXT, name, version) : NULL;

	/* A port of glibc that is younger than the version has only one of them. */
	return fn ? fn : dlsym(RTLD_NEXT, name);
}

void pt_real_resolve(void)
{
#define PT_REAL_FIND(result, name, args, version) pt_real.name = (__typeof__(pt_real.name))find(#name, version);
	PT_REAL_FUNCTIONS(PT_REAL_FIND)
#undef PT_REAL_FIND
}
