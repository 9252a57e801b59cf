/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tracer-stress.c - records the fake host into a file; see fake-host.h.  Not a test by itself: what it writes is read by others.
 *
 *     tracer-stress FILE SEED MILLISECONDS ALWAYS_PIN [GENERATION_MILLISECONDS BUFFER_BYTES]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/fake-host.h"

int main(int argc, char **argv)
{
	struct trace_options o = TRACE_OPTIONS_INIT;
	struct fake_config config = { 0 };
	unsigned seed, ms;
	int err;

	if (argc != 5 && argc != 7)
		return 2;
	seed = (unsigned)atoi(argv[2]);
	ms = (unsigned)atoi(argv[3]);
	config.always_pin = atoi(argv[4]) != 0;
	config.seed = seed;
	config.threads = 2 + seed % 7;
	config.procs = 1 + seed % 4;
	config.gs = 10 + seed * 37 % 500;
	fake_init(&config);
	fake_throttle(seed % 3 == 0);
	fake_start(&config);
	o.path = argv[1];
	o.advance_ms = 1 + seed % 9;
	o.buffer_limit = 512u << 20;
	if (argc == 7) {
		o.advance_ms = (unsigned)atoi(argv[5]);
		o.buffer_limit = (uint64_t)atoll(argv[6]);
	}
	/* A first session that is thrown away: the second one begins with stale state everywhere. */
	if (seed % 2 == 0) {
		err = trace_start(&o);
		if (err == 0) {
			nanosleep(&(struct timespec){ 0, 20000000 }, NULL);
			err = trace_stop();
		}
		if (err < 0)
			fprintf(stderr, "tracer-stress: first session: %s\n", strerror(-err));
	}
	err = trace_start(&o);
	if (err < 0) {
		fprintf(stderr, "tracer-stress: start: %s\n", strerror(-err));
		return 1;
	}
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000L }, NULL);
	err = trace_stop();
	fake_stop();
	if (err < 0) {
		fprintf(stderr, "tracer-stress: stop: %s\n", strerror(-err));
		return 1;
	}
	return 0;
}
