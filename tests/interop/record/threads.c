/* SPDX-License-Identifier: BSD-3-Clause
 *
 * threads.c - threads that call into Go.
 */
//go:build cgo
#include <pthread.h>
#include <stdint.h>
#include <unistd.h>

extern void goCalled(int n);
void run_threads(int threads, int calls);

static void *run(void *arg)
{
	for (int i = 0; i < (int)(intptr_t)arg; i++) {
		goCalled(i);
		usleep(50);
	}
	return 0;
}

/* Starts threads that call Go so often, and waits for them; this one calls too. */
void run_threads(int threads, int calls)
{
	pthread_t t[8];
	int n = 0;

	while (n < threads && n < 8 && pthread_create(&t[n], 0, run, (void *)(intptr_t)calls) == 0)
		n++;
	goCalled(0);
	while (n > 0)
		pthread_join(t[--n], 0);
}
