/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test-waiting.c - what goroutines wait for besides channels: locks, wait groups, time, system calls.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "tests/checks.h"
#include "tests/rtcheck.h"

/* --- locks --------------------------------------------------------------------------------------------------------- */

static struct exrt_mutex mutex;
static long guarded;

static void add_guarded(void *arg)
{
	for (int i = 0; i < 2000; i++) {
		exrt_mutex_lock(&mutex);
		long v = guarded;

		if (i % 16 == 0)
			exrt_yield();
		guarded = v + 1;
		exrt_mutex_unlock(&mutex);
	}
	exrt_waitgroup_done(arg);
}

static int lock_many(void *arg)
{
	struct exrt_waitgroup wg = EXRT_WAITGROUP_INIT;

	exrt_maxprocs(4);
	exrt_waitgroup_add(&wg, 10);
	for (int i = 0; i < 10; i++)
		exrt_go(add_guarded, &wg);
	exrt_waitgroup_wait(&wg);
	expect(guarded == 20000);
	expect(exrt_mutex_trylock(&mutex));
	expect(!exrt_mutex_trylock(&mutex));
	exrt_mutex_unlock(&mutex);
	return 0;
}

START_TEST(mutex_lets_in_one_at_a_time)
{
	rtcheck_run(lock_many);
}
END_TEST

static void add_few(void *arg)
{
	for (int i = 0; i < 20; i++) {
		exrt_mutex_lock(&mutex);
		for (volatile int held = 0; held < 500; held++)
			;
		guarded++;
		exrt_mutex_unlock(&mutex);
	}
	exrt_waitgroup_done(arg);
}

/* Nobody unlocks after a round's last one: a waiter that it overlooks is left for ever, which is a deadlock. */
static int lock_in_rounds(void *arg)
{
	exrt_maxprocs(2);
	for (int round = 0; round < 5000; round++) {
		struct exrt_waitgroup wg = EXRT_WAITGROUP_INIT;

		exrt_waitgroup_add(&wg, 8);
		for (int i = 0; i < 8; i++)
			exrt_go(add_few, &wg);
		exrt_waitgroup_wait(&wg);
		expect(guarded == (round + 1) * 8 * 20);
	}
	return 0;
}

START_TEST(mutex_overlooks_no_waiter)
{
	rtcheck_run(lock_in_rounds);
}
END_TEST

static _Atomic bool hog_ends;

/* Takes the lock again in the moment in which it lets it go. */
static void hog(void *arg)
{
	exrt_mutex_lock(&mutex);
	while (!hog_ends) {
		exrt_sleep(300000);
		exrt_mutex_unlock(&mutex);
		exrt_mutex_lock(&mutex);
	}
	exrt_mutex_unlock(&mutex);
}

static int lock_against_hog(void *arg)
{
	exrt_maxprocs(1);
	exrt_go(hog, NULL);
	exrt_yield();
	for (int i = 0; i < 5; i++) {
		exrt_mutex_lock(&mutex);	/* hangs if the hog could keep it for ever */
		exrt_mutex_unlock(&mutex);
	}
	hog_ends = true;
	return 0;
}

START_TEST(mutex_does_not_starve_those_who_wait)
{
	rtcheck_run(lock_against_hog);
}
END_TEST

static _Atomic int finished;

static void finish(void *arg)
{
	for (int i = 0; i < 3; i++)
		exrt_yield();
	finished++;
	exrt_waitgroup_done(arg);
}

static void wait_too(void *arg)
{
	struct exrt_waitgroup **wgs = arg;

	exrt_waitgroup_wait(wgs[0]);
	expect(finished % 50 == 0);
	exrt_waitgroup_done(wgs[1]);
}

static int wait_group(void *arg)
{
	for (int round = 0; round < 20; round++) {
		struct exrt_waitgroup wg = EXRT_WAITGROUP_INIT, waiters = EXRT_WAITGROUP_INIT, *both[] = { &wg, &waiters };

		exrt_waitgroup_wait(&wg);
		exrt_waitgroup_add(&wg, 50);
		exrt_waitgroup_add(&waiters, 3);
		for (int i = 0; i < 50; i++)
			exrt_go(finish, &wg);
		for (int i = 0; i < 3; i++)
			exrt_go(wait_too, both);
		exrt_waitgroup_wait(&waiters);
		expect(finished == 50 * (round + 1));
	}
	return 0;
}

