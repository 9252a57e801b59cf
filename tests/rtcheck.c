/* SPDX-License-Identifier: BSD-3-Clause
 *
 * rtcheck.c - see rtcheck.h.
 */
#include "tests/rtcheck.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

_Atomic int rtcheck_failed_line;

void rtcheck_run(int (*fn)(void *))
{
	ck_assert_int_eq(exrt_run(fn, NULL), 0);
	ck_assert_msg(rtcheck_failed_line == 0, "line %d", rtcheck_failed_line);
}

struct exrt_chan *rtcheck_chan(size_t size, size_t cap)
{
	static struct exrt_chan *all[256];
	static unsigned n;

	return all[n++] = exrt_chan_new(size, cap);
}

int rtcheck_child(int (*fn)(void *), char text[4096])
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

int rtcheck_return(void *arg)
{
	expect(exrt_goid() != 0);
	expect(exrt_run(rtcheck_return, arg) == -EBUSY);
	return *(int *)arg;
}

void rtcheck_endless(void *arg)
{
	for (;;)
		exrt_yield();
}

void rtcheck_blocked(void *arg)
{
	exrt_chan_recv(NULL, NULL);
}
