/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test-follow.c - files that grow, plain or compressed.
 */
#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/checks.h"
#include "tests/packtrace.h"

struct growing {
	char path[64];
	int fd;
	struct etr_reader *r;
	struct outcome o;
};

static void grow_begin(struct growing *g)
{
	memset(g, 0, sizeof(*g));
	strcpy(g->path, "/tmp/test-follow.XXXXXX");
	g->fd = mkstemp(g->path);
	ck_assert_int_ge(g->fd, 0);
	g->r = etr_reader_new();
	ck_assert_int_eq(etr_reader_follow(g->r, 1), 0);
	ck_assert_int_eq(etr_reader_open_path(g->r, g->path), 0);
	ck_assert_int_eq(etr_reader_version(g->r), 0);
}

static void grow(struct growing *g, const uint8_t *p, size_t n)
{
	ck_assert_int_eq(write(g->fd, p, n), (ssize_t)n);
}

static void grow_end(struct growing *g)
{
	etr_reader_free(g->r);
	close(g->fd);
	unlink(g->path);
}

/* Byte by byte where it counts: a generation is there when its last byte is, or the next one's first batch; the end is told. */
static void follow(const struct bytes *b, const struct packed *k, const char *name)
{
	const struct bytes *file = k ? &k->b : b;
	struct outcome plain = outcome_of(b, b->n);
	bool marked = strncmp(name, "126", 3) == 0;
	struct etr_extent *e;
	size_t n = extents_of(b, &e), step;
	struct growing g;

	grow_begin(&g);
	for (size_t at = 0; at < file->n; at += step) {
		size_t whole = 0, almost = 0;

		step = file->n < 10000 || file->n - at < 300 || at < 300 ? 1 : 13;
		grow(&g, file->p + at, step);
		outcome_drain(&g.o, g.r);
		while (whole < n && (k ? k->end[whole] : e[whole].offset + e[whole].size) <= at + step)
			whole++;
		/* The last bytes of a frame are its checksum's. */
		while (almost < n && (k ? k->end[almost] : e[almost].offset + e[almost].size) <= at + step + (k ? 16 : 0))
			almost++;
		if (k && at + step == file->n)
			break;
		ck_assert_int_eq(g.o.rc, -ETR_E_AGAIN);
		ck_assert_str_eq(etr_reader_detail(g.r), "");
		ck_assert_msg(g.o.syncs + !marked >= whole && g.o.syncs <= almost,
			      "%s, %zu bytes: %u Syncs, %zu whole", name, at + step, g.o.syncs, whole);
	}
	if (!k) {
		ck_assert_int_eq(g.o.rc, -ETR_E_AGAIN);
		ck_assert_int_eq(etr_reader_follow(g.r, 0), 0);
		outcome_drain(&g.o, g.r);
	}
	outcome_assert_same(&plain, &g.o);
	grow_end(&g);
	free(e);
}

START_TEST(growing_files_are_followed)
{
	struct bytes b = bytes_load(some_traces[_i]);
	struct packed k = pack_generations(&b);

	follow(&b, NULL, some_traces[_i]);
	follow(&b, &k, some_traces[_i]);
	free(b.p);
	free(k.b.p);
}
END_TEST

/* Frames that end inside batches, and a caller who asks often. */
START_TEST(growing_pieces_of_batches_are_followed)
{
	struct bytes b = bytes_load(some_traces[_i]), odd = pack_odd(&b);
	struct outcome plain = outcome_of(&b, b.n);
	struct growing g;

	grow_begin(&g);
	for (size_t at = 0, n; at < odd.n; at += n) {
		n = odd.n - at < 151 ? odd.n - at : 151;
		grow(&g, odd.p + at, n);
		for (int i = 0; i < 40; i++)
			ck_assert_int_eq(outcome_drain(&g.o, g.r), -ETR_E_AGAIN);
	}
	etr_reader_follow(g.r, 0);
	outcome_drain(&g.o, g.r);
	outcome_assert_same(&plain, &g.o);
	grow_end(&g);
	free(b.p);
	free(odd.p);
}
END_TEST

