/* SPDX-License-Identifier: BSD-3-Clause
 *
 * hookio.c - calls into the kernel that can last.
 *
 * Reading, writing and the like are system calls of a G that keeps its P. Calls whose purpose is to wait block the G: for
 * descriptors with Go's reason "network", for time with "sleep".
 */
#include "config.h"

#include "librt/pthread/pthost.h"

#define SYSCALL(result, name, params, args)                                                                                      \
	PT_EXPORT result name params                                                                                             \
	{                                                                                                                        \
		struct pt_thread *t = pt_syscall_enter(TRACE_HERE());                                                            \
		result rc = PT_REAL(name) args;                                                                                  \
                                                                                                                                 \
		pt_call_leave(t);                                                                                                \
		return rc;                                                                                                       \
	}

/* waits: whether these arguments ask to wait; else it is a system call like others. */
#define WAIT(result, name, params, args, reason, waits)                                                                          \
	PT_EXPORT result name params                                                                                             \
	{                                                                                                                        \
		struct pt_thread *t = (waits) ? pt_block_enter(NULL, reason, 0, TRACE_HERE()) : pt_syscall_enter(TRACE_HERE());  \
		result rc = PT_REAL(name) args;                                                                                  \
                                                                                                                                 \
		pt_call_leave(t);                                                                                                \
		return rc;                                                                                                       \
	}

SYSCALL(ssize_t, read, (int fd, void *buf, size_t size), (fd, buf, size))
SYSCALL(ssize_t, write, (int fd, const void *buf, size_t size), (fd, buf, size))
SYSCALL(ssize_t, pread, (int fd, void *buf, size_t size, off_t offset), (fd, buf, size, offset))
SYSCALL(ssize_t, pwrite, (int fd, const void *buf, size_t size, off_t offset), (fd, buf, size, offset))
SYSCALL(ssize_t, pread64, (int fd, void *buf, size_t size, off64_t offset), (fd, buf, size, offset))
SYSCALL(ssize_t, pwrite64, (int fd, const void *buf, size_t size, off64_t offset), (fd, buf, size, offset))
SYSCALL(ssize_t, readv, (int fd, const struct iovec *iov, int n), (fd, iov, n))
SYSCALL(ssize_t, writev, (int fd, const struct iovec *iov, int n), (fd, iov, n))
SYSCALL(ssize_t, recv, (int fd, void *buf, size_t size, int flags), (fd, buf, size, flags))
SYSCALL(ssize_t, send, (int fd, const void *buf, size_t size, int flags), (fd, buf, size, flags))
SYSCALL(ssize_t, recvmsg, (int fd, struct msghdr *msg, int flags), (fd, msg, flags))
SYSCALL(ssize_t, sendmsg, (int fd, const struct msghdr *msg, int flags), (fd, msg, flags))
SYSCALL(int, connect, (int fd, const struct sockaddr *addr, socklen_t len), (fd, addr, len))
SYSCALL(int, accept, (int fd, struct sockaddr *addr, socklen_t *len), (fd, addr, len))
SYSCALL(int, accept4, (int fd, struct sockaddr *addr, socklen_t *len, int flags), (fd, addr, len, flags))
SYSCALL(int, fsync, (int fd), (fd))
SYSCALL(int, fdatasync, (int fd), (fd))
SYSCALL(pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options))

static inline bool lasts(const struct timespec *timeout)
{
	return !timeout || timeout->tv_sec || timeout->tv_nsec;
}

WAIT(int, poll, (struct pollfd *fds, nfds_t n, int timeout), (fds, n, timeout), "network", timeout != 0)
WAIT(int, ppoll, (struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask), (fds, n, timeout, mask),
     "network", lasts(timeout))
WAIT(int, select, (int n, fd_set *r, fd_set *w, fd_set *e, struct timeval *timeout), (n, r, w, e, timeout),
     n == 0 ? "sleep" : "network", !timeout || timeout->tv_sec || timeout->tv_usec)
WAIT(int, epoll_wait, (int fd, struct epoll_event *events, int n, int timeout), (fd, events, n, timeout), "network", timeout != 0)
WAIT(int, epoll_pwait, (int fd, struct epoll_event *events, int n, int timeout, const sigset_t *mask), (fd, events, n, timeout, mask),
     "network", timeout != 0)
WAIT(int, nanosleep, (const struct timespec *time, struct timespec *rest), (time, rest), "sleep", true)
WAIT(int, clock_nanosleep, (clockid_t clock, int flags, const struct timespec *time, struct timespec *rest),
     (clock, flags, time, rest), "sleep", true)
WAIT(int, usleep, (useconds_t us), (us), "sleep", true)
WAIT(unsigned, sleep, (unsigned seconds), (seconds), "sleep", true)
