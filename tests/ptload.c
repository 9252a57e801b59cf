/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ptload.c - a pthread program that does everything the recorder stands in front of, for recording; it knows nothing of the recorder.
 *
 * ptload MODE [ROUNDS]
 *
 *   contend   threads hold one mutex in turn, for known times, in hold_lock()
 *   mixed     locks, waits, threads and processes at once, ROUNDS times; checks its own results
 *   errno     calls that fail or succeed leave errno as they should
 *   kill      prints its process id, locks and waits until it is killed
 *   exit N    ends by _exit(N) from a second thread while others run
 *   last      the first thread ends before the others do
 *   exec ...  becomes the program named
 */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>

#include "tests/ptcheck.h"

extern char **environ;

/* --- contend ------------------------------------------------------------------------------------------------------------ */

static pthread_mutex_t contended = PTHREAD_MUTEX_INITIALIZER;
static sem_t held;

static void __attribute__((noinline)) hold_lock(long us)
{
	pthread_mutex_lock(&contended);
	sem_post(&held);
	pause_us(us);
	pthread_mutex_unlock(&contended);
	__asm__ volatile("");
}

/* Not a constant, for which a compiler makes another function of another name. */
static volatile long hold_us = 100000;

static void *holder(void *arg)
{
	hold_lock(hold_us);
	return arg;
}

static void __attribute__((noinline)) wait_for_lock(void)
{
	pthread_mutex_lock(&contended);
	pthread_mutex_unlock(&contended);
	__asm__ volatile("");
}

/* The holder has the mutex for 100 ms, and the first thread waits nearly all of that. */
static void contend(int rounds)
{
	pthread_t thread;

	sem_init(&held, 0, 0);
	while (rounds--) {
		CHECK(pthread_create(&thread, NULL, holder, NULL) == 0);
		sem_wait(&held);
		wait_for_lock();
		CHECK(pthread_join(thread, NULL) == 0);
	}
}

/* --- mixed -------------------------------------------------------------------------------------------------------------- */

#define KINDS 6
#define WORKERS 4

static pthread_mutex_t mutexes[KINDS];
static long counters[KINDS];

static void init_mutexes(void)
{
	static const int types[] = { PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK,
				     PTHREAD_MUTEX_ADAPTIVE_NP, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_NORMAL };

	for (int i = 0; i < KINDS; i++) {
		pthread_mutexattr_t attr;

		pthread_mutexattr_init(&attr);
		pthread_mutexattr_settype(&attr, types[i]);
		if (i == 4)
			pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
		if (i == 5)
			pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
		CHECK(pthread_mutex_init(&mutexes[i], &attr) == 0);
		pthread_mutexattr_destroy(&attr);
		counters[i] = 0;
	}
}

static void take(pthread_mutex_t *mutex, unsigned how)
{
	struct timespec end;
	int rc;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_nsec += 1000;
	if (end.tv_nsec >= 1000000000) {
		end.tv_nsec -= 1000000000;
		end.tv_sec++;
	}
	rc = how % 4 == 1 ? pthread_mutex_trylock(mutex) : how % 4 == 2 ? pthread_mutex_timedlock(mutex, &end) : EBUSY;
	CHECK(rc == 0 || rc == EBUSY || rc == ETIMEDOUT);
	if (rc != 0)
		CHECK(pthread_mutex_lock(mutex) == 0);
}

#define TAKES 300

static void *worker(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;

	for (int n = 0; n < TAKES; n++) {
		int kind = rand_r(&seed) % KINDS;

		take(&mutexes[kind], rand_r(&seed));
		if (kind == 1) {
			CHECK(pthread_mutex_lock(&mutexes[1]) == 0);
			CHECK(pthread_mutex_unlock(&mutexes[1]) == 0);
		}
		if (kind == 2)
			CHECK(pthread_mutex_lock(&mutexes[2]) == EDEADLK);
		counters[kind]++;
		if (n % 50 == 0)
			sched_yield();
		CHECK(pthread_mutex_unlock(&mutexes[kind]) == 0);
	}
	return arg;
}

static pthread_mutex_t turn_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_cond = PTHREAD_COND_INITIALIZER;
static int turn;

#define TURNS 60

