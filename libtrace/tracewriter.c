/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tracewriter.c - writes traces, of the Go 1.26 format unless an older one is asked for.
 *
 * Each thread has a batch that is being filled; it leaves when it is full and when the generation ends, so a thread's batches
 * leave in the order in which it wrote them.  Tables leave when the generation ends.  What leaves is handed out at once, or, when
 * generations are verified, kept in w->held until the generation is whole and a reader has taken it.
 *
 * What a call can see by itself to be wrong (an id that does not exist) is refused there and changes nothing.  Once something has
 * failed it stays failed.
 */
#include "libtrace/tracewriter.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libtrace/genverify.h"
#include "libtrace/growth.h"
#include "wire/header.h"

#define MAX_EVENT (1 + WIRE_MAX_ARGS * WIRE_VARINT_MAX)

/* From which version on a generation tells its clocks, and says where it ends. */
#define VERSION_CLOCKS 25
#define VERSION_END 26

static int fail(struct etr_writer *w, int code, const char *what)
{
	return etr__fault_set(&w->fault, code, 0, "%s", what);
}

int etr__writer_nomem(struct etr_writer *w)
{
	return fail(w, ETR_E_NOMEM, "out of memory");
}

int etr__writer_refuse(struct etr_writer *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->refusal, sizeof(w->refusal), fmt, ap);
	va_end(ap);
	return -ETR_E_INVALID;
}

static int hand_out(struct etr_writer *w, const void *p, size_t n)
{
	errno = 0;
	if (n && w->write(w->ctx, p, n) != 0)
		return fail(w, ETR_E_IO, errno ? strerror(errno) : "writing failed");
	w->handed += n;
	return 0;
}

/* Bytes of the generation at hand leave. */
static int leave(struct etr_writer *w, const void *p, size_t n)
{
	if (w->unverified)
		return hand_out(w, p, n);
	if (etr__grow(&w->held, &w->capheld, w->nheld + n) != 0)
		return etr__writer_nomem(w);
	memcpy(w->held + w->nheld, p, n);
	w->nheld += n;
	return 0;
}

/*
 * A time that a batch can begin with, at most this one.  A reader converts it to nanoseconds in double precision; with the
 * nanosecond as the unit that is exact for 53 bits, and what is missing here goes into a dt.
 */
static uint64_t base_time(const struct etr_writer *w, uint64_t time)
{
	int bits = time ? 64 - __builtin_clzll(time) : 0;

	return w->frequency == 1000000000 && bits > 53 ? time & ~(((uint64_t)1 << (bits - 53)) - 1) : time;
}

struct etr_writer *etr_writer_new(int (*write)(void *ctx, const void *buf, size_t size), void *ctx, uint64_t frequency)
{
	return etr_writer_new_version(write, ctx, frequency, VERSION_END);
}

struct etr_writer *etr_writer_new_version(int (*write)(void *ctx, const void *buf, size_t size), void *ctx, uint64_t frequency,
					  int version)
{
	bool known = version == 22 || version == 23 || version == VERSION_CLOCKS || version == VERSION_END;
	struct etr_writer *w = frequency && known ? calloc(1, sizeof(*w)) : NULL;
	uint8_t header[WIRE_HEADER_SIZE];

	if (!w)
		return NULL;
	w->write = write;
	w->ctx = ctx;
	w->frequency = frequency;
	w->version = version;
	w->samples.m = WIRE_NO_M;
	w->batch_size = WIRE_MAX_BATCH_SIZE;
	etr__idmap_init(&w->by_m);
	etr__writer_tables_init(w);
	wire_put_file_header(header, version);
	hand_out(w, header, sizeof(header));
	return w;
}

void etr_writer_free(struct etr_writer *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->made; i++)
		free(w->batches[i].buf);
	free(w->batches);
	free(w->samples.buf);
	etr__idmap_free(&w->by_m);
	etr__writer_tables_free(w);
	etr_reader_free(w->verifier);
	free(w->held);
	free(w);
}

const char *etr_writer_detail(const struct etr_writer *w)
{
	return w->fault.code ? w->fault.message : w->refusal;
}

int etr_writer_set_verify(struct etr_writer *w, int verify)
{
	if (w->gen)
		return etr__writer_refuse(w, "the first generation has been begun");
	w->unverified = !verify;
	return 0;
}

int etr__writer_check_open(struct etr_writer *w)
{
	if (w->fault.code)
		return w->fault.code;
	return w->open ? 0 : etr__writer_refuse(w, "no generation has been begun");
}

int etr_writer_begin_generation(struct etr_writer *w, uint64_t time_units, uint64_t mono_ns, int64_t wall_sec, uint32_t wall_nsec)
{
	if (w->fault.code)
		return w->fault.code;
	if (w->open)
		return etr__writer_refuse(w, "generation %" PRIu64 " has not been ended", w->gen);
	if (!w->unverified && !w->verifier) {
		w->verifier = etr__verify_new(w->version);
		if (!w->verifier)
			return etr__writer_nomem(w);
	}
	w->open = true;
	w->gen++;
	w->time = time_units;
	w->mono = mono_ns;
	w->sec = (uint64_t)wall_sec;
	w->nsec = wall_nsec;
	return 0;
}

