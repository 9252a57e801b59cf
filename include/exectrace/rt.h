/* SPDX-License-Identifier: BSD-3-Clause
 *
 * rt.h - the runtime: goroutines, channels, locks, syscalls, tracing.
 *
 * Functions return 0 or more for success and -errno for failure. Unless a comment says otherwise they are called on a
 * goroutine, that is in exrt_run()'s function or in what exrt_go() started. What Go calls a fatal error (unlock of an unlocked
 * mutex, send on a closed channel, all goroutines asleep) stops the program with one message, the goroutine's stack and exit
 * code 2.
 *
 * A goroutine is not a thread: it can continue on another one after each call that may wait. Thread-local variables, errno
 * among them, hold only between such calls. Its stack is 64 KiB unless chosen otherwise; exrt_run()'s function has 8 MiB.
 * Goroutines are not interrupted: one that computes for long should call exrt_yield() now and then.
 */
#ifndef EXECTRACE_RT_H
#define EXECTRACE_RT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* --- running --------------------------------------------------------------------------------------------------- */

/**
 * exrt_run - run fn(arg) as the first goroutine of a runtime that lives as long as it does
 *
 * Once at a time in a process; not on a goroutine.  The calling thread waits; goroutines run on threads of the runtime.
 * RTMAXPROCS in the environment sets how many run at once (default: the processors this process may use).  When fn returns, or
 * calls exrt_exit(), the runtime stops: other goroutines do not run on, and their stacks are discarded.  Recording goes on.
 *
 * Return: fn's result (0 if it called exrt_exit()), or, when fn was not run: -EBUSY (also while goroutines of an earlier run are
 * still in system calls, or compute), -ENOMEM, -EAGAIN (no thread).
 */
int exrt_run(int (*fn)(void *arg), void *arg);

/* Starts a goroutine.  Return: 0 or -ENOMEM. */
int exrt_go(void (*fn)(void *arg), void *arg);

struct exrt_go_opts {
	size_t struct_size;		/* sizeof(struct exrt_go_opts) */
	size_t stack_size;		/* bytes; 0: the default.  Rounded up */
};
/* Return: 0; -ENOMEM, also for stacks above 1 GiB; -EINVAL: a struct_size that is too small. opts may be NULL. */
int exrt_go_opts(const struct exrt_go_opts *opts, void (*fn)(void *arg), void *arg);

void exrt_yield(void);			/* lets others run */
void exrt_exit(void) __attribute__((noreturn));	/* ends this goroutine */
uint64_t exrt_goid(void);		/* this goroutine's id; 0 off the runtime */
/*
 * Sets how many goroutines run at once, if n > 0 (at most 1,024), and returns the previous number.  A change waits until all
 * others have come to a scheduling point.
 */
int exrt_maxprocs(int n);
void exrt_sleep(int64_t ns);
int64_t exrt_nanotime(void);		/* CLOCK_MONOTONIC, ns; anywhere */

/* --- locks: embedded by the caller, all zero when new ------------------------------------------------------------ */

struct exrt_mutex {
	uint64_t opaque_[4];
};
#define EXRT_MUTEX_INIT { { 0 } }
void exrt_mutex_lock(struct exrt_mutex *mutex);
bool exrt_mutex_trylock(struct exrt_mutex *mutex);
void exrt_mutex_unlock(struct exrt_mutex *mutex);

struct exrt_waitgroup {
	uint64_t opaque_[4];
};
#define EXRT_WAITGROUP_INIT { { 0 } }
void exrt_waitgroup_add(struct exrt_waitgroup *wg, int64_t delta);
void exrt_waitgroup_done(struct exrt_waitgroup *wg);
void exrt_waitgroup_wait(struct exrt_waitgroup *wg);

/* --- channels ------------------------------------------------------------------------------------------------------ */

struct exrt_chan;

/* A channel of elements of elem_size bytes that buffers cap of them (0: unbuffered).  NULL when out of memory or too large. */
struct exrt_chan *exrt_chan_new(size_t elem_size, size_t cap);
void exrt_chan_free(struct exrt_chan *ch);	/* nobody uses it any more */