static void *taker_of_turns(void *arg)
{
	int me = (int)(uintptr_t)arg;

	for (int n = 0; n < TURNS; n++) {
		pthread_mutex_lock(&turn_mutex);
		while (turn % 3 != me)
			pthread_cond_wait(&turn_cond, &turn_mutex);
		turn++;
		pthread_cond_broadcast(&turn_cond);
		pthread_mutex_unlock(&turn_mutex);
	}
	return NULL;
}

/* Readers, writers, C11's mutex and a meeting now and then. */
#define CROWD 4
#define STEPS 200

static pthread_rwlock_t rwlocks[2];
static pthread_barrier_t meeting;
static mtx_t mtx;
static atomic_int readers[2], writers[2];
static long shared, guarded;

static void init_crowd(void)
{
	pthread_rwlockattr_t attr;

	pthread_rwlockattr_init(&attr);
	CHECK(pthread_rwlock_init(&rwlocks[0], &attr) == 0);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	CHECK(pthread_rwlock_init(&rwlocks[1], &attr) == 0);
	CHECK(pthread_barrier_init(&meeting, NULL, CROWD) == 0 && mtx_init(&mtx, mtx_plain) == thrd_success);
	shared = guarded = 0;
}

static void read_or_write(int which, unsigned how)
{
	struct timespec past = { 0, 0 };
	bool reads = how % 3 != 0;
	int rc = ETIMEDOUT;

	if (how % 5 == 0)
		rc = reads ? pthread_rwlock_timedrdlock(&rwlocks[which], &past) : pthread_rwlock_timedwrlock(&rwlocks[which], &past);
	CHECK(rc == 0 || rc == ETIMEDOUT);
	if (rc != 0)
		CHECK((reads ? pthread_rwlock_rdlock(&rwlocks[which]) : pthread_rwlock_wrlock(&rwlocks[which])) == 0);
	if (reads) {
		atomic_fetch_add(&readers[which], 1);
		CHECK(atomic_load(&writers[which]) == 0);
		if (how % 7 == 0)
			sched_yield();
		atomic_fetch_sub(&readers[which], 1);
	} else {
		CHECK(atomic_fetch_add(&writers[which], 1) == 0 && atomic_load(&readers[which]) == 0);
		if (how % 7 == 0)
			sched_yield();
		atomic_fetch_sub(&writers[which], 1);
	}
	CHECK(pthread_rwlock_unlock(&rwlocks[which]) == 0);
}

static int in_crowd(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;

	for (int n = 0; n < STEPS; n++) {
		read_or_write(n & 1, (unsigned)rand_r(&seed) >> 4);
		CHECK(mtx_lock(&mtx) == thrd_success);
		guarded++;
		CHECK(mtx_unlock(&mtx) == thrd_success);
		if (n % 10 == 0 && pthread_barrier_wait(&meeting) == PTHREAD_BARRIER_SERIAL_THREAD)
			shared++;
	}
	return 0;
}

static void join_crowd(thrd_t *crowd)
{
	int result;

	for (int i = 0; i < CROWD; i++)
		CHECK(thrd_join(crowd[i], &result) == thrd_success && result == 0);
	CHECK(guarded == CROWD * STEPS && shared == STEPS / 10);
	CHECK(pthread_barrier_destroy(&meeting) == 0);
	CHECK(pthread_rwlock_destroy(&rwlocks[0]) == 0 && pthread_rwlock_destroy(&rwlocks[1]) == 0);
	mtx_destroy(&mtx);
}

static int pipe_fds[2];

static void *reader(void *arg)
{
	long sum = 0;
	unsigned char c;

	while (read(pipe_fds[0], &c, 1) == 1)
		sum += c;
	return (void *)sum;
}

static atomic_int cleaned;

static void clean(void *mutex)
{
	atomic_fetch_add(&cleaned, 1);
	if (mutex)
		pthread_mutex_unlock(mutex);
}

static void *cancelled_in_cond(void *arg)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

	pthread_mutex_lock(&mutex);
	pthread_cleanup_push(clean, &mutex);
	for (;;)
		pthread_cond_wait(&cond, &mutex);
	pthread_cleanup_pop(0);
}

static void *cancelled_in_read(void *arg)
{
	char c;

	pthread_cleanup_push(clean, NULL);
	while (read(*(int *)arg, &c, 1) >= 0)
		;
	pthread_cleanup_pop(0);
	return NULL;
}

