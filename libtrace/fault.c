/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fault.c - what went wrong, in words.
 */
#include "libtrace/fault.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void compose(struct etr__fault *f)
{
	if (f->generation)
		snprintf(f->detail, sizeof(f->detail), "offset %" PRIu64 ": generation %" PRIu64 ": %s", f->offset, f->generation,
			 f->message);
	else
		snprintf(f->detail, sizeof(f->detail), "offset %" PRIu64 ": %s", f->offset, f->message);
}

int etr__fault_set(struct etr__fault *f, int code, uint64_t offset, const char *fmt, ...)
{
	va_list ap;

	f->code = -code;
	f->offset = offset;
	f->generation = 0;
	va_start(ap, fmt);
	vsnprintf(f->message, sizeof(f->message), fmt, ap);
	va_end(ap);
	compose(f);
	return f->code;
}

int etr__fault_in(struct etr__fault *f, uint64_t generation)
{
	f->generation = generation;
	compose(f);
	return f->code;
}

int etr__fault_nomem(struct etr__fault *f)
{
	return etr__fault_set(f, ETR_E_NOMEM, f->offset, "out of memory");
}

int etr__fault_io(struct etr__fault *f, uint64_t offset)
{
	if (errno == ENOMEM)
		return etr__fault_nomem(f);
	return etr__fault_set(f, ETR_E_IO, offset, "%s", strerror(errno));
}
