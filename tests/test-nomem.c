/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test-nomem.c - each allocation of the parser and the writer fails once, and from there on all of them.
 *
 *     test-nomem TEXT...
 *
 * The traces are given in the raw text form; and small hostile ones (hostile.h) of every kind are made.  What is tried must then
 * fail with -ETR_E_NOMEM (a constructor with NULL), stay so, and leave nothing allocated.  The linker sends the library's
 * allocations here (--wrap).
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <exectrace/raw.h>
#include <exectrace/writer.h>

#include "libtrace/readerimpl.h"
#include "tests/fuzz/fuzz.h"
#include "tests/hostile.h"
#include "tests/wrapalloc.h"

#define MAX_LIVE 65536

static void *live[MAX_LIVE];		/* what the library holds */
static size_t nlive;
static long left = -1;			/* allocations that still succeed; -1: all */
static bool once, failed;

static bool fails(void)
{
	if (left < 0)
		return false;
	if (left > 0) {
		left--;
		return false;
	}
	failed = true;
	errno = ENOMEM;
	if (once)
		left = -1;
	return true;
}

static void *keep(void *p)
{
	FUZZ_CHECK(nlive < MAX_LIVE);
	if (p)
		live[nlive++] = p;
	return p;
}

/* libc's own allocations (of a stream, of getline) may be freed by the library: they are not in the list. */
static void drop(const void *p)
{
	for (size_t i = nlive; p && i-- > 0;)
		if (live[i] == p) {
			live[i] = live[--nlive];
			return;
		}
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : keep(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : keep(__real_calloc(n, size));
}

void *__wrap_realloc(void *p, size_t size)
{
	void *q;

	if (fails())
		return NULL;
	drop(p);
	q = __real_realloc(p, size);
	return keep(q);
}

void __wrap_free(void *p)
{
	drop(p);
	__real_free(p);
}

/* What is tried; each returns a code. */

struct bytes {
	const uint8_t *p;
	size_t n, at;
};

static ssize_t read_bytes(void *ctx, void *buf, size_t size)
{
	struct bytes *b = ctx;
	size_t n = size < b->n - b->at ? size : b->n - b->at;

	memcpy(buf, b->p + b->at, n);
	b->at += n;
	return (ssize_t)n;
}

static ssize_t pread_bytes(void *ctx, void *buf, size_t size, uint64_t offset)
{
	struct bytes *b = ctx;

	b->at = offset < b->n ? (size_t)offset : b->n;
	return read_bytes(ctx, buf, size);
}

static int read_all(struct etr_reader *r, int rc)
{
	struct etr_event ev;

	while (rc >= 0 && (rc = etr_reader_next(r, &ev)) == 1)
		;
	/* However much memory there is by now. */
	if (rc < 0) {
		FUZZ_CHECK(etr_reader_next(r, &ev) == rc);
		FUZZ_CHECK(etr_reader_detail(r)[0] != '\0');
	}
	etr_reader_free(r);
	return rc;
}

static int try_memory(struct bytes *b)
{
	struct etr_reader *r = etr_reader_new();

	return r ? read_all(r, etr_reader_open_memory(r, b->p, b->n)) : -ETR_E_NOMEM;
}

static int try_stream(struct bytes *b)
{
	struct etr_input_ops ops = { .struct_size = sizeof(ops), .read = read_bytes };
	struct etr_reader *r = etr_reader_new();

	return r ? read_all(r, etr_reader_open_callbacks(r, &ops, b)) : -ETR_E_NOMEM;
}

static int try_pread(struct bytes *b)
{
	struct etr_input_ops ops = { .struct_size = sizeof(ops), .pread = pread_bytes };
	struct etr_reader *r = etr_reader_new();

	return r ? read_all(r, etr_reader_open_callbacks(r, &ops, b)) : -ETR_E_NOMEM;
}

/* As memory, generations being guessed. */
static int try_threads(struct bytes *b)
{
	struct etr_reader *r = etr_reader_new();

	if (!r)
		return -ETR_E_NOMEM;
	etr_reader_set_threads(r, 2);
	r->guess_all = true;
	return read_all(r, etr_reader_open_memory(r, b->p, b->n));
}

/* What fails here is everybody's, so there is only the one thread; a reader gets on with it. */
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg)
{
	return EAGAIN;
}

