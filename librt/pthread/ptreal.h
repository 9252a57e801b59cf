/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ptreal.h - the functions that the hooks stand in front of.
 *
 * X(result, name, arguments, version): version is the one that today's programs use where glibc keeps several that differ in what
 * they do, else NULL.
 */
#ifndef PTHREAD_PTREAL_H
#define PTHREAD_PTREAL_H

#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>

#define PT_REAL_FUNCTIONS(X)                                                                                                     \
	X(int, __libc_start_main, (int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),                 \
	  void (*)(void), void *), NULL)                                                                                         \
	X(int, pthread_create, (pthread_t *, const pthread_attr_t *, void *(*)(void *), void *), NULL)                           \
	X(int, pthread_join, (pthread_t, void **), NULL)                                                                         \
	X(int, pthread_tryjoin_np, (pthread_t, void **), NULL)                                                                   \
	X(int, pthread_timedjoin_np, (pthread_t, void **, const struct timespec *), NULL)                                        \
	X(int, pthread_clockjoin_np, (pthread_t, void **, clockid_t, const struct timespec *), NULL)                             \
	X(int, pthread_mutex_lock, (pthread_mutex_t *), NULL)                                                                    \
	X(int, pthread_mutex_trylock, (pthread_mutex_t *), NULL)                                                                 \
	X(int, pthread_mutex_timedlock, (pthread_mutex_t *, const struct timespec *), NULL)                                      \
	X(int, pthread_mutex_clocklock, (pthread_mutex_t *, clockid_t, const struct timespec *), NULL)                           \
	X(int, pthread_mutex_unlock, (pthread_mutex_t *), NULL)                                                                  \
	X(int, pthread_rwlock_rdlock, (pthread_rwlock_t *), NULL)                                                                \
	X(int, pthread_rwlock_tryrdlock, (pthread_rwlock_t *), NULL)                                                             \
	X(int, pthread_rwlock_timedrdlock, (pthread_rwlock_t *, const struct timespec *), NULL)                                  \
	X(int, pthread_rwlock_clockrdlock, (pthread_rwlock_t *, clockid_t, const struct timespec *), NULL)                       \
	X(int, pthread_rwlock_wrlock, (pthread_rwlock_t *), NULL)                                                                \
	X(int, pthread_rwlock_trywrlock, (pthread_rwlock_t *), NULL)                                                             \
	X(int, pthread_rwlock_timedwrlock, (pthread_rwlock_t *, const struct timespec *), NULL)                                  \
	X(int, pthread_rwlock_clockwrlock, (pthread_rwlock_t *, clockid_t, const struct timespec *), NULL)                       \
	X(int, pthread_rwlock_unlock, (pthread_rwlock_t *), NULL)                                                                \
	X(int, pthread_barrier_init, (pthread_barrier_t *, const pthread_barrierattr_t *, unsigned), NULL)                       \
	X(int, pthread_barrier_destroy, (pthread_barrier_t *), NULL)                                                             \
	X(int, pthread_barrier_wait, (pthread_barrier_t *), NULL)                                                                \
	X(int, pthread_cond_wait, (pthread_cond_t *, pthread_mutex_t *), "GLIBC_2.3.2")                                          \
	X(int, pthread_cond_timedwait, (pthread_cond_t *, pthread_mutex_t *, const struct timespec *), "GLIBC_2.3.2")            \
	X(int, pthread_cond_clockwait, (pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *), NULL)          \
	X(int, pthread_cond_signal, (pthread_cond_t *), "GLIBC_2.3.2")                                                           \
	X(int, pthread_cond_broadcast, (pthread_cond_t *), "GLIBC_2.3.2")                                                        \
	X(int, sem_wait, (sem_t *), NULL)                                                                                        \
	X(int, sem_trywait, (sem_t *), NULL)                                                                                     \
	X(int, sem_timedwait, (sem_t *, const struct timespec *), NULL)                                                          \
	X(int, sem_clockwait, (sem_t *, clockid_t, const struct timespec *), NULL)                                               \
	X(int, sem_post, (sem_t *), NULL)                                                                                        \
	X(int, thrd_create, (thrd_t *, thrd_start_t, void *), NULL)                                                              \
	X(int, thrd_join, (thrd_t, int *), NULL)                                                                                 \
	X(int, mtx_init, (mtx_t *, int), NULL)                                                                                   \
	X(int, mtx_lock, (mtx_t *), NULL)                                                                                        \
	X(int, mtx_trylock, (mtx_t *), NULL)                                                                                     \
	X(int, mtx_timedlock, (mtx_t *, const struct timespec *), NULL)                                                          \
	X(int, mtx_unlock, (mtx_t *), NULL)                                                                                      \
	X(int, cnd_wait, (cnd_t *, mtx_t *), NULL)                                                                               \
	X(int, cnd_timedwait, (cnd_t *, mtx_t *, const struct timespec *), NULL)                                                 \
	X(int, cnd_signal, (cnd_t *), NULL)                                                                                      \
	X(int, cnd_broadcast, (cnd_t *), NULL)                                                                                   \
	X(int, thrd_sleep, (const struct timespec *, struct timespec *), NULL)                                                   \
	X(int, pthread_once, (pthread_once_t *, void (*)(void)), NULL)                                                           \
	X(void, call_once, (once_flag *, void (*)(void)), NULL)                                                                  \
	X(ssize_t, read, (int, void *, size_t), NULL)                                                                            \
	X(ssize_t, write, (int, const void *, size_t), NULL)                                                                     \
	X(ssize_t, pread, (int, void *, size_t, off_t), NULL)                                                                    \
	X(ssize_t, pwrite, (int, const void *, size_t, off_t), NULL)                                                             \
	X(ssize_t, pread64, (int, void *, size_t, off64_t), NULL)                                                                \
	X(ssize_t, pwrite64, (int, const void *, size_t, off64_t), NULL)                                                         \
	X(ssize_t, readv, (int, const struct iovec *, int), NULL)                                                                \
	X(ssize_t, writev, (int, const struct iovec *, int), NULL)                                                               \
	X(ssize_t, recv, (int, void *, size_t, int), NULL)                                                                       \
	X(ssize_t, send, (int, const void *, size_t, int), NULL)                                                                 \
	X(ssize_t, recvmsg, (int, struct msghdr *, int), NULL)                                                                   \
	X(ssize_t, sendmsg, (int, const struct msghdr *, int), NULL)                                                             \
	X(int, connect, (int, const struct sockaddr *, socklen_t), NULL)                                                         \
	X(int, accept, (int, struct sockaddr *, socklen_t *), NULL)                                                              \
	X(int, accept4, (int, struct sockaddr *, socklen_t *, int), NULL)                                                        \
	X(int, fsync, (int), NULL)                                                                                               \
	X(int, fdatasync, (int), NULL)                                                                                           \
	X(pid_t, waitpid, (pid_t, int *, int), NULL)                                                                             \
	X(int, poll, (struct pollfd *, nfds_t, int), NULL)                                                                       \
	X(int, ppoll, (struct pollfd *, nfds_t, const struct timespec *, const sigset_t *), NULL)                                \
	X(int, select, (int, fd_set *, fd_set *, fd_set *, struct timeval *), NULL)                                              \
	X(int, epoll_wait, (int, struct epoll_event *, int, int), NULL)                                                          \
	X(int, epoll_pwait, (int, struct epoll_event *, int, int, const sigset_t *), NULL)                                       \
	X(int, nanosleep, (const struct timespec *, struct timespec *), NULL)                                                    \
	X(int, clock_nanosleep, (clockid_t, int, const struct timespec *, struct timespec *), NULL)                              \
	X(int, usleep, (useconds_t), NULL)                                                                                       \
	X(unsigned, sleep, (unsigned), NULL)                                                                                     \
	X(ssize_t, preadv, (int, const struct iovec *, int, off_t), NULL)                                                        \
	X(ssize_t, pwritev, (int, const struct iovec *, int, off_t), NULL)                                                       \
	X(ssize_t, preadv64, (int, const struct iovec *, int, off64_t), NULL)                                                    \
	X(ssize_t, pwritev64, (int, const struct iovec *, int, off64_t), NULL)                                                   \
	X(ssize_t, preadv2, (int, const struct iovec *, int, off_t, int), NULL)                                                  \
	X(ssize_t, pwritev2, (int, const struct iovec *, int, off_t, int), NULL)                                                 \
	X(ssize_t, preadv64v2, (int, const struct iovec *, int, off64_t, int), NULL)                                             \
	X(ssize_t, pwritev64v2, (int, const struct iovec *, int, off64_t, int), NULL)                                            \
	X(ssize_t, __read_chk, (int, void *, size_t, size_t), NULL)                                                              \
	X(ssize_t, __pread_chk, (int, void *, size_t, off_t, size_t), NULL)                                                      \
	X(ssize_t, __pread64_chk, (int, void *, size_t, off64_t, size_t), NULL)                                                  \
	X(ssize_t, recvfrom, (int, void *, size_t, int, struct sockaddr *, socklen_t *), NULL)                                   \
	X(ssize_t, sendto, (int, const void *, size_t, int, const struct sockaddr *, socklen_t), NULL)                           \
	X(int, recvmmsg, (int, struct mmsghdr *, unsigned, int, struct timespec *), NULL)                                        \
	X(int, sendmmsg, (int, struct mmsghdr *, unsigned, int), NULL)                                                           \
	X(ssize_t, __recv_chk, (int, void *, size_t, size_t, int), NULL)                                                         \
	X(ssize_t, __recvfrom_chk, (int, void *, size_t, size_t, int, struct sockaddr *, socklen_t *), NULL)                     \
	X(ssize_t, sendfile, (int, int, off_t *, size_t), NULL)                                                                  \
	X(ssize_t, sendfile64, (int, int, off64_t *, size_t), NULL)                                                              \
	X(ssize_t, splice, (int, off64_t *, int, off64_t *, size_t, unsigned), NULL)                                             \
	X(ssize_t, copy_file_range, (int, off64_t *, int, off64_t *, size_t, unsigned), NULL)                                    \
	X(int, open, (const char *, int, ...), NULL)                                                                             \
	X(int, open64, (const char *, int, ...), NULL)                                                                           \
	X(int, openat, (int, const char *, int, ...), NULL)                                                                      \
	X(int, openat64, (int, const char *, int, ...), NULL)                                                                    \
	X(int, creat, (const char *, mode_t), NULL)                                                                              \
	X(int, creat64, (const char *, mode_t), NULL)                                                                            \
	X(int, __open_2, (const char *, int), NULL)                                                                              \
	X(int, __open64_2, (const char *, int), NULL)                                                                            \
	X(int, __openat_2, (int, const char *, int), NULL)                                                                       \
	X(int, __openat64_2, (int, const char *, int), NULL)                                                                     \
	X(int, close, (int), NULL)                                                                                               \
	X(int, fcntl, (int, int, ...), NULL)                                                                                     \
	X(int, fcntl64, (int, int, ...), NULL)                                                                                   \
	X(int, flock, (int, int), NULL)                                                                                          \
	X(ssize_t, getrandom, (void *, size_t, unsigned), NULL)                                                                  \
	X(ssize_t, msgrcv, (int, void *, size_t, long, int), NULL)                                                               \
	X(int, msgsnd, (int, const void *, size_t, int), NULL)                                                                   \
	X(int, semop, (int, struct sembuf *, size_t), NULL)                                                                      \
	X(int, semtimedop, (int, struct sembuf *, size_t, const struct timespec *), NULL)                                        \
	X(int, lockf, (int, int, off_t), NULL)                                                                                   \
	X(int, lockf64, (int, int, off64_t), NULL)                                                                               \
	X(int, syncfs, (int), NULL)                                                                                              \
	X(int, msync, (void *, size_t, int), NULL)                                                                               \
	X(int, tcdrain, (int), NULL)                                                                                             \
	X(ssize_t, mq_receive, (mqd_t, char *, size_t, unsigned *), NULL)                                                        \
	X(ssize_t, mq_timedreceive, (mqd_t, char *, size_t, unsigned *, const struct timespec *), NULL)                          \
	X(int, mq_send, (mqd_t, const char *, size_t, unsigned), NULL)                                                           \
	X(int, mq_timedsend, (mqd_t, const char *, size_t, unsigned, const struct timespec *), NULL)                             \
	X(pid_t, wait, (int *), NULL)                                                                                            \
	X(pid_t, wait3, (int *, int, struct rusage *), NULL)                                                                     \
	X(pid_t, wait4, (pid_t, int *, int, struct rusage *), NULL)                                                              \
	X(int, waitid, (idtype_t, id_t, siginfo_t *, int), NULL)                                                                 \
	X(int, __poll_chk, (struct pollfd *, nfds_t, int, size_t), NULL)                                                         \
	X(int, __ppoll_chk, (struct pollfd *, nfds_t, const struct timespec *, const sigset_t *, size_t), NULL)                  \
	X(int, pselect, (int, fd_set *, fd_set *, fd_set *, const struct timespec *, const sigset_t *), NULL)                    \
	X(int, epoll_pwait2, (int, struct epoll_event *, int, const struct timespec *, const sigset_t *), NULL)                  \
	X(int, pause, (void), NULL)                                                                                              \
	X(int, sigsuspend, (const sigset_t *), NULL)                                                                             \
	X(int, sigwait, (const sigset_t *, int *), NULL)                                                                         \
	X(int, sigwaitinfo, (const sigset_t *, siginfo_t *), NULL)                                                               \
	X(int, sigtimedwait, (const sigset_t *, siginfo_t *, const struct timespec *), NULL)                                     \
	X(int, execve, (const char *, char *const[], char *const[]), NULL)                                                       \
	X(int, execv, (const char *, char *const[]), NULL)                                                                       \
	X(int, execvp, (const char *, char *const[]), NULL)                                                                      \
	X(int, execvpe, (const char *, char *const[], char *const[]), NULL)                                                      \
	X(int, fexecve, (int, char *const[], char *const[]), NULL)                                                               \
	X(int, dlclose, (void *), NULL)                                                                                          \
	X(void, _exit, (int), NULL)                                                                                              \
	X(int, pthread_sigmask, (int, const sigset_t *, sigset_t *), NULL)                                                       \
	X(int, sigprocmask, (int, const sigset_t *, sigset_t *), NULL)                                                           \
	X(int, sigaction, (int, const struct sigaction *, struct sigaction *), NULL)                                             \
	X(sighandler_t, signal, (int, sighandler_t), NULL)                                                                       \
	X(sighandler_t, __sysv_signal, (int, sighandler_t), NULL)                                                                \
	X(sighandler_t, sysv_signal, (int, sighandler_t), NULL)

struct pt_real {
#define PT_REAL_MEMBER(result, name, args, version) result(*name) args;
	PT_REAL_FUNCTIONS(PT_REAL_MEMBER)
#undef PT_REAL_MEMBER
};

extern struct pt_real pt_real;

/* Finds them all; any number of threads may do so at once, they all store the same. */
void pt_real_resolve(void);

/* The real function; hooks can be called before the library's own constructor ran. */
#define PT_REAL(name)                                                                                                            \
	(*({                                                                                                                     \
		if (__builtin_expect(!pt_real.name, 0))                                                                          \
			pt_real_resolve();                                                                                       \
		pt_real.name;                                                                                                    \
	}))

#endif
