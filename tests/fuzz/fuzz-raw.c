/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz-raw.c - bytes as they stand, to text and back.
 *
 * The text of what could be read must assemble, and what comes out must give that text again.  Bytes differ only where numbers
 * were padded.
 */
#include <string.h>

#include <exectrace/raw.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/structmut.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	if (seed % 4 == 0)
		return LLVMFuzzerMutate(data, size, max);
	return structmut_mutate(data, size, max, seed);
}

/* The text of all that can be read, for the caller to free; NULL where not even the header can. */
static char *to_text(const void *data, size_t size, size_t *len, int *rc)
{
	struct etr_raw_reader *raw = etr_raw_reader_new();
	struct etr_raw_event ev;
	uint64_t offset = 0;
	char *text = NULL;
	FILE *f;

	FUZZ_CHECK(raw);
	*rc = etr_raw_reader_open_memory(raw, data, size);
	if (*rc >= 0) {
		f = fuzz_write_memory(&text, len);
		FUZZ_CHECK(etr_raw_print_header(f, etr_raw_reader_version(raw)) == 0);
		while ((*rc = etr_raw_reader_next(raw, &ev)) == 1) {
			FUZZ_CHECK(ev.offset > offset && ev.offset < size);
			offset = ev.offset;
			FUZZ_CHECK(etr_raw_print(f, &ev) == 0);
		}
		FUZZ_CHECK(fclose(f) == 0);
	}
	if (*rc < 0) {
		FUZZ_CHECK(etr_raw_reader_next(raw, &ev) == *rc);
		FUZZ_CHECK(strncmp(etr_raw_reader_detail(raw), "offset ", 7) == 0);
		FUZZ_CHECK(etr_raw_reader_error_offset(raw) <= size);
	}
	etr_raw_reader_free(raw);
	return text;
}

static int try_one(const uint8_t *data, size_t size)
{
	size_t len = 0, len2 = 0, nbytes = 0;
	char *text, *text2, *bytes = NULL, detail[128];
	FILE *in, *out;
	int rc, rc2;

	text = to_text(data, size, &len, &rc);
	if (!text)
		return 0;
	in = fuzz_read_memory(text, len);
	out = fuzz_write_memory(&bytes, &nbytes);
	FUZZ_CHECK(etr_raw_assemble(in, out, detail, sizeof(detail)) == 0);
	fclose(in);
	FUZZ_CHECK(fclose(out) == 0);
	FUZZ_CHECK(nbytes <= size);
	text2 = to_text(bytes, nbytes, &len2, &rc2);
	FUZZ_CHECK(text2 && rc2 == 0);
	FUZZ_CHECK(len == len2 && memcmp(text, text2, len) == 0);
	FUZZ_CHECK(rc != 0 || nbytes != size || memcmp(bytes, data, size) == 0);
	free(text);
	free(text2);
	free(bytes);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_is_compressed(data, size) ? 0 : try_one(data, size);
}
