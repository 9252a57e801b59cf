/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz-writer.c - the writer, its calls driven by the input.
 *
 * The first byte's lowest bit: any calls at all; what comes out must be well-formed, and a failed write must stay failed.  Else the
 * calls of a small scheduler that keeps the rules; the reader must deliver every event.  With the second bit it makes mistakes now
 * and then, and any calls go to a writer that does not verify.
 *
 * Two more bits choose the version.  With the one behind them the scheduler's mistakes go into the trace, which then is what it is, but
 * the same to one thread and to several.  With the next one batches are small, as the last two tell, so that all is about their ends.
 *
 * Of a writer that verifies, whatever it is told, all that comes out must be a whole trace, to several threads as to one.  Where
 * FUZZ_WRITER_SAVE names a folder it is kept there, for other readers.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <exectrace/raw.h>
#include <exectrace/writer.h>

#include "libtrace/readerimpl.h"
#include "libtrace/tracewriter.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/writersched.h"
#include "wire/event.h"

static struct {
	struct writersched calls;
	int version;
	uint8_t *out;
	size_t n, cap, fails_at;
	bool blind;			/* the writer does not verify the scheduler's mistakes */
} s;

static uint8_t next(void)
{
	return writersched_byte(&s.calls);
}

static int write_out(void *ctx, const void *buf, size_t size)
{
	if (s.n + size > s.fails_at) {
		errno = ENOSPC;
		return -1;
	}
	if (s.n + size > s.cap) {
		s.cap = 2 * (s.n + size);
		s.out = realloc(s.out, s.cap);
		FUZZ_CHECK(s.out);
	}
	memcpy(s.out + s.n, buf, size);
	s.n += size;
	return 0;
}

/* Keeps what came out, as NUMBER.trace, or as NUMBER.blind where nobody has verified it. */
static void save(void)
{
	static unsigned long number;
	const char *folder = getenv("FUZZ_WRITER_SAVE");
	char name[4096];
	FILE *f;

	if (!folder || s.n == 16)
		return;
	snprintf(name, sizeof(name), "%s/%lu.%s", folder, number++, s.blind ? "blind" : "trace");
	f = fopen(name, "w");
	FUZZ_CHECK(f && fwrite(s.out, 1, s.n, f) == s.n);
	FUZZ_CHECK(fclose(f) == 0);
}

/* Reads what came out. */
static struct fuzz_outcome read_with(int threads, char detail[264])
{
	struct etr_reader *r = etr_reader_new();
	struct fuzz_outcome out;

	FUZZ_CHECK(r && etr_reader_set_threads(r, threads) == 0);
	r->guess_all = true;
	out = fuzz_read(r, etr_reader_open_memory(r, s.out, s.n), s.n);
	snprintf(detail, 264, "%s", etr_reader_detail(r));
	etr_reader_free(r);
	return out;
}

/* Where generations are guessed it is the same, which takes its time. */
static struct fuzz_outcome read_both(char detail[264])
{
	struct fuzz_outcome out = read_with(1, detail), again;
	char other[264];

	save();
	if (s.n % 8 < (s.blind ? 4 : 1)) {
		again = read_with(2, other);
		FUZZ_CHECK(again.events == out.events && again.hash == out.hash && again.rc == out.rc);
		FUZZ_CHECK(again.good_size == out.good_size && strcmp(detail, other) == 0);
	}
	return out;
}

/* All of it is a trace. */
static struct fuzz_outcome read_back(void)
{
	char detail[264];
	struct fuzz_outcome out = read_both(detail);

	if (out.rc < 0 && s.n > 16)
		fprintf(stderr, "%s\n", detail);
	/* Before 1.26 a trace has a generation. */
	FUZZ_CHECK(out.rc == 0 || (s.n == 16 && s.version < 26));
	FUZZ_CHECK(out.good_size == s.n || s.n == 16);
	return out;
}

