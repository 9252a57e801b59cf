/* SPDX-License-Identifier: BSD-3-Clause
 *
 * profile.h - a profile: stacks with labels, and what was counted and measured at each.
 */
#ifndef ANALYSIS_PROFILE_H
#define ANALYSIS_PROFILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "analysis/names.h"
#include "analysis/source.h"
#include "analysis/wordmap.h"

/* What is said of a sample beside its stack.  Two that differ in this are two samples. */
struct an_labels {
	uint8_t state;		/* enum etr_state; ETR_STATE_COUNT_ for none */
	an_text_id reason;	/* 0 for none, as are the two below */
	an_text_id task;	/* types of a task and of a region */
	an_text_id region;
	int64_t goroutine;	/* -1 for none */
	int64_t thread;		/* -1 for none */
	uint64_t lock;		/* 0 for none */
};

struct an_values {
	int64_t count, ns;
};

struct an_sample {
	an_stack_id stack;
	struct an_labels labels;
	struct an_values values;
};

struct an_profile {
	const char *count_type, *time_type;	/* "contentions" and "delay", ... */
	bool period_is_time;			/* of CPU samples: the period is ns of CPU time; else 1 contention */
	int64_t period;
	struct an_sample *samples;		/* by slot; some may count nothing */
	size_t nslots, slots_cap;
	struct an_map by_key;			/* stack and labels -> slot */

	/* The slot found last at each stack; n of them. */
	uint32_t *recent;
	size_t recent_cap;
};

/* When what a profile is of began, in wall time since 1970, and how long it lasted, in ns. */
struct an_profile_times {
	bool has_wall;
	int64_t wall, duration;
};

extern const struct an_labels an_no_labels;

void an_profile_init(struct an_profile *profile, const char *count_type, const char *time_type);
void an_profile_free(struct an_profile *profile);

/* The slot where a stack with labels is counted, or AN_NO_SLOT when out of memory. */
#define AN_NO_SLOT UINT32_MAX
uint32_t an__profile_find(struct an_profile *profile, an_stack_id stack, const struct an_labels *labels);

static inline uint32_t an_profile_slot(struct an_profile *profile, an_stack_id stack, const struct an_labels *labels)
{
	/* Mostly the same stack comes with the same labels. */
	if (stack < profile->recent_cap && profile->recent[stack] != AN_NO_SLOT) {
		const struct an_labels *last = &profile->samples[profile->recent[stack]].labels;

		if (last->reason == labels->reason && last->state == labels->state && last->task == labels->task &&
		    last->region == labels->region && last->goroutine == labels->goroutine && last->thread == labels->thread &&
		    last->lock == labels->lock)
			return profile->recent[stack];
	}
	return an__profile_find(profile, stack, labels);
}

static inline void an_profile_count(struct an_profile *profile, uint32_t slot, int64_t count, int64_t ns)
{
	profile->samples[slot].values.count += count;
	profile->samples[slot].values.ns += ns;
}

/* Both of the above.  Return: 0 or -ETR_E_NOMEM. */
static inline int an_profile_add(struct an_profile *profile, an_stack_id stack, const struct an_labels *labels, int64_t count,
				 int64_t ns)
{
	uint32_t slot = an_profile_slot(profile, stack, labels);

	if (slot == AN_NO_SLOT)
		return -ETR_E_NOMEM;
	an_profile_count(profile, slot, count, ns);
	return 0;
}

/* Takes away what another profile of the same names has: what is left may be negative.  Return: 0 or -ETR_E_NOMEM. */
int an_profile_subtract(struct an_profile *profile, const struct an_profile *base);

/* Every sample that counts something; iterate with *pos = 0 at first. */
bool an_profile_each(const struct an_profile *profile, size_t *pos, struct an_sample *sample);

/* How many these are, and their sum. */
size_t an_profile_size(const struct an_profile *profile);
struct an_values an_profile_total(const struct an_profile *profile);

/*
 * All of them, heaviest first (by time, then count, either sign, then stack).  The caller frees *samples.  Return: 0 or
 * -ETR_E_NOMEM.
 */
int an_profile_sorted(const struct an_profile *profile, struct an_sample **samples, size_t *n);

/*
 * A table for people: for each function the weight at itself (flat) and below it (cum), at most `rows` rows (0: all), heaviest
 * first.  Return: 0 or -ETR_E_NOMEM; what writing did shows in the stream.
 */
int an_profile_print_top(const struct an_profile *profile, const struct an_names *names, size_t rows, FILE *out);

/*
 * The profile as gzip-compressed profile.proto, with the source's modules.  Return: 0, -ETR_E_NOMEM, or -ETR_E_IO with errno set.
 */
int an_profile_write(const struct an_profile *profile, const struct an_source *source, const struct an_profile_times *times,
		     FILE *out);

#endif
