/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test-profiles.c - summaries and profiles of two small traces whose figures can be had by hand: testdata/locks-*.txt.
 */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <exectrace/raw.h>

#include "analysis/profiler.h"
#include "analysis/summary.h"
#include "analysis/window.h"
#include "tests/checks.h"

static char *bytes;
static size_t nbytes;
static struct etr_reader *reader;
static struct an_source source;

static void open_trace(const char *name)
{
	char path[4096], detail[256];
	const char *top = getenv("top_srcdir");
	FILE *in, *out;

	snprintf(path, sizeof(path), "%s/testdata/%s", top ? top : ".", name);
	in = fopen(path, "r");
	ck_assert_msg(in != NULL, "%s cannot be opened", path);
	out = open_memstream(&bytes, &nbytes);
	ck_assert_int_eq(etr_raw_assemble(in, out, detail, sizeof(detail)), 0);
	fclose(out);
	fclose(in);
	reader = etr_reader_new();
	ck_assert_int_eq(etr_reader_open_memory(reader, bytes, nbytes), 0);
	ck_assert_int_eq(an_source_init(&source, reader), 0);
}

static void close_trace(void)
{
	an_source_free(&source);
	etr_reader_free(reader);
	free(bytes);
}

static void profile(const char *name, struct an_profiler *profiler)
{
	struct etr_event event;

	open_trace(name);
	ck_assert_int_eq(an_profiler_init(profiler, &source, ~0u, ~0u), 0);
	while (an_source_next(&source, &event) == 1)
		ck_assert_int_eq(an_profiler_event(profiler, &event), 0);
	ck_assert_str_eq(etr_reader_detail(reader), "");
	ck_assert_int_eq(an_profiler_finish(profiler), 0);
}

/* What a profile has at stacks whose root is a function, labels apart. */
static struct an_values below(const struct an_profile *profile, const char *root)
{
	struct an_values sum = { 0 };
	struct an_sample sample;

	for (size_t pos = 0; an_profile_each(profile, &pos, &sample);) {
		size_t n;
		const struct an_frame *frames = an_stack(&source.names, sample.stack, &n);
		const char *func = n ? an_text(&source.names, frames[n - 1].func, NULL) : "";

		if (strcmp(func, root) == 0) {
			sum.count += sample.values.count;
			sum.ns += sample.values.ns;
		}
	}
	return sum;
}

static void expect(const struct an_profiler *profiler, enum an_profile_kind kind, const char *root, int64_t count, int64_t ns)
{
	struct an_values values = below(&profiler->profiles[kind], root);

	ck_assert_msg(values.count == count && values.ns == ns, "%s at %s: %lld, %lld ns; expected %lld, %lld ns",
		      an_profile_kind_name(kind), root, (long long)values.count, (long long)values.ns, (long long)count,
		      (long long)ns);
}

/*
 * G 2 waits from 3000 and G 3 from 4000; main unlocks at 10000 (7000 + 6000), G 2 at 15000 (G 3's 5000 since then).  G 2 runs
 * again at 10600, G 3 at 15600.
 */
START_TEST(named_lock)
{
	struct an_profiler profiler;

	profile("locks-named.txt", &profiler);
	expect(&profiler, AN_PROFILE_MUTEX, "main", 1, 13000);
	expect(&profiler, AN_PROFILE_MUTEX, "worker", 1, 5000);
	ck_assert_int_eq(an_profile_total(&profiler.profiles[AN_PROFILE_MUTEX]).ns, 18000);
	expect(&profiler, AN_PROFILE_BLOCK, "worker", 2, 7600 + 11600);
	expect(&profiler, AN_PROFILE_SYNC, "worker", 2, 7000 + 11000);
	an_profiler_free(&profiler);
	close_trace();
}
END_TEST

/* The same by the chain from waiter to unlocker; the wait on a channel below a frame called Lock is no lock's. */
START_TEST(unnamed_lock)
{
	struct an_profiler profiler;

	profile("locks-unnamed.txt", &profiler);
	expect(&profiler, AN_PROFILE_MUTEX, "main.owner", 1, 13000);
	expect(&profiler, AN_PROFILE_MUTEX, "main.worker", 1, 5000);
	ck_assert_int_eq(an_profile_total(&profiler.profiles[AN_PROFILE_MUTEX]).ns, 18000);
	an_profiler_free(&profiler);
	close_trace();
}
END_TEST

