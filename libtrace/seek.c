/* SPDX-License-Identifier: BSD-3-Clause
 *
 * seek.c - goes to a generation by its number or by a time.
 *
 * No index is kept beside the file: batch headers stand at most 64 KiB apart, and a thousand of them are read in a few
 * milliseconds, while a file with an index could be out of date.  Compressed input has one, the seek table.  It knows no
 * generations; where frames begin with a batch, the first batch's number and time tell what frames hold, and a search
 * over the frames unpacks the beginnings of few.  The place that is taken is always found by going over headers from a frame
 * of an earlier generation, so that frames which were cut otherwise do no harm.
 */
#include <stdlib.h>
#include <string.h>

#include "libtrace/ahead.h"
#include "libtrace/extents.h"
#include "libtrace/readerimpl.h"
#include "wire/header.h"

/* Batches of a frame that are looked at for the clock; the recorder's first one has it. */
#define LOOK_MAX 1000

struct look {
	uint64_t gen;
	int64_t time;		/* not before the generation's Sync; INT64_MIN: unknown */
};

/* Where a frame's first batch begins, which for the first frame is behind the file header. */
static uint64_t batch_of_frame(const struct etr__zframe *frames, size_t i)
{
	return frames[i].out < WIRE_HEADER_SIZE ? WIRE_HEADER_SIZE : frames[i].out;
}

/* What the beginning of frame i tells.  False: no batch begins there. */
static bool look_into(struct etr_reader *r, const struct etr__zframe *frames, size_t i, bool want_time, struct look *look)
{
	uint64_t off = batch_of_frame(frames, i);
	struct etr__fault fault = { 0 };
	struct etr__scan s;
	bool found;

	etr__input_seek(&r->in, off);
	etr__scan_begin(&s, &r->in, r->version, off, &fault);
	found = etr__scan_step(&s) == 1 && s.any_batch;
	look->gen = s.now.generation;
	look->time = INT64_MIN;
	for (int n = 0; found && want_time && s.clock.ns_per_unit == 0 && s.n == 0 && n < LOOK_MAX; n++)
		if (etr__scan_step(&s) <= 0)
			break;
	if (s.clock.ns_per_unit != 0)
		look->time = etr__units_to_ns(s.clock.ns_per_unit, s.min_time);
	free(s.extents);
	return found;
}

/*
 * The offset of the last frame whose first batch is of an earlier generation than gen, or, where by_time, whose time is not
 * after ns (*gen is then set to its number).  The beginning where there is none, or frames do not tell.
 */
static uint64_t search_frames(struct etr_reader *r, bool by_time, int64_t ns, uint64_t *gen)
{
	size_t n, lo = 0;
	const struct etr__zframe *frames = r->in.unzip ? etr__unzip_frames(r->in.unzip, &r->in, &n) : NULL;
	uint64_t off = WIRE_HEADER_SIZE;

	if (!frames)
		return off;
	for (size_t hi = n; lo < hi;) {
		size_t mid = lo + (hi - lo) / 2;
		struct look look;

		if (!look_into(r, frames, mid, by_time, &look) || (by_time && look.time == INT64_MIN))
			return WIRE_HEADER_SIZE;
		/* Reading on may have found the table wrong. */
		frames = etr__unzip_frames(r->in.unzip, &r->in, &n);
		if (!frames)
			return WIRE_HEADER_SIZE;
		if (by_time ? look.time <= ns : look.gen < *gen) {
			off = batch_of_frame(frames, mid);
			if (by_time)
				*gen = look.gen;
			lo = mid + 1;
		} else {
			hi = mid;
		}
	}
	return off;
}

/* Goes over batch headers from off on until a generation begins that is wanted.  1 and *found, 0, or a negative code. */
static int find_generation(struct etr_reader *r, uint64_t off, uint64_t gen, uint64_t *found)
{
	struct etr__scan s;
	int rc;

	etr__input_seek(&r->in, off);
	etr__scan_begin(&s, &r->in, r->version, off, &r->fault);
	while ((rc = etr__scan_step(&s)) == 1)
		if (s.any_batch && s.now.generation == gen)
			break;
	*found = s.now.offset;
	free(s.extents);
	return rc;
}

/* The generation before the last that begins at or before ns.  1 and *found, 0, or a negative code. */
static int find_time(struct etr_reader *r, int64_t ns, uint64_t *found)
{
	struct etr__scan s;
	size_t i = 0;
	int rc;

	etr__input_seek(&r->in, WIRE_HEADER_SIZE);
	etr__scan_begin(&s, &r->in, r->version, WIRE_HEADER_SIZE, &r->fault);
	while ((rc = etr__scan_step(&s)) == 1)
		if (s.n && s.extents[s.n - 1].sync_ns > ns)
			break;
	while (i < s.n && s.extents[i].sync_ns <= ns)
		i++;
	/* What is over at the end counts even where damage follows: it may be the last one that is wanted. */
	if (s.n)
		*found = s.extents[i > 1 ? i - 2 : 0].offset;
	if (s.n && rc != -ETR_E_NOMEM)
		rc = 1;
	free(s.extents);
	return rc;
}

/* Where a generation begins, or from where on a time is had.  1 and *found, 0, or a negative code. */
static int place_generation(struct etr_reader *r, uint64_t generation, uint64_t *found)
{
	uint64_t off = search_frames(r, false, 0, &generation);

	return find_generation(r, off, generation, found);
}

static int place_time(struct etr_reader *r, int64_t ns, uint64_t *found)
{
	uint64_t gen = 0, off = search_frames(r, true, ns, &gen);
	int rc;

	if (gen <= 1 || off == WIRE_HEADER_SIZE)
		return find_time(r, ns, found);
	rc = place_generation(r, gen - 1, found);
	return rc == 1 ? 1 : place_generation(r, gen, found);
}

static int can_seek(const struct etr_reader *r)
{
	return r->opened && !r->unreadable && !r->no_header && etr__input_can_seek(&r->in);
}

/* Goes to what was found, or back to where the reader stood, with the fault that it had, or stays at what went wrong. */
static int settle(struct etr_reader *r, int rc, uint64_t found, const struct etr__fault *before)
{
	if (rc == 1) {
		etr__reader_restart(r, found);
		return 1;
	}
	/* Half a generation at the end of a file that grows is none so far. */
	if (rc == 0 || (r->in.follow && rc == -ETR_E_TRUNCATED)) {
		etr__input_seek(&r->in, r->scan_off);
		r->fault = *before;
		return 0;
	}
	r->nready = r->next_ready = 0;
	r->failed = true;
	return rc;
}

static int seek(struct etr_reader *r, bool by_time, int64_t ns, uint64_t generation)
{
	struct etr__fault before;
	uint64_t found = 0;
	int rc = -ETR_E_INVALID;

	etr__ahead_pause(r);
	before = r->fault;
	if (can_seek(r)) {
		rc = by_time ? place_time(r, ns, &found) : place_generation(r, generation, &found);
		rc = settle(r, rc, found, &before);
	}
	etr__ahead_resume(r);
	return rc;
}

int etr_reader_seek_generation(struct etr_reader *r, uint64_t generation)
{
	return seek(r, false, 0, generation);
}

int etr_reader_seek_time(struct etr_reader *r, int64_t ns)
{
	return seek(r, true, ns, 0);
}
