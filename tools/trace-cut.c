/* SPDX-License-Identifier: BSD-3-Clause
 *
 * trace-cut.c - a part of a trace as a trace of its own.
 *
 * The input is read twice: once through the reader, which finds generations and damage, then the bytes that are wanted.  What
 * cannot be read twice, a pipe, goes into a temporary file without a name first.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/slice.h"
#include "tools/command.h"

static const struct command self = {
	.name = "trace-cut",
	.usage = "-o OUT [--from T] [--to T] [--generation N..M] TRACE",
	.help = "Writes the part of an execution trace (- for standard input) that holds a window, as a trace of its own.\n"
		"Cuts fall between generations: the slice is the run of whole ones that contains the window.\n"
		"\n"
		"  -o, --output OUT        the slice's file; - for standard output\n"
		"      --from T            the window begins at T; else with the trace\n"
		"      --to T              the window ends before T; else with the trace\n"
		"      --generation N..M   generations N to M; also N, N.. and ..M\n"
		"\n"
		"T is a time since the trace's beginning (1.5s, 200ms, 1m30s), @NS on the trace's own clock, or wall time\n"
		"(2026-11-22T21:00:00.5Z; without a zone, local time).\n",
};

enum { OPT_FROM = COMMAND_OPT_FIRST_OWN, OPT_TO, OPT_GENERATION };

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "from", required_argument, NULL, OPT_FROM },
	{ "to", required_argument, NULL, OPT_TO },
	{ "generation", required_argument, NULL, OPT_GENERATION },
	COMMAND_OPTIONS_COMMON
};

#define COPY_SIZE (1u << 20)

struct job {
	struct an_selection selection;
	const char *trace, *output;
};

static void parse_when(struct an_when *when, const char *text)
{
	if (!an_when_parse(when, text))
		command_usage_error("'%s' is no point in time", text);
}

static void parse_command_line(struct job *job, int argc, char **argv)
{
	int opt;

	while ((opt = command_getopt(argc, argv, "o:", options)) != -1) {
		switch (opt) {
		case 'o':
			job->output = optarg;
			break;
		case OPT_FROM:
			parse_when(&job->selection.from, optarg);
			break;
		case OPT_TO:
			parse_when(&job->selection.to, optarg);
			break;
		case OPT_GENERATION:
			if (!an_generations_parse(&job->selection.generations, optarg))
				command_usage_error("'%s' is no range of generations", optarg);
			break;
		}
	}
	if (!job->output)
		command_usage_error("where to? -o is missing");
	if (argc - optind != 1)
		command_usage_error(optind == argc ? "a trace is missing" : "one trace at a time");
	job->trace = argv[optind];
}

/* A file with the same bytes that can be read again and again; -1, said. */
static int spool(const char *name, int fd)
{
	char *buf = malloc(COPY_SIZE);
	FILE *file = tmpfile();
	ssize_t n = -1;
	int copy = -1;

	if (buf && file) {
		while ((n = read(fd, buf, COPY_SIZE)) > 0 || (n < 0 && errno == EINTR))
			if (n > 0 && fwrite(buf, 1, (size_t)n, file) != (size_t)n)
				break;
		if (n == 0 && fflush(file) == 0)
			copy = dup(fileno(file));
	}
	if (copy < 0)
		command_error(name, "copying it to a temporary file: %s", strerror(errno));
	if (file)
		fclose(file);
	free(buf);
	return copy;
}

/* The trace as a descriptor that can be read at any place, and given to the reader; -1, said. */
static int open_input(struct etr_reader *reader, const char *path)
{
	int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0) {
		/* Fails likewise, and says it as every command does. */
		command_open_trace(reader, path);
		return -1;
	}
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
		int copy = spool(path, fd);

		close(fd);
		if (copy < 0)
			return -1;
		fd = copy;
	}
	if (etr_reader_open_fd(reader, fd) < 0) {
		command_trace_error(path, reader);
		close(fd);
		return -1;
	}
	return fd;
}

