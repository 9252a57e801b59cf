/* SPDX-License-Identifier: BSD-3-Clause
 *
 * trace-record.c - runs a program so that it records itself.
 *
 * The program gets EXECTRACE in its environment, which names the trace, and, unless it is linked against the runtime,
 * the preloaded recorder. All else is the shell's way: its exit status is ours, signals reach it, the terminal is its own.
 * When it has ended, a trace that was not finished is cut back to its last whole generation.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <exectrace/raw.h>

#include "tools/command.h"
#include "tools/compressout.h"
#include "tools/program.h"

static const struct command self = {
	.name = "trace-record",
	.usage = "[-qv] [-o FILE] [--cpu-hz N | --no-cpu] [--period TIME] [-z[LEVEL]] [--] PROGRAM [ARGUMENT...]",
	.help = "Runs PROGRAM and records what its threads or goroutines do.\n\n"
		"  -o, --output FILE   the trace; default: PROGRAM.trace in this folder; '-': standard output\n"
		"      --cpu-hz N      CPU samples for each second of CPU time; default 100\n"
		"      --no-cpu        no CPU samples\n"
		"      --period TIME   length of a generation, such as 500ms or 2s; default 1s\n"
		"  -z, --compress[=LEVEL]\n"
		"                      compress the trace with zstd, 1 (the default) to 19; 0: do not.  The name then\n"
		"                      is PROGRAM.trace.zst, and a FILE that ends in .zst asks for it by itself\n",
};

enum { OPT_CPU_HZ = COMMAND_OPT_FIRST_OWN, OPT_NO_CPU, OPT_PERIOD };

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "cpu-hz", required_argument, NULL, OPT_CPU_HZ },
	{ "no-cpu", no_argument, NULL, OPT_NO_CPU },
	{ "period", required_argument, NULL, OPT_PERIOD },
	{ "compress", optional_argument, NULL, 'z' },
	COMMAND_OPTIONS_COMMON,
};

/* As a shell has it. */
enum { EXIT_CANNOT_EXECUTE = 126, EXIT_NOT_FOUND = 127, EXIT_SIGNAL = 128 };

/* What costs the program's machine least. */
#define DEFAULT_LEVEL 1

struct recording {
	const char *output;		/* as the user called it; NULL: from the program's name */
	char *path;			/* absolute */
	int pipe_fd;			/* what is not a file: the trace's descriptor in the program; else -1 */
	long cpu_hz;			/* -1: the recorder's default */
	const char *period;		/* likewise NULL */
	int level;			/* zstd's; 0: not compressed; -1: by the output's name */
	struct timespec begun;
	pid_t pid;
	char **argv;
	struct program program;
};

/* --- the output ---------------------------------------------------------------------------------------------------------- */

/* The absolute name of path, whose last part need not exist, with symbolic links resolved: the recorder follows none. */
static char *absolute(const char *path)
{
	char *real = realpath(path, NULL), *copy, *slash, *dir;

	if (real || errno != ENOENT)
		return real;
	copy = strdup(path);
	slash = copy ? strrchr(copy, '/') : NULL;
	if (slash)
		*slash = '\0';
	dir = copy ? realpath(!slash ? "." : *copy ? copy : "/", NULL) : NULL;
	if (dir && asprintf(&real, "%s/%s", strcmp(dir, "/") == 0 ? "" : dir, slash ? slash + 1 : path) < 0)
		real = NULL;
	free(dir);
	free(copy);
	return real;
}

static int output_fail(const char *name)
{
	command_error(name, "%s", strerror(errno));
	return -1;
}

