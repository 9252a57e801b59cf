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
	an_text_id reason;	/* 0 for none */
	int64_t goroutine;	/* -1 for none */
	int64_t thread;		/* -1 for none */
};

struct an_values {
	int64_t count, ns;
};

struct an_profile {
	const char *count_type, *time_type;	/* "contentions" and "delay", ... */
	bool period_is_time;			/* of CPU samples: the period is ns of CPU time; else 1 contention */
	int64_t period;
	struct an_map samples;			/* stack and packed labels -> struct an_values */
	struct an_values total;
};

extern const struct an_labels an_no_labels;

void an_profile_init(struct an_profile *profile, const char *count_type, const char *time_type);
void an_profile_free(struct an_profile *profile);

/* Return: 0 or -ETR_E_NOMEM. */
int an_profile_add(struct an_profile *profile, an_stack_id stack, const struct an_labels *labels, int64_t count, int64_t ns);

/* A sample as it is kept; iterate with *pos = 0 at first. */
struct an_sample {
	an_stack_id stack;
	struct an_labels labels;
	struct an_values values;
};
bool an_profile_each(const struct an_profile *profile, size_t *pos, struct an_sample *sample);

/* Every sample, heaviest first (by time, then count, then stack).  The caller frees *samples.  Return: 0 or -ETR_E_NOMEM. */
int an_profile_sorted(const struct an_profile *profile, struct an_sample **samples, size_t *n);

/*
 * A table for people: for each function the weight at itself (flat) and below it (cum), at most `rows` rows (0: all), heaviest
 * first.  Return: 0 or -ETR_E_NOMEM; what writing did shows in the stream.
 */
int an_profile_print_top(const struct an_profile *profile, const struct an_names *names, size_t rows, FILE *out);

/*
 * The profile as gzip-compressed profile.proto, with the trace's clocks and modules.  Return: 0, -ETR_E_NOMEM, or -ETR_E_IO with
 * errno set.
 */
int an_profile_write(const struct an_profile *profile, const struct an_source *source, FILE *out);

#endif
