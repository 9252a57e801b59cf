/* SPDX-License-Identifier: BSD-3-Clause
 *
 * checks.c - see checks.h.
 */
#include "tests/checks.h"

#include <stdlib.h>

TCase *checks_add(Suite *suite, const char *name, int seconds, const TTest *const *tests)
{
	TCase *tc = tcase_create(name);

	for (; *tests != NULL; tests++)
		tcase_add_test(tc, *tests);
	tcase_set_timeout(tc, seconds);
	suite_add_tcase(suite, tc);
	return tc;
}

int checks_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
