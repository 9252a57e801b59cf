/* SPDX-License-Identifier: BSD-3-Clause
 *
 * clock.h - the recorder's time: CLOCK_MONOTONIC in units of 64 ns.
 */
#ifndef TRACER_CLOCK_H
#define TRACER_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define TRACE_CLOCK_HZ 15625000ull
#define TRACE_CLOCK_UNIT_NS 64

/*
 * time = base + (counter - start) * slope / 2^64.  Two copies, of which readers use line[seq & 1]: the writer fills the other
 * one and then moves seq, so a reader never waits for a writer that lost its processor in between. Written by one thread at a
 * time (the session's writer, or trace_clock_init); loads are acquire and pair with its release stores.
 */
struct trace_clock_line {
	_Atomic uint64_t start, base, slope;
};

struct trace_clock {
	_Atomic uint64_t seq;
	struct trace_clock_line line[2];
	_Atomic bool counter;		/* the cycle counter is good; written once, before the first reading */
};
extern struct trace_clock trace_clock;

static inline uint64_t trace_clock_counter(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t v;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(v));
	return v;
#endif
}

static inline uint64_t trace_clock_system(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec) / TRACE_CLOCK_UNIT_NS;
}

/* What the line makes of a counter reading. A reading before the line's start (another core's, by a few cycles) is its start. */
static inline uint64_t trace_clock_at(uint64_t counter)
{
	uint64_t seq, start, base, slope;

	do {
		const struct trace_clock_line *line;

		seq = atomic_load_explicit(&trace_clock.seq, memory_order_acquire);
		line = &trace_clock.line[seq & 1];
		start = atomic_load_explicit(&line->start, memory_order_acquire);
		base = atomic_load_explicit(&line->base, memory_order_acquire);
		slope = atomic_load_explicit(&line->slope, memory_order_acquire);
	} while (__builtin_expect(atomic_load_explicit(&trace_clock.seq, memory_order_relaxed) != seq, 0));
	if (__builtin_expect((int64_t)(counter - start) < 0, 0))
		return base;
	return base + (uint64_t)(((unsigned __int128)(counter - start) * slope) >> 64);
}

/* Now, in units. Any thread, any signal handler; trace_clock_init has run. */
static inline uint64_t trace_clock_now(void)
{
	if (__builtin_expect(!atomic_load_explicit(&trace_clock.counter, memory_order_relaxed), 0))
		return trace_clock_system();
	return trace_clock_at(trace_clock_counter());
}

/* Once, before any reading: chooses the source. The first line is rough; trace_clock_refit makes it good. */
void trace_clock_init(void);
/*
 * Bends the line towards CLOCK_MONOTONIC, so that it meets it again after horizon_ns; never a step, but with a horizon of 0,
 * which is for the time before anything is recorded. One thread at a time. Needs some time since trace_clock_init to know the
 * counter's rate: it waits for what is missing of 200 us.
 */
void trace_clock_refit(uint64_t horizon_ns);

/* The three clocks at one instant. */
struct trace_clock_snapshot {
	uint64_t units, mono_ns, wall_s, wall_ns;
};
void trace_clock_snapshot(struct trace_clock_snapshot *out);

#endif
