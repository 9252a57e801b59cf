/* SPDX-License-Identifier: BSD-3-Clause
 *
 * checks.h - what programs of Check tests have in common.
 */
#ifndef TESTS_CHECKS_H
#define TESTS_CHECKS_H

#include <check.h>

/* The tests of a case, of which there must be one. */
#define CHECKS(...) ((const TTest *const[]){ __VA_ARGS__, NULL })

/* Adds a case of tests, which NULL ends; each of them may take so many seconds. */
TCase *checks_add(Suite *suite, const char *name, int seconds, const TTest *const *tests);

/* Runs the suite and frees it.  Return: what main() returns. */
int checks_run(Suite *suite);

#endif
