/* SPDX-License-Identifier: BSD-3-Clause
 *
 * pthosted.c - see pthosted.h.
 */
#include "config.h"

#include "tests/pthosted.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <exectrace/reader.h>

#include "tests/hostthread.h"
#include "wire/event.h"

/* What the hooks' files would define. */
_Atomic bool pt_has_handlers;
void pt_mutex_init(void) {}
void pt_rwlock_init(void) {}
void pt_c11_init(void) {}
void pt_hookthread_init(void) {}
void pt_hookthread_begun(struct pt_thread *t) {}
void pt_signal_init(void) {}
void pt_signal_begin(void) {}

int pt_own_thread_new(void (*fn)(void *), void *arg)
{
	return hostthread_new(fn, arg);
}

struct pt_thread *self;
const char pthosted_key;
static char trace_path[] = "/tmp/exectrace-test-XXXXXX";
static pthread_t advancer;
static _Atomic bool enough;

void start_recording(void)
{
	struct trace_options o = TRACE_OPTIONS_INIT;

	o.path = trace_path;
	o.cpu_hz = 0;
	ck_assert_int_eq(trace_start(&o), 0);
}

void read_trace(struct found *found)
{
	struct etr_reader *r = etr_reader_new();
	struct etr_event ev;
	int rc;

	memset(found, 0, sizeof(*found));
	ck_assert_int_eq(etr_reader_open_path(r, trace_path), 0);
	while ((rc = etr_reader_next(r, &ev)) == 1) {
		if (ev.kind != ETR_KIND_STATE_TRANSITION || ev.resource != ETR_RESOURCE_GOROUTINE)
			continue;
		found->blocks += ev.from == ETR_STATE_RUNNING && ev.to == ETR_STATE_WAITING;
		found->syscalls += ev.from == ETR_STATE_RUNNING && ev.to == ETR_STATE_SYSCALL;
		found->syscalls_blocked += ev.from == ETR_STATE_SYSCALL && ev.to == ETR_STATE_RUNNABLE;
		found->creations += ev.from == ETR_STATE_NOT_EXIST;
		found->ends += ev.to == ETR_STATE_NOT_EXIST;
	}
	ck_assert_msg(rc == 0, "%s", etr_reader_detail(r));
	found->steals = etr_reader_wire_counts(r)[WIRE_PROC_STEAL];
	etr_reader_free(r);
}

void wait_shortly(void)
{
	struct pt_thread *t = pt_block_enter(&pthosted_key, "sleep", 0, TRACE_HERE());

	sched_yield();
	pt_call_leave(t);
}

static void *advance(void *arg)
{
	while (!atomic_load(&enough)) {
		trace_advance();
		usleep(1000);
	}
	return arg;
}

void advance_begin(void)
{
	atomic_store(&enough, false);
	ck_assert_int_eq(pthread_create(&advancer, NULL, advance, NULL), 0);
}

void advance_end(void)
{
	atomic_store(&enough, true);
	pthread_join(advancer, NULL);
}

int pthosted_run(const char *name, const TTest *const *tests)
{
	Suite *suite = suite_create(name);
	SRunner *runner;
	int fd = mkstemp(trace_path), failed;

	close(fd);
	checks_add(suite, name, 120, tests);
	runner = srunner_create(suite);
	/* The core has one state for the process, and a forked child is silent. */
	srunner_set_fork_status(runner, CK_NOFORK);
	pt_active = true;
	pt_pid = getpid();
	self = pt_thread_new();
	if (!pt_thread_begin(self, false, 0))
		return 99;
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	unlink(trace_path);
	return failed ? 1 : 0;
}