/* A batch leaves and is empty. */
static int flush(struct etr_writer *w, struct etr__wbatch *b)
{
	uint8_t header[WIRE_BATCH_HEADER_MAX];
	int rc;

	if (b->n == 0)
		return 0;
	rc = leave(w, header, (size_t)(wire_put_batch_header(header, w->gen, b->m, b->time, b->n) - header));
	if (rc == 0)
		rc = leave(w, b->buf, b->n);
	b->n = 0;
	return rc;
}

/* Makes room for n bytes in a batch, which leaves with what it holds where it must.  NULL with the fault recorded. */
static uint8_t *room(struct etr_writer *w, struct etr__wbatch *b, size_t n)
{
	if (b->n + n > w->batch_size && flush(w, b) < 0)
		return NULL;
	if (etr__grow(&b->buf, &b->cap, b->n + n) != 0) {
		etr__writer_nomem(w);
		return NULL;
	}
	return b->buf + b->n;
}

/* The batch of thread m; NULL when out of memory. */
static struct etr__wbatch *batch_of(struct etr_writer *w, uint64_t m)
{
	uint32_t i = etr__idmap_get(&w->by_m, m);

	if (i)
		return &w->batches[i - 1];
	if (w->nbatches >= UINT32_MAX - 1 || etr__grow(&w->batches, &w->capbatches, w->nbatches + 1) != 0 ||
	    etr__idmap_put(&w->by_m, m, (uint32_t)w->nbatches + 1) != 0)
		return NULL;
	/* Those made in earlier generations have a buffer. */
	if (w->nbatches == w->made)
		w->batches[w->made++] = (struct etr__wbatch){ .buf = NULL };
	w->batches[w->nbatches].m = m;
	w->batches[w->nbatches].n = 0;
	return &w->batches[w->nbatches++];
}

/* Whether an event has such arguments, and the generation what they name. */
static int check_event(struct etr_writer *w, int type, const uint64_t *args, unsigned nargs)
{
	const struct wire_spec *spec;

	if (type < 0 || type > 255 || !wire_is_timed((uint8_t)type))
		return etr__writer_refuse(w, "%d is not the type of a timed event", type);
	spec = &wire_specs[type];
	if (nargs + 1u != spec->nargs)
		return etr__writer_refuse(w, "%s with %u arguments, where it has %u", spec->name, nargs, spec->nargs - 1u);
	for (unsigned i = 0; i < nargs; i++) {
		uint8_t role = spec->args[i + 1].role;

		if (role == WIRE_ROLE_STRING && args[i] > w->strings.n)
			return etr__writer_refuse(w, "%s names string %" PRIu64 ", which this generation does not have", spec->name, args[i]);
		if (role == WIRE_ROLE_STACK && args[i] > w->stacks.n)
			return etr__writer_refuse(w, "%s names stack %" PRIu64 ", which this generation does not have", spec->name, args[i]);
		/* Both kinds of status have four.  Go's reader takes some others, and then panics when it is asked. */
		if (role == WIRE_ROLE_STATUS && (args[i] < WIRE_G_RUNNABLE || args[i] > WIRE_G_WAITING))
			return etr__writer_refuse(w, "%s with status %" PRIu64 ", which does not exist", spec->name, args[i]);
	}
	return 0;
}

int etr_writer_event(struct etr_writer *w, uint64_t m, int type, uint64_t time, const uint64_t *args, unsigned nargs)
{
	struct etr__wbatch *b;
	uint8_t *p;
	int rc = etr__writer_check_open(w);

	if (rc == 0)
		rc = check_event(w, type, args, nargs);
	if (rc < 0)
		return rc;
	b = batch_of(w, m);
	if (!b)
		return etr__writer_nomem(w);
	/* Time cannot go backwards inside a batch, nor so far forward that a dt would be rounded. */
	if (b->n && (time < b->last || (time - b->last) >> 53) && flush(w, b) < 0)
		return w->fault.code;
	p = room(w, b, MAX_EVENT);
	if (!p)
		return w->fault.code;
	if (b->n == 0)
		b->time = b->last = base_time(w, time);
	*p++ = (uint8_t)type;
	p = wire_put_varint(p, time - b->last);
	for (unsigned i = 0; i < nargs; i++)
		p = wire_put_varint(p, args[i]);
	b->n = (size_t)(p - b->buf);
	b->last = time;
	return 0;
}

