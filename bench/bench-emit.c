/* SPDX-License-Identifier: BSD-3-Clause
 *
 * bench-emit.c - what the recorder costs the program: nanoseconds an event, into /dev/null, on one thread.
 *
 *     bench-emit [ROUNDS]      prints "NAME NANOSECONDS" lines, medians of so many rounds (default 9)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <fcntl.h>

#include "librt/tracer/emit.h"
#include "librt/tracer/tracer.h"
#include "tests/hostthread.h"

enum { EVENTS = 200000, FRAMES = 10 };

static struct trace_m m;
static struct trace_p p = { .id = 0 };
static struct trace_g g = { .id = 1 };

static void visit_gs(void (*visit)(void *, const struct trace_g_info *), void *ctx)
{
	visit(ctx, &(struct trace_g_info){ .g = &g, .id = g.id, .state = TRACE_G_RUNNING, .m = &m });
}

static void visit_ps(void (*visit)(void *, const struct trace_p_info *), void *ctx)
{
	visit(ctx, &(struct trace_p_info){ .p = &p, .state = TRACE_P_RUNNING, .m = &m });
}

static struct trace_m *current_m(void)
{
	return &m;
}

static const struct trace_host host = {
	.name = "bench", .visit_gs = visit_gs, .visit_ps = visit_ps, .always_pin = true,
	.thread_new = hostthread_new, .current_m = current_m,
};

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* A goroutine's life without stacks: two events a turn. */
static void no_stack(int n)
{
	struct trace_pin pin;

	for (int i = 0; i < n; i += 2) {
		if (trace_acquire(&pin, &m)) {
			trace_go_stop(&pin, "preempted", (struct trace_where){ 0, 0 });
			trace_release(&pin);
		}
		m.g = NULL;
		if (trace_acquire(&pin, &m)) {
			trace_go_start(&pin, &g);
			trace_release(&pin);
		}
		m.g = &g;
	}
}

/* The same with a stack at the stop, so the difference to no_stack, doubled, is a stack's price. */
static void one_stack(int n)
{
	struct trace_pin pin;

	for (int i = 0; i < n; i += 2) {
		if (trace_acquire(&pin, &m)) {
			trace_go_stop(&pin, "preempted", TRACE_HERE());
			trace_release(&pin);
		}
		m.g = NULL;
		if (trace_acquire(&pin, &m)) {
			trace_go_start(&pin, &g);
			trace_release(&pin);
		}
		m.g = &g;
	}
}

static void task_events(int n)
{
	struct trace_pin pin;

	for (int i = 0; i < n; i++) {
		if (trace_acquire(&pin, &m)) {
			trace_task_end(&pin, 7, TRACE_HERE());
			trace_release(&pin);
		}
	}
}

static void user_log(int n)
{
	struct trace_pin pin;

	for (int i = 0; i < n; i++) {
		if (trace_acquire(&pin, &m)) {
			trace_log(&pin, 1, "key", 3, "some value", 10, TRACE_HERE());
			trace_release(&pin);
		}
	}
}

static _Atomic int sink;

static void off_check(int n)
{
	for (int i = 0; i < n; i++) {
		if (trace_is_on())
			sink++;
		__asm__ volatile("" ::: "memory");
	}
}

/* Calls fn at the end of a chain of `depth` frames. */
static __attribute__((noinline)) void deep(int depth, void (*fn)(int), int n)
{
	if (depth > 0)
		deep(depth - 1, fn, n);
	else
		fn(n);
	__asm__ volatile("" ::: "memory");
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void measure(const char *name, void (*fn)(int), int rounds)
{
	double ns[101];

	for (int r = 0; r < rounds; r++) {
		double start = now_ns();

		deep(FRAMES - 4, fn, EVENTS);
		ns[r] = (now_ns() - start) / EVENTS;
	}
	qsort(ns, (size_t)rounds, sizeof(ns[0]), by_value);
	printf("%s %.2f\n", name, ns[rounds / 2]);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 9, err;
	struct trace_options o = TRACE_OPTIONS_INIT;
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	if (rounds < 1 || rounds > 101)
		return 2;
	unsetenv("EXECTRACE");
	trace_init(&host);
	trace_m_register(&m);
	m.p = &p;
	m.g = &g;
	g.stack_lo = here - 65536;
	g.stack_hi = here + 256;
	measure("emit-check-off", off_check, rounds);
	measure("emit-event-off", no_stack, rounds);
	o.fd = open("/dev/null", O_WRONLY);
	o.cpu_hz = 0;
	err = trace_start(&o);
	if (err < 0) {
		fprintf(stderr, "bench-emit: %s\n", strerror(-err));
		return 1;
	}
	measure("event-plain", no_stack, rounds);
	measure("event-half-stacks", one_stack, rounds);
	measure("event-stack-10", task_events, rounds);
	measure("emit-log", user_log, rounds);
	err = trace_stop();
	if (err < 0)
		fprintf(stderr, "bench-emit: %s\n", strerror(-err));
	return err < 0;
}
