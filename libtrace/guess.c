/* SPDX-License-Identifier: BSD-3-Clause
 *
 * guess.c - orders a generation without knowing what came before it.
 *
 * Every generation tells the state of each G and P in it before it is used, as the first one does.  So one is ordered as if it
 * were the first, with an empty model, and notes are taken of what the true model would have been asked.  guesscheck.c then
 * compares with the true model: where all answers are as supposed, every decision was the true one, and the events are the true
 * ones but for what is filled in.  Where one is not, or the ordering meets a fault, nothing of it is used.  All that crosses from
 * one generation to the next, what the first generation's rules make of it, and what is required (R) or filled in (F):
 *
 *   sequence numbers	Start anew with a status; those of another generation never fit.  R: the generation's number is above all
 *			before it.
 *   first_gen		R: an earlier generation has had events.  Where a rule looks at it, see below.
 *   G, known		A status of an unknown G makes it known.  R: it was known with that status, and is told so once.  F: `from`.
 *			Creating one: R: it was unknown.  Others wait for a G that is unknown, as for one that has not been told.
 *   G -1		Means both none and that one.  R: there is none.  Ids that ETR__INHERITED uses make the ordering fail, too.
 *   P, known		Likewise.  R: it was unknown, or had that status.  F: `from`.  (An abandoned P that was in a syscall fails.)
 *   M's G, M's P	An M begins with neither, but gid and pid say ETR__INHERITED.  F: contexts that show it.  The rules that let
 *			an M pass for having none (GoStart, GoCreateSyscall, GoCreate, ProcStart, GoSyscallEndBlocked,
 *			GoDestroySyscall) show it in the context, too.  R: it had none.  Rules that need one fail without.
 *			A G in a syscall: R: its thread had it.  F: the context.  (Any later one of such a G fails.)
 *   M, known		Whom a P is stolen from, whose G is in a syscall: see there.  Rules that look for one fail without.
 *   order of ms[]	Only for an abandoned P, which fails.  Adopting adds new ones in the order in which they came up.
 *   ranges of a G	Told or begun.  R: the first was told: exactly a mark assist was open; begun: nothing was.  (Telling of a
 *			later one fails.)
 *   sweep of a P	Likewise.
 *   collector		Likewise.  R: the state and number that the first event needs, and its context.
 *   regions of a G	One that ends when none is open: R: at that depth this one was open, or none.
 *   tasks		Beginning: R: it was unknown.  Ending an unknown one: F: parent and name.
 *   names		Texts.  Adopting finds or makes those of open tasks and regions.
 *   last time		Times increase from nothing.  A time is the larger of the event's own and one more than the one
 *			before, so making the result increase from the true last time gives the true times.  R: no time is close to
 *			where an int64 ends.
 *   counts		Added up.
 */
#include "libtrace/guess.h"

#include <stdlib.h>
#include <string.h>

#include "libtrace/growth.h"

#define PUSH(guess, list, ...)                                                                                                   \
	do {                                                                                                                     \
		if (etr__grow(&(list).items, &(list).cap, (list).n + 1) != 0)                                                    \
			(guess)->failed = true;                                                                                  \
		else                                                                                                             \
			(list).items[(list).n++] = __VA_ARGS__;                                                                  \
	} while (0)

void etr__guess_init(struct etr__guess *guess, struct etr__log_pool *pool)
{
	memset(guess, 0, sizeof(*guess));
	guess->log.pool = pool;
	etr__order_init(&guess->order, &guess->fault);
	etr__hash_init(&guess->first_range);
	etr__hash_init(&guess->popped);
}

void etr__guess_free(struct etr__guess *guess)
{
	etr__order_free(&guess->order);
	etr__log_clear(&guess->log);
	etr__hash_free(&guess->first_range);
	etr__hash_free(&guess->popped);
	free(guess->told.items);
	free(guess->created.items);
	free(guess->tasks.items);
	free(guess->without_g.items);
	free(guess->without_p.items);
	free(guess->pops.items);
	free(guess->ranges.items);
	free(guess->sweeps.items);
	free(guess->notes.items);
}

