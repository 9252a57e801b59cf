/* SPDX-License-Identifier: BSD-3-Clause
 *
 * stress-rt.c - every primitive of the runtime at once, at random, while recordings start, advance and stop.
 *
 *     stress-rt DIRECTORY SEED MILLISECONDS
 *
 * Writes DIRECTORY/SEED-N.trace for N = 0, 1, ... All settings follow from the seed. It checks what it can of the results
 * itself (sums of what went through channels, counts under locks) and exits 1 when they are wrong; the traces are for others to
 * read.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <exectrace/rt.h>

#define MAX_ACTORS 64

struct rng {
	uint64_t x;
};

static uint32_t draw(struct rng *r, uint32_t below)
{
	r->x ^= r->x << 13;
	r->x ^= r->x >> 7;
	r->x ^= r->x << 17;
	return (uint32_t)(r->x >> 33) % below;
}

struct actor {
	struct rng rng;
	int64_t until;
};

static struct {
	const char *dir;
	unsigned seed;
	unsigned actors, weights[10];
	struct exrt_mutex mutex[3];
	long guarded[3];		/* each under its mutex */
	_Atomic long expected[3];
	struct exrt_chan *unbuffered, *buffered;
	_Atomic long sent, received;
	struct exrt_waitgroup all;
	_Atomic bool failed, over;
	_Atomic unsigned traces, cpu_hz;
} st;

static void fail(const char *what)
{
	fprintf(stderr, "stress-rt: seed %u: %s\n", st.seed, what);
	st.failed = true;
}

static void burn(unsigned rounds)
{
	for (volatile unsigned i = 0; i < rounds; i++)
		;
}

/* --- what an actor does, a step each ------------------------------------------------------------------------------------ */

static void step_yield(struct actor *a)
{
	for (unsigned n = draw(&a->rng, 4); n > 0; n--)
		exrt_yield();
}

static void step_mutex(struct actor *a)
{
	unsigned i = draw(&a->rng, 3);

	if (draw(&a->rng, 8) == 0) {
		if (!exrt_mutex_trylock(&st.mutex[i]))
			return;
	} else {
		exrt_mutex_lock(&st.mutex[i]);
	}
	st.guarded[i]++;
	if (draw(&a->rng, 4) == 0)
		exrt_yield();
	if (draw(&a->rng, 64) == 0)
		exrt_sleep(draw(&a->rng, 2000000));
	burn(draw(&a->rng, 200));
	exrt_mutex_unlock(&st.mutex[i]);
	st.expected[i]++;
}

static void step_send(struct actor *a)
{
	long v = draw(&a->rng, 1000);
	struct exrt_chan *ch = draw(&a->rng, 2) ? st.unbuffered : st.buffered;

	/* Receivers may all be gone by now: a select that gives up by itself. */
	if (exrt_chan_trysend(ch, &v) == 1)
		st.sent += v;
}

static void step_receive(struct actor *a)
{
	long v = 0;
	struct exrt_chan *ch = draw(&a->rng, 2) ? st.unbuffered : st.buffered;

	if (exrt_chan_tryrecv(ch, &v) == 1)
		st.received += v;
}

/* Ends a select that nobody else ends. */
static void timeout(void *arg)
{
	struct exrt_chan *ch = arg;

	exrt_sleep(500000);
	exrt_chan_close(ch);
}

static void step_select(struct actor *a)
{
	long in1 = 0, in2 = 0, out = draw(&a->rng, 1000);
	bool has_default = draw(&a->rng, 3) != 0;
	struct exrt_chan *ticker = has_default ? NULL : exrt_chan_new(0, 0);
	struct exrt_select_case cases[] = {
		{ EXRT_SELECT_RECV, st.unbuffered, &in1, 0 },
		{ EXRT_SELECT_RECV, st.buffered, &in2, 0 },
		{ EXRT_SELECT_SEND, draw(&a->rng, 2) ? st.unbuffered : st.buffered, &out, 0 },
		{ EXRT_SELECT_RECV, ticker, NULL, 0 },
		{ EXRT_SELECT_RECV, NULL, NULL, 0 },
	};
	int i;

	if (ticker)
		exrt_go(timeout, ticker);
	i = exrt_select(cases, 5, has_default);
	st.received += in1 + in2;
	if (i == 2)
		st.sent += out;
	if (i == 4 || (i == -EAGAIN && !has_default))
		fail("select chose what cannot be");
	if (i == 3 && cases[3].ok != 0)
		fail("received from a channel that was only closed");
	if (ticker) {
		exrt_chan_recv(ticker, NULL);
		exrt_chan_free(ticker);
	}
}

static void step_sleep(struct actor *a)
{
	exrt_sleep(draw(&a->rng, draw(&a->rng, 4) ? 100000 : 3000000));
}

