/* SPDX-License-Identifier: BSD-3-Clause
 *
 * hostthread.h - the threads that pretended hosts give the recorder's core.
 */
#ifndef TESTS_HOSTTHREAD_H
#define TESTS_HOSTTHREAD_H

/* As struct trace_host's thread_new wants it: detached, with all signals blocked.  Return: 0 or -errno. */
int hostthread_new(void (*fn)(void *), void *arg);

#endif
