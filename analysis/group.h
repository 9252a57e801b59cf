/* SPDX-License-Identifier: BSD-3-Clause
 *
 * group.h - goroutines' time by what it is grouped by: a row for each key, and one for those that there is no room for.
 */
#ifndef ANALYSIS_GROUP_H
#define ANALYSIS_GROUP_H

#include <stdbool.h>
#include <stdint.h>

#include <exectrace/reader.h>

#include "analysis/hist.h"
#include "analysis/names.h"
#include "analysis/wordmap.h"

/* Names beyond this many go under "(other)": a file can make up as many as it likes. */
#define AN_GROUPS_MAX 10000

struct an_group {
	uint64_t key;			/* a text's id, or a number */
	bool other;			/* stands for all that there was no room for */
	uint64_t goroutines;		/* that were counted here; of a group of names: whose time ended here */
	an_text_id function;		/* of a goroutine's group */
	int64_t start, end;		/* of a generation's */
	uint64_t events;		/* likewise */
	int64_t proc_ns;		/* of a processor's: how long it ran, with or without a goroutine */
	struct an_hist state[ETR_STATE_COUNT_];
	int64_t open_ns[ETR_STATE_COUNT_];	/* part of state[].ns: cut off by the end */
};

struct an_groups {
	struct an_map map;		/* key -> struct an_group * */
	size_t limit;
	struct an_group *other;		/* NULL while there was room for all */
	struct an_group **done;		/* a heap of those taken out of the map, the lightest first */
	size_t ndone, done_cap;
};

void an_groups_init(struct an_groups *groups, size_t limit);
void an_groups_free(struct an_groups *groups);

/* The group of a key, made when new; the one for others when there is no room; NULL when out of memory.  Stays where it is. */
struct an_group *an_groups_get(struct an_groups *groups, uint64_t key);

/* The one for others, made when there was none. */
struct an_group *an_groups_other(struct an_groups *groups);

/* A group by itself, in no map. */
struct an_group *an_group_new(uint64_t key);
void an_group_free(struct an_group *group);
int an_group_merge(struct an_group *to, const struct an_group *from);

/* Nothing was counted for it, since a filter has chosen others. */
bool an_group_is_empty(const struct an_group *group);

/* All time in states that are known. */
int64_t an_group_time(const struct an_group *group);

/*
 * Takes a group that will not change any more and keeps it if it is among the heaviest `limit`; what falls out goes to the
 * others.  Return: 0 or -ETR_E_NOMEM.
 */
typedef int64_t (*an_weigh_fn)(const struct an_group *group, const void *ctx);
int an_groups_done(struct an_groups *groups, struct an_group *group, an_weigh_fn weigh, const void *ctx);

/* Every group, the one for others last.  *pos is 0 first.  NULL: no more. */
const struct an_group *an_groups_each(const struct an_groups *groups, size_t *pos);

#endif
