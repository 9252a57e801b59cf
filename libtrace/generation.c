/* SPDX-License-Identifier: BSD-3-Clause
 *
 * generation.c - loads a generation: reads its batch headers and tables, and notes where its events are.
 *
 * From 1.26 on a generation ends at its end-of-generation byte.  Before, it ends where a batch of the next one begins, which
 * is kept as the spill, or where the input ends or cannot be read: then what is there is delivered first (r->ends_badly).
 */
#include "libtrace/readerimpl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "libtrace/growth.h"
#include "wire/event.h"

int etr__generation_init(struct etr__generation *g, struct etr__input *in, struct etr__fault *fault)
{
	memset(g, 0, sizeof(*g));
	etr__frontier_init(&g->frontier, in, fault);
	return etr__tables_init(&g->tables);
}

void etr__generation_free(struct etr__generation *g)
{
	etr__frontier_free(&g->frontier);
	etr__tables_free(&g->tables);
	etr__arena_free(&g->held);
	free(g->experimental);
}

void etr__generation_clear(struct etr__generation *g)
{
	etr__tables_clear(&g->tables);
	etr__frontier_clear(&g->frontier);
	etr__arena_clear(&g->held);
	g->nexperimental = 0;
	memset(g->experiment_batches, 0, sizeof(g->experiment_batches));
	memset(g->experiment_bytes, 0, sizeof(g->experiment_bytes));
	memset(g->counts, 0, sizeof(g->counts));
	memset(g->bytes, 0, sizeof(g->bytes));
	g->min_time = 0;
	g->number = 0;
}

static int fault(struct etr_reader *r, int code, uint64_t offset, const char *what)
{
	return etr__fault_set(&r->fault, code, offset, "%s", what);
}

/* The bytes of a table batch: those of the spill, or read now. */
static int view_data(struct etr_reader *r, const struct etr__batch *b, const uint8_t *held, const uint8_t **p)
{
	ssize_t n;

	*p = held;
	if (held)
		return 0;
	n = etr__input_view(&r->in, b->data, b->size, p);
	if (n < 0)
		return etr__input_fault(&r->in, &r->fault, b->data);
	if (n < (ssize_t)b->size)
		return fault(r, ETR_E_TRUNCATED, b->data, "the input has become shorter while it was read");
	return 0;
}

static int add_table(struct etr_reader *r, const struct etr__batch *b, const uint8_t *held, enum etr__content content)
{
	struct etr__piece piece = {
		.n = b->size, .offset = b->data, .time = b->time, .counts = r->now.counts, .bytes = r->now.bytes, .fault = &r->fault
	};
	int rc = view_data(r, b, held, &piece.p);

	if (rc < 0)
		return rc;
	switch (content) {
	case ETR__CONTENT_STRINGS:
		return etr__tables_add_strings(&r->now.tables, &piece);
	case ETR__CONTENT_STACKS:
		return etr__tables_add_stacks(&r->now.tables, &piece);
	case ETR__CONTENT_SAMPLES:
		return etr__tables_add_samples(&r->now.tables, &piece);
	default:
		return etr__tables_add_sync(&r->now.tables, &piece, r->version);
	}
}

/* A copy of a batch's data that lives as long as the generation. */
static int copy_data(struct etr_reader *r, const struct etr__batch *b, const uint8_t *held, const uint8_t **data)
{
	const uint8_t *p;
	uint8_t *copy;
	int rc = view_data(r, b, held, &p);

	if (rc < 0)
		return rc;
	copy = etr__arena_alloc(&r->now.held, b->size);
	if (!copy)
		return etr__fault_nomem(&r->fault);
	memcpy(copy, p, b->size);
	*data = copy;
	return 0;
}

static int keep_experimental(struct etr_reader *r, const struct etr__batch *b, const uint8_t *held)
{
	struct etr__generation *g = &r->now;
	struct etr__experimental *e;

	if (etr__grow(&g->experimental, &g->capexperimental, g->nexperimental + 1) != 0)
		return etr__fault_nomem(&r->fault);
	e = &g->experimental[g->nexperimental++];
	*e = (struct etr__experimental){ .m = b->m, .size = b->size, .experiment = b->experiment };
	return b->size ? copy_data(r, b, held, &e->data) : 0;
}

