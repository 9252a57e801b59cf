/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test-eventlog.c - events of a log come back as they were, whichever way it is read.
 */
#include <stdlib.h>
#include <string.h>

#include "libtrace/eventlog.h"
#include "libtrace/gentables.h"
#include "tests/checks.h"

#define EVENTS 30000		/* some chunks */

static uint64_t rng = 1;

static uint64_t below(uint64_t n)
{
	rng = rng * 6364136223846793005u + 1442695040888963407u;
	return (rng >> 33) % n;
}

/* A number of `bits` bits, or just beyond what they hold. */
static int64_t around(unsigned bits)
{
	return (int64_t)(((uint64_t)1 << bits) - 4 + below(8));
}

/* A transition, mostly such as can be packed. */
static struct etr_event make_event(int64_t *time)
{
	struct etr_event ev;

	memset(&ev, 0, sizeof(ev));
	*time += (int64_t)(below(50) ? 1 + below(1000) : (uint64_t)around(16));
	ev.time = *time;
	ev.g = below(50) ? (int64_t)below(100) - 1 : around(31);
	ev.p = below(200) ? (int64_t)below(4) - 1 : -7;
	ev.m = (int64_t)below(70);
	ev.kind = ETR_KIND_STATE_TRANSITION;
	ev.resource = below(5) ? ETR_RESOURCE_GOROUTINE : ETR_RESOURCE_PROC;
	ev.from = (uint8_t)(below(50) ? ETR_STATE_RUNNABLE + below(5) : below(2));
	ev.to = (uint8_t)(ETR_STATE_RUNNABLE + below(5));
	ev.stack = (etr_stack_id)(below(50) ? below(1000) : (uint64_t)around(16));
	ev.u.transition.id = below(50) ? (int64_t)below(100) : around(32);
	ev.u.transition.reason = (etr_string_id)(below(50) ? below(1000) : (uint64_t)around(16));
	ev.u.transition.stack = below(2) ? ev.stack : below(20) ? 0 : 5;
	return ev;
}

static void expect_same(const struct etr_event *a, const struct etr_event *b)
{
	/* An assertion that holds costs the runner a message, and these are many. */
	if (a->time != b->time || a->g != b->g || a->p != b->p || a->m != b->m || a->kind != b->kind || a->resource != b->resource ||
	    a->from != b->from || a->to != b->to || a->stack != b->stack || a->u.transition.id != b->u.transition.id ||
	    a->u.transition.reason != b->u.transition.reason || a->u.transition.stack != b->u.transition.stack)
		ck_abort_msg("at %lld, not at %lld: g %lld, not %lld; to %d, not %d", (long long)a->time, (long long)b->time,
			     (long long)a->g, (long long)b->g, a->to, b->to);
}

/* Logs them and reads them `many` at once; what was delivered before ended at last_time. */
static void there_and_back(struct etr__log *log, struct etr_event *events, int many, int64_t last_time)
{
	struct etr_event *kept, read[100];
	const int64_t first = last_time + 1;
	int n, at = 0, nkept = 0;

	etr__log_clear(log);
	for (int i = 0; i < EVENTS; i++) {
		ck_assert_int_eq(etr__log_add(log, &events[i], &kept), 0);
		nkept += kept != NULL;
	}
	if (nkept < EVENTS / 50 || nkept > EVENTS / 2)
		ck_abort_msg("%d were kept whole", nkept);
	etr__log_rewind(log);
	while ((n = etr__log_read(log, &last_time, read, many)) > 0)
		for (int i = 0; i < n; i++, at++) {
			struct etr_event want = events[at];

			/* Times increase beyond what was before. */
			if (want.time < first + at)
				want.time = first + at;
			expect_same(&read[i], &want);
		}
	ck_assert_int_eq(at, EVENTS);
}

START_TEST(events_come_back_as_they_were)
{
	struct etr_event *events = calloc(EVENTS, sizeof(*events));
	struct etr__log_pool pool;
	struct etr__log log = { .pool = &pool };
	int64_t time = 0;

	etr__log_pool_init(&pool);
	for (int i = 0; i < EVENTS; i++)
		events[i] = make_event(&time);
	for (int many = 1; many <= 100; many += 33)
		there_and_back(&log, events, many, 29999);
	/* The first at the time of what was before, to the nanosecond. */
	there_and_back(&log, events, 100, events[0].time);
	pool.avx2 = false;
	for (int many = 1; many <= 100; many += 33)
		there_and_back(&log, events, many, 29999);
	etr__log_clear(&log);
	etr__log_pool_free(&pool);
	free(events);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("eventlog");

	checks_add(s, "all", 60, CHECKS(events_come_back_as_they_were));
	return checks_run(s);
}
