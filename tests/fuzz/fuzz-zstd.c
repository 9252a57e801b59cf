/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz-zstd.c - compressed traces: from memory, by pread, as a pipe, growing, mended, with generations sought.
 *
 * All ways must tell the same, and what zstd itself unpacks without complaint must read as the trace that comes out.  The mutator
 * changes what is inside and packs it again, in frames of its own choice, so that checksums are no wall; or it changes bytes.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

#include <exectrace/raw.h>
#include <exectrace/writer.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/structmut.h"
#include "wire/seektable.h"

#define MAX_PLAIN ((size_t)1 << 20)
#define MAX_WINDOW_LOG 23

static uint8_t plain[MAX_PLAIN];

/* Unpacks all frames.  Returns the size, or -1: something is wrong, or it is too much. */
static ssize_t unpack(const uint8_t *data, size_t size)
{
	ZSTD_DCtx *d = ZSTD_createDCtx();
	ZSTD_inBuffer in = { data, size, 0 };
	ZSTD_outBuffer out = { plain, sizeof(plain), 0 };
	size_t rc = 0;

	FUZZ_CHECK(d);
	ZSTD_DCtx_setParameter(d, ZSTD_d_windowLogMax, MAX_WINDOW_LOG);
	while (in.pos < in.size || (rc && out.pos < out.size)) {
		size_t before = in.pos + out.pos;

		rc = ZSTD_decompressStream(d, &out, &in);
		if (ZSTD_isError(rc) || before == in.pos + out.pos)
			break;
	}
	ZSTD_freeDCtx(d);
	return rc == 0 && in.pos == in.size && out.pos < out.size ? (ssize_t)out.pos : -1;
}

struct sink {
	uint8_t *p;
	size_t n, max;
};

static int put(void *ctx, const void *buf, size_t size)
{
	struct sink *s = ctx;

	if (size > s->max - s->n)
		return -1;
	memcpy(s->p + s->n, buf, size);
	s->n += size;
	return 0;
}

/* Frames of the generations and the table, or of whatever sizes. */
static size_t pack(uint8_t *data, size_t max, size_t size, unsigned seed)
{
	struct sink s = { data, 0, max };
	size_t step = seed % 4 ? size : 1 + seed % 3000;

	for (size_t at = 0; at < size; at += step) {
		size_t n = size - at < step ? size - at : step;

		if (seed % 4) {
			struct etr_compressor *c = etr_compressor_new(put, &s, 1);
			int rc;

			FUZZ_CHECK(c);
			rc = etr_compressor_write(c, plain + at, n) != 0 || etr_compressor_finish(c) != 0;
			etr_compressor_free(c);
			if (rc)
				return 0;
		} else {
			size_t packed = ZSTD_compress(data + s.n, max - s.n, plain + at, n, 1);

			if (ZSTD_isError(packed))
				return 0;
			s.n += packed;
		}
	}
	return s.n;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	ssize_t n = seed % 3 ? unpack(data, size) : -1;
	size_t packed;

	if (n < 0)
		return LLVMFuzzerMutate(data, size, max);
	packed = pack(data, max, structmut_mutate(plain, (size_t)n, MAX_PLAIN / 2, seed), seed / 3);
	/* Now and then bytes of the frames on top of it. */
	return packed && seed % 5 == 0 ? LLVMFuzzerMutate(data, packed, max) : packed;
}

/* A frame that wants much memory is refused or not, elsewhere tested; here it would only make the run slow. */
static int wants_much(const uint8_t *p, size_t size)
{
	for (size_t i = 0; i + 6 <= size; i++) {
		unsigned sizes[] = { (p[i + 4] & 0x20) != 0, 2, 4, 8 }, flag = p[i + 4] >> 6;
		uint64_t content = 0;

		if (wire_get_le32(p + i) != WIRE_ZSTD_MAGIC)
			continue;
		if (!(p[i + 4] & 0x20) && p[i + 5] >> 3 >= MAX_WINDOW_LOG - 10)
			return 1;
		for (unsigned k = 0; k < sizes[flag] && i + 5 + (p[i + 4] & 3) + k < size; k++)
			content |= (uint64_t)p[i + 5 + (p[i + 4] & 3) + k] << (8 * k);
		if ((p[i + 4] & 0x20) && content > (uint64_t)1 << MAX_WINDOW_LOG)
			return 1;
	}
	return 0;
}

struct source {
	const uint8_t *data;
	size_t size, at;
	uint64_t rng;
};

static size_t portion(struct source *s, size_t want, size_t there)
{
	size_t n = want < there ? want : there;

	s->rng = s->rng * 6364136223846793005u + 1442695040888963407u;
	return n ? 1 + (s->rng >> 40) % n : 0;
}

static ssize_t source_read(void *ctx, void *buf, size_t size)
{
	struct source *s = ctx;
	size_t n = portion(s, size, s->size - s->at);

	memcpy(buf, s->data + s->at, n);
	s->at += n;
	return (ssize_t)n;
}

static ssize_t source_pread(void *ctx, void *buf, size_t size, uint64_t off)
{
	struct source *s = ctx;
	size_t n = off >= s->size ? 0 : portion(s, size, s->size - (size_t)off);

	memcpy(buf, s->data + (n ? off : 0), n);
	return (ssize_t)n;
}

