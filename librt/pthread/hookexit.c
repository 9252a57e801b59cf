/* SPDX-License-Identifier: BSD-3-Clause
 *
 * hookexit.c - the ways out of the program that run no destructors, _exit and the exec family; and code that goes, by dlclose.
 *
 * Before an exec all events are written, since the new image knows nothing of them; should it fail, the recording goes on.  The
 * child of a vfork is not the recorded process though it shares its memory: pt_finish and pt_flush look at the process id.
 */
#include "config.h"

#include <alloca.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <unistd.h>

#include "librt/pthread/pthost.h"

extern char **environ;

PT_EXPORT int dlclose(void *handle)
{
	/* Other code may come to lie there: the stacks so far have to be resolved before. */
	pt_flush();
	return PT_REAL(dlclose)(handle);
}

PT_EXPORT void _exit(int status)
{
	pt_finish();
	PT_REAL(_exit)(status);
	__builtin_unreachable();
}

PT_EXPORT void _Exit(int status)
{
	_exit(status);
}

PT_EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	pt_flush();
	return PT_REAL(execve)(path, argv, envp);
}

PT_EXPORT int execv(const char *path, char *const argv[])
{
	pt_flush();
	return PT_REAL(execv)(path, argv);
}

PT_EXPORT int execvp(const char *file, char *const argv[])
{
	pt_flush();
	return PT_REAL(execvp)(file, argv);
}

PT_EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	pt_flush();
	return PT_REAL(execvpe)(file, argv, envp);
}

PT_EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	pt_flush();
	return PT_REAL(fexecve)(fd, argv, envp);
}

/* How many arguments stand before the NULL, arg0 counted. */
static size_t count_args(const char *arg0, va_list ap)
{
	size_t n = 0;

	for (const char *arg = arg0; arg; arg = va_arg(ap, const char *))
		n++;
	return n;
}

/* Turns the arguments behind arg0 into the array argv of the calling function, and leaves ap behind the NULL. */
#define COLLECT(argv, ap, arg0)                                                                                                  \
	do {                                                                                                                     \
		size_t n_;                                                                                                       \
                                                                                                                                 \
		va_start(ap, arg0);                                                                                              \
		n_ = count_args(arg0, ap);                                                                                       \
		va_end(ap);                                                                                                      \
		argv = alloca((n_ + 1) * sizeof(*argv));                                                                         \
		va_start(ap, arg0);                                                                                              \
		argv[0] = (char *)arg0;                                                                                          \
		for (size_t i_ = 1; i_ <= n_; i_++)                                                                              \
			argv[i_] = va_arg(ap, char *);                                                                           \
	} while (0)

PT_EXPORT int execl(const char *path, const char *arg0, ...)
{
	char **argv;
	va_list ap;

	COLLECT(argv, ap, arg0);
	va_end(ap);
	return execve(path, argv, environ);
}

PT_EXPORT int execlp(const char *file, const char *arg0, ...)
{
	char **argv;
	va_list ap;

	COLLECT(argv, ap, arg0);
	va_end(ap);
	return execvp(file, argv);
}

PT_EXPORT int execle(const char *path, const char *arg0, ...)
{
	char **argv, **envp;
	va_list ap;

	COLLECT(argv, ap, arg0);
	envp = va_arg(ap, char **);
	va_end(ap);
	return execve(path, argv, envp);
}
