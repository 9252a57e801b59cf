/* SPDX-License-Identifier: BSD-3-Clause
 *
 * grow.h - arrays that grow by doubling.
 */
#ifndef ANALYSIS_GROW_H
#define ANALYSIS_GROW_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <exectrace/error.h>

/*
 * Makes room for `need` elements of `size` bytes in *array, which has room for *cap.  New elements are not initialized.
 * Return: the array, perhaps at a new place, or NULL when out of memory, the old one being untouched.
 */
static inline void *an_grow(void *array, size_t *cap, size_t need, size_t size)
{
	size_t want = *cap ? *cap : 16;
	void *bigger;

	if (need <= *cap)
		return array;
	while (want < need) {
		if (want > SIZE_MAX / 2)
			return NULL;
		want *= 2;
	}
	if (want > SIZE_MAX / size)
		return NULL;
	bigger = realloc(array, want * size);
	if (bigger)
		*cap = want;
	return bigger;
}

#endif
