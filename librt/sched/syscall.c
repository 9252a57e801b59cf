/* SPDX-License-Identifier: BSD-3-Clause
 *
 * syscall.c - system calls that give up their P when they last.
 *
 * The P stays with the M, in state SYSCALL with the M in the same word. From then on it belongs to whoever changes that word:
 *   - the M on its return: SYSCALL -> RUNNING, and all is as before;
 *   - a taker (the monitor, one who stops the world): SYSCALL -> STEALING, tell it, -> IDLE.
 * The word names the M, and only that M ever writes SYSCALL with its own name, so a swap that succeeds means that nobody had
 * the P meanwhile.
 *
 * Generations of a recording: a taker swaps first and pins then, so its event is not older than the begin of the syscall. The M
 * pins and swaps under the pin; if it wins, the P's last event was its own. If it loses, it lets the pin go, waits until the
 * taker has told, and only then pins for its own event, which is therefore not older than the steal.
 */
#include "librt/sched/gmp.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

static void syscall_begin(struct trace_where where)
{
	struct exrt__m *m = exrt__m_on_g("exrt_syscall_begin: not on a goroutine");
	struct exrt__p *p = m->p;
	struct trace_pin pin;
	bool on;

	atomic_store_explicit(&p->syscall_tick, atomic_load_explicit(&p->syscall_tick, memory_order_relaxed) + 1,
			      memory_order_relaxed);
	if (__builtin_expect(atomic_load_explicit(&exrt__sched.monitor_waits, memory_order_relaxed), 0)) {
		exrt__lock(&exrt__sched.lock);
		exrt__monitor_wake();
		exrt__unlock(&exrt__sched.lock);
	}
	on = exrt__trace_begin(&pin, m);
	exrt__g_set(m->g, TRACE_G_SYSCALL, m);
	if (on)
		trace_go_syscall_begin(&pin, where);
	/* Last: from here on it may be taken. Release pairs with the taker's acquire. */
	exrt__p_set(p, TRACE_P_SYSCALL, m);
	exrt__trace_end(&pin, m, on);
}

void exrt_syscall_begin(void)
{
	syscall_begin(TRACE_HERE());
}

bool exrt__p_steal(struct exrt__m *m, struct exrt__p *p)
{
	uintptr_t word = atomic_load_explicit(&p->state, memory_order_relaxed);
	struct exrt__m *from = exrt__state_m(word);
	struct trace_pin pin;
	bool on;

	if (exrt__state(word) != TRACE_P_SYSCALL)
		return false;
	/* Acquire pairs with the release in syscall_begin: what that M did with the P is ours now. */
	if (!atomic_compare_exchange_strong_explicit(&p->state, &word, (uintptr_t)from | EXRT__P_STEALING, memory_order_acquire,
						     memory_order_relaxed))
		return false;
	on = exrt__trace_begin(&pin, m);
	if (on)
		trace_proc_steal(&pin, &p->t, &from->t);
	exrt__p_set(p, TRACE_P_IDLE, NULL);
	exrt__trace_end(&pin, m, on);
	return true;
}

/* The P is gone: waits until its taker has told so. */
static void await_taker(struct exrt__m *m, struct exrt__p *p)
{
	uintptr_t stealing = (uintptr_t)m | EXRT__P_STEALING;

	/* A few instructions of the taker, unless it was preempted.  Acquire pairs with its release of the state. */
	while (atomic_load_explicit(&p->state, memory_order_acquire) == stealing)
		sched_yield();
	m->p = NULL;
	m->t.p = NULL;
}

