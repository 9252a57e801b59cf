/* SPDX-License-Identifier: BSD-3-Clause
 *
 * command.c - what all commands share.
 *
 * Output files that are open under temporary names are listed for the signal handler, which does nothing but unlink them and let the
 * signal take its course; the list changes only while those signals are held back.
 */
#include "config.h"

#include "tools/command.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tools/progress.h"

#define MOST_THREADS 64
#define USUAL_THREADS 4
#define SMALL_TRACE ((uint64_t)4 << 20)

static const struct command *command;
/* When the command was begun, and what it reads. */
static struct timespec begun, reading_since;
static bool quiet, verbose, reading;

/* What --threads says; 0: nothing. */
static int threads;

/* Those with temporary files. */
static struct command_output *pending;

/* A failure of standard output has been told already. */
static bool stdout_told;

static const int fatal_signals[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE, SIGXCPU, SIGXFSZ };

void command_begin(const struct command *self, char **argv)
{
	command = self;
	clock_gettime(CLOCK_MONOTONIC, &begun);
	/* getopt() heads its messages with this. */
	if (argv[0])
		argv[0] = (char *)self->name;
}

static void vsay(const char *file, const char *fmt, va_list ap)
{
	progress_end();
	fflush(stdout);
	fprintf(stderr, "%s: ", command->name);
	if (file)
		fprintf(stderr, "%s: ", file);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void command_error(const char *file, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay(file, fmt, ap);
	va_end(ap);
}

bool command_is_quiet(void)
{
	return quiet;
}

bool command_is_verbose(void)
{
	return verbose;
}

static void __attribute__((noreturn)) point_to_help(void)
{
	fprintf(stderr, "Try '%s --help'.\n", command->name);
	exit(COMMAND_USAGE);
}

void command_usage_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay(NULL, fmt, ap);
	va_end(ap);
	point_to_help();
}

static void print_help(void)
{
	const char *lead = "Usage:";

	for (const char *line = command->usage; *line; lead = "      ") {
		size_t len = strcspn(line, "\n");

		printf("%s %s %.*s\n", lead, command->name, (int)len, line);
		line += len + (line[len] == '\n');
	}
	printf("\n%s\n", command->help);
	if (command->reads)
		printf("      --threads N  read with N threads (default: %s)\n",
		       command->one_thread ? "1" : "as many as processors, 4 at most");
	printf("  -q, --quiet      say nothing but what went wrong\n"
	       "  -v, --verbose    tell on standard error what was read, and what it took\n"
	       "  -h, --help       print this and exit\n"
	       "  -V, --version    print the version and exit\n");
}

static void set_threads(const char *value)
{
	char *end;
	long n = strtol(value, &end, 10);

	if (end == value || *end || n < 1 || n > MOST_THREADS)
		command_usage_error("'%s' is no number of threads: 1 to %d would be", value, MOST_THREADS);
	threads = (int)n;
}

int command_getopt(int argc, char **argv, const char *letters, const struct option *options)
{
	char all[64];

	snprintf(all, sizeof(all), "%sqvhV", letters);
	for (;;) {
		int opt = getopt_long(argc, argv, all, options, NULL);

		switch (opt) {
		case 'q':
			quiet = true;
			verbose = false;
			break;
		case 'v':
			verbose = true;
			quiet = false;
			break;
		case 'h':
			print_help();
			exit(command_end(COMMAND_OK));
		case 'V':
			printf("%s (%s) %s\n", command->name, PACKAGE, PACKAGE_VERSION);
			exit(command_end(COMMAND_OK));
		case COMMAND_OPT_THREADS:
			set_threads(optarg);
			break;
		case '?':
		case ':':
			point_to_help();
		default:
			return opt;
		}
	}
}

static double seconds_since(const struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - t->tv_sec) + (double)(now.tv_nsec - t->tv_nsec) / 1e9;
}