static void step_syscall(struct actor *a)
{
	int fd[2];
	char byte = 'x';

	switch (draw(&a->rng, 4)) {
	case 0:		/* short ones */
		if (pipe(fd) != 0)
			return;
		if (exrt_write(fd[1], &byte, 1) != 1 || exrt_read(fd[0], &byte, 1) != 1)
			fail("a byte did not come through a pipe");
		exrt_close(fd[0]);
		exrt_close(fd[1]);
		break;
	case 1:		/* a long one, whose P is taken */
		exrt_syscall_begin();
		poll(NULL, 0, (int)draw(&a->rng, 3) + 1);
		exrt_syscall_end();
		break;
	case 2:		/* about as long as the monitor takes to look */
		exrt_syscall_begin();
		nanosleep(&(struct timespec){ .tv_nsec = draw(&a->rng, 60000) }, NULL);
		exrt_syscall_end();
		break;
	default:
		for (int i = 0; i < 20; i++) {
			exrt_syscall_begin();
			exrt_syscall_end();
		}
	}
}

struct echo {
	int from, to;
};

static void echo_back(void *arg)
{
	struct echo *e = arg;
	char byte;

	while (exrt_read(e->from, &byte, 1) == 1)
		exrt_write(e->to, &byte, 1);
	exrt_close(e->from);
	exrt_close(e->to);
	free(e);
	exrt_waitgroup_done(&st.all);
}

static void step_ping_pong(struct actor *a)
{
	int there[2], back[2];
	struct echo *e = malloc(sizeof(*e));
	char byte = 'x';

	if (!e || pipe(there) != 0) {
		free(e);
		return;
	}
	if (pipe(back) != 0) {
		close(there[0]);
		close(there[1]);
		free(e);
		return;
	}
	*e = (struct echo){ there[0], back[1] };
	exrt_waitgroup_add(&st.all, 1);
	exrt_go(echo_back, e);
	for (unsigned n = draw(&a->rng, 10); n > 0; n--) {
		if (exrt_write(there[1], &byte, 1) != 1 || exrt_read(back[0], &byte, 1) != 1)
			fail("an echo did not come back");
	}
	exrt_close(there[1]);
	exrt_close(back[0]);
}

struct brood {
	struct exrt_waitgroup wg;
	_Atomic unsigned left;
};

static void child(void *arg)
{
	struct brood *b = arg;
	bool by_exit = --b->left % 3 == 0;

	if (b->left % 5 == 0)
		exrt_yield();
	exrt_waitgroup_done(&b->wg);
	if (by_exit)
		exrt_exit();
}

static void step_storm(struct actor *a)
{
	struct exrt_go_opts opts = { .struct_size = sizeof(opts), .stack_size = 200000 };
	unsigned n = 1 + draw(&a->rng, draw(&a->rng, 10) ? 20 : 400);
	struct brood b = { .left = n };

	exrt_waitgroup_add(&b.wg, n);
	for (unsigned i = 0; i < n; i++) {
		if ((draw(&a->rng, 50) ? exrt_go(child, &b) : exrt_go_opts(&opts, child, &b)) < 0) {
			fail("no goroutine to be had");
			exrt_waitgroup_done(&b.wg);
		}
	}
	exrt_waitgroup_wait(&b.wg);
	if (b.left != 0)
		fail("a wait group let go too early");
}

static void step_annotate(struct actor *a)
{
	struct exrt_task outer = exrt_task_begin((struct exrt_task){ 0 }, "outer"), inner = exrt_task_begin(outer, "inner");
	char text[64];

	exrt_region_begin(outer, "region one");
	exrt_region_begin(inner, "region two");
	snprintf(text, sizeof(text), "message %u", draw(&a->rng, 100));
	exrt_log(inner, "category", text);
	if (draw(&a->rng, 2))
		exrt_yield();
	exrt_region_end(inner, "region two");
	exrt_region_end(outer, "region one");
	exrt_task_end(inner);
	exrt_task_end(outer);
}

static void step_maxprocs(struct actor *a)
{
	if (draw(&a->rng, 20) == 0)
		exrt_maxprocs((int)draw(&a->rng, 6) + 1);
}

static void (*const steps[10])(struct actor *a) = {
	step_yield, step_mutex, step_send, step_receive, step_select, step_sleep, step_syscall, step_ping_pong, step_storm,
	step_annotate,
};

static void act(void *arg)
{
	struct actor *a = arg;

	while (exrt_nanotime() < a->until) {
		unsigned total = 0, i, at;

		for (i = 0; i < 10; i++)
			total += st.weights[i];
		at = draw(&a->rng, total);
		for (i = 0; at >= st.weights[i]; i++)
			at -= st.weights[i];
		steps[i](a);
		step_maxprocs(a);
		burn(draw(&a->rng, 100));
	}
	free(a);
	exrt_waitgroup_done(&st.all);
}

