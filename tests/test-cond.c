/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test-cond.c - conditions: what they mean, and what is wrong with those that mean nothing.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "cond/cond.h"
#include "cond/duration.h"
#include "tests/checks.h"

#define MS INT64_C(1000000)

static bool holds(const char *text, enum cond_kind kind, const char *name, int64_t ns)
{
	struct cond_interval interval = { .kind = kind, .name = name, .name_len = strlen(name), .ns = ns };
	struct cond_error error;
	struct cond cond;

	if (cond_parse(&cond, text, &error) != 0)
		ck_abort_msg("%s: column %zu: %s", text, error.column, error.message);
	if (cond_matches(&cond, &interval) && !(cond_kinds(&cond) & 1u << kind))
		ck_abort_msg("%s matches a kind that it does not speak of", text);
	return cond_matches(&cond, &interval);
}

START_TEST(durations_are_compared)
{
	ck_assert(holds("syscall > 100ms", COND_SYSCALL, "", 100 * MS + 1));
	ck_assert(!holds("syscall > 100ms", COND_SYSCALL, "", 100 * MS));
	ck_assert(holds("syscall >= 100ms", COND_SYSCALL, "", 100 * MS));
	ck_assert(holds("syscall<0.1s", COND_SYSCALL, "", 100 * MS - 1));
	ck_assert(!holds("syscall < 100ms", COND_SYSCALL, "", 100 * MS));
	ck_assert(holds("syscall <= 100000us", COND_SYSCALL, "", 100 * MS));
	ck_assert(holds("syscall = 1m1.5s", COND_SYSCALL, "", 61500 * MS));
	ck_assert(holds("syscall > 0", COND_SYSCALL, "", 1));
	ck_assert(holds("syscall", COND_SYSCALL, "", 0));
	ck_assert(!holds("syscall", COND_RUNNABLE, "", 0));
}
END_TEST

START_TEST(reasons_contain_and_names_match_whole)
{
	ck_assert(holds("blocked(sync) > 50ms", COND_WAITING, "sync.(*Cond).Wait", 51 * MS));
	ck_assert(holds("waiting(chan)", COND_WAITING, "chan send", 0));
	ck_assert(!holds("waiting(chan)", COND_WAITING, "select", 0));
	ck_assert(!holds("waiting(chan)", COND_WAITING, "", 0));
	ck_assert(holds("region(checkout)", COND_REGION, "checkout", 0));
	ck_assert(!holds("region(check)", COND_REGION, "checkout", 0));
	ck_assert(holds("region(check*)", COND_REGION, "checkout", 0));
	ck_assert(holds("region(c?eck*t)", COND_REGION, "checkout", 0));
	ck_assert(!holds("region(c?eck*x)", COND_REGION, "checkout", 0));
	ck_assert(holds("task( two words )", COND_TASK, "two words", 0));
	ck_assert(holds("task(\"a\\\"b)\")", COND_TASK, "a\"b)", 0));
	ck_assert(holds("range(stop-the-world (GC mark termination))", COND_RANGE, "stop-the-world (GC mark termination)", 0));
	ck_assert(holds("stw > 1ms", COND_RANGE, "stop-the-world (start trace)", 2 * MS));
	ck_assert(!holds("stw", COND_RANGE, "GC mark assist", 2 * MS));
	ck_assert(holds("gc", COND_RANGE, "GC concurrent mark phase", 0));
}
END_TEST

START_TEST(and_or_not_and_parentheses)
{
	/* and binds closer than or. */
	ck_assert(holds("syscall or runnable and runnable > 1ms", COND_SYSCALL, "", 0));
	ck_assert(!holds("(syscall or runnable) and runnable > 1ms", COND_SYSCALL, "", 0));
	ck_assert(holds("syscall > 1ms && ! syscall > 5ms", COND_SYSCALL, "", 3 * MS));
	ck_assert(!holds("syscall > 1ms && ! syscall > 5ms", COND_SYSCALL, "", 6 * MS));
	ck_assert(holds("not (syscall || runnable)", COND_TASK, "x", 6 * MS));
	ck_assert(holds("not not syscall", COND_SYSCALL, "", 0));
	ck_assert(holds("running and (syscall or (running and not waiting))", COND_RUNNING, "", 0));
}
END_TEST

static const struct {
	const char *text;
	size_t column;
} wrong[] = {
	{ "", 1 }, { "   ", 4 }, { "sleeping", 1 }, { "syscall >", 10 }, { "syscall > 5", 11 }, { "syscall > 5parsec", 11 },
	{ "syscall > 5ms extra", 15 }, { "syscall(read)", 9 }, { "blocked(", 9 }, { "blocked()", 9 }, { "blocked(\"x", 11 },
	{ "(syscall", 9 }, { "syscall and", 12 }, { "syscall > 99999999999999999999s", 11 }, { "syscalls", 1 }, { "not", 4 },
	{ "stw > 1msx", 10 },
};

START_TEST(what_is_wrong_is_told_where)
{
	struct cond_error error = { 0 };
	struct cond cond;

	ck_assert_int_eq(cond_parse(&cond, wrong[_i].text, &error), -1);
	ck_assert_msg(error.column == wrong[_i].column, "'%s': column %zu, not %zu: %s", wrong[_i].text, error.column,
		      wrong[_i].column, error.message);
	ck_assert(error.message && *error.message);
}
END_TEST

START_TEST(what_is_too_long_is_refused)
{
	static char text[100000];
	struct cond_error error;
	struct cond cond;

	memset(text, '(', sizeof(text) - 1);
	ck_assert_int_eq(cond_parse(&cond, text, &error), -1);
	memset(text, '!', sizeof(text) - 1);
	ck_assert_int_eq(cond_parse(&cond, text, &error), -1);
	for (size_t i = 0; i + 11 < sizeof(text); i += 11)
		memcpy(text + i, "syscall or ", 11);
	ck_assert_int_eq(cond_parse(&cond, text, &error), -1);
	ck_assert_str_eq(error.message, "the condition is too long");
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "region(", 7);
	ck_assert_int_eq(cond_parse(&cond, text, &error), -1);
	ck_assert_str_eq(error.message, "the names are too long");
}
END_TEST

START_TEST(the_longest_condition_works)
{
	char text[1024] = "syscall";
	struct cond_error error;
	struct cond cond;

	/* 32 terms and 31 operators, all values waiting at once. */
	for (int i = 0; i < 31; i++)
		strcat(text, i < 30 ? " or (runnable" : " or syscall > 1ms");
	for (int i = 0; i < 30; i++)
		strcat(text, ")");
	ck_assert_int_eq(cond_parse(&cond, text, &error), 0);
	ck_assert(cond_matches(&cond, &(struct cond_interval){ .kind = COND_RUNNABLE }));
	ck_assert(cond_matches(&cond, &(struct cond_interval){ .kind = COND_SYSCALL }));
	ck_assert(!cond_matches(&cond, &(struct cond_interval){ .kind = COND_TASK }));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cond");
	TCase *tc = tcase_create("cond");

	tcase_add_test(tc, durations_are_compared);
	tcase_add_test(tc, reasons_contain_and_names_match_whole);
	tcase_add_test(tc, and_or_not_and_parentheses);
	tcase_add_loop_test(tc, what_is_wrong_is_told_where, 0, (int)(sizeof(wrong) / sizeof(wrong[0])));
	tcase_add_test(tc, what_is_too_long_is_refused);
	tcase_add_test(tc, the_longest_condition_works);
	suite_add_tcase(s, tc);
	return checks_run(s);
}
