/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ptcalls.c - a program that calls what can wait in the kernel, one after the other, for recording; it knows nothing of the recorder.
 *
 * ptcalls MODE
 *
 *   calls     every call, with results and errno checked
 *   signals   waits for signals, with all of them blocked, too
 *   cancel    threads are cancelled in calls
 *   refused   waits with times and clocks that libc may refuse; prints what it says
 *   masks     what is blocked, and a thread that works with all blocked; prints what is
 *   stuck     thread after thread reads where nothing comes, and in the end they are let go, one by one
 *   newer     does nothing, and succeeds if libc has what younger ones have
 */
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>

#include "tests/ptcheck.h"

/* What compilers call with _FORTIFY_SOURCE. */
ssize_t __read_chk(int fd, void *buf, size_t size, size_t room);
ssize_t __pread_chk(int fd, void *buf, size_t size, off_t offset, size_t room);
ssize_t __pread64_chk(int fd, void *buf, size_t size, off64_t offset, size_t room);
ssize_t __recv_chk(int fd, void *buf, size_t size, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *buf, size_t size, size_t room, int flags, struct sockaddr *addr, socklen_t *len);
int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t room);
int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask, size_t room);
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int fd, const char *path, int flags);
int __openat64_2(int fd, const char *path, int flags);

/* What not every libc has. */
#pragma weak epoll_pwait2
#pragma weak mq_receive
#pragma weak mq_timedreceive
#pragma weak mq_send
#pragma weak mq_timedsend

/* --- calls -------------------------------------------------------------------------------------------------------------- */

static const char path[] = "ptwaits.tmp";

static void made(int fd, mode_t mode)
{
	struct stat st;

	CHECK(fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 0777) == mode);
	KEEPS(close(fd) == 0);
	CHECK(unlink(path) == 0);
}

static void opened(int fd)
{
	CHECK(fd >= 0 && close(fd) == 0);
}

static void open_files(void)
{
	umask(0);
	made(open(path, O_RDWR | O_CREAT | O_EXCL, 0640), 0640);
	made(open64(path, O_RDWR | O_CREAT | O_EXCL, 0604), 0604);
	made(openat(AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL, 0600), 0600);
	made(openat64(AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL, 0660), 0660);
	made(creat(path, 0606), 0606);
	made(creat64(path, 0620), 0620);
	opened(open("/dev/null", O_RDONLY));
	opened(__open_2("/dev/null", O_RDONLY));
	opened(__open64_2("/dev/null", O_RDONLY));
	opened(__openat_2(AT_FDCWD, "/dev/null", O_RDONLY));
	opened(__openat64_2(AT_FDCWD, "/dev/null", O_RDONLY));
	errno = 0;
	CHECK(open("/nonexistent", O_RDONLY) == -1 && errno == ENOENT);
	CHECK(close(-1) == -1 && errno == EBADF);
}

static void read_and_write(int fd)
{
	char text[8] = "abcdefg", back[8];
	struct iovec out = { text, 8 }, in = { back, 8 };

	KEEPS(pwritev(fd, &out, 1, 0) == 8 && preadv(fd, &in, 1, 0) == 8);
	KEEPS(pwritev64(fd, &out, 1, 8) == 8 && preadv64(fd, &in, 1, 8) == 8);
	KEEPS(pwritev2(fd, &out, 1, 16, 0) == 8 && preadv2(fd, &in, 1, 16, 0) == 8);
	KEEPS(pwritev64v2(fd, &out, 1, 24, 0) == 8 && preadv64v2(fd, &in, 1, 24, 0) == 8);
	CHECK(memcmp(text, back, 8) == 0 && lseek(fd, 0, SEEK_END) == 32 && lseek(fd, 0, SEEK_SET) == 0);
	KEEPS(__read_chk(fd, back, 8, 8) == 8);
	KEEPS(__pread_chk(fd, back, 8, 31, 8) == 1);
	KEEPS(__pread64_chk(fd, back, 8, 30, 8) == 2);
}

