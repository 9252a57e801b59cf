/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz-cond.c - a condition as a user might write it: parsed, and tried on an interval of each kind.
 */
#include <stdlib.h>
#include <string.h>

#include "cond/cond.h"
#include "tests/fuzz/fuzz.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	(void)seed;
	return LLVMFuzzerMutate(data, size, max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct cond_error error = { 0 };
	struct cond cond, copy;

	FUZZ_CHECK(text);
	memcpy(text, data, size);
	text[size] = '\0';
	if (cond_parse(&cond, text, &error) != 0) {
		FUZZ_CHECK(error.message && error.column >= 1 && error.column <= size + 1);
	} else {
		copy = cond;
		for (int kind = 0; kind < COND_KIND_COUNT_; kind++) {
			struct cond_interval interval = { .kind = (enum cond_kind)kind, .name = (const char *)data,
							  .name_len = size, .ns = (int64_t)size * 1000 };
			bool is = cond_matches(&cond, &interval);

			FUZZ_CHECK(is == cond_matches(&copy, &interval));
			FUZZ_CHECK(!is || (cond_kinds(&cond) & 1u << kind));
		}
	}
	free(text);
	return 0;
}
