/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cutseen.h - a trace as cutcheck compares it.
 */
#ifndef TESTS_CUTSEEN_H
#define TESTS_CUTSEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <exectrace/reader.h>

/* An event as it is compared. */
struct seen {
	int64_t time;
	uint64_t hash;		/* all that it tells */
	uint64_t lenient;	/* the same without what a slice may not know */
	uint64_t nameless;	/* the same without texts and stacks */
	uint8_t kind, resource, from, to;
	bool stw;
};

struct seen_trace {
	struct seen *list;
	size_t n, cap;
	int64_t ns[2][ETR_STATE_COUNT_];	/* time of goroutines, and of processors, in each state */
	uint64_t first_generation, ngenerations;	/* as in the file */
	int64_t start, end;	/* of the trace, as analyses have them */
	int rc;
	bool begun;		/* there is a Sync, at least */
	/*
	 * What readers take and no recorder writes: a goroutine or processor is told of twice in one generation, in a state that is
	 * none, or has no id, or is said to be with the thread of another one or with two, or by one in a system call; a goroutine
	 * stops the world twice, or in a system call, or leaves off while it is stopped; a range is said to be active twice in a
	 * generation, or where it began; other code stands at a pc than before (of these only libraries that come and go may do
	 * that); the first generations tell of nothing, and a later one of what there is; generations' numbers do not increase.
	 * What is alive then is anybody's guess, or a slice cannot tell.  cut_see_whole() adds times that a slice's clock cannot
	 * tell, and windows in which there is nothing.
	 */
	bool odd;
	bool small_times;	/* too near the clock's zero */
};

/* The trace at hand, for messages; ends the program. */
extern const char *trace_name;
void die(const char *what) __attribute__((noreturn));

uint64_t mix(uint64_t h, uint64_t v);

/* Reads a trace to its end, Syncs left out; why: what went wrong, if t->rc says that something did. */
void see_trace(struct seen_trace *t, const void *p, size_t n, char *why, size_t size);

#endif