/* Finds out where the trace goes and that it can be written, before anything runs.  0, or -1, said. */
static int output_prepare(struct recording *rec)
{
	struct stat st;
	int fd;

	rec->pipe_fd = -1;
	if (!rec->output) {
		const char *base = strrchr(rec->argv[0], '/');
		char *name;

		base = base && base[1] ? base + 1 : rec->argv[0];
		if (asprintf(&name, rec->level > 0 ? "%s.trace.zst" : "%s.trace", base) < 0)
			return output_fail(base);
		rec->output = name;
	}
	if (rec->level < 0)
		rec->level = compress_is_asked_by(rec->output) ? DEFAULT_LEVEL : 0;
	if (strcmp(rec->output, "-") == 0) {
		/* The trace alone goes to standard output; what the program prints there goes to standard error. */
		rec->output = "standard output";
		fd = fcntl(STDOUT_FILENO, F_DUPFD, 10);
		if (fd < 0)
			return output_fail(rec->output);
		if (isatty(fd)) {
			command_error(NULL, "a trace is not for a terminal's eyes: standard output is one");
			return -1;
		}
		rec->pipe_fd = fd;
		return 0;
	}
	rec->path = absolute(rec->output);
	if (!rec->path)
		return output_fail(rec->output);
	/* The recorder puts the process's id there. */
	if (strstr(rec->path, "%p"))
		return 0;
	fd = open(rec->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd < 0)
		return output_fail(rec->output);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && ftruncate(fd, 0) != 0) {
		close(fd);
		return output_fail(rec->output);
	}
	close(fd);
	return 0;
}

/* --- the program's environment ------------------------------------------------------------------------------------------------ */

/* As EXECTRACE wants it. */
static void put_path(FILE *f, const char *path)
{
	fputs("file=", f);
	for (; *path; path++) {
		if (*path == ',' || *path == '\\')
			fputc('\\', f);
		fputc(*path, f);
	}
}

static int set_exectrace(const struct recording *rec)
{
	char *value = NULL;
	size_t size;
	FILE *f = open_memstream(&value, &size);
	int rc;

	if (!f)
		return -1;
	if (rec->pipe_fd >= 0)
		fprintf(f, "fd=%d", rec->pipe_fd);
	else
		put_path(f, rec->path);
	if (rec->cpu_hz >= 0)
		fprintf(f, ",cpu=%ld", rec->cpu_hz);
	if (rec->period)
		fprintf(f, ",period=%s", rec->period);
	if (rec->level > 0)
		fprintf(f, ",compress=%d", rec->level);
	rc = fclose(f) == 0 ? setenv("EXECTRACE", value, 1) : -1;
	free(value);
	return rc;
}

/* The preloaded recorder's file, or NULL with errno set. */
static char *find_recorder(void)
{
	static const char *const places[] = { "exectrace-pthread.so", ".libs/exectrace-pthread.so" };
	const char *chosen = getenv("EXECTRACE_PRELOAD");
	char exe[PATH_MAX], *path, *slash;
	ssize_t len;

	if (chosen)
		return realpath(chosen, NULL);
	/* In the build folder it lies beside this program, whose wrapper may be one level above. */
	len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	exe[len > 0 ? len : 0] = '\0';
	slash = strrchr(exe, '/');
	for (size_t i = 0; slash && i < sizeof(places) / sizeof(places[0]); i++) {
		if (asprintf(&path, "%.*s/%s", (int)(slash - exe), exe, places[i]) < 0)
			return NULL;
		if (access(path, R_OK) == 0)
			return path;
		free(path);
	}
	return realpath(PKGLIBDIR "/exectrace-pthread.so", NULL);
}

/* 0, or -1, said. */
static int set_preload(void)
{
	const char *old = getenv("LD_PRELOAD");
	char *recorder = find_recorder(), *value;
	int rc = -1;

	if (!recorder) {
		command_error(NULL, "the recorder, exectrace-pthread.so, is missing: %s", strerror(errno));
		return -1;
	}
	if (strpbrk(recorder, " :")) {
		command_error(recorder, "a preloaded library's name cannot have a space or a colon");
	} else if (asprintf(&value, "%s%s%s", recorder, old && *old ? ":" : "", old ? old : "") >= 0) {
		rc = setenv("LD_PRELOAD", value, 1);
		free(value);
	}
	free(recorder);
	return rc;
}

