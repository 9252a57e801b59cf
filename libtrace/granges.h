/* SPDX-License-Identifier: BSD-3-Clause
 *
 * granges.h - the ranges that are open on a goroutine: at most one mark assist, and stopped worlds, of each kind at most one.
 *
 * Recorded traces have one or two, a hostile one as many as it has strings, so nothing here looks through them all.
 */
#ifndef LIBTRACE_GRANGES_H
#define LIBTRACE_GRANGES_H

#include <stdbool.h>
#include <stdint.h>

#include "libtrace/gtable.h"

/* A range that is open on a G; for an STW its kind as the file's string id, for an assist 0. */
struct etr__range {
	uint8_t begin;			/* type byte of the event that begins such a range */
	uint64_t kind;
};

bool etr__range_is_open(const struct etr__g *g, uint8_t begin, uint64_t kind);

/* It must not be open.  0, or -1 when out of memory. */
int etr__range_open(struct etr__g *g, uint8_t begin, uint64_t kind);

/* Ends the first of the ranges with that begin: true, and its kind; false where there is none. */
bool etr__range_close(struct etr__g *g, uint8_t begin, uint64_t *kind);

/* Ends all. */
void etr__ranges_clear(struct etr__g *g);

/* Makes those of g the ones that are open on from.  0, or -1 when out of memory. */
int etr__ranges_copy(struct etr__g *g, const struct etr__g *from);

#endif