/* A file that has no name but this one. */
static int file = -1;
static char file_path[64];

static void make_file(const void *p, size_t n)
{
	if (file < 0) {
		file = memfd_create("test-nomem", MFD_CLOEXEC);
		FUZZ_CHECK(file >= 0);
		snprintf(file_path, sizeof(file_path), "/proc/self/fd/%d", file);
	}
	FUZZ_CHECK(ftruncate(file, 0) == 0 && pwrite(file, p, n, 0) == (ssize_t)n);
}

static int try_path(struct bytes *b)
{
	struct etr_reader *r = etr_reader_new();

	if (!r)
		return -ETR_E_NOMEM;
	make_file(b->p, b->n);
	return read_all(r, etr_reader_open_path(r, file_path));
}

/* As it grows, in two steps. */
static int follow(const uint8_t *p, size_t n)
{
	struct etr_reader *r = etr_reader_new();
	struct etr_event ev;
	int rc;

	if (!r)
		return -ETR_E_NOMEM;
	make_file(p, n / 2);
	rc = etr_reader_follow(r, 1);
	if (rc >= 0)
		rc = etr_reader_open_path(r, file_path);
	for (int step = 0; rc >= 0 && step < 2; step++) {
		while ((rc = etr_reader_next(r, &ev)) == 1)
			;
		if (rc != -ETR_E_AGAIN)
			break;
		rc = pwrite(file, p + n / 2, n - n / 2, (off_t)(n / 2)) >= 0 ? 0 : -ETR_E_IO;
	}
	etr_reader_follow(r, 0);
	return read_all(r, rc);
}

static int try_follow(struct bytes *b)
{
	return follow(b->p, b->n);
}

/* Nothing is read between, for a seek leaves behind what went wrong there. */
static int try_seek(struct bytes *b)
{
	struct etr_input_ops ops = { .struct_size = sizeof(ops), .pread = pread_bytes };
	struct etr_reader *r = etr_reader_new();
	int rc;

	if (!r)
		return -ETR_E_NOMEM;
	rc = etr_reader_open_callbacks(r, &ops, b);
	if (rc >= 0)
		rc = etr_reader_seek_generation(r, 1);
	if (rc >= 0)
		rc = etr_reader_seek_time(r, INT64_MAX);
	if (rc >= 0)
		rc = etr_reader_seek_generation(r, 1000000);
	return read_all(r, rc);
}

static int try_extents(struct bytes *b)
{
	struct etr_input_ops ops = { .struct_size = sizeof(ops), .pread = pread_bytes };
	struct etr_reader *r = etr_reader_new();
	struct etr_extent *extents = NULL;
	size_t n;
	int rc;

	if (!r)
		return -ETR_E_NOMEM;
	rc = etr_reader_open_callbacks(r, &ops, b);
	if (rc >= 0) {
		rc = etr_reader_extents(r, &extents, &n);
		free(extents);
	}
	if (rc >= 0)
		return read_all(r, rc);
	etr_reader_free(r);
	return rc;
}

static FILE *nowhere;

static int try_raw(struct bytes *b)
{
	struct etr_raw_reader *raw = etr_raw_reader_new();
	struct etr_raw_event ev;
	int rc;

	if (!raw)
		return -ETR_E_NOMEM;
	rc = etr_raw_reader_open_memory(raw, b->p, b->n);
	while (rc >= 0 && (rc = etr_raw_reader_next(raw, &ev)) == 1)
		rc = etr_raw_print(nowhere, &ev);
	etr_raw_reader_free(raw);
	return rc;
}

/* The trace as text; not a trial itself. */
static struct bytes text;

