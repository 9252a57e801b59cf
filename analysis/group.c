/* SPDX-License-Identifier: BSD-3-Clause
 *
 * group.c - see group.h.  Groups are allocated one by one, so pointers to them hold while the table grows.
 *
 * Ownership: the table owns its groups, those in the map, those in `done` and `other`.
 */
#include "config.h"

#include "analysis/group.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/grow.h"

void an_groups_init(struct an_groups *groups, size_t limit)
{
	memset(groups, 0, sizeof(*groups));
	an_map_init(&groups->map, 1, sizeof(struct an_group *));
	groups->limit = limit ? limit : AN_GROUPS_MAX;
}

struct an_group *an_group_new(uint64_t key)
{
	struct an_group *group = calloc(1, sizeof(*group));

	if (group)
		group->key = key;
	return group;
}

void an_group_free(struct an_group *group)
{
	for (int s = 0; group && s < ETR_STATE_COUNT_; s++)
		an_hist_free(&group->state[s]);
	free(group);
}

void an_groups_free(struct an_groups *groups)
{
	const uint64_t *key;
	void *value;

	for (size_t pos = 0; an_map_each(&groups->map, &pos, &key, &value);)
		an_group_free(*(struct an_group **)value);
	for (size_t i = 0; i < groups->ndone; i++)
		an_group_free(groups->done[i]);
	an_group_free(groups->other);
	an_map_free(&groups->map);
	free(groups->done);
	memset(groups, 0, sizeof(*groups));
}

struct an_group *an_groups_other(struct an_groups *groups)
{
	if (!groups->other && (groups->other = an_group_new(UINT64_MAX)))
		groups->other->other = true;
	return groups->other;
}

struct an_group *an_groups_get(struct an_groups *groups, uint64_t key)
{
	struct an_group **slot = an_map_find(&groups->map, &key), *group;

	if (slot)
		return *slot;
	if (groups->map.n >= groups->limit)
		return an_groups_other(groups);
	group = an_group_new(key);
	slot = group ? an_map_add(&groups->map, &key, NULL) : NULL;
	if (!slot) {
		an_group_free(group);
		return NULL;
	}
	*slot = group;
	return group;
}

int an_group_merge(struct an_group *to, const struct an_group *from)
{
	to->goroutines += from->goroutines;
	to->events += from->events;
	to->proc_ns += from->proc_ns;
	for (int s = 0; s < ETR_STATE_COUNT_; s++) {
		to->open_ns[s] += from->open_ns[s];
		if (an_hist_merge(&to->state[s], &from->state[s]) < 0)
			return -ETR_E_NOMEM;
	}
	return 0;
}

bool an_group_is_empty(const struct an_group *group)
{
	for (int s = 0; s < ETR_STATE_COUNT_; s++)
		if (group->state[s].count)
			return false;
	return !group->goroutines;
}

int64_t an_group_time(const struct an_group *group)
{
	return group->state[ETR_STATE_RUNNING].ns + group->state[ETR_STATE_RUNNABLE].ns + group->state[ETR_STATE_SYSCALL].ns +
	       group->state[ETR_STATE_WAITING].ns + group->state[ETR_STATE_IDLE].ns;
}

/* Heaviest last: equal ones go by their key, so that what is kept does not depend on the order. */
static bool lighter(const struct an_group *a, const struct an_group *b, an_weigh_fn weigh, const void *ctx)
{
	int64_t wa = weigh(a, ctx), wb = weigh(b, ctx);

	return wa != wb ? wa < wb : a->key > b->key;
}

static void sift_down(struct an_groups *groups, size_t i, an_weigh_fn weigh, const void *ctx)
{
	struct an_group **heap = groups->done;

	for (;;) {
		size_t child = 2 * i + 1;
		struct an_group *swap = heap[i];

		if (child >= groups->ndone)
			return;
		if (child + 1 < groups->ndone && lighter(heap[child + 1], heap[child], weigh, ctx))
			child++;
		if (!lighter(heap[child], heap[i], weigh, ctx))
			return;
		heap[i] = heap[child];
		heap[child] = swap;
		i = child;
	}
}

static void sift_up(struct an_groups *groups, size_t i, an_weigh_fn weigh, const void *ctx)
{
	struct an_group **heap = groups->done;

	while (i > 0 && lighter(heap[i], heap[(i - 1) / 2], weigh, ctx)) {
		struct an_group *swap = heap[i];

		heap[i] = heap[(i - 1) / 2];
		heap[(i - 1) / 2] = swap;
		i = (i - 1) / 2;
	}
}

int an_groups_done(struct an_groups *groups, struct an_group *group, an_weigh_fn weigh, const void *ctx)
{
	struct an_group **heap = an_grow(groups->done, &groups->done_cap, groups->ndone + 1, sizeof(struct an_group *));
	struct an_group *out = group;
	int rc;

	if (!heap) {
		an_group_free(group);
		return -ETR_E_NOMEM;
	}
	groups->done = heap;
	if (groups->ndone < groups->limit) {
		heap[groups->ndone++] = group;
		sift_up(groups, groups->ndone - 1, weigh, ctx);
		return 0;
	}
	if (lighter(heap[0], group, weigh, ctx)) {
		out = heap[0];
		heap[0] = group;
		sift_down(groups, 0, weigh, ctx);
	}
	rc = an_groups_other(groups) ? an_group_merge(groups->other, out) : -ETR_E_NOMEM;
	an_group_free(out);
	return rc;
}

const struct an_group *an_groups_each(const struct an_groups *groups, size_t *pos)
{
	const size_t slots = groups->map.slots ? groups->map.mask + 1 : 0;
	const uint64_t *key;
	void *value;

	if (*pos < slots && an_map_each(&groups->map, pos, &key, &value))
		return *(struct an_group **)value;
	if (*pos < slots + 1)
		*pos = slots + 1;
	if (*pos - slots - 1 < groups->ndone)
		return groups->done[(*pos)++ - slots - 1];
	if (*pos == slots + 1 + groups->ndone && groups->other) {
		(*pos)++;
		return groups->other;
	}
	return NULL;
}
