/* SPDX-License-Identifier: BSD-3-Clause
 *
 * diff-go.c - damaged traces through our reader and through Go's, which must tell the same.
 *
 *     diff-go [-n ROUNDS] [-s SEED] [-j THREADS] [-t] [-p] [-k FOLDER] GODUMP TRACE...
 *
 * Each TRACE as it is, with -t cut at every offset (one of more than 4 KiB at some 4,096, other ones for each seed), with -p each of its batches and of its generations left out, given twice and
 * in the place of the next one, and changed ROUNDS times: by structmut, or by bytes.  GODUMP, started once
 * with -cases, reads cases from its standard input and answers each with a line "EVENTS HASH VERDICT", the hash being
 * FNV-1a over the events as trace-print --stacks prints them.  A case that differs is said, and kept in FOLDER.  Exit status 1
 * when anything differs.
 *
 * Three kinds of difference are meant, and count apart: what makes Go's reader panic; a table entry that is cut off at the end of
 * its batch, an error to us, which Go's reader takes for the end of the whole trace and a success; and what Go's reader tells now
 * so, now so, since it goes through a hash table (an abandoned processor that several threads hold).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <exectrace/raw.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/structmut.h"
#include "tools/printevent.h"

#define MAX_SIZE ((size_t)1 << 22)
#define MAX_PIECES 10000
#define MAX_CUTS 4096

struct answer {
	uint64_t events, hash;
	char verdict[16];
	bool entry_cut_off;
};

static FILE *to_go, *from_go;
static const char *keep_in;
static int threads = 1;
static unsigned long ncases, ndifferent, npanics, nearly_ends, nundecided, nerrors, nevents;
static uint64_t text_hash;
static struct textout text;

static ssize_t hash_text(void *cookie, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		text_hash = (text_hash ^ (uint8_t)p[i]) * 1099511628211u;
	return (ssize_t)n;
}

static void ask_us(const uint8_t *data, size_t size, struct answer *a)
{
	struct etr_reader *r = etr_reader_new();
	struct printer p = { .t = &text, .r = r, .stacks = true };
	struct etr_event ev;
	int rc;

	FUZZ_CHECK(r);
	text_hash = 14695981039346656037u;
	a->events = 0;
	FUZZ_CHECK(etr_reader_set_threads(r, threads) == 0);
	rc = etr_reader_open_memory(r, data, size);
	while (rc >= 0 && (rc = etr_reader_next(r, &ev)) == 1) {
		a->events++;
		print_event(&p, &ev);
	}
	textout_flush(&text);
	print_free(&p);
	a->hash = text_hash;
	strcpy(a->verdict, rc < 0 ? "error" : "ok");
	a->entry_cut_off = rc == -ETR_E_TABLE && strstr(etr_reader_error_message(r), "table entry");
	etr_reader_free(r);
}

static void ask_go(const uint8_t *data, size_t size, struct answer *a)
{
	uint32_t n = (uint32_t)size;
	const uint8_t head[] = { (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), (uint8_t)(n >> 24) };
	char line[128];

	if (fwrite(head, 1, 4, to_go) != 4 || fwrite(data, 1, size, to_go) != size || fflush(to_go) != 0 ||
	    !fgets(line, sizeof(line), from_go) ||
	    sscanf(line, "%" SCNu64 " %" SCNx64 " %15s", &a->events, &a->hash, a->verdict) != 3) {
		fprintf(stderr, "diff-go: Go's side does not answer\n");
		exit(1);
	}
}

static void keep(const uint8_t *data, size_t size)
{
	char name[4096];
	FILE *f;

	if (!keep_in)
		return;
	snprintf(name, sizeof(name), "%s/case-%lu.trace", keep_in, ndifferent);
	f = fopen(name, "wb");
	if (!f || fwrite(data, 1, size, f) != size || fclose(f) != 0)
		perror(name);
}

/* Whether Go's reader tells something else when it is asked again. */
static bool go_is_undecided(const uint8_t *data, size_t size, const struct answer *go)
{
	struct answer again;

	for (int i = 0; i < 40; i++) {
		ask_go(data, size, &again);
		if (again.events != go->events || again.hash != go->hash)
			return true;
	}
	return false;
}