static void copy(int fd)
{
	int pipe_fds[2], to = open("/dev/null", O_WRONLY);
	off_t at = 0;
	off64_t from = 8, behind = 40;

	CHECK(pipe(pipe_fds) == 0);
	KEEPS(sendfile(pipe_fds[1], fd, &at, 8) == 8 && at == 8);
	KEEPS(sendfile64(pipe_fds[1], fd, &from, 8) == 8 && from == 16);
	KEEPS(splice(pipe_fds[0], NULL, to, NULL, 16, 0) == 16);
	/* Not on every file system. */
	CHECK(copy_file_range(fd, &from, fd, &behind, 8, 0) == 8 || errno != EBADF);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	close(to);
}

static void lock_file(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	KEEPS(flock(fd, LOCK_EX) == 0 && flock(fd, LOCK_UN) == 0);
	KEEPS(lockf(fd, F_LOCK, 0) == 0 && lockf64(fd, F_ULOCK, 0) == 0 && syncfs(fd) == 0);
	CHECK(msync(NULL, 0, MS_SYNC) == 0);
	CHECK(tcdrain(fd) == -1 && errno == ENOTTY);
	KEEPS(fcntl(fd, F_SETLKW, &lock) == 0);
	lock.l_type = F_UNLCK;
	KEEPS(fcntl64(fd, F_SETLKW, &lock) == 0);
	CHECK(fcntl(fd, F_OFD_SETLKW, &lock) == 0 || errno == EINVAL);
	KEEPS((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
	KEEPS(fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
}

static void talk(void)
{
	char text[4] = "abc", back[4];
	struct iovec out = { text, 4 }, in = { back, 4 };
	struct mmsghdr sent = { .msg_hdr = { .msg_iov = &out, .msg_iovlen = 1 } };
	struct mmsghdr got = { .msg_hdr = { .msg_iov = &in, .msg_iovlen = 1 } };
	int fds[2];

	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) == 0);
	for (int i = 0; i < 3; i++)
		KEEPS(sendto(fds[0], text, 4, 0, NULL, 0) == 4);
	KEEPS(recvfrom(fds[1], back, 4, 0, NULL, NULL) == 4 && memcmp(text, back, 4) == 0);
	KEEPS(__recv_chk(fds[1], back, 4, 4, 0) == 4);
	KEEPS(__recvfrom_chk(fds[1], back, 4, 4, 0, NULL, NULL) == 4);
	KEEPS(sendmmsg(fds[0], &sent, 1, 0) == 1 && recvmmsg(fds[1], &got, 1, 0, NULL) == 1);
	CHECK(got.msg_len == 4);
	close(fds[0]);
	close(fds[1]);
}

static void queue(void)
{
	struct {
		long type;
		char text[4];
	} message = { 1, "abc" };
	const struct timespec past = { 0, 0 };
	int id = msgget(IPC_PRIVATE, 0600), set = semget(IPC_PRIVATE, 1, 0600);
	struct sembuf up = { 0, 1, IPC_NOWAIT }, down = { 0, -1, IPC_NOWAIT };

	/* Not in every container. */
	CHECK(set < 0 || (semop(set, &up, 1) == 0 && semtimedop(set, &down, 1, &past) == 0));
	if (set >= 0)
		semctl(set, 0, IPC_RMID);
	CHECK(msgsnd(id, &message, 4, IPC_NOWAIT) == 0 || id < 0);
	CHECK(msgrcv(id, &message, 4, 0, IPC_NOWAIT) == 4 || id < 0);
	if (id >= 0)
		msgctl(id, IPC_RMID, NULL);
	if (!mq_receive)
		return;
	CHECK(mq_receive(-1, message.text, 4, NULL) == -1 && (errno == EBADF || errno == ENOSYS));
	CHECK(mq_timedreceive(-1, message.text, 4, NULL, &past) == -1 && (errno == EBADF || errno == ENOSYS));
	CHECK(mq_send(-1, message.text, 4, 0) == -1 && (errno == EBADF || errno == ENOSYS));
	CHECK(mq_timedsend(-1, message.text, 4, 0, &past) == -1 && (errno == EBADF || errno == ENOSYS));
}

static void start_child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(7);
	CHECK(pid > 0);
}

