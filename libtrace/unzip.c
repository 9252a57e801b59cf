/* SPDX-License-Identifier: BSD-3-Clause
 *
 * unzip.c - reads zstd frames, of whatever number, kind and origin, front to back, and jumps to those that a seek table names.
 *
 * The seek table is the file's word only: a jump lands where it says, and what is found there must be a frame.  Once frames that
 * are read one after the other turn out to be elsewhere, it counts no more.  Memory: a frame's window, 128 MiB at most, and 16
 * bytes for each entry of the table, which takes 8 in the file.
 */
#include "libtrace/unzip.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "libtrace/input.h"
#include "wire/seektable.h"

/* What zstd itself takes unless it is told --long=N. */
#define WINDOW_LOG_MAX 27
#define BUFFER ((size_t)128 * 1024)
/* Behind a jump, where perhaps only a frame's beginning is wanted. */
#define JUMP_READ ((size_t)8 * 1024)

struct etr__unzip {
	ZSTD_DStream *dctx;
	uint8_t *buf;			/* stored bytes; [at, len) are still to be decompressed */
	size_t at, len;
	uint64_t raw_end;		/* the offset in the file of buf[len] */
	size_t portion;			/* how much is read next; it grows */
	uint64_t out;			/* uncompressed bytes so far, counted from the beginning */
	bool in_frame;
	bool full;			/* the last caller's buffer was: there may be more where the input has ended */
	uint32_t magic;			/* of the frame at hand, or of the last one */
	struct etr__zframe frame;	/* its beginning */
	struct etr__zfault fault;

	bool looked;			/* for the table */
	struct etr__zframe *frames;	/* the table's, and behind them where the last one ends; NULL: there is none */
	size_t nframes;
	size_t next;			/* the frame of the table that should come next */
	bool jumped;			/* what is read next depends on the table */
};

struct etr__unzip *etr__unzip_new(const uint8_t *head, size_t n)
{
	struct etr__unzip *z = calloc(1, sizeof(*z));

	if (!z)
		return NULL;
	z->buf = malloc(n > BUFFER ? n : BUFFER);
	z->dctx = z->buf ? ZSTD_createDStream() : NULL;
	if (!z->dctx || ZSTD_isError(ZSTD_DCtx_setParameter(z->dctx, ZSTD_d_windowLogMax, WINDOW_LOG_MAX))) {
		etr__unzip_free(z);
		errno = ENOMEM;
		return NULL;
	}
	if (n)
		memcpy(z->buf, head, n);
	z->len = n;
	z->raw_end = n;
	z->portion = BUFFER;
	return z;
}

void etr__unzip_free(struct etr__unzip *z)
{
	if (!z)
		return;
	ZSTD_freeDStream(z->dctx);
	free(z->frames);
	free(z->buf);
	free(z);
}

const struct etr__zfault *etr__unzip_fault(const struct etr__unzip *z)
{
	return &z->fault;
}

bool etr__unzip_is_in_frame(const struct etr__unzip *z)
{
	return z->in_frame;
}

bool etr__unzip_has_ended(const struct etr__unzip *z)
{
	return !z->in_frame && z->at == z->len && z->magic == WIRE_SEEK_TABLE_MAGIC;
}

uint64_t etr__unzip_raw_offset(const struct etr__unzip *z)
{
	return z->raw_end - (z->len - z->at);
}

uint64_t etr__unzip_raw_needed(const struct etr__unzip *z, uint64_t off)
{
	return z->in_frame && z->frame.out >= off ? z->frame.raw : etr__unzip_raw_offset(z);
}

static __attribute__((format(printf, 3, 4), cold)) ssize_t fail(struct etr__unzip *z, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(z->fault.message, sizeof(z->fault.message), fmt, ap);
	va_end(ap);
	z->fault.code = code;
	z->fault.frame_out = z->frame.out;
	errno = EBADMSG;
	return -1;
}

/* Has need stored bytes in the buffer unless the file ends.  Returns how many there are, or -1 with errno set. */
static ssize_t fill(struct etr__unzip *z, struct etr__input *in, size_t need)
{
	while (z->len - z->at < need) {
		size_t room = BUFFER - (z->len - z->at);
		ssize_t n;

		memmove(z->buf, z->buf + z->at, z->len - z->at);
		z->len -= z->at;
		z->at = 0;
		n = etr__input_read_raw(in, z->buf + z->len, room < z->portion ? room : z->portion, z->raw_end);
		z->portion = z->portion < BUFFER ? 2 * z->portion : BUFFER;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		z->len += (size_t)n;
		z->raw_end += (uint64_t)n;
	}
	return (ssize_t)(z->len - z->at);
}