START_TEST(intervals_by_kind)
{
	struct an_profiler profiler;

	profile("locks-named.txt", &profiler);
	expect(&profiler, AN_PROFILE_NET, "worker", 1, 4000);
	expect(&profiler, AN_PROFILE_SYSCALL, "worker", 1, 3000);
	/* Made runnable by main's unlock, by a worker's, by a poller without a stack, and by preemption in main. */
	expect(&profiler, AN_PROFILE_SCHED, "main", 2, 600 + 500);
	expect(&profiler, AN_PROFILE_SCHED, "worker", 1, 600);
	expect(&profiler, AN_PROFILE_SCHED, "", 1, 100);
	/* 200 samples a second, as the trace says: 5 ms each. */
	expect(&profiler, AN_PROFILE_CPU, "worker", 2, 10000000);
	expect(&profiler, AN_PROFILE_CPU, "main", 1, 5000000);
	ck_assert_int_eq(profiler.profiles[AN_PROFILE_CPU].period, 5000000);
	an_profiler_free(&profiler);
	close_trace();
}
END_TEST

/* Wall time is all the time that goroutines are known to exist. */
START_TEST(wall_is_complete)
{
	struct an_profiler profiler;

	profile("locks-named.txt", &profiler);
	/*
	 * G 1 from its status, which comes at 1002 since times strictly increase, to the end at 43001, G 2 from 1200 to 15500,
	 * G 3 from 1300 to 25000.
	 */
	ck_assert_int_eq(source.end, 43001);
	ck_assert_int_eq(an_profile_total(&profiler.profiles[AN_PROFILE_WALL]).ns, 41999 + 14300 + 23700);
	an_profiler_free(&profiler);
	close_trace();
}
END_TEST

/* Names mean the same in both generations: G 1's two stacks at main are one. */
START_TEST(names_last_over_generations)
{
	struct an_profiler profiler;
	size_t stacks;

	profile("locks-named.txt", &profiler);
	stacks = source.names.nstacks;
	/* The empty one, (unattributed), and those of ids 1 to 6; 7 has the frames of 2. */
	ck_assert_uint_eq(stacks, 8);
	an_profiler_free(&profiler);
	close_trace();
}
END_TEST

START_TEST(notes_of_the_recorder)
{
	const struct an_notes *notes = &source.notes;
	struct etr_event event;
	etr_stack_id two, seven;
	uint64_t lock = 0;

	open_trace("locks-named.txt");
	ck_assert_int_eq(an_source_next(&source, &event), 1);
	ck_assert_int_eq(etr_reader_stack_by_wire_id(reader, 2, &two), 1);
	ck_assert_int_eq(etr_reader_stack_by_wire_id(reader, 7, &seven), 1);
	ck_assert(an_notes_lock(notes, two, &lock));
	ck_assert_uint_eq(lock, 0x10);
	ck_assert(an_notes_lock(notes, seven, &lock));
	ck_assert_uint_eq(lock, 0x20);
	while (an_source_next(&source, &event) == 1)
		;
	ck_assert_uint_eq(notes->pid, 4711);
	ck_assert_str_eq(notes->process, "par grep");
	ck_assert_str_eq(notes->cmdline, "pargrep -j 2 a\\x20b");
	ck_assert_str_eq(notes->host, "box");
	ck_assert_str_eq(notes->recorder, "0.1.0 exectrace-rt");
	/* Each generation says its own losses, and all modules again. */
	ck_assert_uint_eq(notes->dropped_events, 6);
	ck_assert_uint_eq(notes->dropped_ns, 2000);
	ck_assert_uint_eq(notes->dropped_samples, 4);
	ck_assert_uint_eq(notes->nmodules, 2);
	ck_assert_uint_eq(notes->modules[0].base, 0x401000);
	ck_assert_str_eq(notes->modules[0].build_id, "0123abcd");
	ck_assert_str_eq(notes->modules[1].path, "/usr/lib/libexectrace-rt.so");
	close_trace();
}
END_TEST

static void summarize(const char *name, struct an_summary *summary)
{
	const struct an_summary_options options = { .longest = 10 };
	struct etr_event event;

	open_trace(name);
	ck_assert_int_eq(an_summary_init(summary, &source, &options), 0);
	while (an_source_next(&source, &event) == 1)
		ck_assert_int_eq(an_summary_event(summary, &event), 1);
	ck_assert_int_eq(an_summary_finish(summary), 0);
}