static pthread_key_t key;

static void at_end(void *value)
{
	pthread_mutex_lock(&turn_mutex);
	pthread_mutex_unlock(&turn_mutex);
}

static void *exits_early(void *arg)
{
	pthread_setspecific(key, &key);
	pthread_exit(arg);
}

static sigjmp_buf out_of_read;

static void jump_out(int sig)
{
	siglongjmp(out_of_read, 1);
}

static void *jumps(void *arg)
{
	sigset_t set;
	char c;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	if (sigsetjmp(out_of_read, 1) == 0) {
		pthread_sigmask(SIG_UNBLOCK, &set, NULL);
		(void)!read(*(int *)arg, &c, 1);
	}
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return arg;
}

static void *nothing(void *arg)
{
	return arg;
}

static void processes(void)
{
	char *argv[] = { "true", NULL };
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t thread;

		/* No lock of this program may be touched here. */
		pthread_create(&thread, NULL, nothing, NULL);
		pthread_join(thread, NULL);
		_exit(7);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7);
	pid = vfork();
	if (pid == 0) {
		execl("/bin/false", "false", NULL);
		_exit(9);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 1);
	pid = vfork();
	if (pid == 0)
		_exit(9);
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 9);
	CHECK(posix_spawnp(&pid, "true", NULL, NULL, argv, environ) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CHECK(system("exit 5") == 5 << 8);
}

