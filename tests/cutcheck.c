/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cutcheck.c - cuts a trace at many places and compares each slice with the original's window, event by event.
 *
 *	cutcheck [-n WINDOWS] [-s SEED] [-w DIR] TRACE...
 *
 * -n tells how many windows (100), -s where they lie; what is compared, and how, is in cutcompare.c.  -w writes some slices to
 * files, named after their windows, for other readers.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/cutcompare.h"

static const char *write_dir;
static unsigned long written;

static void write_out(const struct an_cut_window *w, const struct bytes *slice)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%lu_%" PRId64 "_%" PRId64 ".slice", write_dir, written++, w->from, w->to);
	f = fopen(path, "w");
	if (!f || fwrite(slice->p, 1, slice->n, f) != slice->n || fclose(f) != 0)
		die(path);
}

/* The i-th check. */
static int check(const struct seen_trace *whole, const struct bytes *original, unsigned long i)
{
	if (i % 4 != 3)
		return cut_check_alone(whole, original, i % 4 == 1);
	switch (i / 4 % 5) {
	case 3:
		return cut_check_sized(whole, original);
	case 4:
		return cut_check_generations(whole, original, i / 4 % 2);
	default:
		return cut_check_parts(whole, original, i / 4 % 2);
	}
}

static int check_trace(const char *path, unsigned long n)
{
	struct seen_trace whole = { 0 };
	struct bytes original = { 0 };
	unsigned char buf[65536];
	FILE *f = fopen(path, "r");
	char why[256];
	size_t got;
	int rc = 0;

	trace_name = path;
	if (!f)
		die("cannot be opened");
	while ((got = fread(buf, 1, sizeof(buf), f)) > 0)
		bytes_append(&original, buf, got);
	fclose(f);
	if (!cut_see_whole(&whole, &original, why, sizeof(why)))
		die(whole.n ? why : "there is no event in it");
	for (unsigned long i = 0; i < n && rc == 0; i++)
		rc = check(&whole, &original, i);
	free(whole.list);
	free(original.p);
	return rc;
}

int main(int argc, char **argv)
{
	unsigned long n = 100;
	int opt, rc = 0;

	while ((opt = getopt(argc, argv, "n:s:w:")) != -1) {
		if (opt == 'n')
			n = strtoul(optarg, NULL, 10);
		else if (opt == 's')
			cut_random = mix(cut_random, strtoull(optarg, NULL, 10)) | 1;
		else
			write_dir = optarg;
	}
	if (write_dir)
		cut_keep = write_out;
	for (int i = optind; i < argc && rc == 0; i++)
		rc = check_trace(argv[i], n);
	printf("%lu windows, %lu events in them\n", cut_windows, cut_events);
	return rc < 0;
}
