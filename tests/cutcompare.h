/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cutcompare.h - windows of a trace, cut and compared with the trace.
 */
#ifndef TESTS_CUTCOMPARE_H
#define TESTS_CUTCOMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/slicer.h"
#include "tests/cutseen.h"

struct bytes {
	unsigned char *p;
	size_t n, cap;
};

void bytes_append(struct bytes *b, const void *p, size_t n);

/* What was compared. */
extern unsigned long cut_windows, cut_events;

/* Slices that are compared are given to it, if it is not NULL. */
extern void (*cut_keep)(const struct an_cut_window *window, const struct bytes *slice);

/* Where windows lie follows from it; not 0. */
extern uint64_t cut_random;

/* As see_trace(), and what a slice may not tell (seen_trace.odd); false: it cannot be read to its end (why tells), or nothing is in it. */
bool cut_see_whole(struct seen_trace *whole, const struct bytes *original, char *why, size_t size);

/*
 * Each cuts the trace, which was seen in full, at random places, and compares.  Return: 0, or -1 and it was said what differs.
 *	alone: one window, and one of the slice if `again`;
 *	parts: consecutive windows in one pass, if `late` after a pass that learns what is told late;
 *	sized: consecutive slices of about so many bytes;
 *	generations: a window by generations, with other names if `renamed`;
 *	damaged: two slices of a trace of which cut_see_whole() does not say that it is whole, as far as it goes.
 */
int cut_check_alone(const struct seen_trace *whole, const struct bytes *original, bool again);
int cut_check_parts(const struct seen_trace *whole, const struct bytes *original, bool late);
int cut_check_sized(const struct seen_trace *whole, const struct bytes *original);
int cut_check_generations(const struct seen_trace *whole, const struct bytes *original, bool renamed);
int cut_check_damaged(const struct seen_trace *whole, const struct bytes *original);

#endif
