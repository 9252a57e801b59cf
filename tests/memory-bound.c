/* SPDX-License-Identifier: BSD-3-Clause
 *
 * memory-bound.c - reading takes no more memory than a constant times the input, whatever that is.
 *
 *     memory-bound [-v] [TRACE...]
 *
 * Hostile traces are made of as much as possible of one small thing, each kind in several sizes, and read from memory, from something
 * that can seek, from a stream, and with several threads; the traces that are named likewise.  The most that is allocated at one
 * time must stay below BYTES_PER_BYTE for each byte of the input plus FIXED, with threads FIXED for each and once more.  reader.h states the same figures.  The linker sends the library's
 * allocations here (--wrap).  -v prints what each takes.
 */
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include <exectrace/raw.h>

#include "tests/fuzz/fuzz.h"
#include "wire/header.h"

#define BYTES_PER_BYTE 100
#define FIXED ((size_t)1 << 20)

#define THREADS 4

static _Atomic size_t live, peak;	/* the reader's threads allocate, too */
static bool verbose;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void __wrap_free(void *p);

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

/* A trace that is being made, in memory that does not count. */
static struct {
	uint8_t *p;
	size_t n, cap;
	uint8_t batch[WIRE_MAX_BATCH_SIZE];
	size_t nbatch;
	uint64_t m;			/* of the batch */
	int version;
} t;

static void put(const void *p, size_t n)
{
	if (t.n + n > t.cap) {
		t.cap = 2 * (t.n + n);
		t.p = __real_realloc(t.p, t.cap);
		FUZZ_CHECK(t.p);
	}
	memcpy(t.p + t.n, p, n);
	t.n += n;
}

static void begin(int version)
{
	uint8_t header[WIRE_HEADER_SIZE];

	t.n = t.nbatch = 0;
	t.version = version;
	wire_put_file_header(header, (unsigned)version);
	put(header, sizeof(header));
}

static void batch_of(uint64_t m, const void *p, size_t n)
{
	uint8_t header[WIRE_BATCH_HEADER_MAX];

	put(header, (size_t)(wire_put_batch_header(header, 1, m, 1, n) - header));
	put(p, n);
}

static void flush(void)
{
	if (t.nbatch)
		batch_of(t.m, t.batch, t.nbatch);
	t.nbatch = 0;
}

/* Appends an entry or event to a batch of m, which begins with `head` if that is not 0. */
static void entry(uint64_t m, uint8_t head, uint8_t type, const uint64_t *args, unsigned nargs)
{
	uint8_t *p;

	if (t.nbatch + 1 + (nargs + 1) * WIRE_VARINT_MAX > WIRE_MAX_BATCH_SIZE || (t.nbatch && t.m != m))
		flush();
	t.m = m;
	if (t.nbatch == 0 && head)
		t.batch[t.nbatch++] = head;
	p = t.batch + t.nbatch;
	*p++ = type;
	for (unsigned i = 0; i < nargs; i++)
		p = wire_put_varint(p, args[i]);
	t.nbatch = (size_t)(p - t.batch);
}

#define ENTRY(m, head, type, ...)                                                                                                \
	entry((m), (head), (type), (const uint64_t[]){ __VA_ARGS__ }, sizeof((const uint64_t[]){ __VA_ARGS__ }) / 8)

static void end(void)
{
	flush();
	if (t.version >= 25) {
		ENTRY(WIRE_NO_M, WIRE_SYNC, WIRE_FREQUENCY, 1000000000);
		ENTRY(WIRE_NO_M, 0, WIRE_CLOCK_SNAPSHOT, 0, 1, 1, 1);
	} else {
		ENTRY(WIRE_NO_M, 0, WIRE_FREQUENCY, 1000000000);
	}
	flush();
	if (t.version >= 26)
		put("\64", 1);
}

/* A running goroutine on thread 1, on whose behalf events come. */
static void runs(void)
{
	ENTRY(1, 0, WIRE_PROC_STATUS, 0, 0, WIRE_P_RUNNING);
	ENTRY(1, 0, WIRE_GO_STATUS, 0, 1, 1, WIRE_G_RUNNING);
}

/* The hostile kinds; each appends thing number i.  Ids are spread where that makes tables sparse. */
static uint64_t spread(uint64_t i)
{
	return i * 300;
}