static int64_t source_size(void *ctx)
{
	return (int64_t)((struct source *)ctx)->size;
}

static void same(const struct fuzz_outcome *a, const struct fuzz_outcome *b)
{
	FUZZ_CHECK(a->events == b->events && a->hash == b->hash);
	FUZZ_CHECK(a->rc == b->rc && a->offset == b->offset && a->good_size == b->good_size);
}

static struct fuzz_outcome read_memory(const uint8_t *data, size_t size)
{
	struct etr_reader *r = etr_reader_new();
	struct fuzz_outcome out;

	FUZZ_CHECK(r);
	out = fuzz_read(r, etr_reader_open_memory(r, data, size), SIZE_MAX);
	etr_reader_free(r);
	return out;
}

/* Through the caller's functions; with pread also after going to a generation and a time, and to none. */
static void read_callbacks(const uint8_t *data, size_t size, const struct fuzz_outcome *want)
{
	struct source s = { data, size, 0, size + 1 };
	struct etr_input_ops ops = { .struct_size = sizeof(ops), .read = source_read };
	struct etr_reader *r = etr_reader_new();
	struct fuzz_outcome out;

	FUZZ_CHECK(r);
	out = fuzz_read(r, etr_reader_open_callbacks(r, &ops, &s), SIZE_MAX);
	same(want, &out);
	etr_reader_free(r);

	r = etr_reader_new();
	FUZZ_CHECK(r);
	ops.pread = source_pread;
	ops.size = source_size;
	out = fuzz_read(r, etr_reader_open_callbacks(r, &ops, &s), SIZE_MAX);
	same(want, &out);
	for (uint64_t gen = 0; gen < 4; gen++) {
		struct etr_event ev;

		if (etr_reader_seek_generation(r, gen) == 1 && etr_reader_next(r, &ev) == 1 && etr_reader_generation(r))
			FUZZ_CHECK(etr_reader_generation(r) == gen);
	}
	etr_reader_seek_time(r, 1000000000);
	etr_reader_size(r);
	etr_reader_free(r);
}

static int drain(struct etr_reader *r, uint64_t *events)
{
	struct etr_event ev;
	int rc;

	while ((rc = etr_reader_next(r, &ev)) == 1)
		++*events;
	return rc;
}

/* A file that grows piece by piece ends as it would if it had been there; then it is mended, and has nothing more to mend. */
static void read_file(const uint8_t *data, size_t size, const struct fuzz_outcome *want)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC), rc;
	struct etr_reader *r = etr_reader_new();
	struct source s = { data, size, 0, size + 3 };
	static const uint8_t table[] = { 0x5e, 0x2a, 0x4d, 0x18 };
	struct etr_mend mend;
	uint64_t events = 0;

	FUZZ_CHECK(fd >= 0 && r);
	etr_reader_follow(r, 1);
	rc = etr_reader_open_fd(r, fd);
	while (s.at < s.size) {
		size_t n = portion(&s, s.size, s.size - s.at);

		FUZZ_CHECK(write(fd, s.data + s.at, n) == (ssize_t)n);
		s.at += n;
		if (rc == 0 || rc == -ETR_E_AGAIN)
			rc = drain(r, &events);
		/* A seek table ends it, whatever comes behind it. */
		if (rc != -ETR_E_AGAIN && s.at < s.size && memmem(data, size, table, sizeof(table)))
			break;
	}
	if (s.at == s.size) {
		etr_reader_follow(r, 0);
		if (rc == 0 || rc == -ETR_E_AGAIN)
			rc = drain(r, &events);
		/* A frame that comes in pieces is used before its checksum is there, and may be found to be no trace sooner. */
		if (want->rc == -ETR_E_COMPRESSION || (want->rc == -ETR_E_TRUNCATED && want->events == 0))
			FUZZ_CHECK(rc < 0);
		else
			FUZZ_CHECK(rc == want->rc && events == want->events);
	}
	etr_reader_free(r);
	rc = etr_compressed_mend(fd, &mend);
	if (rc == 0 && mend.mended)
		FUZZ_CHECK(etr_compressed_mend(fd, &mend) == 0 && mend.compressed && !mend.mended);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_outcome memory, inside;
	struct etr_raw_reader *raw;
	struct etr_raw_event ev;
	ssize_t n;

	if (wants_much(data, size))
		return 0;
	memory = read_memory(data, size);
	read_callbacks(data, size, &memory);
	read_file(data, size, &memory);

	raw = etr_raw_reader_new();
	FUZZ_CHECK(raw);
	if (etr_raw_reader_open_memory(raw, data, size) == 0)
		while (etr_raw_reader_next(raw, &ev) == 1)
			;
	etr_raw_reader_free(raw);

	n = size >= 4 && wire_is_zstd_frame(data) ? unpack(data, size) : -1;
	if (n >= 0) {
		inside = read_memory(plain, (size_t)n);
		/* What comes out may be compressed once more: that is not unpacked. */
		if (n < 4 || !wire_is_zstd_frame(plain))
			same(&inside, &memory);
	}
	return 0;
}