static void wait_for_children(void)
{
	struct rusage usage;
	siginfo_t info;
	int status = 0;
	pid_t pid;

	start_child();
	KEEPS(wait(&status) > 0 && WEXITSTATUS(status) == 7);
	start_child();
	KEEPS(wait3(&status, 0, &usage) > 0 && WEXITSTATUS(status) == 7);
	start_child();
	KEEPS(wait4(-1, &status, 0, &usage) > 0 && WEXITSTATUS(status) == 7);
	start_child();
	KEEPS(waitid(P_ALL, 0, &info, WEXITED) == 0 && info.si_status == 7);
	/* As many programs do before they become another. */
	pid = vfork();
	if (pid == 0) {
		close(-1);
		_exit(7);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
	CHECK(wait(NULL) == -1 && errno == ECHILD);
}

static void wait_for_descriptors(void)
{
	const struct timespec shortly = { 0, 1000 };
	struct epoll_event event;
	struct pollfd fd = { .events = POLLIN };
	sigset_t none;
	fd_set set;
	int fds[2], epoll = epoll_create1(0);

	sigemptyset(&none);
	CHECK(epoll >= 0 && pipe(fds) == 0);
	fd.fd = fds[0];
	FD_ZERO(&set);
	FD_SET(fds[0], &set);
	KEEPS(__poll_chk(&fd, 1, 1, sizeof(fd)) == 0);
	KEEPS(__ppoll_chk(&fd, 1, &shortly, &none, sizeof(fd)) == 0);
	KEEPS(pselect(fds[0] + 1, &set, NULL, NULL, &shortly, &none) == 0);
	KEEPS(pselect(0, NULL, NULL, NULL, &shortly, NULL) == 0);
	if (epoll_pwait2 && epoll_pwait2(epoll, &event, 1, &shortly, &none) != 0)
		CHECK(errno == ENOSYS);
	close(epoll);
	close(fds[0]);
	close(fds[1]);
}

static void newer(void)
{
	if (!mq_receive || !epoll_pwait2)
		exit(1);
}

static void calls(void)
{
	char bytes[4];
	int fd;

	open_files();
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0 && unlink(path) == 0);
	read_and_write(fd);
	copy(fd);
	lock_file(fd);
	close(fd);
	KEEPS(getrandom(bytes, sizeof(bytes), 0) == sizeof(bytes));
	talk();
	queue();
	wait_for_children();
	wait_for_descriptors();
}

/* --- signals -------------------------------------------------------------------------------------------------------------- */

static atomic_int handled;
static atomic_bool done;

static void handler(int sig)
{
	atomic_fetch_add(&handled, 1);
}

/* Again and again, since one could come before the wait. */
static void *sends_signals(void *arg)
{
	while (!atomic_load(&done)) {
		pthread_kill(*(pthread_t *)arg, SIGUSR1);
		pause_us(1000);
	}
	return NULL;
}

static void burn_ms(long ms)
{
	struct timespec now;

	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	while (now.tv_sec == 0 && now.tv_nsec < ms * 1000000);
}

