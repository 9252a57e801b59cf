/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ptwaits.c - threads that wait and end each other's waits, in a known order, for recording; it knows nothing of the recorder.
 *
 * ptwaits MODE
 *
 *   rwlock    readers and writers let each other in
 *   barrier   threads meet
 *   timed     waits with an end: semaphores, joins
 *   vain      waiters of mutexes are woken in vain, LIVES times at most
 *   c11       the threads of C11
 *   once      what runs once while others wait for it
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <threads.h>

#include "tests/ptcheck.h"

static const struct timespec past;

/* Waits until that thread of this process sleeps.  Between being counted here and sleeping there is only what it is to sleep in. */
static void until_sleeps(pid_t tid)
{
	char name[64], stat[256], *state;
	int sleeps = 0;

	snprintf(name, sizeof(name), "/proc/self/task/%ld/stat", (long)tid);
	while (sleeps < 3) {
		FILE *file = fopen(name, "r");

		CHECK(file && fgets(stat, sizeof(stat), file) && (state = strrchr(stat, ')')));
		fclose(file);
		sleeps = state[2] == 'S' ? sleeps + 1 : 0;
		pause_us(500);
	}
}

struct actor {
	pthread_t thread;
	_Atomic pid_t tid;
	sem_t go;
	void (*act)(struct actor *self);
};

static void *act(void *arg)
{
	struct actor *self = arg;

	atomic_store(&self->tid, gettid());
	self->act(self);
	return NULL;
}

/* Starts it and returns when it sleeps. */
static void start(struct actor *actor, void (*fn)(struct actor *))
{
	actor->act = fn;
	atomic_store(&actor->tid, 0);
	CHECK(sem_init(&actor->go, 0, 0) == 0);
	CHECK(pthread_create(&actor->thread, NULL, act, actor) == 0);
	while (atomic_load(&actor->tid) == 0)
		pause_us(100);
	until_sleeps(atomic_load(&actor->tid));
}

static void join(struct actor *actor)
{
	CHECK(pthread_join(actor->thread, NULL) == 0);
}

/* --- rwlock --------------------------------------------------------------------------------------------------------------- */

static pthread_rwlock_t rwlock;
static atomic_int reading, written;

/* Functions of their own: the trace is searched for them. */
#define FREES(name)                                                                                                              \
	static void __attribute__((noinline)) name(void)                                                                         \
	{                                                                                                                        \
		CHECK(pthread_rwlock_unlock(&rwlock) == 0);                                                                      \
		__asm__ volatile("");                                                                                            \
	}

FREES(frees_as_writer)
FREES(frees_as_first_reader)
FREES(frees_as_last_reader)
FREES(frees_for_writer)
FREES(frees_for_reader)

static void reads(struct actor *self)
{
	CHECK(pthread_rwlock_rdlock(&rwlock) == 0);
	atomic_fetch_add(&reading, 1);
	sem_wait(&self->go);
	if (atomic_fetch_sub(&reading, 1) == 1)
		frees_as_last_reader();
	else
		frees_as_first_reader();
}

static void writes(struct actor *self)
{
	CHECK(pthread_rwlock_wrlock(&rwlock) == 0);
	atomic_store(&written, 1);
	frees_for_reader();
}

static void tries_for_time(struct actor *self)
{
	CHECK(pthread_rwlock_tryrdlock(&rwlock) == EBUSY && pthread_rwlock_trywrlock(&rwlock) == EBUSY);
	KEEPS(pthread_rwlock_timedrdlock(&rwlock, &past) == ETIMEDOUT);
	KEEPS(pthread_rwlock_clockrdlock(&rwlock, CLOCK_MONOTONIC, &past) == ETIMEDOUT);
	KEEPS(pthread_rwlock_timedwrlock(&rwlock, &past) == ETIMEDOUT);
	KEEPS(pthread_rwlock_clockwrlock(&rwlock, CLOCK_MONOTONIC, &past) == ETIMEDOUT);
	sem_wait(&self->go);
}

