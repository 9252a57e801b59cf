/* SPDX-License-Identifier: BSD-3-Clause
 *
 * memory-bound.c - reading takes no more memory than a constant times the input, whatever that is.
 *
 *     memory-bound [-v] [TRACE...]
 *
 * Every kind of hostile trace (hostile.h), in several sizes, is read from memory, from something that can seek, from a stream, and
 * with several threads; the traces that are named likewise.  The most that is allocated at one time must stay below BYTES_PER_BYTE
 * for each byte of the input plus FIXED, with threads FIXED for each and once more.  reader.h states the same figures.  The linker
 * sends the library's allocations here (--wrap).  -v prints what each takes.
 */
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include <exectrace/raw.h>

#include "tests/fuzz/fuzz.h"
#include "tests/hostile.h"
#include "tests/wrapalloc.h"

#define BYTES_PER_BYTE 100
#define FIXED ((size_t)1 << 20)

#define THREADS 4

static _Atomic size_t live, peak;	/* the reader's threads allocate, too */
static bool verbose;

static void *count(void *p)
{
	size_t n = p ? malloc_usable_size(p) : 0;
	size_t now = atomic_fetch_add(&live, n) + n, before = atomic_load(&peak);

	while (now > before && !atomic_compare_exchange_weak(&peak, &before, now))
		;
	return p;
}

