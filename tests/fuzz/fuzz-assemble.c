/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz-assemble.c - hostile text.  What assembles must read as it was written; what does not is told with its line.
 */
#include <string.h>

#include <exectrace/raw.h>

#include "tests/fuzz/fuzz.h"

/* Lines and words are what matters: they change places, go, come twice, or have their bytes changed. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	size_t a, b, n;

	if (seed % 3 || size < 4)
		return LLVMFuzzerMutate(data, size, max);
	a = seed / 8 % size;
	while (a > 0 && data[a - 1] != (seed & 4 ? '\n' : ' '))
		a--;
	b = a + 1;
	while (b < size && data[b - 1] != '\n')
		b++;
	n = b - a;
	if (seed & 1) {
		memmove(data + a, data + b, size - b);
		return size - n;
	}
	if (size + n > max)
		return size;
	memmove(data + b + n, data + b, size - b);
	memcpy(data + b, data + a, n);
	return size + n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = NULL, detail[64] = "";
	size_t nbytes = 0;
	FILE *in = fuzz_read_memory(data, size), *out = fuzz_write_memory(&bytes, &nbytes);
	struct etr_raw_reader *raw = etr_raw_reader_new();
	struct etr_raw_event ev;
	int rc = etr_raw_assemble(in, out, detail, sizeof(detail));

	fclose(in);
	FUZZ_CHECK(fclose(out) == 0);
	FUZZ_CHECK(rc == 0 || rc == -ETR_E_SYNTAX);
	FUZZ_CHECK(rc == 0 || (strncmp(detail, "line ", 5) == 0 && strlen(detail) < sizeof(detail)));
	FUZZ_CHECK(raw);
	if (etr_raw_reader_open_memory(raw, bytes, nbytes) == 0) {
		while ((rc = etr_raw_reader_next(raw, &ev)) == 1)
			;
		FUZZ_CHECK(rc <= 0);
	}
	etr_raw_reader_free(raw);
	free(bytes);
	return 0;
}
