/* SPDX-License-Identifier: BSD-3-Clause
 *
 * locktimes.c - holds a lock that others wait for, and says for how long.
 *
 * In each round the owner takes the lock, three waiters run into it, and the owner lets go a while after all have said that
 * they are about to.  Printed are the rounds, and the least and the most nanoseconds that the owner's unlocks can be charged:
 * the sum over rounds and waiters of the time from a waiter's word to just before, and just after, the unlock.
 *
 * Built twice: on the runtime, and with WITH_PTHREAD on pthreads.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#ifdef WITH_PTHREAD
#include <pthread.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
#define LOCK()	 pthread_mutex_lock(&lock)
#define UNLOCK() pthread_mutex_unlock(&lock)
#else
#include <exectrace/rt.h>
static struct exrt_mutex lock;
#define LOCK()	 exrt_mutex_lock(&lock)
#define UNLOCK() exrt_mutex_unlock(&lock)
#endif

enum { WAITERS = 3, ROUNDS = 5, HOLD_MS = 20 };

static atomic_int round_now, about_to_wait, done_waiting;
static int64_t waits_since[WAITERS];	/* written by its waiter before about_to_wait counts it */

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static void pause_ms(int ms)
{
#ifdef WITH_PTHREAD
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000L }, NULL);
#else
	exrt_sleep(ms * INT64_C(1000000));
#endif
}

static __attribute__((noinline)) void pass_on(void)
{
	LOCK();
	UNLOCK();
	__asm__ volatile("");
}

static void wait_each_round(int self)
{
	for (int r = 1; r <= ROUNDS; r++) {
		while (atomic_load(&round_now) < r)
			pause_ms(1);
		waits_since[self] = now();
		atomic_fetch_add(&about_to_wait, 1);
		pass_on();
		atomic_fetch_add(&done_waiting, 1);
	}
}

static __attribute__((noinline)) void hold_and_release(int r, int64_t *least, int64_t *most)
{
	int64_t before, after;

	LOCK();
	atomic_store(&round_now, r);
	while (atomic_load(&about_to_wait) < r * WAITERS)
		pause_ms(1);
	pause_ms(HOLD_MS);
	before = now();
	UNLOCK();
	after = now();
	for (int w = 0; w < WAITERS; w++) {
		*least += before - waits_since[w];
		*most += after - waits_since[w];
	}
}

static void own(void)
{
	int64_t least = 0, most = 0;

	for (int r = 1; r <= ROUNDS; r++) {
		hold_and_release(r, &least, &most);
		while (atomic_load(&done_waiting) < r * WAITERS)
			pause_ms(1);
	}
	printf("%d %" PRId64 " %" PRId64 "\n", ROUNDS, least, most);
}

#ifdef WITH_PTHREAD
static void *waiter(void *self)
{
	wait_each_round((int)(intptr_t)self);
	return NULL;
}

int main(void)
{
	pthread_t threads[WAITERS];

	for (int w = 0; w < WAITERS; w++)
		if (pthread_create(&threads[w], NULL, waiter, (void *)(intptr_t)w) != 0)
			return 1;
	own();
	for (int w = 0; w < WAITERS; w++)
		pthread_join(threads[w], NULL);
	return 0;
}
#else
static void waiter(void *self)
{
	wait_each_round((int)(intptr_t)self);
}

static int start(void *arg)
{
	(void)arg;
	for (int w = 0; w < WAITERS; w++)
		if (exrt_go(waiter, (void *)(intptr_t)w) != 0)
			return 1;
	own();
	return 0;
}

int main(void)
{
	return exrt_run(start, NULL);
}
#endif
