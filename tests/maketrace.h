/* SPDX-License-Identifier: BSD-3-Clause
 *
 * maketrace.h - what the unit tests of the parser make traces with; a Check assertion fails where something does.
 */
#ifndef TESTS_MAKETRACE_H
#define TESTS_MAKETRACE_H

#include <check.h>
#include <stddef.h>
#include <stdint.h>

#include <exectrace/reader.h>
#include <exectrace/writer.h>

struct bytes {
	uint8_t *p;		/* for free() */
	size_t n, limit;	/* limit: writing fails when it would be passed; 0: none */
};

/* Where a writer writes to; ctx: a struct bytes. */
int bytes_append(void *ctx, const void *buf, size_t size);

/* An event of thread m, its arguments last. */
#define EVENT(w, m, type, time, ...)                                                                                             \
	do {                                                                                                                     \
		const uint64_t args_[] = { 0, ##__VA_ARGS__ };                                                                   \
		ck_assert_int_eq(etr_writer_event(w, m, type, time, args_ + 1, sizeof(args_) / 8 - 1), 0);                       \
	} while (0)

/* Begins a generation with goroutine 1 running on thread 10. */
void begin_running(struct etr_writer *w);

/* The events of a generation that has begun: goroutine 1 on thread 10 logs n times, and goroutine 2 has waited all the time. */
void write_logs(struct etr_writer *w, uint64_t time, int n);

/* A trace of so many generations, each with n logs and a second apart. */
struct bytes make_trace(int generations, int n);

/* Reads to the end; the count goes to *n and a hash over all that the events say to *hash.  Returns what the reader did last. */
int drain_reader(struct etr_reader *r, uint64_t *n, uint64_t *hash);

#endif
