/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tracehost.c - what the recorder asks of the scheduler, and the public functions that start and stop it.
 */
#include "librt/sched/gmp.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

bool exrt__fence_needed;

/* --- the host's table ------------------------------------------------------------------------------------------------ */

struct visit_gs {
	void (*visit)(void *ctx, const struct trace_g_info *info);
	void *ctx;
};

static void visit_g(struct exrt__g *g, void *arg)
{
	const struct visit_gs *v = arg;
	struct trace_g_info info = { .g = &g->t };
	uintptr_t word;
	uint64_t again;

	/* The id changes only while the G is dead: if it is the same before and after, the state is that goroutine's. */
	do {
		info.id = __atomic_load_n(&g->t.id, __ATOMIC_ACQUIRE);
		word = atomic_load_explicit(&g->state, memory_order_acquire);
		again = __atomic_load_n(&g->t.id, __ATOMIC_ACQUIRE);
	} while (again != info.id);
	if (exrt__state(word) == TRACE_G_DEAD)
		return;
	info.state = exrt__state(word);
	info.m = exrt__state_m(word) ? &exrt__state_m(word)->t : NULL;
	v->visit(v->ctx, &info);
}

static void visit_gs(void (*visit)(void *ctx, const struct trace_g_info *info), void *ctx)
{
	exrt__g_visit(visit_g, &(struct visit_gs){ visit, ctx });
}

static void visit_ps(void (*visit)(void *ctx, const struct trace_p_info *info), void *ctx)
{
	int n = atomic_load_explicit(&exrt__sched.nallp, memory_order_acquire);

	for (int i = 0; i < n; i++) {
		struct exrt__p *p = exrt__p_at(i);
		uintptr_t word = atomic_load_explicit(&p->state, memory_order_acquire);
		struct trace_p_info info = { .p = &p->t, .state = exrt__state(word) };

		if (info.state == TRACE_P_IDLE && i >= atomic_load_explicit(&exrt__sched.nprocs, memory_order_relaxed))
			continue;	/* not one of those in use */
		if (exrt__state(word) == EXRT__P_STEALING)
			info.state = TRACE_P_SYSCALL;
		info.m = exrt__state_m(word) ? &exrt__state_m(word)->t : NULL;
		visit(ctx, &info);
	}
}

/*
 * Waits for state changes that may have seen the recording switched off; see struct trace_host.
 *
 * A changing M stores an odd transition and then loads the switch, with nothing but program order between them in the machine
 * code, so its processor may do the load first. We have stored the switch before. membarrier makes each of the process's
 * running threads pass a full fence between its call and its return (a thread that does not run passes one when it is
 * switched). Take an M's load that saw the switch off. Were it behind that M's fence, it would have seen our store, which came
 * before the membarrier. So it stands before the fence, and so does, in program order before it, the store of the odd number,
 * which is therefore visible to us after membarrier returns: we see that odd number, or a later one, that is after the change.
 * If we see an odd one, we wait until it is another: M then is past that change, and the next one's load is behind the fence.
 * Where there is no membarrier, each change passes a fence of its own (exrt__fence_needed), and so do we.
 */
static void settle(void)
{
	if (exrt__fence_needed)
		atomic_thread_fence(memory_order_seq_cst);
	else
		syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
	/*
	 * All Ms that matter are in the list: an M is put there before its first change, so if that one saw the switch off, it stands
	 * before its thread's fence, and so does the M's entry.
	 */
	for (struct exrt__m *m = atomic_load_explicit(&exrt__sched.allm, memory_order_acquire); m; m = m->all) {
		uint32_t seen = atomic_load_explicit(&m->transition, memory_order_acquire);

		while (seen % 2 != 0 && atomic_load_explicit(&m->transition, memory_order_acquire) == seen)
			nanosleep(&(struct timespec){ .tv_nsec = 20000 }, NULL);
	}
}

struct thread_call {
	void (*fn)(void *);
	void *arg;
};

static void *thread_main(void *arg)
{
	struct thread_call call = *(struct thread_call *)arg;

	free(arg);
	call.fn(call.arg);
	return NULL;
}

static int thread_new(void (*fn)(void *), void *arg)
{
	struct thread_call *call = malloc(sizeof(*call));
	sigset_t every, old;
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	if (!call)
		return -ENOMEM;
	*call = (struct thread_call){ fn, arg };
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&every);
	pthread_sigmask(SIG_BLOCK, &every, &old);
	rc = pthread_create(&thread, &attr, thread_main, call);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (rc)
		free(call);
	return -rc;
}

static struct trace_m *current_m(void)
{
	struct exrt__m *m = exrt__m_self();

	return m ? &m->t : NULL;
}

const struct trace_host exrt__trace_host = {
	.name = "exectrace-rt",
	.root = exrt__go_returned,
	.visit_gs = visit_gs,
	.visit_ps = visit_ps,
	.settle = settle,
	.thread_new = thread_new,
	.current_m = current_m,
};

static void init_once(void)
{
	exrt__fence_needed = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0;
	trace_init(&exrt__trace_host);
}

void exrt__trace_host_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, init_once);
}

/* --- recording ------------------------------------------------------------------------------------------------------- */

/* Both wait for files, so a goroutine gives up its P meanwhile. */
static int on_own_time(int (*fn)(const void *arg), const void *arg)
{
	struct exrt__m *m = exrt__m_self();
	bool has_p = m && m->g && !exrt__g_is_in_syscall(m->g);
	int rc;

	exrt__trace_host_init();
	if (has_p)
		exrt_syscall_begin();
	rc = fn(arg);
	if (has_p)
		exrt_syscall_end();
	return rc;
}

static int do_start(const void *arg)
{
	return trace_start(arg);
}

static int do_stop(const void *arg)
{
	return trace_stop();
}

static int do_advance(const void *arg)
{
	return trace_advance();
}

static int options_from(struct trace_options *options, const struct exrt_trace_opts *opts)
{
	if (!opts)
		return 0;
	if (opts->struct_size < offsetof(struct exrt_trace_opts, compress))
		return -EINVAL;
	if (opts->struct_size >= sizeof(*opts))
		options->compress = opts->compress;
	if (opts->cpu_hz)
		options->cpu_hz = opts->cpu_hz == UINT_MAX ? 0 : opts->cpu_hz;
	if (opts->advance_ms)
		options->advance_ms = opts->advance_ms;
	return 0;
}

int exrt_trace_start(const char *path, const struct exrt_trace_opts *opts)
{
	struct trace_options options = TRACE_OPTIONS_INIT;
	int rc = options_from(&options, opts);

	options.path = path;
	return rc ? rc : on_own_time(do_start, &options);
}

int exrt_trace_start_fd(int fd, const struct exrt_trace_opts *opts)
{
	struct trace_options options = TRACE_OPTIONS_INIT;
	int rc = options_from(&options, opts);

	if (rc)
		return rc;
	options.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (options.fd < 0)
		return -errno;
	rc = on_own_time(do_start, &options);
	if (rc < 0)
		close(options.fd);
	return rc;
}

int exrt_trace_stop(void)
{
	return on_own_time(do_stop, NULL);
}

int exrt_trace_advance(void)
{
	return on_own_time(do_advance, NULL);
}

bool exrt_trace_is_on(void)
{
	return trace_switch_page && trace_is_on();
}