/* A frame begins here: the table must have it here, or it is wrong.  0, or -1. */
static int compare_with_table(struct etr__unzip *z)
{
	const struct etr__zframe *f = z->frames ? &z->frames[z->next] : NULL;

	if (!f || z->magic == WIRE_SEEK_TABLE_MAGIC)
		return 0;
	if (z->next < z->nframes && f->raw == z->frame.raw && f->out == z->frame.out) {
		z->next++;
		return 0;
	}
	if (z->jumped)
		return (int)fail(z, ETR_E_COMPRESSION, "the seek table contradicts the frame at byte %" PRIu64 " of the file", z->frame.raw);
	free(z->frames);
	z->frames = NULL;
	z->nframes = 0;
	return 0;
}

/* The file ends in the first n bytes of a frame, fewer than four.  0 where nothing is lost by that, else -1. */
static int cut_off_begin(struct etr__unzip *z, size_t n)
{
	static const uint8_t frame[] = { 0x28, 0xb5, 0x2f }, skippable[] = { 0x50, 0x2a, 0x4d };
	const uint8_t *p = z->buf + z->at;

	if ((p[0] & 0xf0) == skippable[0] && memcmp(p + 1, skippable + 1, n - 1) == 0)
		return 0;
	if (memcmp(p, frame, n) != 0)
		return (int)fail(z, ETR_E_COMPRESSION, "no zstd frame begins at byte %" PRIu64 " of the compressed file", z->frame.raw);
	return (int)fail(z, ETR_E_TRUNCATED, "the compressed file is cut off at byte %" PRIu64 ", where a frame begins", z->raw_end);
}

/* Looks at the next frame's first bytes.  1, 0 at the end of the file, -1. */
static int begin_frame(struct etr__unzip *z, struct etr__input *in)
{
	ssize_t n = fill(z, in, 4);

	if (n < 0)
		return -1;
	if (n == 0 || (n < 4 && in->follow))
		return 0;
	z->frame = (struct etr__zframe){ etr__unzip_raw_offset(z), z->out };
	if (n < 4)
		return cut_off_begin(z, (size_t)n);
	if (!wire_is_zstd_frame(z->buf + z->at))
		return (int)fail(z, ETR_E_COMPRESSION, "no zstd frame begins at byte %" PRIu64 " of the compressed file", z->frame.raw);
	z->magic = wire_get_le32(z->buf + z->at);
	if (compare_with_table(z) != 0)
		return -1;
	z->in_frame = true;
	return 1;
}

static ssize_t refuse(struct etr__unzip *z, size_t rc)
{
	switch (ZSTD_getErrorCode(rc)) {
	case ZSTD_error_memory_allocation:
		errno = ENOMEM;
		return -1;
	case ZSTD_error_frameParameter_windowTooLarge:
		return fail(z, ETR_E_COMPRESSION, "the frame at byte %" PRIu64 " of the compressed file wants a window of more than %u MiB;"
			    " unpack it with zstd -d --long=31", z->frame.raw, 1u << (WINDOW_LOG_MAX - 20));
	default:
		return fail(z, ETR_E_COMPRESSION, "the frame that begins at byte %" PRIu64 " of the compressed file is damaged: %s",
			    z->frame.raw, ZSTD_getErrorName(rc));
	}
}

/* The file ends inside a frame. */
static ssize_t cut_off(struct etr__unzip *z, struct etr__input *in, size_t got)
{
	if (in->follow || got)
		return (ssize_t)got;
	/* Such a frame holds no data: nothing is missing. */
	if ((z->magic & 0xfffffff0u) == WIRE_ZSTD_SKIPPABLE)
		return 0;
	return fail(z, ETR_E_TRUNCATED, "the compressed file is cut off at byte %" PRIu64 ", in the frame that begins at byte %" PRIu64,
		    z->raw_end, z->frame.raw);
}

ssize_t etr__unzip_read(struct etr__unzip *z, struct etr__input *in, void *buf, size_t size)
{
	ZSTD_outBuffer o = { buf, size, 0 };
	bool pending = z->full;

	z->full = false;
	/* When buf is full, one more step takes the frame's checksum if that is what comes. */
	for (bool full = false;;) {
		ZSTD_inBuffer i;
		size_t rc, before = o.pos;
		bool drained;

		if (!z->in_frame) {
			int began = o.pos ? 0 : begin_frame(z, in);

			if (began <= 0)
				return began < 0 ? -1 : (ssize_t)o.pos;
		}
		if (fill(z, in, 1) < 0)
			return o.pos ? (ssize_t)o.pos : -1;
		/* There may still be something behind what was taken before; otherwise zstd is not called for nothing too often. */
		drained = z->at == z->len;
		if (drained && !pending && o.pos == 0)
			return cut_off(z, in, 0);
		i = (ZSTD_inBuffer){ z->buf, z->len, z->at };
		rc = ZSTD_decompressStream(z->dctx, &o, &i);
		z->at = i.pos;
		z->out += o.pos - before;
		if (ZSTD_isError(rc))
			return refuse(z, rc);
		z->in_frame = rc != 0;
		if (drained && z->in_frame && o.pos == before)
			return cut_off(z, in, o.pos);
		z->full = o.pos == size;
		if (full)
			return (ssize_t)o.pos;
		full = z->full;
	}
}

