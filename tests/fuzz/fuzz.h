/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz.h - what the fuzz targets share.
 *
 * Each target defines the functions that clang's libFuzzer calls; replay.c calls the first of them for every file of a corpus,
 * where that is not at hand.  A target ends the program by FUZZ_CHECK where a promise of the library is broken.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <exectrace/reader.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);	/* libFuzzer's own, by bytes */

#define FUZZ_CHECK(cond)                                                                                                         \
	do {                                                                                                                     \
		if (!(cond)) {                                                                                                   \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #cond);                                       \
			abort();                                                                                                 \
		}                                                                                                                \
	} while (0)

/*
 * Whether it is zstd's (RFC 8878, 3.1): a frame or a skippable one.  Offsets are then those of what is unpacked and say nothing of the
 * input's size; fuzz-zstd is there for such input.
 */
static inline int fuzz_is_compressed(const uint8_t *data, size_t size)
{
	uint32_t magic;

	if (size < 4)
		return 0;
	magic = (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24;
	return magic == 0xfd2fb528 || (magic & 0xfffffff0) == 0x184d2a50;
}

/* What a reader made of its input. */
struct fuzz_outcome {
	uint64_t events;
	uint64_t hash;		/* over the events and all they refer to */
	int rc;			/* 0, or the negative code that ended it */
	uint64_t offset;	/* of the error */
	uint64_t good_size;
};

/* Reads an open reader to its end and looks at everything that it tells; rc: what opening it returned. */
struct fuzz_outcome fuzz_read(struct etr_reader *reader, int rc, size_t size);

/* A fresh stream that writes to memory and one that reads from it; they must not fail. */
FILE *fuzz_write_memory(char **text, size_t *size);
FILE *fuzz_read_memory(const void *data, size_t size);

#endif
