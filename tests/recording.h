/* SPDX-License-Identifier: BSD-3-Clause
 *
 * recording.h - recordings of the fake host, each in a folder of its own, and what a reader says of them.
 */
#ifndef TESTS_RECORDING_H
#define TESTS_RECORDING_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/fake-host.h"

extern char recording_dir[];		/* of the test that runs; it goes when the test ends */
extern char recording_path[256];	/* a file in it */

/*
 * Adds a case of tests, which NULL ends; see checks.h.  Each test is a process of its own, with a folder, and an environment that
 * asks for no recording.
 */
TCase *recording_tests(Suite *suite, const char *name, const TTest *const *tests);

/* Starts the fake host with three threads. */
void recording_host(bool always_pin);
/* Options for a file, with short generations. */
struct trace_options recording_options(const char *file);

void recording_pause(long ms);
/* Until the host made so many changes more. */
void recording_await(uint64_t n);
/* How many changes the host makes in so much time. */
uint64_t recording_changes(long ms);

struct recording {
	int error;			/* 0, or what the reader said */
	uint64_t events, syncs, transitions, logs, samples;
	bool sync_reason, named_frame;
};

struct recording recording_read(const char *file);

#endif
