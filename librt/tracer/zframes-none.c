/* SPDX-License-Identifier: BSD-3-Clause
 *
 * zframes-none.c - in a build without zstd nothing is compressed, and whoever asks for it is told.
 */
#include "librt/tracer/zframes.h"

#include <errno.h>

int trace_zframes_new(struct trace_zframes **z, unsigned level)
{
	return -ENOTSUP;
}

void trace_zframes_free(struct trace_zframes *z)
{
}

int trace_zframes_put(struct trace_zframes *z, const void *bytes, size_t n, trace_zframes_out *out, void *ctx)
{
	return -ENOTSUP;
}

int trace_zframes_end(struct trace_zframes *z, trace_zframes_out *out, void *ctx)
{
	return -ENOTSUP;
}

void trace_zframes_table(const struct trace_zframes *z, trace_zframes_out *out, void *ctx)
{
}
