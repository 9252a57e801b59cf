/* SPDX-License-Identifier: BSD-3-Clause
 *
 * mutex-known.c - locks that are held for known times while known goroutines wait: what a mutex profile must show.
 *
 * Two scenes. In each, a first holder keeps the lock until all waiters wait, and then for a while; each waiter then holds it
 * for a while in its turn. At each unlock that wakes a waiter, every goroutine that still waits has waited since it began or
 * since the unlock before; the program adds these times up with its own clock and prints them, a line for each function that
 * unlocks:
 *
 *     FUNCTION CONTENTIONS NANOSECONDS
 */
#include <stdio.h>
#include <stdlib.h>

#include <exectrace/rt.h>

#define MS 1000000ll
#define MAX_WAITERS 3

struct scene {
	struct exrt_mutex mutex;
	struct exrt_waitgroup done;
	int waiters, next;		/* how many; who is the next to get the lock */
	int64_t hold;
	int64_t since[MAX_WAITERS];	/* when each began to wait, or the last unlock */
	_Atomic int waiting;
	long first_count, later_count;	/* contentions by who unlocks */
	int64_t first_ns, later_ns;
};

/* Before an unlock, while the lock is held: what it ends.  The waiters get the lock in the order in which they came. */
static void account(struct scene *s, long *count, int64_t *ns)
{
	int64_t now = exrt_nanotime();

	if (s->next == s->waiters)
		return;
	++*count;
	for (int i = s->next; i < s->waiters; i++) {
		*ns += now - s->since[i];
		s->since[i] = now;
	}
	s->next++;
}

static __attribute__((noinline)) void unlock_first(struct scene *s)
{
	account(s, &s->first_count, &s->first_ns);
	exrt_mutex_unlock(&s->mutex);
	__asm__ volatile("");		/* no tail call: this function is to be on the stack */
}

static __attribute__((noinline)) void unlock_later(struct scene *s)
{
	account(s, &s->later_count, &s->later_ns);
	exrt_mutex_unlock(&s->mutex);
	__asm__ volatile("");
}

static void wait_and_hold(void *arg)
{
	struct scene *s = arg;

	s->since[s->waiting++] = exrt_nanotime();
	exrt_mutex_lock(&s->mutex);
	exrt_sleep(s->hold);
	unlock_later(s);
	exrt_waitgroup_done(&s->done);
}

static void play(struct scene *s)
{
	exrt_waitgroup_add(&s->done, s->waiters);
	exrt_mutex_lock(&s->mutex);
	/* One after the other, so that they wait in a known order. */
	for (int i = 0; i < s->waiters; i++) {
		exrt_go(wait_and_hold, s);
		while (s->waiting <= i)
			exrt_yield();
		exrt_sleep(2 * MS);
	}
	exrt_sleep(s->hold);
	unlock_first(s);
	exrt_waitgroup_wait(&s->done);
}

static int run(void *arg)
{
	struct scene one = { .waiters = 1, .hold = 50 * MS }, three = { .waiters = 3, .hold = 30 * MS };

	play(&one);
	play(&three);
	printf("unlock_first %ld %lld\n", one.first_count + three.first_count, (long long)(one.first_ns + three.first_ns));
	printf("unlock_later %ld %lld\n", one.later_count + three.later_count, (long long)(one.later_ns + three.later_ns));
	return 0;
}

int main(void)
{
	return exrt_run(run, NULL) != 0;
}
