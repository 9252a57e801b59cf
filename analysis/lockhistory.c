/* SPDX-License-Identifier: BSD-3-Clause
 *
 * lockhistory.c - which unlock is charged how much.
 *
 * A wait is charged to the unlocks that came while it lasted, each with the time since the one before it, or since the wait began.
 * So that many waiters cost no more than few, an unlock notes how many waits begin and cease to cover the whole of its time;
 * the sum is made when the unlock is forgotten.  Unlocks are forgotten that are older than any present wait.  Should there be
 * HISTORY_MAX nevertheless, half of them go, and what lies before them is unattributed.
 */
#include "config.h"

#include "analysis/lockhistory.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/grow.h"

#define HISTORY_MIN 64u
#define HISTORY_MAX 65536u

struct an_unlock {
	int64_t time;
	int64_t part;		/* ns of waits that cover its time in part */
	uint32_t slot;
	uint32_t begin, end;	/* waits that cover it and what follows, but not what precedes; and the other way round */
};

struct an_history *an_history_new(void)
{
	struct an_history *history = calloc(1, sizeof(*history));

	if (history)
		history->before = history->order = INT64_MIN;
	return history;
}

/* Charges the oldest `count` unlocks and forgets them. */
static void forget(struct an_history *history, struct an_profile *profile, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct an_unlock *unlock = &history->unlocks[i];
		int64_t ns = unlock->part;

		history->cover += unlock->begin;
		if (history->cover)
			ns += (int64_t)history->cover * (unlock->time - history->before);
		history->cover -= unlock->end;
		history->before = unlock->time;
		an_profile_count(profile, unlock->slot, 0, ns);
	}
	history->n -= count;
	if (count)
		memmove(history->unlocks, history->unlocks + count, history->n * sizeof(history->unlocks[0]));
}

void an_history_free(struct an_history *history, struct an_profile *profile)
{
	if (!history)
		return;
	forget(history, profile, history->n);
	free(history->unlocks);
	free(history);
}

int64_t an_history_last_time(const struct an_history *history)
{
	return history && history->n ? history->unlocks[history->n - 1].time : INT64_MIN;
}

/* Room for one more unlock.  Those go first that nobody waits since. */
static int make_room(struct an_history *history, struct an_profile *profile, int64_t oldest)
{
	struct an_unlock *unlocks;
	size_t done = 0;

	while (done < history->n && history->unlocks[done].time <= oldest)
		done++;
	forget(history, profile, done);
	if (history->n == HISTORY_MAX)
		forget(history, profile, HISTORY_MAX / 2);
	if (history->n <= history->cap / 2 && history->cap)
		return 0;
	unlocks = an_grow(history->unlocks, &history->cap, history->cap ? history->cap * 2 : HISTORY_MIN, sizeof(*unlocks));
	if (!unlocks)
		return -ETR_E_NOMEM;
	history->unlocks = unlocks;
	return 0;
}

int an_history_append(struct an_history *history, struct an_profile *profile, int64_t time, uint32_t slot,
		      int64_t (*oldest)(void *ctx), void *ctx)
{
	if (history->n == history->cap && make_room(history, profile, oldest(ctx)) < 0)
		return -ETR_E_NOMEM;
	history->unlocks[history->n++] = (struct an_unlock){ .time = time, .slot = slot };
	return 0;
}

/* The first unlock at or after a time, or the last. */
static size_t find(const struct an_history *history, int64_t time)
{
	size_t low = 0, high = history->n - 1;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (history->unlocks[middle].time >= time)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

void an_history_charge(struct an_history *history, struct an_profile *profile, int64_t start, int64_t end, uint32_t unattributed)
{
	struct an_unlock *unlocks = history->unlocks;
	size_t first, last;

	if (start < history->before) {
		int64_t known = history->before < end ? history->before : end;

		an_profile_count(profile, unattributed, 0, known - start);
		start = known;
	}
	if (!history->n || start >= end)
		return;
	/* Times differ, so what is at start + 1 or later is within the wait. */
	first = find(history, start + 1);
	last = find(history, end);
	if (first == last) {
		unlocks[first].part += end - start;
		return;
	}
	unlocks[first].part += unlocks[first].time - start;
	unlocks[last].part += end - unlocks[last - 1].time;
	if (first + 1 < last) {
		unlocks[first + 1].begin++;
		unlocks[last - 1].end++;
	}
}
