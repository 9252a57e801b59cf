/* SPDX-License-Identifier: BSD-3-Clause
 *
 * rtcheck.h - what tests of the runtime have in common: they run goroutines, and children that fail.
 */
#ifndef TESTS_RTCHECK_H
#define TESTS_RTCHECK_H

#include <check.h>
#include <stdatomic.h>
#include <stddef.h>

#include "librt/sched/gmp.h"

/* In goroutines: remembers the first failure, which the test tells of when the runtime has stopped. */
extern _Atomic int rtcheck_failed_line;
#define expect(cond) do { \
	int none_ = 0; \
	if (!(cond)) \
		atomic_compare_exchange_strong(&rtcheck_failed_line, &none_, __LINE__); \
} while (0)

/* Runs fn, which returns 0, and tells of what failed in it. */
void rtcheck_run(int (*fn)(void *));

/* Channels live as long as the process: goroutines that are left behind use them, and leak checkers find them there. */
struct exrt_chan *rtcheck_chan(size_t size, size_t cap);

/* Runs fn in a child: its exit code, or 128 + signal; *text: what it said on stderr. */
int rtcheck_child(int (*fn)(void *), char text[4096]);

/* Functions to run: one returns *(int *)arg, as goroutines one never ends and one waits for ever. */
int rtcheck_return(void *arg);
void rtcheck_endless(void *arg);
void rtcheck_blocked(void *arg);

#endif
