/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz-cut.c - slices of hostile traces: what the reader accepts is cut without error, and each slice is read without error and
 * has its window's events (cutcompare.c).  Of a trace that ends badly the slices must be traces all the same.  What tells of things
 * in a way that no recorder does (seen_trace.odd) is cut, too, but what comes out may be no trace.
 *
 * The input is eight bytes, of which the first says how to cut and all say where, and the trace.  They may be left out: then they
 * follow from the trace.
 */
#include "config.h"

#include <string.h>

#include "tests/cutcompare.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/structmut.h"

#define HEAD 8

static bool has_head(const uint8_t *data, size_t size)
{
	return size >= HEAD && memcmp(data, "go 1.", 5) != 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	if (seed % 8 == 0)
		return LLVMFuzzerMutate(data, size, max);
	if (!has_head(data, size) && size + HEAD <= max) {
		memmove(data + HEAD, data, size);
		memset(data, 0, HEAD);
		size += HEAD;
	}
	if (seed % 4 == 1 || size <= HEAD) {
		LLVMFuzzerMutate(data, HEAD, HEAD);
		return size;
	}
	return HEAD + structmut_mutate(data + HEAD, size - HEAD, max - HEAD, seed);
}

static int check(const struct seen_trace *whole, const struct bytes *trace, unsigned what)
{
	switch (what % 8) {
	case 0:
	case 1:
	case 2:
		return cut_check_alone(whole, trace, what % 8);
	case 3:
	case 4:
		return cut_check_parts(whole, trace, what % 8 == 4);
	case 5:
		return cut_check_sized(whole, trace);
	default:
		return cut_check_generations(whole, trace, what % 8 == 7);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct seen_trace whole;
	struct bytes trace;
	uint8_t head[HEAD];
	char why[256];
	int rc;

	trace_name = "the input";
	cut_random = 88172645463325252u;
	if (has_head(data, size)) {
		memcpy(head, data, HEAD);
		data += HEAD;
		size -= HEAD;
	} else {
		for (size_t i = 0; i < size; i++)
			cut_random = mix(cut_random, data[i]);
		memcpy(head, &cut_random, HEAD);
	}
	for (int i = 0; i < HEAD; i++)
		cut_random = mix(cut_random, head[i]);
	cut_random |= 1;
	trace = (struct bytes){ .p = (unsigned char *)(uintptr_t)data, .n = size };
	if (cut_see_whole(&whole, &trace, why, sizeof(why)))
		rc = check(&whole, &trace, head[0]);
	else
		rc = cut_check_damaged(&whole, &trace);
	FUZZ_CHECK(rc == 0 || whole.odd);
	return 0;
}
