/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fake-host.h - a host of the recorder's core for tests: real threads move pretended Gs and Ps through random legal transitions.
 */
#ifndef TESTS_FAKE_HOST_H
#define TESTS_FAKE_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "librt/tracer/emit.h"
#include "librt/tracer/tracer.h"

enum { FAKE_MAX_G = 4096, FAKE_MAX_P = 8, FAKE_MAX_M = 16 };

struct fake_config {
	bool always_pin;		/* else the world is stopped for starting */
	unsigned threads, procs, gs;	/* how many; gs: at the beginning */
	unsigned seed;
};

/* Once a process: makes the Gs and Ps, and initializes the core, which may start a recording. */
void fake_init(const struct fake_config *config);
/* Starts the threads; they run until fake_stop.  After a fake_stop, all Gs and Ps are new. */
void fake_start(const struct fake_config *config);
void fake_stop(void);
/* State changes made so far, by all threads. */
uint64_t fake_changes(void);
/* Makes each transition pause now and then, for runs that must not fill their buffers. */
void fake_throttle(bool on);

#endif
