/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz-threads.c - a trace read by one thread and by several: the same events, the same verdict in the same words; from memory, through
 * callbacks that can read anywhere, or as a stream.
 *
 * Generations are guessed whoever comes first, so what is compared does not depend on the scheduler.
 */
#include <string.h>

#include "libtrace/readerimpl.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/structmut.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	if (seed % 8 == 0)
		return LLVMFuzzerMutate(data, size, max);
	return structmut_mutate(data, size, max, seed);
}

struct result {
	struct fuzz_outcome out;
	char detail[264];
	uint64_t counts[256], bytes[256];
};

static uint64_t nguessed, nheld;

/* Input through callbacks.  Two at once would find `busy`. */
struct input {
	const uint8_t *data;
	size_t size, at;
	bool busy;
};

static ssize_t pread_input(void *ctx, void *buf, size_t size, uint64_t offset)
{
	struct input *in = ctx;
	size_t left = offset < in->size ? in->size - (size_t)offset : 0;

	FUZZ_CHECK(!in->busy);
	in->busy = true;
	size = size < left ? size : left;
	memcpy(buf, in->data + (size ? offset : 0), size);
	in->busy = false;
	return (ssize_t)size;
}

static ssize_t read_input(void *ctx, void *buf, size_t size)
{
	struct input *in = ctx;
	ssize_t n = pread_input(ctx, buf, size, in->at);

	in->at += (size_t)n;
	return n;
}

static void read_with(const uint8_t *data, size_t size, int threads, struct result *res)
{
	struct etr_input_ops ops = { .struct_size = sizeof(ops) };
	struct input in = { data, size, 0, false };
	struct etr_reader *r = etr_reader_new();
	int rc;

	FUZZ_CHECK(r);
	FUZZ_CHECK(etr_reader_set_threads(r, -1) == -ETR_E_INVALID);
	FUZZ_CHECK(etr_reader_set_threads(r, threads) == 0);
	r->guess_all = true;
	ops.read = size % 5 == 1 ? read_input : NULL;
	ops.pread = size % 5 == 2 ? pread_input : NULL;
	rc = ops.read || ops.pread ? etr_reader_open_callbacks(r, &ops, &in) : etr_reader_open_memory(r, data, size);
	res->out = fuzz_read(r, rc, size);
	FUZZ_CHECK(res->out.events == 0 || etr_reader_set_threads(r, 1) == -ETR_E_INVALID);
	strcpy(res->detail, etr_reader_detail(r));
	memcpy(res->counts, etr_reader_wire_counts(r), sizeof(res->counts));
	memcpy(res->bytes, etr_reader_wire_bytes(r), sizeof(res->bytes));
	/* Going back to the beginning gives the same once more, wherever that is done. */
	if (res->out.rc == 0 && size % 5 == 3 && etr_reader_seek_time(r, INT64_MIN) == 1)
		FUZZ_CHECK(fuzz_read(r, 0, size).hash == res->out.hash);
	nguessed += r->nguessed;
	nheld += r->nheld;
	etr_reader_free(r);
}

static void compare(const struct result *a, const struct result *b)
{
	FUZZ_CHECK(a->out.events == b->out.events);
	FUZZ_CHECK(a->out.hash == b->out.hash);
	FUZZ_CHECK(a->out.rc == b->out.rc && strcmp(a->detail, b->detail) == 0);
	FUZZ_CHECK(a->out.offset == b->out.offset && a->out.good_size == b->out.good_size);
	FUZZ_CHECK(memcmp(a->counts, b->counts, sizeof(a->counts)) == 0);
	FUZZ_CHECK(memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0);
}

/* How much there was to compare. */
static void tell(void)
{
	printf("%llu generations were guessed, %llu guesses held\n", (unsigned long long)nguessed, (unsigned long long)nheld);
}

static int try_one(const uint8_t *data, size_t size)
{
	static struct result one, several;
	static bool begun;

	if (!begun && getenv("FUZZ_THREADS_TELL"))
		atexit(tell);
	begun = true;
	read_with(data, size, 1, &one);
	/* What several threads do depends on the trace alone, so one number is enough. */
	read_with(data, size, 2 + (int)(size % 3), &several);
	compare(&one, &several);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_is_compressed(data, size) ? 0 : try_one(data, size);
}
