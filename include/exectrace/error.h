/* SPDX-License-Identifier: BSD-3-Clause
 *
 * error.h - what can go wrong in libexectrace.
 *
 * Functions that can fail return 0 or more for success and one of these codes, negated, for failure.  The numbers are part
 * of the ABI: they never change, and new ones go into the gaps.
 */
#ifndef EXECTRACE_ERROR_H
#define EXECTRACE_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

enum etr_error {
	/* The caller and the machine. */
	ETR_E_INVALID = 1,	/* a misuse of the interface: wrong argument, wrong order of calls */
	ETR_E_NOMEM = 2,	/* an allocation failed */
	ETR_E_IO = 3,		/* reading or writing failed; errno tells how */
	ETR_E_AGAIN = 4,	/* a file that is followed has nothing whole that is new; it does not stay */

	/* The input as a whole. */
	ETR_E_EMPTY = 20,	/* there is nothing in it */
	ETR_E_FORMAT = 21,	/* not an execution trace */
	ETR_E_VERSION = 22,	/* an execution trace of a version that this library does not read */
	ETR_E_TRUNCATED = 23,	/* the input stops where more was promised */
	ETR_E_COMPRESSION = 24,	/* the compressed data is damaged, or cannot be read by this build */

	/* One generation of it. */
	ETR_E_BATCH = 40,	/* a malformed batch or batch header */
	ETR_E_TABLE = 41,	/* a malformed or contradictory string, stack, sample or clock table */
	ETR_E_EVENT = 42,	/* an event that cannot be decoded, or refers to something unknown */
	ETR_E_ORDER = 43,	/* an event that breaks the model's rules, or none that can come next */

	/* Text. */
	ETR_E_SYNTAX = 60,	/* the raw text form is malformed */
};

/* A short English name for a code, of either sign; never NULL. */
const char *etr_strerror(int code);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
