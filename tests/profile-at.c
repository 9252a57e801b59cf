/* SPDX-License-Identifier: BSD-3-Clause
 *
 * profile-at.c - TRACE TYPE FUNCTION: what a profile has at stacks with that function, as "COUNT NS".
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analysis/profiler.h"

static bool has_function(const struct an_names *names, an_stack_id stack, const char *function)
{
	size_t n;
	const struct an_frame *frames = an_stack(names, stack, &n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(an_text(names, frames[i].func, NULL), function) == 0)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct an_source source;
	struct an_profiler profiler;
	struct an_values sum = { 0 };
	struct an_sample sample;
	struct etr_event event;
	struct etr_reader *reader = etr_reader_new();
	int kind, rc;

	kind = argc == 4 ? an_profile_kind_by_name(argv[2], strlen(argv[2])) : -1;
	if (!reader || kind < 0)
		return 2;
	rc = etr_reader_open_path(reader, argv[1]);
	if (rc == 0)
		rc = an_source_init(&source, reader);
	if (rc == 0)
		rc = an_profiler_init(&profiler, &source, 1u << kind, an_profile_labels(kind));
	while (rc >= 0 && (rc = an_source_next(&source, &event)) == 1)
		rc = an_profiler_event(&profiler, &event);
	if (rc < 0 || an_profiler_finish(&profiler) < 0) {
		fprintf(stderr, "profile-at: %s: %s\n", argv[1], etr_reader_detail(reader));
		return 1;
	}
	for (size_t pos = 0; an_profile_each(&profiler.profiles[kind], &pos, &sample);)
		if (has_function(&source.names, sample.stack, argv[3])) {
			sum.count += sample.values.count;
			sum.ns += sample.values.ns;
		}
	printf("%" PRId64 " %" PRId64 "\n", sum.count, sum.ns);
	an_profiler_free(&profiler);
	an_source_free(&source);
	etr_reader_free(reader);
	return 0;
}
