/* SPDX-License-Identifier: BSD-3-Clause
 *
 * steps.c - for each byte that it is given, starts something in one_step(), and says its process id when that is over.
 *
 * Between the bytes it waits, so that a test can look at what has been recorded up to there.  It ends where its input does.
 *
 * Built twice: on the runtime, and with WITH_PTHREAD on pthreads, with which it knows nothing of the recorder.
 */
#include <stdio.h>
#include <unistd.h>

#ifdef WITH_PTHREAD
#include <pthread.h>
#define READ read

static void *nothing(void *arg)
{
	return arg;
}

static __attribute__((noinline)) int one_step(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0;
}
#else
#include <exectrace/rt.h>
#define READ exrt_read

static void finish(void *arg)
{
	exrt_waitgroup_done(arg);
}

static __attribute__((noinline)) int one_step(void)
{
	struct exrt_waitgroup wg = { 0 };

	exrt_waitgroup_add(&wg, 1);
	if (exrt_go(finish, &wg) != 0)
		return 0;
	exrt_waitgroup_wait(&wg);
	return 1;
}
#endif

static int run(void *arg)
{
	char byte;

	while (READ(0, &byte, 1) == 1) {
		if (!one_step())
			return 1;
		printf("%d\n", (int)getpid());
		fflush(stdout);
	}
	return arg != NULL;
}

int main(void)
{
#ifdef WITH_PTHREAD
	return run(NULL);
#else
	return exrt_run(run, NULL);
#endif
}
