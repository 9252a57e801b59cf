/* SPDX-License-Identifier: BSD-3-Clause
 *
 * batchscan.c - the file header and the batch headers.  Knows nothing of generations.
 */
#include "libtrace/batchscan.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "libtrace/notrace.h"
#include "wire/header.h"

static __attribute__((cold)) int no_trace(struct etr__input *in, struct etr__fault *fault)
{
	const uint8_t *p;
	ssize_t n = etr__input_view(in, 0, ETR__NOTRACE_LOOK, &p);

	if (n < 0)
		return etr__input_fault(in, fault, 0);
	return etr__refuse_format(fault, p, (size_t)n < ETR__NOTRACE_LOOK ? (size_t)n : ETR__NOTRACE_LOOK);
}

int etr__scan_file_header(struct etr__input *in, int *version, struct etr__fault *fault)
{
	static const char start[] = "go 1.";
	const uint8_t *p;
	ssize_t n = etr__input_view(in, 0, WIRE_HEADER_SIZE, &p);
	size_t same;

	if (n >= 0 && n < WIRE_HEADER_SIZE && in->broken) {
		errno = in->broken;
		n = -1;
	}
	if (n < 0)
		return etr__input_fault(in, fault, 0);
	if (n == 0)
		return etr__fault_set(fault, ETR_E_EMPTY, 0, "the trace is empty");
	same = (size_t)n < sizeof(start) - 1 ? (size_t)n : sizeof(start) - 1;
	if (n < WIRE_HEADER_SIZE && memcmp(p, start, same) == 0)
		return etr__fault_set(fault, ETR_E_TRUNCATED, 0, "the file header is cut off after %zd of %d bytes", n,
				      WIRE_HEADER_SIZE);
	*version = n < WIRE_HEADER_SIZE ? -1 : wire_get_file_header(p);
	if (*version < 0)
		return no_trace(in, fault);
	if (*version == 22 || *version == 23 || *version == 25 || *version == 26)
		return 0;
	return etr__refuse_version(fault, *version);
}

static int cut_off(const struct etr__batch *b, struct etr__fault *fault)
{
	return etr__fault_set(fault, ETR_E_TRUNCATED, b->offset, "the batch header that begins here is cut off");
}

/* Parses the varints of a header in [p, end); returns the byte behind them or NULL with the fault recorded. */
static const uint8_t *get_numbers(const uint8_t *p, const uint8_t *end, struct etr__batch *b, struct etr__fault *fault)
{
	uint64_t v[4];

	for (int i = 0; i < 4; i++) {
		const uint8_t *q = wire_get_varint(p, end, &v[i]);

		if (!q && end - p >= WIRE_VARINT_MAX)
			etr__fault_set(fault, ETR_E_BATCH, b->offset, "a number in the batch header does not fit in 64 bits");
		else if (!q)
			cut_off(b, fault);
		if (!q)
			return NULL;
		p = q;
	}
	b->gen = v[0];
	b->m = v[1];
	b->time = v[2];
	if (v[3] > WIRE_MAX_BATCH_SIZE) {
		etr__fault_set(fault, ETR_E_BATCH, b->offset, "a batch of %" PRIu64 " bytes, where %u are the most", v[3],
			       WIRE_MAX_BATCH_SIZE);
		return NULL;
	}
	b->size = (uint32_t)v[3];
	return p;
}

/* Sees that the data is there, and what its first byte is. */
static int look_at_data(struct etr__input *in, struct etr__batch *b, struct etr__fault *fault)
{
	const uint8_t *p;
	ssize_t n;
	int has = etr__input_has(in, b->data, b->size);

	if (has == 0)
		return etr__fault_set(fault, ETR_E_TRUNCATED, b->offset, "the batch of %" PRIu32 " bytes that begins here is cut off",
				      b->size);
	if (has < 0)
		return etr__input_fault(in, fault, b->data);
	if (b->size == 0)
		return 1;
	n = etr__input_view(in, b->data, 1, &p);
	if (n < 0)
		return etr__input_fault(in, fault, b->data);
	if (n == 0)
		return cut_off(b, fault);
	b->first = *p;
	return 1;
}

static int scan(struct etr__input *in, uint64_t *off, struct etr__batch *b, struct etr__fault *fault)
{
	const uint8_t *start, *p, *end;
	ssize_t n = etr__input_view(in, *off, WIRE_BATCH_HEADER_MAX, &start);
	int rc;

	if (n < 0)
		return etr__input_fault(in, fault, *off);
	if (n == 0)
		return 0;
	memset(b, 0, sizeof(*b));
	p = start;
	end = start + n;
	b->offset = *off;
	b->type = *p++;
	switch (b->type) {
	case WIRE_END_OF_GENERATION:
		b->m = WIRE_NO_M;
		b->data = *off;
		b->size = 1;
		b->first = b->type;
		*off += 1;
		return 1;
	case WIRE_EXPERIMENTAL_BATCH:
		/* Go's reader takes a file that ends here for one that has ended before. */
		if (p == end)
			return 0;
		b->experiment = *p++;
		break;
	case WIRE_EVENT_BATCH:
		break;
	default:
		return etr__fault_set(fault, ETR_E_BATCH, *off, "a batch cannot begin with byte %u", b->type);
	}
	p = get_numbers(p, end, b, fault);
	if (!p)
		return fault->code;
	b->data = *off + (uint64_t)(p - start);
	rc = look_at_data(in, b, fault);
	if (rc == 1)
		*off = b->data + b->size;
	return rc;
}

int etr__scan_batch(struct etr__input *in, uint64_t *off, struct etr__batch *b, struct etr__fault *fault)
{
	int rc;

	/* A batch of which a part has come so far is looked at once more. */
	in->hold = *off;
	rc = scan(in, off, b, fault);
	if (rc == 1)
		in->hold = UINT64_MAX;

	/* The input's own trouble is the better explanation for what is missing. */
	if (rc <= 0 && in->broken && (rc == 0 || fault->code == -ETR_E_TRUNCATED)) {
		errno = in->broken;
		return etr__input_fault(in, fault, *off);
	}
	return rc;
}

enum etr__content etr__batch_content(const struct etr__batch *b, int version)
{
	if (b->experiment != 0)
		return ETR__CONTENT_EXPERIMENT;
	switch (b->first) {
	case WIRE_STACKS:
		return ETR__CONTENT_STACKS;
	case WIRE_STRINGS:
		return ETR__CONTENT_STRINGS;
	case WIRE_CPU_SAMPLES:
		return ETR__CONTENT_SAMPLES;
	case WIRE_FREQUENCY:
		return version < 25 ? ETR__CONTENT_SYNC : ETR__CONTENT_EVENTS;
	case WIRE_SYNC:
		return version >= 25 ? ETR__CONTENT_SYNC : ETR__CONTENT_EVENTS;
	case WIRE_END_OF_GENERATION:
		return ETR__CONTENT_END;
	}
	return ETR__CONTENT_EVENTS;
}
