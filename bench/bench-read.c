/* SPDX-License-Identifier: BSD-3-Clause
 *
 * bench-read.c - how long the reader takes for an event.
 *
 *     bench-read TRACE [REPEATS]
 *
 * Prints one line: "events NANOSECONDS-PER-EVENT", the median of the repeats.  The peer, tests/interop/cmd/readbench, prints
 * the same for Go's reader; run both in turn and compare ratios.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <exectrace/reader.h>

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

/* Reads it all; returns the number of events, or 0 with the trouble told. */
static unsigned long long read_all(const char *path)
{
	struct etr_reader *r = etr_reader_new();
	struct etr_event ev[128];
	unsigned long long n = 0;
	int rc = r ? etr_reader_open_path(r, path) : -ETR_E_NOMEM;

	while (rc >= 0 && (rc = etr_reader_next_events(r, ev, 128)) > 0)
		n += (unsigned)rc;
	if (rc < 0) {
		fprintf(stderr, "bench-read: %s: %s\n", path, r ? etr_reader_detail(r) : "out of memory");
		n = 0;
	}
	etr_reader_free(r);
	return n;
}

int main(int argc, char **argv)
{
	int repeats = argc > 2 ? atoi(argv[2]) : 5;
	double *times;
	unsigned long long n = 0;

	if (argc < 2 || repeats < 1) {
		fprintf(stderr, "Usage: bench-read TRACE [REPEATS]\n");
		return 2;
	}
	times = calloc((size_t)repeats, sizeof(*times));
	if (!times)
		return 1;
	for (int i = 0; i < repeats; i++) {
		double start = seconds();

		n = read_all(argv[1]);
		if (n == 0)
			return 1;
		times[i] = (seconds() - start) * 1e9 / (double)n;
	}
	qsort(times, (size_t)repeats, sizeof(*times), compare);
	printf("%llu %.2f\n", n, times[repeats / 2]);
	free(times);
	return 0;
}