static void make_text(struct bytes *b)
{
	struct etr_raw_reader *raw = etr_raw_reader_new();
	struct etr_raw_event ev;
	char *p = NULL;
	FILE *out = open_memstream(&p, &text.n);

	FUZZ_CHECK(raw && out && etr_raw_reader_open_memory(raw, b->p, b->n) == 0);
	etr_raw_print_header(out, etr_raw_reader_version(raw));
	while (etr_raw_reader_next(raw, &ev) == 1)
		etr_raw_print(out, &ev);
	fclose(out);
	etr_raw_reader_free(raw);
	free((void *)(uintptr_t)text.p);
	text.p = (uint8_t *)p;
}

static int try_assemble(struct bytes *b)
{
	FILE *in = fmemopen((void *)(uintptr_t)text.p, text.n, "r");
	char detail[128];
	int rc;

	FUZZ_CHECK(in && b);
	rc = etr_raw_assemble(in, nowhere, detail, sizeof(detail));
	fclose(in);
	return rc;
}

#ifdef WITH_ZSTD
/* The trace compressed; not a trial itself. */
static struct bytes packed;

static int put_packed(void *ctx, const void *buf, size_t size)
{
	static uint8_t room[1 << 20];

	FUZZ_CHECK(size <= sizeof(room) - packed.n);
	memcpy(room + packed.n, buf, size);
	packed.p = room;
	packed.n += size;
	return 0;
}

static int try_compressor(struct bytes *b)
{
	struct etr_compressor *c;
	int rc;

	packed.n = 0;
	c = etr_compressor_new(put_packed, NULL, 1);
	if (!c)
		return -ETR_E_NOMEM;
	rc = etr_compressor_write(c, b->p, b->n) == 0 && etr_compressor_finish(c) == 0 ? 0 : -ETR_E_NOMEM;
	etr_compressor_free(c);
	return rc;
}

/* What try_compressor() has made: read, sought in. */
static int try_packed(struct bytes *b)
{
	struct etr_reader *r = etr_reader_new();
	struct etr_extent *extents = NULL;
	size_t n;
	int rc;

	if (!r)
		return -ETR_E_NOMEM;
	rc = etr_reader_open_memory(r, packed.p, packed.n);
	if (rc >= 0) {
		rc = etr_reader_extents(r, &extents, &n);
		free(extents);
	}
	if (rc >= 0)
		rc = etr_reader_seek_generation(r, 1);
	if (rc >= 0)
		return read_all(r, rc);
	etr_reader_free(r);
	return rc;
}

static int try_follow_packed(struct bytes *b)
{
	FUZZ_CHECK(b);
	return follow(packed.p, packed.n);
}

/* As its writer left it that was killed: it is mended, or not touched. */
static int try_mend(struct bytes *b)
{
	const size_t n = packed.n - 10;
	struct etr_mend mend;
	int rc;

	FUZZ_CHECK(b && packed.n > 10);
	make_file(packed.p, n);
	rc = etr_compressed_mend(file, &mend);
	FUZZ_CHECK(rc == 0 ? mend.mended && mend.size == packed.n : lseek(file, 0, SEEK_END) == (off_t)n);
	return rc;
}
#endif

static int ignore(void *ctx, const void *buf, size_t size)
{
	return 0;
}

/* Writes two generations; goes on however many calls fail. */
static int try_writer(struct bytes *b)
{
	struct etr_writer *w = etr_writer_new(ignore, NULL, 1000);
	int64_t rc = 0;

	if (!w)
		return -ETR_E_NOMEM;
	for (int gen = 0; gen < 2; gen++) {
		int64_t codes[5] = { etr_writer_begin_generation(w, 1, 1, 1, 1) };
		struct etr_writer_frame frame = { 1, 0, 0, 1 };

		for (uint64_t i = 0; i < 40; i++) {
			codes[1] = etr_writer_string(w, (const char[]){ 's', 't', 'r', 'i', 'n', 'g', ' ', (char)i }, 8);
			frame.pc = i;
			codes[2] = etr_writer_stack(w, &frame, 1);
			/* ProcStatus, of another thread each time. */
			codes[3] = etr_writer_event(w, i, 13, i, (const uint64_t[]){ i, 2 }, 2);
			codes[4] = etr_writer_cpu_sample(w, i, i, 0, 0, 1);
			for (int k = 0; k < 5; k++)
				rc = rc < 0 || codes[k] >= 0 ? rc : codes[k];
		}
		codes[0] = etr_writer_end_generation(w);
		rc = rc < 0 || codes[0] >= 0 ? rc : codes[0];
	}
	FUZZ_CHECK(rc == 0 || etr_writer_detail(w)[0] != '\0');
	etr_writer_free(w);
	return (int)rc;
}

