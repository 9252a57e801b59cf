/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sink.c - buffered writing that survives short writes, signals, slow pipes, full disks and closed descriptors.
 *
 * Invariant: after the first error nothing is written any more, and sink->error keeps it.  SIGPIPE and SIGXFSZ are blocked on the
 * writer's thread, so they arrive as errors here.
 */
#include "librt/tracer/sink.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "librt/tracer/sys.h"
#include "librt/tracer/tracer.h"
#include "librt/tracer/zframes.h"

#define BUFFER_SIZE ((size_t)256 << 10)

/* A recording that is too large is better than none. */
static struct trace_zframes *compressor(unsigned level)
{
	struct trace_zframes *z = NULL;
	int err = level != 0 ? trace_zframes_new(&z, level) : 0;

	if (err < 0)
		trace_warn("recording uncompressed: %s", err == -ENOTSUP ? "built without zstd" : strerror(-err));
	return z;
}

int trace_sink_open(struct trace_sink *sink, int fd, bool regular, unsigned level)
{
	*sink = (struct trace_sink){ .fd = fd, .regular = regular, .buffer = trace_pages_new(BUFFER_SIZE) };
	if (regular) {
		long at = syscall(SYS_lseek, fd, 0L, SEEK_CUR);

		sink->written = sink->whole = at > 0 ? (uint64_t)at : 0;
	}
	sink->zframes = compressor(level);
	return sink->buffer != NULL ? 0 : -ENOMEM;
}

static void sink_write(struct trace_sink *sink, const uint8_t *p, size_t n)
{
	while (n > 0 && sink->error == 0) {
		long done = syscall(SYS_write, sink->fd, p, n);

		if (done > 0) {
			p += done;
			n -= (size_t)done;
			sink->written += (uint64_t)done;
		} else if (done == 0) {
			sink->error = -EIO;
		} else if (errno == EAGAIN) {
			struct pollfd pfd = { .fd = sink->fd, .events = POLLOUT };
			struct timespec second = { 1, 0 };

			syscall(SYS_ppoll, &pfd, 1, &second, NULL, 0);
		} else if (errno != EINTR) {
			sink->error = -errno;
		}
	}
}

void trace_sink_flush(struct trace_sink *sink)
{
	sink_write(sink, sink->buffer, sink->used);
	sink->used = 0;
}

/* Bytes as they go out. */
static void put_out(void *ctx, const void *bytes, size_t n)
{
	struct trace_sink *sink = ctx;

	if (n > BUFFER_SIZE - sink->used)
		trace_sink_flush(sink);
	if (n >= BUFFER_SIZE) {
		sink_write(sink, bytes, n);
		return;
	}
	memcpy(sink->buffer + sink->used, bytes, n);
	sink->used += n;
}

static void note_error(struct trace_sink *sink, int err)
{
	if (err < 0 && sink->error == 0)
		sink->error = err;
}

void trace_sink_put(struct trace_sink *sink, const void *bytes, size_t n)
{
	if (sink->zframes == NULL)
		put_out(sink, bytes, n);
	else if (sink->error == 0)
		note_error(sink, trace_zframes_put(sink->zframes, bytes, n, put_out, sink));
}

void trace_sink_mark(struct trace_sink *sink)
{
	if (sink->zframes != NULL && sink->error == 0)
		note_error(sink, trace_zframes_end(sink->zframes, put_out, sink));
	trace_sink_flush(sink);
	if (sink->error == 0)
		sink->whole = sink->written;
}

int trace_sink_close(struct trace_sink *sink)
{
	trace_sink_flush(sink);
	if (sink->regular && sink->written > sink->whole && syscall(SYS_ftruncate, sink->fd, (off_t)sink->whole) == 0) {
		syscall(SYS_lseek, sink->fd, (off_t)sink->whole, SEEK_SET);
		sink->written = sink->whole;
	}
	/* Behind half a frame it would not be found. */
	if (sink->zframes != NULL && sink->written == sink->whole) {
		trace_zframes_table(sink->zframes, put_out, sink);
		trace_sink_flush(sink);
	}
	trace_zframes_free(sink->zframes);
	sink->zframes = NULL;
	if (syscall(SYS_close, sink->fd) < 0 && sink->error == 0 && errno != EINTR)
		sink->error = -errno;
	trace_pages_free(sink->buffer, BUFFER_SIZE);
	sink->buffer = NULL;
	return sink->error;
}
