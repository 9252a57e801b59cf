/* SPDX-License-Identifier: BSD-3-Clause
 *
 * hookio.c - calls into the kernel that can last.
 *
 * Reading, writing and the like are system calls. Calls whose purpose is to wait block the G: for descriptors with Go's reason
 * "network", for time and for signals with "sleep".
 *
 * The names with two underscores are those that a program calls when it was compiled with _FORTIFY_SOURCE.
 */
#include "config.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/file.h>

#include "librt/pthread/pthost.h"

/* Headers declare some of them only for some programs. */
#define HOOK(result, name, params)                                                                                               \
	result name params;                                                                                                      \
	PT_EXPORT result name params

#define SYSCALL(result, name, params, args)                                                                                      \
	HOOK(result, name, params)                                                                                               \
	{                                                                                                                        \
		struct pt_thread *t = pt_syscall_enter(TRACE_HERE());                                                            \
		result rc = PT_REAL(name) args;                                                                                  \
                                                                                                                                 \
		pt_call_leave(t);                                                                                                \
		return rc;                                                                                                       \
	}

/* waits: whether these arguments ask to wait; else it is a system call like others. */
#define WAIT(result, name, params, args, reason, waits)                                                                          \
	HOOK(result, name, params)                                                                                               \
	{                                                                                                                        \
		struct pt_thread *t = (waits) ? pt_block_enter(NULL, reason, 0, TRACE_HERE()) : pt_syscall_enter(TRACE_HERE());  \
		result rc = PT_REAL(name) args;                                                                                  \
                                                                                                                                 \
		pt_call_leave(t);                                                                                                \
		return rc;                                                                                                       \
	}

/* --- reading and writing ---------------------------------------------------------------------------------------------- */

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
SYSCALL(ssize_t, preadv, (int fd, const struct iovec *iov, int n, off_t offset), (fd, iov, n, offset))
SYSCALL(ssize_t, pwritev, (int fd, const struct iovec *iov, int n, off_t offset), (fd, iov, n, offset))
SYSCALL(ssize_t, preadv64, (int fd, const struct iovec *iov, int n, off64_t offset), (fd, iov, n, offset))
SYSCALL(ssize_t, pwritev64, (int fd, const struct iovec *iov, int n, off64_t offset), (fd, iov, n, offset))
SYSCALL(ssize_t, preadv2, (int fd, const struct iovec *iov, int n, off_t offset, int flags), (fd, iov, n, offset, flags))
SYSCALL(ssize_t, pwritev2, (int fd, const struct iovec *iov, int n, off_t offset, int flags), (fd, iov, n, offset, flags))
SYSCALL(ssize_t, preadv64v2, (int fd, const struct iovec *iov, int n, off64_t offset, int flags), (fd, iov, n, offset, flags))
SYSCALL(ssize_t, pwritev64v2, (int fd, const struct iovec *iov, int n, off64_t offset, int flags), (fd, iov, n, offset, flags))
SYSCALL(ssize_t, __read_chk, (int fd, void *buf, size_t size, size_t room), (fd, buf, size, room))
SYSCALL(ssize_t, __pread_chk, (int fd, void *buf, size_t size, off_t offset, size_t room), (fd, buf, size, offset, room))
SYSCALL(ssize_t, __pread64_chk, (int fd, void *buf, size_t size, off64_t offset, size_t room), (fd, buf, size, offset, room))
SYSCALL(ssize_t, recvfrom, (int fd, void *buf, size_t size, int flags, struct sockaddr *addr, socklen_t *len),
	(fd, buf, size, flags, addr, len))
SYSCALL(ssize_t, sendto, (int fd, const void *buf, size_t size, int flags, const struct sockaddr *addr, socklen_t len),
	(fd, buf, size, flags, addr, len))
SYSCALL(int, recvmmsg, (int fd, struct mmsghdr *msgs, unsigned n, int flags, struct timespec *timeout),
	(fd, msgs, n, flags, timeout))
SYSCALL(int, sendmmsg, (int fd, struct mmsghdr *msgs, unsigned n, int flags), (fd, msgs, n, flags))
SYSCALL(ssize_t, __recv_chk, (int fd, void *buf, size_t size, size_t room, int flags), (fd, buf, size, room, flags))
SYSCALL(ssize_t, __recvfrom_chk,
	(int fd, void *buf, size_t size, size_t room, int flags, struct sockaddr *addr, socklen_t *len),
	(fd, buf, size, room, flags, addr, len))
SYSCALL(ssize_t, sendfile, (int out, int in, off_t *offset, size_t size), (out, in, offset, size))
SYSCALL(ssize_t, sendfile64, (int out, int in, off64_t *offset, size_t size), (out, in, offset, size))
SYSCALL(ssize_t, splice, (int in, off64_t *from, int out, off64_t *to, size_t size, unsigned flags),
	(in, from, out, to, size, flags))
SYSCALL(ssize_t, copy_file_range, (int in, off64_t *from, int out, off64_t *to, size_t size, unsigned flags),
	(in, from, out, to, size, flags))
