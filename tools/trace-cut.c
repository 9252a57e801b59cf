/* SPDX-License-Identifier: BSD-3-Clause
 *
 * trace-cut.c - parts of a trace as traces of their own.
 *
 * The input is read once, front to back, and no further than the window needs.  Where windows depend on what happened or on how long
 * the trace is, a pass before that finds them; windows that overlap are cut one pass after the other.  Input that cannot be read
 * twice, a pipe, then goes into a temporary file without a name first.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/anonymize.h"
#include "analysis/pick.h"
#include "analysis/slicer.h"
#include "tools/command.h"
#include "tools/compressout.h"
#include "tools/cutopts.h"

#define COPY_SIZE (1u << 20)

struct job {
	struct cut_options options;
	bool passes;			/* there are several */
	int fd;				/* then the input, once it is open; -1 */
	struct an_anonymizer anonymizer;
	struct an_late_list late;
	struct an_cut_window *windows;	/* those wanted, in order of time; from is INT64_MAX for those that are begun */
	size_t nwindows, ntaken;
	unsigned slices;		/* that were begun */
	bool said;			/* what is wrong */
};

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

/* A reader of the trace, from its beginning; NULL, said. */
static struct etr_reader *open_trace(struct job *job)
{
	struct etr_reader *reader = etr_reader_new();
	bool is_stdin = strcmp(job->options.trace, "-") == 0;
	int rc;

	if (!reader) {
		command_error(NULL, "%s", etr_strerror(-ETR_E_NOMEM));
		return NULL;
	}
	if (job->passes && job->fd < 0) {
		int fd = is_stdin ? dup(STDIN_FILENO) : open(job->options.trace, O_RDONLY | O_CLOEXEC);
		struct stat st;

		if (fd >= 0 && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
			job->fd = spool(job->options.trace, fd);
			close(fd);
			if (job->fd < 0)
				goto failed;
		} else if (fd >= 0) {
			job->fd = fd;
		}
	}
	rc = job->fd < 0 ? command_open_trace(reader, job->options.trace) :
			   command_open_trace_fd(reader, job->options.trace, job->fd);
	if (rc == 0)
		return reader;
failed:
	etr_reader_free(reader);
	return NULL;
}

static int open_output(void *ctx, struct an_slice *slice)
{
	struct job *job = ctx;
	struct command_output *out = malloc(sizeof(*out));
	char *path = malloc(strlen(job->options.output) + 16);
	int rc = -1;

	if (out && path) {
		if (job->options.numbered)
			sprintf(path, "%s-%03u", job->options.output, slice->window.tag);
		rc = command_output_open(out, job->options.numbered ? path : job->options.output);
		if (rc == 0 && job->options.level > 0)
			rc = command_output_compress(out, job->options.level);
	} else {
		command_error(NULL, "%s", etr_strerror(-ETR_E_NOMEM));
	}
	free(path);
	if (rc < 0)
		free(out);
	slice->output = out;
	job->slices++;
	return rc;
}

static int write_output(struct an_slice *slice, const void *buf, size_t size)
{
	struct command_output *out = slice->output;

	if (fwrite(buf, 1, size, out->f) == size)
		return 0;
	out->error = errno;
	return -1;
}

static int close_output(void *ctx, struct an_slice *slice, int rc)
{
	struct command_output *out = slice->output;
	int result = 0;

	(void)ctx;
	/* A write that failed is found, and said, when the file is completed. */
	if (rc == 0 || rc == -ETR_E_IO) {
		result = command_output_commit(out);
	} else {
		command_output_discard(out);
	}
	free(out);
	return result;
}

/* Says once what is wrong. */
static void say(struct job *job, const struct etr_reader *reader, int rc)
{
	if (!job->said && rc == -ETR_E_NOMEM)
		command_error(NULL, "%s", etr_strerror(rc));
	else if (!job->said && reader && *etr_reader_detail(reader))
		command_trace_error(job->options.trace, reader);
	else if (!job->said)
		command_error(job->options.trace, "%s", etr_strerror(rc));
	job->said = true;
}

static void say_nothing_there(struct job *job, const struct an_source *source)
{
	if (job->options.picked)
		command_error(job->options.trace, "nothing that --%s asks for is there", job->options.picked);
	else
		command_error(job->options.trace, "nothing lies in the window; the trace is %.9f s long, from @%lld on",
			      (double)(source->end - source->start) / 1e9, (long long)source->start);
	job->said = true;
}

/* The window that the options give: one, resolved.  0, or -1, said. */
static int first_window(struct job *job, const struct an_source *source)
{
	const struct cut_options *options = &job->options;
	struct an_cut_window *window = malloc(sizeof(*window));

	if (!window) {
		say(job, NULL, -ETR_E_NOMEM);
		return -1;
	}
	*window = an_cut_all;
	window->tag = 1;
	window->first_generation = options->generations.first;
	window->last_generation = options->generations.last;
	job->windows = window;
	if (!an_when_resolve(&options->from, source, INT64_MIN, &window->from) ||
	    !an_when_resolve(&options->to, source, INT64_MAX, &window->to)) {
		command_error(options->trace, "the trace does not say the wall time; use a time since its beginning");
		job->said = true;
		return -1;
	}
	job->nwindows = window->from < window->to && window->to > source->start;
	return 0;
}

