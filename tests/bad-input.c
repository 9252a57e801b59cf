/* SPDX-License-Identifier: BSD-3-Clause
 *
 * bad-input.c - runs every command on damaged copies of a trace.
 *
 *     bad-input BINDIR STEP TRACE TEXT
 *
 * The commands are those that stand in BINDIR, or in its .libs where libtool left wrappers in BINDIR, which are slow.
 *
 * TRACE cut at every STEP-th offset, and with every STEP-th byte changed, by name and on standard input; TEXT, which assembles to
 * a trace, likewise.  Each run must end with 0 and say nothing, or end with 1 and say one line, "COMMAND: FILE: offset N: what" (line
 * N for the text) with N in the file; nothing may be left but what -o named, and that must be whole.  Works in the current
 * folder, which must be empty.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <exectrace/reader.h>

#define BAD "bad"	/* the damaged file */
#define OUT "out"	/* what -o names */

enum kind {
	READS,		/* prints what it finds */
	CUTS,		/* writes OUT, a trace, of what was whole, and may say a second line when there was nothing */
	PROFILES,	/* writes OUT, a gzip file, of what was whole */
	ASSEMBLES,	/* reads text; writes OUT only where all went well */
};

static const struct run {
	enum kind kind;
	const char *argv[8];
} runs[] = {
	{ READS, { "trace-stat", BAD } },
	{ READS, { "trace-stat", "--json", BAD } },
	{ READS, { "trace-print", "--stacks", BAD } },
	{ READS, { "trace-print", "--raw", BAD } },
	{ CUTS, { "trace-cut", "-o", OUT, BAD } },
	{ READS, { "trace-pprof", "mutex,block,cpu,wall", BAD } },
	{ PROFILES, { "trace-pprof", "sched", "-o", OUT, BAD } },
	{ ASSEMBLES, { "trace-print", "--assemble", "-o", OUT, BAD } },
};

static const char *bindir;
static unsigned long nruns, nfailed, nbad;

static void complain(const struct run *run, bool by_stdin, const char *damage, const char *what, const char *said)
{
	fprintf(stderr, "%s %s%s, %s: %s; it says \"%s\"\n", run->argv[0], run->argv[1], by_stdin ? " -" : "", damage, what, said);
	nbad++;
}

static void write_file(const uint8_t *data, size_t size)
{
	FILE *f = fopen(BAD, "wb");

	if (!f || fwrite(data, 1, size, f) != size || fclose(f) != 0) {
		perror(BAD);
		exit(99);
	}
}

/* In the child. */
static void run_command(const struct run *run, bool by_stdin, int err)
{
	const char *argv[8];
	char path[4096], libs[4096];
	int null = open("/dev/null", O_RDWR), in = by_stdin ? open(BAD, O_RDONLY) : null;

	for (int i = 0; i < 8; i++)
		argv[i] = by_stdin && run->argv[i] && strcmp(run->argv[i], BAD) == 0 ? "-" : run->argv[i];
	dup2(in, 0);
	dup2(null, 1);
	dup2(err, 2);
	snprintf(path, sizeof(path), "%s/.libs/%s", bindir, argv[0]);
	if (access(path, X_OK) == 0) {
		snprintf(libs, sizeof(libs), "%s/.libs", bindir);
		setenv("LD_LIBRARY_PATH", libs, 1);
	} else {
		snprintf(path, sizeof(path), "%s/%s", bindir, argv[0]);
	}
	execv(path, (char **)(uintptr_t)argv);
	perror(path);
	_exit(99);
}

/* "COMMAND: FILE: offset N: what" and a newline, N not behind the end; for text "line N" with N at least 1. */
static bool is_message(const struct run *run, const char *file, const char *said, size_t size)
{
	char lead[64], *end;
	unsigned long long n;
	int len = snprintf(lead, sizeof(lead), "%s: %s: %s ", run->argv[0], file, run->kind == ASSEMBLES ? "line" : "offset");

	if (strncmp(said, lead, (size_t)len) != 0)
		return false;
	n = strtoull(said + len, &end, 10);
	if (end == said + len || end[0] != ':' || end[1] != ' ' || end[2] == '\n')
		return false;
	if (run->kind == ASSEMBLES ? n == 0 : n > size)
		return false;
	end = strchr(end, '\n');
	if (end && end[1] && run->kind == CUTS)
		end = strchr(end + 1, '\n');
	return end && end[1] == '\0';
}

