/* SPDX-License-Identifier: BSD-3-Clause
 *
 * command.c - what all commands share.
 *
 * One output file at a time may be open under a temporary name: `pending` names it for the signal handler, which does nothing
 * but unlink it and let the signal take its course.
 */
#include "config.h"

#include "tools/command.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct command *command;

/* Set while a temporary file exists.  Written by the program, read by its signal handler. */
static char *volatile pending;

/* A failure of standard output has been told already. */
static bool stdout_told;

static const int fatal_signals[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE, SIGXCPU, SIGXFSZ };

void command_begin(const struct command *self, char **argv)
{
	command = self;
	/* getopt() heads its messages with this. */
	if (argv[0])
		argv[0] = (char *)self->name;
}

static void vsay(const char *file, const char *fmt, va_list ap)
{
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
	printf("\n%s      --help       print this and exit\n      --version    print the version and exit\n", command->help);
}

int command_getopt(int argc, char **argv, const char *letters, const struct option *options)
{
	int opt = getopt_long(argc, argv, letters, options, NULL);

	switch (opt) {
	case COMMAND_OPT_HELP:
		print_help();
		exit(command_end(COMMAND_OK));
	case COMMAND_OPT_VERSION:
		printf("%s (%s) %s\n", command->name, PACKAGE, PACKAGE_VERSION);
		exit(command_end(COMMAND_OK));
	case '?':
	case ':':
		point_to_help();
	}
	return opt;
}

int command_end(int status)
{
	int failed = ferror(stdout);

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

int command_open_trace(struct etr_reader *reader, const char *path)
{
	int rc = strcmp(path, "-") == 0 ? etr_reader_open_fd(reader, STDIN_FILENO) : etr_reader_open_path(reader, path);

	if (rc < 0)
		command_trace_error(path, reader);
	return rc;
}

void command_trace_error(const char *path, const struct etr_reader *reader)
{
	command_error(path, "%s", etr_reader_detail(reader));
}

/* Output files. */

static void remove_pending(int sig)
{
	char *temp = pending;

	if (temp)
		unlink(temp);
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
	int fd;

	if (asprintf(&out->temp, "%s.XXXXXX", out->final) < 0) {
		out->temp = NULL;
		return -1;
	}
	watch_signals();
	fd = mkstemp(out->temp);
	if (fd < 0)
		return -1;
	pending = out->temp;
	if (fchmod(fd, mode) != 0 || !(out->f = fdopen(fd, "wb"))) {
		int e = errno;

		close(fd);
		unlink(out->temp);
		pending = NULL;
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
	pending = NULL;
	output_free(out);
	return rc == 0 ? 0 : -1;
}

void command_output_discard(struct command_output *out)
{
	if (out->f && out->f != stdout)
		fclose(out->f);
	if (out->temp)
		unlink(out->temp);
	pending = NULL;
	output_free(out);
}
