/* SPDX-License-Identifier: BSD-3-Clause
 *
 * die.c - errors that end the program: one message, the goroutine's stack, exit code 2, as in Go.
 *
 * Also names the goroutine that runs into its stack's guard, by a handler for SIGSEGV on a stack of its own, which goes on to the
 * handler that was there before.
 */
#include "librt/sched/gmp.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "librt/tracer/fatal.h"

#define MAX_FRAMES 50
#define MAX_LISTED 100
#define ALTSTACK_SIZE (32u << 10)

static void say(const char *text)
{
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return;		/* nobody to tell */
}

static void print_pc(uintptr_t pc)
{
	char line[512];
	Dl_info info;

	if (dladdr((void *)pc, &info) && info.dli_sname)
		snprintf(line, sizeof(line), "\t%s+0x%lx\n", info.dli_sname, (unsigned long)(pc - (uintptr_t)info.dli_saddr));
	else if (info.dli_fname)
		snprintf(line, sizeof(line), "\t%s+0x%lx\n", info.dli_fname, (unsigned long)(pc - (uintptr_t)info.dli_fbase));
	else
		snprintf(line, sizeof(line), "\t0x%lx\n", (unsigned long)pc);
	say(line);
}

/* Follows the frame pointers, within the goroutine's stack. */
__attribute__((no_sanitize("address", "undefined")))
static void print_stack(const struct exrt__g *g, struct trace_where where)
{
	uintptr_t fp = where.fp;

	if (where.pc)
		print_pc(where.pc);
	for (int i = 0; i < MAX_FRAMES; i++) {
		const uintptr_t *frame = (const uintptr_t *)fp;

		if (fp % sizeof(uintptr_t) != 0 || fp < g->t.stack_lo || fp > g->t.stack_hi - 2 * sizeof(uintptr_t))
			return;
		if (frame[0] == 0)
			return;		/* what called it is the runtime's entry */
		print_pc(frame[1]);
		if (frame[0] <= fp)
			return;
		fp = frame[0];
	}
}

static void print_goroutine(const struct exrt__g *g, const char *state, struct trace_where where)
{
	char line[128];

	snprintf(line, sizeof(line), "\ngoroutine %llu [%s]:\n", (unsigned long long)g->t.id, state);
	say(line);
	print_stack(g, where);
}

/* What has been recorded and printed is kept; nothing else of the program runs. */
static void __attribute__((noreturn)) leave(void)
{
	if (exrt_trace_is_on())
		trace_stop();
	fflush(NULL);
	_exit(2);
}

void exrt__fatal(const char *what)
{
	struct exrt__m *m = exrt__m_self();

	say("fatal error: ");
	say(what);
	say("\n");
	if (m && m->g)
		print_goroutine(m->g, "running", TRACE_HERE());
	leave();
}

static void list_waiting(struct exrt__g *g, void *ctx)
{
	int *left = ctx;

	if (exrt__state(atomic_load_explicit(&g->state, memory_order_acquire)) != TRACE_G_WAITING || *left == 0)
		return;
	print_goroutine(g, g->wait_reason, g->where);
	if (--*left == 0)
		say("\n(more are not listed)\n");
}

void exrt__fatal_deadlock(void)
{
	int left = MAX_LISTED;

	say("fatal error: all goroutines are asleep - deadlock!\n");
	exrt__g_visit(list_waiting, &left);
	leave();
}

/* --- stack overflow ------------------------------------------------------------------------------------------------- */

static struct sigaction next_handler;

/* The program ends as it would have, but for the recording, which may be younger than this handler. */
static void end_by(int sig, const siginfo_t *info)
{
	trace_fatal_flush();
	signal(sig, SIG_DFL);
	/* After a fault the instruction is executed again; a signal that was sent is gone. */
	if (info->si_code <= 0)
		raise(sig);
}

static void on_segv(int sig, siginfo_t *info, void *context)
{
	struct exrt__m *m = exrt__m_self();
	uintptr_t addr = (uintptr_t)info->si_addr;

	if (m && m->g && m->g->stack && exrt__stack_is_guard(m->g->stack, addr)) {
		char line[128];

		snprintf(line, sizeof(line), "fatal error: stack overflow of goroutine %llu (it has %zu bytes)\n",
			 (unsigned long long)m->g->t.id, (size_t)(m->g->stack->hi - m->g->stack->lo));
		say(line);
	}
	if (next_handler.sa_flags & SA_SIGINFO)
		next_handler.sa_sigaction(sig, info, context);
	else if (next_handler.sa_handler != SIG_DFL && next_handler.sa_handler != SIG_IGN)
		next_handler.sa_handler(sig);
	else
		end_by(sig, info);
}

void exrt__overflow_watch(struct exrt__m *m)
{
	static _Atomic bool installed;
	stack_t ss = { .ss_size = ALTSTACK_SIZE };

	if (!atomic_exchange(&installed, true)) {
		struct sigaction sa = { .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO | SA_ONSTACK };

		sigemptyset(&sa.sa_mask);
		if (sigaction(SIGSEGV, NULL, &next_handler) == 0)
			sigaction(SIGSEGV, &sa, NULL);
	}
	/* A sanitizer may have given the thread one already. */
	if (sigaltstack(NULL, &ss) != 0 || !(ss.ss_flags & SS_DISABLE))
		return;
	ss = (stack_t){ .ss_size = ALTSTACK_SIZE };
	ss.ss_sp = mmap(NULL, ALTSTACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ss.ss_sp == MAP_FAILED)
		return;
	m->altstack = ss.ss_sp;
	sigaltstack(&ss, NULL);
}

void exrt__overflow_unwatch(struct exrt__m *m)
{
	stack_t off = { .ss_flags = SS_DISABLE };

	if (!m->altstack)
		return;
	sigaltstack(&off, NULL);
	munmap(m->altstack, ALTSTACK_SIZE);
	m->altstack = NULL;
}
