/* SPDX-License-Identifier: BSD-3-Clause
 *
 * maketrace.c - small traces by the writer, and readers read to their end.
 */
#include "tests/maketrace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/event.h"

int bytes_append(void *ctx, const void *buf, size_t size)
{
	struct bytes *b = ctx;

	if (b->limit && b->n + size > b->limit) {
		errno = ENOSPC;
		return -1;
	}
	b->p = realloc(b->p, b->n + size + 1);
	ck_assert_ptr_nonnull(b->p);
	memcpy(b->p + b->n, buf, size);
	b->n += size;
	return 0;
}

void begin_running(struct etr_writer *w)
{
	ck_assert_int_eq(etr_writer_begin_generation(w, 1, 1, 1, 1), 0);
	EVENT(w, 10, WIRE_PROC_STATUS, 1, 0, WIRE_P_RUNNING);
	EVENT(w, 10, WIRE_GO_STATUS, 2, 1, 10, WIRE_G_RUNNING);
}

void write_logs(struct etr_writer *w, uint64_t time, int n)
{
	const struct etr_writer_frame frames[] = {
		{ 0x1000, (uint64_t)etr_writer_string(w, "f", 1), (uint64_t)etr_writer_string(w, "f.c", 3), 7 },
		{ 0x2000, (uint64_t)etr_writer_string(w, "main", 4), (uint64_t)etr_writer_string(w, "f.c", 3), 9 },
	};
	uint64_t stack = (uint64_t)etr_writer_stack(w, frames, 2);

	ck_assert_int_eq(etr_writer_stack(w, frames, 2), (int64_t)stack);
	EVENT(w, 10, WIRE_PROC_STATUS, time + 1, 0, WIRE_P_RUNNING);
	EVENT(w, 10, WIRE_GO_STATUS, time + 2, 1, 10, WIRE_G_RUNNING);
	EVENT(w, 10, WIRE_GO_STATUS_STACK, time + 2, 2, UINT64_MAX, WIRE_G_WAITING, stack);
	for (int i = 0; i < n; i++) {
		char text[32];
		int len = snprintf(text, sizeof(text), "message %d", i);

		EVENT(w, 10, WIRE_USER_LOG, time + 3 + (uint64_t)i, 5, 0, (uint64_t)etr_writer_string(w, text, (size_t)len), stack);
	}
	ck_assert_int_eq(etr_writer_cpu_sample(w, time + 3, 10, 0, 1, stack), 0);
}

struct bytes make_trace(int generations, int n)
{
	struct bytes b = { 0 };
	struct etr_writer *w = etr_writer_new(bytes_append, &b, 1000000000);

	for (int g = 0; g < generations; g++) {
		uint64_t time = (uint64_t)(g + 1) * 1000000000;

		ck_assert_int_eq(etr_writer_begin_generation(w, time, time + 5, 1700000000 + g, 250), 0);
		write_logs(w, time, n);
		ck_assert_int_eq(etr_writer_end_generation(w), 0);
	}
	etr_writer_free(w);
	return b;
}

int drain_reader(struct etr_reader *r, uint64_t *n, uint64_t *hash)
{
	struct etr_event ev;
	int rc;

	*n = *hash = 0;
	while ((rc = etr_reader_next(r, &ev)) == 1) {
		const int64_t v[] = { ev.time, ev.g, ev.p, ev.m, ev.kind, ev.from, ev.to, ev.stack };

		++*n;
		for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
			*hash = (*hash ^ (uint64_t)v[i]) * 1099511628211u;
	}
	return rc;
}
