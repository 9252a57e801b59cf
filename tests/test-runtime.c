/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test-runtime.c - what goroutines see: running, channels, select, locks, sleep, system calls, and the errors that end a program.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "librt/sched/gmp.h"

/* In goroutines: remembers the first failure, which the test tells of when the runtime has stopped. */
static _Atomic int failed_line;
#define expect(cond) do { \
	int none_ = 0; \
	if (!(cond)) \
		atomic_compare_exchange_strong(&failed_line, &none_, __LINE__); \
} while (0)

static void run_ok(int (*fn)(void *))
{
	ck_assert_int_eq(exrt_run(fn, NULL), 0);
	ck_assert_msg(failed_line == 0, "line %d", failed_line);
}

/* Channels live as long as the process: goroutines that are left behind use them, and leak checkers find them here. */
static struct exrt_chan *chan(size_t size, size_t cap)
{
	static struct exrt_chan *all[256];
	static unsigned n;

	return all[n++] = exrt_chan_new(size, cap);
}

/* Runs fn in a child: its exit code, or 128 + signal; *text: what it said on stderr. */
static int run_child(int (*fn)(void *), char text[4096])
{
	int fd[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	ck_assert_int_eq(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		dup2(fd[1], STDERR_FILENO);
		close(fd[1]);
		_exit(exrt_run(fn, NULL));
	}
	close(fd[1]);
	while (len < 4095 && (n = read(fd[0], text + len, 4095 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	close(fd[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* --- running ------------------------------------------------------------------------------------------------------------ */

static int return_arg(void *arg)
{
	expect(exrt_goid() != 0);
	expect(exrt_run(return_arg, arg) == -EBUSY);
	return *(int *)arg;
}

START_TEST(run_returns_the_result_and_can_be_repeated)
{
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(exrt_run(return_arg, &i), i);
	ck_assert_int_eq(failed_line, 0);
	ck_assert_uint_eq(exrt_goid(), 0);
}
END_TEST

static void endless(void *arg)
{
	for (;;)
		exrt_yield();
}

static void blocked(void *arg)
{
	exrt_chan_recv(NULL, NULL);
}

static int leave_others(void *arg)
{
	for (int i = 0; i < 20; i++) {
		exrt_go(endless, NULL);
		exrt_go(blocked, NULL);
	}
	exrt_yield();
	return 0;
}

START_TEST(run_ends_while_others_run_and_wait)
{
	for (int i = 0; i < 5; i++)
		run_ok(leave_others);
}
END_TEST

static int procs_seen(void *arg)
{
	return exrt_maxprocs(0);
}

static int child_procs(void *arg)
{
	return exrt_maxprocs(0);
}

START_TEST(rtmaxprocs_is_obeyed_and_nonsense_named)
{
	char text[4096];

	/*
	 * The children come first: a fork must not fall into the last moments of a run's threads, which are detached and may still be
	 * on their way out of the C library when exrt_run() has returned.  AddressSanitizer's allocator takes its locks there and does
	 * not hold them over a fork, so that a child would get one that nobody ever unlocks.
	 */
	for (int i = 0; i < 5; i++) {
		static const char *const bad[] = { "0", "-1", "x", "3x", "99999999999999999999" };

		setenv("RTMAXPROCS", bad[i], 1);
		ck_assert_int_ge(run_child(child_procs, text), 1);
		ck_assert_ptr_nonnull(strstr(text, "RTMAXPROCS"));
		ck_assert_ptr_nonnull(strstr(text, bad[i]));
	}
	setenv("RTMAXPROCS", "7", 1);
	ck_assert_int_eq(exrt_run(procs_seen, NULL), 7);
}
END_TEST

static _Atomic long counter;

static void count_up(void *arg)
{
	for (int i = 0; i < 1000; i++) {
		counter++;
		if (i % 10 == 0)
			exrt_yield();
	}
	exrt_waitgroup_done(arg);
}

static int change_procs(void *arg)
{
	struct exrt_waitgroup wg = EXRT_WAITGROUP_INIT;

	exrt_waitgroup_add(&wg, 20);
	for (int i = 0; i < 20; i++)
		exrt_go(count_up, &wg);
	for (int i = 0; i < 50; i++) {
		int n = 1 + i * 7 % 5, old = exrt_maxprocs(n);

		expect(old >= 1 && old <= 5 + 64);
		expect(exrt_maxprocs(0) == n);
		exrt_yield();
	}
	exrt_waitgroup_wait(&wg);
	expect(counter == 20000);
	return 0;
}

START_TEST(maxprocs_changes_while_others_run)
{
	run_ok(change_procs);
}
END_TEST

static void deep(void *arg)
{
	char big[200000];

	memset(big, 1, sizeof(big));
	*(int *)arg = big[100000];
	exrt_waitgroup_done((struct exrt_waitgroup *)((int *)arg + 2));
}

static int big_stack(void *arg)
{
	struct {
		int value, pad;
		struct exrt_waitgroup wg;
	} s = { 0 };
	struct exrt_go_opts opts = { .struct_size = sizeof(opts), .stack_size = 300000 };

	exrt_waitgroup_add(&s.wg, 1);
	expect(exrt_go_opts(&opts, deep, &s.value) == 0);
	exrt_waitgroup_wait(&s.wg);
	expect(s.value == 1);
	opts.struct_size = 1;
	expect(exrt_go_opts(&opts, deep, &s.value) == -EINVAL);
	return 0;
}

START_TEST(stack_size_can_be_chosen)
{
	run_ok(big_stack);
}
END_TEST

/* --- channels -------------------------------------------------------------------------------------------------------------- */

static void send_squares(void *arg)
{
	for (long i = 0; i < 1000; i++) {
		long v = i * i;

		exrt_chan_send(arg, &v);
	}
	exrt_chan_close(arg);
}

static int receive_in_order(void *arg)
{
	static const size_t caps[] = { 0, 1, 7, 1000 };

	for (int k = 0; k < 4; k++) {
		struct exrt_chan *ch = chan(sizeof(long), caps[k]);
		long v = 1;

		expect(exrt_chan_cap(ch) == caps[k]);
		exrt_go(send_squares, ch);
		for (long i = 0; i < 1000; i++) {
			expect(exrt_chan_recv(ch, &v) == 1);
			expect(v == i * i);
		}
		expect(exrt_chan_recv(ch, &v) == 0 && v == 0);
		expect(exrt_chan_tryrecv(ch, &v) == 0);
	}
	return 0;
}

START_TEST(channels_keep_order_and_tell_the_end)
{
	run_ok(receive_in_order);
}
END_TEST

static int try_forms(void *arg)
{
	struct exrt_chan *ch = chan(sizeof(int), 2), *un = chan(sizeof(int), 0);
	int v = 5;

	expect(exrt_chan_tryrecv(ch, &v) == -EAGAIN && v == 5);
	expect(exrt_chan_trysend(ch, &v) == 1);
	v = 6;
	expect(exrt_chan_trysend(ch, &v) == 1);
	expect(exrt_chan_trysend(ch, &v) == -EAGAIN);
	expect(exrt_chan_len(ch) == 2);
	expect(exrt_chan_trysend(un, &v) == -EAGAIN);
	exrt_chan_close(ch);
	expect(exrt_chan_tryrecv(ch, &v) == 1 && v == 5);
	expect(exrt_chan_recv(ch, NULL) == 1);
	expect(exrt_chan_tryrecv(ch, &v) == 0 && v == 0);
	expect(exrt_chan_trysend(NULL, &v) == -EAGAIN && exrt_chan_tryrecv(NULL, &v) == -EAGAIN);
	expect(exrt_chan_len(NULL) == 0 && exrt_chan_cap(NULL) == 0);
	expect(exrt_chan_new(SIZE_MAX / 2, 3) == NULL);
	return 0;
}

START_TEST(try_forms_do_not_wait)
{
	run_ok(try_forms);
}
END_TEST

static void receive_closed(void *arg)
{
	struct exrt_chan **chs = arg;
	int v = 9;

	expect(exrt_chan_recv(chs[0], &v) == 0);
	expect(v == 0);
	exrt_chan_send(chs[1], &v);
}

static int close_wakes(void *arg)
{
	struct exrt_chan *chs[2] = { chan(sizeof(int), 0), chan(sizeof(int), 0) };

	for (int i = 0; i < 10; i++)
		exrt_go(receive_closed, chs);
	for (int i = 0; i < 20; i++)
		exrt_yield();
	exrt_chan_close(chs[0]);
	for (int i = 0; i < 10; i++)
		expect(exrt_chan_recv(chs[1], NULL) == 1);
	return 0;
}

START_TEST(close_wakes_all_receivers)
{
	run_ok(close_wakes);
}
END_TEST

static void send_three(void *arg)
{
	for (int i = 1; i <= 3; i++)
		exrt_chan_send(arg, &i);
}

static int buffered_senders_wait_in_order(void *arg)
{
	struct exrt_chan *ch = chan(sizeof(int), 1);
	int v;

	exrt_maxprocs(1);
	exrt_go(send_three, ch);
	exrt_yield();
	expect(exrt_chan_len(ch) == 1);
	for (int i = 1; i <= 3; i++) {
		expect(exrt_chan_recv(ch, &v) == 1);
		expect(v == i);
	}
	return 0;
}

START_TEST(waiting_senders_fill_the_buffer)
{
	run_ok(buffered_senders_wait_in_order);
}
END_TEST

static struct exrt_chan *line;

static void send_one(void *arg)
{
	exrt_chan_send(line, arg);
}

static int senders_in_line(void *arg)
{
	static int values[] = { 1, 2, 3, 4 };
	int v;

	line = chan(sizeof(int), 0);
	exrt_maxprocs(1);
	for (int i = 0; i < 4; i++) {
		exrt_go(send_one, &values[i]);
		exrt_yield();	/* it waits now */
	}
	for (int i = 0; i < 4; i++) {
		exrt_chan_recv(line, &v);
		expect(v == values[i]);
	}
	return 0;
}

START_TEST(those_who_wait_are_served_in_order)
{
	run_ok(senders_in_line);
}
END_TEST

/* --- select -------------------------------------------------------------------------------------------------------- */

static int select_ready(void *arg)
{
	struct exrt_chan *a = chan(sizeof(int), 100), *b = chan(sizeof(int), 100);
	int v = 1, got, chosen[3] = { 0 };
	struct exrt_select_case cases[] = {
		{ EXRT_SELECT_RECV, a, &got, 0 }, { EXRT_SELECT_SEND, b, &v, 0 }, { EXRT_SELECT_RECV, NULL, &got, 0 },
	};

	for (int i = 0; i < 50; i++)
		exrt_chan_send(a, &i);
	for (int i = 0; i < 40; i++) {
		int c = exrt_select(cases, 3, i % 2 == 0);

		expect(c == 0 || c == 1);
		if (c >= 0)
			chosen[c]++;
	}
	/* Both were ready each time: never one of them has a chance of 2^-40. */
	expect(chosen[0] > 0 && chosen[1] > 0);
	expect(exrt_chan_len(a) == 50u - (unsigned)chosen[0] && exrt_chan_len(b) == (size_t)chosen[1]);
	expect(exrt_select(&cases[2], 1, true) == -EAGAIN);
	expect(exrt_select(NULL, 0, true) == -EAGAIN);
	return 0;
}

START_TEST(select_takes_what_is_ready_at_random)
{
	run_ok(select_ready);
}
END_TEST

static void feed(void *arg)
{
	struct exrt_chan **chs = arg;

	for (int i = 0; i < 300; i++)
		exrt_chan_send(chs[i % 3], &i);
	exrt_chan_close(chs[1]);
}

static int select_waits(void *arg)
{
	struct exrt_chan *chs[12];
	struct exrt_select_case cases[12];
	int got, n = 0, c;

	for (int i = 0; i < 12; i++) {
		chs[i] = chan(sizeof(int), 0);
		cases[i] = (struct exrt_select_case){ EXRT_SELECT_RECV, chs[i % 11], &got, 0 };	/* one stands twice */
	}
	exrt_go(feed, chs);
	for (;;) {
		/* Few cases and many take different ways. */
		c = exrt_select(cases, n % 2 ? 12 : 3, false);
		if (!cases[c].ok)
			break;
		expect(got == n);
		expect((c == 11 ? 0 : c) == n % 3);
		n++;
	}
	expect(c == 1 && n == 300 && got == 0);
	return 0;
}

START_TEST(select_waits_for_any)
{
	run_ok(select_waits);
}
END_TEST

static void select_send(void *arg)
{
	struct exrt_chan **chs = arg;
	int v[2] = { 10, 20 };
	struct exrt_select_case cases[] = { { EXRT_SELECT_SEND, chs[0], &v[0], 0 }, { EXRT_SELECT_SEND, chs[1], &v[1], 0 } };

	for (int i = 0; i < 100; i++)
		exrt_select(cases, 2, false);
	exrt_chan_close(chs[2]);
}

static int selects_meet(void *arg)
{
	struct exrt_chan *chs[3] = { chan(sizeof(int), 0), chan(sizeof(int), 0), chan(0, 0) };
	int got[2], n = 0;
	struct exrt_select_case cases[] = {
		{ EXRT_SELECT_RECV, chs[1], &got[1], 0 },
		{ EXRT_SELECT_RECV, chs[0], &got[0], 0 },
		{ EXRT_SELECT_RECV, chs[2], NULL, 0 },
	};

	exrt_go(select_send, chs);
	for (;;) {
		int c = exrt_select(cases, 3, false);

		if (c == 2)
			break;
		expect(c == 0 ? got[1] == 20 : got[0] == 10);
		n++;
	}
	expect(n == 100);
	return 0;
}

START_TEST(select_meets_select)
{
	run_ok(selects_meet);
}
END_TEST

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
	run_ok(lock_many);
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
	run_ok(lock_against_hog);
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
	run_ok(wait_group);
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
	run_ok(sleeps);
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

	order = chan(sizeof(int), 4);
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
	run_ok(sleepers);
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
	run_ok(blocked_syscall);
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
	exrt_go(endless, NULL);
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
	run_ok(syscall_errors);
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
	for (int i = 0; i < 1000 && exrt_run(return_arg, &(int){ 4 }) != 4; i++)
		poll(NULL, 0, 10);
	ck_assert_int_eq(exrt_run(return_arg, &(int){ 5 }), 5);
}
END_TEST

/* --- fatal errors -------------------------------------------------------------------------------------------------- */

static int deadlock(void *arg)
{
	struct exrt_chan *ch = chan(1, 0);

	exrt_go(blocked, NULL);
	exrt_chan_recv(ch, NULL);
	return 0;
}

static int send_closed(void *arg)
{
	struct exrt_chan *ch = chan(1, 1);

	exrt_chan_close(ch);
	exrt_chan_send(ch, "x");
	return 0;
}

static int close_twice(void *arg)
{
	struct exrt_chan *ch = chan(1, 1);

	exrt_chan_close(ch);
	exrt_chan_close(ch);
	return 0;
}

static int unlock_twice(void *arg)
{
	struct exrt_mutex mu = EXRT_MUTEX_INIT;

	exrt_mutex_lock(&mu);
	exrt_mutex_unlock(&mu);
	exrt_mutex_unlock(&mu);
	return 0;
}

static int negative_group(void *arg)
{
	struct exrt_waitgroup wg = EXRT_WAITGROUP_INIT;

	exrt_waitgroup_done(&wg);
	return 0;
}

static int nested_syscall(void *arg)
{
	exrt_syscall_begin();
	exrt_close(-1);
	return 0;
}

static int send_in_syscall(void *arg)
{
	struct exrt_chan *ch = chan(1, 1);

	exrt_syscall_begin();
	exrt_chan_send(ch, "x");
	return 0;
}

static int end_without_begin(void *arg)
{
	exrt_syscall_end();
	return 0;
}

#if !defined(EXRT_ASAN) && !defined(EXRT_TSAN)
static __attribute__((noinline)) int recurse(volatile int n)
{
	volatile char frame[500] = { (char)n };

	return n == 0 ? 0 : recurse(n - 1) + frame[0];
}

static void overflow(void *arg)
{
	recurse(1000000);
	exrt_waitgroup_done(arg);
}

static int overflow_one(void *arg)
{
	struct exrt_waitgroup wg = EXRT_WAITGROUP_INIT;

	exrt_waitgroup_add(&wg, 1);
	exrt_go(overflow, &wg);
	exrt_waitgroup_wait(&wg);
	return 0;
}
#endif

static const struct {
	int (*fn)(void *);
	int code;
	const char *text;
} fatal[] = {
	{ deadlock, 2, "all goroutines are asleep - deadlock!" },
	{ deadlock, 2, "[chan receive]" },
	{ deadlock, 2, "[forever]" },
	{ send_closed, 2, "send on closed channel" },
	{ close_twice, 2, "close of closed channel" },
	{ unlock_twice, 2, "unlock of unlocked mutex" },
	{ negative_group, 2, "negative wait group counter" },
	{ nested_syscall, 2, "runtime call between exrt_syscall_begin and exrt_syscall_end" },
	{ send_in_syscall, 2, "runtime call between exrt_syscall_begin and exrt_syscall_end" },
	{ end_without_begin, 2, "exrt_syscall_end without exrt_syscall_begin" },
#if !defined(EXRT_ASAN) && !defined(EXRT_TSAN)
	{ overflow_one, 128 + 11, "stack overflow of goroutine" },
#endif
};

START_TEST(misuse_ends_the_program)
{
	char text[4096];

	ck_assert_int_eq(run_child(fatal[_i].fn, text), fatal[_i].code);
	ck_assert_msg(strstr(text, fatal[_i].text) != NULL, "%s", text);
}
END_TEST

#if !defined(EXRT_ASAN) && !defined(EXRT_TSAN)
static int trace_fd;

static int record_and_fault(void *arg)
{
	if (exrt_trace_start_fd(trace_fd, NULL) < 0)
		return 1;
	exrt_yield();
	raise(SIGSEGV);
	return 1;
}

/* The recording starts when the runtime's own handler is there already. */
START_TEST(a_fault_ends_the_recording)
{
	FILE *file = tmpfile();
	char text[4096];
	unsigned char last = 0;

	ck_assert_ptr_nonnull(file);
	trace_fd = fileno(file);
	ck_assert_int_eq(run_child(record_and_fault, text), 128 + SIGSEGV);
	ck_assert_int_eq(fseek(file, -1, SEEK_END), 0);
	ck_assert_uint_eq(fread(&last, 1, 1, file), 1);
	ck_assert_uint_eq(last, 52);	/* the byte that ends a generation */
	fclose(file);
}
END_TEST
#endif

static void add_test(Suite *suite, const char *name, const TTest *const *tests, int n)
{
	TCase *tc = tcase_create(name);

	for (int i = 0; i < n; i++)
		tcase_add_test(tc, tests[i]);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
}

int main(void)
{
	const TTest *running[] = {
		run_returns_the_result_and_can_be_repeated, run_ends_while_others_run_and_wait,
		rtmaxprocs_is_obeyed_and_nonsense_named,
		maxprocs_changes_while_others_run, stack_size_can_be_chosen,
	};
	const TTest *channels[] = {
		channels_keep_order_and_tell_the_end, try_forms_do_not_wait, close_wakes_all_receivers,
		waiting_senders_fill_the_buffer,
		those_who_wait_are_served_in_order, select_takes_what_is_ready_at_random, select_waits_for_any, select_meets_select,
	};
	const TTest *locks[] = {
		mutex_lets_in_one_at_a_time, mutex_does_not_starve_those_who_wait, wait_group_waits_for_all,
	};
	const TTest *waits[] = {
		sleep_lasts_at_least_as_long, sleepers_wake_in_order, a_blocked_syscall_gives_up_its_p, syscalls_tell_errors,
		run_ends_while_a_goroutine_is_in_a_syscall,
	};
	Suite *suite = suite_create("runtime");
	TCase *misuse = tcase_create("misuse");
	SRunner *runner;
	int failed;

	add_test(suite, "running", running, 5);
	add_test(suite, "channels", channels, (int)(sizeof(channels) / sizeof(channels[0])));
	add_test(suite, "locks", locks, 3);
	add_test(suite, "waits", waits, 5);
	tcase_add_loop_test(misuse, misuse_ends_the_program, 0, (int)(sizeof(fatal) / sizeof(fatal[0])));
#if !defined(EXRT_ASAN) && !defined(EXRT_TSAN)
	tcase_add_test(misuse, a_fault_ends_the_recording);
#endif
	tcase_set_timeout(misuse, 60);
	suite_add_tcase(suite, misuse);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