SYSCALL(ssize_t, getrandom, (void *buf, size_t size, unsigned flags), (buf, size, flags))
SYSCALL(ssize_t, msgrcv, (int queue, void *msg, size_t size, long type, int flags), (queue, msg, size, type, flags))
SYSCALL(int, msgsnd, (int queue, const void *msg, size_t size, int flags), (queue, msg, size, flags))
SYSCALL(int, semop, (int set, struct sembuf *ops, size_t n), (set, ops, n))
SYSCALL(int, semtimedop, (int set, struct sembuf *ops, size_t n, const struct timespec *timeout), (set, ops, n, timeout))
SYSCALL(ssize_t, mq_receive, (mqd_t queue, char *msg, size_t size, unsigned *prio), (queue, msg, size, prio))
SYSCALL(ssize_t, mq_timedreceive, (mqd_t queue, char *msg, size_t size, unsigned *prio, const struct timespec *abstime),
	(queue, msg, size, prio, abstime))
SYSCALL(int, mq_send, (mqd_t queue, const char *msg, size_t size, unsigned prio), (queue, msg, size, prio))
SYSCALL(int, mq_timedsend, (mqd_t queue, const char *msg, size_t size, unsigned prio, const struct timespec *abstime),
	(queue, msg, size, prio, abstime))

/* --- files -------------------------------------------------------------------------------------------------------------- */

SYSCALL(int, close, (int fd), (fd))
SYSCALL(int, flock, (int fd, int how), (fd, how))
SYSCALL(int, creat, (const char *path, mode_t mode), (path, mode))
SYSCALL(int, creat64, (const char *path, mode_t mode), (path, mode))
SYSCALL(int, __open_2, (const char *path, int flags), (path, flags))
SYSCALL(int, __open64_2, (const char *path, int flags), (path, flags))
SYSCALL(int, __openat_2, (int fd, const char *path, int flags), (fd, path, flags))
SYSCALL(int, __openat64_2, (int fd, const char *path, int flags), (fd, path, flags))
SYSCALL(int, lockf, (int fd, int how, off_t size), (fd, how, size))
SYSCALL(int, lockf64, (int fd, int how, off64_t size), (fd, how, size))
SYSCALL(int, syncfs, (int fd), (fd))
SYSCALL(int, msync, (void *memory, size_t size, int flags), (memory, size, flags))
SYSCALL(int, tcdrain, (int fd), (fd))

/* open(2): with other flags there is no mode. */
static inline bool has_mode(int flags)
{
	return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

#define OPEN(name, params, ...)                                                                                                  \
	HOOK(int, name, params)                                                                                                  \
	{                                                                                                                        \
		struct pt_thread *t;                                                                                             \
		mode_t mode = 0;                                                                                                 \
		va_list ap;                                                                                                      \
		int rc;                                                                                                          \
                                                                                                                                 \
		va_start(ap, flags);                                                                                             \
		if (has_mode(flags))                                                                                             \
			mode = va_arg(ap, mode_t);                                                                               \
		va_end(ap);                                                                                                      \
		t = pt_syscall_enter(TRACE_HERE());                                                                              \
		rc = PT_REAL(name)(__VA_ARGS__, flags, mode);                                                                    \
		pt_call_leave(t);                                                                                                \
		return rc;                                                                                                       \
	}

OPEN(open, (const char *path, int flags, ...), path)
OPEN(open64, (const char *path, int flags, ...), path)
OPEN(openat, (int fd, const char *path, int flags, ...), fd, path)
OPEN(openat64, (int fd, const char *path, int flags, ...), fd, path)

/* Whatever the argument is, or if there is none: passed on as a pointer, as libc itself does. Only locks are waited for. */
#define FCNTL(name)                                                                                                              \
	HOOK(int, name, (int fd, int cmd, ...))                                                                                  \
	{                                                                                                                        \
		bool waits = cmd == F_SETLKW || cmd == F_OFD_SETLKW;                                                             \
		struct pt_thread *t;                                                                                             \
		va_list ap;                                                                                                      \
		void *arg;                                                                                                       \
		int rc;                                                                                                          \
                                                                                                                                 \
		va_start(ap, cmd);                                                                                               \
		arg = va_arg(ap, void *);                                                                                        \
		va_end(ap);                                                                                                      \
		t = waits ? pt_syscall_enter(TRACE_HERE()) : NULL;                                                               \
		rc = PT_REAL(name)(fd, cmd, arg);                                                                                \
		pt_call_leave(t);                                                                                                \
		return rc;                                                                                                       \
	}

FCNTL(fcntl)
FCNTL(fcntl64)

/* --- processes ---------------------------------------------------------------------------------------------------------- */

SYSCALL(pid_t, wait, (int *status), (status))
SYSCALL(pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options))
SYSCALL(pid_t, wait3, (int *status, int options, struct rusage *usage), (status, options, usage))
SYSCALL(pid_t, wait4, (pid_t pid, int *status, int options, struct rusage *usage), (pid, status, options, usage))
SYSCALL(int, waitid, (idtype_t type, id_t id, siginfo_t *info, int options), (type, id, info, options))

