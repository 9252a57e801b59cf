/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzzread.c - reads a trace to its end and follows every string, stack and number that the reader hands out.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

static uint64_t fold(uint64_t hash, uint64_t v)
{
	return (hash ^ v) * 1099511628211u + (hash >> 47);
}

static uint64_t fold_bytes(uint64_t hash, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		hash = fold(hash, (uint8_t)p[i]);
	return fold(hash, n);
}

static uint64_t look_at_string(const struct etr_reader *r, etr_string_id id, uint64_t hash)
{
	size_t n;
	const char *s = etr_reader_string(r, id, &n);

	FUZZ_CHECK(id < etr_reader_nstrings(r));
	FUZZ_CHECK(s && s[n] == '\0');
	return fold_bytes(hash, s, n);
}

static uint64_t look_at_stack(const struct etr_reader *r, etr_stack_id id, uint64_t hash)
{
	size_t n;
	const struct etr_frame *f = etr_reader_stack(r, id, &n);

	FUZZ_CHECK(id < etr_reader_nstacks(r));
	FUZZ_CHECK(n <= 128);
	for (size_t i = 0; i < n; i++) {
		hash = fold(hash, f[i].pc);
		hash = look_at_string(r, f[i].func, hash);
		hash = look_at_string(r, f[i].file, hash);
		hash = fold(hash, f[i].line);
	}
	return fold(hash, n);
}

static uint64_t look_at_sync(const struct etr_reader *r, const struct etr_event *ev, uint64_t hash)
{
	const struct etr_sync *s = etr_reader_sync(r);
	etr_stack_id id = 0;

	hash = fold(hash, ev->u.sync.n);
	FUZZ_CHECK(s->wall_nsec < 1000000000);
	if (s->has_clock)
		hash = fold(fold(fold(fold(hash, (uint64_t)s->trace_ns), s->mono_ns), (uint64_t)s->wall_sec), s->wall_nsec);
	for (size_t i = 0; i < s->nexperiments; i++) {
		hash = fold_bytes(hash, s->experiments[i].name, strlen(s->experiments[i].name));
		hash = fold(fold(hash, s->experiments[i].batches), s->experiments[i].bytes);
	}
	/* All of the tables, whether an event names it or not; when strings of the library's making come in is its business. */
	for (size_t i = 0; i < etr_reader_nstrings(r); i++)
		look_at_string(r, (etr_string_id)i, hash);
	for (size_t i = 0; i < etr_reader_nstacks(r); i++)
		hash = look_at_stack(r, (etr_stack_id)i, hash);
	for (uint64_t wire = 0; wire < 8; wire++)
		if (etr_reader_stack_by_wire_id(r, wire, &id))
			FUZZ_CHECK(id < etr_reader_nstacks(r));
	/* Ids that are none. */
	FUZZ_CHECK(etr_reader_string(r, UINT32_MAX, NULL)[0] == '\0');
	return hash;
}

