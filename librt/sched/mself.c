/* SPDX-License-Identifier: BSD-3-Clause
 *
 * mself.c - which M the calling thread is.
 *
 * Alone in its file, and kept from being seen through: compilers take the address of a thread-local variable to be constant
 * within a function, and goroutines change threads in the middle of one. The same goes for errno.
 */
#include "librt/sched/gmp.h"

#include <errno.h>

static _Thread_local struct exrt__m *self __attribute__((tls_model("initial-exec")));

__attribute__((noinline)) struct exrt__m *exrt__m_self(void)
{
	__asm__ volatile("" ::: "memory");
	return self;
}

__attribute__((noinline)) void exrt__m_set_self(struct exrt__m *m)
{
	__asm__ volatile("" ::: "memory");
	self = m;
}

__attribute__((noinline)) int exrt__errno_get(void)
{
	__asm__ volatile("" ::: "memory");
	return errno;
}

__attribute__((noinline)) void exrt__errno_set(int value)
{
	__asm__ volatile("" ::: "memory");
	errno = value;
}
