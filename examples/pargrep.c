/* SPDX-License-Identifier: BSD-3-Clause
 *
 * pargrep.c - a parallel recursive text search, and what a program on the runtime looks like.
 *
 * A walker goroutine lists directories and sends the files' paths over a bounded channel. Workers open, read and search them,
 * each with its own compiled pattern, and put what they find into a table behind a mutex, which keeps it sorted by path, so that
 * the output does not depend on who was faster. The larger the table, the longer that takes and the others wait: what a
 * recording of it shows. With -s the table is sorted once, at the end: what a recording of that shows to be the cure.
 *
 * Annotated for traces: one task for the search, regions for its phases, a log for each file that could not be searched.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <exectrace/rt.h>

#define QUEUE_LENGTH 64			/* paths under way between the walker and the workers */
#define READ_SIZE (128u << 10)
#define WORKER_STACK (1u << 20)		/* regexec recurses */
#define MAX_WORKERS 1024

enum { EXIT_MATCH = 0, EXIT_NONE = 1, EXIT_TROUBLE = 2 };

struct buffer {
	char *data;
	size_t len, size;
};

/* What was found in one file. */
struct result {
	char *path;
	struct buffer text;		/* lines to print */
	unsigned long count;
	bool is_binary;
};

/* Written before the goroutines start, but for what the mutex guards. */
static struct {
	const char *pattern;
	char **paths;
	int npaths, workers;
	bool ignore_case, number, count_only, sort_last, is_literal, name_files;
	struct exrt_chan *queue;	/* of char *, which the receiver frees */
	struct exrt_task task;
	struct exrt_waitgroup done;
	struct exrt_mutex mutex;	/* of the following */
	struct result *results;
	size_t nresults, results_size;
	bool trouble;
} search;

/* --- helpers ----------------------------------------------------------------------------------------------------------- */

static void *must(void *p)
{
	if (!p) {
		fprintf(stderr, "pargrep: out of memory\n");
		_exit(EXIT_TROUBLE);
	}
	return p;
}

/* A byte behind what was asked for is always there and 0: REG_STARTEND needs none, but what checks regexec looks for it. */
static void buffer_reserve(struct buffer *b, size_t more)
{
	if (b->size - b->len >= more)
		return;
	b->size = b->size * 2 > b->len + more ? b->size * 2 : b->len + more;
	b->data = must(realloc(b->data, b->size + 1));
	b->data[b->size] = '\0';
}