static uint64_t look_at_details(const struct etr_reader *r, const struct etr_event *ev, uint64_t hash)
{
	switch (ev->kind) {
	case ETR_KIND_SYNC:
		return look_at_sync(r, ev, hash);
	case ETR_KIND_METRIC:
		return fold(look_at_string(r, ev->u.metric.name, hash), ev->u.metric.value);
	case ETR_KIND_LABEL:
		return fold(look_at_string(r, ev->u.label.label, hash), (uint64_t)ev->u.label.id);
	case ETR_KIND_RANGE_BEGIN:
	case ETR_KIND_RANGE_ACTIVE:
	case ETR_KIND_RANGE_END:
		hash = fold(look_at_string(r, ev->u.range.name, hash), (uint64_t)ev->u.range.id);
		return ev->u.range.nattrs ? fold(fold(hash, ev->u.range.swept), ev->u.range.reclaimed) : hash;
	case ETR_KIND_TASK_BEGIN:
	case ETR_KIND_TASK_END:
		return fold(fold(look_at_string(r, ev->u.task.type, hash), ev->u.task.id), ev->u.task.parent);
	case ETR_KIND_REGION_BEGIN:
	case ETR_KIND_REGION_END:
		return fold(look_at_string(r, ev->u.region.type, hash), ev->u.region.task);
	case ETR_KIND_LOG:
		hash = look_at_string(r, ev->u.log.category, fold(hash, ev->u.log.task));
		return look_at_string(r, ev->u.log.message, hash);
	case ETR_KIND_STATE_TRANSITION:
		FUZZ_CHECK(ev->from < ETR_STATE_COUNT_ && ev->to < ETR_STATE_COUNT_);
		hash = look_at_string(r, ev->u.transition.reason, fold(hash, (uint64_t)ev->u.transition.id));
		return look_at_stack(r, ev->u.transition.stack, fold(fold(hash, ev->from), ev->to));
	case ETR_KIND_EXPERIMENTAL:
		return fold(fold(hash, ev->u.experimental.type), ev->u.experimental.args[0]);
	}
	return hash;
}

static void look_at_error(struct etr_reader *r, int rc, size_t size)
{
	struct etr_event ev;
	char lead[32];

	for (int i = 0; i < 3; i++)
		FUZZ_CHECK(etr_reader_next(r, &ev) == rc);
	FUZZ_CHECK(etr_strerror(rc)[0] != '\0');
	FUZZ_CHECK(etr_reader_error_offset(r) <= size);
	snprintf(lead, sizeof(lead), "offset %llu: ", (unsigned long long)etr_reader_error_offset(r));
	FUZZ_CHECK(strncmp(etr_reader_detail(r), lead, strlen(lead)) == 0);
	FUZZ_CHECK(etr_reader_error_message(r)[0] != '\0');
	FUZZ_CHECK(!strchr(etr_reader_detail(r), '\n'));
}

struct fuzz_outcome fuzz_read(struct etr_reader *r, int rc, size_t size)
{
	struct fuzz_outcome out = { .hash = 14695981039346656037u };
	struct etr_event ev;
	int64_t last = 0;

	while (rc >= 0 && (rc = etr_reader_next(r, &ev)) == 1) {
		/* Times increase, until they are used up. */
		FUZZ_CHECK(ev.time > last || last == INT64_MAX);
		last = ev.time;
		FUZZ_CHECK(ev.kind > 0 && ev.kind < ETR_KIND_COUNT_);
		out.events++;
		out.hash = fold(fold(fold(out.hash, (uint64_t)ev.time), ev.kind), ev.resource);
		out.hash = fold(fold(fold(out.hash, (uint64_t)ev.g), (uint64_t)ev.p), (uint64_t)ev.m);
		out.hash = look_at_stack(r, ev.stack, out.hash);
		out.hash = look_at_details(r, &ev, out.hash);
		FUZZ_CHECK(etr_reader_good_size(r) <= size && etr_reader_offset(r) <= size);
	}
	out.rc = rc;
	out.good_size = etr_reader_good_size(r);
	FUZZ_CHECK(out.good_size <= size);
	if (rc < 0) {
		look_at_error(r, rc, size);
		out.offset = etr_reader_error_offset(r);
	} else {
		FUZZ_CHECK(etr_reader_next(r, &ev) == 0);
		FUZZ_CHECK(etr_reader_detail(r)[0] == '\0');
	}
	return out;
}

FILE *fuzz_write_memory(char **text, size_t *size)
{
	FILE *f = open_memstream(text, size);

	FUZZ_CHECK(f);
	return f;
}

FILE *fuzz_read_memory(const void *data, size_t size)
{
	/* fmemopen takes no empty buffer on every system. */
	FILE *f = size ? fmemopen((void *)(uintptr_t)data, size, "rb") : fopen("/dev/null", "rb");

	FUZZ_CHECK(f);
	return f;
}
