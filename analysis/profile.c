/* SPDX-License-Identifier: BSD-3-Clause
 *
 * profile.c - the bag of samples.
 *
 * A sample's key is four words: stack and state, reason, goroutine, thread.
 */
#include "config.h"

#include "analysis/profile.h"

#include <stdlib.h>

#define KEY_WORDS 4

const struct an_labels an_no_labels = { .state = ETR_STATE_COUNT_, .goroutine = -1, .thread = -1 };

void an_profile_init(struct an_profile *profile, const char *count_type, const char *time_type)
{
	*profile = (struct an_profile){ .count_type = count_type, .time_type = time_type, .period = 1 };
	an_map_init(&profile->samples, KEY_WORDS, sizeof(struct an_values));
}

void an_profile_free(struct an_profile *profile)
{
	an_map_free(&profile->samples);
}

int an_profile_add(struct an_profile *profile, an_stack_id stack, const struct an_labels *labels, int64_t count, int64_t ns)
{
	uint64_t key[KEY_WORDS] = { (uint64_t)labels->state << 32 | stack, labels->reason, (uint64_t)labels->goroutine,
				    (uint64_t)labels->thread };
	struct an_values *values = an_map_add(&profile->samples, key, NULL);

	if (!values)
		return -ETR_E_NOMEM;
	values->count += count;
	values->ns += ns;
	profile->total.count += count;
	profile->total.ns += ns;
	return 0;
}

bool an_profile_each(const struct an_profile *profile, size_t *pos, struct an_sample *sample)
{
	const uint64_t *key;
	void *values;

	if (!an_map_each(&profile->samples, pos, &key, &values))
		return false;
	sample->stack = (an_stack_id)key[0];
	sample->labels.state = (uint8_t)(key[0] >> 32);
	sample->labels.reason = (an_text_id)key[1];
	sample->labels.goroutine = (int64_t)key[2];
	sample->labels.thread = (int64_t)key[3];
	sample->values = *(const struct an_values *)values;
	return true;
}

static int by_weight(const void *left, const void *right)
{
	const struct an_sample *a = left, *b = right;

	if (a->values.ns != b->values.ns)
		return a->values.ns > b->values.ns ? -1 : 1;
	if (a->values.count != b->values.count)
		return a->values.count > b->values.count ? -1 : 1;
	if (a->stack != b->stack)
		return a->stack < b->stack ? -1 : 1;
	if (a->labels.reason != b->labels.reason)
		return a->labels.reason < b->labels.reason ? -1 : 1;
	if (a->labels.goroutine != b->labels.goroutine)
		return a->labels.goroutine < b->labels.goroutine ? -1 : 1;
	if (a->labels.thread != b->labels.thread)
		return a->labels.thread < b->labels.thread ? -1 : 1;
	return (int)a->labels.state - (int)b->labels.state;
}

int an_profile_sorted(const struct an_profile *profile, struct an_sample **samples, size_t *n)
{
	struct an_sample *all = malloc((profile->samples.n + 1) * sizeof(*all));
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
