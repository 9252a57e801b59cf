/* SPDX-License-Identifier: BSD-3-Clause
 *
 * mutex-known.c - a goroutine waits for a lock while another holds it for a known time, in three functions.
 *
 * Prints "FUNCTION LOW HIGH" for each: the waiter was blocked for at least LOW and at most HIGH nanoseconds.  The bounds hold
 * whatever the machine does, since there is one processor: when the holder runs again after its yield, the waiter has
 * blocked. Run with RTMAXPROCS=1.
 */
#include <stdio.h>

#include <exectrace/rt.h>

static struct exrt_mutex mu = EXRT_MUTEX_INIT;
static struct exrt_waitgroup wg = EXRT_WAITGROUP_INIT;

static void waiter(void *arg)
{
	exrt_mutex_lock(&mu);
	exrt_mutex_unlock(&mu);
	exrt_waitgroup_done(&wg);
}

static inline __attribute__((always_inline)) void hold(const char *name, int64_t ns)
{
	int64_t before, blocked, low;

	exrt_waitgroup_add(&wg, 1);
	exrt_mutex_lock(&mu);
	before = exrt_nanotime();
	exrt_go(waiter, NULL);
	exrt_yield();
	blocked = exrt_nanotime();
	exrt_sleep(ns);
	low = exrt_nanotime() - blocked;
	exrt_mutex_unlock(&mu);
	printf("%s %lld %lld\n", name, (long long)low, (long long)(exrt_nanotime() - before));
	exrt_waitgroup_wait(&wg);
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

static int run(void *arg)
{
	hold_short();
	hold_middle();
	hold_long();
	return 0;
}

int main(void)
{
	return exrt_run(run, NULL);
}
