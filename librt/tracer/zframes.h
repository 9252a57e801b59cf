/* SPDX-License-Identifier: BSD-3-Clause
 *
 * zframes.h - turns the recording into zstd frames, one a generation, and keeps their sizes for the seek table.  The writer's
 * thread only; in a build without zstd there are none (zframes-none.c).
 */
#ifndef TRACER_ZFRAMES_H
#define TRACER_ZFRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACE_ZSTD_MAX_LEVEL 19

struct trace_zframes;

/* Where compressed bytes go. */
typedef void trace_zframes_out(void *ctx, const void *bytes, size_t n);

/* All that compressing needs is allocated here.  Return: 0 and *z; -ENOMEM; -ENOTSUP in a build without zstd. */
int trace_zframes_new(struct trace_zframes **z, unsigned level);
void trace_zframes_free(struct trace_zframes *z);

/* Return: 0 or -errno, after which the frame at hand is lost. */
int trace_zframes_put(struct trace_zframes *z, const void *bytes, size_t n, trace_zframes_out *out, void *ctx);
/* Ends the frame at hand: all of it has been handed out. */
int trace_zframes_end(struct trace_zframes *z, trace_zframes_out *out, void *ctx);
/* Hands out the seek table of the frames that were ended; nothing where there are none or their sizes could not be kept. */
void trace_zframes_table(const struct trace_zframes *z, trace_zframes_out *out, void *ctx);

#endif