static void buffer_add(struct buffer *b, const char *data, size_t len)
{
	buffer_reserve(b, len);
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

static char *join(const char *dir, const char *name)
{
	size_t len = strlen(dir);
	char *path;

	if (asprintf(&path, "%s%s%s", dir, len > 0 && dir[len - 1] == '/' ? "" : "/", name) < 0)
		must(NULL);
	return path;
}

static void complain(const char *path, int error)
{
	exrt_log(search.task, "unreadable", path);
	fprintf(stderr, "pargrep: %s: %s\n", path, strerror(error));
	exrt_mutex_lock(&search.mutex);
	search.trouble = true;
	exrt_mutex_unlock(&search.mutex);
}

/* --- the walker ---------------------------------------------------------------------------------------------------------- */

/* Directories that are still to be listed, and the entries of the one that is. */
struct names {
	char **names;
	size_t n, size;
};

static void names_add(struct names *list, char *name)
{
	if (list->n == list->size) {
		list->size = list->size ? list->size * 2 : 64;
		list->names = must(realloc(list->names, list->size * sizeof(*list->names)));
	}
	list->names[list->n++] = name;
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

/* Blocks the thread: called as a system call.  Return: 0 or an error. */
static int list_directory(const char *dir, struct names *files, struct names *dirs)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	struct stat st;

	if (!d)
		return errno;
	while ((entry = readdir(d)) != NULL) {
		unsigned char type = entry->d_type;

		if (is_dots(entry->d_name))
			continue;
		if (type == DT_UNKNOWN && fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			type = IFTODT(st.st_mode);
		if (type == DT_REG)
			names_add(files, join(dir, entry->d_name));
		else if (type == DT_DIR)
			names_add(dirs, join(dir, entry->d_name));
	}
	closedir(d);
	return 0;
}

static void walk_tree(char *root)
{
	struct names dirs = { 0 }, files = { 0 };

	names_add(&dirs, root);
	while (dirs.n > 0) {
		char *dir = dirs.names[--dirs.n];
		int error;

		exrt_syscall_begin();
		error = list_directory(dir, &files, &dirs);
		exrt_syscall_end();
		if (error)
			complain(dir, error);
		for (size_t i = 0; i < files.n; i++)
			exrt_chan_send(search.queue, &files.names[i]);
		files.n = 0;
		free(dir);
	}
	free(dirs.names);
	free(files.names);
}

static void walk(void *arg)
{
	exrt_region_begin(search.task, "walk");
	for (int i = 0; i < search.npaths; i++) {
		char *path = must(strdup(search.paths[i]));
		struct stat st;
		int error = 0;

		exrt_syscall_begin();
		if (stat(path, &st) < 0)
			error = errno;
		exrt_syscall_end();
		if (error) {
			complain(path, error);
			free(path);
		} else if (S_ISDIR(st.st_mode)) {
			walk_tree(path);
		} else {
			exrt_chan_send(search.queue, &path);
		}
	}
	exrt_chan_close(search.queue);
	exrt_region_end(search.task, "walk");
}

/* --- the workers ---------------------------------------------------------------------------------------------------------- */

struct worker {
	regex_t regex;
	struct buffer in;		/* what was read and not searched yet */
	unsigned long line;		/* number of the last line */
};

/* Whether the line [p, end) matches. */
static bool matches(struct worker *w, const char *p, const char *end)
{
	regmatch_t match = { .rm_so = 0, .rm_eo = end - p };

	if (search.is_literal)
		return memmem(p, (size_t)(end - p), search.pattern, strlen(search.pattern)) != NULL;
	return regexec(&w->regex, p, 1, &match, REG_STARTEND) == 0;
}

static void result_add_line(struct worker *w, struct result *r, const char *p, const char *end)
{
	char number[32];

	r->count++;
	if (r->is_binary || search.count_only)
		return;
	if (search.name_files) {
		buffer_add(&r->text, r->path, strlen(r->path));
		buffer_add(&r->text, ":", 1);
	}
	if (search.number)
		buffer_add(&r->text, number, (size_t)snprintf(number, sizeof(number), "%lu:", w->line));
	buffer_add(&r->text, p, (size_t)(end - p));
	buffer_add(&r->text, "\n", 1);
}

/* Searches the whole lines of what was read, at the file's end also an unfinished one, and keeps the rest. */
static void search_lines(struct worker *w, struct result *r, bool is_last)
{
	const char *p = w->in.data, *end = p + w->in.len, *eol;

	while (p < end) {
		eol = memchr(p, '\n', (size_t)(end - p));
		if (!eol && !is_last)
			break;
		if (!eol)
			eol = end;
		w->line++;
		if (matches(w, p, eol))
			result_add_line(w, r, p, eol);
		p = eol < end ? eol + 1 : end;
	}
	w->in.len = (size_t)(end - p);
	if (p < end)
		memmove(w->in.data, p, w->in.len);
}

/* Return: 0 or an error. */
static int search_file(struct worker *w, struct result *r)
{
	int fd = exrt_open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
	bool first = true;
	ssize_t n;

	if (fd < 0)
		return -fd;
	w->in.len = 0;
	w->line = 0;
	do {
		buffer_reserve(&w->in, READ_SIZE);
		n = exrt_read(fd, w->in.data + w->in.len, READ_SIZE);
		if (n < 0)
			break;
		w->in.len += (size_t)n;
		if (first && memchr(w->in.data, '\0', w->in.len))
			r->is_binary = true;
		first = false;
		search_lines(w, r, n == 0);
		/* That one matches is all that is told of a binary file. */
	} while (n > 0 && !(r->is_binary && r->count > 0 && !search.count_only));
	exrt_close(fd);
	return n < 0 ? (int)-n : 0;
}

static void table_add(const struct result *r)
{
	size_t at;

	exrt_mutex_lock(&search.mutex);
	if (search.nresults == search.results_size) {
		search.results_size = search.results_size ? search.results_size * 2 : 256;
		search.results = must(realloc(search.results, search.results_size * sizeof(*search.results)));
	}
	at = search.nresults++;
	for (; !search.sort_last && at > 0 && strcmp(search.results[at - 1].path, r->path) > 0; at--)
		search.results[at] = search.results[at - 1];
	search.results[at] = *r;
	exrt_mutex_unlock(&search.mutex);
}

static void work(void *arg)
{
	struct worker w = { 0 };
	char *path;

	/* main has compiled it before: it cannot fail but for memory. */
	if (!search.is_literal &&
	    regcomp(&w.regex, search.pattern, REG_EXTENDED | (search.ignore_case ? REG_ICASE : 0)) != 0)
		must(NULL);
	exrt_region_begin(search.task, "work");
	while (exrt_chan_recv(search.queue, &path) == 1) {
		struct result r = { .path = path };
		int error = search_file(&w, &r);

		if (error)
			complain(path, error);
		if (r.count > 0 || (search.count_only && !error))
			table_add(&r);
		else
			free(path);
	}
	exrt_region_end(search.task, "work");
	if (!search.is_literal)
		regfree(&w.regex);
	free(w.in.data);
	exrt_waitgroup_done(&search.done);
}

/* --- the whole -------------------------------------------------------------------------------------------------------------- */

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct result *)a)->path, ((const struct result *)b)->path);
}

