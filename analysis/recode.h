/* SPDX-License-Identifier: BSD-3-Clause
 *
 * recode.h - delivered events made wire events again, so that a reader delivers the same ones.
 *
 * A recoder writes one slice of a trace.  Its clock counts nanoseconds and its times are the delivered ones, which strictly
 * increase: so readers take the events in this order and no other, and never have to wait for one.
 */
#ifndef ANALYSIS_RECODE_H
#define ANALYSIS_RECODE_H

#include <stdbool.h>
#include <stdint.h>

#include <exectrace/reader.h>
#include <exectrace/writer.h>

#include "analysis/world.h"

#define AN_NO_THREAD (-1)

/* What a text of the trace is. */
enum an_text_kind { AN_TEXT_FUNCTION, AN_TEXT_FILE, AN_TEXT_USER, AN_TEXT_REASON, AN_TEXT_KINDS };

/*
 * Another text in place of one; lives until the next call.  NULL when out of memory.  len is in and out.
 */
struct an_renamer {
	const char *(*rename)(void *ctx, enum an_text_kind kind, const char *text, size_t *len);
	/* A whole note of the recorder, "exectrace:WORD ...".  Likewise; *len = 0 leaves it out. */
	const char *(*rename_note)(void *ctx, const char *note, size_t *len);
	void *ctx;
};

/* A range of the beginning whose active event may yet come of its own accord. */
struct an_pending_range {
	uint8_t resource;
	int64_t id;
	int64_t time;		/* where the slice says that it is active */
	bool came;
};

/* A goroutine or processor of the first generation that is silent in the slice. */
struct an_late_status {
	uint8_t resource, state;
	int64_t id, m;
};

struct an_recoder {
	struct an_world *world;
	struct etr_reader *reader;
	struct etr_writer *writer;
	const struct an_renamer *renamer;	/* NULL for none */
	int version;
	int failed;			/* a negative code that stays */

	uint64_t *serial;		/* counts the generations of all slices of a world */
	uint64_t generation;		/* the present one's */
	bool in_generation, first_generation;
	bool ended;			/* its window has: what threads hold back is another slice's */
	bool tells_end;			/* before it was told to, which is noted */
	int64_t from;			/* the window's beginning */
	bool no_thread_used;		/* an event that is later than what waits has no thread */
	int64_t last_time;		/* of what was written last */
	uint64_t gc_seq;
	uint64_t events;		/* of the window, Syncs apart */

	struct etr_event held[2];	/* what may be the beginning of one wire event that tells several things */
	unsigned nheld;

	struct an_pending_range *pending;
	size_t npending, pending_cap;
	struct an_late_status *late;
	size_t nlate, late_cap;

	/* The reader's ids -> the writer's plus one, in this generation; 0: not used yet. */
	uint32_t *strings[AN_TEXT_KINDS], *stacks;
	size_t strings_cap[AN_TEXT_KINDS], stacks_cap;
};

/* serial: a number that all recoders of a world share, 0 at first.  Frees with an_recoder_free(). */
void an_recoder_init(struct an_recoder *rec, struct an_world *world, uint64_t *serial, int version,
		     const struct an_renamer *renamer);
void an_recoder_free(struct an_recoder *rec);

/*
 * The functions below return 0 or a negative code, which stays: -ETR_E_NOMEM, or what the writer said.
 *
 * Begins a slice at `from`, as the world is before the events from then on.  The writer must be new, with 10^9 units a second, and
 * stays the caller's.
 */
int an_recoder_begin(struct an_recoder *rec, struct etr_writer *writer, int64_t from, int64_t to);

/* Takes an event of the window; to be called before the world takes it. */
int an_recoder_event(struct an_recoder *rec, const struct etr_event *event);

/* The window has ended.  What the trace's first generation has yet to say comes by an_recoder_late(). */
int an_recoder_end_window(struct an_recoder *rec);
int an_recoder_late(struct an_recoder *rec, const struct etr_event *event);

/* Behind the window it has turned out in which function a goroutine started that lived in it. */
int an_recoder_learn(struct an_recoder *rec, int64_t g, const char *function, size_t len);

/* Completes the slice, which ends at `to`. */
int an_recoder_finish(struct an_recoder *rec, int64_t to);

/* The rest is shared by the files of the recoder. */

/* Writes an event of thread m, and what this thread held back before it. */
int an__emit(struct an_recoder *rec, int64_t m, int type, int64_t time, const uint64_t *args, unsigned nargs);
/* Writes the status of a processor that was held back on m. */
int an__emit_held(struct an_recoder *rec, struct an_m *m, bool in_syscall);
void an__emit_all_held(struct an_recoder *rec);
int an__recode_fail(struct an_recoder *rec, int code);
/* Opens and closes generations of the slice. */
int an__generation_begin(struct an_recoder *rec, int64_t time);
int an__generation_end(struct an_recoder *rec);

/* The writer's ids, in this generation; 0 also when it has failed. */
uint64_t an__recode_string(struct an_recoder *rec, enum an_text_kind kind, etr_string_id id);
uint64_t an__recode_text(struct an_recoder *rec, enum an_text_kind kind, const char *text, size_t len);
uint64_t an__recode_stack(struct an_recoder *rec, etr_stack_id id);
uint64_t an__recode_known_stack(struct an_recoder *rec, an_stack_id id);
void an__recode_forget_ids(struct an_recoder *rec);

/* The data of experiments in the reader's generation. */
int an__carry_experimental(struct an_recoder *rec);

/* Notes: those of the reader's generation, whole ones if it begins in the slice; the window; what lies before it. */
int an__carry_notes(struct an_recoder *rec, bool whole);
int an__carry_window(struct an_recoder *rec, int64_t from, int64_t to);
int an__carry_past(struct an_recoder *rec);

static inline uint64_t an__gstatus(uint8_t state)
{
	return state == ETR_STATE_RUNNABLE ? 1 : state == ETR_STATE_RUNNING ? 2 : state == ETR_STATE_SYSCALL ? 3 :
	       state == ETR_STATE_WAITING  ? 4 : 0;
}

/* Makes a count one of the present generation, and gives the next number of it. */
static inline uint64_t an__next(const struct an_recoder *rec, struct an_count *count)
{
	if (count->generation != rec->generation)
		*count = (struct an_count){ rec->generation, 0 };
	return ++count->n;
}

static inline void an__restart(const struct an_recoder *rec, struct an_count *count)
{
	*count = (struct an_count){ rec->generation, 0 };
}

#endif
