/* SPDX-License-Identifier: BSD-3-Clause
 *
 * notrace.h - what an input is that cannot be read, and what to do about it.
 */
#ifndef LIBTRACE_NOTRACE_H
#define LIBTRACE_NOTRACE_H

#include <stddef.h>
#include <stdint.h>

#include "libtrace/fault.h"

#define ETR__NOTRACE_LOOK 64	/* bytes that are worth looking at */

/* Records that the input, which begins with these bytes, is no trace: ETR_E_FORMAT.  Returns the code. */
int etr__refuse_format(struct etr__fault *fault, const uint8_t *p, size_t n) __attribute__((cold));

/* Records that it is a trace of go 1.MINOR, which is not among those that can be read: ETR_E_VERSION.  Returns the code. */
int etr__refuse_version(struct etr__fault *fault, int minor) __attribute__((cold));

#endif
