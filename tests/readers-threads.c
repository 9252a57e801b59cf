/* SPDX-License-Identifier: BSD-3-Clause
 *
 * readers-threads.c - readers and writers side by side in many threads, with no lock, get what they get alone.
 *
 *     readers-threads TRACE...
 *
 * Each trace is read by two threads at once, beside threads that write one; then each alone.
 */
#include <pthread.h>

#include <exectrace/raw.h>
#include <exectrace/writer.h>

#include "tests/fuzz/fuzz.h"

#define MAX_TRACES 100
#define EVENTS 20000

struct job {
	const char *path;		/* NULL: writes */
	struct fuzz_outcome out;
	uint64_t written;		/* hash of the bytes */
	pthread_t thread;
};

static int hash_bytes(void *ctx, const void *buf, size_t size)
{
	uint64_t *hash = ctx;

	for (size_t i = 0; i < size; i++)
		*hash = (*hash ^ ((const uint8_t *)buf)[i]) * 1099511628211u;
	return 0;
}

static void write_trace(struct job *job)
{
	struct etr_writer *w = etr_writer_new(hash_bytes, &job->written, 1000000000);
	uint64_t args[4] = { 0, 1 };
	int64_t id;

	FUZZ_CHECK(w && etr_writer_begin_generation(w, 1, 1, 1, 1) == 0);
	FUZZ_CHECK(etr_writer_event(w, 7, 13, 1, args, 2) == 0);	/* ProcStatus */
	args[0] = 1, args[1] = 7, args[2] = 2;
	FUZZ_CHECK(etr_writer_event(w, 7, 25, 2, args, 3) == 0);	/* GoStatus */
	for (unsigned i = 0; i < EVENTS; i++) {
		char text[16];

		id = etr_writer_string(w, text, (size_t)snprintf(text, sizeof(text), "%u", i % 1000));
		FUZZ_CHECK(id >= 0);
		args[0] = (uint64_t)id;
		FUZZ_CHECK(etr_writer_event(w, 7, 39, 3 + i, args, 1) == 0);	/* GoLabel */
	}
	FUZZ_CHECK(etr_writer_end_generation(w) == 0);
	etr_writer_free(w);
}

static void *run(void *arg)
{
	struct job *job = arg;
	struct etr_reader *r;

	if (!job->path) {
		write_trace(job);
		return NULL;
	}
	r = etr_reader_new();
	FUZZ_CHECK(r);
	job->out = fuzz_read(r, etr_reader_open_path(r, job->path), SIZE_MAX);
	FUZZ_CHECK(job->out.rc == 0 && job->out.events > 0);
	etr_reader_free(r);
	return NULL;
}

int main(int argc, char **argv)
{
	static struct job alone[MAX_TRACES], beside[2 * MAX_TRACES];
	int n = argc < MAX_TRACES ? argc : MAX_TRACES;	/* the last one writes: argv[n] is NULL, or left out */
	uint64_t events = 0;

	FUZZ_CHECK(n > 1);
	for (int i = 0; i < n; i++)
		alone[i].path = beside[i].path = beside[n + i].path = i < n - 1 ? argv[i + 1] : NULL;
	for (int i = 0; i < 2 * n; i++)
		FUZZ_CHECK(pthread_create(&beside[i].thread, NULL, run, &beside[i]) == 0);
	for (int i = 0; i < 2 * n; i++)
		FUZZ_CHECK(pthread_join(beside[i].thread, NULL) == 0);
	for (int i = 0; i < n; i++) {
		run(&alone[i]);
		for (int k = i; k < 2 * n; k += n) {
			FUZZ_CHECK(beside[k].out.hash == alone[i].out.hash && beside[k].out.events == alone[i].out.events);
			FUZZ_CHECK(beside[k].written == alone[i].written);
		}
		events += alone[i].out.events;
	}
	printf("%d traces, %llu events\n", n - 1, (unsigned long long)events);
	return 0;
}
