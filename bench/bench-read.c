/* SPDX-License-Identifier: BSD-3-Clause
 *
 * bench-read.c - how long the reader takes for an event.
 *
 *     bench-read [-1dm] [-t THREADS] TRACE [REPEATS]
 *
 * Prints one line: "events NANOSECONDS-PER-EVENT", the median of the repeats.  The peer, tests/interop/cmd/readbench, prints
 * the same for Go's reader; run both in turn and compare ratios.
 *
 *     -1  takes the events one by one instead of many at once
 *     -t  reads with so many threads
 *     -m  from memory, so that reading the file is not counted
 *     -d  decodes the wire events one number after the other, checked, in the order of the file, and nothing else (from
 *         memory): what any reader in this style pays before it puts anything in order
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <exectrace/reader.h>

#include "wire/event.h"
#include "wire/varint.h"

#define BATCH 128

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct input {
	const char *path;
	uint8_t *data;			/* NULL: read from the path */
	size_t size;
	int threads;
};

static int load(struct input *in)
{
	FILE *f = fopen(in->path, "rb");
	long size;

	if (!f || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0 || fseek(f, 0, SEEK_SET) != 0) {
		perror(in->path);
		if (f)
			fclose(f);
		return -1;
	}
	in->size = (size_t)size;
	in->data = malloc(in->size + 1);
	if (!in->data || fread(in->data, 1, in->size, f) != in->size) {
		perror(in->path);
		fclose(f);
		return -1;
	}
	fclose(f);
	return 0;
}

/* Reads it all, up to `many` events at a time; returns the number of events, or 0 with the trouble told. */
static unsigned long long read_all(const struct input *in, int many)
{
	struct etr_reader *r = etr_reader_new();
	static struct etr_event ev[BATCH];
	unsigned long long n = 0;
	int rc = r ? etr_reader_set_threads(r, in->threads) : -ETR_E_NOMEM;

	if (rc >= 0)
		rc = in->data ? etr_reader_open_memory(r, in->data, in->size) : etr_reader_open_path(r, in->path);

	if (many == 1)
		while (rc >= 0 && (rc = etr_reader_next(r, ev)) > 0)
			n++;
	else
		while (rc >= 0 && (rc = etr_reader_next_events(r, ev, many)) > 0)
			n += (unsigned)rc;
	if (rc < 0) {
		fprintf(stderr, "bench-read: %s: %s\n", in->path, r ? etr_reader_detail(r) : "out of memory");
		n = 0;
	}
	etr_reader_free(r);
	return n;
}

/* One batch's events.  NULL: malformed. */
static const uint8_t *decode_events(const uint8_t *p, const uint8_t *end, unsigned long long *n, uint64_t *sum)
{
	while (p < end) {
		unsigned nargs = wire_specs[*p].nargs;
		uint64_t v = 0;

		if (!wire_is_timed(*p++))
			return NULL;
		for (; p && nargs; nargs--) {
			p = wire_get_varint(p, end, &v);
			*sum += v;
		}
		if (!p)
			return NULL;
		++*n;
	}
	return p;
}

static unsigned long long decode_all(const struct input *in)
{
	const uint8_t *p = in->data + WIRE_HEADER_SIZE, *end = in->data + in->size;
	unsigned long long n = 0;
	uint64_t v[4] = { 0 }, sum = 0;

	while (p && p < end) {
		uint8_t type = *p++;

		if (type == WIRE_END_OF_GENERATION)
			continue;
		if (type == WIRE_EXPERIMENTAL_BATCH && p < end)
			p++;
		for (int i = 0; p && i < 4; i++)
			p = wire_get_varint(p, end, &v[i]);
		if (!p || v[3] > (size_t)(end - p))
			break;
		if (type == WIRE_EVENT_BATCH && v[3] && wire_is_timed(*p))
			p = decode_events(p, p + v[3], &n, &sum);
		else
			p += v[3];
	}
	if (p != end) {
		fprintf(stderr, "bench-read: %s: malformed\n", in->path);
		return 0;
	}
	/* So that the numbers are needed. */
	__asm__ volatile("" : : "r"(sum));
	return n;
}

int main(int argc, char **argv)
{
	struct input in = { NULL, NULL, 0, 1 };
	int c, many = BATCH, decode = 0, memory = 0, repeats;
	unsigned long long n = 0;
	double *times;

	while ((c = getopt(argc, argv, "1dmt:")) != -1) {
		many = c == '1' ? 1 : many;
		decode |= c == 'd';
		in.threads = c == 't' ? atoi(optarg) : in.threads;
		memory |= c == 'd' || c == 'm';
	}
	repeats = argc > optind + 1 ? atoi(argv[optind + 1]) : 5;
	if (argc <= optind || repeats < 1) {
		fprintf(stderr, "Usage: bench-read [-1dm] [-t THREADS] TRACE [REPEATS]\n");
		return 2;
	}
	in.path = argv[optind];
	times = calloc((size_t)repeats, sizeof(*times));
	if (!times || (memory && load(&in) != 0))
		return 1;
	for (int i = 0; i < repeats; i++) {
		double start = seconds();

		n = decode ? decode_all(&in) : read_all(&in, many);
		if (n == 0)
			return 1;
		times[i] = (seconds() - start) * 1e9 / (double)n;
	}
	qsort(times, (size_t)repeats, sizeof(*times), compare);
	printf("%llu %.2f\n", n, times[repeats / 2]);
	free(times);
	free(in.data);
	return 0;
}