static void schedule(void)
{
	struct fuzz_outcome out;
	char detail[264];

	FUZZ_CHECK(etr_writer_set_verify(s.calls.w, !s.blind) == 0);
	writersched_run(&s.calls);
	FUZZ_CHECK(s.calls.mistakes || etr_writer_detail(s.calls.w)[0] == '\0');
	etr_writer_free(s.calls.w);
	out = s.blind ? read_both(detail) : read_back();
	FUZZ_CHECK(s.calls.mistakes || (out.events > s.calls.delivered && out.events <= s.calls.delivered + 1 + s.calls.unsure));
}

/* One call of any kind; returns what it did. */
static int any_call(void)
{
	uint64_t args[6];
	char text[256];
	uint8_t what = next(), n;

	for (int i = 0; i < 6; i++)
		args[i] = (next() & 1) ? (uint64_t)next() << (next() % 64) : next();
	switch (what % 8) {
	case 0:
		return etr_writer_begin_generation(s.calls.w, args[0], args[1], (int64_t)args[2], (uint32_t)args[3]);
	case 1:
		return etr_writer_end_generation(s.calls.w);
	case 2:
		n = next();
		for (unsigned i = 0; i < n; i++)
			text[i] = (char)next();
		return etr_writer_string(s.calls.w, text, n) < 0;
	case 3:
		if (what & 128)
			return etr_writer_stack_apart(s.calls.w, &(struct etr_writer_frame){ args[0], args[1], args[2], args[3] }, 1) < 0;
		return etr_writer_stack(s.calls.w, &(struct etr_writer_frame){ args[0], args[1], args[2], args[3] }, what / 8 % 2) < 0;
	case 4:
		return etr_writer_cpu_sample(s.calls.w, args[0], args[1], args[2], args[3], args[4]);
	default:
		n = next();
		return etr_writer_event(s.calls.w, args[5], n, args[4], args, next() % 8 ? etr_wire_nargs(n) - 1 : n % 6);
	}
}

static void anything(bool verify)
{
	struct etr_raw_reader *raw = etr_raw_reader_new();
	struct etr_reader *r = etr_reader_new();
	struct etr_raw_event ev;
	int rc;

	FUZZ_CHECK(raw && r);
	FUZZ_CHECK(etr_writer_set_verify(s.calls.w, verify) == 0);
	if (next() & 1)
		s.fails_at = 16 + next() * 4u;
	while (s.calls.data < s.calls.end) {
		rc = any_call();
		FUZZ_CHECK(rc != -ETR_E_IO || (etr_writer_detail(s.calls.w)[0] != '\0' && any_call() != 0));
	}
	etr_writer_free(s.calls.w);
	FUZZ_CHECK(etr_raw_reader_open_memory(raw, s.out, s.n) == 0);
	while ((rc = etr_raw_reader_next(raw, &ev)) == 1)
		;
	FUZZ_CHECK(rc == 0 || s.fails_at != SIZE_MAX);
	etr_raw_reader_free(raw);
	fuzz_read(r, etr_reader_open_memory(r, s.out, s.n), s.n);
	etr_reader_free(r);
	if (verify && s.fails_at == SIZE_MAX)
		read_back();
}

/* Nothing better than bytes. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	return LLVMFuzzerMutate(data, size, max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int versions[] = { 26, 22, 23, 25 };

	memset(&s, 0, sizeof(s));
	s.calls.data = data;
	s.calls.end = data + size;
	s.fails_at = SIZE_MAX;
	s.version = versions[size ? data[0] >> 2 & 3 : 0];
	s.calls.w = etr_writer_new_version(write_out, NULL, 1000000000u >> (next() / 16), s.version);
	FUZZ_CHECK(s.calls.w);
	if (size && (data[0] & 32))
		s.calls.w->batch_size = (size_t)16 << (data[0] >> 6) * 2;
	s.calls.mistakes = size && (data[0] & 2);
	s.blind = s.calls.mistakes && (data[0] & 16);
	if (size && (data[0] & 1))
		anything(!(data[0] & 2));
	else
		schedule();
	free(s.out);
	return 0;
}
