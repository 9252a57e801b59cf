/* SPDX-License-Identifier: BSD-3-Clause
 *
 * command.h - what all commands share: options, messages, exit codes, and output files that appear whole or not at all.
 *
 * A command is one struct command and a main() of this shape:
 *
 *     int main(int argc, char **argv)
 *     {
 *             command_begin(&self, argv);
 *             while ((opt = command_getopt(argc, argv, "o:", options)) != -1)
 *                     switch (opt) { ... }
 *             ...
 *             return command_end(status);
 *     }
 */
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

#include <exectrace/reader.h>

enum command_status {
	COMMAND_OK = 0,
	COMMAND_FAILED = 1,	/* the trace or the work failed */
	COMMAND_USAGE = 2,
};

struct command {
	const char *name;	/* "trace-print" */
	const char *usage;	/* what follows the name: "[--stacks] [-o FILE] TRACE"; lines for several forms */
	bool reads;		/* it reads traces: --threads is one of its options, COMMAND_OPTION_THREADS in their table */
	bool one_thread;	/* then: with one, unless that option says otherwise */
	const char *help;	/* what it does and its options, but those that all have; whole lines */
};

/* Option codes that no letter has. */
enum { COMMAND_OPT_THREADS = 0x1000, COMMAND_OPT_FIRST_OWN };

#define COMMAND_OPTION_THREADS { "threads", required_argument, NULL, COMMAND_OPT_THREADS }

/* Stands last in a command's table of long options. */
#define COMMAND_OPTIONS_COMMON                                                                                                   \
	{ "quiet", no_argument, NULL, 'q' }, { "verbose", no_argument, NULL, 'v' }, { "help", no_argument, NULL, 'h' },          \
	{ "version", no_argument, NULL, 'V' }, { NULL, 0, NULL, 0 }

/* To be called first.  The struct must outlive the program's use of this file. */
void command_begin(const struct command *self, char **argv);

/*
 * The next option as getopt_long() gives it, -1 behind the last.  --help and --version are answered and end the program with
 * 0; an unknown option or a missing argument ends it with COMMAND_USAGE.  -q and -v are taken here: the last one counts.  letters
 * are the command's own.
 */
int command_getopt(int argc, char **argv, const char *letters, const struct option *options);

/* Nothing but errors is to be said; more than that. */
bool command_is_quiet(void);
bool command_is_verbose(void);

/* Says "NAME: what" and where help is, and ends the program with COMMAND_USAGE. */
void command_usage_error(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* "NAME: FILE: what" on standard error, one line; file may be NULL: "NAME: what". */
void command_error(const char *file, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* With -v: says what the program (RUSAGE_SELF) or those that it ran (RUSAGE_CHILDREN) took since command_begin(). */
void command_say_usage(const char *what, int who);

/* Flushes standard output and, with -v, says what the program took; returns status, or COMMAND_FAILED, said unless the pipe was closed, when that fails. */
int command_end(int status);

/* The trace called path, "-" for standard input.  Returns what etr_reader_open_path() does, an error having been said. */
int command_open_trace(struct etr_reader *reader, const char *path);
/* The same of an open descriptor; name is for messages. */
int command_open_trace_fd(struct etr_reader *reader, const char *name, int fd);

/*
 * Reading a trace that those two opened ends, well or not: it must be said before the reader is freed and before anything is printed
 * of what was read.  Progress is no longer shown; with -v, tells how much was read (once).
 */
void command_trace_end(const char *path, const struct etr_reader *reader);

/* The same for what has no struct etr_reader; position and ctx as progress_begin() wants them. */
void command_work_begin(const char *path, uint64_t (*position)(const void *ctx), const void *ctx);
void command_work_end(void);

/* Says what stopped a reader: "NAME: FILE: offset N: generation N: what is wrong". */
void command_trace_error(const char *path, const struct etr_reader *reader);

/*
 * An output file.  It is written beside its name and takes the name when committed; without a commit, also when a signal ends
 * the program, nothing is left.  Standard output ("-" or NULL), pipes and devices are written as they are.  Several
 * may be open; the struct must stay where it is meanwhile.
 */
struct command_output {
	FILE *f;
	char *path;		/* as messages have it */
	char *final, *temp;	/* NULL for what is written as it is */
	int error;		/* the caller's note: errno of a write that failed; 0: none known */
	struct command_output *next;	/* of those with a temp */
};

/* Returns 0, or -1, said. */
int command_output_open(struct command_output *out, const char *path);

/* Both close it and free what it holds.  Commit returns 0, or -1, said (a closed pipe is not), and then has discarded it. */
int command_output_commit(struct command_output *out);
void command_output_discard(struct command_output *out);

#endif
