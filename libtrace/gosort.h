/* SPDX-License-Identifier: BSD-3-Clause
 *
 * gosort.h - an unstable sort that leaves equal elements in the order in which Go's slices.SortFunc leaves them.
 *
 * The order of events with equal times is part of what the reader promises, and Go's reader gets some of it from that sort.
 */
#ifndef LIBTRACE_GOSORT_H
#define LIBTRACE_GOSORT_H

#include <stdbool.h>
#include <stddef.h>

#define ETR__GOSORT_MAX_SIZE 64

/* Sorts n elements of size bytes (at most ETR__GOSORT_MAX_SIZE) in place. */
void etr__gosort(void *base, size_t n, size_t size, bool (*less)(const void *a, const void *b));

#endif