/* The writer is done in the middle of a generation. */
START_TEST(following_ends_as_any_reading)
{
	struct bytes b = bytes_load(some_traces[_i]);

	for (size_t n = 0; n < b.n; n += n < 64 ? 1 : b.n / 7) {
		struct outcome plain = outcome_of(&b, n);
		struct growing g;

		grow_begin(&g);
		grow(&g, b.p, n);
		ck_assert_int_eq(outcome_drain(&g.o, g.r), -ETR_E_AGAIN);
		ck_assert_int_eq(outcome_drain(&g.o, g.r), -ETR_E_AGAIN);
		etr_reader_follow(g.r, 0);
		outcome_drain(&g.o, g.r);
		/* A file header that is missing is told without the Sync. */
		outcome_assert_same(&plain, &g.o);
		grow_end(&g);
	}
	free(b.p);
}
END_TEST

START_TEST(a_followed_file_is_cut_back_replaced_shortened)
{
	struct bytes b = bytes_load("126-loop-1"), two = { 0 };
	struct outcome plain = outcome_of(&b, b.n);
	struct packed k;
	struct growing g;

	bytes_append(&two, b.p, b.n);
	bytes_append(&two, "\1\7", 2);

	/* What was begun is taken back. */
	grow_begin(&g);
	grow(&g, two.p, two.n);
	ck_assert_int_eq(outcome_drain(&g.o, g.r), -ETR_E_AGAIN);
	ck_assert_int_eq(ftruncate(g.fd, (off_t)b.n), 0);
	ck_assert_int_eq(outcome_drain(&g.o, g.r), 0);
	outcome_assert_same(&plain, &g.o);
	grow_end(&g);

	/* Bytes that were read are gone. */
	grow_begin(&g);
	grow(&g, b.p, b.n);
	ck_assert_int_eq(outcome_drain(&g.o, g.r), -ETR_E_AGAIN);
	ck_assert_int_eq(ftruncate(g.fd, (off_t)b.n - 1), 0);
	ck_assert_int_eq(outcome_drain(&g.o, g.r), -ETR_E_TRUNCATED);
	ck_assert_int_eq(outcome_drain(&g.o, g.r), -ETR_E_TRUNCATED);
	grow_end(&g);

	/* The name goes to another file. */
	grow_begin(&g);
	grow(&g, b.p, b.n);
	ck_assert_int_eq(outcome_drain(&g.o, g.r), -ETR_E_AGAIN);
	unlink(g.path);
	ck_assert_int_eq(outcome_drain(&g.o, g.r), 0);
	outcome_assert_same(&plain, &g.o);
	grow_end(&g);

	/* It is too late to begin. */
	grow_begin(&g);
	ck_assert_int_eq(etr_reader_follow(g.r, 1), -ETR_E_INVALID);
	grow_end(&g);

	/* Compressed, and the half of a frame is taken back. */
	k = pack_generations(&b);
	grow_begin(&g);
	grow(&g, k.b.p, k.end[k.n - 1]);
	ck_assert_int_eq(outcome_drain(&g.o, g.r), -ETR_E_AGAIN);
	grow(&g, k.b.p, 20);
	ck_assert_int_eq(outcome_drain(&g.o, g.r), -ETR_E_AGAIN);
	ck_assert_int_eq(ftruncate(g.fd, (off_t)k.end[k.n - 1]), 0);
	ck_assert_int_eq(outcome_drain(&g.o, g.r), 0);
	outcome_assert_same(&plain, &g.o);
	grow_end(&g);
	free(k.b.p);
	free(b.p);
	free(two.p);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("follow");
	TCase *tc = checks_add(suite, "growing", 300, CHECKS(a_followed_file_is_cut_back_replaced_shortened));

	tcase_add_loop_test(tc, growing_files_are_followed, 0, SOME_TRACES);
	tcase_add_loop_test(tc, growing_pieces_of_batches_are_followed, 0, SOME_TRACES);
	tcase_add_loop_test(tc, following_ends_as_any_reading, 0, SOME_TRACES);
	return checks_run(suite);
}