START_TEST(wait_group_waits_for_all)
{
	rtcheck_run(wait_group);
}
END_TEST

/* --- sleep and system calls ---------------------------------------------------------------------------------------- */

static int sleeps(void *arg)
{
	int64_t t = exrt_nanotime();

	exrt_sleep(5000000);
	expect(exrt_nanotime() - t >= 5000000);
	exrt_sleep(0);
	exrt_sleep(-5);
	return 0;
}

START_TEST(sleep_lasts_at_least_as_long)
{
	rtcheck_run(sleeps);
}
END_TEST

static struct exrt_chan *order;

static void sleep_then_tell(void *arg)
{
	exrt_sleep(*(int *)arg * 10000000ll);
	exrt_chan_send(order, arg);
}

static int sleepers(void *arg)
{
	static int times[] = { 3, 1, 4, 2 };
	int v;

	order = rtcheck_chan(sizeof(int), 4);
	exrt_maxprocs(1);
	for (int i = 0; i < 4; i++)
		exrt_go(sleep_then_tell, &times[i]);
	for (int i = 1; i <= 4; i++) {
		exrt_chan_recv(order, &v);
		expect(v == i);
	}
	return 0;
}

START_TEST(sleepers_wake_in_order)
{
	rtcheck_run(sleepers);
}
END_TEST

static int pipe_fd[2];

static void write_byte(void *arg)
{
	expect(exrt_write(pipe_fd[1], "x", 1) == 1);
}

static int blocked_syscall(void *arg)
{
	char byte = 0;

	exrt_maxprocs(1);
	expect(pipe(pipe_fd) == 0);
	/* The only P is in read() until another goroutine writes, so it must be taken from there. */
	exrt_go(write_byte, NULL);
	expect(exrt_read(pipe_fd[0], &byte, 1) == 1);
	expect(byte == 'x');
	return 0;
}

START_TEST(a_blocked_syscall_gives_up_its_p)
{
	rtcheck_run(blocked_syscall);
}
END_TEST

static int syscall_errors(void *arg)
{
	char byte;
	int fd;

	expect(exrt_open("/nonexistent", O_RDONLY, 0) == -ENOENT);
	expect(exrt_read(-1, &byte, 1) == -EBADF);
	expect(exrt_write(-1, &byte, 1) == -EBADF);
	expect(exrt_close(-1) == -EBADF);
	fd = exrt_open("/dev/null", O_RDWR, 0);
	expect(fd >= 0);
	expect(exrt_write(fd, "abc", 3) == 3);
	expect(exrt_close(fd) == 0);
	exrt_go(rtcheck_endless, NULL);
	for (int i = 0; i < 20; i++) {
		exrt_syscall_begin();
		poll(NULL, 0, 1);
		errno = E2BIG;
		exrt_syscall_end();
		expect(exrt__errno_get() == E2BIG);
	}
	return 0;
}

START_TEST(syscalls_tell_errors)
{
	rtcheck_run(syscall_errors);
}
END_TEST

static void stuck(void *arg)
{
	char byte;

	exrt_read(pipe_fd[0], &byte, 1);
}

static int leave_stuck(void *arg)
{
	expect(pipe(pipe_fd) == 0);
	exrt_go(stuck, NULL);
	exrt_sleep(1000000);
	return 3;
}

START_TEST(run_ends_while_a_goroutine_is_in_a_syscall)
{
	ck_assert_int_eq(exrt_run(leave_stuck, NULL), 3);
	ck_assert_int_eq(exrt_run(leave_stuck, NULL), -EBUSY);
	ck_assert_int_eq(write(pipe_fd[1], "x", 1), 1);
	/* Its thread ends by itself now. */
	for (int i = 0; i < 1000 && exrt_run(rtcheck_return, &(int){ 4 }) != 4; i++)
		poll(NULL, 0, 10);
	ck_assert_int_eq(exrt_run(rtcheck_return, &(int){ 5 }), 5);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("waiting");

	checks_add(suite, "locks", 60, CHECKS(mutex_lets_in_one_at_a_time, mutex_overlooks_no_waiter,
		mutex_does_not_starve_those_who_wait, wait_group_waits_for_all));
	checks_add(suite, "waits", 60, CHECKS(sleep_lasts_at_least_as_long, sleepers_wake_in_order,
		a_blocked_syscall_gives_up_its_p, syscalls_tell_errors, run_ends_while_a_goroutine_is_in_a_syscall));
	return checks_run(suite);
}
