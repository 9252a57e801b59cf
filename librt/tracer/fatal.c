/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fatal.c - signals that end the program.
 *
 * The handler asks the writer to end the session, waits for it (not for ever), restores the default and lets the signal act
 * again, so the exit status is what it would have been.  Everything it calls is async-signal-safe.
 */
#include "librt/tracer/fatal.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "librt/tracer/core.h"

#define WAIT_NS (5 * TRACE_NS_PER_S)

static const int watched[] = {
	SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGPIPE, SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU,
};
#define NWATCHED (sizeof(watched) / sizeof(watched[0]))

/*
 * As the kernel has it.  Its call is used directly, since a host may stand before the C library's sigaction() and hide this
 * file's handler.
 */
struct kernel_action {
	void *handler;
	unsigned long flags;
	void *restorer;
	uint64_t mask;
};

static void set_default(int sig)
{
	struct kernel_action act = { .handler = (void *)SIG_DFL };

	syscall(SYS_rt_sigaction, sig, &act, NULL, sizeof(act.mask));
}

void trace_fatal_flush(void)
{
	trace_session_flush_dying(trace_core.host->current_m != NULL ? trace_core.host->current_m() : NULL, WAIT_NS);
}

static void on_fatal(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	trace_fatal_flush();
	/* A fault happens again on return; anything else is sent again, and is pending until then. */
	set_default(sig);
	syscall(SYS_tgkill, (long)getpid(), (long)syscall(SYS_gettid), (long)sig);
	errno = saved;
}

void trace_fatal_watch(void)
{
	struct sigaction act = { .sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | SA_ONSTACK }, old;

	sigemptyset(&act.sa_mask);
	for (size_t i = 0; i < NWATCHED; i++) {
		if (sigaction(watched[i], NULL, &old) == 0 && (old.sa_flags & SA_SIGINFO) == 0 && old.sa_handler == SIG_DFL)
			sigaction(watched[i], &act, NULL);
	}
}

void trace_fatal_unwatch(void)
{
	struct kernel_action old;

	for (size_t i = 0; i < NWATCHED; i++) {
		if (syscall(SYS_rt_sigaction, watched[i], NULL, &old, sizeof(old.mask)) == 0 && old.handler == (void *)on_fatal)
			set_default(watched[i]);
	}
}
