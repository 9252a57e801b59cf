/* SPDX-License-Identifier: BSD-3-Clause
 *
 * compressor-none.c - in a build without zstd there is no compressor.
 */
#include <exectrace/writer.h>

#include <errno.h>

struct etr_compressor *etr_compressor_new(int (*write)(void *ctx, const void *buf, size_t size), void *ctx, int level)
{
	errno = ENOTSUP;
	return NULL;
}

void etr_compressor_free(struct etr_compressor *c)
{
}

int etr_compressor_write(void *compressor, const void *buf, size_t size)
{
	errno = ENOTSUP;
	return -1;
}

int etr_compressor_finish(struct etr_compressor *c)
{
	errno = ENOTSUP;
	return -1;
}
