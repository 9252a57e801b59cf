/* SPDX-License-Identifier: BSD-3-Clause
 *
 * stat-trace.c - traces to count in:
 *
 *     stat-trace names N         N regions, goroutines' functions and stacks, each with a name of its own
 *     stat-trace waits N NS SEED N waits of about NS nanoseconds, the same each time for the same seed
 *
 * to standard output.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <exectrace/raw.h>
#include <exectrace/writer.h>

#define PER_GENERATION 5000

static struct etr_writer *writer;
static uint64_t now = 1000;

static int put(void *ctx, const void *buf, size_t size)
{
	return fwrite(buf, 1, size, stdout) == size ? 0 : -1;
}

static void check(int64_t rc)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "stat-trace: %s\n", etr_writer_detail(writer));
	exit(1);
}

static void event(const char *name, uint64_t a, uint64_t b, uint64_t c)
{
	const uint64_t args[] = { a, b, c };

	for (int type = 0; type < 256; type++)
		if (etr_wire_name(type) && strcmp(etr_wire_name(type), name) == 0) {
			check(etr_writer_event(writer, 1, type, now, args, etr_wire_nargs(type) - 1));
			now += 10;
			return;
		}
	abort();
}

static uint64_t string(const char *text)
{
	int64_t id = etr_writer_string(writer, text, strlen(text));

	check(id);
	return (uint64_t)id;
}

/* A stack of one frame, of a function that has this name. */
static uint64_t stack(const char *function, uint64_t pc)
{
	struct etr_writer_frame frame = { .pc = pc, .func = string(function), .file = string("file.c"), .line = 1 };
	int64_t id = etr_writer_stack(writer, &frame, 1);

	check(id);
	return (uint64_t)id;
}

static void begin(void)
{
	check(etr_writer_begin_generation(writer, now, now, 1700000000, 0));
	now += 10;
	event("ProcStatus", 0, 1, 0);
	event("GoStatus", 1, 1, 2);
}

static void names(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		uint64_t seq = i % PER_GENERATION + 1;
		char text[48];

		if (seq == 1) {
			if (i)
				check(etr_writer_end_generation(writer));
			begin();
		}
		snprintf(text, sizeof(text), "name %" PRIu64, i);
		event("UserRegionBegin", 0, string(text), 0);
		event("UserRegionEnd", 0, string(text), 0);
		event("GoCreate", i + 10, stack(text, 4096 + i), 0);
		event("GoStop", string("preempted"), 0, 0);
		event("GoStart", i + 10, 1, 0);
		event("GoDestroy", 0, 0, 0);
		event("GoStart", 1, seq, 0);
	}
	check(etr_writer_end_generation(writer));
}

static void waits(uint64_t n, uint64_t ns, uint64_t random)
{
	uint64_t seq = 1, here;

	begin();
	here = stack("main", 4096);
	for (uint64_t i = 0; i < n; i++) {
		random = random * 6364136223846793005 + 1442695040888963407;
		event("GoBlock", string("sync"), here, 0);
		now += ns / 2 + (random >> 33) % ns;
		event("GoUnblock", 1, seq++, 0);
		event("GoStart", 1, seq++, 0);
		now += 1000;
	}
	check(etr_writer_end_generation(writer));
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	writer = etr_writer_new(put, NULL, 1000000000);
	if (!writer)
		return 1;
	if (strcmp(argv[1], "names") == 0)
		names(strtoull(argv[2], NULL, 10));
	else if (argc == 5)
		waits(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
	etr_writer_free(writer);
	return fflush(stdout) == 0 ? 0 : 1;
}
