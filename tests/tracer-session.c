/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tracer-session.c - whole recordings of the fake host: files, errors, signals, the environment.  Each test is a process of its
 * own.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <exectrace/reader.h>

#include "fake-host.h"
#include "librt/tracer/chunk.h"

static char dir[] = "/tmp/tracer-session.XXXXXX";
static char path[256];

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/trace", dir);
	unsetenv("EXECTRACE");
	unsetenv("EXECTRACE_OWNER");
}

static void tear_down(void)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

/* Until the host made so many changes more. */
static void await_changes(uint64_t n)
{
	uint64_t before = fake_changes();

	while (fake_changes() - before < n)
		pause_ms(1);
}

static void run_host(bool always_pin)
{
	struct fake_config config = { .always_pin = always_pin, .threads = 3, .procs = 2, .gs = 50, .seed = 5 };

	fake_init(&config);
	fake_start(&config);
}

static struct trace_options options_for(const char *file)
{
	struct trace_options o = TRACE_OPTIONS_INIT;

	o.path = file;
	o.advance_ms = 5;
	return o;
}

struct reading {
	int error;			/* 0, or what the reader said */
	uint64_t events, syncs, transitions, logs, samples;
	bool sync_reason, named_frame;
};

static struct reading read_trace(const char *file)
{
	struct etr_reader *r = etr_reader_new();
	struct reading out = { 0 };
	struct etr_event e;
	int err = etr_reader_open_path(r, file);

	while (err == 0 && (err = etr_reader_next(r, &e)) == 1) {
		err = 0;
		out.events++;
		out.syncs += e.kind == ETR_KIND_SYNC;
		out.logs += e.kind == ETR_KIND_LOG;
		out.samples += e.kind == ETR_KIND_STACK_SAMPLE;
		if (e.kind != ETR_KIND_STATE_TRANSITION)
			continue;
		out.transitions++;
		if (e.u.transition.reason != 0) {
			size_t len, n;
			const char *text = etr_reader_string(r, e.u.transition.reason, &len);
			const struct etr_frame *f = etr_reader_stack(r, e.stack, &n);

			out.sync_reason |= len == 4 && memcmp(text, "sync", 4) == 0;
			if (n > 0) {
				text = etr_reader_string(r, f[0].func, &len);
				out.named_frame |= len == 7 && memcmp(text, "g_leave", 7) == 0;
			}
		}
	}
	if (err < 0)
		fprintf(stderr, "%s: %s\n", file, etr_reader_error_message(r));
	out.error = err;
	etr_reader_free(r);
	return out;
}

/* --- sessions --- */

START_TEST(a_recording_is_whole_and_has_the_events)
{
	struct trace_options o = options_for(path);
	struct reading r;
	struct stat st;

	run_host(_i != 0);
	ck_assert_int_eq(trace_start(&o), 0);
	ck_assert_int_eq(trace_start(&o), -EBUSY);
	await_changes(5000);
	ck_assert_int_eq(trace_advance(), 0);
	ck_assert_int_eq(trace_stop(), 0);
	ck_assert_int_eq(trace_stop(), -ESRCH);
	ck_assert_int_eq(trace_advance(), -ESRCH);
	fake_stop();
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	r = read_trace(path);
	ck_assert_int_eq(r.error, 0);
	ck_assert_uint_ge(r.syncs, 3);
	ck_assert_uint_gt(r.transitions, 100);
	ck_assert(r.sync_reason);
	ck_assert(r.named_frame);
}
END_TEST

START_TEST(an_idle_program_gives_a_good_trace)
{
	struct fake_config config = { .always_pin = true, .threads = 0, .procs = 2, .gs = 50 };
	struct trace_options o = options_for(path);
	struct reading r;

	fake_init(&config);
	fake_start(&config);
	ck_assert_int_eq(trace_start(&o), 0);
	ck_assert_int_eq(trace_advance(), 0);
	ck_assert_int_eq(trace_stop(), 0);
	r = read_trace(path);
	ck_assert_int_eq(r.error, 0);
	/* 50 Gs and 2 Ps, once in each of at least two generations. */
	ck_assert_uint_ge(r.transitions, 104);
}
END_TEST

