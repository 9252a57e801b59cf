/* SPDX-License-Identifier: BSD-3-Clause
 *
 * pthost.c - the preloaded recorder's beginning and end, and what the core asks of its host.
 *
 * Before main() the constructor looks whether there is anything to record (EXECTRACE, read by the core).  If not, and in a program that
 * has the runtime of its own, every hook stays a plain call for ever.
 */
#include "config.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "librt/pthread/pthost.h"

__thread struct pt_thread *pt_self __attribute__((tls_model("initial-exec")));
bool pt_active;
pid_t pt_pid;

static struct trace_m *current_m(void)
{
	return pt_self ? &pt_self->m : NULL;
}

static const struct trace_host host = {
	.name = "pthread",
	.root = pt_root_returned,
	.visit_gs = pt_thread_visit,
	.visit_ps = pt_slot_visit,
	.always_pin = true,
	.thread_new = pt_own_thread_new,
	.current_m = current_m,
};

/* The recorded process and nothing that shares its memory, such as a vfork's child. */
static bool is_the_process(void)
{
	return pt_is_recorded() && getpid() == pt_pid;
}

void pt_finish(void)
{
	int saved = errno;

	if (is_the_process())
		trace_stop();
	errno = saved;
}

void pt_flush(void)
{
	int saved = errno;

	if (is_the_process())
		trace_advance();
	errno = saved;
}

/* A forked child is none of ours, and nor are its threads. */
static void in_child(void)
{
	pt_active = false;
	pt_self = NULL;
}

static void __attribute__((constructor(101))) begin(void)
{
	struct pt_thread *t;
	int saved = errno;

	pt_real_resolve();
	/* A program with the runtime records itself. */
	if (dlsym(RTLD_DEFAULT, "exrt_run"))
		return;
	pt_slot_init();
	pt_mutex_init();
	pt_rwlock_init();
	pt_c11_init();
	pt_hookthread_init();
	pt_signal_init();
	trace_init(&host);
	if (!trace_is_on()) {
		errno = saved;
		return;
	}
	t = pt_thread_new();
	pt_pid = getpid();
	/* main() is not known yet: the entry point stands for it (hookmain.c). */
	if (t && pt_thread_begin(t, false, getauxval(AT_ENTRY)))
		pt_hookthread_begun(t);
	pt_signal_begin();
	at_quick_exit(pt_finish);
	pthread_atfork(NULL, NULL, in_child);
	pt_active = true;
	errno = saved;
}

static void __attribute__((destructor)) end(void)
{
	pt_finish();
}