/* Whether our reader takes the trace in OUT to its end. */
static bool is_whole_trace(void)
{
	struct etr_reader *r = etr_reader_new();
	struct etr_event ev;
	int rc = r ? etr_reader_open_path(r, OUT) : -1;

	while (rc >= 0 && (rc = etr_reader_next(r, &ev)) == 1)
		;
	etr_reader_free(r);
	return rc == 0;
}

static bool is_gzip_file(void)
{
	uint8_t start[2] = { 0 };
	FILE *f = fopen(OUT, "rb");
	bool ok = f && fread(start, 1, 2, f) == 2 && start[0] == 0x1f && start[1] == 0x8b;

	if (f)
		fclose(f);
	return ok;
}

/* Nothing but the input and OUT; takes OUT away. */
static const char *look_at_leavings(const struct run *run, int status)
{
	const char *wrong = NULL;
	struct dirent *e;
	DIR *d = opendir(".");
	bool out = access(OUT, F_OK) == 0;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' ? strcmp(e->d_name, BAD) != 0 && strcmp(e->d_name, OUT) != 0 : strlen(e->d_name) > 2)
			wrong = "it leaves another file";
	closedir(d);
	if (out && status != 0 && run->kind == ASSEMBLES)
		wrong = "it leaves its output";
	if (out && run->kind == CUTS && !is_whole_trace())
		wrong = "its output is no good trace";
	if (out && run->kind == PROFILES && !is_gzip_file())
		wrong = "its output is no profile";
	if (!out && status == 0 && run->kind != READS)
		wrong = "there is no output";
	if (out)
		unlink(OUT);
	return wrong;
}

static void check(const struct run *run, bool by_stdin, const char *damage, size_t size)
{
	char said[4096];
	const char *wrong;
	size_t n = 0;
	ssize_t got;
	int err[2], status, code;
	pid_t pid;

	if (pipe(err) != 0 || (pid = fork()) < 0)
		exit(99);
	if (pid == 0) {
		close(err[0]);
		run_command(run, by_stdin, err[1]);
	}
	close(err[1]);
	while ((got = read(err[0], said + n, sizeof(said) - 1 - n)) > 0)
		n += (size_t)got;
	said[n] = '\0';
	close(err[0]);
	waitpid(pid, &status, 0);
	nruns++;
	code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	nfailed += code == 1;
	if (code != 0 && code != 1)
		complain(run, by_stdin, damage, "it dies", said);
	else if (code == 0 && n)
		complain(run, by_stdin, damage, "a good end, and a message", said);
	else if (code == 1 && !is_message(run, by_stdin ? "-" : BAD, said, size))
		complain(run, by_stdin, damage, "no message as it should be", said);
	wrong = look_at_leavings(run, code);
	if (wrong)
		complain(run, by_stdin, damage, wrong, said);
}

static bool exists(const struct run *run)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", bindir, run->argv[0]);
	return access(path, X_OK) == 0;
}

static void check_all(bool text, const char *damage, const uint8_t *data, size_t size)
{
	static unsigned turn;

	write_file(data, size);
	for (size_t i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
		if ((runs[i].kind == ASSEMBLES) != text || !exists(&runs[i]))
			continue;
		/* Standard input in turn with the name, another time for each command. */
		check(&runs[i], (turn + i) % 3 == 0, damage, size);
	}
	turn++;
}

static void damage(const char *path, bool text, size_t step)
{
	static const uint8_t flips[] = { 0x01, 0x80, 0xff };
	uint8_t *data = malloc(1 << 20);
	FILE *f = fopen(path, "rb");
	char name[64];
	size_t size;

	if (!f || !data) {
		perror(path);
		exit(99);
	}
	size = fread(data, 1, 1 << 20, f);
	fclose(f);
	for (size_t i = 0; i < size; i += step) {
		snprintf(name, sizeof(name), "cut at %zu", i);
		check_all(text, name, data, i);
		uint8_t old = data[i];

		data[i] ^= flips[i / step % 3];
		snprintf(name, sizeof(name), "byte %zu changed to %u", i, data[i]);
		check_all(text, name, data, size);
		data[i] = old;
	}
	free(data);
	unlink(BAD);
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "usage: bad-input BINDIR STEP TRACE TEXT\n");
		return 2;
	}
	bindir = argv[1];
	damage(argv[3], false, strtoul(argv[2], NULL, 10));
	damage(argv[4], true, strtoul(argv[2], NULL, 10));
	printf("%lu runs, %lu of them told what is wrong, %lu wrongly\n", nruns, nfailed, nbad);
	return nbad ? 1 : 0;
}
