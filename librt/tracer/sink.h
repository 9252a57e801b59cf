/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sink.h - where the recording goes: a descriptor with a buffer before it. The writer's thread only.
 */
#ifndef TRACER_SINK_H
#define TRACER_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trace_zframes;

struct trace_sink {
	int fd;
	struct trace_zframes *zframes;	/* NULL: bytes go out as they are */
	bool regular;		/* a regular file, which can be cut back */
	int error;		/* 0 or -errno, the first; then everything is swallowed */
	uint64_t written;	/* offset behind the bytes that reached the descriptor */
	uint64_t whole;		/* of these, up to the end of the last whole generation */
	size_t used;
	uint8_t *buffer;
};

/*
 * Return: 0 or -ENOMEM. The recording begins at the descriptor's current offset.  level: of zstd, 0: not compressed.  Where
 * compressing is not possible, this is said on standard error, and the recording is not compressed.
 */
int trace_sink_open(struct trace_sink *sink, int fd, bool regular, unsigned level);
void trace_sink_put(struct trace_sink *sink, const void *bytes, size_t n);
void trace_sink_flush(struct trace_sink *sink);
/* Everything so far is whole: ends the frame, flushes, and remembers where to cut. */
void trace_sink_mark(struct trace_sink *sink);
/* Closes; what is behind the last mark is cut off if it can be, and the seek table follows.  Return: the sink's error. */
int trace_sink_close(struct trace_sink *sink);

#endif
