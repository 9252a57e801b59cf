/* SPDX-License-Identifier: BSD-3-Clause
 *
 * hooksignal.c - the core's handlers of signals that end the program are not the program's to see.
 *
 * Where the program leaves such a signal its default action, the core puts a handler in its place that has the trace written and then
 * lets the signal take its course.  The program's own sigaction() and signal() report the default action there, and asking for the
 * default action brings the core's handler back.  Which handlers are the core's is found by looking before and after it started.
 *
 * A thread that blocks all signals, as many programs' threads do, is sampled all the same: the samples' signal is taken out of what it
 * blocks, and put into what it is told to have blocked.  libc does so with signals of its own.
 */
#include "config.h"

#include <string.h>

#include "librt/pthread/pthost.h"

#define SIGNALS 32			/* without the real-time ones */

_Atomic bool pt_has_handlers;

static struct sigaction before[SIGNALS], after[SIGNALS];
static bool covered[SIGNALS];		/* written before main(): after[] is the core's handler */

static bool is_default(const struct sigaction *act)
{
	return !(act->sa_flags & SA_SIGINFO) && act->sa_handler == SIG_DFL;
}

void pt_signal_init(void)
{
	for (int sig = 1; sig < SIGNALS; sig++)
		PT_REAL(sigaction)(sig, NULL, &before[sig]);
}

void pt_signal_begin(void)
{
	for (int sig = 1; sig < SIGNALS; sig++) {
		PT_REAL(sigaction)(sig, NULL, &after[sig]);
		covered[sig] = is_default(&before[sig]) && !is_default(&after[sig]);
	}
}

static bool is_covered(int sig)
{
	return pt_active && sig > 0 && sig < SIGNALS && covered[sig];
}

static bool is_core(int sig, const struct sigaction *act)
{
	return act->sa_sigaction == after[sig].sa_sigaction;
}

static void note_handler(bool is_handler)
{
	/* Before the handler is there. */
	if (is_handler && pt_active)
		atomic_store_explicit(&pt_has_handlers, true, memory_order_relaxed);
}

PT_EXPORT int sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	struct sigaction was;
	int rc;

	note_handler(act && !is_default(act) && act->sa_handler != SIG_IGN);
	if (!is_covered(sig))
		return PT_REAL(sigaction)(sig, act, old);
	rc = PT_REAL(sigaction)(sig, act && is_default(act) ? &after[sig] : act, &was);
	if (rc == 0 && old) {
		if (is_core(sig, &was)) {
			memset(&was, 0, sizeof(was));
			was.sa_handler = SIG_DFL;
		}
		*old = was;
	}
	return rc;
}

/* What the program sees of the handler that was there; it has just set its own. */
static sighandler_t after_signal(int sig, sighandler_t handler, sighandler_t was)
{
	if (!is_covered(sig) || was == SIG_ERR)
		return was;
	if (handler == SIG_DFL)
		PT_REAL(sigaction)(sig, &after[sig], NULL);
	return (uintptr_t)was == (uintptr_t)after[sig].sa_sigaction ? SIG_DFL : was;
}

#define SIGNAL(name)                                                                                                             \
	sighandler_t name(int sig, sighandler_t handler);                                                                        \
	PT_EXPORT sighandler_t name(int sig, sighandler_t handler)                                                               \
	{                                                                                                                        \
		note_handler(handler != SIG_DFL && handler != SIG_IGN);                                                          \
		return after_signal(sig, handler, PT_REAL(name)(sig, handler));                                                  \
	}

SIGNAL(signal)
/* What signal() is in a program that was compiled as strict C, and its other name. */
SIGNAL(__sysv_signal)
SIGNAL(sysv_signal)

#define MASK(name)                                                                                                               \
	PT_EXPORT int name(int how, const sigset_t *set, sigset_t *old)                                                          \
	{                                                                                                                        \
		struct pt_thread *t = pt_self;                                                                                   \
		int sig = trace_sample_signal(), rc;                                                                             \
		bool was, named;                                                                                                 \
		sigset_t copy;                                                                                                   \
                                                                                                                                 \
		if (!t || !sig || !pt_is_recorded())                                                                             \
			return PT_REAL(name)(how, set, old);                                                                     \
		was = t->blocks_samples;                                                                                         \
		named = set && sigismember(set, sig) == 1;                                                                       \
		if (named) {                                                                                                     \
			copy = *set;                                                                                             \
			sigdelset(&copy, sig);                                                                                   \
		}                                                                                                                \
		rc = PT_REAL(name)(how, named ? &copy : set, old);                                                               \
		if (rc != 0)                                                                                                     \
			return rc;                                                                                               \
		if (old && was)                                                                                                  \
			sigaddset(old, sig);                                                                                     \
		else if (old)                                                                                                    \
			sigdelset(old, sig);                                                                                     \
		if (set)                                                                                                         \
			t->blocks_samples = how == SIG_SETMASK ? named : how == SIG_BLOCK ? was || named : was && !named;        \
		return 0;                                                                                                        \
	}

MASK(pthread_sigmask)
MASK(sigprocmask)
