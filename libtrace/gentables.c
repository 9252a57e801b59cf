/* SPDX-License-Identifier: BSD-3-Clause
 *
 * gentables.c - builds a generation's strings and stacks from its batches, and looks things up in them.
 *
 * Strings may stand behind the stacks that use them, so frames are resolved when all batches have been read.
 */
#include "libtrace/gentables.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libtrace/growth.h"
#include "libtrace/gosort.h"
#include "wire/event.h"
#include "wire/varint.h"

static const char *const fixed_strings[ETR__STRING_FIXED_COUNT] = {
	[ETR__STRING_EMPTY] = "",
	[ETR__STRING_PROCS] = "/sched/gomaxprocs:threads",
	[ETR__STRING_HEAP] = "/memory/classes/heap/objects:bytes",
	[ETR__STRING_GOAL] = "/gc/heap/goal:bytes",
	[ETR__STRING_MARK] = "GC concurrent mark phase",
	[ETR__STRING_SWEEP] = "GC incremental sweep",
	[ETR__STRING_ASSIST] = "GC mark assist",
};

int etr__tables_init(struct etr__tables *t)
{
	memset(t, 0, sizeof(*t));
	etr__idmap_init(&t->string_ids);
	etr__idmap_init(&t->stack_ids);
	etr__hash_init(&t->place_of);
	if (etr__grow(&t->strings, &t->capstrings, ETR__STRING_FIXED_COUNT) != 0 || etr__grow(&t->stacks, &t->capstacks, 1) != 0)
		return -1;
	etr__tables_clear(t);
	return 0;
}

void etr__tables_free(struct etr__tables *t)
{
	etr__arena_free(&t->texts);
	etr__idmap_free(&t->string_ids);
	etr__idmap_free(&t->stack_ids);
	etr__hash_free(&t->place_of);
	free(t->strings);
	free(t->stacks);
	free(t->frames);
	free(t->places);
	free(t->samples);
	memset(t, 0, sizeof(*t));
}

void etr__tables_clear(struct etr__tables *t)
{
	etr__arena_clear(&t->texts);
	etr__idmap_clear(&t->string_ids);
	etr__idmap_clear(&t->stack_ids);
	etr__hash_clear(&t->place_of);
	for (size_t i = 0; i < ETR__STRING_FIXED_COUNT; i++)
		t->strings[i] = (struct etr__string){ .text = fixed_strings[i], .len = (uint32_t)strlen(fixed_strings[i]) };
	t->nstrings = ETR__STRING_FIXED_COUNT;
	t->stacks[0] = (struct etr__stack){ 0, 0 };
	t->nstacks = 1;
	t->nframes = t->nplaces = t->nsamples = t->next_sample = 0;
	t->ns_per_unit = 0;
	t->has_clock = false;
}

etr_string_id etr__tables_add_text(struct etr__tables *t, const char *text, size_t len)
{
	char *copy;

	if (t->nstrings >= UINT32_MAX || etr__grow(&t->strings, &t->capstrings, t->nstrings + 1) != 0)
		return 0;
	copy = etr__arena_alloc(&t->texts, len + 1);
	if (!copy)
		return 0;
	memcpy(copy, text, len);
	copy[len] = 0;
	t->strings[t->nstrings] = (struct etr__string){ .text = copy, .len = (uint32_t)len };
	return (etr_string_id)t->nstrings++;
}

etr_string_id etr__tables_stw_name(struct etr__tables *t, etr_string_id kind)
{
	char name[WIRE_MAX_STRING_SIZE + 32];
	size_t n;

	if (t->strings[kind].stw)
		return t->strings[kind].stw;
	/* Kinds may hold NUL bytes. */
	n = (size_t)snprintf(name, sizeof(name), "stop-the-world (");
	memcpy(name + n, t->strings[kind].text, t->strings[kind].len);
	n += t->strings[kind].len;
	name[n++] = ')';
	/* Not in one statement: adding may move the table. */
	etr_string_id id = etr__tables_add_text(t, name, n);

	t->strings[kind].stw = id;
	return id;
}

/* Reads along a piece; `at` is where the entry at hand begins. */
struct walk {
	const struct etr__piece *piece;
	const uint8_t *p, *end, *at;
};

static uint64_t walk_offset(const struct walk *w)
{
	return w->piece->offset + (uint64_t)(w->at - w->piece->p);
}

#define BAD(w, ...) etr__fault_set((w)->piece->fault, ETR_E_TABLE, walk_offset(w), __VA_ARGS__)

/* Ends the entry at hand and begins the next one, which must be of that type.  1, 0 at the end, negative code. */
static int walk_entry(struct walk *w, uint8_t type)
{
	w->piece->bytes[*w->at] += (uint64_t)(w->p - w->at);
	if (w->p == w->end)
		return 0;
	w->at = w->p;
	if (*w->p != type)
		return BAD(w, "byte %u where an entry of type %s begins", *w->p, wire_specs[type].name);
	w->p++;
	w->piece->counts[type]++;
	return 1;
}

