/* SPDX-License-Identifier: BSD-3-Clause
 *
 * hostthread.c - see hostthread.h.
 */
#include "tests/hostthread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct boot {
	void (*fn)(void *);
	void *arg;
};

static void *boot_run(void *arg)
{
	struct boot b = *(struct boot *)arg;

	free(arg);
	b.fn(b.arg);
	return NULL;
}

int hostthread_new(void (*fn)(void *), void *arg)
{
	struct boot *b = malloc(sizeof(*b));
	sigset_t all, old;
	pthread_attr_t attr;
	pthread_t t;
	int err;

	if (b == NULL)
		return -ENOMEM;
	*b = (struct boot){ fn, arg };
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = pthread_create(&t, &attr, boot_run, b);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err != 0)
		free(b);
	return -err;
}
