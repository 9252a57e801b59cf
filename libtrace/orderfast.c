/* SPDX-License-Identifier: BSD-3-Clause
 *
 * orderfast.c - the usual event, fast.
 *
 * Nearly all events of a trace are of a dozen types, have small numbers and follow the rules.  For these, decoding and rule are fused
 * here: one loop (fastloop.h) runs along a thread for as long as its events are the earliest.  Whatever is not usual (an unusual type or
 * number, the end of a batch, an event that has to wait or breaks a rule) is left with nothing of that event done; the rules in
 * order-*.c, which are the truth about every event, then take it.  So a condition that is too strict here costs time and nothing
 * else; one that is too lax is a bug.
 *
 * An event may be delivered only if the next one of its thread can be decoded.
 *
 * Where many threads take turns the loop leaves it to faststage.h.  The two take turns themselves, in by_turns(): the loop does what cannot be
 * staged, of the thread whose turn it is, and goes to no other one while threads are a crowd.
 *
 * The loop is compiled six times: for events as they are delivered and for a log's packed ones, each for x86-64 processors with BMI2, whose
 * bit extraction suits all this well, once for clocks of whole nanoseconds, as Go's on Linux are, and once for any; and for others.
 */
#include "libtrace/order.h"

#include "libtrace/fastloop.h"
#include "libtrace/fastout.h"
#include "libtrace/faststage.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__

enum etr__path etr__order_best_path(void)
{
#ifdef __x86_64__
	/* The first two Zens have the instructions, but in microcode. */
	if (__builtin_cpu_supports("bmi2") && !__builtin_cpu_is("znver1") && !__builtin_cpu_is("znver2"))
		return ETR__PATH_LOOP_BMI2;
#endif
	return ETR__PATH_LOOP;
}

/* A loop, and the crowd's way, for events that go to `out`; log: the packed ones'. */
typedef int loop_fn(struct etr__order *o, struct out out, struct etr__log *log);
struct loops {
	loop_fn *run, *crowd;
};

#ifdef __x86_64__
#define BMI2 static __attribute__((target("bmi,bmi2,popcnt")))

BMI2 __attribute__((noinline)) size_t stage_bmi2(struct etr__order *o, struct etr__cursor *c)
{
	if (o->now->frontier.whole_clock)
		return stage(o, c, true, true);
	return stage(o, c, false, true);
}

BMI2 int crowd_bmi2(struct etr__order *o, struct out out, struct etr__log *log)
{
	return crowd(o, out, log, false, stage_bmi2);
}

BMI2 int run_bmi2(struct etr__order *o, struct out out, struct etr__log *log)
{
	if (o->now->frontier.whole_clock)
		return run(o, out, log, false, true, true);
	return run(o, out, log, false, false, true);
}

BMI2 int crowd_bmi2_packed(struct etr__order *o, struct out out, struct etr__log *log)
{
	return crowd(o, out, log, true, stage_bmi2);
}

BMI2 int run_bmi2_packed(struct etr__order *o, struct out out, struct etr__log *log)
{
	if (o->now->frontier.whole_clock)
		return run(o, out, log, true, true, true);
	return run(o, out, log, true, false, true);
}

static const struct loops bmi2 = { run_bmi2, crowd_bmi2 }, bmi2_packed = { run_bmi2_packed, crowd_bmi2_packed };
#endif

static __attribute__((noinline)) size_t stage_anywhere(struct etr__order *o, struct etr__cursor *c)
{
	return stage(o, c, false, false);
}

static int crowd_anywhere(struct etr__order *o, struct out out, struct etr__log *log)
{
	return crowd(o, out, log, false, stage_anywhere);
}

static int run_anywhere(struct etr__order *o, struct out out, struct etr__log *log)
{
	return run(o, out, log, false, false, false);
}

static int crowd_anywhere_packed(struct etr__order *o, struct out out, struct etr__log *log)
{
	return crowd(o, out, log, true, stage_anywhere);
}

static int run_anywhere_packed(struct etr__order *o, struct out out, struct etr__log *log)
{
	return run(o, out, log, true, false, false);
}

static const struct loops anywhere = { run_anywhere, crowd_anywhere }, anywhere_packed = { run_anywhere_packed, crowd_anywhere_packed };

/* The loop and the crowd's way by turns. */
static int by_turns(struct etr__order *o, struct etr_event *ev, struct etr__packed *e, int max, struct etr__log *log, const struct loops *loops)
{
	int done = 0;

	if (!o->now->frontier.usual_clock)
		return 0;
	/* How many may be delivered before they must be counted. */
	if (o->nusual == ETR__MAX_USUAL)
		etr__order_count(o);
	if (max > ETR__MAX_USUAL - o->nusual)
		max = ETR__MAX_USUAL - o->nusual;
	do {
		for (int i = o->crowd < ETR__CROWD; i < 2 && done < max && !o->stuck; i++) {
			o->crowd_next = false;
			done += (i == 0 ? loops->crowd : loops->run)(o, out_to(ev, e, done, max), log);
		}
	} while (o->crowd_next && done < max && o->now->frontier.n && !o->stuck);
	o->nusual += done;
	return done;
}

int etr__order_run(struct etr__order *o, struct etr_event *events, int max)
{
	const struct loops *loops = &anywhere;

	if (o->path == ETR__PATH_RULES)
		return 0;
#ifdef __x86_64__
	if (o->path == ETR__PATH_LOOP_BMI2)
		loops = &bmi2;
#endif
	return by_turns(o, events, NULL, max, NULL, loops);
}

int etr__order_run_packed(struct etr__order *o, struct etr__packed *e, int max, struct etr__log *log)
{
	const struct etr__tables *t = &o->now->tables;
	const struct loops *loops = &anywhere_packed;

	if (o->path == ETR__PATH_RULES || t->nstacks >= ETR__PACKED_IDS || t->nstrings >= ETR__PACKED_IDS || o->model.gs.has_large_ids)
		return 0;
#ifdef __x86_64__
	if (o->path == ETR__PATH_LOOP_BMI2)
		loops = &bmi2_packed;
#endif
	return by_turns(o, NULL, e, max, log, loops);
}

#else

enum etr__path etr__order_best_path(void)
{
	return ETR__PATH_RULES;
}

int etr__order_run(struct etr__order *o, struct etr_event *events, int max)
{
	(void)o, (void)events, (void)max;
	return 0;
}

int etr__order_run_packed(struct etr__order *o, struct etr__packed *e, int max, struct etr__log *log)
{
	(void)o, (void)e, (void)max, (void)log;
	return 0;
}

#endif