static void clear(struct etr__guess *guess)
{
	etr__order_free(&guess->order);
	etr__order_init(&guess->order, &guess->fault);
	guess->order.guess = guess;
	guess->order.last_time = INT64_MIN;
	guess->order.model.inherits = true;
	memset(&guess->fault, 0, sizeof(guess->fault));
	etr__log_clear(&guess->log);
	etr__hash_clear(&guess->first_range);
	etr__hash_clear(&guess->popped);
	guess->failed = false;
	guess->told.n = guess->created.n = guess->tasks.n = guess->without_g.n = guess->without_p.n = 0;
	guess->pops.n = guess->ranges.n = guess->sweeps.n = guess->notes.n = 0;
	guess->gc_first = 0;
	guess->ngc = 0;
}

void etr__guess_pop(struct etr__guess *guess, int64_t g, uint64_t task, etr_string_id name)
{
	uint64_t depth = etr__hash_get(&guess->popped, (uint64_t)g);

	if (depth)
		etr__hash_del(&guess->popped, (uint64_t)g);
	if (etr__hash_put(&guess->popped, (uint64_t)g, depth + 1) != 0)
		guess->failed = true;
	PUSH(guess, guess->pops, (struct etr__pop){ g, task, depth, name });
}

void etr__guess_task(struct etr__guess *guess, uint64_t id)
{
	PUSH(guess, guess->tasks, id);
}

void etr__guess_created(struct etr__guess *guess, int64_t g)
{
	PUSH(guess, guess->created, g);
}

/* Not the first.  It may be told behind its end, which a first generation may. */
static void told_again(struct etr__guess *guess, const struct etr_event *ev)
{
	if (ev->kind == ETR_KIND_RANGE_ACTIVE)
		guess->failed = true;
}

/* The first range on a G, or the first sweep of a P. */
static void note_range(struct etr__guess *guess, const struct etr_event *ev)
{
	struct etr__first first = { ev->u.range.id, ev->kind };
	struct etr__g *g;
	struct etr__p *p;

	if (ev->resource == ETR_RESOURCE_GOROUTINE) {
		if (etr__hash_get(&guess->first_range, (uint64_t)first.id)) {
			told_again(guess, ev);
			return;
		}
		if (etr__hash_put(&guess->first_range, (uint64_t)first.id, 1) != 0)
			guess->failed = true;
		PUSH(guess, guess->ranges, first);
		g = etr__model_g(&guess->order.model, first.id);
		if (g)
			g->range_noted = true;
		return;
	}
	p = etr__model_p(&guess->order.model, first.id);
	if (!p)
		return;
	if (p->sweep_noted) {
		told_again(guess, ev);
		return;
	}
	p->sweep_noted = true;
	PUSH(guess, guess->sweeps, first);
}

static void note_collector(struct etr__guess *guess, const struct etr_event *ev)
{
	if (guess->ngc++)
		return;
	guess->gc_first = ev->kind;
	/* The collector's first event ever needs no context, others do. */
	if (ev->m == -1 || ev->p == -1 || ev->g == -1 || etr__is_inherited(ev->p) || etr__is_inherited(ev->g))
		guess->failed = true;
}

/* A G or P is told of for the first time, or created. */
static void note_new(struct etr__guess *guess, struct etr_event *ev)
{
	static const uint8_t status_of[] = {
		[ETR_STATE_RUNNABLE] = WIRE_G_RUNNABLE,
		[ETR_STATE_RUNNING] = WIRE_G_RUNNING,
		[ETR_STATE_SYSCALL] = WIRE_G_SYSCALL,
		[ETR_STATE_WAITING] = WIRE_G_WAITING,
	};
	int64_t id = ev->u.transition.id;

	if (id == -1 || etr__is_inherited(id)) {
		guess->failed = true;
	} else if (ev->resource == ETR_RESOURCE_PROC) {
		PUSH(guess, guess->notes, (struct etr__note){ ETR__NOTE_PROC, ev });
	} else if (ev->from == ETR_STATE_NOT_EXIST) {
		etr__guess_created(guess, id);
	} else {
		PUSH(guess, guess->told, (struct etr__told){ id, status_of[ev->to] });
		ev->from = ev->to;
		if (ev->to == ETR_STATE_SYSCALL)
			PUSH(guess, guess->notes, (struct etr__note){ ETR__NOTE_SYSCALL, ev });
	}
}

