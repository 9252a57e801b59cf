/* SPDX-License-Identifier: BSD-3-Clause
 *
 * clock.c - maps the cycle counter to CLOCK_MONOTONIC by a published line.
 *
 * Invariants: the line is continuous, and its slope is positive, so time never goes backwards on one processor core; the
 * counter is used only where the kernel itself uses it as its clock source (then cores agree), else every reading is a
 * clock_gettime. Owner: whoever holds the right to refit, one thread at a time (a session's start, then its writer).
 */
#include "librt/tracer/clock.h"

#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "librt/tracer/sys.h"

/* Rates are known from this much time on (a pair of readings is good to some 50 ns). */
#define MIN_BASELINE_NS 200000
/* A line is bent by at most this much, in parts of a million. */
#define MAX_BEND_PPM 2000

struct trace_clock trace_clock;

struct pair {
	uint64_t counter, ns;
};
static struct pair first;	/* the first pair of readings of this process; owner as in the head of this file */

/* The counter at the middle of the quickest of some clock readings. */
static struct pair pair_read(void)
{
	struct pair best = { 0, 0 };
	uint64_t best_width = UINT64_MAX;

	for (int i = 0; i < 8; i++) {
		uint64_t before = trace_clock_counter();
		uint64_t ns = trace_mono_ns();
		uint64_t width = trace_clock_counter() - before;

		if (width < best_width) {
			best_width = width;
			best = (struct pair){ before + width / 2, ns };
		}
	}
	return best;
}

#if defined(__x86_64__)
static bool counter_is_invariant(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & 1u << 8);
}

static bool counter_is_good(void)
{
	char name[16] = "";
	int fd = (int)syscall(SYS_openat, AT_FDCWD, "/sys/devices/system/clocksource/clocksource0/current_clocksource",
			      O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	if (syscall(SYS_read, fd, name, sizeof(name) - 1) < 0)
		name[0] = '\0';
	syscall(SYS_close, fd);
	return strncmp(name, "tsc", 3) == 0 && counter_is_invariant();
}
#else
/* The generic timer is the kernel's clock source on this processor; slower counters than our unit do not fit the line. */
static bool counter_is_good(void)
{
	uint64_t hz;

	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
	return hz > TRACE_CLOCK_HZ;
}
#endif

static void line_set(struct trace_clock_line *line, uint64_t start, uint64_t base, uint64_t slope)
{
	atomic_store_explicit(&line->start, start, memory_order_release);
	atomic_store_explicit(&line->base, base, memory_order_release);
	atomic_store_explicit(&line->slope, slope, memory_order_release);
}

static void line_publish(uint64_t start, uint64_t base, uint64_t slope)
{
	uint64_t seq = atomic_load_explicit(&trace_clock.seq, memory_order_relaxed);

	line_set(&trace_clock.line[(seq + 1) & 1], start, base, slope);
	/* Release: whoever reads the new seq reads the line above; the copy that is changed below is no longer chosen. */
	atomic_store_explicit(&trace_clock.seq, seq + 1, memory_order_release);
}

/* 2^64 * units / counts, for a quotient below 1. */
static uint64_t slope_of(double units, double counts)
{
	double slope = units / counts * 0x1p64;

	if (!(slope > 1))
		return 1;
	return slope < 0x1p64 ? (uint64_t)slope : UINT64_MAX;
}

void trace_clock_init(void)
{
	if (!counter_is_good())
		return;
	first = pair_read();
	/* A guess of 3 GHz until the rate is known. */
	line_publish(first.counter, first.ns / TRACE_CLOCK_UNIT_NS, slope_of((double)TRACE_CLOCK_HZ, 3e9));
	line_publish(first.counter, first.ns / TRACE_CLOCK_UNIT_NS, slope_of((double)TRACE_CLOCK_HZ, 3e9));
	atomic_store_explicit(&trace_clock.counter, true, memory_order_relaxed);
}

void trace_clock_refit(uint64_t horizon_ns)
{
	struct pair now;
	uint64_t base;
	double rate, behind, bend;

	if (!atomic_load_explicit(&trace_clock.counter, memory_order_relaxed))
		return;
	while ((now = pair_read()).ns - first.ns < MIN_BASELINE_NS)
		;
	/* Units for each count, over the longest time there is. */
	rate = (double)(now.ns - first.ns) / TRACE_CLOCK_UNIT_NS / (double)(now.counter - first.counter);
	if (horizon_ns == 0) {
		line_publish(now.counter, now.ns / TRACE_CLOCK_UNIT_NS, slope_of(rate, 1));
		return;
	}
	base = trace_clock_at(now.counter);
	behind = (double)(int64_t)(now.ns / TRACE_CLOCK_UNIT_NS - base);
	bend = behind / ((double)horizon_ns / TRACE_CLOCK_UNIT_NS);
	if (bend > MAX_BEND_PPM * 1e-6)
		bend = MAX_BEND_PPM * 1e-6;
	if (bend < -MAX_BEND_PPM * 1e-6)
		bend = -MAX_BEND_PPM * 1e-6;
	line_publish(now.counter, base, slope_of(rate * (1 + bend), 1));
}

void trace_clock_snapshot(struct trace_clock_snapshot *out)
{
	struct timespec wall;

	out->units = trace_clock_now();
	out->mono_ns = trace_mono_ns();
	clock_gettime(CLOCK_REALTIME, &wall);
	out->wall_s = (uint64_t)wall.tv_sec;
	out->wall_ns = (uint64_t)wall.tv_nsec;
}
