/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sampler.h - CPU samples by per-thread CPU-time timers.
 */
#ifndef TRACER_SAMPLER_H
#define TRACER_SAMPLER_H

#include <stdint.h>

struct trace_m;

struct trace_sample {
	uint64_t time, m, p, g;		/* p UINT64_MAX: none; g 0: none */
	uint32_t n;
	const uintptr_t *pc;
};

/* A session wants hz samples a CPU second from now on, or none any more (0).  Takes the core's lock. */
void trace_samplers_set(unsigned hz);
/*
 * Hands over and removes all samples that were taken so far (the writer's thread). Takes the core's lock. Return: how many
 * were lost.
 */
uint64_t trace_samplers_drain(void (*take)(void *ctx, const struct trace_sample *s), void *ctx);

/* For registration, under the core's lock: by the M's own thread. */
void trace_sampler_attach(struct trace_m *m);
void trace_sampler_detach(struct trace_m *m);

/* In a forked child: timers are not inherited. */
void trace_samplers_after_fork(void);

#endif