/* Is the input compressed, with a table that tells where its frames are? */
static bool has_seek_table(const char *path)
{
	static const uint8_t zstd[] = { 0x28, 0xb5, 0x2f, 0xfd }, skippable[] = { 0x2a, 0x4d, 0x18 };
	static const uint8_t footer[] = { 0xb1, 0xea, 0x92, 0x8f };
	int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	uint8_t first[4] = { 0 }, last[4] = { 0 };
	struct stat st;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 8) {
		if (pread(fd, first, 4, 0) != 4 || pread(fd, last, 4, st.st_size - 4) != 4)
			memset(last, 0, sizeof(last));
	}
	close(fd);
	return (memcmp(first, zstd, 4) == 0 || memcmp(first + 1, skippable, 3) == 0) && memcmp(last, footer, 4) == 0;
}

/*
 * Passes over what lies well before the window.  The generation before the window's is read: behind it all that is alive is known.
 * What stays unknown are the notes of what came before (names of tasks, functions), which are not worth unpacking all of it.
 */
static void skip_to(struct job *job, struct an_source *source, const struct an_cut_window *window)
{
	bool by_generation = window->first_generation > source->first_generation + 1;

	if (job->options.thorough || (window->from <= source->start && !by_generation) || !has_seek_table(job->options.trace))
		return;
	/* Where it cannot be done, everything is read; what fails on the way, reading will say. */
	if (by_generation)
		an_source_seek_generation(source, window->first_generation - 1);
	else
		an_source_seek(source, window->from);
}

/* The next of the windows: the earliest one that is left and that the slice before leaves room for. */
static bool next_window(void *ctx, struct an_source *source, const struct an_slice *last, struct an_cut_window *window)
{
	struct job *job = ctx;

	if (!job->windows && first_window(job, source) < 0)
		return false;
	for (size_t i = 0; i < job->nwindows; i++) {
		struct an_cut_window *w = &job->windows[i];

		if (w->from == INT64_MAX || (last && w->from < last->window.to))
			continue;
		*window = *w;
		w->from = INT64_MAX;
		job->ntaken++;
		if (!last)
			skip_to(job, source, window);
		return true;
	}
	return false;
}

/* The next part of about so many bytes. */
static bool next_part(void *ctx, struct an_source *source, const struct an_slice *last, struct an_cut_window *window)
{
	struct job *job = ctx;

	(void)source;
	/* One without a slice before it is asked for again where nothing lay in the first. */
	if (job->nwindows == 0 || (last ? last->window.to >= job->windows[0].to : job->ntaken > 0))
		return false;
	job->ntaken = job->nwindows;
	*window = job->windows[0];
	if (last)
		window->from = last->window.to;
	window->tag = job->slices + 1;
	window->max_size = (uint64_t)job->options.part;
	return true;
}

