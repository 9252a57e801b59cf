/* SPDX-License-Identifier: BSD-3-Clause
 *
 * mutate-read.c - damages traces in memory and tells what the reader makes of each.
 *
 *     mutate-read truncate|flip|random N SEED TRACE...
 *
 * A line: trace, number of the mutation, events delivered, a hash over their times, kinds and contexts, and the verdict.  With
 * go at hand tests/interop/cmd/mutate does the same with Go's reader, mutation for mutation, and prints the same lines.
 * The verdict error* is for a table entry that is cut off at the end of its batch: Go's reader may take that for the end of the
 * trace, and say ok.  Each damaged trace stands in an allocation of its own size, so that AddressSanitizer sees reads beyond it.  An error must
 * say where it is, and stay; anything else ends the program with 1.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <exectrace/reader.h>

#define HEADER ((size_t)16)

static const char *trace_name;

static uint64_t fold(uint64_t hash, int64_t v)
{
	return (hash ^ (uint64_t)v) * 1099511628211u;
}

/* Go's numbers of the kinds are in another order. */
static int go_kind(int kind)
{
	static const int numbers[ETR_KIND_COUNT_] = {
		[ETR_KIND_SYNC] = 1,	      [ETR_KIND_METRIC] = 2,	       [ETR_KIND_LABEL] = 3,
		[ETR_KIND_STACK_SAMPLE] = 4,  [ETR_KIND_RANGE_BEGIN] = 5,      [ETR_KIND_RANGE_ACTIVE] = 6,
		[ETR_KIND_RANGE_END] = 7,     [ETR_KIND_TASK_BEGIN] = 8,       [ETR_KIND_TASK_END] = 9,
		[ETR_KIND_REGION_BEGIN] = 10, [ETR_KIND_REGION_END] = 11,      [ETR_KIND_LOG] = 12,
		[ETR_KIND_STATE_TRANSITION] = 13, [ETR_KIND_EXPERIMENTAL] = 14,
	};

	return numbers[kind];
}

static void check_error(struct etr_reader *r, int rc, size_t size)
{
	struct etr_event ev;

	if (etr_reader_next(r, &ev) == rc && strncmp(etr_reader_detail(r), "offset ", 7) == 0 &&
	    etr_reader_error_offset(r) <= size && etr_reader_good_size(r) <= size)
		return;
	fprintf(stderr, "%s: error %d does not stay or says nothing: %s\n", trace_name, rc, etr_reader_detail(r));
	exit(1);
}

/* Touches what an event refers to. */
static void look(struct etr_reader *r, const struct etr_event *ev)
{
	size_t n;

	if (ev->stack >= etr_reader_nstacks(r))
		abort();
	for (const struct etr_frame *f = etr_reader_stack(r, ev->stack, &n); n; f++, n--)
		if (f->func >= etr_reader_nstrings(r) || f->file >= etr_reader_nstrings(r))
			abort();
}

static void tell(size_t number, const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct etr_reader *r = etr_reader_new();
	uint64_t hash = 14695981039346656037u, n = 0;
	struct etr_event ev;
	int rc;

	if (!copy || !r)
		exit(1);
	memcpy(copy, data, size);
	rc = etr_reader_open_memory(r, copy, size);
	while (rc >= 0 && (rc = etr_reader_next(r, &ev)) == 1) {
		n++;
		look(r, &ev);
		hash = fold(hash, ev.time);
		hash = fold(hash, go_kind(ev.kind));
		hash = fold(hash, ev.g);
		hash = fold(hash, ev.p);
		hash = fold(hash, ev.m);
	}
	if (rc < 0)
		check_error(r, rc, size);
	printf("%s %zu %" PRIu64 " %016" PRIx64 " %s\n", trace_name, number, n, hash,
	       rc >= 0 ? "ok" : strstr(etr_reader_detail(r), "table entry") ? "error*" : "error");
	etr_reader_free(r);
	free(copy);
}

static size_t next(uint64_t *r, size_t n)
{
	*r ^= *r << 13;
	*r ^= *r >> 7;
	*r ^= *r << 17;
	return (size_t)((*r >> 11) % n);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Changes one to four places behind the header; buf has room for 128 bytes more.  Returns the new size. */
static size_t damage(uint8_t *buf, size_t size, uint64_t *r)
{
	for (size_t changes = 1 + next(r, 4); changes > 0 && size > HEADER; changes--) {
		size_t at = HEADER + next(r, size - HEADER), n;

		switch (next(r, 4)) {
		case 0:
			buf[at] = (uint8_t)next(r, 256);
			break;
		case 1:
			buf[at] ^= (uint8_t)(1 << next(r, 8));
			break;
		case 2:
			n = least(1 + next(r, 8), size - at);
			memmove(buf + at, buf + at + n, size - at - n);
			size -= n;
			break;
		default:
			n = least(1 + next(r, 32), size - at);
			memmove(buf + at + n, buf + at, size - at);
			size += n;
		}
	}
	return size;
}

static void mutate(const char *mode, size_t n, uint64_t seed, const uint8_t *data, size_t size)
{
	uint8_t *buf = malloc(size + 128);

	if (!buf)
		exit(1);
	if (strcmp(mode, "truncate") == 0)
		for (size_t i = HEADER; i <= size; i++)
			tell(i, data, i);
	if (strcmp(mode, "flip") == 0)
		for (size_t i = HEADER; i < size; i++)
			for (size_t bit = 0; bit < n; bit++) {
				memcpy(buf, data, size);
				buf[i] ^= (uint8_t)(1 << ((i + bit * 3) % 8));
				tell(i * 8 + bit, buf, size);
			}
	if (strcmp(mode, "random") == 0)
		for (size_t i = 0; i < n; i++) {
			memcpy(buf, data, size);
			tell(i, buf, damage(buf, size, &seed));
		}
	free(buf);
}

int main(int argc, char **argv)
{
	if (argc < 5) {
		fprintf(stderr, "usage: mutate-read truncate|flip|random N SEED TRACE...\n");
		return 2;
	}
	for (int i = 4; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");
		uint8_t *data = malloc(1 << 24);
		size_t size;

		if (!f || !data) {
			perror(argv[i]);
			return 1;
		}
		size = fread(data, 1, 1 << 24, f);
		fclose(f);
		trace_name = argv[i];
		mutate(argv[1], strtoul(argv[2], NULL, 10), strtoull(argv[3], NULL, 10), data, size);
		free(data);
	}
	return 0;
}
