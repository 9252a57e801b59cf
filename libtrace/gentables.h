/* SPDX-License-Identifier: BSD-3-Clause
 *
 * gentables.h - a generation's strings, stacks, CPU samples and clock.
 *
 * Ids of the file are turned into dense ids, in the order of the entries; the first strings are the library's own.  Every
 * text and every stack lives until etr__tables_clear().
 */
#ifndef LIBTRACE_GENTABLES_H
#define LIBTRACE_GENTABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <exectrace/reader.h>

#include "libtrace/fault.h"
#include "libtrace/genarena.h"
#include "libtrace/idhash.h"

/* Dense ids of the strings that every generation has. */
enum etr__fixed_string {
	ETR__STRING_EMPTY,
	ETR__STRING_PROCS,
	ETR__STRING_HEAP,
	ETR__STRING_GOAL,
	ETR__STRING_MARK,
	ETR__STRING_SWEEP,
	ETR__STRING_ASSIST,
	ETR__STRING_FIXED_COUNT,
};

struct etr__name;

struct etr__string {
	const char *text;		/* NUL behind it */
	uint32_t len;
	etr_string_id stw;		/* the range name made from this kind; 0: not made yet */
	struct etr__name *name;		/* the same text among the names that outlive generations, a reference held; or NULL */
};

struct etr__stack {
	size_t first;			/* of its frames, in frames[] */
	uint32_t n;
};

struct etr__sample {
	int64_t time;			/* units while the tables are read, then ns */
	int64_t m, p, g;
	uint64_t stack;			/* the file's id */
};

/* Function, file and line of a pc; the first frame with a pc tells them for all. */
struct etr__place {
	uint64_t pc, func, file, line;	/* string ids of the file */
	uint64_t offset;		/* where the file says so */
	etr_string_id func_id, file_id;
};

/* Dense ids of the file's ids below n. */
struct etr__dense {
	const uint32_t *ids;
	uint64_t n;
};

struct etr__tables {
	struct etr__arena texts;
	struct etr__string *strings;
	size_t nstrings, capstrings;
	struct etr__idmap string_ids;	/* file id -> dense id */

	struct etr__stack *stacks;
	size_t nstacks, capstacks;
	struct etr__idmap stack_ids;	/* file id -> dense id */
	struct etr_frame *frames;	/* until the tables are closed, func is an index into places[] */
	size_t nframes, capframes;
	struct etr__place *places;
	size_t nplaces, capplaces;
	struct etr__hash place_of;	/* pc -> index into places[], plus one */

	/*
	 * Once the tables are closed: dense ids of the file's ids below n, those that are not dense apart.  0 means that there is none, or that it
	 * is not here; of id 0 it means the empty one.  Go's writer leaves ids out where two threads met the same stack at once.
	 */
	struct etr__dense string_of, stack_of;

	struct etr__sample *samples;
	size_t nsamples, capsamples, next_sample;

	double ns_per_unit;		/* 0: no frequency yet */
	uint64_t frequency;		/* units a second, as the file says */
	bool has_clock;
	uint64_t clock_time, clock_mono, clock_sec, clock_nsec;
};

/* 0, or -1 when out of memory. */
int etr__tables_init(struct etr__tables *t);
void etr__tables_free(struct etr__tables *t);

/* Back to the fixed strings and no more; the caller has let go of the strings' names. */
void etr__tables_clear(struct etr__tables *t);

/*
 * Add a batch's n bytes at p, which begin at offset in the file; counts are wire events by type byte, bytes what they take.  0, or a negative code
 * with the fault recorded.
 */
struct etr__piece {
	const uint8_t *p;
	size_t n;
	uint64_t offset;
	uint64_t time;		/* the batch's base time */
	uint64_t *counts, *bytes;
	struct etr__fault *fault;
};
int etr__tables_add_strings(struct etr__tables *t, const struct etr__piece *piece);
int etr__tables_add_stacks(struct etr__tables *t, const struct etr__piece *piece);
int etr__tables_add_samples(struct etr__tables *t, const struct etr__piece *piece);
int etr__tables_add_sync(struct etr__tables *t, const struct etr__piece *piece, int version);

/* When all is read: resolves frames, converts and sorts samples.  end is the file offset up to which there was something. */
int etr__tables_close(struct etr__tables *t, int version, uint64_t end, struct etr__fault *fault);

/* Adds a string of the library's making; 0 when out of memory. */
etr_string_id etr__tables_add_text(struct etr__tables *t, const char *text, size_t len);

/* "stop-the-world (KIND)"; 0 when out of memory. */
etr_string_id etr__tables_stw_name(struct etr__tables *t, etr_string_id kind);

/* The dense id of a string or stack of the file.  False where there is none. */
static inline bool etr__tables_find(const struct etr__idmap *map, uint64_t file_id, uint32_t *id)
{
	/* 0 is in no table and stands for the empty one. */
	if (__builtin_expect(file_id < map->ndirect, 1)) {
		*id = map->direct[file_id];
		if (*id != 0 || file_id == 0)
			return true;
	}
	*id = etr__idmap_get(map, file_id);
	return *id != 0 || file_id == 0;
}

static inline bool etr__tables_string(const struct etr__tables *t, uint64_t file_id, etr_string_id *id)
{
	return etr__tables_find(&t->string_ids, file_id, id);
}

static inline bool etr__tables_stack(const struct etr__tables *t, uint64_t file_id, etr_stack_id *id)
{
	return etr__tables_find(&t->stack_ids, file_id, id);
}

/* Clock units to ns as Go's reader computes it on amd64: what an int64 cannot hold becomes its minimum. */
static inline int64_t etr__units_to_ns(double ns_per_unit, uint64_t units)
{
	double ns = (double)units * ns_per_unit;

	if (__builtin_expect(ns >= -9223372036854775808.0 && ns < 9223372036854775808.0, 1))
		return (int64_t)ns;
	return INT64_MIN;
}

#endif