START_TEST(sessions_follow_each_other)
{
	char name[300];

	run_host(true);
	for (int i = 0; i < 12; i++) {
		struct trace_options o = options_for(name);
		struct reading r;

		o.buffer_limit = (uint64_t)(1 + i % 3) << 24;
		snprintf(name, sizeof(name), "%s.%d", path, i);
		ck_assert_int_eq(trace_start(&o), 0);
		pause_ms(i);
		ck_assert_int_eq(trace_stop(), 0);
		r = read_trace(name);
		ck_assert_int_eq(r.error, 0);
	}
	fake_stop();
}
END_TEST

START_TEST(bad_options_are_refused)
{
	struct trace_options o = options_for(NULL);

	run_host(true);
	ck_assert_int_eq(trace_start(&o), -EINVAL);
	o.path = "/nonexistent/dir/file";
	ck_assert_int_eq(trace_start(&o), -ENOENT);
	o.path = dir;
	ck_assert_int_eq(trace_start(&o), -EISDIR);
	ck_assert_int_eq(symlink("target", path), 0);
	o.path = path;
	ck_assert_int_eq(trace_start(&o), -ELOOP);
	o.cpu_hz = 1000000;
	ck_assert_int_eq(trace_start(&o), -EINVAL);
	ck_assert_int_eq(trace_stop(), -ESRCH);
	fake_stop();
}
END_TEST

START_TEST(percent_p_is_the_process_id)
{
	char name[300], expected[300];
	struct trace_options o = options_for(name);

	run_host(true);
	snprintf(name, sizeof(name), "%s/t.%%p.x", dir);
	snprintf(expected, sizeof(expected), "%s/t.%d.x", dir, (int)getpid());
	ck_assert_int_eq(trace_start(&o), 0);
	ck_assert_int_eq(trace_stop(), 0);
	ck_assert_int_eq(access(expected, R_OK), 0);
	fake_stop();
}
END_TEST

/* --- sinks that fail: the program goes on, the session tells why --- */

static uint64_t changes_during(long ms)
{
	uint64_t before = fake_changes();

	pause_ms(ms);
	return fake_changes() - before;
}

START_TEST(a_full_disk_ends_the_recording_only)
{
	struct trace_options o = options_for("/dev/full");

	run_host(true);
	ck_assert_int_eq(trace_start(&o), 0);
	while (trace_is_on())
		pause_ms(1);
	ck_assert_uint_gt(changes_during(20), 0);
	ck_assert_int_eq(trace_stop(), -ENOSPC);
	fake_stop();
}
END_TEST

START_TEST(a_file_at_its_size_limit_is_cut_to_whole_generations)
{
	struct trace_options o = options_for(path);
	struct rlimit limit = { 200000, 200000 };
	struct reading r;

	run_host(true);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(trace_start(&o), 0);
	while (trace_is_on())
		pause_ms(1);
	ck_assert_int_eq(trace_stop(), -EFBIG);
	fake_stop();
	r = read_trace(path);
	ck_assert_int_eq(r.error, 0);
}
END_TEST

