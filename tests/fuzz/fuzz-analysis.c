/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz-analysis.c - what the commands compute of a hostile trace: all that trace-stat and trace-pprof --top print.
 */
#include "analysis/profiler.h"
#include "analysis/stattext.h"
#include "analysis/summary.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/structmut.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	if (seed % 8 == 0)
		return LLVMFuzzerMutate(data, size, max);
	return structmut_mutate(data, size, max, seed);
}

static FILE *nowhere(void)
{
	static FILE *f;

	if (!f)
		f = fopen("/dev/null", "w");
	FUZZ_CHECK(f);
	return f;
}

/* Events go to one of the two; returns what ended the trace. */
static int read_events(struct an_source *source, struct an_summary *summary, struct an_profiler *profiler)
{
	struct etr_event ev;
	int rc;

	while ((rc = an_source_next(source, &ev)) == 1)
		FUZZ_CHECK((summary ? an_summary_event(summary, &ev) : an_profiler_event(profiler, &ev)) >= 0);
	FUZZ_CHECK((summary ? an_summary_finish(summary) : an_profiler_finish(profiler)) >= 0);
	return rc;
}

static void summarise(struct etr_reader *r)
{
	struct an_source source;
	struct an_summary summary;
	const struct an_summary_options options = { .longest = 10 };
	const struct an_stat_view view = { .width = 100, .all = true, .top = -1 };
	int rc;

	FUZZ_CHECK(an_source_init(&source, r) == 0 && an_summary_init(&summary, &source, &options) == 0);
	rc = read_events(&source, &summary, NULL);
	FUZZ_CHECK(an_summary_print_json(&summary, "a \"name\"", rc, NULL, nowhere()) >= 0);
	FUZZ_CHECK(an_stat_print_text(&summary, "name", rc, &view, nowhere()) >= 0);
	an_summary_free(&summary);
	an_source_free(&source);
}

static void profile(struct etr_reader *r)
{
	struct an_source source;
	struct an_profiler profiler;
	unsigned wanted = 0;

	for (int kind = 0; kind < 31 && an_profile_kind_name(kind); kind++)
		wanted |= 1u << kind;
	FUZZ_CHECK(an_source_init(&source, r) == 0 && an_profiler_init(&profiler, &source, wanted, wanted) == 0);
	read_events(&source, NULL, &profiler);
	for (int kind = 0; kind < 31 && an_profile_kind_name(kind); kind++)
		FUZZ_CHECK(an_profile_print_top(&profiler.profiles[kind], &source.names, 10, nowhere()) >= 0);
	an_profiler_free(&profiler);
	an_source_free(&source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int i = 0; i < 2; i++) {
		struct etr_reader *r = etr_reader_new();

		FUZZ_CHECK(r);
		if (etr_reader_open_memory(r, data, size) == 0) {
			if (i == 0)
				summarise(r);
			else
				profile(r);
		}
		etr_reader_free(r);
	}
	return 0;
}