/* NULL channels block for ever, as in Go.  Sending on a closed channel is fatal. */
void exrt_chan_send(struct exrt_chan *ch, const void *elem);
/* Return: 1 received; 0 closed and drained, *elem zeroed.  elem may be NULL. */
int exrt_chan_recv(struct exrt_chan *ch, void *elem);
/* Return: 1 done; 0 closed (receive only); -EAGAIN would wait. */
int exrt_chan_trysend(struct exrt_chan *ch, const void *elem);
int exrt_chan_tryrecv(struct exrt_chan *ch, void *elem);
void exrt_chan_close(struct exrt_chan *ch);
size_t exrt_chan_len(const struct exrt_chan *ch);
size_t exrt_chan_cap(const struct exrt_chan *ch);

enum exrt_select_op { EXRT_SELECT_SEND = 1, EXRT_SELECT_RECV = 2 };

struct exrt_select_case {
	enum exrt_select_op op;
	struct exrt_chan *ch;		/* NULL: never ready */
	void *elem;			/* read from for a send, written to for a receive (or NULL) */
	int ok;				/* out, of the chosen receive: 1 received, 0 closed */
};

/**
 * exrt_select - wait until one of the cases can go on, and do it; if several can, one is chosen at random
 *
 * has_default: do not wait.  No cases and no default blocks for ever.  All its channels are in use until it returns: also the one that
 * another goroutine has received from meanwhile, which must not free it before.  Return: the index of the case that was done, or -EAGAIN
 * when none could and has_default.
 */
int exrt_select(struct exrt_select_case *cases, size_t n, bool has_default);

/* --- system calls --------------------------------------------------------------------------------------------------- */

/*
 * Around any call that may block the thread; the goroutine's processor goes to others if it lasts.  They do not nest, and of
 * the runtime's calls only exrt_trace_...() may stand in between; annotations there are left out.  errno is kept by
 * exrt_syscall_end, but a compiler may go on using its old address: read errno before exrt_syscall_end.  A child that was forked on a goroutine has none of the runtime's threads: it may only exec or exit.
 */
void exrt_syscall_begin(void);
void exrt_syscall_end(void);

/* The usual calls so wrapped.  Return: what the call returned, or -errno. */
int exrt_open(const char *path, int flags, mode_t mode);
ssize_t exrt_read(int fd, void *buf, size_t size);
ssize_t exrt_write(int fd, const void *buf, size_t size);
int exrt_close(int fd);

/* --- tracing --------------------------------------------------------------------------------------------------------- */

struct exrt_trace_opts {
	size_t struct_size;		/* sizeof(struct exrt_trace_opts) */
	unsigned cpu_hz;		/* CPU samples a second of CPU time of a thread; 0: 100; UINT_MAX: none */
	unsigned advance_ms;		/* length of a generation; 0: 1000 */
	unsigned compress;		/* zstd's level, 1 to 19, on the recorder's own thread; 0: not compressed */
};

/*
 * Starts recording to a file (created with mode 0600, or emptied; "%p" stands for the process id) or to a descriptor, which is
 * duplicated. opts may be NULL. Anywhere in the process, on a goroutine or not. Return: 0; -EBUSY when recording already;
 * -EINVAL: a struct_size that is too small, a cpu_hz above 10,000, or a compress above 19; what open said.
 */
int exrt_trace_start(const char *path, const struct exrt_trace_opts *opts);
int exrt_trace_start_fd(int fd, const struct exrt_trace_opts *opts);
/* Ends the recording when all of it is written.  Return: 0; -ESRCH when there is none; the first error of writing. */
int exrt_trace_stop(void);
/* Ends the current generation and starts the next one.  Return: as exrt_trace_stop. */
int exrt_trace_advance(void);
bool exrt_trace_is_on(void);

/*
 * User annotations, as in Go's runtime/trace.  Texts are copied, at most 1,024 bytes of them.  Without a recording they cost
 * next to nothing.
 */
struct exrt_task {
	uint64_t id;			/* 0: the background task */
};
struct exrt_task exrt_task_begin(struct exrt_task parent, const char *type);
void exrt_task_end(struct exrt_task task);
void exrt_region_begin(struct exrt_task task, const char *type);	/* regions nest on a goroutine */
void exrt_region_end(struct exrt_task task, const char *type);
void exrt_log(struct exrt_task task, const char *category, const char *message);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
