/* SPDX-License-Identifier: BSD-3-Clause
 *
 * pthosted.h - tests of the pthread host without its hooks: what they have in common.
 *
 * The hooks would stand before a sanitizer's own, so the tests call what they are made of.
 */
#ifndef TESTS_PTHOSTED_H
#define TESTS_PTHOSTED_H

#include "librt/pthread/pthost.h"
#include "tests/checks.h"

/* The record of the test's own thread. */
extern struct pt_thread *self;

void start_recording(void);

/* What is in the trace. */
struct found {
	uint64_t blocks, syscalls, syscalls_blocked, creations, ends, steals;
};

/* Fails where the trace is refused. */
void read_trace(struct found *found);

/* A wait that ends by itself while others try to end it, who wake waiters of the key. */
extern const char pthosted_key;
void wait_shortly(void);

/* Between the two generations end all the time. */
void advance_begin(void);
void advance_end(void);

/* Runs tests, a list by CHECKS(), in this process.  Return: what main() returns. */
int pthosted_run(const char *name, const TTest *const *tests);

#endif