void command_say_usage(const char *what, int who)
{
	struct rusage use;

	if (!verbose || getrusage(who, &use) != 0)
		return;
	command_error(NULL, "%s: %.3f s, of a processor %.3f s, memory at most %.1f MB", what, seconds_since(&begun),
		      (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) + (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6,
		      (double)use.ru_maxrss * 1024 / 1e6);
}

int command_end(int status)
{
	int failed = ferror(stdout);

	progress_end();
	command_say_usage(PACKAGE " " PACKAGE_VERSION, RUSAGE_SELF);
	errno = 0;
	if (fclose(stdout) != 0 || failed) {
		if (errno == EPIPE || stdout_told)
			return COMMAND_FAILED;
		if (errno)
			command_error("standard output", "%s", strerror(errno));
		else
			command_error("standard output", "writing failed");
		return COMMAND_FAILED;
	}
	return status;
}

/* A small trace is read before threads have begun, and not more than a few help one that computes with the events. */
static int suitable_threads(const struct etr_reader *reader)
{
	uint64_t size = etr_reader_size(reader);
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	if (threads)
		return threads;
	if (command->one_thread || (size && size < SMALL_TRACE) || online < 2)
		return 1;
	return online < USUAL_THREADS ? (int)online : USUAL_THREADS;
}

static uint64_t reader_position(const void *reader)
{
	return etr_reader_offset(reader);
}

static void begin_reading(const struct etr_reader *reader)
{
	reading = true;
	clock_gettime(CLOCK_MONOTONIC, &reading_since);
	if (!quiet)
		progress_begin(command->name, reader_position, reader, etr_reader_size(reader));
}

/* What follows an open that returned rc. */
static int opened(struct etr_reader *reader, const char *name, int rc)
{
	if (rc < 0) {
		command_trace_error(name, reader);
		return rc;
	}
	etr_reader_set_threads(reader, suitable_threads(reader));
	begin_reading(reader);
	return rc;
}

int command_open_trace(struct etr_reader *reader, const char *path)
{
	if (strcmp(path, "-") == 0)
		return command_open_trace_fd(reader, path, STDIN_FILENO);
	return opened(reader, path, etr_reader_open_path(reader, path));
}

int command_open_trace_fd(struct etr_reader *reader, const char *name, int fd)
{
	return opened(reader, name, etr_reader_open_fd(reader, fd));
}

void command_work_begin(const char *path, uint64_t (*position)(const void *ctx), const void *ctx)
{
	struct stat st;
	int rc = strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, &st) : stat(path, &st);

	if (!quiet)
		progress_begin(command->name, position, ctx, rc == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0);
}

void command_work_end(void)
{
	progress_end();
}

void command_trace_end(const char *path, const struct etr_reader *reader)
{
	const uint64_t *counts;
	uint64_t bytes, events = 0;
	double s;

	progress_end();
	if (!reading || !verbose)
		return;
	reading = false;
	s = seconds_since(&reading_since);
	bytes = etr_reader_offset(reader);
	counts = etr_reader_wire_counts(reader);
	for (int i = 0; i < 256; i++)
		events += counts[i];
	command_error(path, "go 1.%d, read %.1f MB, %" PRIu64 " wire events in %.3f s: %.1f MB/s", etr_reader_version(reader),
		      (double)bytes / 1e6, events, s, s > 0 ? (double)bytes / 1e6 / s : 0);
}

void command_trace_error(const char *path, const struct etr_reader *reader)
{
	command_error(path, "%s", etr_reader_detail(reader));
}

/* Output files. */

static void remove_pending(int sig)
{
	for (const struct command_output *out = pending; out; out = out->next)
		unlink(out->temp);
	progress_erase();
	/* The handler was reset on entry: this kills. */
	raise(sig);
}

static void watch_signals(void)
{
	struct sigaction act, old;

	memset(&act, 0, sizeof(act));
	act.sa_handler = remove_pending;
	act.sa_flags = (int)SA_RESETHAND;
	sigemptyset(&act.sa_mask);
	for (size_t i = 0; i < sizeof(fatal_signals) / sizeof(fatal_signals[0]); i++)
		if (sigaction(fatal_signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			sigaction(fatal_signals[i], &act, NULL);
}

static void hold_signals(sigset_t *old)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(fatal_signals) / sizeof(fatal_signals[0]); i++)
		sigaddset(&set, fatal_signals[i]);
	pthread_sigmask(SIG_BLOCK, &set, old);
}

