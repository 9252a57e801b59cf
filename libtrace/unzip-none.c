/* SPDX-License-Identifier: BSD-3-Clause
 *
 * unzip-none.c - in a build without zstd: compressed input is known for what it is, and refused.
 */
#include "libtrace/unzip.h"

#include <errno.h>

#include <exectrace/error.h>

/* What every such input is told. */
static const struct etr__zfault refusal = {
	.code = ETR_E_COMPRESSION,
	.message = "compressed with zstd, which this build cannot read; unpack it with zstd -d",
};

struct etr__unzip {
	char nothing;
};

static struct etr__unzip the_only_one;

struct etr__unzip *etr__unzip_new(const uint8_t *head, size_t n)
{
	return &the_only_one;
}

void etr__unzip_free(struct etr__unzip *z)
{
}

ssize_t etr__unzip_read(struct etr__unzip *z, struct etr__input *in, void *buf, size_t size)
{
	errno = EBADMSG;
	return -1;
}

const struct etr__zfault *etr__unzip_fault(const struct etr__unzip *z)
{
	return &refusal;
}

uint64_t etr__unzip_seek(struct etr__unzip *z, struct etr__input *in, uint64_t off)
{
	return 0;
}

const struct etr__zframe *etr__unzip_frames(struct etr__unzip *z, struct etr__input *in, size_t *n)
{
	*n = 0;
	return NULL;
}

uint64_t etr__unzip_size(struct etr__unzip *z, struct etr__input *in)
{
	return 0;
}

bool etr__unzip_is_in_frame(const struct etr__unzip *z)
{
	return false;
}

bool etr__unzip_has_ended(const struct etr__unzip *z)
{
	return false;
}

uint64_t etr__unzip_raw_offset(const struct etr__unzip *z)
{
	return 0;
}

uint64_t etr__unzip_raw_needed(const struct etr__unzip *z, uint64_t off)
{
	return 0;
}
