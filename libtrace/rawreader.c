/* SPDX-License-Identifier: BSD-3-Clause
 *
 * rawreader.c - wire events in file order, each as it stands.
 *
 * Batch sizes are not looked at: what follows a batch's header is read as events.  Lengths and counts are held to what fits in
 * the largest batch, so that memory is bounded.
 */
#include <exectrace/raw.h>

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "libtrace/batchscan.h"
#include "libtrace/fault.h"
#include "libtrace/growth.h"
#include "libtrace/input.h"
#include "wire/header.h"

/* The public names of the type bytes are those of the table. */
#define WIRE_EVENT(sym, type, name, since, cls, ...) _Static_assert(ETR_WIRE_##sym == (type), "type byte of " name);
#include "wire/events.def"
#undef WIRE_EVENT

/* Four numbers of a byte each. */
#define MAX_FRAMES (WIRE_MAX_BATCH_SIZE / 4)

struct etr_raw_reader {
	struct etr__input in;
	struct etr__fault fault;
	bool opened;
	int version;
	uint64_t off;			/* of the next event, and while one is decoded of what follows in it */
	struct etr_raw_frame *frames;
	size_t capframes;
};

struct etr_raw_reader *etr_raw_reader_new(void)
{
	struct etr_raw_reader *raw = calloc(1, sizeof(*raw));

	if (raw)
		etr__input_init(&raw->in);
	return raw;
}

void etr_raw_reader_free(struct etr_raw_reader *raw)
{
	if (!raw)
		return;
	etr__input_close(&raw->in);
	free(raw->frames);
	free(raw);
}

static int opened(struct etr_raw_reader *raw, int rc)
{
	raw->opened = true;
	raw->off = WIRE_HEADER_SIZE;
	if (rc == 0)
		rc = etr__input_detect(&raw->in);
	return rc != 0 ? etr__input_fault(&raw->in, &raw->fault, 0) : etr__scan_file_header(&raw->in, &raw->version, &raw->fault);
}

int etr_raw_reader_open_path(struct etr_raw_reader *raw, const char *path)
{
	return raw->opened ? -ETR_E_INVALID : opened(raw, etr__input_open_path(&raw->in, path));
}

int etr_raw_reader_open_fd(struct etr_raw_reader *raw, int fd)
{
	return raw->opened ? -ETR_E_INVALID : opened(raw, etr__input_open_fd(&raw->in, fd));
}

int etr_raw_reader_open_memory(struct etr_raw_reader *raw, const void *data, size_t size)
{
	if (raw->opened)
		return -ETR_E_INVALID;
	etr__input_open_memory(&raw->in, data, size);
	return opened(raw, 0);
}

int etr_raw_reader_version(const struct etr_raw_reader *raw)
{
	return raw->version;
}

const char *etr_raw_reader_detail(const struct etr_raw_reader *raw)
{
	return raw->fault.detail;
}

uint64_t etr_raw_reader_error_offset(const struct etr_raw_reader *raw)
{
	return raw->fault.offset;
}

static int cut_off(struct etr_raw_reader *raw, const struct etr_raw_event *ev)
{
	if (raw->in.broken) {
		errno = raw->in.broken;
		return etr__input_fault(&raw->in, &raw->fault, ev->offset);
	}
	return etr__fault_set(&raw->fault, ETR_E_TRUNCATED, ev->offset, "the %s that begins here is cut off",
			      wire_specs[ev->type].name);
}

/* Reads n numbers at raw->off, and before them, where `byte` says so, a number of one byte. */
static int get_numbers(struct etr_raw_reader *raw, const struct etr_raw_event *ev, uint64_t *v, unsigned n, bool byte)
{
	const uint8_t *start, *p;
	ssize_t avail = etr__input_view(&raw->in, raw->off, (size_t)n * WIRE_VARINT_MAX, &start);

	if (avail < 0)
		return etr__input_fault(&raw->in, &raw->fault, raw->off);
	p = start;
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *q;

		if (byte && i == 0) {
			if (avail == 0)
				return cut_off(raw, ev);
			v[0] = *p++;
			continue;
		}
		q = wire_get_varint(p, start + avail, &v[i]);
		if (!q && start + avail - p < WIRE_VARINT_MAX)
			return cut_off(raw, ev);
		if (!q)
			return etr__fault_set(&raw->fault, ETR_E_EVENT, ev->offset,
					      "the %s that begins here has a number beyond 64 bits", wire_specs[ev->type].name);
		p = q;
	}
	raw->off += (uint64_t)(p - start);
	return 0;
}

static int get_frames(struct etr_raw_reader *raw, struct etr_raw_event *ev)
{
	uint64_t n = ev->args[1];

	if (n > MAX_FRAMES)
		return etr__fault_set(&raw->fault, ETR_E_TABLE, ev->offset, "a stack of %" PRIu64 " frames", n);
	if (etr__grow(&raw->frames, &raw->capframes, n) != 0)
		return etr__fault_nomem(&raw->fault);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t v[4];
		int rc = get_numbers(raw, ev, v, 4, false);

		if (rc < 0)
			return rc;
		raw->frames[i] = (struct etr_raw_frame){ v[0], v[1], v[2], v[3] };
	}
	ev->frames = raw->frames;
	return 0;
}

static int get_data(struct etr_raw_reader *raw, struct etr_raw_event *ev)
{
	uint64_t n;
	ssize_t avail;
	int rc = get_numbers(raw, ev, &n, 1, false);

	if (rc < 0)
		return rc;
	if (n > WIRE_MAX_BATCH_SIZE)
		return etr__fault_set(&raw->fault, ETR_E_BATCH, ev->offset, "data of %" PRIu64 " bytes, where %u are the most", n,
				      WIRE_MAX_BATCH_SIZE);
	avail = etr__input_view(&raw->in, raw->off, (size_t)n, &ev->data);
	if (avail < 0)
		return etr__input_fault(&raw->in, &raw->fault, raw->off);
	if ((uint64_t)avail < n)
		return cut_off(raw, ev);
	ev->size = (size_t)n;
	raw->off += n;
	return 0;
}

int etr_raw_reader_next(struct etr_raw_reader *raw, struct etr_raw_event *ev)
{
	const uint8_t *p;
	ssize_t avail;
	int rc;

	if (!raw->opened)
		return -ETR_E_INVALID;
	if (raw->fault.code)
		return raw->fault.code;
	avail = etr__input_view(&raw->in, raw->off, 1, &p);
	if (avail < 0)
		return etr__input_fault(&raw->in, &raw->fault, raw->off);
	if (avail == 0)
		return 0;
	memset(ev, 0, sizeof(*ev));
	ev->offset = raw->off++;
	ev->type = *p;
	ev->nargs = wire_specs[ev->type].nargs;
	if (!wire_specs[ev->type].name)
		return etr__fault_set(&raw->fault, ETR_E_EVENT, ev->offset, "no event has type %u", ev->type);
	rc = get_numbers(raw, ev, ev->args, ev->nargs, ev->type == WIRE_EXPERIMENTAL_BATCH);
	if (rc == 0 && ev->type == WIRE_STACK)
		rc = get_frames(raw, ev);
	else if (rc == 0 && (ev->type == WIRE_STRING || ev->type == WIRE_EXPERIMENTAL_BATCH))
		rc = get_data(raw, ev);
	return rc < 0 ? rc : 1;
}