/* The context is inherited, in part at least; which rules have taken that for having none is seen by what happened. */
static void note_context(struct etr__guess *guess, struct etr_event *ev)
{
	bool on_g = ev->resource == ETR_RESOURCE_GOROUTINE, no_g = false, no_p = false;

	PUSH(guess, guess->notes, (struct etr__note){ ETR__NOTE_CONTEXT, ev });
	if (ev->kind != ETR_KIND_STATE_TRANSITION || ev->from == ev->to || ev->from == ETR_STATE_UNDETERMINED)
		return;
	if (on_g)
		/* It is created, or starts. */
		no_g = ev->from == ETR_STATE_NOT_EXIST || ev->to == ETR_STATE_RUNNING;
	else
		no_p = ev->to == ETR_STATE_RUNNING;
	/* Its syscall ends without a P. */
	if (on_g && ev->from == ETR_STATE_SYSCALL)
		no_p = true;
	if (no_g && etr__is_inherited(ev->g))
		PUSH(guess, guess->without_g, (uint32_t)(ev->g - ETR__INHERITED));
	if (no_p && etr__is_inherited(ev->p))
		PUSH(guess, guess->without_p, (uint32_t)(ev->p - ETR__INHERITED));
}

/* An event that the log keeps whole, which is every one of which there is something to note. */
static void note(struct etr__guess *guess, struct etr_event *ev)
{
	switch (ev->kind) {
	case ETR_KIND_STACK_SAMPLE:
		/* Its context is its own. */
		return;
	case ETR_KIND_RANGE_BEGIN:
	case ETR_KIND_RANGE_ACTIVE:
	case ETR_KIND_RANGE_END:
		if (ev->resource == ETR_RESOURCE_NONE)
			note_collector(guess, ev);
		else
			note_range(guess, ev);
		break;
	case ETR_KIND_TASK_END:
		/* One that has neither may be known; then it is not found elsewhere. */
		if (ev->u.task.parent == ETR_NO_TASK && ev->u.task.type == 0)
			PUSH(guess, guess->notes, (struct etr__note){ ETR__NOTE_TASK, ev });
		break;
	}
	if (etr__is_inherited(ev->g) || etr__is_inherited(ev->p))
		note_context(guess, ev);
	if (ev->kind == ETR_KIND_STATE_TRANSITION && ev->from <= ETR_STATE_NOT_EXIST)
		note_new(guess, ev);
}

static bool is_odd_time(int64_t time)
{
	return time < 0 || time >= ETR__TIME_END;
}

/* Orders one event by the rules.  1, 0 at the end, or a negative code. */
static int order_one(struct etr__guess *guess)
{
	struct etr_event ev, *kept;
	int rc = etr__order_one(&guess->order, &ev);

	if (rc <= 0)
		return rc;
	if (is_odd_time(ev.time) || etr__log_add(&guess->log, &ev, &kept) != 0)
		guess->failed = true;
	else if (kept)
		note(guess, kept);
	return 1;
}

/* Orders what is usual into the log, as etr__order_log(). */
static void order_many(struct etr__guess *guess)
{
	etr__order_log(&guess->order, &guess->log);
	if (is_odd_time(guess->order.last_time))
		guess->failed = true;
}

void etr__guess_run(struct etr__guess *guess, struct etr__generation *g, struct etr__blocks *blocks, const bool *stop)
{
	int rc;

	clear(guess);
	guess->order.blocks = blocks;
	g->frontier.fault = &guess->fault;
	rc = etr__order_begin(&guess->order, g);
	if (rc == 0)
		rc = 1;
	while (rc > 0 && !guess->failed && !__atomic_load_n(stop, __ATOMIC_RELAXED)) {
		rc = order_one(guess);
		if (rc > 0)
			order_many(guess);
	}
	if (rc != 0)
		guess->failed = true;
	etr__frontier_release(&g->frontier);
	guess->order.now = NULL;
	/* They are in this model, which is not the one that the generation belongs to in the end. */
	for (size_t i = 0; i < g->tables.nstrings; i++)
		g->tables.strings[i].name = NULL;
}

void etr__guess_undo(struct etr__generation *g)
{
	etr__frontier_rewind(&g->frontier);
	g->tables.next_sample = 0;
}
