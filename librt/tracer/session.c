/* SPDX-License-Identifier: BSD-3-Clause
 *
 * session.c - starting, stopping and advancing a recording.
 *
 * Invariants: at most one session; its struct belongs to whoever holds `session_lock`, but for the fields that the writer's
 * thread answers in, and to the writer while it runs.  The generation's number is above 0 exactly while events are written.
 */
#include "librt/tracer/core.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "librt/tracer/clock.h"
#include "librt/tracer/environ.h"
#include "librt/tracer/fatal.h"
#include "librt/tracer/modules.h"
#include "librt/tracer/sampler.h"
#include "librt/tracer/tables.h"
#include "librt/tracer/unwind.h"
#include "librt/tracer/unwindmap.h"
#include "librt/tracer/zframes.h"

#define BUFFER_LIMIT_MIN (1u << 20)

struct trace_core trace_core;
static struct trace_session session;
static struct trace_lock session_lock;
static bool session_is_open;		/* started and not stopped; session_lock */

/* --- the sink --- */

/* Writes path with "%p" replaced.  Return: 0 or -ENAMETOOLONG. */
static int expand_path(const char *path, char *out, size_t size)
{
	size_t used = 0;

	for (; *path != '\0'; path++) {
		int n;

		if (path[0] == '%' && path[1] == 'p') {
			n = snprintf(out + used, size - used, "%ld", (long)syscall(SYS_getpid));
			path++;
		} else {
			n = snprintf(out + used, size - used, "%c", *path);
		}
		if ((size_t)n >= size - used)
			return -ENAMETOOLONG;
		used += (size_t)n;
	}
	out[used] = '\0';
	return 0;
}

static int sink_fd(const struct trace_options *o)
{
	char path[4096];
	int fd, err;

	if (o->fd >= 0)
		return o->fd;
	err = expand_path(o->path, path, sizeof(path));
	if (err < 0)
		return err;
	do
		fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
	while (fd < 0 && errno == EINTR);
	return fd >= 0 ? fd : -errno;
}

/* --- start --- */

static int options_check(struct trace_options *o)
{
	if (o->fd < 0 && (o->path == NULL || o->path[0] == '\0'))
		return -EINVAL;
	if (o->advance_ms == 0)
		o->advance_ms = 1000;
	if (o->buffer_limit == 0)
		o->buffer_limit = 64u << 20;
	if (o->buffer_limit < BUFFER_LIMIT_MIN)
		o->buffer_limit = BUFFER_LIMIT_MIN;
	if (o->cpu_hz > 10000 || o->compress > TRACE_ZSTD_MAX_LEVEL)
		return -EINVAL;
	return 0;
}

/* Turns recording on: from here on, every event is written. */
static void switch_on(struct trace_session *s)
{
	const struct trace_host *host = trace_core.host;

	trace_clock_snapshot(&s->first_snapshot);
	s->first_gen = ++trace_core.last_gen;
	/* Pairs with the loads in trace_pin_always. */
	atomic_store_explicit(&trace_switch_page->gen, s->first_gen, memory_order_seq_cst);
	if (host->settle != NULL)
		host->settle();
	else
		trace_pins_wait(NULL);
}

static int session_open(const struct trace_options *options)
{
	struct trace_session *s = &session;
	struct stat st;
	int err;

	memset(s, 0, sizeof(*s));
	s->options = *options;
	s->options.path = options->fd >= 0 ? NULL : options->path;
	err = options_check(&s->options);
	if (err == 0)
		err = trace_tables_init();
	if (err == 0)
		err = trace_chunks_init(s->options.buffer_limit);
	if (err < 0)
		return err;
	s->fd = sink_fd(&s->options);
	if (s->fd < 0)
		return s->fd;
	s->options.path = NULL;		/* the caller's; not needed any more */
	if (fstat(s->fd, &st) == 0)
		s->regular = S_ISREG(st.st_mode);
	trace_clock_refit(0);
	atomic_store_explicit(&trace_core.trouble, TRACE_FINE, memory_order_relaxed);
	err = trace_core.host->thread_new(trace_writer_run, s);
	if (err < 0) {
		if (options->fd < 0)
			syscall(SYS_close, s->fd);
		return err;
	}
	switch_on(s);
	trace_samplers_set(s->options.cpu_hz);
	atomic_store_explicit(&s->started, true, memory_order_release);
	trace_bell_ring();
	trace_fatal_watch();
	return 0;
}