/* Notes a batch of events; a stream's bytes are copied, for they will not be seen again. */
static int add_events(struct etr_reader *r, const struct etr__batch *b, const uint8_t *held)
{
	struct etr__event_batch e = { .data = b->data, .time = b->time, .size = b->size };

	if (!etr__input_is_seekable(&r->in) && b->size) {
		int rc = copy_data(r, b, held, &e.held);

		if (rc < 0)
			return rc;
	}
	if (etr__frontier_add(&r->now.frontier, b->m, &e) != 0)
		return etr__fault_nomem(&r->fault);
	return 0;
}

static int add_batch(struct etr_reader *r, const struct etr__batch *b, const uint8_t *held)
{
	enum etr__content content = etr__batch_content(b, r->version);

	r->now.counts[b->type]++;
	r->now.bytes[b->type] += b->data - b->offset;
	r->now.end = b->data + b->size;
	if (r->now.min_time == 0 || b->time < r->now.min_time)
		r->now.min_time = b->time;
	switch (content) {
	case ETR__CONTENT_EVENTS:
		return add_events(r, b, held);
	case ETR__CONTENT_EXPERIMENT:
		r->now.experiment_batches[b->experiment]++;
		r->now.experiment_bytes[b->experiment] += b->size;
		r->now.bytes[b->type] += b->size;
		return r->keeps_experimental ? keep_experimental(r, b, held) : 0;
	case ETR__CONTENT_END:
		return fault(r, ETR_E_BATCH, b->offset, "an end of generation in a trace whose version has none");
	default:
		return add_table(r, b, held, content);
	}
}

/* Keeps the first batch of the generation that comes next. */
static int keep_spill(struct etr_reader *r, const struct etr__batch *b)
{
	const uint8_t *p;
	uint8_t *copy;
	int rc;

	r->spill = *b;
	r->spilled = true;
	r->spill_held = NULL;
	if (etr__input_is_seekable(&r->in) || b->size == 0)
		return 0;
	rc = view_data(r, b, NULL, &p);
	if (rc < 0)
		return rc;
	copy = malloc(b->size);
	if (!copy)
		return etr__fault_nomem(&r->fault);
	memcpy(copy, p, b->size);
	r->spill_held = copy;
	return 0;
}

static int take_spill(struct etr_reader *r)
{
	int rc;

	r->now.number = r->spill.gen;
	r->now.start = r->spill.offset;
	rc = add_batch(r, &r->spill, r->spill_held);
	free((void *)(uintptr_t)r->spill_held);
	r->spill_held = NULL;
	r->spilled = false;
	return rc;
}

enum { AGAIN = 2 };

/*
 * A file that is followed has come to an end, with no batch or half of one: AGAIN when that is to be judged once more, as of a
 * file that is whole; 0 where the unfinished generation was taken back; a negative code: -ETR_E_AGAIN is for now.  Other
 * faults are passed on.
 */
static int more_may_come(struct etr_reader *r, int rc)
{
	if (rc < 0 && rc != -ETR_E_TRUNCATED)
		return rc;
	switch (etr__input_look(&r->in, r->now.start)) {
	case ETR__INPUT_WAIT:
		memset(&r->fault, 0, sizeof(r->fault));
		return -ETR_E_AGAIN;
	case ETR__INPUT_ENDED:
		memset(&r->fault, 0, sizeof(r->fault));
		return AGAIN;
	case ETR__INPUT_CUT:
		memset(&r->fault, 0, sizeof(r->fault));
		if (r->version < 26)
			return AGAIN;
		r->scan_off = r->now.start;
		etr__generation_clear(&r->now);
		return 0;
	}
	if (errno == EBADMSG)
		return fault(r, ETR_E_TRUNCATED, r->scan_off, "the file has become shorter while it was followed");
	return etr__fault_io(&r->fault, r->scan_off);
}

