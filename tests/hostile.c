/* SPDX-License-Identifier: BSD-3-Clause
 *
 * hostile.c - traces that hold as much as possible of one small thing.
 */
#include "tests/hostile.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/wrapalloc.h"
#include "wire/event.h"
#include "wire/header.h"
#include "wire/varint.h"

struct hostile hostile;
static size_t cap;			/* of hostile.p */

static struct {
	uint8_t batch[WIRE_MAX_BATCH_SIZE];
	size_t nbatch;
	uint64_t m;			/* of the batch */
	uint8_t gen;
	int version;
} t;

void hostile_put(const void *p, size_t n)
{
	if (hostile.n + n > cap) {
		cap = 2 * (hostile.n + n);
		hostile.p = __real_realloc(hostile.p, cap);
		FUZZ_CHECK(hostile.p);
	}
	memcpy(hostile.p + hostile.n, p, n);
	hostile.n += n;
}

void hostile_free(void)
{
	__real_free(hostile.p);
	hostile.p = NULL;
	hostile.n = cap = 0;
}

void hostile_begin(int version)
{
	uint8_t header[WIRE_HEADER_SIZE];

	hostile.n = t.nbatch = 0;
	t.gen = 1;
	t.version = version;
	wire_put_file_header(header, (unsigned)version);
	hostile_put(header, sizeof(header));
}

static void batch_of(uint64_t m, const void *p, size_t n)
{
	uint8_t header[WIRE_BATCH_HEADER_MAX];

	hostile_put(header, (size_t)(wire_put_batch_header(header, t.gen, m, t.gen, n) - header));
	hostile_put(p, n);
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

void hostile_end(void)
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
		hostile_put("\64", 1);
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
/* The numbers behind the length are the text. */
static void texts(uint64_t i) { ENTRY(0, WIRE_STRINGS, WIRE_STRING, i + 1, 3, i & 127, i >> 7 & 127, i >> 14 & 127); }
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
static void experiments(uint64_t i) { (void)i; hostile_put((const uint8_t[]){ 49, 1, t.gen, 1, 1, 0 }, 6); }
static void tasks_named(uint64_t i) { ENTRY(1, 0, WIRE_USER_TASK_BEGIN, 0, i + 1, 0, i + 1, 0); }
static void stops(uint64_t i) { ENTRY(1, 0, WIRE_STW_BEGIN, 0, i + 1, 0); }
static void regions_named(uint64_t i) { ENTRY(1, 0, WIRE_USER_REGION_BEGIN, 0, i, i + 1, 0); }
static void logs(uint64_t i) { ENTRY(1, 0, WIRE_USER_LOG, 0, 0, i + 1, i + 1, 0); }
static void frames_named(uint64_t i) { ENTRY(0, WIRE_STACKS, WIRE_STACK, i + 1, 1, i, i + 1, i + 1, 0); }

void hostile_metric(uint64_t i)
{
	ENTRY(1, 0, WIRE_HEAP_ALLOC, 1, i);
}

const struct hostile_kind hostile_kinds[] = {
#define KIND(thing, table, on_goroutine) { #thing, thing, table, on_goroutine }
	KIND(empty_batches, NULL, false), KIND(empty_batches_of_far_threads, NULL, false),
	KIND(empty_batches_of_one, NULL, false), KIND(small_batches, NULL, false), KIND(small_batches_that_bind, NULL, false),
	KIND(strings, NULL, false), KIND(texts, NULL, false), KIND(far_strings, NULL, false), KIND(stacks, NULL, false),
	KIND(far_stacks, NULL, false), KIND(frames, NULL, false), KIND(equal_frames, NULL, false), KIND(samples, NULL, false),
	KIND(goroutines, NULL, true), KIND(far_goroutines, NULL, true), KIND(statuses, NULL, true),
	KIND(far_statuses, NULL, true), KIND(threads, NULL, true), KIND(processors, NULL, true),
	KIND(far_processors, NULL, true), KIND(tasks, NULL, true), KIND(regions, NULL, true),
	KIND(syscalls_from_outside, NULL, false), KIND(experiments, NULL, false), KIND(tasks_named, texts, true),
	KIND(stops, texts, true), KIND(regions_named, texts, true), KIND(logs, texts, true), KIND(frames_named, texts, false),
};

const size_t hostile_nkinds = sizeof(hostile_kinds) / sizeof(hostile_kinds[0]);

void hostile_make(const struct hostile_kind *kind, size_t size, int version, int generations)
{
	uint64_t n = 0, first = 0;

	hostile_begin(version);
	for (int gen = 1; gen <= generations; gen++, first = n) {
		size_t full = size * (size_t)gen / (size_t)generations - (kind->table ? size / (size_t)generations / 2 : 0);

		t.gen = (uint8_t)gen;
		if (kind->on_goroutine)
			runs();
		while (hostile.n + t.nbatch < full)
			kind->thing(n++);
		flush();
		for (uint64_t i = 0; kind->table && i < n - first; i++)
			kind->table(first + i);
		hostile_end();
	}
}
