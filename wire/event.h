/* SPDX-License-Identifier: BSD-3-Clause
 *
 * event.h - numbers and descriptions of the trace format's events, made from events.def.
 *
 * No allocation, no I/O, no mutable state: usable from signal handlers and by the recorder and the parser alike.
 */
#ifndef WIRE_EVENT_H
#define WIRE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Type bytes: WIRE_GO_BLOCK and so on. */
enum wire_type {
#define WIRE_EVENT(sym, type, name, since, cls, ...) WIRE_##sym = type,
#include "wire/events.def"
#undef WIRE_EVENT
};

enum wire_class {
	WIRE_CLASS_NONE,	/* not an event */
	WIRE_CLASS_STRUCTURAL,
	WIRE_CLASS_TIMED,
	WIRE_CLASS_EXPERIMENT,	/* timed, and of an experiment */
};

enum wire_role {
	WIRE_ROLE_DT = 1,
	WIRE_ROLE_TIME,
	WIRE_ROLE_VALUE,
	WIRE_ROLE_STRING,
	WIRE_ROLE_STACK,
	WIRE_ROLE_SEQ,
	WIRE_ROLE_G,
	WIRE_ROLE_P,
	WIRE_ROLE_M,
	WIRE_ROLE_TASK,
	WIRE_ROLE_STATUS,
	WIRE_ROLE_LEN,
	WIRE_ROLE_COUNT,
};

#define WIRE_MAX_ARGS 6		/* the most arguments of any event, dt counted */

struct wire_arg {
	const char *name;
	uint8_t role;		/* enum wire_role */
};

struct wire_spec {
	const char *name;	/* NULL: no event has this type byte */
	uint8_t cls;		/* enum wire_class */
	uint8_t since;		/* minor Go version of the first writer */
	uint8_t nargs;
	struct wire_arg args[WIRE_MAX_ARGS];
};

/* Indexed by type byte. */
extern const struct wire_spec wire_specs[256];

static inline bool wire_is_timed(uint8_t type)
{
	return wire_specs[type].cls >= WIRE_CLASS_TIMED;
}

/* The type byte of the event of that name (len bytes, case matters), or -1. */
int wire_type_by_name(const char *name, size_t len);

/* Names of the experiments by number; NULL for numbers without one. */
const char *wire_experiment_name(uint64_t experiment);

#define WIRE_EXPERIMENT_ALLOC_FREE 1

/* Limits of the format. */
#define WIRE_HEADER_SIZE 16
#define WIRE_MAX_BATCH_SIZE 65536u
#define WIRE_MAX_STRING_SIZE 1024u
#define WIRE_MAX_FRAMES 128u
#define WIRE_NO_M UINT64_MAX	/* "no thread" in a batch header */

/* G status values of GoStatus, and P status values of ProcStatus. */
enum wire_gstatus { WIRE_G_RUNNABLE = 1, WIRE_G_RUNNING, WIRE_G_SYSCALL, WIRE_G_WAITING };
enum wire_pstatus { WIRE_P_RUNNING = 1, WIRE_P_IDLE, WIRE_P_SYSCALL, WIRE_P_SYSCALL_ABANDONED };

#endif
