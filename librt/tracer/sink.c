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

#define BUFFER_SIZE ((size_t)256 << 10)

int trace_sink_open(struct trace_sink *sink, int fd, bool regular)
{
	*sink = (struct trace_sink){ .fd = fd, .regular = regular, .buffer = trace_pages_new(BUFFER_SIZE) };
	if (regular) {
		long at = syscall(SYS_lseek, fd, 0L, SEEK_CUR);

		sink->written = sink->whole = at > 0 ? (uint64_t)at : 0;
	}
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

void trace_sink_put(struct trace_sink *sink, const void *bytes, size_t n)
{
	if (n > BUFFER_SIZE - sink->used)
		trace_sink_flush(sink);
	if (n >= BUFFER_SIZE) {
		sink_write(sink, bytes, n);
		return;
	}
	memcpy(sink->buffer + sink->used, bytes, n);
	sink->used += n;
}

void trace_sink_mark(struct trace_sink *sink)
{
	trace_sink_flush(sink);
	if (sink->error == 0)
		sink->whole = sink->written;
}

int trace_sink_close(struct trace_sink *sink)
{
	trace_sink_flush(sink);
	if (sink->regular && sink->written > sink->whole)
		syscall(SYS_ftruncate, sink->fd, (off_t)sink->whole);
	if (syscall(SYS_close, sink->fd) < 0 && sink->error == 0 && errno != EINTR)
		sink->error = -errno;
	trace_pages_free(sink->buffer, BUFFER_SIZE);
	sink->buffer = NULL;
	return sink->error;
}
