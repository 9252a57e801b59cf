/* SPDX-License-Identifier: BSD-3-Clause
 *
 * growth.h - arrays that grow.
 */
#ifndef LIBTRACE_GROWTH_H
#define LIBTRACE_GROWTH_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The long way of etr__grow. */
static inline int etr__grow_to(void *array, size_t *cap, size_t need, size_t elem)
{
	size_t n = *cap ? *cap : 16;
	void *old, *bigger;

	while (n < need) {
		if (n > SIZE_MAX / 2)
			return -1;
		n *= 2;
	}
	if (n > SIZE_MAX / elem)
		return -1;
	memcpy(&old, array, sizeof(old));
	bigger = realloc(old, n * elem);
	if (!bigger)
		return -1;
	memcpy(array, &bigger, sizeof(bigger));
	*cap = n;
	return 0;
}

/* Makes the array *(array) of *(cap) elements hold need at least.  0, or -1 when out of memory. */
#define etr__grow(array, cap, need)                                                                                              \
	((size_t)(need) <= *(cap) ? 0 : etr__grow_to((array), (cap), (need), sizeof(**(array))))

#endif
