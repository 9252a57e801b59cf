/* SPDX-License-Identifier: BSD-3-Clause
 *
 * compressor.c - compresses a trace as it comes, a zstd frame for each generation, and writes the seek table.
 *
 * Where generations end is found by going along with the batch headers.  Bytes that are no trace (any more) are compressed as well,
 * without further frames.
 */
#include <exectrace/writer.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "libtrace/growth.h"
#include "wire/header.h"
#include "wire/seektable.h"

/* A frame's size has four bytes in the table. */
#define MAX_FRAME ((uint64_t)1 << 31)

struct etr_compressor {
	ZSTD_CCtx *cctx;
	int (*write)(void *ctx, const void *buf, size_t size);
	void *ctx;
	int error;			/* errno of what failed first; it stays */
	uint64_t in, out;		/* bytes of the frame at hand */
	struct size { uint32_t in, out; } *frames;
	size_t n, cap;

	/* Where the trace is. */
	int version;			/* 0: in the file header; below 0: it is no trace */
	uint64_t gen;			/* of the batch that came last; 0: none */
	uint64_t skip;			/* bytes of its data that are still to come */
	size_t nhead;
	uint8_t head[WIRE_BATCH_HEADER_MAX];	/* what has come of a header */
	uint8_t buffer[64 << 10];
};

struct etr_compressor *etr_compressor_new(int (*write)(void *ctx, const void *buf, size_t size), void *ctx, int level)
{
	struct etr_compressor *c;

	if (level < 1 || level > 19) {
		errno = EINVAL;
		return NULL;
	}
	c = calloc(1, sizeof(*c));
	if (c)
		c->cctx = ZSTD_createCCtx();
	if (!c || !c->cctx) {
		free(c);
		errno = ENOMEM;
		return NULL;
	}
	ZSTD_CCtx_setParameter(c->cctx, ZSTD_c_compressionLevel, level);
	ZSTD_CCtx_setParameter(c->cctx, ZSTD_c_checksumFlag, 1);
	c->write = write;
	c->ctx = ctx;
	return c;
}

void etr_compressor_free(struct etr_compressor *c)
{
	if (!c)
		return;
	ZSTD_freeCCtx(c->cctx);
	free(c->frames);
	free(c);
}

static int fail(struct etr_compressor *c, int error)
{
	c->error = error;
	errno = error;
	return -1;
}

static int put(struct etr_compressor *c, const void *p, size_t n)
{
	errno = 0;
	if (n && c->write(c->ctx, p, n) != 0)
		return fail(c, errno ? errno : EIO);
	return 0;
}

/* Compresses all of in, and ends the frame where `how` says so. */
static int compress(struct etr_compressor *c, ZSTD_inBuffer *in, ZSTD_EndDirective how)
{
	size_t left;

	if (c->error) {
		errno = c->error;
		return -1;
	}
	do {
		ZSTD_outBuffer o = { c->buffer, sizeof(c->buffer), 0 };

		left = ZSTD_compressStream2(c->cctx, &o, in, how);
		if (ZSTD_isError(left))
			return fail(c, ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation ? ENOMEM : EIO);
		if (put(c, c->buffer, o.pos) != 0)
			return -1;
		c->out += o.pos;
	} while (how == ZSTD_e_end ? left != 0 : in->pos < in->size);
	return 0;
}

static int end_frame(struct etr_compressor *c)
{
	ZSTD_inBuffer in = { NULL, 0, 0 };

	if (c->in == 0)
		return 0;
	if (compress(c, &in, ZSTD_e_end) != 0)
		return -1;
	if (c->n >= WIRE_SEEK_MAX_FRAMES || etr__grow(&c->frames, &c->cap, c->n + 1) != 0)
		return fail(c, ENOMEM);
	c->frames[c->n++] = (struct size){ (uint32_t)c->in, (uint32_t)c->out };
	c->in = c->out = 0;
	return 0;
}

static int add(struct etr_compressor *c, const void *p, size_t n)
{
	ZSTD_inBuffer in = { p, n, 0 };

	c->in += n;
	if (compress(c, &in, ZSTD_e_continue) != 0)
		return -1;
	return c->in >= MAX_FRAME ? end_frame(c) : 0;
}

/* Reads the header that has come so far.  1 and *gen and *size, 0: there is more of it, -1: it is none. */
static int parse_header(const struct etr_compressor *c, uint64_t *gen, uint64_t *size)
{
	const uint8_t *p = c->head + 1, *end = c->head + c->nhead;
	uint64_t v[4];

	*gen = c->gen;
	*size = 0;
	if (c->head[0] == WIRE_END_OF_GENERATION)
		return 1;
	if (c->head[0] != WIRE_EVENT_BATCH && c->head[0] != WIRE_EXPERIMENTAL_BATCH)
		return -1;
	p += c->head[0] == WIRE_EXPERIMENTAL_BATCH;
	for (int i = 0; i < 4; i++) {
		p = p < end ? wire_get_varint(p, end, &v[i]) : NULL;
		if (!p)
			return c->nhead < sizeof(c->head) ? 0 : -1;
	}
	*gen = v[0];
	*size = v[3];
	return 1;
}

/* A byte of a header. */
static int take_header(struct etr_compressor *c, uint8_t byte)
{
	uint64_t gen = 0, size = 0;
	int rc;

	c->head[c->nhead++] = byte;
	if (c->version == 0) {
		if (c->nhead < WIRE_HEADER_SIZE)
			return 0;
		c->version = wire_get_file_header(c->head);
		rc = c->version < 0 ? -1 : 1;
	} else {
		rc = parse_header(c, &gen, &size);
	}
	if (rc == 0)
		return 0;
	if (rc < 0)
		c->version = -1;
	/* Before 1.26 the next one's first batch ends a generation. */
	if (rc == 1 && c->version < 26 && gen != c->gen && c->gen != 0 && end_frame(c) != 0)
		return -1;
	c->gen = gen;
	c->skip = size;
	if (add(c, c->head, c->nhead) != 0)
		return -1;
	rc = c->version >= 26 && c->nhead == 1 && c->head[0] == WIRE_END_OF_GENERATION ? end_frame(c) : 0;
	c->nhead = 0;
	return rc;
}

int etr_compressor_write(void *compressor, const void *buf, size_t size)
{
	struct etr_compressor *c = compressor;
	const uint8_t *p = buf;

	while (size) {
		size_t n = c->version < 0 || c->skip > size ? size : (size_t)c->skip;

		if (n == 0) {
			if (take_header(c, *p) != 0)
				return -1;
			n = 1;
		} else {
			if (add(c, p, n) != 0)
				return -1;
			c->skip -= c->version < 0 ? 0 : n;
		}
		p += n;
		size -= n;
	}
	return 0;
}

int etr_compressor_finish(struct etr_compressor *c)
{
	uint8_t piece[16];

	if (c->nhead && add(c, c->head, c->nhead) != 0)
		return -1;
	c->nhead = 0;
	if (end_frame(c) != 0 || put(c, piece, (size_t)(wire_put_seek_header(piece, (uint32_t)c->n) - piece)) != 0)
		return -1;
	for (size_t i = 0; i < c->n; i++)
		if (put(c, piece, (size_t)(wire_put_seek_entry(piece, c->frames[i].out, c->frames[i].in) - piece)) != 0)
			return -1;
	return put(c, piece, (size_t)(wire_put_seek_footer(piece, (uint32_t)c->n) - piece));
}
