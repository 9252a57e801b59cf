/* SPDX-License-Identifier: BSD-3-Clause
 *
 * core.h - what the core's own files share.
 */
#ifndef TRACER_CORE_H
#define TRACER_CORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "librt/tracer/chunk.h"
#include "librt/tracer/clock.h"
#include "librt/tracer/sys.h"
#include "librt/tracer/tracer.h"
#include "wire/event.h"

#define TRACE_NS_PER_MS 1000000ull
#define TRACE_NS_PER_S 1000000000ull

/* Why a session ended before its time. */
enum trace_trouble { TRACE_FINE, TRACE_SINK_FAILED, TRACE_OVERRUN };

/*
 * One per process.  `lock` guards the list of Ms, and start and stop against each other; the writer's own state is in
 * writerthread.c.
 */
struct trace_core {
	const struct trace_host *host;	/* written once, by trace_init */
	struct trace_lock lock;
	struct trace_m *ms;		/* all registered Ms; lock */
	uint64_t last_serial;		/* lock */
	uint64_t last_gen;		/* the last generation number used; the writer's, or start's before there is a writer */
	_Atomic uint64_t last_stamp;
	_Atomic uint32_t trouble;	/* enum trace_trouble; emit paths set it, the writer acts */
	_Atomic uint32_t bell;		/* the writer's futex: add and wake */
	_Atomic uint64_t lost_orphans;	/* events dropped by Ms that are gone */
};
extern struct trace_core trace_core;

/* --- member.c --- */

/*
 * Waits until no M writes in a generation before the current one; but not for the M in *dying (NULL: none), which may change
 * meanwhile.
 */
void trace_pins_wait(_Atomic(const struct trace_m *) *dying);
/* Bounds of the stack of M's own thread; 0, 0 when unknown. */
void trace_m_stack_bounds(const struct trace_m *m, uintptr_t *lo, uintptr_t *hi);
/* In a forked child: forgets all Ms but the calling thread's. */
void trace_members_after_fork(void);

struct trace_m_private {
	uintptr_t stack_lo, stack_hi;
	struct trace_sampler *sampler;	/* sampler.c's; set under the core's lock */
};

/* --- emit.c --- */

/* Wakes the writer, whatever for. Async-signal-safe. */
void trace_bell_ring(void);

/* --- writerthread.c: the session's thread --- */

struct trace_session {
	struct trace_options options;	/* defaults filled in; read-only while the thread runs */
	int fd;
	bool regular;			/* a regular file, which can be cut back */
	uint64_t first_gen;		/* numbered 1 in the file */
	struct trace_clock_snapshot first_snapshot;
	_Atomic bool started;		/* the generation is on; the thread waits for it */
	/* Requests, stored before the bell rings; answers, stored before `answer` is moved and woken. */
	_Atomic uint64_t advances_wanted, advances_done;
	_Atomic bool stop_wanted;
	_Atomic(const struct trace_m *) dying;	/* an M whose thread waits in a fatal signal's handler: pinned for ever */
	_Atomic bool ended;		/* the thread touches nothing any more */
	_Atomic int error;		/* 0 or -errno, valid when ended or when an advance is done */
	_Atomic uint32_t answer;	/* futex */
};
/* The thread's function: arg is the session. */
void trace_writer_run(void *arg);

/*
 * For the handler of a fatal signal on M's thread (or NULL): asks for the session's end and waits at most ns nanoseconds.
 * Return: whether it ended.  Async-signal-safe.
 */
bool trace_session_flush_dying(const struct trace_m *m, uint64_t ns);

/* Many chunks are in use: the writer had better look. Cheap when it was told already. */
void trace_writer_nudge(void);

#endif