static void rwlocks(void)
{
	struct actor reader[2], writer;
	pthread_rwlockattr_t attr;

	CHECK(pthread_rwlock_init(&rwlock, NULL) == 0);
	CHECK(pthread_rwlock_wrlock(&rwlock) == 0);
	start(&reader[0], reads);
	start(&reader[1], reads);
	start(&writer, writes);
	frees_as_writer();
	while (atomic_load(&reading) != 2)
		pause_us(100);
	CHECK(atomic_load(&written) == 0);
	sem_post(&reader[0].go);
	join(&reader[0]);
	sem_post(&reader[1].go);
	join(&reader[1]);
	join(&writer);
	CHECK(pthread_rwlock_destroy(&rwlock) == 0);

	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	CHECK(pthread_rwlock_init(&rwlock, &attr) == 0);
	CHECK(pthread_rwlock_wrlock(&rwlock) == 0);
	start(&reader[0], reads);
	start(&writer, writes);
	start(&reader[1], tries_for_time);
	sem_post(&reader[1].go);
	join(&reader[1]);
	frees_for_writer();
	join(&writer);
	sem_post(&reader[0].go);
	join(&reader[0]);
	KEEPS(pthread_rwlock_timedwrlock(&rwlock, &past) == 0 && pthread_rwlock_rdlock(&rwlock) == EDEADLK);
	CHECK(pthread_rwlock_unlock(&rwlock) == 0);
}

/* --- barrier -------------------------------------------------------------------------------------------------------------- */

#define MEET 4
#define ROUNDS 300

static pthread_barrier_t barrier;
static atomic_int serial;

static void __attribute__((noinline)) arrives_first(struct actor *self)
{
	int rc = pthread_barrier_wait(&barrier);

	CHECK(rc == 0 || rc == PTHREAD_BARRIER_SERIAL_THREAD);
}

static void __attribute__((noinline)) arrives_last(void)
{
	int rc = pthread_barrier_wait(&barrier);

	CHECK(rc == 0 || rc == PTHREAD_BARRIER_SERIAL_THREAD);
}

static void __attribute__((noinline)) arrives_from_elsewhere(void)
{
	int rc = pthread_barrier_wait(&barrier);

	CHECK(rc == 0 || rc == PTHREAD_BARRIER_SERIAL_THREAD);
}

static void *meets(void *arg)
{
	for (int i = 0; i < ROUNDS; i++)
		if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
			atomic_fetch_add(&serial, 1);
	return NULL;
}

static void barriers(void)
{
	struct actor actors[MEET - 1];
	pthread_t threads[MEET];
	pthread_barrierattr_t attr;

	CHECK(pthread_barrier_init(&barrier, NULL, MEET) == 0);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < MEET - 1; i++)
			start(&actors[i], arrives_first);
		arrives_last();
		for (int i = 0; i < MEET - 1; i++)
			join(&actors[i]);
	}
	CHECK(pthread_barrier_destroy(&barrier) == 0);

	CHECK(pthread_barrier_init(&barrier, NULL, MEET) == 0);
	for (int i = 0; i < MEET; i++)
		CHECK(pthread_create(&threads[i], NULL, meets, NULL) == 0);
	for (int i = 0; i < MEET; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	CHECK(atomic_load(&serial) == ROUNDS);
	CHECK(pthread_barrier_destroy(&barrier) == 0);

	/* Others could come, too. */
	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	CHECK(pthread_barrier_init(&barrier, &attr, 2) == 0);
	start(&actors[0], arrives_first);
	arrives_from_elsewhere();
	join(&actors[0]);
	CHECK(pthread_barrier_destroy(&barrier) == 0);
}

/* --- timed ---------------------------------------------------------------------------------------------------------------- */

static sem_t sem;

static struct timespec far_from_now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	ts.tv_sec += 1000;
	return ts;
}

static void waits_for_time(struct actor *self)
{
	struct timespec end = far_from_now(CLOCK_REALTIME);

	KEEPS(sem_timedwait(&sem, &end) == 0);
}

static void waits_by_clock(struct actor *self)
{
	struct timespec end = far_from_now(CLOCK_MONOTONIC);

	KEEPS(sem_clockwait(&sem, CLOCK_MONOTONIC, &end) == 0);
}

static void __attribute__((noinline)) posts(void)
{
	KEEPS(sem_post(&sem) == 0);
}

static struct actor joined;

static void waits_to_go(struct actor *self)
{
	sem_wait(&self->go);
}

static void joins(struct actor *self)
{
	struct timespec end = far_from_now(CLOCK_REALTIME);
	void *result;

	KEEPS(pthread_timedjoin_np(joined.thread, &result, &end) == 0 && result == NULL);
}

static void joins_by_clock(struct actor *self)
{
	struct timespec end = far_from_now(CLOCK_MONOTONIC);
	void *result;

	KEEPS(pthread_clockjoin_np(joined.thread, &result, CLOCK_MONOTONIC, &end) == 0 && result == NULL);
}