static int set_environment(const struct recording *rec)
{
	if (set_exectrace(rec) != 0) {
		command_error(NULL, "%s", strerror(errno));
		return -1;
	}
	if (!rec->program.has_runtime)
		return set_preload();
	return 0;
}

/* --- running it ------------------------------------------------------------------------------------------------------------------ */

static volatile sig_atomic_t child_pid;

/* What is sent to us alone is for the program; what the terminal sends, it gets itself. */
static void forward(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	if (child_pid > 0 && info->si_code <= 0)
		kill((pid_t)child_pid, sig);
	errno = saved;
}

static const int forwarded[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE, SIGWINCH };
#define NFORWARDED (sizeof(forwarded) / sizeof(forwarded[0]))

/* In the child; does not return. */
static void __attribute__((noreturn)) become_program(const struct recording *rec, int report)
{
	int e;

	if (rec->pipe_fd >= 0)
		dup2(STDERR_FILENO, STDOUT_FILENO);
	execv(rec->program.path, rec->argv);
	/* As a shell does with a script that has no first line. */
	if (errno == ENOEXEC && !rec->program.is_elf)
		execvp(rec->program.path, rec->argv);
	e = errno;
	if (write(report, &e, sizeof(e)) != sizeof(e))
		_exit(EXIT_CANNOT_EXECUTE);
	_exit(e == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE);
}

/*
 * Starts the program.  Returns 0, or an exit status, said.  Signals are held back until there is a process to forward them to.
 */