int trace_start(const struct trace_options *options)
{
	int err = -EBUSY;

	if (trace_core.host == NULL)
		return -EINVAL;
	trace_lock_take(&session_lock);
	/* A session that ended by itself makes room. */
	if (!session_is_open || atomic_load_explicit(&session.ended, memory_order_acquire)) {
		err = session_open(options);
		session_is_open = err == 0;
	}
	trace_lock_give(&session_lock);
	return err;
}

/* --- requests --- */

int trace_stop(void)
{
	struct trace_session *s = &session;
	int err = -ESRCH;

	trace_lock_take(&session_lock);
	if (session_is_open) {
		atomic_store_explicit(&s->stop_wanted, true, memory_order_release);
		trace_bell_ring();
		for (;;) {
			uint32_t answer = atomic_load_explicit(&s->answer, memory_order_acquire);

			if (atomic_load_explicit(&s->ended, memory_order_acquire))
				break;
			trace_futex_wait(&s->answer, answer, 0);
		}
		err = atomic_load_explicit(&s->error, memory_order_relaxed);
		session_is_open = false;
		trace_fatal_unwatch();
	}
	trace_lock_give(&session_lock);
	return err;
}

int trace_advance(void)
{
	struct trace_session *s = &session;
	int err = -ESRCH;

	trace_lock_take(&session_lock);
	if (session_is_open) {
		uint64_t wanted = atomic_fetch_add_explicit(&s->advances_wanted, 1, memory_order_release) + 1;

		trace_bell_ring();
		for (;;) {
			uint32_t answer = atomic_load_explicit(&s->answer, memory_order_acquire);

			if (atomic_load_explicit(&s->ended, memory_order_acquire) ||
			    atomic_load_explicit(&s->advances_done, memory_order_acquire) >= wanted)
				break;
			trace_futex_wait(&s->answer, answer, 0);
		}
		err = atomic_load_explicit(&s->error, memory_order_relaxed);
	}
	trace_lock_give(&session_lock);
	return err;
}

void trace_modules_change(void)
{
	if (trace_is_on())
		trace_advance();
}

bool trace_session_flush_dying(const struct trace_m *m, uint64_t ns)
{
	struct trace_session *s = &session;
	uint64_t deadline = trace_mono_ns() + ns;
	const struct trace_m *none = NULL;

	if (!trace_is_on())
		return true;
	/* The first one only: a second thread that dies meanwhile just waits. */
	atomic_compare_exchange_strong_explicit(&s->dying, &none, m, memory_order_release, memory_order_relaxed);
	atomic_store_explicit(&s->stop_wanted, true, memory_order_release);
	trace_bell_ring();
	for (;;) {
		uint32_t seen = atomic_load_explicit(&s->answer, memory_order_acquire);
		uint64_t now = trace_mono_ns();

		if (atomic_load_explicit(&s->ended, memory_order_acquire))
			return true;
		if (now >= deadline)
			return false;
		trace_futex_wait(&s->answer, seen, deadline - now);
	}
}

/* --- the process --- */

/* A child is silent: its writer does not exist. It may start a recording of its own. */
static void after_fork(void)
{
	atomic_store_explicit(&trace_switch_page->gen, 0, memory_order_seq_cst);
	trace_switch_page->always_pin = trace_core.host->always_pin;
	trace_members_after_fork();
	atomic_store_explicit(&session_lock.word, 0, memory_order_relaxed);
	if (session_is_open && !atomic_load_explicit(&session.ended, memory_order_relaxed))
		syscall(SYS_close, session.fd);
	session_is_open = false;
	trace_modules_after_fork(true);
	trace_samplers_after_fork();
	trace_unwind_map_after_fork();
	trace_chunks_after_fork();
	trace_tables_reset(0);
	trace_tables_reset(1);
}

static void after_fork_here(void)
{
	trace_modules_after_fork(false);
}

__attribute__((destructor)) static void at_exit(void)
{
	if (trace_core.host != NULL)
		trace_stop();
}

void trace_init(const struct trace_host *host)
{
	struct trace_switch *page;

	if (trace_core.host != NULL)
		return;
	trace_core.host = host;
	trace_unwind_root = (uintptr_t)host->root;
	page = trace_pages_new((size_t)sysconf(_SC_PAGESIZE));
	if (page != NULL) {
		madvise(page, (size_t)sysconf(_SC_PAGESIZE), MADV_WIPEONFORK);
		trace_switch_page = page;
	}
	trace_switch_page->always_pin = host->always_pin;
	trace_clock_init();
	pthread_atfork(trace_modules_before_fork, after_fork_here, after_fork);
	trace_environ_start();
}