void *__wrap_malloc(size_t size)
{
	return count(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return count(__real_calloc(n, size));
}

/* Both blocks are there for a moment. */
void *__wrap_realloc(void *p, size_t size)
{
	size_t old = p ? malloc_usable_size(p) : 0;
	void *q = count(__real_realloc(p, size));

	live -= q ? old : 0;
	return q;
}

void __wrap_free(void *p)
{
	live -= p ? malloc_usable_size(p) : 0;
	__real_free(p);
}

static size_t at;

static ssize_t read_some(void *ctx, void *buf, size_t size)
{
	size_t n = size < hostile.n - at ? size : hostile.n - at;

	(void)ctx;
	memcpy(buf, hostile.p + at, n);
	at += n;
	return (ssize_t)n;
}

static ssize_t read_there(void *ctx, void *buf, size_t size, uint64_t offset)
{
	at = offset < hostile.n ? (size_t)offset : hostile.n;
	return read_some(ctx, buf, size);
}

/* Reads the trace at hand; returns the most memory that it took. */
static size_t measure(int how, int *rc)
{
	struct etr_input_ops ops = { .struct_size = sizeof(ops), .read = read_some, .pread = how == 1 ? read_there : NULL };
	struct etr_reader *r;
	struct etr_event ev;

	at = 0;
	live = peak = 0;
	r = etr_reader_new();
	FUZZ_CHECK(r);
	FUZZ_CHECK(how < 3 || etr_reader_set_threads(r, THREADS) == 0);
	*rc = how % 3 == 0 ? etr_reader_open_memory(r, hostile.p, hostile.n) : etr_reader_open_callbacks(r, &ops, NULL);
	while (*rc >= 0 && (*rc = etr_reader_next(r, &ev)) == 1)
		;
	if (*rc < 0 && verbose)
		printf("%s\n", etr_reader_detail(r));
	etr_reader_free(r);
	FUZZ_CHECK(live == 0);
	return peak;
}

/* Whether the trace at hand stays within the bound, read in all ways; good: it must be read to its end. */
static bool stays_within(const char *name, bool good)
{
	static const char *const ways[] = { "memory", "seekable", "stream", "threads" };
	bool ok = true;

	for (int how = 0; how < 4; how++) {
		int rc;
		size_t most = measure(how, &rc), fixed = how < 3 ? FIXED : FIXED * (THREADS + 1);

		if (verbose)
			printf("%-32s %-9s %9zu bytes: %10zu allocated, %.1f each\n", name, ways[how], hostile.n, most,
			       (double)most / (double)hostile.n);
		if (most > BYTES_PER_BYTE * hostile.n + fixed) {
			printf("%s, %s: %zu bytes make it allocate %zu\n", name, ways[how], hostile.n, most);
			ok = false;
		}
		if (good && rc != 0) {
			printf("%s, %s: is not read\n", name, ways[how]);
			ok = false;
		}
	}
	return ok;
}

static bool kind_stays_within(const struct hostile_kind *kind, size_t size, int version)
{
	hostile_make(kind, size, version, 1);
	return stays_within(kind->name, true);
}

/*
 * Events that leave nothing behind, in generations that are large: of what can be read at any place a block of each thread is held, of
 * a stream the two largest generations.
 */
static bool events_are_not_held(void)
{
	static const struct hostile_kind metrics = { "metrics", hostile_metric, NULL, true };
	const size_t generation = 4 << 20;
	size_t seekable, stream;
	int rc[2];

	hostile_make(&metrics, 5 * generation, 26, 5);
	seekable = measure(1, &rc[0]);
	stream = measure(2, &rc[1]);
	if (verbose)
		printf("%zu bytes of metrics: %zu seekable, %zu of a stream\n", hostile.n, seekable, stream);
	if (rc[0] == 0 && rc[1] == 0 && seekable < FIXED / 2 && stream < 2 * generation + FIXED)
		return true;
	printf("%zu bytes of metrics make it allocate %zu, as a stream %zu\n", hostile.n, seekable, stream);
	return false;
}

/* Small files that promise much. */
static bool promises(void)
{
	static const struct {
		const char *name, *data;
		size_t n;
	} some[] = {
#define PROMISE(name, data) { name, data, sizeof(data) - 1 }
		PROMISE("a huge batch", "\1\1\1\1\377\377\377\377\377\377\377\377\377\1"),
		PROMISE("a huge experiment", "\61\1\1\1\1\377\377\377\377\377\377\377\377\377\1"),
		PROMISE("a full batch that is not there", "\1\1\1\1\200\200\4"),
		PROMISE("a huge string", "\1\1\1\1\14\4\5\1\377\377\377\377\377\377\377\377\1"),
		PROMISE("a huge stack", "\1\1\1\1\14\2\3\1\377\377\377\377\377\377\377\377\1"),
		PROMISE("a huge string id", "\1\1\1\1\14\4\5\377\377\377\377\377\377\377\377\1\0"),
		PROMISE("a huge stack id", "\1\1\1\1\14\2\3\377\377\377\377\377\377\377\377\1\0"),
		PROMISE("a huge thread", "\1\1\377\377\377\377\377\377\377\377\177\1\0"),
		PROMISE("a huge generation", "\1\377\377\377\377\377\377\377\377\177\1\1\0"),
		PROMISE("a huge processor", "\1\1\1\1\14\15\0\377\377\377\377\377\377\377\177\1"),
		PROMISE("a huge goroutine", "\1\1\1\1\15\31\0\377\377\377\377\377\377\377\177\1\4"),
	};
	bool ok = true;

	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		for (int version = 22; version <= 26; version += 4) {
			hostile_begin(version);
			hostile_put(some[i].data, some[i].n);
			ok &= stays_within(some[i].name, false);
			hostile_end();
			ok &= stays_within(some[i].name, false);
		}
	return ok;
}

static bool from_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t buf[4096];
	size_t n;

	FUZZ_CHECK(f);
	hostile.n = 0;
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		hostile_put(buf, n);
	fclose(f);
	return stays_within(path, false);
}

int main(int argc, char **argv)
{
	bool ok = true;
	int i = 1;

	if (argc > 1 && strcmp(argv[1], "-v") == 0) {
		verbose = true;
		i++;
	}
	/* Arrays double, so sizes lie closer than that. */
	for (size_t k = 0; k < hostile_nkinds; k++) {
		for (size_t size = 1 << 16; size <= 1 << 20; size += size / 2)
			ok &= kind_stays_within(&hostile_kinds[k], size, 26);
		ok &= kind_stays_within(&hostile_kinds[k], 1 << 19, 22);
	}
	ok &= events_are_not_held();
	ok &= promises();
	for (; i < argc; i++)
		ok &= from_file(argv[i]);
	hostile_free();
	return ok ? 0 : 1;
}