/* Appends size bytes of the input from offset on.  Returns 0, or -1, said unless it is the output that fails. */
static int copy_bytes(const struct job *job, int fd, uint64_t offset, uint64_t size, char *buf, FILE *out)
{
	while (size) {
		size_t want = size < COPY_SIZE ? (size_t)size : COPY_SIZE;
		ssize_t n = pread(fd, buf, want, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			command_error(job->trace, "offset %llu: %s", (unsigned long long)offset,
				      n < 0 ? strerror(errno) : "the file has become shorter");
			return -1;
		}
		if (fwrite(buf, 1, (size_t)n, out) != (size_t)n)
			return 0;
		offset += (uint64_t)n;
		size -= (uint64_t)n;
	}
	return 0;
}

static int write_slice(const struct job *job, int fd, const struct an_generation *first, const struct an_generation *last)
{
	char *buf = malloc(COPY_SIZE);
	struct command_output out;
	int rc;

	if (!buf) {
		command_error(NULL, "%s", etr_strerror(-ETR_E_NOMEM));
		return COMMAND_FAILED;
	}
	if (command_output_open(&out, job->output) < 0) {
		free(buf);
		return COMMAND_FAILED;
	}
	rc = copy_bytes(job, fd, 0, AN_TRACE_HEADER_SIZE, buf, out.f);
	if (rc == 0)
		rc = copy_bytes(job, fd, first->offset, last->offset + last->size - first->offset, buf, out.f);
	free(buf);
	if (rc < 0) {
		command_output_discard(&out);
		return COMMAND_FAILED;
	}
	return command_output_commit(&out) < 0 ? COMMAND_FAILED : COMMAND_OK;
}

static void say_why_not(const struct job *job, enum an_select why, const struct an_row_of_generations *row)
{
	double seconds = (double)(row->end - row->start) / 1e9;

	if (why == AN_SELECT_NO_CLOCK)
		command_error(job->trace, "the trace does not say the wall time; use a time since its beginning");
	else if (why == AN_SELECT_EMPTY)
		command_error(job->trace, "nothing lies in the window; the trace is %.9f s long, from @%lld on", seconds,
			      (long long)row->start);
	else if (row->n)
		command_error(job->trace, "no whole generation lies in the window; there are %llu to %llu",
			      (unsigned long long)row->list[0].number, (unsigned long long)row->list[row->n - 1].number);
	else
		command_error(job->trace, "no whole generation");
}

static int cut(const struct job *job, struct etr_reader *reader, int fd)
{
	struct an_row_of_generations row = { 0 };
	struct an_source source;
	size_t first, last;
	enum an_select selected;
	int status = COMMAND_FAILED, rc;

	rc = an_source_init(&source, reader);
	if (rc == 0)
		rc = an_row_read(&row, &source);
	if (rc == -ETR_E_NOMEM) {
		command_error(NULL, "%s", etr_strerror(rc));
		goto out;
	}
	if (rc < 0)
		command_trace_error(job->trace, reader);
	selected = an_row_select(&row, &source, &job->selection, &first, &last);
	if (selected == AN_SELECT_OK)
		status = write_slice(job, fd, &row.list[first], &row.list[last]);
	else
		say_why_not(job, selected, &row);
out:
	free(row.list);
	an_source_free(&source);
	return rc < 0 ? COMMAND_FAILED : status;
}

int main(int argc, char **argv)
{
	struct job job = { .selection.generations.last = UINT64_MAX };
	struct etr_reader *reader;
	int fd, status = COMMAND_FAILED;

	command_begin(&self, argv);
	parse_command_line(&job, argc, argv);
	reader = etr_reader_new();
	if (!reader) {
		command_error(NULL, "%s", etr_strerror(-ETR_E_NOMEM));
		return command_end(status);
	}
	fd = open_input(reader, job.trace);
	if (fd >= 0) {
		status = cut(&job, reader, fd);
		close(fd);
	}
	etr_reader_free(reader);
	return command_end(status);
}
