/* SPDX-License-Identifier: BSD-3-Clause
 *
 * duration.h - numbers and durations as users write them.  Taken digit by digit, so that no fraction of a nanosecond is invented
 * and what does not fit is refused.
 */
#ifndef COND_DURATION_H
#define COND_DURATION_H

#include <stdbool.h>
#include <stdint.h>

/* Each takes what stands at *text, moves *text behind it, and returns false for nothing of the kind or what is too large. */

/* Digits, as a number up to INT64_MAX. */
bool duration_take_int(const char **text, int64_t *number);

/* "1.5s", "200ms", "1m30s", "0", in ns; units are ns, us (µs), ms, s, m and h. */
bool duration_take(const char **text, int64_t *ns);

/* Digits behind a decimal point, in units of 1/scale; what is finer is dropped, no digit is 0. */
int64_t duration_take_fraction(const char **text, int64_t scale);

#endif