/* --- waiting for descriptors and time ------------------------------------------------------------------------------------ */

static inline bool lasts(const struct timespec *timeout)
{
	return !timeout || timeout->tv_sec || timeout->tv_nsec;
}

/* A mask that the program waits with: the recorder's samples would end the wait (ptstate.c: hold_samples). */
static const sigset_t *without_samples(const sigset_t *mask, sigset_t *copy)
{
	int sig = trace_sample_signal();

	if (!mask || !sig)
		return mask;
	*copy = *mask;
	sigaddset(copy, sig);
	return copy;
}

/* changed: what becomes of the signals that the program gives. */
#define WAIT_SIGNALS(name, params, args, reason, waits, signals, changed)                                                        \
	HOOK(int, name, params)                                                                                                  \
	{                                                                                                                        \
		struct pt_thread *t = (waits) ? pt_block_enter(NULL, reason, 0, TRACE_HERE()) : pt_syscall_enter(TRACE_HERE());  \
		sigset_t copy;                                                                                                   \
		int rc;                                                                                                          \
                                                                                                                                 \
		signals = t ? changed(signals, &copy) : signals;                                                                 \
		rc = PT_REAL(name) args;                                                                                         \
		pt_call_leave(t);                                                                                                \
		return rc;                                                                                                       \
	}
#define WAIT_MASKED(name, params, args, reason, waits) WAIT_SIGNALS(name, params, args, reason, waits, mask, without_samples)

WAIT(int, poll, (struct pollfd *fds, nfds_t n, int timeout), (fds, n, timeout), "network", timeout != 0)
WAIT(int, __poll_chk, (struct pollfd *fds, nfds_t n, int timeout, size_t room), (fds, n, timeout, room), "network", timeout != 0)
WAIT_MASKED(ppoll, (struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask), (fds, n, timeout, mask),
	    "network", lasts(timeout))
WAIT_MASKED(__ppoll_chk, (struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask, size_t room),
	    (fds, n, timeout, mask, room), "network", lasts(timeout))
WAIT(int, select, (int n, fd_set *r, fd_set *w, fd_set *e, struct timeval *timeout), (n, r, w, e, timeout),
     n == 0 ? "sleep" : "network", !timeout || timeout->tv_sec || timeout->tv_usec)
WAIT_MASKED(pselect, (int n, fd_set *r, fd_set *w, fd_set *e, const struct timespec *timeout, const sigset_t *mask),
	    (n, r, w, e, timeout, mask), n == 0 ? "sleep" : "network", lasts(timeout))
WAIT(int, epoll_wait, (int fd, struct epoll_event *events, int n, int timeout), (fd, events, n, timeout), "network", timeout != 0)
WAIT_MASKED(epoll_pwait, (int fd, struct epoll_event *events, int n, int timeout, const sigset_t *mask),
	    (fd, events, n, timeout, mask), "network", timeout != 0)
WAIT_MASKED(epoll_pwait2, (int fd, struct epoll_event *events, int n, const struct timespec *timeout, const sigset_t *mask),
	    (fd, events, n, timeout, mask), "network", lasts(timeout))
WAIT(int, nanosleep, (const struct timespec *time, struct timespec *rest), (time, rest), "sleep", true)
WAIT(int, clock_nanosleep, (clockid_t clock, int flags, const struct timespec *time, struct timespec *rest),
     (clock, flags, time, rest), "sleep", true)
WAIT(int, usleep, (useconds_t us), (us), "sleep", true)
WAIT(unsigned, sleep, (unsigned seconds), (seconds), "sleep", true)
WAIT(int, thrd_sleep, (const struct timespec *time, struct timespec *rest), (time, rest), "sleep", true)

/* --- waiting for signals -------------------------------------------------------------------------------------------------- */

WAIT(int, pause, (void), (), "sleep", true)
WAIT_MASKED(sigsuspend, (const sigset_t *mask), (mask), "sleep", true)

/* A set that the program takes signals from: the recorder's samples, which wait while it is blocked, are not among them. */
static const sigset_t *not_samples(const sigset_t *set, sigset_t *copy)
{
	int sig = trace_sample_signal();

	if (!sig || !sigismember(set, sig))
		return set;
	*copy = *set;
	sigdelset(copy, sig);
	return copy;
}

#define WAIT_SET(name, params, args, waits) WAIT_SIGNALS(name, params, args, "sleep", waits, set, not_samples)

WAIT_SET(sigwait, (const sigset_t *set, int *sig), (set, sig), true)
WAIT_SET(sigwaitinfo, (const sigset_t *set, siginfo_t *info), (set, info), true)
WAIT_SET(sigtimedwait, (const sigset_t *set, siginfo_t *info, const struct timespec *timeout), (set, info, timeout), lasts(timeout))
