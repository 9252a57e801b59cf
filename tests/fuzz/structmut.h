/* SPDX-License-Identifier: BSD-3-Clause
 *
 * structmut.h - damages a trace along the lines of its format: batches, generations, events, tables and numbers.
 */
#ifndef TESTS_FUZZ_STRUCTMUT_H
#define TESTS_FUZZ_STRUCTMUT_H

#include <stddef.h>
#include <stdint.h>

/*
 * Changes the trace of size bytes at data, which has room for max bytes, in one to four places; the seed says which and how.
 * Sizes of batches are made to fit what they hold, mostly.  What is no trace gets a header.  Returns the new size.
 */
size_t structmut_mutate(uint8_t *data, size_t size, size_t max, uint64_t seed);

#endif