static int by_time(const void *a, const void *b)
{
	const struct an_cut_window *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

static int replace_windows(struct job *job, struct an_cut_window *windows, size_t n)
{
	if (!windows)
		return -ETR_E_NOMEM;
	free(job->windows);
	job->windows = windows;
	job->nwindows = n;
	return 0;
}

/* Windows around what was picked. */
static int use_picks(struct job *job, const struct an_picker *picker)
{
	struct an_cut_window *windows = calloc(picker->n + 1, sizeof(*windows));

	for (size_t i = 0; windows && i < picker->n; i++) {
		windows[i] = an_cut_all;
		windows[i].tag = (unsigned)i + 1;
		if (__builtin_sub_overflow(picker->list[i].start, job->options.margin, &windows[i].from))
			windows[i].from = INT64_MIN;
		if (__builtin_add_overflow(picker->list[i].end + 1, job->options.margin, &windows[i].to))
			windows[i].to = INT64_MAX;
	}
	if (windows)
		qsort(windows, picker->n, sizeof(*windows), by_time);
	return replace_windows(job, windows, picker->n);
}

/* Windows that are equal parts of what there is. */
static int use_parts(struct job *job, const struct an_source *source)
{
	int64_t from = job->windows[0].from, to = job->windows[0].to, length, part = job->options.part;
	struct an_cut_window *windows;
	bool counted = job->options.split == SPLIT_COUNT;
	uint64_t n;

	const int64_t last = to;

	from = from < an_source_begin(source) ? an_source_begin(source) : from;
	to = to > an_source_end(source) ? an_source_end(source) : to;
	length = to > from ? to - from : 0;
	n = counted ? (uint64_t)part : ((uint64_t)length + (uint64_t)part - 1) / (uint64_t)part;
	n = n > (uint64_t)length ? (uint64_t)length : n;
	windows = calloc(n + 1, sizeof(*windows));
	for (uint64_t i = 0; windows && i < n; i++) {
		windows[i] = an_cut_all;
		windows[i].tag = (unsigned)i + 1;
		windows[i].from = from + (counted ? (int64_t)((__int128)length * i / n) : (int64_t)i * part);
		windows[i].to = to;
		if (i)
			windows[i - 1].to = windows[i].from;
	}
	/* With what ends the trace, if it does not end before. */
	if (windows && n)
		windows[n - 1].to = last;
	return replace_windows(job, windows, n);
}

/* Follows the trace as far as is needed to find the windows.  0, or a negative code. */
static int follow(struct job *job, struct an_source *source, struct an_picker *picker)
{
	struct etr_event event;
	int rc;

	while ((rc = an_source_next(source, &event)) == 1) {
		/* Beyond the windows there may be something to learn of what is in them. */
		if (an_late_list_is_whole(&job->late, source) && event.time >= job->windows[0].to)
			return 0;
		rc = an_late_list_add(&job->late, source, &event);
		if (rc == 0 && picker)
			rc = an_picker_event(picker, &event);
		if (rc < 0)
			break;
	}
	return rc;
}

static int find_in(struct job *job, struct an_source *source)
{
	struct an_picker picker = { .list = NULL };
	bool picks = job->options.picked != NULL;
	struct etr_event event;
	int rc = an_source_next(source, &event);
	int found;

	if (rc == 1 && first_window(job, source) < 0)
		return 0;
	if (rc != 1 || !job->nwindows)
		return rc < 0 ? rc : 0;
	if (picks && an_picker_init(&picker, source, &job->options.condition, (size_t)job->options.slowest) < 0)
		return -ETR_E_NOMEM;
	picker.from = job->windows[0].from;
	picker.to = job->windows[0].to;
	rc = follow(job, source, picks ? &picker : NULL);
	found = picks ? use_picks(job, &picker) : job->options.split != SPLIT_SIZE ? use_parts(job, source) : 0;
	an_picker_free(&picker);
	return found < 0 ? found : rc;
}

/* A pass that finds the windows.  Of a damaged trace they are found up to there.  False: there are none, said. */
static bool find_windows(struct job *job)
{
	struct etr_reader *reader = open_trace(job);
	struct an_source source;
	int rc = -ETR_E_NOMEM;

	if (!reader) {
		job->said = true;
		return false;
	}
	if (an_source_init(&source, reader) == 0) {
		rc = find_in(job, &source);
		command_trace_end(job->options.trace, reader);
		if (rc < 0)
			say(job, reader, rc);
		else if (!job->nwindows && !job->said)
			say_nothing_there(job, &source);
		an_source_free(&source);
	} else {
		say(job, reader, rc);
	}
	etr_reader_free(reader);
	return job->nwindows > 0;
}

/* One pass that cuts.  False: there is nothing more to be done. */
static bool cut(struct job *job)
{
	const struct an_slicing slicing = {
		.next = job->options.split == SPLIT_SIZE ? next_part : next_window,
		.open = open_output, .write = write_output, .close = close_output, .ctx = job,
		.renamer = job->options.anonymize ? &job->anonymizer.renamer : NULL,
		.late = job->passes ? &job->late : NULL,
	};
	struct etr_reader *reader = open_trace(job);
	struct an_source source;
	struct an_slicer slicer;
	int rc = -ETR_E_NOMEM;

	if (!reader) {
		job->said = true;
		return false;
	}
	if (an_source_init(&source, reader) == 0) {
		if (an_slicer_init(&slicer, &source, &slicing) == 0) {
			rc = an_slicer_run(&slicer);
			command_trace_end(job->options.trace, reader);
			job->said |= slicer.gave_up;
			an_slicer_free(&slicer);
		}
		if (rc < 0)
			say(job, reader, rc);
		else if (job->slices == 0 && !job->said)
			say_nothing_there(job, &source);
		an_source_free(&source);
	} else {
		say(job, reader, rc);
	}
	etr_reader_free(reader);
	return rc == 0 && job->slices > 0 && job->ntaken < job->nwindows;
}

int main(int argc, char **argv)
{
	struct job job = { .fd = -1 };

	cut_options_parse(&job.options, argc, argv);
	job.passes = job.options.picked || job.options.split;
	if (an_anonymizer_init(&job.anonymizer, job.options.keep, job.options.nkeep) < 0 || an_late_list_init(&job.late) < 0)
		say(&job, NULL, -ETR_E_NOMEM);
	else if (!job.passes || find_windows(&job))
		while (cut(&job))
			;
	an_anonymizer_free(&job.anonymizer);
	if (job.fd >= 0)
		close(job.fd);
	free(job.windows);
	an_late_list_free(&job.late);
	free(job.options.keep);
	return command_end(job.said ? COMMAND_FAILED : COMMAND_OK);
}
