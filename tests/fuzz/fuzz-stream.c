/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz-stream.c - the same trace through every kind of input: as a pipe that gives what it likes, by pread, from memory.
 *
 * All must tell the same.  Reads that fail must be told as such, and nothing else.
 */
#include <errno.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/structmut.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	if (seed % 8 == 0)
		return LLVMFuzzerMutate(data, size, max);
	return structmut_mutate(data, size, max, seed);
}

struct source {
	const uint8_t *data;
	size_t size, at;
	uint64_t rng;		/* of the sizes of reads; 0: as much as is asked for */
	size_t fails_at;	/* reading here fails */
};

static size_t portion(struct source *s, size_t want, size_t there)
{
	size_t n = want < there ? want : there;

	if (s->rng == 0 || n == 0)
		return n;
	s->rng = s->rng * 6364136223846793005u + 1442695040888963407u;
	return 1 + (s->rng >> 40) % n;
}

static ssize_t source_read(void *ctx, void *buf, size_t size)
{
	struct source *s = ctx;
	size_t n = portion(s, size, s->size - s->at);

	if (s->at + n > s->fails_at) {
		errno = EIO;
		return -1;
	}
	memcpy(buf, s->data + s->at, n);
	s->at += n;
	return (ssize_t)n;
}

static ssize_t source_pread(void *ctx, void *buf, size_t size, uint64_t offset)
{
	struct source *s = ctx;
	size_t n = offset >= s->size ? 0 : portion(s, size, s->size - (size_t)offset);

	if (n && offset + n > s->fails_at) {
		errno = EIO;
		return -1;
	}
	memcpy(buf, s->data + (n ? offset : 0), n);
	return (ssize_t)n;
}

static struct fuzz_outcome read_from(struct source s, int seekable)
{
	struct etr_input_ops ops = { .struct_size = sizeof(ops) };
	struct etr_reader *r = etr_reader_new();
	struct fuzz_outcome out;

	FUZZ_CHECK(r);
	if (seekable)
		ops.pread = source_pread;
	else
		ops.read = source_read;
	out = fuzz_read(r, etr_reader_open_callbacks(r, &ops, &s), s.size);
	etr_reader_free(r);
	return out;
}

static void same(const struct fuzz_outcome *a, const struct fuzz_outcome *b)
{
	FUZZ_CHECK(a->events == b->events && a->hash == b->hash);
	FUZZ_CHECK(a->rc == b->rc && a->offset == b->offset && a->good_size == b->good_size);
}

static int try_one(const uint8_t *data, size_t size)
{
	struct etr_reader *r = etr_reader_new();
	struct source s = { .data = data, .size = size, .fails_at = SIZE_MAX };
	struct fuzz_outcome memory, other;

	FUZZ_CHECK(r);
	memory = fuzz_read(r, etr_reader_open_memory(r, data, size), size);
	etr_reader_free(r);

	other = read_from(s, 0);
	same(&memory, &other);
	other = read_from(s, 1);
	same(&memory, &other);
	s.rng = size + 1;
	other = read_from(s, 0);
	same(&memory, &other);
	other = read_from(s, 1);
	same(&memory, &other);

	/* A read that fails ends it with that, or comes behind an earlier error. */
	s.fails_at = size ? (size_t)(memory.hash % size) : 0;
	for (int seekable = 0; seekable < 2; seekable++) {
		other = read_from(s, seekable);
		FUZZ_CHECK(other.rc < 0 || size == 0 || (memory.rc == 0 && other.hash == memory.hash));
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_is_compressed(data, size) ? 0 : try_one(data, size);
}