/* --- the recordings ------------------------------------------------------------------------------------------------------ */

static void pause_for(int64_t ns)
{
	if (exrt_goid() != 0)
		exrt_sleep(ns);
	else
		nanosleep(&(struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 }, NULL);
}

static void record(struct rng *r)
{
	struct exrt_trace_opts opts = { .struct_size = sizeof(opts), .advance_ms = 1 + draw(r, 20) };
	char path[4096];
	int rc;

	opts.cpu_hz = draw(r, 2) ? 1000 : UINT_MAX;
	snprintf(path, sizeof(path), "%s/%u-%u.trace", st.dir, st.seed, st.traces++);
	rc = exrt_trace_start(path, &opts);
	if (rc < 0) {
		fprintf(stderr, "stress-rt: %s: %s\n", path, strerror(-rc));
		fail("a recording did not start");
		return;
	}
	for (unsigned n = draw(r, 8); n > 0; n--) {
		pause_for(draw(r, 5000000));
		if (draw(r, 2) && exrt_trace_advance() < 0)
			fail("a recording did not advance");
	}
	if (exrt_trace_stop() < 0)
		fail("a recording did not stop well");
	pause_for(draw(r, 3000000));
}

static void *record_thread(void *arg)
{
	while (!st.over)
		record(arg);
	return NULL;
}

static void record_goroutine(void *arg)
{
	struct actor *a = arg;

	while (exrt_nanotime() < a->until)
		record(&a->rng);
	free(a);
	exrt_waitgroup_done(&st.all);
}

static void drain(struct exrt_chan *ch)
{
	long v;

	while (exrt_chan_tryrecv(ch, &v) == 1)
		st.received += v;
	exrt_chan_close(ch);
	exrt_chan_free(ch);
}

static struct actor *actor_new(struct rng *r, int64_t until)
{
	struct actor *a = malloc(sizeof(*a));

	if (!a)
		abort();
	a->rng.x = ((uint64_t)draw(r, 1u << 30) << 32 | draw(r, 1u << 30)) | 1;
	a->until = until;
	return a;
}

static int run(void *arg)
{
	struct rng *r = arg, outside = { draw(r, 1u << 30) | 1 };
	unsigned ms = (unsigned)r[1].x;
	int64_t until = exrt_nanotime() + ms * 1000000ll;
	bool by_goroutine = draw(r, 2);
	pthread_t thread;

	st.actors = 1 + draw(r, MAX_ACTORS);
	for (int i = 0; i < 10; i++)
		st.weights[i] = 1 + (draw(r, 3) ? draw(r, 4) : draw(r, 40));
	st.unbuffered = exrt_chan_new(sizeof(long), 0);
	st.buffered = exrt_chan_new(sizeof(long), 1 + draw(r, 20));
	exrt_maxprocs(1 + (int)draw(r, 5));
	exrt_waitgroup_add(&st.all, st.actors + by_goroutine);
	if (by_goroutine)
		exrt_go(record_goroutine, actor_new(r, until));
	else if (pthread_create(&thread, NULL, record_thread, &outside) != 0)
		abort();
	for (unsigned i = 0; i < st.actors; i++)
		exrt_go(act, actor_new(r, until));
	exrt_waitgroup_wait(&st.all);		/* echoes too */
	st.over = true;
	if (!by_goroutine) {
		exrt_syscall_begin();
		pthread_join(thread, NULL);
		exrt_syscall_end();
	}
	drain(st.unbuffered);
	drain(st.buffered);
	for (int i = 0; i < 3; i++) {
		if (st.guarded[i] != st.expected[i])
			fail("a mutex let two in at once");
	}
	if (st.sent != st.received)
		fail("a channel lost or doubled something");
	return st.failed;
}

int main(int argc, char **argv)
{
	struct rng r[2];
	int rc;

	if (argc != 4) {
		fprintf(stderr, "usage: stress-rt DIRECTORY SEED MILLISECONDS\n");
		return 2;
	}
	st.dir = argv[1];
	st.seed = (unsigned)strtoul(argv[2], NULL, 10);
	r[0].x = (st.seed + 1) * 0x9e3779b97f4a7c15ull | 1;
	r[1].x = strtoul(argv[3], NULL, 10);
	for (int i = 0; i < 10; i++)
		draw(r, 2);
	rc = exrt_run(run, r);
	if (rc < 0)
		fprintf(stderr, "stress-rt: cannot start: %s\n", strerror(-rc));
	return rc != 0;
}
