/* SPDX-License-Identifier: BSD-3-Clause
 *
 * profkinds.c - what the kinds of profiles are, and which reasons belong to them.
 */
#include "config.h"

#include "analysis/profiler.h"

#include <string.h>

#include "analysis/grow.h"

static const struct {
	const char *name, *count_type, *time_type;
	unsigned labels;
	unsigned states;	/* bits 1 << enum etr_state: whose intervals count */
} kinds[AN_PROFILE_COUNT_] = {
#define TEXTS (1u << AN_LABEL_STATE | 1u << AN_LABEL_REASON | 1u << AN_LABEL_TASK | 1u << AN_LABEL_REGION)
#define WAIT  (1u << ETR_STATE_WAITING)
#define WHERE (1u << AN_LABEL_GOROUTINE | 1u << AN_LABEL_THREAD | 1u << AN_LABEL_TASK | 1u << AN_LABEL_REGION)
	[AN_PROFILE_NET] = { "net", "contentions", "delay", TEXTS, WAIT },
	[AN_PROFILE_SYNC] = { "sync", "contentions", "delay", TEXTS, WAIT },
	[AN_PROFILE_SYSCALL] = { "syscall", "contentions", "delay", TEXTS, 1u << ETR_STATE_SYSCALL },
	[AN_PROFILE_SCHED] = { "sched", "contentions", "delay", TEXTS, 1u << ETR_STATE_RUNNABLE },
	[AN_PROFILE_BLOCK] = { "block", "contentions", "delay", TEXTS, WAIT },
	[AN_PROFILE_MUTEX] = { "mutex", "contentions", "delay", TEXTS, WAIT },
	[AN_PROFILE_CPU] = { "cpu", "samples", "cpu", WHERE, 0 },
	[AN_PROFILE_WALL] = { "wall", "samples", "time", TEXTS, ~0u },
#undef WAIT
#undef TEXTS
#undef WHERE
};

const char *an_profile_kind_name(int kind)
{
	return kind >= 0 && kind < AN_PROFILE_COUNT_ ? kinds[kind].name : NULL;
}

int an_profile_kind_by_name(const char *name, size_t len)
{
	for (int kind = 0; kind < AN_PROFILE_COUNT_; kind++)
		if (strlen(kinds[kind].name) == len && memcmp(kinds[kind].name, name, len) == 0)
			return kind;
	return -1;
}

unsigned an_profile_labels(int kind)
{
	return kinds[kind].labels;
}

unsigned an_profile_states(int kind)
{
	return kinds[kind].states;
}

const char *an_profile_count_type(int kind)
{
	return kinds[kind].count_type;
}

const char *an_profile_time_type(int kind)
{
	return kinds[kind].time_type;
}

static bool contains(const char *text, size_t len, const char *word)
{
	return memmem(text, len, word, strlen(word)) != NULL;
}

unsigned an__profiler_look_at_reason(struct an_profiler *profiler, an_text_id reason)
{
	size_t old = profiler->reasons_cap, len;
	const char *text;
	uint8_t *bits = an_grow(profiler->reasons, &profiler->reasons_cap, (size_t)reason + 1, 1);

	if (!bits) {
		profiler->source->names.oom = true;
		return 0;
	}
	memset(bits + old, 0, profiler->reasons_cap - old);
	profiler->reasons = bits;
	text = an_text(&profiler->source->names, reason, &len);
	bits[reason] = AN_REASON_KNOWN;
	if (len == 7 && memcmp(text, "network", 7) == 0)
		bits[reason] |= AN_REASON_NETWORK;
	if (contains(text, len, "chan") || contains(text, len, "sync") || contains(text, len, "select"))
		bits[reason] |= AN_REASON_SYNC;
	return bits[reason];
}
