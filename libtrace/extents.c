/* SPDX-License-Identifier: BSD-3-Clause
 *
 * extents.c - where the generations of a trace are, from batch headers and the clock alone.
 */
#include "libtrace/extents.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "libtrace/growth.h"
#include "libtrace/readerimpl.h"
#include "wire/event.h"

static void begin(struct etr__scan *s, uint64_t offset)
{
	memset(&s->now, 0, sizeof(s->now));
	s->now.offset = offset;
	s->clock.ns_per_unit = 0;
	s->clock.frequency = 0;
	s->clock.has_clock = false;
	s->min_time = 0;
	s->any_batch = s->any_events = false;
}

/* Closes the generation at hand, which ends at `end`. */
static int finish(struct etr__scan *s, uint64_t end)
{
	s->now.size = end - s->now.offset;
	s->now.frequency = s->clock.frequency;
	if (s->clock.ns_per_unit != 0)
		s->now.sync_ns = etr__units_to_ns(s->clock.ns_per_unit, s->min_time);
	if (etr__grow(&s->extents, &s->cap, s->n + 1) != 0)
		return etr__fault_nomem(s->fault);
	s->extents[s->n++] = s->now;
	begin(s, end);
	return 0;
}

static int add_clock(struct etr__scan *s, const struct etr__batch *b)
{
	uint64_t counts[256] = { 0 }, bytes[256] = { 0 };
	struct etr__piece piece = {
		.n = b->size, .offset = b->data, .time = b->time, .counts = counts, .bytes = bytes, .fault = s->fault
	};
	ssize_t n = etr__input_view(s->in, b->data, b->size, &piece.p);

	if (n < 0)
		return etr__input_fault(s->in, s->fault, b->data);
	if (n < (ssize_t)b->size)
		return etr__fault_set(s->fault, ETR_E_TRUNCATED, b->data, "the input has become shorter while it was read");
	return etr__tables_add_sync(&s->clock, &piece, s->version);
}

static int add(struct etr__scan *s, const struct etr__batch *b)
{
	enum etr__content content = etr__batch_content(b, s->version);

	if (b->gen == 0)
		return etr__fault_set(s->fault, ETR_E_BATCH, b->offset, "a batch of generation 0, which does not exist");
	if (s->any_batch && b->gen != s->now.generation)
		return etr__fault_set(s->fault, ETR_E_BATCH, b->offset,
				      "a batch of generation %" PRIu64 " among those of another", b->gen);
	s->now.generation = b->gen;
	s->any_batch = true;
	if (s->min_time == 0 || b->time < s->min_time)
		s->min_time = b->time;
	if (content == ETR__CONTENT_SYNC)
		return add_clock(s, b);
	if (content == ETR__CONTENT_EVENTS) {
		if (!s->any_events || b->time < s->now.first_time)
			s->now.first_time = b->time;
		if (!s->any_events || b->time > s->now.last_time)
			s->now.last_time = b->time;
		s->any_events = true;
	}
	return 0;
}

void etr__scan_begin(struct etr__scan *s, struct etr__input *in, int version, uint64_t off, struct etr__fault *fault)
{
	memset(s, 0, sizeof(*s));
	s->in = in;
	s->version = version;
	s->off = off;
	s->fault = fault;
	begin(s, off);
}

int etr__scan_step(struct etr__scan *s)
{
	bool marked = s->version >= 26;
	struct etr__batch b;
	int rc = etr__scan_batch(s->in, &s->off, &b, s->fault);

	if (rc < 0)
		return rc;
	if (rc == 0 && marked && s->any_events)
		return etr__fault_set(s->fault, ETR_E_TRUNCATED, s->off, "the trace ends inside a generation");
	if (rc == 0)
		return !marked && s->any_batch ? finish(s, s->off) : 0;
	if (marked && etr__batch_content(&b, s->version) == ETR__CONTENT_END)
		return finish(s, s->off) < 0 ? s->fault->code : 1;
	if (!marked && s->any_batch && b.gen == s->now.generation + 1 && finish(s, b.offset) < 0)
		return s->fault->code;
	rc = add(s, &b);
	return rc < 0 ? rc : 1;
}

int etr_reader_extents(struct etr_reader *r, struct etr_extent **extents, size_t *n)
{
	struct etr__scan s;
	int rc;

	*extents = NULL;
	*n = 0;
	if (!r->opened || r->load_no || r->in.follow || !etr__input_can_seek(&r->in))
		return -ETR_E_INVALID;
	if (r->failed)
		return r->fault.code;
	etr__scan_begin(&s, &r->in, r->version, r->scan_off, &r->fault);
	do
		rc = etr__scan_step(&s);
	while (rc == 1);
	if (rc < 0 && s.any_batch)
		etr__fault_in(&r->fault, s.now.generation);
	*extents = s.extents;
	*n = s.n;
	etr__input_seek(&r->in, r->scan_off);
	return rc;
}