static void timed(void)
{
	static void (*const joiners[])(struct actor *) = { joins, joins_by_clock };
	struct actor actor;

	CHECK(sem_init(&sem, 0, 0) == 0);
	CHECK(sem_timedwait(&sem, &past) == -1 && errno == ETIMEDOUT);
	CHECK(sem_clockwait(&sem, CLOCK_MONOTONIC, &past) == -1 && errno == ETIMEDOUT);
	start(&actor, waits_for_time);
	posts();
	join(&actor);
	start(&actor, waits_by_clock);
	posts();
	join(&actor);
	for (int i = 0; i < 2; i++) {
		start(&joined, waits_to_go);
		KEEPS(pthread_timedjoin_np(joined.thread, NULL, &past) == ETIMEDOUT);
		KEEPS(pthread_clockjoin_np(joined.thread, NULL, CLOCK_MONOTONIC, &past) == ETIMEDOUT);
		start(&actor, joiners[i]);
		sem_post(&joined.go);
		join(&actor);
	}
}

/* --- vain ----------------------------------------------------------------------------------------------------------------- */

#define LIVES 20

static pthread_mutex_t mutex;

static void is_woken(struct actor *self)
{
	CHECK(pthread_mutex_lock(&mutex) == 0);
	CHECK(pthread_mutex_unlock(&mutex) == 0);
}

/* Who unlocks is faster than who sleeps, but for an accident. */
static void vain(void)
{
	pthread_mutexattr_t attr;
	struct actor actor;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_NORMAL);
	CHECK(pthread_mutex_init(&mutex, &attr) == 0);
	for (int i = 0; i < LIVES; i++) {
		CHECK(pthread_mutex_lock(&mutex) == 0);
		start(&actor, is_woken);
		CHECK(pthread_mutex_unlock(&mutex) == 0 && pthread_mutex_lock(&mutex) == 0);
		/* Time to find that out. */
		pause_us(2000);
		CHECK(pthread_mutex_unlock(&mutex) == 0);
		join(&actor);
	}
}

/* --- c11 ------------------------------------------------------------------------------------------------------------------ */

static mtx_t mtx[2];		/* a plain one, a recursive one */
static cnd_t cnd;
static int turn;

static void __attribute__((noinline)) frees_mtx(mtx_t *m)
{
	KEEPS(mtx_unlock(m) == thrd_success);
}

static void __attribute__((noinline)) frees_one_of_two(mtx_t *m)
{
	KEEPS(mtx_unlock(m) == thrd_success);
}

static void takes_mtx(struct actor *self)
{
	for (int i = 0; i < 2; i++) {
		KEEPS(mtx_lock(&mtx[i]) == thrd_success);
		KEEPS(mtx_unlock(&mtx[i]) == thrd_success);
	}
}

static void takes_mtx_in_time(struct actor *self)
{
	struct timespec end;

	KEEPS(mtx_timedlock(&mtx[1], &past) == thrd_timedout);
	timespec_get(&end, TIME_UTC);
	end.tv_sec += 1000;
	KEEPS(mtx_timedlock(&mtx[1], &end) == thrd_success);
	KEEPS(mtx_unlock(&mtx[1]) == thrd_success);
}

static void waits_for_turn(struct actor *self)
{
	CHECK(mtx_lock(&mtx[0]) == thrd_success);
	while (turn == 0)
		KEEPS(cnd_wait(&cnd, &mtx[0]) == thrd_success);
	CHECK(mtx_unlock(&mtx[0]) == thrd_success);
}

static void waits_for_turn_in_time(struct actor *self)
{
	struct timespec end;

	timespec_get(&end, TIME_UTC);
	end.tv_sec += 1000;
	CHECK(mtx_lock(&mtx[0]) == thrd_success);
	CHECK(cnd_timedwait(&cnd, &mtx[0], &past) == thrd_timedout);
	while (turn < 2)
		KEEPS(cnd_timedwait(&cnd, &mtx[0], &end) == thrd_success);
	CHECK(mtx_unlock(&mtx[0]) == thrd_success);
}

static void __attribute__((noinline)) gives_turn(void)
{
	CHECK(mtx_lock(&mtx[0]) == thrd_success);
	turn = 1;
	KEEPS(cnd_signal(&cnd) == thrd_success);
	CHECK(mtx_unlock(&mtx[0]) == thrd_success);
}

static void __attribute__((noinline)) gives_all_turns(void)
{
	CHECK(mtx_lock(&mtx[0]) == thrd_success);
	turn = 2;
	KEEPS(cnd_broadcast(&cnd) == thrd_success);
	CHECK(mtx_unlock(&mtx[0]) == thrd_success);
}

static int begins_in_c11(void *arg)
{
	const struct timespec shortly = { 0, 1000000 };

	KEEPS(thrd_sleep(&shortly, NULL) == 0);
	atomic_store((_Atomic pid_t *)arg, gettid());
	thrd_exit(42);
}

