/* SPDX-License-Identifier: BSD-3-Clause
 *
 * filteropt.c - the options by which a part of a trace is chosen.
 */
#include "config.h"

#include "tools/filteropt.h"

#include <stdio.h>

static void set_ids(struct an_id_set *set, const char *value, const char *what)
{
	if (!an_id_set_parse(set, value))
		command_usage_error("'%s' are no %s: 7, 3,9 and 20..40 would be", value, what);
}

bool filter_option(struct an_filter *filter, int opt, const char *value)
{
	char message[512];
	bool good = true;

	switch (opt) {
	case FILTER_OPT_FROM:
	case FILTER_OPT_TO:
		good = an_filter_set_window(filter, opt == FILTER_OPT_TO, value, message, sizeof(message));
		break;
	case FILTER_OPT_GOROUTINE:
		set_ids(&filter->goroutines, value, "goroutines");
		break;
	case FILTER_OPT_THREAD:
		set_ids(&filter->threads, value, "threads");
		break;
	case FILTER_OPT_PROC:
		set_ids(&filter->procs, value, "processors");
		break;
	case FILTER_OPT_FUNCTION:
		good = an_filter_set_function(filter, value, message, sizeof(message));
		break;
	case FILTER_OPT_WHERE:
		good = an_filter_set_condition(filter, value, message, sizeof(message));
		break;
	case FILTER_OPT_KIND:
		good = an_filter_set_kinds(filter, value, message, sizeof(message));
		break;
	default:
		return false;
	}
	if (!good)
		command_usage_error("%s", message);
	return true;
}

int filter_start(struct an_filter *filter, const struct an_source *source, const char *path)
{
	int rc = an_filter_start(filter, source);

	if (rc == 0)
		return 0;
	command_error(path, "%s", rc == -ETR_E_INVALID ? "the trace does not tell wall time, so --from and --to cannot be given in it" :
							 etr_strerror(rc));
	return -1;
}