static void empty_batches(uint64_t i) { batch_of(i, "", 0); }
static void empty_batches_of_far_threads(uint64_t i) { batch_of(spread(i), "", 0); }
static void empty_batches_of_one(uint64_t i) { (void)i; batch_of(1, "", 0); }
static void small_batches(uint64_t i) { ENTRY(i + 2, 0, WIRE_PROC_STATUS, 0, i + 2, WIRE_P_IDLE); }
static void small_batches_that_bind(uint64_t i) { ENTRY(i + 2, 0, WIRE_PROC_STATUS, 0, i + 2, WIRE_P_RUNNING); }
static void strings(uint64_t i) { ENTRY(0, WIRE_STRINGS, WIRE_STRING, i + 1, 0); }
static void far_strings(uint64_t i) { ENTRY(0, WIRE_STRINGS, WIRE_STRING, spread(i) + 1, 0); }
static void stacks(uint64_t i) { ENTRY(0, WIRE_STACKS, WIRE_STACK, i + 1, 0); }
static void far_stacks(uint64_t i) { ENTRY(0, WIRE_STACKS, WIRE_STACK, spread(i) + 1, 0); }
static void frames(uint64_t i) { ENTRY(0, WIRE_STACKS, WIRE_STACK, i + 1, 1, i, 0, 0, 0); }
static void equal_frames(uint64_t i) { ENTRY(0, WIRE_STACKS, WIRE_STACK, i + 1, 1, 0, 0, 0, 0); }
static void samples(uint64_t i) { (void)i; ENTRY(0, WIRE_CPU_SAMPLES, WIRE_CPU_SAMPLE, 0, 0, 0, 0, 0); }
static void goroutines(uint64_t i) { ENTRY(1, 0, WIRE_GO_CREATE, 0, i + 2, 0, 0); }
static void far_goroutines(uint64_t i) { ENTRY(1, 0, WIRE_GO_CREATE, 0, (spread(i) + 1) << 16 | 2, 0, 0); }
static void statuses(uint64_t i) { ENTRY(1, 0, WIRE_GO_STATUS, 0, i + 2, 0, WIRE_G_WAITING); }
static void far_statuses(uint64_t i) { ENTRY(1, 0, WIRE_GO_STATUS, 0, (spread(i) + 1) << 16 | 2, 0, WIRE_G_WAITING); }
static void threads(uint64_t i) { ENTRY(1, 0, WIRE_GO_STATUS, 0, i + 2, i + 2, WIRE_G_SYSCALL); }
static void processors(uint64_t i) { ENTRY(1, 0, WIRE_PROC_STATUS, 0, i + 2, WIRE_P_IDLE); }
static void far_processors(uint64_t i) { ENTRY(1, 0, WIRE_PROC_STATUS, 0, spread(i) + 2, WIRE_P_IDLE); }
static void tasks(uint64_t i) { ENTRY(1, 0, WIRE_USER_TASK_BEGIN, 0, i + 1, 0, 0, 0); }
static void regions(uint64_t i) { (void)i; ENTRY(1, 0, WIRE_USER_REGION_BEGIN, 0, 0, 0, 0); }
static void syscalls_from_outside(uint64_t i) { ENTRY(i + 2, 0, WIRE_GO_CREATE_SYSCALL, 0, i + 2); }
static void experiments(uint64_t i) { (void)i; put("\61\1\1\1\1\0", 6); }

static const struct kind {
	const char *name;
	void (*thing)(uint64_t i);
	bool on_goroutine;
} kinds[] = {
#define KIND(thing, on_goroutine) { #thing, thing, on_goroutine }
	KIND(empty_batches, false), KIND(empty_batches_of_far_threads, false), KIND(empty_batches_of_one, false),
	KIND(small_batches, false), KIND(small_batches_that_bind, false), KIND(strings, false), KIND(far_strings, false),
	KIND(stacks, false), KIND(far_stacks, false), KIND(frames, false), KIND(equal_frames, false), KIND(samples, false),
	KIND(goroutines, true), KIND(far_goroutines, true), KIND(statuses, true), KIND(far_statuses, true), KIND(threads, true),
	KIND(processors, true), KIND(far_processors, true), KIND(tasks, true), KIND(regions, true),
	KIND(syscalls_from_outside, false), KIND(experiments, false),
};

static size_t at;

static ssize_t read_some(void *ctx, void *buf, size_t size)
{
	size_t n = size < t.n - at ? size : t.n - at;

	(void)ctx;
	memcpy(buf, t.p + at, n);
	at += n;
	return (ssize_t)n;
}

static ssize_t read_there(void *ctx, void *buf, size_t size, uint64_t offset)
{
	at = offset < t.n ? (size_t)offset : t.n;
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
	*rc = how % 3 == 0 ? etr_reader_open_memory(r, t.p, t.n) : etr_reader_open_callbacks(r, &ops, NULL);
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
			printf("%-32s %-9s %9zu bytes: %10zu allocated, %.1f each\n", name, ways[how], t.n, most,
			       (double)most / (double)t.n);
		if (most > BYTES_PER_BYTE * t.n + fixed) {
			printf("%s, %s: %zu bytes make it allocate %zu\n", name, ways[how], t.n, most);
			ok = false;
		}
		if (good && rc != 0) {
			printf("%s, %s: is not read\n", name, ways[how]);
			ok = false;
		}
	}
	return ok;
}

static bool hostile(const struct kind *kind, size_t size, int version)
{
	begin(version);
	if (kind->on_goroutine)
		runs();
	for (uint64_t i = 0; t.n + t.nbatch < size; i++)
		kind->thing(i);
	end();
	return stays_within(kind->name, true);
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
			begin(version);
			put(some[i].data, some[i].n);
			ok &= stays_within(some[i].name, false);
			end();
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
	t.n = 0;
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		put(buf, n);
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
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (size_t size = 1 << 16; size <= 1 << 20; size += size / 2)
			ok &= hostile(&kinds[k], size, 26);
		ok &= hostile(&kinds[k], 1 << 19, 22);
	}
	ok &= promises();
	for (; i < argc; i++)
		ok &= from_file(argv[i]);
	__real_free(t.p);
	return ok ? 0 : 1;
}
