/* SPDX-License-Identifier: BSD-3-Clause
 *
 * profile.c - the bag of samples.
 *
 * A sample has a slot as soon as somebody asks for it, and counts once something was added to it.  Its key is six words.
 */
#include "config.h"

#include "analysis/profile.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/grow.h"

#define KEY_WORDS 6

const struct an_labels an_no_labels = { .state = ETR_STATE_COUNT_, .goroutine = -1, .thread = -1 };

void an_profile_init(struct an_profile *profile, const char *count_type, const char *time_type)
{
	*profile = (struct an_profile){ .count_type = count_type, .time_type = time_type, .period = 1 };
	an_map_init(&profile->by_key, KEY_WORDS, sizeof(uint32_t));
}

void an_profile_free(struct an_profile *profile)
{
	an_map_free(&profile->by_key);
	free(profile->samples);
	free(profile->recent);
}

uint32_t an__profile_find(struct an_profile *profile, an_stack_id stack, const struct an_labels *labels)
{
	uint64_t key[KEY_WORDS] = { (uint64_t)labels->state << 32 | stack, (uint64_t)labels->task << 32 | labels->reason,
				    labels->region, (uint64_t)labels->goroutine, (uint64_t)labels->thread, labels->lock };
	struct an_sample *samples;
	uint32_t *slot, *recent;
	size_t old = profile->recent_cap;
	bool added;

	recent = an_grow(profile->recent, &profile->recent_cap, (size_t)stack + 1, sizeof(*recent));
	if (!recent)
		return AN_NO_SLOT;
	memset(recent + old, 0xff, (profile->recent_cap - old) * sizeof(*recent));
	profile->recent = recent;
	samples = an_grow(profile->samples, &profile->slots_cap, profile->nslots + 1, sizeof(*samples));
	if (!samples || profile->nslots == AN_NO_SLOT)
		return AN_NO_SLOT;
	profile->samples = samples;
	slot = an_map_add(&profile->by_key, key, &added);
	if (!slot)
		return AN_NO_SLOT;
	if (added) {
		samples[profile->nslots] = (struct an_sample){ .stack = stack, .labels = *labels };
		*slot = (uint32_t)profile->nslots++;
	}
	recent[stack] = *slot;
	return *slot;
}

int an_profile_subtract(struct an_profile *profile, const struct an_profile *base)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < base->nslots; i++) {
		const struct an_sample *sample = &base->samples[i];

		rc = an_profile_add(profile, sample->stack, &sample->labels, -sample->values.count, -sample->values.ns);
	}
	return rc;
}

bool an_profile_each(const struct an_profile *profile, size_t *pos, struct an_sample *sample)
{
	while (*pos < profile->nslots) {
		*sample = profile->samples[(*pos)++];
		if (sample->values.count || sample->values.ns)
			return true;
	}
	return false;
}

size_t an_profile_size(const struct an_profile *profile)
{
	struct an_sample sample;
	size_t n = 0;

	for (size_t pos = 0; an_profile_each(profile, &pos, &sample);)
		n++;
	return n;
}

struct an_values an_profile_total(const struct an_profile *profile)
{
	struct an_values total = { 0 };

	for (size_t i = 0; i < profile->nslots; i++) {
		total.count += profile->samples[i].values.count;
		total.ns += profile->samples[i].values.ns;
	}
	return total;
}

static uint64_t magnitude(int64_t value)
{
	return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

/* Order of two numbers; the first difference decides. */
#define COMPARE(a, b)                                                                                                            \
	if ((a) != (b))                                                                                                          \
	return (a) < (b) ? -1 : 1

static int by_weight(const void *left, const void *right)
{
	const struct an_sample *a = left, *b = right;

	COMPARE(magnitude(b->values.ns), magnitude(a->values.ns));
	COMPARE(magnitude(b->values.count), magnitude(a->values.count));
	COMPARE(a->stack, b->stack);
	COMPARE(a->labels.reason, b->labels.reason);
	COMPARE(a->labels.task, b->labels.task);
	COMPARE(a->labels.region, b->labels.region);
	COMPARE(a->labels.goroutine, b->labels.goroutine);
	COMPARE(a->labels.thread, b->labels.thread);
	COMPARE(a->labels.lock, b->labels.lock);
	COMPARE(a->labels.state, b->labels.state);
	return 0;
}

int an_profile_sorted(const struct an_profile *profile, struct an_sample **samples, size_t *n)
{
	struct an_sample *all = malloc((profile->nslots + 1) * sizeof(*all));
	size_t count = 0;

	if (!all)
		return -ETR_E_NOMEM;
	for (size_t pos = 0; an_profile_each(profile, &pos, &all[count]);)
		count++;
	qsort(all, count, sizeof(*all), by_weight);
	*samples = all;
	*n = count;
	return 0;
}