static void signals(void)
{
	const struct timespec shortly = { 0, 1000 }, none = { 0, 0 };
	pthread_t thread, self = pthread_self();
	sigset_t set, empty;
	siginfo_t info;
	int sig;

	signal(SIGUSR1, handler);
	CHECK(pthread_create(&thread, NULL, sends_signals, &self) == 0);
	CHECK(pause() == -1 && errno == EINTR && atomic_load(&handled) > 0);
	sigemptyset(&empty);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	sig = atomic_load(&handled);
	CHECK(sigsuspend(&empty) == -1 && errno == EINTR && atomic_load(&handled) > sig);
	KEEPS(sigwait(&set, &sig) == 0 && sig == SIGUSR1);
	KEEPS(sigwaitinfo(&set, &info) == SIGUSR1 && info.si_signo == SIGUSR1);
	atomic_store(&done, true);
	CHECK(pthread_join(thread, NULL) == 0);
	while (sigtimedwait(&set, &info, &none) == SIGUSR1)
		;
	CHECK(errno == EAGAIN);
	/* A thread that takes all signals gets the program's own and no others, however much time it took. */
	sigfillset(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	burn_ms(60);
	CHECK(sigtimedwait(&set, &info, &shortly) == -1 && errno == EAGAIN);
	raise(SIGUSR2);
	CHECK(sigwait(&set, &sig) == 0 && sig == SIGUSR2);
}

/* --- cancel --------------------------------------------------------------------------------------------------------------- */

static atomic_int cleaned;
static int silent[2];

static void clean(void *arg)
{
	char c;

	/* Calls are still reported. */
	CHECK(write(silent[1], "x", 1) == 1 && read(silent[0], &c, 1) == 1);
	atomic_fetch_add(&cleaned, 1);
}

static pthread_t first;

static void wait_in(int call)
{
	struct pollfd fd = { .fd = -1 };
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct timespec end = { INT_MAX, 0 };
	static sem_t never;
	sigset_t set;
	char c;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	for (;;)
		switch (call) {
		case 0:
			CHECK(recvfrom(silent[0], &c, 1, 0, NULL, NULL) == -1);
			break;
		case 1:
			pause();
			break;
		case 2:
			sigwaitinfo(&set, NULL);
			break;
		case 3:
			sigsuspend(&set);
			break;
		case 4:
			pselect(0, NULL, NULL, NULL, &end, NULL);
			break;
		case 5:
			ppoll(&fd, 1, &end, NULL);
			break;
		case 6:
			close(open("/dev/null", O_RDONLY));
			break;
		case 7:
			fcntl(silent[0], F_SETLKW, &lock);
			break;
		case 8:
			sem_timedwait(&never, &end);
			break;
		case 9:
			pthread_timedjoin_np(first, NULL, &end);
			break;
		default:
			close(-1);
		}
}

static void *is_cancelled(void *arg)
{
	pthread_cleanup_push(clean, NULL);
	wait_in((int)(intptr_t)arg);
	pthread_cleanup_pop(0);
	return NULL;
}

#define CANCELLED 11

static void cancel(void)
{
	pthread_t thread[CANCELLED];
	void *result;

	first = pthread_self();
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, silent) == 0);
	for (int i = 0; i < CANCELLED; i++) {
		CHECK(pthread_create(&thread[i], NULL, is_cancelled, (void *)(intptr_t)i) == 0);
		pause_us(2000);
		CHECK(pthread_cancel(thread[i]) == 0);
		CHECK(pthread_join(thread[i], &result) == 0 && result == PTHREAD_CANCELED);
	}
	CHECK(atomic_load(&cleaned) <= CANCELLED);
}

#define STUCK 20

static int nothing[2];
static _Atomic pid_t reader;

static void *reads_nothing(void *arg)
{
	char byte;

	atomic_store(&reader, gettid());
	CHECK(read(nothing[0], &byte, 1) == 1);
	return NULL;
}

/* The state of a thread as the kernel tells it. */
static char state_of(pid_t tid)
{
	char path[64], line[256] = "", *name_end;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0);
	CHECK(read(fd, line, sizeof(line) - 1) > 0);
	close(fd);
	name_end = strrchr(line, ')');
	CHECK(name_end);
	return name_end[2];
}

static void stuck(void)
{
	pthread_t thread[STUCK];

	CHECK(pipe(nothing) == 0);
	for (int i = 0; i < STUCK; i++) {
		atomic_store(&reader, 0);
		CHECK(pthread_create(&thread[i], NULL, reads_nothing, NULL) == 0);
		while (atomic_load(&reader) == 0 || state_of(atomic_load(&reader)) != 'S')
			pause_us(1000);
		/* It sleeps, hardly anywhere else than in its call. */
		pause_us(2000);
	}
	for (int i = 0; i < STUCK; i++) {
		CHECK(write(nothing[1], "", 1) == 1);
		pause_us(2000);
	}
	for (int i = 0; i < STUCK; i++)
		CHECK(pthread_join(thread[i], NULL) == 0);
}

/* --- masks -------------------------------------------------------------------------------------------------------------- */

static void print_mask(const char *what, const sigset_t *set)
{
	printf("%s:", what);
	for (int sig = 1; sig <= SIGRTMAX; sig++)
		if (sigismember(set, sig))
			printf(" %d", sig);
	printf("\n");
}

