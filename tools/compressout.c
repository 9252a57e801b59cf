/* SPDX-License-Identifier: BSD-3-Clause
 *
 * compressout.c - output files that are compressed traces.
 *
 * The output's stream is exchanged for one that compresses into it.  Whoever closes it, to commit the file or to throw it away,
 * ends the last frame, writes the seek table, and closes the first.
 */
#include "config.h"

#include "tools/compressout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <exectrace/writer.h>

struct packed {
	struct etr_compressor *compressor;
	FILE *inner;
};

int compress_level(const char *text, int otherwise)
{
	char *end;
	long level;

	if (!text)
		return otherwise;
	errno = 0;
	level = strtol(text, &end, 10);
	if (errno || end == text || *end || level < 0 || level > COMPRESS_MAX_LEVEL)
		command_usage_error("--compress: '%s' is not a level from 0 to %d", text, COMPRESS_MAX_LEVEL);
	return (int)level;
}

bool compress_is_asked_by(const char *path)
{
	size_t n = strlen(path);

	return n > 4 && strcmp(path + n - 4, ".zst") == 0;
}

static int write_inner(void *ctx, const void *buf, size_t size)
{
	struct packed *p = ctx;

	return fwrite(buf, 1, size, p->inner) == size ? 0 : -1;
}

static ssize_t packed_write(void *cookie, const char *buf, size_t size)
{
	struct packed *p = cookie;

	/* An error is 0 to the stream, not -1. */
	return etr_compressor_write(p->compressor, buf, size) == 0 ? (ssize_t)size : 0;
}

static int packed_close(void *cookie)
{
	struct packed *p = cookie;
	int error = etr_compressor_finish(p->compressor) == 0 ? 0 : errno;

	/* Standard output stays open: command_end() has the last word on it. */
	errno = 0;
	if ((p->inner == stdout ? fflush(stdout) : fclose(p->inner)) != 0 && error == 0)
		error = errno ? errno : EIO;
	etr_compressor_free(p->compressor);
	free(p);
	errno = error;
	return error == 0 ? 0 : -1;
}

int command_output_compress(struct command_output *out, int level)
{
	const cookie_io_functions_t io = { .write = packed_write, .close = packed_close };
	struct packed *p = malloc(sizeof(*p));
	FILE *f = NULL;

	if (p) {
		p->inner = out->f;
		p->compressor = etr_compressor_new(write_inner, p, level);
		f = p->compressor ? fopencookie(p, "wb", io) : NULL;
	}
	if (f) {
		setvbuf(f, NULL, _IOFBF, 1 << 16);
		out->f = f;
		return 0;
	}
	if (errno == ENOTSUP)
		command_error(out->path, "this build has no zstd to compress with");
	else
		command_error(out->path, "%s", strerror(errno));
	if (p)
		etr_compressor_free(p->compressor);
	free(p);
	command_output_discard(out);
	return -1;
}