START_TEST(figures_of_states)
{
	struct an_summary summary;
	const struct an_state_total *g = summary.g_states;

	summarize("locks-named.txt", &summary);
	ck_assert_uint_eq(summary.gs_seen.n, 3);
	ck_assert_uint_eq(summary.ps_seen.n, 2);
	ck_assert_uint_eq(summary.ms_seen.n, 2);
	ck_assert_int_eq(g[ETR_STATE_WAITING].ns, 7000 + 11000 + 4000);
	ck_assert_uint_eq(g[ETR_STATE_WAITING].entered, 3);
	ck_assert_int_eq(g[ETR_STATE_SYSCALL].ns, 3000);
	/* G 1 runs to the end since it was scheduled again at 41600. */
	ck_assert_int_eq(g[ETR_STATE_RUNNING].open_ns, 43001 - 41600);
	ck_assert_int_eq(g[ETR_STATE_UNDETERMINED].ns, 2);
	ck_assert_uint_eq(summary.kinds[ETR_KIND_STACK_SAMPLE], 3);
	ck_assert_uint_eq(an_source_generations(&source), 2);
	an_summary_free(&summary);
	close_trace();
}
END_TEST

/* G 5 and G 6 are said to wait at 1350 and 1360, and so have waited since 1000. */
START_TEST(late_statuses_are_known)
{
	struct an_summary summary;

	summarize("locks-unnamed.txt", &summary);
	ck_assert_int_eq(summary.known_ns[ETR_STATE_WAITING], 350 + 360);
	ck_assert_int_eq(summary.g_states[ETR_STATE_UNDETERMINED].ns, 2 + 350 + 360);
	an_summary_free(&summary);
	close_trace();
}
END_TEST

START_TEST(tasks_and_regions)
{
	struct an_summary summary;
	const struct an_span_total *task, *region;
	uint64_t name;

	summarize("locks-named.txt", &summary);
	name = an_names_add_text(&source.names, "search", 6);
	task = an_map_find(&summary.tasks, &name);
	name = an_names_add_text(&source.names, "scan", 4);
	region = an_map_find(&summary.regions, &name);
	ck_assert_uint_eq(task->begun, 1);
	ck_assert_int_eq(task->time.ns, 28600);
	ck_assert_int_eq(region->time.ns, 27500);
	an_summary_free(&summary);
	close_trace();
}
END_TEST

/* The longest wait of each place that ended, and by whom: G 3 on the lock, by G 2.  G 2 waited there too, not as long. */
START_TEST(longest_wait_first)
{
	struct an_summary summary;

	summarize("locks-named.txt", &summary);
	ck_assert_uint_eq(summary.nlongest, 2);
	ck_assert_int_eq(summary.longest[0].ns, 11000);
	ck_assert_int_eq(summary.longest[0].g, 3);
	ck_assert_int_eq(summary.longest[0].waker, 2);
	ck_assert_int_eq(summary.longest[1].ns, 4000);
	an_summary_free(&summary);
	close_trace();
}
END_TEST

static int64_t point_in_time(const char *text)
{
	struct an_when when;
	int64_t time;

	ck_assert(an_when_parse(&when, text));
	return an_when_resolve(&when, &source, -1, &time) ? time : -2;
}

/* The trace begins at 1000; the clock snapshot says that this is 1700000000.25 s of wall time. */
START_TEST(points_in_time)
{
	struct etr_event event;
	struct an_when none = { .kind = AN_WHEN_NONE };
	int64_t time;

	open_trace("locks-named.txt");
	ck_assert_int_eq(an_source_next(&source, &event), 1);
	ck_assert_int_eq(point_in_time("40us"), 41000);
	ck_assert_int_eq(point_in_time("@40999"), 40999);
	ck_assert_int_eq(point_in_time("2023-11-14T22:13:20.250040Z"), 41000);
	ck_assert(an_when_resolve(&none, &source, 7, &time));
	ck_assert_int_eq(time, 7);
	close_trace();
}
END_TEST

START_TEST(no_wall_time_without_a_clock)
{
	struct etr_event event;

	open_trace("locks-unnamed.txt");
	ck_assert_int_eq(an_source_next(&source, &event), 1);
	ck_assert_int_eq(point_in_time("2023-11-14T22:13:20Z"), -2);
	close_trace();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("profiles");
	TCase *tc = tcase_create("small traces");

	tcase_add_test(tc, named_lock);
	tcase_add_test(tc, unnamed_lock);
	tcase_add_test(tc, intervals_by_kind);
	tcase_add_test(tc, wall_is_complete);
	tcase_add_test(tc, names_last_over_generations);
	tcase_add_test(tc, notes_of_the_recorder);
	tcase_add_test(tc, figures_of_states);
	tcase_add_test(tc, late_statuses_are_known);
	tcase_add_test(tc, tasks_and_regions);
	tcase_add_test(tc, longest_wait_first);
	tcase_add_test(tc, points_in_time);
	tcase_add_test(tc, no_wall_time_without_a_clock);
	suite_add_tcase(suite, tc);
	return checks_run(suite);
}