/* Both functions, in turn. */
static void change_mask(const char *what, int how, const sigset_t *set)
{
	sigset_t old, now;

	CHECK(pthread_sigmask(how, set, &old) == 0 && sigprocmask(SIG_BLOCK, NULL, &now) == 0);
	print_mask(what, &old);
	print_mask("then", &now);
	CHECK(sigprocmask(how, set, &old) == 0 && pthread_sigmask(SIG_SETMASK, NULL, &now) == 0);
	print_mask("again", &old);
	print_mask("then", &now);
}

static void *works_undisturbed(void *arg)
{
	sigset_t now;

	CHECK(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0);
	print_mask("inherited", &now);
	burn_ms(200);
	return arg;
}

static void masks(void)
{
	sigset_t all, none, one;
	pthread_t thread;

	sigfillset(&all);
	sigemptyset(&none);
	CHECK(sigprocmask(SIG_SETMASK, &none, NULL) == 0);
	change_mask("block none", SIG_BLOCK, &none);
	change_mask("block all", SIG_BLOCK, &all);
	CHECK(pthread_create(&thread, NULL, works_undisturbed, NULL) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig++) {
		sigemptyset(&one);
		sigaddset(&one, sig);
		change_mask("unblock", SIG_UNBLOCK, &one);
		change_mask("only", SIG_SETMASK, &one);
		change_mask("block all", SIG_BLOCK, &all);
	}
	CHECK(pthread_sigmask(99, &all, NULL) == EINVAL);
	CHECK(sigprocmask(99, &all, NULL) == -1 && errno == EINVAL);
}

/* --- refused ------------------------------------------------------------------------------------------------------------ */

/* Nothing has to be waited for. */
#define SAYS(wait, undo)                                                                                                         \
	do {                                                                                                                     \
		int rc_;                                                                                                         \
                                                                                                                                 \
		errno = 0;                                                                                                       \
		rc_ = wait;                                                                                                      \
		printf("%s: %d %d\n", #wait, rc_, errno);                                                                        \
		if (rc_ == 0)                                                                                                    \
			undo;                                                                                                    \
	} while (0)

static void *tell_id(void *arg)
{
	*(_Atomic pid_t *)arg = gettid();
	return NULL;
}

static pthread_t ended_thread(void)
{
	_Atomic pid_t id = 0;
	pthread_t thread;
	char name[64];

	CHECK(pthread_create(&thread, NULL, tell_id, (void *)&id) == 0);
	while (id == 0)
		pause_us(100);
	snprintf(name, sizeof(name), "/proc/self/task/%ld", (long)id);
	while (access(name, F_OK) == 0)
		pause_us(100);
	return thread;
}

static void refused(void)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, 99 };
	struct timespec times[] = { { 1, -1 }, { 1, 1000000000 }, { 1L << 40, 0 } }, *t = times;
	pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	pthread_t thread;
	sem_t sem;

	sem_init(&sem, 0, 100);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++, t++) {
		SAYS(pthread_rwlock_timedrdlock(&rwlock, t), pthread_rwlock_unlock(&rwlock));
		SAYS(pthread_rwlock_timedwrlock(&rwlock, t), pthread_rwlock_unlock(&rwlock));
		SAYS(pthread_mutex_timedlock(&mutex, t), pthread_mutex_unlock(&mutex));
		SAYS(sem_timedwait(&sem, t), (void)0);
		for (size_t k = 0; k < sizeof(clocks) / sizeof(clocks[0]); k++) {
			SAYS(pthread_rwlock_clockrdlock(&rwlock, clocks[k], t), pthread_rwlock_unlock(&rwlock));
			SAYS(pthread_rwlock_clockwrlock(&rwlock, clocks[k], t), pthread_rwlock_unlock(&rwlock));
			SAYS(pthread_mutex_clocklock(&mutex, clocks[k], t), pthread_mutex_unlock(&mutex));
			SAYS(sem_clockwait(&sem, clocks[k], t), (void)0);
			thread = ended_thread();
			SAYS(pthread_clockjoin_np(thread, NULL, clocks[k], t), (void)0);
		}
		thread = ended_thread();
		SAYS(pthread_timedjoin_np(thread, NULL, t), (void)0);
	}
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = { { "calls", calls }, { "signals", signals }, { "cancel", cancel }, { "stuck", stuck },
					     { "refused", refused }, { "masks", masks }, { "newer", newer }, { 0 } };

	return run_mode(modes, argc, argv);
}