/* Reads batches up to the end of the generation, before 1.26. */
static int read_until_next(struct etr_reader *r)
{
	struct etr__batch b;
	int rc = r->spilled ? take_spill(r) : 0;

	if (rc < 0)
		return rc;
	for (;;) {
		rc = etr__scan_batch(&r->in, &r->scan_off, &b, &r->fault);
		if (rc <= 0 && r->in.follow && (rc = more_may_come(r, rc)) == AGAIN)
			continue;
		if (rc == -ETR_E_AGAIN)
			return rc;
		if (rc == 0)
			return 1;
		if (rc < 0) {
			/* It may be the next generation's, so what is there of this one counts, unless the bytes are wrong. */
			r->ends_badly = r->now.number != 0 && !etr__input_is_tainted(&r->in, r->scan_off);
			return r->ends_badly ? 1 : rc;
		}
		if (b.gen == 0)
			return fault(r, ETR_E_BATCH, b.offset, "a batch of generation 0, which does not exist");
		if (r->now.number == 0)
			r->now.number = b.gen;
		if (b.gen == r->now.number + 1)
			return keep_spill(r, &b) < 0 ? r->fault.code : 1;
		if (b.gen != r->now.number)
			return etr__fault_set(&r->fault, ETR_E_BATCH, b.offset,
					      "a batch of generation %" PRIu64 " among those of another", b.gen);
		rc = add_batch(r, &b, NULL);
		if (rc < 0)
			return rc;
	}
}

/* Reads batches up to the end-of-generation byte, from 1.26 on.  0: the trace has ended. */
static int read_until_end(struct etr_reader *r)
{
	struct etr__batch b;
	int rc;

	for (;;) {
		rc = etr__scan_batch(&r->in, &r->scan_off, &b, &r->fault);
		if (rc <= 0 && r->in.follow && (rc = more_may_come(r, rc)) == AGAIN)
			continue;
		if (rc < 0)
			return rc;
		if (rc == 0 && r->now.frontier.ncursors == 0)
			return 0;
		if (rc == 0)
			return fault(r, ETR_E_TRUNCATED, r->scan_off, "the trace ends inside a generation");
		if (r->now.number == 0)
			r->now.number = b.gen;
		if (etr__batch_content(&b, r->version) == ETR__CONTENT_END) {
			r->now.counts[b.type]++;
			r->now.bytes[b.type] += b.data - b.offset;
			if (b.type != WIRE_END_OF_GENERATION)
				r->now.counts[WIRE_END_OF_GENERATION]++;
			r->now.bytes[WIRE_END_OF_GENERATION] += b.size;
			r->now.end = r->scan_off;
			return 1;
		}
		if (b.gen == 0)
			return fault(r, ETR_E_BATCH, b.offset, "a batch of generation 0, which does not exist");
		if (b.gen != r->now.number)
			return etr__fault_set(&r->fault, ETR_E_BATCH, b.offset,
					      "a batch of generation %" PRIu64 " before the end of another", b.gen);
		rc = add_batch(r, &b, NULL);
		if (rc < 0)
			return rc;
	}
}

int etr__generation_load(struct etr_reader *r)
{
	struct etr__fault behind;
	uint64_t gen;
	int rc;

	r->loaded = false;
	/* A generation of a file that grows may come in pieces. */
	if (!r->loading) {
		etr__generation_clear(&r->now);
		r->now.start = r->now.end = r->scan_off;
		r->now.load_no = ++r->load_no;
	}
	rc = r->version < 26 ? read_until_next(r) : read_until_end(r);
	r->loading = rc == -ETR_E_AGAIN;
	if (r->loading)
		return rc;
	behind = r->fault;
	if (rc == 1)
		rc = etr__tables_close(&r->now.tables, r->version, r->now.end, &r->fault) < 0 ? r->fault.code : 1;
	/* A batch that cannot be read is the better explanation for tables that are missing. */
	if (rc < 0 && r->ends_badly)
		r->fault = behind;
	if (rc < 0 || r->ends_badly)
		etr__fault_in(&r->fault, r->now.number);
	if (rc == 1) {
		r->loaded = true;
		return 1;
	}
	gen = r->now.number;
	etr__generation_clear(&r->now);
	r->now.number = gen;
	r->ends_badly = false;
	return rc < 0 ? r->fault.code : 0;
}