/* --- the seek table --- */

/* Reads size stored bytes.  Whether they were all there. */
static bool read_raw(struct etr__input *in, uint8_t *p, size_t size, uint64_t off)
{
	for (size_t got = 0; got < size;) {
		ssize_t n = etr__input_read_raw(in, p + got, size - got, off + got);

		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

/* Takes n entries of a table that begins at off, and sees that the frames fill the file up to it. */
static bool read_entries(struct etr__unzip *z, struct etr__input *in, uint64_t off, uint32_t n, size_t entry)
{
	struct etr__zframe at = { 0, 0 };
	uint8_t buf[12 * 256];

	z->frames = malloc(((size_t)n + 1) * sizeof(*z->frames));
	if (!z->frames)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *p = buf + (i % 256) * entry;

		if (i % 256 == 0 && !read_raw(in, buf, (n - i < 256 ? n - i : 256) * entry, off + WIRE_SEEK_HEADER_SIZE + i * entry))
			return false;
		z->frames[i] = at;
		at.raw += wire_get_le32(p);
		at.out += wire_get_le32(p + 4);
	}
	z->frames[n] = at;
	z->nframes = n;
	return at.raw == off;
}

static bool read_table(struct etr__unzip *z, struct etr__input *in)
{
	uint8_t footer[WIRE_SEEK_FOOTER_SIZE], header[WIRE_SEEK_HEADER_SIZE];
	uint64_t size, content, off;
	uint32_t n;
	size_t entry;

	if (!etr__input_raw_size(in, &size) || size < WIRE_SEEK_HEADER_SIZE + WIRE_SEEK_FOOTER_SIZE)
		return false;
	if (!read_raw(in, footer, sizeof(footer), size - sizeof(footer)))
		return false;
	n = wire_get_le32(footer);
	if (wire_get_le32(footer + 5) != WIRE_SEEK_FOOTER_MAGIC || n > WIRE_SEEK_MAX_FRAMES || (footer[4] & WIRE_SEEK_RESERVED))
		return false;
	entry = WIRE_SEEK_ENTRY_SIZE + (footer[4] & WIRE_SEEK_HAS_CHECKSUMS ? 4 : 0);
	content = n * entry + WIRE_SEEK_FOOTER_SIZE;
	if (size < WIRE_SEEK_HEADER_SIZE + content)
		return false;
	off = size - content - WIRE_SEEK_HEADER_SIZE;
	if (!read_raw(in, header, sizeof(header), off))
		return false;
	if (wire_get_le32(header) != WIRE_SEEK_TABLE_MAGIC || wire_get_le32(header + 4) != content)
		return false;
	return read_entries(z, in, off, n, entry);
}

/* The table is looked for when it is first wanted, not in a file that grows. */
static void look_for_table(struct etr__unzip *z, struct etr__input *in)
{
	if (z->looked || in->raw == ETR__INPUT_STREAM || in->follow)
		return;
	z->looked = true;
	if (read_table(z, in)) {
		/* Frames that are behind us count as seen. */
		while (z->next < z->nframes && z->frames[z->next].raw <= z->frame.raw)
			z->next++;
		if (z->next && z->frames[z->next - 1].raw == z->frame.raw && z->frames[z->next - 1].out == z->frame.out)
			return;
	}
	free(z->frames);
	z->frames = NULL;
	z->nframes = 0;
}

const struct etr__zframe *etr__unzip_frames(struct etr__unzip *z, struct etr__input *in, size_t *n)
{
	look_for_table(z, in);
	*n = z->nframes;
	return z->frames;
}

uint64_t etr__unzip_size(struct etr__unzip *z, struct etr__input *in)
{
	look_for_table(z, in);
	return z->frames ? z->frames[z->nframes].out : 0;
}

uint64_t etr__unzip_seek(struct etr__unzip *z, struct etr__input *in, uint64_t off)
{
	struct etr__zframe to = { 0, 0 };
	size_t lo = 0;

	look_for_table(z, in);
	/* The last frame at or before off. */
	for (size_t hi = z->nframes; lo < hi;) {
		size_t mid = lo + (hi - lo) / 2;

		if (z->frames[mid].out <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo)
		to = z->frames[lo - 1];
	if (!z->fault.code && z->out <= off && to.out <= z->out)
		return z->out;
	/* Never fails for a session's reset. */
	ZSTD_DCtx_reset(z->dctx, ZSTD_reset_session_only);
	z->at = z->len = 0;
	z->portion = JUMP_READ;
	z->raw_end = to.raw;
	z->out = to.out;
	z->frame = to;
	z->in_frame = z->full = false;
	z->next = lo ? lo - 1 : 0;
	z->jumped = to.raw != 0;
	z->fault.code = 0;
	return z->out;
}