static void compare(const char *trace, const char *how, uint64_t number, const uint8_t *data, size_t size)
{
	struct answer us, go;

	ask_us(data, size, &us);
	ask_go(data, size, &go);
	ncases++;
	nevents += go.events;
	nerrors += strcmp(go.verdict, "error") == 0;
	if (strcmp(go.verdict, "panic") == 0) {
		npanics++;
		return;
	}
	if (us.events == go.events && us.hash == go.hash && strcmp(us.verdict, go.verdict) == 0)
		return;
	if (us.events == go.events && us.hash == go.hash && us.entry_cut_off && strcmp(go.verdict, "ok") == 0) {
		nearly_ends++;
		return;
	}
	if (go_is_undecided(data, size, &go)) {
		nundecided++;
		return;
	}
	ndifferent++;
	printf("%s: %s %" PRIu64 ": ours %" PRIu64 " events %s, Go's %" PRIu64 " events %s%s (%lu)\n", trace, how, number, us.events,
	       us.verdict, go.events, go.verdict, us.events == go.events && us.hash != go.hash ? ", other text" : "", ndifferent);
	keep(data, size);
}

static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* One to three bytes changed, taken out or put in. */
static size_t change_bytes(uint8_t *data, size_t size, uint64_t seed)
{
	for (uint64_t n = 1 + mix(seed) % 3; n > 0 && size > 16; n--) {
		uint64_t r = mix(seed += 0x9e3779b97f4a7c15u);
		size_t at = 16 + (size_t)(r >> 20) % (size - 16);

		switch (r % 4) {
		case 0:
			data[at] = (uint8_t)(r >> 8);
			break;
		case 1:
			memmove(data + at, data + at + 1, --size - at);
			break;
		case 2:
			memmove(data + at + 1, data + at, size++ - at);
			break;
		default:
			data[at] ^= (uint8_t)(1 << ((r >> 8) % 8));
		}
	}
	return size;
}

/* Where batches (or end-of-generation bytes) begin, and the end; those of a trace that is whole.  How many pieces that makes. */
static size_t find_batches(const uint8_t *data, size_t size, size_t *at, size_t max)
{
	struct etr_raw_reader *raw = etr_raw_reader_new();
	struct etr_raw_event ev;
	size_t n = 0;

	FUZZ_CHECK(raw);
	if (etr_raw_reader_open_memory(raw, data, size) == 0)
		while (n + 1 < max && etr_raw_reader_next(raw, &ev) == 1)
			if (ev.type == ETR_WIRE_EVENT_BATCH || ev.type == ETR_WIRE_EXPERIMENTAL_BATCH ||
			    ev.type == ETR_WIRE_END_OF_GENERATION)
				at[n++] = ev.offset;
	at[n] = size;
	etr_raw_reader_free(raw);
	return n;
}

static size_t find_generations(const uint8_t *data, size_t size, size_t *at, size_t max)
{
	struct etr_reader *r = etr_reader_new();
	struct etr_extent *extents = NULL;
	size_t n = 0;

	FUZZ_CHECK(r);
	if (etr_reader_open_memory(r, data, size) == 0 && etr_reader_extents(r, &extents, &n) != 0)
		n = 0;
	n = n < max ? n : max - 1;
	for (size_t i = 0; i < n; i++)
		at[i] = extents[i].offset;
	at[n] = size;
	free(extents);
	etr_reader_free(r);
	return n;
}

static size_t put(uint8_t *out, size_t n, const uint8_t *data, size_t from, size_t to)
{
	memcpy(out + n, data + from, to - from);
	return n + to - from;
}

/* The pieces of data are from at[i] to at[i + 1]; changed has room for twice the data. */
static void move_pieces(const char *trace, const char *const how[3], const uint8_t *data, const size_t *at, size_t pieces,
			uint8_t *changed)
{
	size_t end = at[pieces], n;

	for (size_t i = 0; i < pieces; i++) {
		n = put(changed, 0, data, 0, at[i]);
		n = put(changed, n, data, at[i + 1], end);
		compare(trace, how[0], i, changed, n);
		n = put(changed, 0, data, 0, at[i + 1]);
		n = put(changed, n, data, at[i], end);
		compare(trace, how[1], i, changed, n);
		if (i + 2 > pieces)
			continue;
		n = put(changed, 0, data, 0, at[i]);
		n = put(changed, n, data, at[i + 1], at[i + 2]);
		n = put(changed, n, data, at[i], at[i + 1]);
		n = put(changed, n, data, at[i + 2], end);
		compare(trace, how[2], i, changed, n);
	}
}