static int start(struct recording *rec)
{
	struct sigaction act = { .sa_sigaction = forward, .sa_flags = SA_SIGINFO | SA_RESTART }, old;
	sigset_t set, mask;
	int report[2], e = 0;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) != 0) {
		command_error(NULL, "%s", strerror(errno));
		return COMMAND_FAILED;
	}
	sigemptyset(&set);
	for (size_t i = 0; i < NFORWARDED; i++)
		sigaddset(&set, forwarded[i]);
	sigprocmask(SIG_BLOCK, &set, &mask);
	pid = fork();
	if (pid == 0) {
		sigprocmask(SIG_SETMASK, &mask, NULL);
		become_program(rec, report[1]);
	}
	close(report[1]);
	if (pid < 0) {
		command_error(NULL, "fork: %s", strerror(errno));
		close(report[0]);
		return COMMAND_FAILED;
	}
	child_pid = pid;
	rec->pid = pid;
	/* What was ignored when we began stays ignored, here as there. */
	for (size_t i = 0; i < NFORWARDED; i++)
		if (sigaction(forwarded[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaction(forwarded[i], &act, NULL);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	if (read(report[0], &e, sizeof(e)) == sizeof(e)) {
		command_error(rec->argv[0], "cannot be executed: %s", strerror(e));
		close(report[0]);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return e == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE;
	}
	close(report[0]);
	return 0;
}

/* Its exit status, as a shell has it. */
static int wait_for(const struct recording *rec)
{
	int status, sig;

	while (waitpid((pid_t)child_pid, &status, 0) < 0)
		if (errno != EINTR)
			return COMMAND_FAILED;
	/* The number may be another's from now on. */
	child_pid = 0;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	sig = WTERMSIG(status);
	command_error(rec->argv[0], "was ended by signal %d (%s)", sig, strsignal(sig));
	return EXIT_SIGNAL + sig;
}

/* --- what it left ------------------------------------------------------------------------------------------------------------------ */

static void say_size(char *buf, size_t size, uint64_t bytes)
{
	if (bytes < 10000)
		snprintf(buf, size, "%" PRIu64 " bytes", bytes);
	else if (bytes < 10000000)
		snprintf(buf, size, "%.1f kB", (double)bytes / 1e3);
	else
		snprintf(buf, size, "%.1f MB", (double)bytes / 1e6);
}

/* What of a trace is whole. */
struct scan {
	uint64_t good;			/* bytes, uncompressed */
	uint64_t size;			/* of the file in the end */
	uint64_t cut;			/* bytes that are of no use */
	bool lost;			/* something stands, or stood, behind the last whole generation */
	unsigned generations;
	double seconds;
};

/* Goes through the file from front to back, as far as it can be read. */
static void scan_file(struct etr_raw_reader *raw, struct scan *scan)
{
	uint64_t first = UINT64_MAX, last = 0, frequency = 0;
	struct etr_raw_event event;
	int rc;

	memset(scan, 0, sizeof(*scan));
	while ((rc = etr_raw_reader_next(raw, &event)) == 1) {
		const char *name = etr_wire_name(event.type);

		scan->lost = true;
		if (strcmp(name, "EventBatch") == 0) {
			first = event.args[2] < first ? event.args[2] : first;
			last = event.args[2] > last ? event.args[2] : last;
		} else if (strcmp(name, "Frequency") == 0) {
			frequency = event.args[0];
		} else if (strcmp(name, "EndOfGeneration") == 0) {
			scan->good = event.offset + 1;
			scan->lost = false;
			scan->generations++;
			scan->seconds = frequency && last > first ? (double)(last - first) / (double)frequency : 0;
		}
	}
	scan->lost = scan->lost || rc < 0;
}

/* 0, or -1, said: nothing of use is in it. */
static int tell_scan(const struct recording *rec, const struct scan *scan, const char *name)
{
	char text[32];

	say_size(text, sizeof(text), scan->good == 0 ? scan->size + scan->cut : scan->cut);
	if (scan->good == 0) {
		command_error(name, "no whole generation was written: %s are of no use", text);
		return -1;
	}
	if (scan->cut && scan->lost)
		command_error(name, "the last generation was not finished: %s cut off, and what happened since is lost", text);
	say_size(text, sizeof(text), scan->size);
	if (!command_is_quiet())
		command_error(name, "%s, %u generation%s, %.3f s", text, scan->generations, scan->generations == 1 ? "" : "s",
			      scan->seconds);
	return 0;
}

/* Leaves what is whole in the file, and whatever is compressed with its seek table. */
static void cut_back(int fd, const char *name, uint64_t size, struct scan *scan)
{
	struct etr_mend mend;
	int rc = etr_compressed_mend(fd, &mend);

	if (rc < 0) {
		command_error(name, "%s", rc == -ETR_E_IO ? strerror(errno) : etr_strerror(rc));
		memset(&mend, 0, sizeof(mend));
	}
	scan->size = size;
	if (mend.compressed) {
		scan->size = mend.size;
		scan->cut = mend.cut;
	} else if (rc == 0 && scan->good && scan->good < size) {
		if (ftruncate(fd, (off_t)scan->good) != 0) {
			command_error(name, "%s", strerror(errno));
			return;
		}
		scan->cut = size - scan->good;
		scan->size = scan->good;
	}
}

/* Cuts the file called name back to what is whole and tells.  0, or -1, said: nothing of use is in it. */
static int finish_file(const struct recording *rec, const char *path, const char *name)
{
	struct etr_raw_reader *raw = etr_raw_reader_new();
	struct scan scan;
	struct stat st;
	int rc = -1, fd = raw ? open(path, O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0 || fstat(fd, &st) != 0) {
		command_error(name, "%s", strerror(errno));
	} else if (st.st_size == 0) {
		command_error(name, "the program wrote no trace");
	} else if (etr_raw_reader_open_path(raw, path) < 0) {
		command_error(name, "%s", etr_raw_reader_detail(raw));
	} else {
		scan_file(raw, &scan);
		cut_back(fd, name, (uint64_t)st.st_size, &scan);
		rc = tell_scan(rec, &scan, name);
	}
	if (fd >= 0)
		close(fd);
	etr_raw_reader_free(raw);
	return rc;
}

static bool is_since(const struct stat *st, const struct timespec *t)
{
	return st->st_mtim.tv_sec > t->tv_sec || (st->st_mtim.tv_sec == t->tv_sec && st->st_mtim.tv_nsec >= t->tv_nsec);
}

/* Puts pid in the place of each "%p".  NULL when out of memory. */
static char *expand(const char *path, pid_t pid)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	for (; *path; path++)
		if (path[0] == '%' && path[1] == 'p') {
			fprintf(f, "%ld", (long)pid);
			path++;
		} else {
			fputc(*path, f);
		}
	fclose(f);
	return text;
}

/* The program's trace, and those of the programs that it became by exec. */
static int finish(struct recording *rec)
{
	struct stat st;
	int rc;

	if (rec->pipe_fd < 0 && strstr(rec->path, "%p")) {
		rec->path = expand(rec->path, rec->pid);
		rec->output = rec->path;
	}
	if (rec->pipe_fd >= 0 || !rec->path || (stat(rec->path, &st) == 0 && !S_ISREG(st.st_mode)))
		return 0;
	rc = finish_file(rec, rec->path, rec->output);
	for (unsigned i = 1;; i++) {
		char *path = NULL, *name = NULL;
		bool more = asprintf(&path, "%s.%u", rec->path, i) >= 0 && asprintf(&name, "%s.%u", rec->output, i) >= 0 &&
			    lstat(path, &st) == 0 && S_ISREG(st.st_mode) && is_since(&st, &rec->begun);

		if (more)
			finish_file(rec, path, name);
		free(path);
		free(name);
		if (!more)
			return rc;
	}
}

/* --- the command ------------------------------------------------------------------------------------------------------------------- */

static long parse_hz(const char *text)
{
	char *end;
	long hz;

	errno = 0;
	hz = strtol(text, &end, 10);
	if (errno || end == text || *end || hz < 0 || hz > 10000)
		command_usage_error("--cpu-hz: '%s' is not a number from 0 to 10000", text);
	return hz;
}

/* The recorder understands it; here only what cannot be one is refused, before the program runs. */
static const char *check_period(const char *text)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || end == text || value <= 0 || (strcmp(end, "ms") != 0 && strcmp(end, "s") != 0 && strcmp(end, "m") != 0))
		command_usage_error("--period: '%s' is not a time such as 500ms or 2s", text);
	return text;
}

