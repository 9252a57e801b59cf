/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fault.h - what went wrong: where, in which generation, and why.
 */
#ifndef LIBTRACE_FAULT_H
#define LIBTRACE_FAULT_H

#include <stdint.h>

#include <exectrace/error.h>

struct etr__fault {
	int code;		/* negative; 0: nothing went wrong */
	uint64_t offset;
	uint64_t generation;	/* 0: none */
	char message[200];
	char detail[264];
};

/* Records a fault, replacing an earlier one; returns -code.  The generation is 0. */
int etr__fault_set(struct etr__fault *f, int code, uint64_t offset, const char *fmt, ...)
	__attribute__((format(printf, 4, 5), cold));

/* Adds the generation to a fault that was recorded; returns its code. */
int etr__fault_in(struct etr__fault *f, uint64_t generation);

/* Failures of the machine: out of memory, and reading with the reason in errno. */
int etr__fault_nomem(struct etr__fault *f) __attribute__((cold));
int etr__fault_io(struct etr__fault *f, uint64_t offset) __attribute__((cold));

#endif