START_TEST(a_closed_descriptor_ends_the_recording_only)
{
	struct trace_options o = options_for(NULL);

	run_host(true);
	o.fd = open(path, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_eq(trace_start(&o), 0);
	close(o.fd);
	while (trace_is_on())
		pause_ms(1);
	ck_assert_uint_gt(changes_during(20), 0);
	ck_assert_int_eq(trace_stop(), -EBADF);
	fake_stop();
}
END_TEST

START_TEST(a_pipe_without_reader_ends_the_recording_only)
{
	struct trace_options o = options_for(NULL);
	int fds[2];

	run_host(true);
	ck_assert_int_eq(pipe(fds), 0);
	close(fds[0]);
	o.fd = fds[1];
	ck_assert_int_eq(trace_start(&o), 0);
	while (trace_is_on())
		pause_ms(1);
	ck_assert_int_eq(trace_stop(), -EPIPE);
	/* And the next one works. */
	o = options_for(path);
	ck_assert_int_eq(trace_start(&o), 0);
	ck_assert_int_eq(trace_stop(), 0);
	ck_assert_int_eq(read_trace(path).error, 0);
	fake_stop();
}
END_TEST

/* A reader that never reads: buffers fill, the session ends by itself, never the program. */
START_TEST(a_stuck_reader_does_not_stop_the_program)
{
	struct trace_options o = options_for(NULL);
	int fds[2], err;

	run_host(true);
	ck_assert_int_eq(pipe(fds), 0);
	o.fd = fds[1];
	o.buffer_limit = 1 << 20;
	ck_assert_int_eq(trace_start(&o), 0);
	pause_ms(300);
	ck_assert_uint_gt(changes_during(50), 0);
	close(fds[0]);
	err = trace_stop();
	ck_assert(err == -EPIPE || err == -ENOBUFS);
	fake_stop();
}
END_TEST

/* --- buffers --- */

START_TEST(a_recording_that_cannot_keep_up_ends_whole)
{
	struct trace_options o = options_for(path);
	struct reading r;
	int err;

	run_host(true);
	o.advance_ms = 2000;
	o.buffer_limit = 1;		/* the least */
	ck_assert_int_eq(trace_start(&o), 0);
	pause_ms(300);
	err = trace_stop();
	fake_stop();
	ck_assert(err == 0 || err == -ENOBUFS);
	r = read_trace(path);
	ck_assert_int_eq(r.error, 0);
}
END_TEST

/* Whether the file has the bytes of text in it. */
static bool file_has(const char *file, const char *text)
{
	static char bytes[1 << 20];
	int fd = open(file, O_RDONLY);
	ssize_t n = read(fd, bytes, sizeof(bytes));

	close(fd);
	return n > 0 && memmem(bytes, (size_t)n, text, strlen(text)) != NULL;
}

/* With nearly all chunks taken away, logs are dropped and counted, and what the model needs is still written. */
START_TEST(logs_are_dropped_first_and_counted)
{
	struct fake_config config = { .always_pin = true, .threads = 0, .procs = 1, .gs = 2 };
	struct trace_options o = options_for(path);
	struct trace_chunk *taken[32];
	struct trace_m m;
	struct trace_pin pin;
	char text[64];
	unsigned n = 0;

	fake_init(&config);
	trace_m_register(&m);
	o.advance_ms = 100000;
	o.buffer_limit = 1;
	ck_assert_int_eq(trace_start(&o), 0);
	while (!trace_chunks_are_scarce())
		taken[n++] = trace_chunk_get(true);
	ck_assert(trace_acquire(&pin, &m));
	for (int i = 0; i < 5; i++)
		trace_log(&pin, 0, "key", 3, "value", 5, (struct trace_where){ 0, 0 });
	trace_procs_change(&pin, 3, (struct trace_where){ 0, 0 });
	trace_release(&pin);
	while (n > 0)
		trace_chunk_put(taken[--n]);
	ck_assert_int_eq(trace_stop(), 0);
	snprintf(text, sizeof(text), "exectrace:dropped %d 5 ", (int)getpid());
	ck_assert(file_has(path, text));
	ck_assert_uint_eq(read_trace(path).logs, 0);
	trace_m_unregister(&m);
}
END_TEST

/* --- the environment --- */

static void in_environment(const char *format, const char *file)
{
	char text[600];

	snprintf(text, sizeof(text), format, file);
	setenv("EXECTRACE", text, 1);
}

START_TEST(the_environment_starts_a_recording)
{
	struct reading r;

	in_environment("file=%s,period=5ms,cpu=0,buffer=16M", path);
	run_host(true);
	ck_assert(trace_is_on());
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(trace_advance(), 0);
	ck_assert_int_eq(trace_stop(), 0);
	fake_stop();
	r = read_trace(path);
	ck_assert_int_eq(r.error, 0);
	ck_assert_uint_ge(r.syncs, 4);
	ck_assert_uint_gt(r.transitions, 0);
}
END_TEST

START_TEST(bad_values_in_the_environment_are_ignored)
{
	char name[300];

	snprintf(name, sizeof(name), "%s/a,b\\c", dir);
	in_environment("period=0ms,cpu=x,nonsense,buffer=9Z,file=%s/a\\,b\\\\c,period=99999999999999999999s", dir);
	run_host(true);
	ck_assert(trace_is_on());
	ck_assert_int_eq(trace_stop(), 0);
	ck_assert_int_eq(access(name, R_OK), 0);
	fake_stop();
}
END_TEST

START_TEST(an_environment_that_cannot_be_met_leaves_the_program_alone)
{
	in_environment("file=%s/no/such/dir", dir);
	run_host(true);
	ck_assert(!trace_is_on());
	ck_assert_uint_gt(changes_during(20), 0);
	fake_stop();
}
END_TEST

START_TEST(a_child_program_leaves_the_parents_file_alone)
{
	in_environment("file=%s", path);
	setenv("EXECTRACE_OWNER", "1:0", 1);
	run_host(true);
	ck_assert(!trace_is_on());
	fake_stop();
}
END_TEST

START_TEST(the_next_program_of_a_process_gets_a_number)
{
	char owner[32], name[300];

	in_environment("file=%s", path);
	snprintf(owner, sizeof(owner), "%d:2", (int)getpid());
	snprintf(name, sizeof(name), "%s.3", path);
	setenv("EXECTRACE_OWNER", owner, 1);
	run_host(true);
	ck_assert(trace_is_on());
	ck_assert_int_eq(trace_stop(), 0);
	ck_assert_int_eq(access(name, R_OK), 0);
	fake_stop();
}
END_TEST

/* --- ends --- */

/* Runs fn in a child that records into path; returns its wait status. */
static int child_status(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct trace_options o = options_for(path);

		/* The test runner handles some. */
		signal(SIGTERM, SIG_DFL);
		signal(SIGABRT, SIG_DFL);
		signal(SIGSEGV, SIG_DFL);
		run_host(true);
		if (trace_start(&o) != 0)
			_exit(99);
		await_changes(1000);
		fn();
		_exit(98);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void end_by_exit(void)
{
	exit(7);
}

static void end_by_sigterm(void)
{
	kill(getpid(), SIGTERM);
	pause_ms(10000);
}

static void end_by_abort(void)
{
	abort();
}

static void *volatile nowhere = (void *)8;

static void end_by_fault(void)
{
	*(volatile int *)nowhere = 1;
}

START_TEST(exit_flushes)
{
	int status = child_status(end_by_exit);
	struct reading r = read_trace(path);

	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	ck_assert_int_eq(r.error, 0);
	ck_assert_uint_gt(r.transitions, 0);
}
END_TEST

START_TEST(fatal_signals_flush_and_still_kill)
{
	static void (*const fns[])(void) = { end_by_sigterm, end_by_abort, end_by_fault };
	static const int signals[] = { SIGTERM, SIGABRT, SIGSEGV };
	int status = child_status(fns[_i]);
	struct reading r = read_trace(path);

	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == signals[_i]);
	ck_assert_int_eq(r.error, 0);
	ck_assert_uint_gt(r.transitions, 0);
}
END_TEST

static void die_ignored(void)
{
	struct sigaction act;

	/* Ignored before the session began: still ignored. */
	sigaction(SIGHUP, NULL, &act);
	_exit(act.sa_handler == SIG_IGN ? 5 : 6);
}

START_TEST(ignored_signals_stay_ignored)
{
	int status;

	signal(SIGHUP, SIG_IGN);
	status = child_status(die_ignored);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 5);
}
END_TEST