static void parse(struct recording *rec, int argc, char **argv)
{
	int opt;

	/* "+": options end at the program. */
	while ((opt = command_getopt(argc, argv, "+o:z::", options)) != -1)
		switch (opt) {
		case 'o':
			rec->output = optarg;
			break;
		case 'z':
			rec->level = compress_level(optarg, DEFAULT_LEVEL);
			break;
		case OPT_CPU_HZ:
			rec->cpu_hz = parse_hz(optarg);
			break;
		case OPT_NO_CPU:
			rec->cpu_hz = 0;
			break;
		case OPT_PERIOD:
			rec->period = check_period(optarg);
			break;
		}
	if (optind == argc)
		command_usage_error("which program?");
	rec->argv = argv + optind;
}

int main(int argc, char **argv)
{
	static struct recording rec = { .cpu_hz = -1, .level = -1 };	/* static: what it holds lives as long as the command */
	int status;

	command_begin(&self, argv);
	parse(&rec, argc, argv);
	if (program_find(&rec.program, rec.argv[0]) != 0) {
		command_error(rec.argv[0], errno == ENOENT ? "not found" : "cannot be executed: %s", strerror(errno));
		return command_end(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE);
	}
	if (output_prepare(&rec) != 0 || set_environment(&rec) != 0)
		return command_end(COMMAND_FAILED);
	if (rec.program.obstacle)
		command_error(rec.argv[0], "%s: it runs, but is hardly recorded", rec.program.obstacle);
	/* As coarse as the times of files are. */
	clock_gettime(CLOCK_REALTIME_COARSE, &rec.begun);
	status = start(&rec);
	if (status != 0)
		return status;
	status = wait_for(&rec);
	command_say_usage(rec.argv[0], RUSAGE_CHILDREN);
	if (finish(&rec) != 0 && status == 0)
		status = COMMAND_FAILED;
	return command_end(status);
}
