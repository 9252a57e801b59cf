/* SPDX-License-Identifier: BSD-3-Clause
 *
 * zframes.c - one zstd frame for each generation, with a checksum, and the seek table behind them.
 *
 * libzstd is linked in, hidden, where its static library is to be had: the program's own copy, of whatever version, is not touched
 * and does not touch ours, and nothing is loaded into a program that is not recorded compressed.
 */
#include "librt/tracer/zframes.h"

#include <errno.h>
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "wire/seektable.h"

/* A frame's size has four bytes in the table, compressed too. */
#define MAX_FRAME ((uint64_t)1 << 31)

struct trace_zframes {
	ZSTD_CCtx *cctx;
	uint64_t in, out;		/* bytes of the frame at hand */
	struct { uint32_t out, in; } *frames;
	size_t n, cap;
	bool no_table;			/* out of memory: the frames speak for themselves */
	uint8_t buffer[32 << 10];
};

/* One step of compressing what is left of *in.  Return: whether it is done; *error is 0 or -errno. */
static bool step(struct trace_zframes *z, ZSTD_inBuffer *in, ZSTD_EndDirective how, trace_zframes_out *out, void *ctx, int *error)
{
	ZSTD_outBuffer o = { z->buffer, sizeof(z->buffer), 0 };
	size_t left = ZSTD_compressStream2(z->cctx, &o, in, how);

	*error = 0;
	if (ZSTD_isError(left)) {
		*error = ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation ? -ENOMEM : -EIO;
		return true;
	}
	if (o.pos > 0)
		out(ctx, z->buffer, o.pos);
	z->out += o.pos;
	return how == ZSTD_e_end ? left == 0 : in->pos == in->size;
}

/* libzstd calls this where someone has it.  The program's is not for what we do. */
unsigned long long ZSTD_trace_compress_begin(const ZSTD_CCtx *cctx);

unsigned long long ZSTD_trace_compress_begin(const ZSTD_CCtx *cctx)
{
	return 0;
}

static void discard(void *ctx, const void *bytes, size_t n)
{
}

int trace_zframes_new(struct trace_zframes **out, unsigned level)
{
	struct trace_zframes *z = calloc(1, sizeof(*z));
	int error = -ENOMEM;

	if (z != NULL)
		z->cctx = ZSTD_createCCtx();
	if (z != NULL && z->cctx != NULL) {
		ZSTD_CCtx_setParameter(z->cctx, ZSTD_c_compressionLevel, (int)level);
		ZSTD_CCtx_setParameter(z->cctx, ZSTD_c_checksumFlag, 1);
		/* An empty frame that nobody sees: what it allocates is there for all that follow. */
		error = trace_zframes_put(z, "", 1, discard, NULL);
		ZSTD_CCtx_reset(z->cctx, ZSTD_reset_session_only);
		z->in = z->out = 0;
	}
	if (error != 0) {
		trace_zframes_free(z);
		return error;
	}
	*out = z;
	return 0;
}

void trace_zframes_free(struct trace_zframes *z)
{
	if (z == NULL)
		return;
	ZSTD_freeCCtx(z->cctx);
	free(z->frames);
	free(z);
}

int trace_zframes_put(struct trace_zframes *z, const void *bytes, size_t n, trace_zframes_out *out, void *ctx)
{
	ZSTD_inBuffer in = { bytes, n, 0 };
	int error;

	while (!step(z, &in, ZSTD_e_continue, out, ctx, &error))
		;
	z->in += n;
	if (error == 0 && (z->in >= MAX_FRAME || z->out >= MAX_FRAME))
		error = trace_zframes_end(z, out, ctx);
	return error;
}

static void note_frame(struct trace_zframes *z)
{
	if (z->n == z->cap) {
		size_t cap = z->cap != 0 ? z->cap * 2 : 64;
		void *bigger = reallocarray(z->frames, cap, sizeof(*z->frames));

		z->no_table = z->no_table || bigger == NULL || cap > WIRE_SEEK_MAX_FRAMES;
		if (bigger != NULL) {
			z->frames = bigger;
			z->cap = cap;
		}
	}
	if (!z->no_table) {
		z->frames[z->n].out = (uint32_t)z->out;
		z->frames[z->n++].in = (uint32_t)z->in;
	}
	z->in = z->out = 0;
}

int trace_zframes_end(struct trace_zframes *z, trace_zframes_out *out, void *ctx)
{
	ZSTD_inBuffer in = { NULL, 0, 0 };
	int error;

	while (!step(z, &in, ZSTD_e_end, out, ctx, &error))
		;
	if (error == 0)
		note_frame(z);
	return error;
}

void trace_zframes_table(const struct trace_zframes *z, trace_zframes_out *out, void *ctx)
{
	uint8_t piece[16];

	if (z->no_table || z->n == 0)
		return;
	out(ctx, piece, (size_t)(wire_put_seek_header(piece, (uint32_t)z->n) - piece));
	for (size_t i = 0; i < z->n; i++)
		out(ctx, piece, (size_t)(wire_put_seek_entry(piece, z->frames[i].out, z->frames[i].in) - piece));
	out(ctx, piece, (size_t)(wire_put_seek_footer(piece, (uint32_t)z->n) - piece));
}
