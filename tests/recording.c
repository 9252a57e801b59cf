/* SPDX-License-Identifier: BSD-3-Clause
 *
 * recording.c - see recording.h.
 */
#include "tests/recording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <exectrace/reader.h>

#include "tests/checks.h"

char recording_dir[] = "/tmp/recording.XXXXXX";
char recording_path[256];

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(recording_dir));
	snprintf(recording_path, sizeof(recording_path), "%s/trace", recording_dir);
	unsetenv("EXECTRACE");
	unsetenv("EXECTRACE_OWNER");
}

static void tear_down(void)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -rf '%s'", recording_dir);
	ck_assert_int_eq(system(command), 0);
}

void recording_pause(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

void recording_await(uint64_t n)
{
	uint64_t before = fake_changes();

	while (fake_changes() - before < n)
		recording_pause(1);
}

uint64_t recording_changes(long ms)
{
	uint64_t before = fake_changes();

	recording_pause(ms);
	return fake_changes() - before;
}

void recording_host(bool always_pin)
{
	struct fake_config config = { .always_pin = always_pin, .threads = 3, .procs = 2, .gs = 50, .seed = 5 };

	fake_init(&config);
	fake_start(&config);
}

struct trace_options recording_options(const char *file)
{
	struct trace_options o = TRACE_OPTIONS_INIT;

	o.path = file;
	o.advance_ms = 5;
	return o;
}

struct recording recording_read(const char *file)
{
	struct etr_reader *r = etr_reader_new();
	struct recording out = { 0 };
	struct etr_event e;
	int err = etr_reader_open_path(r, file);

	while (err == 0 && (err = etr_reader_next(r, &e)) == 1) {
		err = 0;
		out.events++;
		out.syncs += e.kind == ETR_KIND_SYNC;
		out.logs += e.kind == ETR_KIND_LOG;
		out.samples += e.kind == ETR_KIND_STACK_SAMPLE;
		if (e.kind != ETR_KIND_STATE_TRANSITION)
			continue;
		out.transitions++;
		if (e.u.transition.reason != 0) {
			size_t len, n;
			const char *text = etr_reader_string(r, e.u.transition.reason, &len);
			const struct etr_frame *f = etr_reader_stack(r, e.stack, &n);

			out.sync_reason |= len == 4 && memcmp(text, "sync", 4) == 0;
			if (n > 0) {
				text = etr_reader_string(r, f[0].func, &len);
				out.named_frame |= len == 7 && memcmp(text, "g_leave", 7) == 0;
			}
		}
	}
	if (err < 0)
		fprintf(stderr, "%s: %s\n", file, etr_reader_error_message(r));
	out.error = err;
	etr_reader_free(r);
	return out;
}

TCase *recording_tests(Suite *suite, const char *name, const TTest *const *tests)
{
	TCase *tc = checks_add(suite, name, 60, tests);

	tcase_add_checked_fixture(tc, set_up, tear_down);
	return tc;
}
