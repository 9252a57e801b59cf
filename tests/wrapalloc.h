/* SPDX-License-Identifier: BSD-3-Clause
 *
 * wrapalloc.h - the allocations of what a test links, which ld's --wrap sends to the test; what is in shared libraries is not.
 */
#ifndef TESTS_WRAPALLOC_H
#define TESTS_WRAPALLOC_H

#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void __wrap_free(void *p);

#endif
