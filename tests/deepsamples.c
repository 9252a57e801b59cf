/* SPDX-License-Identifier: BSD-3-Clause
 *
 * deepsamples.c - a program without frame pointers that computes inside libc, once its recording has a generation.
 *
 *     deepsamples TRACE
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { VALUES = 20000 };

static int values[VALUES];

static int compare(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return x < y ? -1 : x > y;
}

static __attribute__((noinline)) void sort_all(void)
{
	for (int i = 0; i < VALUES; i++)
		values[i] = rand();
	qsort(values, VALUES, sizeof(values[0]), compare);
	__asm__ volatile("" ::: "memory");
}

static __attribute__((noinline)) void compute(double seconds)
{
	while ((double)clock() / CLOCKS_PER_SEC < seconds)
		sort_all();
	__asm__ volatile("" ::: "memory");
}

int main(int argc, char **argv)
{
	struct stat st;

	/* The first generation was written, so the recorder knows how this program is unwound. */
	while (argc == 2 && (stat(argv[1], &st) != 0 || st.st_size < 1000))
		usleep(10000);
	compute((double)clock() / CLOCKS_PER_SEC + 0.3);
	return 0;
}