static int walk_numbers(struct walk *w, uint64_t *v, int n)
{
	for (int i = 0; i < n; i++) {
		w->p = wire_get_varint(w->p, w->end, &v[i]);
		if (!w->p) {
			w->p = w->end;
			return BAD(w, "the table entry that begins here is cut off or has a number beyond 64 bits");
		}
	}
	return 0;
}

static struct walk walk_begin(const struct etr__piece *piece)
{
	piece->counts[piece->p[0]]++;
	return (struct walk){ piece, piece->p + 1, piece->p + piece->n, piece->p };
}

int etr__tables_add_strings(struct etr__tables *t, const struct etr__piece *piece)
{
	struct walk w = walk_begin(piece);
	int rc;

	while ((rc = walk_entry(&w, WIRE_STRING)) == 1) {
		uint64_t v[2];
		etr_string_id id;

		rc = walk_numbers(&w, v, 2);
		if (rc < 0)
			return rc;
		if (v[1] > WIRE_MAX_STRING_SIZE)
			return BAD(&w, "a string of %" PRIu64 " bytes, where %u are the most", v[1], WIRE_MAX_STRING_SIZE);
		if (v[1] > (size_t)(w.end - w.p))
			return BAD(&w, "the string of %" PRIu64 " bytes that begins here is cut off", v[1]);
		if (v[0] == 0 || etr__idmap_get(&t->string_ids, v[0]))
			return BAD(&w, "string id %" PRIu64 " is given twice", v[0]);
		id = etr__tables_add_text(t, (const char *)w.p, (size_t)v[1]);
		if (id == 0 || etr__idmap_put(&t->string_ids, v[0], id) != 0)
			return etr__fault_nomem(piece->fault);
		w.p += v[1];
	}
	return rc;
}

/* Adds a frame to the newest stack. */
static int add_frame(struct etr__tables *t, struct walk *w)
{
	uint64_t v[4], index;
	int rc = walk_numbers(w, v, 4);

	if (rc < 0)
		return rc;
	index = etr__hash_get(&t->place_of, v[0]);
	if (index == 0) {
		if (t->nplaces >= UINT32_MAX || etr__grow(&t->places, &t->capplaces, t->nplaces + 1) != 0 ||
		    etr__hash_put(&t->place_of, v[0], t->nplaces + 1) != 0)
			return etr__fault_nomem(w->piece->fault);
		t->places[t->nplaces++] = (struct etr__place){ v[0], v[1], v[2], v[3], walk_offset(w), 0, 0 };
		index = t->nplaces;
	}
	if (etr__grow(&t->frames, &t->capframes, t->nframes + 1) != 0)
		return etr__fault_nomem(w->piece->fault);
	t->frames[t->nframes++] = (struct etr_frame){ .pc = v[0], .func = (uint32_t)(index - 1) };
	return 0;
}

int etr__tables_add_stacks(struct etr__tables *t, const struct etr__piece *piece)
{
	struct walk w = walk_begin(piece);
	int rc;

	while ((rc = walk_entry(&w, WIRE_STACK)) == 1) {
		uint64_t v[2];

		rc = walk_numbers(&w, v, 2);
		if (rc < 0)
			return rc;
		if (v[1] > WIRE_MAX_FRAMES)
			return BAD(&w, "a stack of %" PRIu64 " frames, where %u are the most", v[1], WIRE_MAX_FRAMES);
		if (v[0] == 0 || etr__idmap_get(&t->stack_ids, v[0]))
			return BAD(&w, "stack id %" PRIu64 " is given twice", v[0]);
		if (t->nstacks >= UINT32_MAX || etr__grow(&t->stacks, &t->capstacks, t->nstacks + 1) != 0 ||
		    etr__idmap_put(&t->stack_ids, v[0], (uint32_t)t->nstacks) != 0)
			return etr__fault_nomem(piece->fault);
		t->stacks[t->nstacks++] = (struct etr__stack){ t->nframes, (uint32_t)v[1] };
		for (uint64_t i = 0; i < v[1]; i++) {
			rc = add_frame(t, &w);
			if (rc < 0)
				return rc;
		}
	}
	return rc;
}

