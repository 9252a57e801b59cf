/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tracer-clock.c - the recorder's clock: monotonic time from the counter.
 */
#include <check.h>

#include "librt/tracer/clock.h"
#include "librt/tracer/sys.h"
#include "tests/checks.h"

START_TEST(clock_is_monotonic_time)
{
	uint64_t before, ours, after;

	trace_clock_init();
	trace_clock_refit(0);
	before = trace_mono_ns();
	ours = trace_clock_now() * TRACE_CLOCK_UNIT_NS;
	after = trace_mono_ns();
	/* A rate measured over 200 us may be off by some hundreds of parts in a million, and nothing has passed since. */
	ck_assert_uint_ge(ours + 20000, before);
	ck_assert_uint_le(ours, after + 20000);
}
END_TEST

START_TEST(clock_never_steps_when_refitted)
{
	uint64_t last;

	trace_clock_init();
	trace_clock_refit(0);
	last = trace_clock_now();
	for (int i = 0; i < 20000; i++) {
		uint64_t now;

		if (i % 100 == 0)
			trace_clock_refit(1000000);
		now = trace_clock_now();
		ck_assert_uint_ge(now, last);
		last = now;
	}
}
END_TEST

/* The line as it is now, moved by hand: it must bend back, never jump. */
START_TEST(clock_refit_bends_towards_the_truth)
{
	struct trace_clock_line *line;
	uint64_t seq, counter, at, error_before, error_after;

	trace_clock_init();
	if (!atomic_load(&trace_clock.counter))
		return;		/* every reading is the system's */
	trace_clock_refit(0);
	seq = atomic_load(&trace_clock.seq);
	line = &trace_clock.line[seq & 1];
	atomic_store(&line->base, atomic_load(&line->base) + 15625);	/* 1 ms ahead */
	counter = trace_clock_counter();
	at = trace_clock_at(counter);
	error_before = trace_clock_now() - trace_mono_ns() / TRACE_CLOCK_UNIT_NS;
	trace_clock_refit(100000000);
	ck_assert_uint_ge(trace_clock_now(), at);
	for (int i = 0; i < 20; i++) {
		trace_sleep_ns(10000000);
		trace_clock_refit(100000000);
	}
	error_after = trace_clock_now() - trace_mono_ns() / TRACE_CLOCK_UNIT_NS;
	/* At most 2,000 ppm of 200 ms: 0.4 ms of the 1 ms are gone at most, and something is. */
	ck_assert_int_lt((int64_t)error_after, (int64_t)error_before);
}
END_TEST

START_TEST(clock_reading_before_the_line_is_its_start)
{
	trace_clock_init();
	if (!atomic_load(&trace_clock.counter))
		return;
	trace_clock_refit(0);
	uint64_t seq = atomic_load(&trace_clock.seq);
	const struct trace_clock_line *line = &trace_clock.line[seq & 1];

	ck_assert_uint_eq(trace_clock_at(atomic_load(&line->start) - 1000), atomic_load(&line->base));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tracer-clock");

	checks_add(suite, "clock", 60, CHECKS(clock_is_monotonic_time, clock_never_steps_when_refitted,
		clock_refit_bends_towards_the_truth, clock_reading_before_the_line_is_its_start));
	return checks_run(suite);
}
