/* SPDX-License-Identifier: BSD-3-Clause
 *
 * staged.h - events that are decoded and wait for their turn (faststage.h).
 *
 * A stage holds the next events of one thread, and behind them a last record, which is no event: where the thread goes on, and when.  What
 * is staged stays right as long as its thread is where it was left: it depends on the thread's own events and on the generation's tables, and
 * of goroutines only on where they are in memory.  One that has been removed since has another id, or is forgotten.  What else it takes
 * for granted of goroutines and of the thread's P is asked for again when it is carried out.
 *
 * While there are events staged a cursor and its thread are behind: they are as before the first of what is staged and was delivered since.
 * etr__staged_sync() brings them up to date; whoever looks at cursors or at what threads have calls it before, the fast loop apart, which
 * takes one thread after the other and drops its stage.  A generation ends with nothing behind: its last events are never staged; where it
 * is left before that, so is its model.
 */
#ifndef LIBTRACE_STAGED_H
#define LIBTRACE_STAGED_H

#include "libtrace/order.h"

#define ETR__STAGED 32		/* events of a thread */
#define ETR__STAGES 64		/* threads; if more take turns, stages change hands */

struct etr__staged {
	int64_t time, g_id;	/* and the thread's goroutine before it; the first four words lie as the event's do */
	uint64_t head;		/* kind to stack */
	int64_t id;		/* of the transition, and of g if that is still the same one; of one that comes into being g has another */
	uint64_t tail;		/* reason and stack */
	struct etr__g *g;	/* whose state changes */
	uint64_t no;		/* the next number of g behind it */
	const uint8_t *at;	/* its type byte */
	uint64_t p_no;		/* the next number of the thread's P before it, */
	uint8_t p_status;	/* and its status then */
	uint32_t more;		/* what it adds to the order's usual[] */
};

/* The id of what is no event: its g is etr__no_g, which has another. */
#define ETR__NOT_STAGED INT64_MIN

struct etr__stage {
	struct etr__cursor *c;	/* whose; NULL: nobody's */
	uint32_t batch;		/* its cursor's, then */
	struct etr__staged *end;	/* the last record */
	struct etr__staged r[ETR__STAGED + 1];
};

struct etr__stages {
	bool synced;		/* cursors and threads are up to date */
	unsigned next;		/* the one to be taken from its thread next */
	const struct etr__cursor *last[2];	/* whose stages were filled again last */
	int pair, vain;		/* how often only these; how often little of a stage was delivered, less how often not */
	struct etr__stage stage[ETR__STAGES];
};

/* Readies what is staged: what is not right any more is dropped.  False when out of memory. */
bool etr__staged_begin(struct etr__order *o, bool packed);

/* A stage for a cursor that has none. */
struct etr__stage *etr__staged_take(struct etr__order *o, struct etr__cursor *c);

/* The cursor's stage was filled.  False: this is no crowd, all are up to date and none has a stage. */
bool etr__staged_filled(struct etr__order *o, struct etr__cursor *c);

/* All of the cursor's stage was delivered: brings it and its thread up to date. */
void etr__staged_used_up(struct etr__order *o, struct etr__cursor *c);

/* Brings the cursor and its thread up to date, and takes its stage away. */
void etr__staged_drop(struct etr__order *o, struct etr__cursor *c);

/* Brings all up to date. */
void etr__staged_sync(struct etr__order *o);

/* Another generation begins: its cursors have no stages. */
void etr__staged_forget(struct etr__order *o);

void etr__staged_free(struct etr__order *o);

#endif