int etr_writer_cpu_sample(struct etr_writer *w, uint64_t time, uint64_t m, uint64_t p, uint64_t g, uint64_t stack)
{
	const uint64_t args[] = { time, m, p, g, stack };
	struct etr__wbatch *b = &w->samples;
	uint8_t *to;
	int rc = etr__writer_check_open(w);

	if (rc == 0 && stack > w->stacks.n)
		rc = etr__writer_refuse(w, "a sample names stack %" PRIu64 ", which this generation does not have", stack);
	if (rc < 0)
		return rc;
	to = room(w, b, 1 + MAX_EVENT);
	if (!to)
		return w->fault.code;
	if (b->n == 0) {
		b->time = base_time(w, w->time);
		*to++ = WIRE_CPU_SAMPLES;
	}
	*to++ = WIRE_CPU_SAMPLE;
	for (int i = 0; i < 5; i++)
		to = wire_put_varint(to, args[i]);
	b->n = (size_t)(to - b->buf);
	return 0;
}

int etr_writer_experimental_batch(struct etr_writer *w, int experiment, uint64_t m, const void *data, size_t size)
{
	uint8_t header[1 + WIRE_BATCH_HEADER_MAX];
	size_t n;
	int rc = etr__writer_check_open(w);

	if (rc < 0)
		return rc;
	if (w->version < 23)
		return etr__writer_refuse(w, "experimental batches in a trace of version 1.%d", w->version);
	if (experiment < 1 || experiment > 255)
		return etr__writer_refuse(w, "%d is not the number of an experiment", experiment);
	if (size > WIRE_MAX_BATCH_SIZE)
		return etr__writer_refuse(w, "an experimental batch of %zu bytes", size);
	/* The header of other batches, but for its first byte. */
	n = (size_t)(wire_put_batch_header(header + 1, w->gen, m, base_time(w, w->time), size) - header);
	header[0] = WIRE_EXPERIMENTAL_BATCH;
	header[1] = (uint8_t)experiment;
	rc = leave(w, header, n);
	return rc < 0 || !size ? rc : leave(w, data, size);
}

/* A table leaves as batches that begin with byte `head` and have entries of type `type`. */
static int flush_table(struct etr_writer *w, const struct etr__wtable *t, uint8_t head, uint8_t type)
{
	struct etr__wbatch b = { .m = WIRE_NO_M, .time = base_time(w, w->time) };

	for (const struct etr__wentry *e = t->first; e; e = e->next) {
		uint8_t *p = room(w, &b, 2 + 2 * WIRE_VARINT_MAX + e->len);

		if (!p)
			break;
		if (b.n == 0)
			*p++ = head;
		*p++ = type;
		p = wire_put_varint(p, e->id);
		p = wire_put_varint(p, type == WIRE_STACK ? e->count : e->len);
		memcpy(p, e + 1, e->len);
		b.n = (size_t)(p + e->len - b.buf);
	}
	if (w->fault.code == 0)
		flush(w, &b);
	free(b.buf);
	return w->fault.code;
}

static int flush_sync(struct etr_writer *w)
{
	uint8_t bytes[3 + 5 * WIRE_VARINT_MAX], *p = bytes;
	struct etr__wbatch b = { .m = WIRE_NO_M, .time = base_time(w, w->time), .buf = bytes };

	if (w->version >= VERSION_CLOCKS)
		*p++ = WIRE_SYNC;
	*p++ = WIRE_FREQUENCY;
	p = wire_put_varint(p, w->frequency);
	if (w->version >= VERSION_CLOCKS) {
		*p++ = WIRE_CLOCK_SNAPSHOT;
		p = wire_put_varint(p, w->time - b.time);
		p = wire_put_varint(p, w->mono);
		p = wire_put_varint(p, w->sec);
		p = wire_put_varint(p, w->nsec);
	}
	b.n = (size_t)(p - bytes);
	return flush(w, &b);
}

/* Has the held generation read, and hands it out. */
static int release(struct etr_writer *w)
{
	struct etr__fault why;
	int rc = etr__verify_generation(w->verifier, w->held, w->nheld, &why);

	if (rc < 0)
		return etr__fault_set(&w->fault, -rc, w->handed + why.offset, "generation %" PRIu64 " is refused: %s", w->gen,
				      why.message);
	rc = hand_out(w, w->held, w->nheld);
	w->nheld = 0;
	return rc;
}

int etr_writer_end_generation(struct etr_writer *w)
{
	static const uint8_t end = WIRE_END_OF_GENERATION;
	int rc = etr__writer_check_open(w);

	for (size_t i = 0; rc == 0 && i < w->nbatches; i++)
		rc = flush(w, &w->batches[i]);
	if (rc == 0)
		rc = flush_table(w, &w->strings, WIRE_STRINGS, WIRE_STRING);
	if (rc == 0)
		rc = flush_table(w, &w->stacks, WIRE_STACKS, WIRE_STACK);
	if (rc == 0)
		rc = flush(w, &w->samples);
	if (rc == 0)
		rc = flush_sync(w);
	if (rc == 0 && w->version >= VERSION_END)
		rc = leave(w, &end, 1);
	if (rc == 0 && !w->unverified)
		rc = release(w);
	if (rc < 0)
		return rc;
	etr__writer_tables_clear(w);
	etr__idmap_clear(&w->by_m);
	w->nbatches = 0;
	w->open = false;
	return 0;
}
