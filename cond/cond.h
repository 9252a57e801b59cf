/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cond.h - conditions on what happened and how long it took, as users write them:
 *
 *     syscall > 100ms
 *     blocked(sync) > 50ms or runnable >= 20ms
 *     region(checkout) > 1s and not region(checkout) > 1m
 *     stw > 1ms
 *
 * A condition is true or false of one interval: a stay of a goroutine in a state, or a region, task or range from its begin to
 * its end.
 *
 *     condition = all { ("or" | "||") all }
 *     all       = one { ("and" | "&&") one }
 *     one       = ("not" | "!") one | "(" condition ")" | kind [ "(" name ")" ] [ (">" | ">=" | "<" | "<=" | "=") duration ]
 *
 *     kind               is true of                                             name
 *     running            running, on a processor                                what made it leave the last state
 *     runnable           ready to run and waiting for a processor               why it is: contained in the reason
 *     waiting, blocked   waiting for something                                  for what: contained in the reason
 *     syscall            inside a system call                                   -
 *     region             a user region                                          its type
 *     task               a user task                                            its type
 *     range              a range of the runtime's                               its name
 *     stw                a stop-the-world: range(stop-the-world*)               -
 *     gc                 a collection: range(GC concurrent mark phase)          -
 *
 * Names of regions, tasks and ranges match as a whole, case matters, * stands for any text and ? for one byte.  A name with quotes
 * around it may hold anything, \" and \\ included; without them it ends at the closing parenthesis.  Durations are
 * those of duration.h.
 *
 * A parsed condition is one flat struct: it can be copied, needs no freeing, and matching neither allocates nor locks.
 */
#ifndef COND_COND_H
#define COND_COND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cond_kind {
	COND_RUNNING,
	COND_RUNNABLE,
	COND_WAITING,
	COND_SYSCALL,
	COND_REGION,
	COND_TASK,
	COND_RANGE,
	COND_KIND_COUNT_
};

#define COND_MAX_NODES 64
#define COND_MAX_NAMES 1024

struct cond {
	/* In postfix order: terms push, operators pop. */
	struct cond_node {
		uint8_t op;		/* internal */
		uint8_t kind;		/* enum cond_kind */
		uint8_t compare;
		uint16_t name, name_len; /* in names; the length 0: any */
		int64_t ns;
	} nodes[COND_MAX_NODES];
	unsigned n;
	char names[COND_MAX_NAMES];
	unsigned names_used;
};

struct cond_error {
	size_t column;			/* from 1 */
	const char *message;		/* static */
};

/* 0, or -1 with *error telling what is wrong where.  Too long a condition is an error, too. */
int cond_parse(struct cond *cond, const char *text, struct cond_error *error);

/* An interval that ended. */
struct cond_interval {
	enum cond_kind kind;
	const char *name;		/* reason, type or name; need not end with a NUL */
	size_t name_len;
	int64_t ns;			/* how long it took */
};

bool cond_matches(const struct cond *cond, const struct cond_interval *interval);

/* Which kinds of intervals it speaks of, as bits 1 << enum cond_kind: others need not be looked for. */
unsigned cond_kinds(const struct cond *cond);

#endif
