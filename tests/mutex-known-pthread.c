/* SPDX-License-Identifier: BSD-3-Clause
 *
 * mutex-known-pthread.c - mutex-known.c's measurement in an ordinary pthread program.
 *
 * The holder begins its known time when the kernel says that the waiter sleeps, so LOW and HIGH hold whatever the machine does:
 * nothing but the lock can make the waiter sleep.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int waiter_tid;

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void *waiter(void *arg)
{
	atomic_store(&waiter_tid, (int)syscall(SYS_gettid));
	pthread_mutex_lock(&mu);
	pthread_mutex_unlock(&mu);
	return NULL;
}

static int sleeps(int tid)
{
	char path[64], line[512] = "", *state;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	state = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	fclose(f);
	return state && strncmp(state, ") S", 3) == 0;
}

static inline __attribute__((always_inline)) void hold(const char *name, long ns)
{
	struct timespec t = { 0, ns };
	int64_t before, blocked, low;
	pthread_t thread;

	atomic_store(&waiter_tid, 0);
	pthread_mutex_lock(&mu);
	before = now();
	pthread_create(&thread, NULL, waiter, NULL);
	while (!atomic_load(&waiter_tid) || !sleeps(atomic_load(&waiter_tid)))
		usleep(1000);
	blocked = now();
	nanosleep(&t, NULL);
	low = now() - blocked;
	pthread_mutex_unlock(&mu);
	printf("%s %lld %lld\n", name, (long long)low, (long long)(now() - before));
	pthread_join(thread, NULL);
}

static __attribute__((noinline)) void hold_short(void)
{
	hold("hold_short", 20000000);
}

static __attribute__((noinline)) void hold_middle(void)
{
	hold("hold_middle", 60000000);
}

static __attribute__((noinline)) void hold_long(void)
{
	hold("hold_long", 180000000);
}

int main(void)
{
	hold_short();
	hold_middle();
	hold_long();
	return 0;
}
