/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ptcheck.h - what programs check that are to be recorded, and know nothing of the recorder.
 */
#ifndef TESTS_PTCHECK_H
#define TESTS_PTCHECK_H

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CHECK(cond)                                                                                                              \
	do {                                                                                                                     \
		if (!(cond)) {                                                                                                   \
			fprintf(stderr, "line %d: %s failed (errno %d)\n", __LINE__, #cond, errno);                              \
			_exit(3);                                                                                                \
		}                                                                                                                \
	} while (0)

/* A call that succeeds leaves errno. */
#define KEEPS(cond)                                                                                                              \
	do {                                                                                                                     \
		errno = 1234;                                                                                                    \
		CHECK((cond) && errno == 1234);                                                                                  \
	} while (0)

static inline void pause_us(long us)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000 };

	while (nanosleep(&ts, &ts) != 0)
		CHECK(errno == EINTR);
}

struct mode {
	const char *name;
	void (*run)(void);
};

/* The program's status; modes ends with an empty one. */
static inline int run_mode(const struct mode *modes, int argc, char **argv)
{
	for (; argc > 1 && modes->name; modes++)
		if (strcmp(argv[1], modes->name) == 0) {
			modes->run();
			return 0;
		}
	fprintf(stderr, "Usage: %s MODE\n", argv[0]);
	return 2;
}

#endif
