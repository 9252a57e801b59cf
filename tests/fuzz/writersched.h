/* SPDX-License-Identifier: BSD-3-Clause
 *
 * writersched.h - a small scheduler that is driven by bytes and tells a writer what it does.
 */
#ifndef TESTS_FUZZ_WRITERSCHED_H
#define TESTS_FUZZ_WRITERSCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <exectrace/writer.h>

struct writersched {
	const uint8_t *data, *end;	/* what drives it, the next byte first */
	struct etr_writer *w;
	bool mistakes;			/* are made */
	bool over;			/* the writer has refused a generation */
	uint64_t delivered;		/* events that the reader must deliver, */
	uint64_t unsure;		/* and those that it may, as clocks are apart */
};

/* The next byte; 0 when there is none. */
static inline uint8_t writersched_byte(struct writersched *s)
{
	return s->data < s->end ? *s->data++ : 0;
}

/* Writes generations until the bytes are used up.  A call that fails is no good, unless there are mistakes. */
void writersched_run(struct writersched *s);

#endif
