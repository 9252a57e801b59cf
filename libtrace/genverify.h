/* SPDX-License-Identifier: BSD-3-Clause
 *
 * genverify.h - sees whether a reader takes what a writer is about to hand out.
 */
#ifndef LIBTRACE_GENVERIFY_H
#define LIBTRACE_GENVERIFY_H

#include <stddef.h>
#include <stdint.h>

#include <exectrace/reader.h>

#include "libtrace/fault.h"

/* A reader for etr__verify_generation(); NULL when out of memory. */
struct etr_reader *etr__verify_new(int version);

/*
 * Reads the whole generation at p, which follows those that were read before, and puts its events in order.  0, or a negative
 * code with the fault recorded, its offset counted from p; then the reader is of no more use.
 */
int etr__verify_generation(struct etr_reader *r, const uint8_t *p, size_t n, struct etr__fault *fault);

#endif
