/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test-misuse.c - the errors that end a program, and what it says then.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/checks.h"
#include "tests/rtcheck.h"

static int deadlock(void *arg)
{
	struct exrt_chan *ch = rtcheck_chan(1, 0);

	exrt_go(rtcheck_blocked, NULL);
	exrt_chan_recv(ch, NULL);
	return 0;
}

static int send_closed(void *arg)
{
	struct exrt_chan *ch = rtcheck_chan(1, 1);

	exrt_chan_close(ch);
	exrt_chan_send(ch, "x");
	return 0;
}

static int close_twice(void *arg)
{
	struct exrt_chan *ch = rtcheck_chan(1, 1);

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
	struct exrt_chan *ch = rtcheck_chan(1, 1);

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

	ck_assert_int_eq(rtcheck_child(fatal[_i].fn, text), fatal[_i].code);
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
	ck_assert_int_eq(rtcheck_child(record_and_fault, text), 128 + SIGSEGV);
	ck_assert_int_eq(fseek(file, -1, SEEK_END), 0);
	ck_assert_uint_eq(fread(&last, 1, 1, file), 1);
	ck_assert_uint_eq(last, 52);	/* the byte that ends a generation */
	fclose(file);
}
END_TEST
#endif

int main(void)
{
	Suite *suite = suite_create("misuse");
	TCase *misuse = checks_add(suite, "misuse", 60, (const TTest *const[]){ NULL });

	tcase_add_loop_test(misuse, misuse_ends_the_program, 0, (int)(sizeof(fatal) / sizeof(fatal[0])));
#if !defined(EXRT_ASAN) && !defined(EXRT_TSAN)
	tcase_add_test(misuse, a_fault_ends_the_recording);
#endif
	return checks_run(suite);
}
