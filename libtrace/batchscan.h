/* SPDX-License-Identifier: BSD-3-Clause
 *
 * batchscan.h - the file header and the batch headers, one after the other.
 */
#ifndef LIBTRACE_BATCHSCAN_H
#define LIBTRACE_BATCHSCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "libtrace/fault.h"
#include "libtrace/input.h"

struct etr__batch {
	uint64_t offset;	/* of its header */
	uint64_t data;		/* offset of its data */
	uint64_t gen, m, time;	/* 0, no thread and 0 for an end-of-generation byte */
	uint32_t size;		/* of the data */
	uint8_t experiment;
	uint8_t first;		/* first data byte; 0 where there is none */
	uint8_t type;		/* the header's first byte */
};

/* Checks the file header; *version is its minor Go version.  0, or a negative code with the fault recorded. */
int etr__scan_file_header(struct etr__input *in, int *version, struct etr__fault *fault);

/*
 * Reads the batch header at *off and sees that the batch's data is there; *off moves behind the data.  A stream then still
 * shows the data to etr__input_view(in, batch->data, batch->size).  An end-of-generation byte is a batch of its own with
 * that byte as its data.  1, 0 at the end of the input, or a negative code with the fault recorded.
 */
int etr__scan_batch(struct etr__input *in, uint64_t *off, struct etr__batch *batch, struct etr__fault *fault);

/* What a batch holds, by the rules for a trace of that version. */
enum etr__content {
	ETR__CONTENT_EVENTS,
	ETR__CONTENT_STACKS,
	ETR__CONTENT_STRINGS,
	ETR__CONTENT_SAMPLES,
	ETR__CONTENT_SYNC,
	ETR__CONTENT_EXPERIMENT,
	ETR__CONTENT_END,	/* of the generation */
};

enum etr__content etr__batch_content(const struct etr__batch *batch, int version);

#endif