int etr__tables_add_samples(struct etr__tables *t, const struct etr__piece *piece)
{
	struct walk w = walk_begin(piece);
	int rc;

	while ((rc = walk_entry(&w, WIRE_CPU_SAMPLE)) == 1) {
		uint64_t v[5];

		rc = walk_numbers(&w, v, 5);
		if (rc < 0)
			return rc;
		if (etr__grow(&t->samples, &t->capsamples, t->nsamples + 1) != 0)
			return etr__fault_nomem(piece->fault);
		t->samples[t->nsamples++] = (struct etr__sample){
			.time = (int64_t)v[0],
			.m = (int64_t)v[1],
			.p = (int64_t)v[2],
			.g = v[3] ? (int64_t)v[3] : -1,
			.stack = v[4],
		};
	}
	return rc;
}

static int add_clock(struct etr__tables *t, struct walk *w, uint64_t *time)
{
	uint64_t v[4];
	int rc;

	if (t->has_clock)
		return BAD(w, "a second clock snapshot");
	rc = walk_numbers(w, v, 4);
	if (rc < 0)
		return rc;
	t->has_clock = true;
	*time += v[0];
	t->clock_time = *time;
	t->clock_mono = v[1];
	t->clock_sec = v[2];
	t->clock_nsec = v[3];
	return 0;
}

static int add_frequency(struct etr__tables *t, struct walk *w)
{
	uint64_t freq;
	int rc;

	if (t->ns_per_unit != 0)
		return BAD(w, "a second frequency");
	rc = walk_numbers(w, &freq, 1);
	if (rc < 0)
		return rc;
	t->frequency = freq;
	t->ns_per_unit = 1.0 / ((double)freq / 1e9);
	return 0;
}

int etr__tables_add_sync(struct etr__tables *t, const struct etr__piece *piece, int version)
{
	struct walk w = { piece, piece->p, piece->p + piece->n, piece->p };
	uint64_t time = piece->time;

	if (version >= 25) {
		w = walk_begin(piece);
		piece->bytes[*w.at]++;
	}
	while (w.p < w.end) {
		uint8_t type = *w.p;
		int rc;

		w.at = w.p++;
		if (type != WIRE_FREQUENCY && (type != WIRE_CLOCK_SNAPSHOT || version < 25))
			return BAD(&w, "byte %u where a frequency or a clock snapshot begins", type);
		piece->counts[type]++;
		rc = type == WIRE_FREQUENCY ? add_frequency(t, &w) : add_clock(t, &w, &time);
		if (rc < 0)
			return rc;
		piece->bytes[type] += (uint64_t)(w.p - w.at);
	}
	return 0;
}

/* Gives every frame what the first frame with its pc says. */
static int resolve_frames(struct etr__tables *t, struct etr__fault *fault)
{
	for (size_t i = 0; i < t->nplaces; i++) {
		struct etr__place *pl = &t->places[i];

		if (!etr__tables_string(t, pl->func, &pl->func_id))
			return etr__fault_set(fault, ETR_E_TABLE, pl->offset, "a frame's function names the unknown string %" PRIu64,
					      pl->func);
		if (!etr__tables_string(t, pl->file, &pl->file_id))
			return etr__fault_set(fault, ETR_E_TABLE, pl->offset, "a frame's file names the unknown string %" PRIu64,
					      pl->file);
	}
	for (size_t i = 0; i < t->nframes; i++) {
		const struct etr__place *pl = &t->places[t->frames[i].func];

		t->frames[i] = (struct etr_frame){ pl->pc, pl->func_id, pl->file_id, pl->line };
	}
	return 0;
}

/* Makes ready to look ids up in the map's array alone.  0, or -1 when out of memory. */
static int settle(struct etr__idmap *map, struct etr__dense *of)
{
	static const uint32_t zero[1];

	if (etr__idmap_settle(map) != 0)
		return -1;
	*of = map->ndirect ? (struct etr__dense){ map->direct, map->ndirect } : (struct etr__dense){ zero, 1 };
	return 0;
}

static bool sample_is_before(const void *a, const void *b)
{
	return ((const struct etr__sample *)a)->time < ((const struct etr__sample *)b)->time;
}

int etr__tables_close(struct etr__tables *t, int version, uint64_t end, struct etr__fault *fault)
{
	int rc;

	if (t->ns_per_unit == 0)
		return etr__fault_set(fault, ETR_E_TABLE, end, "the generation that ends here has no frequency");
	if (version >= 25 && !t->has_clock)
		return etr__fault_set(fault, ETR_E_TABLE, end, "the generation that ends here has no clock snapshot");
	rc = resolve_frames(t, fault);
	if (rc < 0)
		return rc;
	if (settle(&t->string_ids, &t->string_of) != 0 || settle(&t->stack_ids, &t->stack_of) != 0)
		return etr__fault_nomem(fault);
	for (size_t i = 0; i < t->nsamples; i++)
		t->samples[i].time = etr__units_to_ns(t->ns_per_unit, (uint64_t)t->samples[i].time);
	etr__gosort(t->samples, t->nsamples, sizeof(*t->samples), sample_is_before);
	return 0;
}
