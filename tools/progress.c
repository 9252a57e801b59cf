/* SPDX-License-Identifier: BSD-3-Clause
 *
 * progress.c - how far reading has come.
 *
 * A timer's signal interrupts the thread that reads, so that no loop has to look at a clock; being sent to that thread, its handler sees
 * the reader as that thread left it.  It only asks for an offset, computes and write()s: nothing that a handler may not do.
 * Interrupted system calls go on by themselves (SA_RESTART) but for those that wait for a time, whose callers expect it.
 */
#include "config.h"

#include "tools/progress.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FIRST_NS 1000000000
#define EVERY_NS 200000000

/* Written with the timer stopped, read by the handler. */
static struct {
	const char *name;
	uint64_t (*position)(const void *ctx);
	const void *ctx;
	uint64_t size;
	struct timespec begun;
} now;

static timer_t timer;
static bool has_timer;
/* A line is on the terminal. */
static volatile sig_atomic_t shown;

static char *put_text(char *p, const char *text)
{
	while (*text)
		*p++ = *text++;
	return p;
}

static char *put_number(char *p, uint64_t n)
{
	char digits[20];
	int i = 0;

	do
		digits[i++] = (char)('0' + n % 10);
	while (n /= 10);
	while (i)
		*p++ = digits[--i];
	return p;
}

/* Tenths of a megabyte. */
static char *put_megabytes(char *p, uint64_t bytes)
{
	p = put_number(p, bytes / 1000000);
	*p++ = '.';
	return put_number(p, bytes / 100000 % 10);
}

static void write_all(const char *text, const char *end)
{
	ssize_t n = write(STDERR_FILENO, text, (size_t)(end - text));

	(void)n;
}

static void show(int sig)
{
	const uint64_t done = now.position(now.ctx);
	int saved = errno;
	struct timespec t;
	char line[256], *p = line;
	uint64_t ms;

	(void)sig;
	if (tcgetpgrp(STDERR_FILENO) == getpgrp() && clock_gettime(CLOCK_MONOTONIC, &t) == 0) {
		ms = (uint64_t)((t.tv_sec - now.begun.tv_sec) * 1000 + (t.tv_nsec - now.begun.tv_nsec) / 1000000);
		p = put_text(p, "\r");
		p = put_text(p, now.name);
		p = put_text(p, ": ");
		p = put_megabytes(p, done);
		if (now.size) {
			p = put_text(p, " of ");
			p = put_megabytes(p, now.size);
		}
		p = put_text(p, " MB, ");
		if (now.size) {
			p = put_number(p, (uint64_t)((double)done * 100 / (double)now.size));
			p = put_text(p, " %, ");
		}
		p = put_megabytes(p, ms ? (uint64_t)((double)done * 1000 / (double)ms) : 0);
		p = put_text(p, " MB/s\033[K");
		shown = 1;
		write_all(line, p);
	}
	errno = saved;
}

void progress_begin(const char *name, uint64_t (*position)(const void *ctx), const void *ctx, uint64_t size)
{
	struct itimerspec when = { { 0, EVERY_NS }, { FIRST_NS / 1000000000, FIRST_NS % 1000000000 } };
	struct sigaction act = { .sa_handler = show, .sa_flags = SA_RESTART };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM };

	progress_end();
	/* The line has room for a command's name. */
	if (strlen(name) > 64 || !isatty(STDERR_FILENO))
		return;
	now.name = name;
	now.position = position;
	now.ctx = ctx;
	now.size = size;
	clock_gettime(CLOCK_MONOTONIC, &now.begun);
	event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	sigemptyset(&act.sa_mask);
	if (sigaction(SIGALRM, &act, NULL) != 0 || timer_create(CLOCK_MONOTONIC, &event, &timer) != 0)
		return;
	has_timer = true;
	timer_settime(timer, 0, &when, NULL);
}

void progress_erase(void)
{
	static const char erase[] = "\r\033[K";

	if (shown) {
		shown = 0;
		write_all(erase, erase + sizeof(erase) - 1);
	}
}

void progress_end(void)
{
	if (has_timer) {
		has_timer = false;
		timer_delete(timer);
		/* One that is under way still. */
		signal(SIGALRM, SIG_IGN);
	}
	progress_erase();
}