static void release_signals(const sigset_t *old)
{
	pthread_sigmask(SIG_SETMASK, old, NULL);
}

/* Takes out from the list of those with temporary files, if it is there. */
static void forget_pending(struct command_output *out)
{
	struct command_output **at = &pending;
	sigset_t old;

	hold_signals(&old);
	while (*at && *at != out)
		at = &(*at)->next;
	if (*at)
		*at = out->next;
	release_signals(&old);
}

/* Where the bytes of path shall be in the end: behind symbolic links.  NULL with errno set, or out of memory. */
static char *resolve(const char *path)
{
	char *real = realpath(path, NULL);

	if (real || errno != ENOENT)
		return real;
	return strdup(path);
}

/* Opens out->temp beside out->final.  0 or -1 with errno set. */
static int open_temp(struct command_output *out, mode_t mode)
{
	sigset_t old;
	int fd;

	if (asprintf(&out->temp, "%s.XXXXXX", out->final) < 0) {
		out->temp = NULL;
		return -1;
	}
	watch_signals();
	hold_signals(&old);
	fd = mkstemp(out->temp);
	if (fd >= 0) {
		out->next = pending;
		pending = out;
	}
	release_signals(&old);
	if (fd < 0)
		return -1;
	if (fchmod(fd, mode) != 0 || !(out->f = fdopen(fd, "wb"))) {
		int e = errno;

		close(fd);
		unlink(out->temp);
		forget_pending(out);
		errno = e;
		return -1;
	}
	return 0;
}

static void output_free(struct command_output *out)
{
	free(out->path);
	free(out->final);
	free(out->temp);
	memset(out, 0, sizeof(*out));
}

static mode_t new_file_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

int command_output_open(struct command_output *out, const char *path)
{
	struct stat st;
	bool exists;
	int rc;

	memset(out, 0, sizeof(*out));
	if (!path || strcmp(path, "-") == 0) {
		out->f = stdout;
		out->path = strdup("standard output");
		return 0;
	}
	out->path = strdup(path);
	exists = stat(path, &st) == 0;
	if (exists && !S_ISREG(st.st_mode)) {
		out->f = fopen(path, "wb");
		rc = out->f ? 0 : -1;
	} else {
		out->final = resolve(path);
		rc = out->final ? open_temp(out, exists ? st.st_mode & 0777 : new_file_mode()) : -1;
	}
	if (rc != 0) {
		command_error(path, "%s", strerror(errno));
		output_free(out);
	}
	return rc;
}

/* Writes out what is buffered and closes the stream; 0, or -1 with errno set (0: an earlier write failed). */
static int output_close(struct command_output *out)
{
	int failed = ferror(out->f) || out->error;
	int rc;

	errno = 0;
	rc = out->f == stdout ? fflush(stdout) : fclose(out->f);
	if (failed && out->error)
		errno = out->error;
	if (rc != 0 || failed)
		stdout_told = stdout_told || out->f == stdout;
	out->f = NULL;
	return rc != 0 || failed ? -1 : 0;
}

int command_output_commit(struct command_output *out)
{
	int rc = output_close(out);

	if (rc == 0 && out->temp)
		rc = rename(out->temp, out->final);
	if (rc != 0) {
		if (errno != EPIPE)
			command_error(out->path, "%s", errno ? strerror(errno) : "writing failed");
		if (out->temp)
			unlink(out->temp);
	}
	forget_pending(out);
	output_free(out);
	return rc == 0 ? 0 : -1;
}

void command_output_discard(struct command_output *out)
{
	if (out->f && out->f != stdout)
		fclose(out->f);
	if (out->temp)
		unlink(out->temp);
	forget_pending(out);
	output_free(out);
}