static const struct trial {
	const char *name;
	int (*run)(struct bytes *b);
	bool may_do_without;		/* it may also succeed */
	bool always;			/* with hostile traces, too: what is allocated depends on what the trace holds */
} trials[] = {
	{ "memory", try_memory, false, true },
	{ "stream", try_stream, false, true },
	{ "pread", try_pread, false, false },
	{ "threads", try_threads, true, true },
	{ "extents", try_extents, false, false },
	{ "raw", try_raw, false, true },
	{ "path", try_path, false, false },
	{ "follow", try_follow, false, false },
	{ "seek", try_seek, false, false },
	{ "assemble", try_assemble, false, true },
	{ "writer", try_writer, false, false },
#ifdef WITH_ZSTD
	{ "compressor", try_compressor, false, false },
	{ "packed", try_packed, true, false },
	{ "follow packed", try_follow_packed, true, false },
	{ "mend", try_mend, true, false },
#endif
};

static long run_trial(const struct trial *t, const char *path, const struct bytes *bytes, int good)
{
	for (long n = 0;; n++) {
		struct bytes b = *bytes;
		int rc;

		failed = false;
		left = n;
		rc = t->run(&b);
		left = -1;
		if ((!(failed && rc == -ETR_E_NOMEM) && !(rc == good && (!failed || t->may_do_without))) || nlive != 0) {
			fprintf(stderr, "%s, %s: allocation %ld fails%s: code %d, %zu pieces left\n", path, t->name, n,
				once ? " once" : "", rc, nlive);
			exit(1);
		}
		if (!failed)
			return n;
	}
}

/* Makes the trials with the trace in b. */
static void try_bytes(const char *name, struct bytes b, bool all)
{
	make_text(&b);
	for (size_t i = 0; i < sizeof(trials) / sizeof(*trials); i++) {
		struct bytes whole = b;
		long n;
		int good;

		if (!all && !trials[i].always)
			continue;
		good = trials[i].run(&whole);
		FUZZ_CHECK(good != -ETR_E_NOMEM && nlive == 0);
		once = false;
		n = run_trial(&trials[i], name, &b, good);
		once = true;
		run_trial(&trials[i], name, &b, good);
		printf("%s, %s: %ld allocations\n", name, trials[i].name, n);
	}
}

static void try_trace(const char *path)
{
	FILE *in = fopen(path, "r"), *out;
	char *p = NULL, detail[128];
	struct bytes b = { 0 };

	FUZZ_CHECK(in);
	out = open_memstream(&p, &b.n);
	FUZZ_CHECK(out && etr_raw_assemble(in, out, detail, sizeof(detail)) == 0);
	fclose(in);
	fclose(out);
	b.p = (const uint8_t *)p;
	try_bytes(path, b, true);
	free(p);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: test-nomem TEXT...\n");
		return 2;
	}
	nowhere = fopen("/dev/null", "w");
	FUZZ_CHECK(nowhere);
	for (int i = 1; i < argc; i++)
		try_trace(argv[i]);
	for (size_t i = 0; i < hostile_nkinds; i++) {
		hostile_make(&hostile_kinds[i], 3000, i % 2 ? 26 : 22, 2);
		try_bytes(hostile_kinds[i].name, (struct bytes){ .p = hostile.p, .n = hostile.n }, false);
	}
	hostile_free();
	return 0;
}
