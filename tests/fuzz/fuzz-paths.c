/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz-paths.c - the ways an event can take through the library come to the same: by the rules alone, through the fast loop as it
 * is on any processor and with bit extraction, staged or not, one by one and many at once, from memory and as a file.
 */
#include <string.h>

#include "libtrace/readerimpl.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/structmut.h"

#define MANY 61

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	if (seed % 8 == 0)
		return LLVMFuzzerMutate(data, size, max);
	return structmut_mutate(data, size, max, seed);
}

struct outcome {
	uint64_t events, hash, offset, good_size;
	int rc;
};

static uint64_t fold(uint64_t hash, uint64_t v)
{
	return (hash ^ v) * 1099511628211u + (hash >> 47);
}

static uint64_t fold_details(uint64_t h, const struct etr_event *ev)
{
	switch (ev->kind) {
	case ETR_KIND_STATE_TRANSITION:
		return fold(fold(fold(h, (uint64_t)ev->u.transition.id), ev->u.transition.reason), ev->u.transition.stack);
	case ETR_KIND_METRIC:
		return fold(fold(h, ev->u.metric.name), ev->u.metric.value);
	case ETR_KIND_RANGE_BEGIN:
	case ETR_KIND_RANGE_ACTIVE:
	case ETR_KIND_RANGE_END:
		h = fold(fold(fold(h, (uint64_t)ev->u.range.id), ev->u.range.name), ev->u.range.nattrs);
		return fold(fold(h, ev->u.range.swept), ev->u.range.reclaimed);
	case ETR_KIND_TASK_BEGIN:
	case ETR_KIND_TASK_END:
		return fold(fold(fold(h, ev->u.task.id), ev->u.task.parent), ev->u.task.type);
	case ETR_KIND_REGION_BEGIN:
	case ETR_KIND_REGION_END:
		return fold(fold(h, ev->u.region.task), ev->u.region.type);
	case ETR_KIND_LOG:
		return fold(fold(fold(h, ev->u.log.task), ev->u.log.category), ev->u.log.message);
	}
	/* These are always the rules' work. */
	return h;
}

static uint64_t fold_event(uint64_t h, const struct etr_event *ev)
{
	h = fold(fold(fold(fold(h, (uint64_t)ev->time), (uint64_t)ev->g), (uint64_t)ev->p), (uint64_t)ev->m);
	h = fold(fold(fold(fold(fold(h, ev->kind), ev->resource), ev->from), ev->to), ev->stack);
	return fold_details(h, ev);
}

/* Input as a file: batches of a thread are read to where the ones before were. */
struct file {
	const uint8_t *data;
	size_t size;
};

static ssize_t read_file(void *ctx, void *buf, size_t size, uint64_t offset)
{
	const struct file *in = ctx;
	size_t left = offset < in->size ? in->size - (size_t)offset : 0;

	size = size < left ? size : left;
	memcpy(buf, in->data + (size ? offset : 0), size);
	return (ssize_t)size;
}

static struct outcome read_by(const uint8_t *data, size_t size, enum etr__path path, int many, bool crowd, bool as_file)
{
	const struct etr_input_ops ops = { .struct_size = sizeof(ops), .pread = read_file };
	struct file in = { data, size };
	struct outcome out = { .hash = 14695981039346656037u };
	struct etr_reader *r = etr_reader_new();
	const uint64_t *counts, *bytes;
	struct etr_event ev[MANY];

	FUZZ_CHECK(r && many <= MANY);
	r->order.path = path;
	out.rc = as_file ? etr_reader_open_callbacks(r, &ops, &in) : etr_reader_open_memory(r, data, size);
	for (;;) {
		/* As if the threads had taken turns for long. */
		if (crowd)
			r->order.crowd = ETR__CROWD;
		if (out.rc < 0 || (out.rc = etr_reader_next_events(r, ev, many)) <= 0)
			break;
		FUZZ_CHECK(out.rc <= many);
		for (int i = 0; i < out.rc; i++) {
			/* What one call delivers is of one generation. */
			FUZZ_CHECK(i == 0 || ev[i].kind != ETR_KIND_SYNC);
			out.hash = fold_event(out.hash, &ev[i]);
		}
		out.events += (unsigned)out.rc;
	}
	counts = etr_reader_wire_counts(r);
	bytes = etr_reader_wire_bytes(r);
	for (int i = 0; i < 256; i++)
		out.hash = fold(fold(out.hash, counts[i]), bytes[i]);
	out.offset = out.rc < 0 ? etr_reader_error_offset(r) : 0;
	out.good_size = etr_reader_good_size(r);
	etr_reader_free(r);
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome rules = read_by(data, size, ETR__PATH_RULES, 1, false, false);

	for (enum etr__path path = ETR__PATH_RULES; path <= etr__order_best_path(); path++)
		for (int i = 0; i < 8; i++) {
			bool crowd = i % 2;
			struct outcome other;

			/* The rules stage nothing. */
			if (crowd && path == ETR__PATH_RULES)
				continue;
			other = read_by(data, size, path, 1 + i / 2 * 20, crowd, i / 2 % 3 == 0);
			FUZZ_CHECK(other.events == rules.events && other.hash == rules.hash && other.rc == rules.rc);
			FUZZ_CHECK(other.offset == rules.offset && other.good_size == rules.good_size);
		}
	return 0;
}