static void run_pieces(const char *trace, const uint8_t *data, size_t size, uint8_t *changed)
{
	static const char *const batches[] = { "without batch", "twice batch", "swapped batch" };
	static const char *const generations[] = { "without generation", "twice generation", "swapped generation" };
	static size_t at[MAX_PIECES];
	size_t n = find_batches(data, size, at, MAX_PIECES);

	FUZZ_CHECK(size <= MAX_SIZE / 2);
	move_pieces(trace, batches, data, at, n, changed);
	n = find_generations(data, size, at, MAX_PIECES);
	move_pieces(trace, generations, data, at, n, changed);
}

static void run(const char *trace, unsigned long rounds, uint64_t seed, bool truncate, bool pieces)
{
	uint8_t *data = malloc(MAX_SIZE), *changed = malloc(MAX_SIZE);
	FILE *f = fopen(trace, "rb");
	size_t size, n;

	FUZZ_CHECK(data && changed);
	if (!f) {
		perror(trace);
		exit(1);
	}
	size = fread(data, 1, MAX_SIZE, f);
	fclose(f);
	compare(trace, "whole", 0, data, size);
	n = size / MAX_CUTS + 1;
	for (size_t i = seed % n; truncate && i < size; i += n)
		compare(trace, "cut at", i, data, i);
	if (pieces)
		run_pieces(trace, data, size, changed);
	n = 0;
	for (unsigned long i = 0; i < rounds; i++) {
		uint64_t r = mix(seed + i);

		/* What was changed is changed further, now and then. */
		if (n == 0 || n > MAX_SIZE / 2 || r % 3 != 0) {
			memcpy(changed, data, size);
			n = size;
		}
		n = r % 8 == 7 ? change_bytes(changed, n, r) : structmut_mutate(changed, n, MAX_SIZE - 64, r);
		compare(trace, "round", i, changed, n);
	}
	free(data);
	free(changed);
}

static void start_go(const char *godump)
{
	int in[2], out[2];
	pid_t pid;

	FUZZ_CHECK(pipe(in) == 0 && pipe(out) == 0);
	pid = fork();
	FUZZ_CHECK(pid >= 0);
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		for (int i = 0; i < 2; i++) {
			close(in[i]);
			close(out[i]);
		}
		execl(godump, godump, "-cases", (char *)NULL);
		perror(godump);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	to_go = fdopen(in[1], "wb");
	from_go = fdopen(out[0], "r");
	FUZZ_CHECK(to_go && from_go);
}

int main(int argc, char **argv)
{
	unsigned long rounds = 0;
	uint64_t seed = 1;
	bool truncate = false, pieces = false;
	int opt;

	while ((opt = getopt(argc, argv, "n:s:j:tpk:")) != -1) {
		switch (opt) {
		case 'n':
			rounds = strtoul(optarg, NULL, 10);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 10);
			break;
		case 'j':
			threads = atoi(optarg);
			break;
		case 't':
			truncate = true;
			break;
		case 'p':
			pieces = true;
			break;
		case 'k':
			keep_in = optarg;
			break;
		default:
			return 2;
		}
	}
	if (argc - optind < 2) {
		fprintf(stderr, "usage: diff-go [-n ROUNDS] [-s SEED] [-j THREADS] [-t] [-p] [-k FOLDER] GODUMP TRACE...\n");
		return 2;
	}
	text.f = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = hash_text });
	FUZZ_CHECK(text.f);
	setvbuf(text.f, NULL, _IONBF, 0);
	start_go(argv[optind]);
	for (int i = optind + 1; i < argc; i++)
		run(argv[i], rounds, seed * 1000003 + (uint64_t)i, truncate, pieces);
	fclose(to_go);
	wait(NULL);
	fclose(from_go);
	fclose(text.f);
	printf("%lu cases (%lu errors, %lu events), %lu differ; Go's reader panics in %lu, ends early in %lu, is undecided in %lu\n", ncases,
	       nerrors, nevents, ndifferent, npanics, nearly_ends, nundecided);
	return ndifferent ? 1 : 0;
}