/*
 * ThreadSanitizer forbids threads after a fork.  AddressSanitizer's allocator keeps, in the child, the locks that the parent's
 * other threads held, so a thread there may wait for ever.
 */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define NO_THREADS_AFTER_FORK 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define NO_THREADS_AFTER_FORK 1
#endif
#ifdef NO_THREADS_AFTER_FORK
static const bool no_threads_after_fork = true;
#else
static const bool no_threads_after_fork = false;
#endif

START_TEST(a_forked_child_is_silent_and_may_record_by_itself)
{
	struct trace_options o = options_for(path);
	char name[300];
	int status;
	pid_t pid;

	run_host(true);
	ck_assert_int_eq(trace_start(&o), 0);
	snprintf(name, sizeof(name), "%s.child", path);
	pid = fork();
	if (pid == 0) {
		struct fake_config none = { .procs = 1, .gs = 3 };

		o.path = name;
		if (trace_is_on() || trace_stop() != -ESRCH)
			_exit(1);
		if (no_threads_after_fork)
			_exit(0);
		fake_start(&none);	/* the Gs and Ps as they were, and no threads */
		if (trace_start(&o) != 0 || trace_stop() != 0)
			_exit(2);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_assert_int_eq(trace_stop(), 0);
	fake_stop();
	ck_assert_int_eq(read_trace(path).error, 0);
	if (!no_threads_after_fork)
		ck_assert_int_eq(read_trace(name).error, 0);
}
END_TEST

/* --- samples --- */

START_TEST(threads_that_compute_are_sampled)
{
	struct trace_options o = options_for(path);
	struct reading r;
	struct timespec cpu;

	run_host(true);
	o.cpu_hz = 1000;
	ck_assert_int_eq(trace_start(&o), 0);
	do {
		pause_ms(10);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	} while (cpu.tv_sec == 0 && cpu.tv_nsec < 300000000);
	ck_assert_int_eq(trace_stop(), 0);
	fake_stop();
	r = read_trace(path);
	ck_assert_int_eq(r.error, 0);
	ck_assert_uint_ge(r.samples, 5);
}
END_TEST

START_TEST(no_samples_are_taken_when_none_are_wanted)
{
	struct trace_options o = options_for(path);

	run_host(true);
	o.cpu_hz = 0;
	ck_assert_int_eq(trace_start(&o), 0);
	pause_ms(100);
	ck_assert_int_eq(trace_stop(), 0);
	fake_stop();
	ck_assert_uint_eq(read_trace(path).samples, 0);
}
END_TEST

static TCase *add(Suite *s, const char *name, const TTest *const *tests)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, set_up, tear_down);
	for (; *tests != NULL; tests++)
		tcase_add_test(tc, *tests);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(s, tc);
	return tc;
}

