/* SPDX-License-Identifier: BSD-3-Clause
 *
 * emit.h - one function for each event that a host reports.
 *
 * All are called under a pin (trace_acquire returned true), by the M of the pin, with m->g and m->p as they were before the
 * event.  "The G" and "the P" are those.  Each writes what status duties demand before its event; the state before an event
 * follows from the event, so no function takes one.  A P that its M gives up (proc_stop) in a syscall: under the pin of that
 * syscall_begin.  None fails, blocks or allocates with malloc: what cannot be written is dropped and counted.
 *
 * Reasons and kinds are static strings (literals): identity by address is enough, and they live for ever.  Other texts are
 * copied. lock: identity of a lock that is waited for or released (its address), or 0; see exectrace(5) on "exectrace:lock".
 */
#ifndef TRACER_EMIT_H
#define TRACER_EMIT_H

#include <stddef.h>

#include "librt/tracer/tracer.h"

/* Processors. */
void trace_procs_change(struct trace_pin *pin, uint64_t procs, struct trace_where where);
void trace_proc_start(struct trace_pin *pin, struct trace_p *p);	/* the M takes p; call it before m->p is set */
void trace_proc_stop(struct trace_pin *pin);				/* the M gives its P up; call it before m->p is cleared */
/*
 * p is taken from `from`, which is in a syscall with it.  At the pin, the taker owns p (rule 2), and `from` cannot get it back.
 * The taker may have a P of its own or none, and may be `from` itself. When `from` returns, it reports that (end_blocked) only
 * after the taker's pin.
 */
void trace_proc_steal(struct trace_pin *pin, struct trace_p *p, struct trace_m *from);

/* Goroutines. */
/* g is new: runnable, or waiting if blocked.  entry: its first function. */
void trace_go_create(struct trace_pin *pin, struct trace_g *g, uintptr_t entry, bool blocked, struct trace_where where);
void trace_go_create_syscall(struct trace_pin *pin, struct trace_g *g);	/* a thread of foreign origin: M has no G yet; g is in a syscall on it */
void trace_go_start(struct trace_pin *pin, struct trace_g *g);		/* g was runnable; call it before m->g is set */
void trace_go_destroy(struct trace_pin *pin);				/* the G ends; call it before m->g is cleared */
void trace_go_destroy_syscall(struct trace_pin *pin);			/* the G, in a syscall, ends with its thread */
void trace_go_stop(struct trace_pin *pin, const char *reason, struct trace_where where);	/* to runnable; m->g still set */
void trace_go_block(struct trace_pin *pin, const char *reason, uintptr_t lock, struct trace_where where); /* to waiting; m->g still set */
void trace_go_unblock(struct trace_pin *pin, struct trace_g *g, uintptr_t lock, struct trace_where where); /* g: waiting to runnable */
/* The G blocks (or, with destroy, ends) and g, which was waiting, runs in its place; m->g still set to the old one. */
void trace_go_switch(struct trace_pin *pin, struct trace_g *g, bool destroy);
void trace_go_syscall_begin(struct trace_pin *pin, struct trace_where where);
void trace_go_syscall_end(struct trace_pin *pin);			/* the P was kept */
void trace_go_syscall_end_blocked(struct trace_pin *pin);		/* the P was lost: G becomes runnable; m->g still set, m->p NULL */
void trace_go_label(struct trace_pin *pin, const char *label, size_t len);

/* Stop-the-world, on the G. kind: as Go names them, such as "start trace", "GOMAXPROCS". */
void trace_stw_begin(struct trace_pin *pin, const char *kind, struct trace_where where);
void trace_stw_end(struct trace_pin *pin);

/* User annotations, on the G.  task 0: the background task. */
void trace_task_begin(struct trace_pin *pin, uint64_t task, uint64_t parent, const char *name, size_t len, struct trace_where where);
void trace_task_end(struct trace_pin *pin, uint64_t task, struct trace_where where);
void trace_region(struct trace_pin *pin, bool start, uint64_t task, const char *name, size_t len, struct trace_where where);
void trace_log(struct trace_pin *pin, uint64_t task, const char *key, size_t key_len, const char *value, size_t value_len,
	       struct trace_where where);

/* Memory, when the host has a collector or counts its heap. */
void trace_heap_alloc(struct trace_pin *pin, uint64_t bytes);

#endif