static void mixed_round(unsigned seed)
{
	pthread_t workers[WORKERS], takers[3], others[5];
	thrd_t crowd[CROWD];
	int silent[2];
	long sum = 0;
	void *result;
	sigset_t set;

	init_mutexes();
	init_crowd();
	turn = 0;
	atomic_store(&cleaned, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	CHECK(pipe(pipe_fds) == 0 && pipe(silent) == 0);
	for (unsigned i = 0; i < WORKERS; i++)
		CHECK(pthread_create(&workers[i], NULL, worker, (void *)(uintptr_t)(seed * WORKERS + i)) == 0);
	for (unsigned i = 0; i < CROWD; i++)
		CHECK(thrd_create(&crowd[i], in_crowd, (void *)(uintptr_t)(seed * CROWD + i)) == thrd_success);
	for (unsigned i = 0; i < 3; i++)
		CHECK(pthread_create(&takers[i], NULL, taker_of_turns, (void *)(uintptr_t)i) == 0);
	CHECK(pthread_create(&others[0], NULL, reader, NULL) == 0);
	CHECK(pthread_create(&others[1], NULL, cancelled_in_cond, NULL) == 0);
	CHECK(pthread_create(&others[2], NULL, cancelled_in_read, &silent[0]) == 0);
	CHECK(pthread_create(&others[3], NULL, exits_early, &key) == 0);
	CHECK(pthread_create(&others[4], NULL, jumps, &silent[0]) == 0);
	for (unsigned char c = 0; c < 100; c++)
		CHECK(write(pipe_fds[1], &c, 1) == 1);
	close(pipe_fds[1]);
	if (seed % 4 == 0)
		processes();
	pthread_kill(others[4], SIGUSR1);
	pthread_cancel(others[1]);
	pthread_cancel(others[2]);
	for (int i = 0; i < WORKERS; i++)
		CHECK(pthread_join(workers[i], NULL) == 0);
	join_crowd(crowd);
	for (int i = 0; i < 3; i++)
		CHECK(pthread_join(takers[i], NULL) == 0);
	CHECK(pthread_join(others[0], &result) == 0 && (long)result == 4950);
	CHECK(pthread_join(others[1], &result) == 0 && result == PTHREAD_CANCELED);
	CHECK(pthread_join(others[2], &result) == 0 && result == PTHREAD_CANCELED);
	CHECK(pthread_join(others[3], &result) == 0 && result == &key);
	CHECK(pthread_join(others[4], &result) == 0 && result == &silent[0]);
	for (int i = 0; i < KINDS; i++)
		sum += counters[i];
	CHECK(sum == WORKERS * TAKES && turn == 3 * TURNS && atomic_load(&cleaned) <= 2);
	close(pipe_fds[0]);
	close(silent[0]);
	close(silent[1]);
}

static void mixed(int rounds)
{
	pthread_key_create(&key, at_end);
	signal(SIGUSR1, jump_out);
	for (int i = 0; i < rounds; i++)
		mixed_round((unsigned)i);
}

/* --- errno -------------------------------------------------------------------------------------------------------------- */

static void errnos(void)
{
	struct timespec past = { 0, 0 };
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
	pthread_attr_t attr;
	pthread_t thread;
	struct sigaction act;
	sem_t sem;
	char c;

	errno = 1234;
	CHECK(write(open("/dev/null", O_WRONLY), "x", 1) == 1);
	CHECK(pthread_mutex_lock(&mutex) == 0);
	CHECK(pthread_mutex_timedlock(&mutex, &past) == ETIMEDOUT);
	CHECK(pthread_cond_timedwait(&cond, &mutex, &past) == ETIMEDOUT);
	CHECK(pthread_mutex_unlock(&mutex) == 0);
	CHECK(sem_init(&sem, 0, 1) == 0 && sem_wait(&sem) == 0 && sem_post(&sem) == 0);
	CHECK(pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0);
	CHECK(usleep(1) == 0);
	CHECK(errno == 1234);
	CHECK(read(-1, &c, 1) == -1 && errno == EBADF);
	errno = 0;
	CHECK(execl("/nonexistent", "x", NULL) == -1 && errno == ENOENT);
	/* A stack that cannot be had: the thread is not made. */
	pthread_attr_init(&attr);
	CHECK(pthread_attr_setstacksize(&attr, (size_t)1 << 50) == 0);
	CHECK(pthread_create(&thread, &attr, nothing, NULL) == EAGAIN);
	/* The recorder's handlers are not seen. */
	CHECK(sigaction(SIGTERM, NULL, &act) == 0 && act.sa_handler == SIG_DFL);
	CHECK(signal(SIGTERM, SIG_IGN) == SIG_DFL);
	CHECK(signal(SIGTERM, SIG_DFL) == SIG_IGN);
	CHECK(sysv_signal(SIGTERM, SIG_IGN) == SIG_DFL);
	CHECK(__sysv_signal(SIGTERM, SIG_DFL) == SIG_IGN);
	CHECK(sigaction(SIGTERM, NULL, &act) == 0 && act.sa_handler == SIG_DFL);
}

/* --- ends --------------------------------------------------------------------------------------------------------------- */

static void *locks_for_ever(void *arg)
{
	for (;;) {
		pthread_mutex_lock(&contended);
		pause_us(100);
		pthread_mutex_unlock(&contended);
	}
	return arg;
}

static void start_lockers(void)
{
	pthread_t thread;

	for (int i = 0; i < 3; i++)
		CHECK(pthread_create(&thread, NULL, locks_for_ever, NULL) == 0);
}

static void *exits_process(void *arg)
{
	pause_us(20000);
	_exit(atoi(arg));
}

static void *writes_late(void *arg)
{
	pause_us(20000);
	CHECK(write(STDOUT_FILENO, "late\n", 5) == 5);
	return NULL;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	int rounds = argc > 2 ? atoi(argv[2]) : 1;
	pthread_t thread;

	if (strcmp(mode, "contend") == 0) {
		contend(rounds);
	} else if (strcmp(mode, "mixed") == 0) {
		mixed(rounds);
	} else if (strcmp(mode, "errno") == 0) {
		errnos();
	} else if (strcmp(mode, "kill") == 0) {
		start_lockers();
		printf("%ld\n", (long)getpid());
		fflush(stdout);
		for (;;)
			pause();
	} else if (strcmp(mode, "exit") == 0 && argc > 2) {
		start_lockers();
		CHECK(pthread_create(&thread, NULL, exits_process, argv[2]) == 0);
		pthread_join(thread, NULL);
	} else if (strcmp(mode, "last") == 0) {
		CHECK(pthread_create(&thread, NULL, writes_late, NULL) == 0);
		pthread_exit(NULL);
	} else if (strcmp(mode, "exec") == 0 && argc > 2) {
		execvp(argv[2], argv + 2);
		return 4;
	} else {
		fprintf(stderr, "Usage: ptload MODE [ROUNDS]\n");
		return 2;
	}
	return 0;
}
