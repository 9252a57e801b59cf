/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sampler.c - to be written.
 */
#include "librt/tracer/sampler.h"
#include "librt/tracer/core.h"

void trace_samplers_set(unsigned hz)
{
	(void)hz;
}

uint64_t trace_samplers_drain(void (*take)(void *ctx, const struct trace_sample *s), void *ctx)
{
	(void)take;
	(void)ctx;
	return 0;
}

void trace_sampler_attach(struct trace_m *m)
{
	(void)m;
}

void trace_sampler_detach(struct trace_m *m)
{
	(void)m;
}

void trace_samplers_after_fork(void)
{
}