static void c11_locks(void)
{
	struct actor one, two;

	CHECK(mtx_init(&mtx[0], mtx_plain) == thrd_success && mtx_init(&mtx[1], mtx_timed | mtx_recursive) == thrd_success);
	CHECK(mtx_lock(&mtx[0]) == thrd_success && mtx_trylock(&mtx[0]) == thrd_busy);
	CHECK(mtx_lock(&mtx[1]) == thrd_success && mtx_timedlock(&mtx[1], &past) == thrd_success);
	start(&one, takes_mtx);
	frees_mtx(&mtx[0]);
	start(&two, takes_mtx_in_time);
	until_sleeps(atomic_load(&one.tid));
	frees_one_of_two(&mtx[1]);
	frees_mtx(&mtx[1]);
	join(&one);
	join(&two);
}

static void c11(void)
{
	struct actor one, two;
	_Atomic pid_t tid = 0;
	thrd_t thread;
	int result;

	CHECK(cnd_init(&cnd) == thrd_success);
	c11_locks();
	start(&one, waits_for_turn);
	gives_turn();
	join(&one);
	turn = 0;
	start(&one, waits_for_turn);
	start(&two, waits_for_turn_in_time);
	gives_all_turns();
	join(&one);
	join(&two);
	KEEPS(thrd_create(&thread, begins_in_c11, &tid) == thrd_success);
	KEEPS(thrd_join(thread, &result) == thrd_success && result == 42 && atomic_load(&tid) != 0);
	KEEPS(thrd_create(&thread, begins_in_c11, &tid) == thrd_success && thrd_join(thread, NULL) == thrd_success);
}

/* --- once ----------------------------------------------------------------------------------------------------------------- */

static pthread_once_t once = PTHREAD_ONCE_INIT, inner = PTHREAD_ONCE_INIT;
static once_flag flag = ONCE_FLAG_INIT;
static sem_t begun, end;
static atomic_int ran;

static void runs_inside(void)
{
	atomic_fetch_add(&ran, 1);
}

static void __attribute__((noinline)) runs_once(void)
{
	CHECK(pthread_once(&inner, runs_inside) == 0 && pthread_once(&inner, runs_inside) == 0);
	atomic_fetch_add(&ran, 1);
	sem_post(&begun);
	while (sem_wait(&end) != 0)
		;
}

static void __attribute__((noinline)) initializes(struct actor *self)
{
	KEEPS(pthread_once(&once, runs_once) == 0);
}

static void waits_for_once(struct actor *self)
{
	KEEPS(pthread_once(&once, runs_once) == 0);
}

static void initializes_in_c11(struct actor *self)
{
	errno = 1234;
	call_once(&flag, runs_once);
	CHECK(errno == 1234);
}

static void waits_for_once_in_c11(struct actor *self)
{
	errno = 1234;
	call_once(&flag, runs_once);
	CHECK(errno == 1234);
}

static void is_cancelled(void)
{
	sem_post(&begun);
	for (;;)
		pause_us(1000000);
}

static pthread_once_t unwound = PTHREAD_ONCE_INIT;

static void is_cancelled_in_once(struct actor *self)
{
	pthread_once(&unwound, is_cancelled);
}

static void takes_over(struct actor *self)
{
	CHECK(pthread_once(&unwound, runs_inside) == 0);
}

static void run_once(void (*first)(struct actor *), void (*second)(struct actor *))
{
	struct actor one, two, three;

	atomic_store(&ran, 0);
	start(&one, first);
	sem_wait(&begun);
	start(&two, second);
	start(&three, second);
	CHECK(atomic_load(&ran) >= 1);
	sem_post(&end);
	join(&one);
	join(&two);
	join(&three);
}

static void onces(void)
{
	struct actor one, two;

	CHECK(sem_init(&begun, 0, 0) == 0 && sem_init(&end, 0, 0) == 0);
	run_once(initializes, waits_for_once);
	CHECK(atomic_load(&ran) == 2);
	run_once(initializes_in_c11, waits_for_once_in_c11);
	CHECK(atomic_load(&ran) == 1);
	/* Who waited does it then. */
	start(&one, is_cancelled_in_once);
	sem_wait(&begun);
	start(&two, takes_over);
	CHECK(pthread_cancel(one.thread) == 0);
	join(&one);
	join(&two);
	CHECK(atomic_load(&ran) == 2);
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = { { "rwlock", rwlocks }, { "barrier", barriers }, { "timed", timed }, { "vain", vain },
					     { "c11", c11 }, { "once", onces }, { 0 } };

	return run_mode(modes, argc, argv);
}
