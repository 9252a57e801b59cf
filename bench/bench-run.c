/* SPDX-License-Identifier: BSD-3-Clause
 *
 * bench-run.c - runs a command, its output thrown away, and prints "SECONDS PEAK-KIBIBYTES".
 *
 *     bench-run COMMAND [ARG]...
 *
 * The time is that of the wall; the memory is the most that the command, or one of those it waited for, had resident.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	struct rusage usage;
	double start = seconds();
	pid_t pid;
	int status;

	if (argc < 2) {
		fprintf(stderr, "Usage: bench-run COMMAND [ARG]...\n");
		return 2;
	}
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		if (null >= 0)
			dup2(null, STDOUT_FILENO);
		execvp(argv[1], argv + 1);
		fprintf(stderr, "bench-run: %s: %s\n", argv[1], strerror(errno));
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) < 0) {
		perror("bench-run");
		return 1;
	}
	if (status != 0) {
		fprintf(stderr, "bench-run: %s failed\n", argv[1]);
		return 1;
	}
	printf("%.3f %ld\n", seconds() - start, usage.ru_maxrss);
	return 0;
}
