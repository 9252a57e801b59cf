/* SPDX-License-Identifier: BSD-3-Clause
 *
 * bench-sched.c - what the runtime's operations cost, with and without a recording.
 *
 * Prints lines "NAME NANOSECONDS", one for each operation; tests/interop/cmd/rtbench prints the same names for Go. Run with
 * RTMAXPROCS=1, so that a switch is a switch and no processor has to be woken; bench/run.sh runs both in turn.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <exectrace/rt.h>

enum { ROUNDS = 200000, BATCH = 100 };

static struct exrt_waitgroup wg;
static struct exrt_chan *ch;

static void yielder(void *arg)
{
	for (int i = 0; i < ROUNDS; i++)
		exrt_yield();
	exrt_waitgroup_done(&wg);
}

/* Two goroutines on one processor: each yield is a switch. */
static double yield_ns(void)
{
	int64_t t = exrt_nanotime();

	exrt_waitgroup_add(&wg, 2);
	exrt_go(yielder, NULL);
	exrt_go(yielder, NULL);
	exrt_waitgroup_wait(&wg);
	return (double)(exrt_nanotime() - t) / (2.0 * ROUNDS);
}

static void sender(void *arg)
{
	for (int i = 0; i < ROUNDS; i++)
		exrt_chan_send(ch, &i);
}

static double chan_ns(void)
{
	int64_t t = exrt_nanotime();
	int v;

	ch = exrt_chan_new(sizeof(int), 0);
	exrt_go(sender, NULL);
	for (int i = 0; i < ROUNDS; i++)
		exrt_chan_recv(ch, &v);
	t = exrt_nanotime() - t;
	exrt_chan_free(ch);
	return (double)t / ROUNDS;
}

static void nothing(void *arg)
{
	exrt_waitgroup_done(&wg);
}

static double create_ns(void)
{
	int64_t t = exrt_nanotime();

	for (int i = 0; i < ROUNDS / BATCH; i++) {
		exrt_waitgroup_add(&wg, BATCH);
		for (int j = 0; j < BATCH; j++)
			exrt_go(nothing, NULL);
		exrt_waitgroup_wait(&wg);
	}
	return (double)(exrt_nanotime() - t) / ROUNDS;
}

static double region_ns(void)
{
	struct exrt_task none = { 0 };
	int64_t t = exrt_nanotime();

	for (int i = 0; i < ROUNDS; i++) {
		exrt_region_begin(none, "region");
		exrt_region_end(none, "region");
	}
	return (double)(exrt_nanotime() - t) / (2.0 * ROUNDS);
}

static double log_ns(void)
{
	struct exrt_task none = { 0 };
	int64_t t = exrt_nanotime();

	for (int i = 0; i < ROUNDS; i++)
		exrt_log(none, "category", "message");
	return (double)(exrt_nanotime() - t) / ROUNDS;
}

static double pipe_ns(void)
{
	int fd[2];
	char c = 0;
	int64_t t;

	if (pipe(fd) != 0)
		return 0;
	t = exrt_nanotime();
	for (int i = 0; i < ROUNDS / 4; i++)
		if (exrt_write(fd[1], &c, 1) != 1 || exrt_read(fd[0], &c, 1) != 1)
			return 0;
	t = exrt_nanotime() - t;
	close(fd[0]);
	close(fd[1]);
	return (double)t / (ROUNDS / 4);
}

static const struct {
	const char *name;
	double (*run)(void);
} benches[] = {
	{ "yield", yield_ns }, { "chan", chan_ns }, { "create", create_ns },
	{ "pipe", pipe_ns },   { "region", region_ns }, { "log", log_ns },
};

static void run_all(const char *suffix)
{
	for (size_t i = 0; i < sizeof(benches) / sizeof(benches[0]); i++) {
		benches[i].run();	/* warms up */
		printf("%s%s %.2f\n", benches[i].name, suffix, benches[i].run());
	}
}

static int bench_main(void *arg)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int rc;

	run_all("-off");
	rc = exrt_trace_start_fd(fd, NULL);
	if (rc < 0) {
		fprintf(stderr, "bench-sched: exrt_trace_start_fd: %d\n", rc);
		return 1;
	}
	run_all("-traced");
	rc = exrt_trace_stop();
	return rc < 0;
}

int main(void)
{
	return exrt_run(bench_main, NULL);
}