int main(void)
{
	Suite *s = suite_create("tracer-session");
	TCase *tc;
	SRunner *r;
	int failed;

	tc = add(s, "sessions", (const TTest *const[]){ an_idle_program_gives_a_good_trace, sessions_follow_each_other,
							bad_options_are_refused, percent_p_is_the_process_id, NULL });
	tcase_add_loop_test(tc, a_recording_is_whole_and_has_the_events, 0, 2);
	add(s, "sinks", (const TTest *const[]){ a_full_disk_ends_the_recording_only,
						a_file_at_its_size_limit_is_cut_to_whole_generations,
						a_closed_descriptor_ends_the_recording_only,
						a_pipe_without_reader_ends_the_recording_only,
						a_stuck_reader_does_not_stop_the_program,
						a_recording_that_cannot_keep_up_ends_whole,
						logs_are_dropped_first_and_counted, NULL });
	add(s, "environment", (const TTest *const[]){ the_environment_starts_a_recording,
						      bad_values_in_the_environment_are_ignored,
						      an_environment_that_cannot_be_met_leaves_the_program_alone,
						      a_child_program_leaves_the_parents_file_alone,
						      the_next_program_of_a_process_gets_a_number, NULL });
	tc = add(s, "ends", (const TTest *const[]){ exit_flushes, ignored_signals_stay_ignored,
						    a_forked_child_is_silent_and_may_record_by_itself, NULL });
	tcase_add_loop_test(tc, fatal_signals_flush_and_still_kill, 0, 3);
	add(s, "samples", (const TTest *const[]){ threads_that_compute_are_sampled, no_samples_are_taken_when_none_are_wanted, NULL });
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
