/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz-reader.c - a trace in memory: every event with all that it refers to, the generations' places, and reading on from there.
 *
 * What is good up to good_size must be a good trace when it is cut there, with the same number of generations.
 */
#include <stdbool.h>
#include <string.h>

#include <exectrace/raw.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/structmut.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	if (seed % 8 == 0)
		return LLVMFuzzerMutate(data, size, max);
	return structmut_mutate(data, size, max, seed);
}

/* The extents follow each other without a gap, inside the input. */
static void look_at_extents(const struct etr_extent *extents, size_t n, size_t size)
{
	uint64_t end = 16;

	for (size_t i = 0; i < n; i++) {
		FUZZ_CHECK(extents[i].offset >= end && extents[i].size > 0);
		end = extents[i].offset + extents[i].size;
		FUZZ_CHECK(end <= size);
	}
}

static struct fuzz_outcome read_once(const uint8_t *data, size_t size, bool with_extents)
{
	struct etr_reader *r = etr_reader_new();
	struct etr_extent *extents = NULL;
	struct fuzz_outcome out;
	size_t n = 0;
	int rc;

	FUZZ_CHECK(r);
	rc = etr_reader_open_memory(r, data, size);
	if (rc >= 0 && with_extents) {
		etr_reader_extents(r, &extents, &n);
		look_at_extents(extents, n, size);
		free(extents);
	}
	out = fuzz_read(r, rc, size);
	etr_reader_free(r);
	return out;
}

static int try_one(const uint8_t *data, size_t size)
{
	struct fuzz_outcome plain = read_once(data, size, false), again = read_once(data, size, true), part;

	FUZZ_CHECK(plain.events == again.events && plain.hash == again.hash && plain.rc == again.rc);
	FUZZ_CHECK(plain.offset == again.offset && plain.good_size == again.good_size);
	if (plain.rc < 0 && plain.good_size) {
		part = read_once(data, plain.good_size, false);
		FUZZ_CHECK(part.rc == 0);
		FUZZ_CHECK(part.events <= plain.events + 1);
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_is_compressed(data, size) ? 0 : try_one(data, size);
}
