/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ptreal.c - finds the functions that the hooks stand in front of.
 */
#include "config.h"

#include "librt/pthread/ptreal.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

struct pt_real pt_real;

/*
 * What an older libc does not have.  Who asks for it nevertheless (a weak reference, dlsym) finds the hook, and then one of these, which
 * says so in the function's own way.
 */
static long missing_call(void)
{
	errno = ENOSYS;
	return -1;
}

static int missing_pthread(void)
{
	return ENOSYS;
}

static int missing_thread(void)
{
	return thrd_error;
}

static bool begins(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

static void *missing(const char *name)
{
	if (begins(name, "pthread_"))
		return (void *)missing_pthread;
	return begins(name, "thrd_") || begins(name, "mtx_") || begins(name, "cnd_") ? (void *)missing_thread : (void *)missing_call;
}

static void *find(const char *name, const char *version)
{
	void *fn = version ? dlvsym(RTLD_NEXT, name, version) : NULL;

	/* A port of glibc that is younger than the version has only one of them. */
	fn = fn ? fn : dlsym(RTLD_NEXT, name);
	return fn ? fn : missing(name);
}

void pt_real_resolve(void)
{
#define PT_REAL_FIND(result, name, args, version) pt_real.name = (__typeof__(pt_real.name))find(#name, version);
	PT_REAL_FUNCTIONS(PT_REAL_FIND)
#undef PT_REAL_FIND
}
