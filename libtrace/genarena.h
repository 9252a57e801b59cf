/* SPDX-License-Identifier: BSD-3-Clause
 *
 * genarena.h - memory that is given back all at once, when a generation ends.
 */
#ifndef LIBTRACE_GENARENA_H
#define LIBTRACE_GENARENA_H

#include <stddef.h>

struct etr__arena {
	struct etr__chunk *first;	/* the newest */
	size_t used;			/* of the newest */
};

/* size bytes, or NULL.  Aligned to 8 bytes where all sizes asked of an arena are multiples of 8, else to nothing. */
void *etr__arena_alloc(struct etr__arena *arena, size_t size);

/* Takes everything back; one chunk is kept for what comes next. */
void etr__arena_clear(struct etr__arena *arena);
void etr__arena_free(struct etr__arena *arena);

#endif