/* Return: whether anything matched. */
static bool report(void)
{
	bool any = false;

	if (search.sort_last && search.nresults > 0)
		qsort(search.results, search.nresults, sizeof(*search.results), by_path);
	for (size_t i = 0; i < search.nresults; i++) {
		struct result *r = &search.results[i];

		any |= r->count > 0;
		if (search.count_only && search.name_files)
			printf("%s:%lu\n", r->path, r->count);
		else if (search.count_only)
			printf("%lu\n", r->count);
		else if (r->is_binary)
			printf("Binary file %s matches\n", r->path);
		else
			fwrite(r->text.data, 1, r->text.len, stdout);
		free(r->path);
		free(r->text.data);
	}
	free(search.results);
	return any;
}

static int run(void *arg)
{
	struct exrt_go_opts opts = { .struct_size = sizeof(opts), .stack_size = WORKER_STACK };
	bool any, written;

	search.queue = must(exrt_chan_new(sizeof(char *), QUEUE_LENGTH));
	search.task = exrt_task_begin((struct exrt_task){ 0 }, "search");
	if (search.workers == 0)
		search.workers = exrt_maxprocs(0);
	exrt_waitgroup_add(&search.done, search.workers);
	if (exrt_go(walk, NULL) < 0)
		must(NULL);
	for (int i = 0; i < search.workers; i++) {
		if (exrt_go_opts(&opts, work, NULL) < 0)
			must(NULL);
	}
	exrt_waitgroup_wait(&search.done);
	exrt_region_begin(search.task, "report");
	any = report();
	written = fflush(stdout) == 0 && !ferror(stdout);
	if (!written)
		fprintf(stderr, "pargrep: write error: %s\n", strerror(errno));
	exrt_region_end(search.task, "report");
	exrt_task_end(search.task);
	exrt_chan_free(search.queue);
	if (search.trouble || !written)
		return EXIT_TROUBLE;
	return any ? EXIT_MATCH : EXIT_NONE;
}

static const char usage[] = "usage: pargrep [-j N] [-i] [-n] [-c] [-s] PATTERN PATH...\n";
static const char help[] =
	"Search files, and those below directories, for lines that match an extended regular expression, in parallel.\n"
	"\n"
	"  -j N   N workers (default: as many as goroutines run at once, see RTMAXPROCS)\n"
	"  -i     ignore the case of letters\n"
	"  -n     print line numbers\n"
	"  -c     print the number of matching lines for each file instead\n"
	"  -s     sort what was found once, at the end, instead of keeping it sorted\n"
	"\n"
	"Output is sorted by path.  Symbolic links below a directory are not followed.\n"
	"Of a binary file only whether it matches is told.\n"
	"Exit status: 0 a line matched, 1 none did, 2 trouble.\n"
	"EXECTRACE=file=PATH in the environment records an execution trace.\n";

static bool parse(int argc, char **argv)
{
	static const struct option longs[] = { { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	char *end;
	int opt;

	while ((opt = getopt_long(argc, argv, "j:incsh", longs, NULL)) != -1) {
		switch (opt) {
		case 'j': {
			long n = strtol(optarg, &end, 10);

			if (end == optarg || *end || n < 1 || n > MAX_WORKERS) {
				fprintf(stderr, "pargrep: -j %s: not a number from 1 to %d\n", optarg, MAX_WORKERS);
				return false;
			}
			search.workers = (int)n;
			break;
		}
		case 'i':
			search.ignore_case = true;
			break;
		case 'n':
			search.number = true;
			break;
		case 'c':
			search.count_only = true;
			break;
		case 's':
			search.sort_last = true;
			break;
		case 'h':
			printf("%s%s", usage, help);
			exit(0);
		default:
			return false;
		}
	}
	if (argc - optind < 2)
		return false;
	search.pattern = argv[optind];
	search.paths = argv + optind + 1;
	search.npaths = argc - optind - 1;
	return true;
}

int main(int argc, char **argv)
{
	struct stat st;
	regex_t regex;
	int rc;

	if (!parse(argc, argv)) {
		fputs(usage, stderr);
		return EXIT_TROUBLE;
	}
	rc = regcomp(&regex, search.pattern, REG_EXTENDED | (search.ignore_case ? REG_ICASE : 0));
	if (rc) {
		char why[256];

		regerror(rc, &regex, why, sizeof(why));
		fprintf(stderr, "pargrep: %s: %s\n", search.pattern, why);
		return EXIT_TROUBLE;
	}
	regfree(&regex);
	search.is_literal = !search.ignore_case && !strpbrk(search.pattern, "\\^$.[]|()*+?{}");
	search.name_files = search.npaths > 1 || (stat(search.paths[0], &st) == 0 && S_ISDIR(st.st_mode));
	rc = exrt_run(run, NULL);
	if (rc < 0) {
		fprintf(stderr, "pargrep: cannot start: %s\n", strerror(-rc));
		return EXIT_TROUBLE;
	}
	return rc;
}