/* The goroutine goes on at once with another P. */
static void resume_with(struct exrt__m *m, struct exrt__p *p)
{
	struct exrt__g *g = m->g;
	struct trace_pin pin;
	bool on = exrt__trace_begin(&pin, m);

	if (on) {
		trace_go_syscall_end_blocked(&pin);
		m->t.g = NULL;
		trace_proc_start(&pin, &p->t);
		m->t.p = &p->t;
		trace_go_start(&pin, &g->t);
		m->t.g = &g->t;
	}
	m->p = p;
	m->t.p = &p->t;
	exrt__p_set(p, TRACE_P_RUNNING, m);
	exrt__g_set(g, TRACE_G_RUNNING, m);
	exrt__trace_end(&pin, m, on);
}

/* On the M's own stack: the goroutine waits for any P; the M goes on if one has become idle, else parks. */
static void queue_after(struct exrt__m *m, struct exrt__g *g, void *arg)
{
	struct exrt__p *p;

	exrt__lock(&exrt__sched.lock);
	exrt__globq_put(g);
	p = exrt__pidle_get();
	exrt__unlock(&exrt__sched.lock);
	if (p)
		exrt__acquire_p(m, p);
	else
		exrt__m_stop(m);
}

static void end_slow(struct exrt__m *m)
{
	struct trace_pin pin;
	struct exrt__p *p;
	bool on;

	await_taker(m, m->p);
	exrt__lock(&exrt__sched.lock);
	p = exrt__pidle_get();
	exrt__unlock(&exrt__sched.lock);
	if (p) {
		resume_with(m, p);
		return;
	}
	on = exrt__trace_begin(&pin, m);
	exrt__g_set(m->g, TRACE_G_RUNNABLE, NULL);
	if (on)
		trace_go_syscall_end_blocked(&pin);
	m->t.g = NULL;
	exrt__trace_end(&pin, m, on);
	exrt__leave(m, queue_after, NULL, EXRT__LEAVE_SLOWLY);
}

void exrt_syscall_end(void)
{
	struct exrt__m *m = exrt__m_self();
	uintptr_t mine = (uintptr_t)m | TRACE_P_SYSCALL;
	struct trace_pin pin;
	int saved;
	bool on;

	if (__builtin_expect(!m || !m->g || !exrt__g_is_in_syscall(m->g), 0))
		exrt__fatal("exrt_syscall_end without exrt_syscall_begin");
	on = exrt__trace_begin(&pin, m);
	/* Acquire: a taker that lost changed nothing; release for those who read the state. */
	if (__builtin_expect(atomic_compare_exchange_strong_explicit(&m->p->state, &mine, (uintptr_t)m | TRACE_P_RUNNING,
								     memory_order_acq_rel, memory_order_relaxed), 1)) {
		exrt__g_set(m->g, TRACE_G_RUNNING, m);
		if (on)
			trace_go_syscall_end(&pin);
		exrt__trace_end(&pin, m, on);
		return;
	}
	exrt__trace_end(&pin, m, on);
	saved = exrt__errno_get();
	end_slow(m);
	exrt__errno_set(saved);		/* perhaps another thread's by now */
}

/* --- the usual calls ---------------------------------------------------------------------------------------------------- */

int exrt_open(const char *path, int flags, mode_t mode)
{
	int rc;

	syscall_begin(TRACE_HERE());
	rc = open(path, flags, mode);
	if (rc < 0)
		rc = -errno;
	exrt_syscall_end();
	return rc;
}

ssize_t exrt_read(int fd, void *buf, size_t size)
{
	ssize_t rc;

	syscall_begin(TRACE_HERE());
	rc = read(fd, buf, size);
	if (rc < 0)
		rc = -errno;
	exrt_syscall_end();
	return rc;
}

ssize_t exrt_write(int fd, const void *buf, size_t size)
{
	ssize_t rc;

	syscall_begin(TRACE_HERE());
	rc = write(fd, buf, size);
	if (rc < 0)
		rc = -errno;
	exrt_syscall_end();
	return rc;
}

int exrt_close(int fd)
{
	int rc;

	syscall_begin(TRACE_HERE());
	rc = close(fd);
	if (rc < 0)
		rc = -errno;
	exrt_syscall_end();
	return rc;
}
