/* SPDX-License-Identifier: BSD-3-Clause
 *
 * genverify.c - sees whether a reader takes what a writer is about to hand out.
 *
 * The judge is the reader itself, so there is one set of rules.  Its input is one generation at a time: what it has learnt of the
 * generations before is in its model, and of their bytes it needs nothing.
 */
#include "libtrace/genverify.h"

#include <inttypes.h>

#include "libtrace/batchscan.h"
#include "libtrace/readerimpl.h"
#include "wire/header.h"

struct etr_reader *etr__verify_new(int version)
{
	struct etr_reader *r = etr_reader_new();
	uint8_t header[WIRE_HEADER_SIZE];

	wire_put_file_header(header, version);
	if (r && etr_reader_open_memory(r, header, sizeof(header)) != 0) {
		etr_reader_free(r);
		return NULL;
	}
	return r;
}

static int read_generation(struct etr_reader *r)
{
	struct etr_event events[64];
	int rc = etr__generation_load(r);

	if (rc == 0)
		return etr__fault_set(&r->fault, ETR_E_INVALID, 0, "a generation without an end");
	if (rc == 1)
		rc = etr__order_begin(&r->order, &r->now);
	while (rc >= 0 && (rc = etr__order_events(&r->order, events, 64)) > 0)
		;
	etr__order_end(&r->order);
	return rc;
}

/* Whose batch stands around that offset. */
static uint64_t thread_at(struct etr__input *in, uint64_t offset)
{
	struct etr__fault ignored;
	struct etr__batch b;
	uint64_t at = 0;

	while (etr__scan_batch(in, &at, &b, &ignored) == 1)
		if (offset < at)
			return b.m;
	return WIRE_NO_M;
}

/*
 * The goroutine whose stopped world has begun and not ended.  The name of such a range is an id of its own generation's
 * strings, so Go's reader cannot tell it when the range ends in another.
 */
static void look_for_stop(struct etr__g *g, void *ctx)
{
	if (g->nranges > (g->assist != 0))
		*(int64_t *)ctx = g->id;
}

int etr__verify_generation(struct etr_reader *r, const uint8_t *p, size_t n, struct etr__fault *fault)
{
	int64_t stopped = -1;
	uint64_t m;
	int rc;

	etr__gtable_each(&r->order.model.gs, look_for_stop, &stopped);
	if (stopped != -1)
		return etr__fault_set(fault, ETR_E_ORDER, 0, "goroutine %" PRId64 " has stopped the world in the generation before, and "
				      "not let it go on there", stopped);
	etr__input_open_memory(&r->in, p, n);
	r->scan_off = 0;
	rc = read_generation(r);
	if (rc < 0) {
		m = thread_at(&r->in, r->fault.offset);
		if (m == WIRE_NO_M)
			etr__fault_set(fault, -rc, r->fault.offset, "%s", r->fault.message);
		else
			etr__fault_set(fault, -rc, r->fault.offset, "thread %" PRIu64 ": %s", m, r->fault.message);
	}
	return rc;
}
