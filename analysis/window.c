/* SPDX-License-Identifier: BSD-3-Clause
 *
 * window.c - reads points in time and numbers of generations; durations are those of conditions.
 */
#include "config.h"

#include "analysis/window.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cond/duration.h"
#include "analysis/source.h"

#define NS_PER_SEC INT64_C(1000000000)

const struct an_cut_window an_cut_all = { .from = INT64_MIN, .to = INT64_MAX, .last_generation = UINT64_MAX, .max_size = UINT64_MAX };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool parse_duration(const char *text, int64_t *ns)
{
	return duration_take(&text, ns) && !*text;
}

/* Exactly n digits. */
static bool take_digits(const char **text, int n, int *number)
{
	*number = 0;
	for (int i = 0; i < n; i++, (*text)++) {
		if (!is_digit(**text))
			return false;
		*number = *number * 10 + (**text - '0');
	}
	return true;
}

static bool take_char(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

/* "Z", "+hh:mm", "-hhmm", or nothing; seconds east of Greenwich. */
static bool take_zone(const char **text, bool *local, int64_t *east)
{
	int hours, minutes, sign;

	*local = **text == '\0';
	*east = 0;
	if (*local || take_char(text, 'Z') || take_char(text, 'z'))
		return true;
	sign = **text == '-' ? -1 : 1;
	if (!take_char(text, '+') && !take_char(text, '-'))
		return false;
	if (!take_digits(text, 2, &hours))
		return false;
	take_char(text, ':');
	if (!take_digits(text, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*east = sign * (hours * 3600 + minutes * 60);
	return true;
}

static bool parse_wall(const char *text, int64_t *ns)
{
	struct tm tm = { .tm_isdst = -1 };
	int64_t fraction = 0, east, sec;
	bool local;

	if (!take_digits(&text, 4, &tm.tm_year) || !take_char(&text, '-') || !take_digits(&text, 2, &tm.tm_mon) ||
	    !take_char(&text, '-') || !take_digits(&text, 2, &tm.tm_mday))
		return false;
	if (!take_char(&text, 'T') && !take_char(&text, 't') && !take_char(&text, ' '))
		return false;
	if (!take_digits(&text, 2, &tm.tm_hour) || !take_char(&text, ':') || !take_digits(&text, 2, &tm.tm_min))
		return false;
	if (take_char(&text, ':') && !take_digits(&text, 2, &tm.tm_sec))
		return false;
	if (take_char(&text, '.') || take_char(&text, ','))
		fraction = duration_take_fraction(&text, NS_PER_SEC);
	if (!take_zone(&text, &local, &east) || *text)
		return false;
	if (tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 ||
	    tm.tm_sec > 60)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	sec = local ? (int64_t)mktime(&tm) : (int64_t)timegm(&tm) - east;
	return !__builtin_mul_overflow(sec, NS_PER_SEC, ns) && !__builtin_add_overflow(*ns, fraction, ns);
}

bool an_when_parse(struct an_when *when, const char *text)
{
	if (*text == '@') {
		bool minus = text[1] == '-';

		text += 1 + minus;
		when->kind = AN_WHEN_TRACE_CLOCK;
		if (!duration_take_int(&text, &when->ns) || *text)
			return false;
		when->ns = minus ? -when->ns : when->ns;
		return true;
	}
	if (*text && strlen(text) > 4 && text[4] == '-') {
		when->kind = AN_WHEN_WALL;
		return parse_wall(text, &when->ns);
	}
	when->kind = AN_WHEN_SINCE_START;
	return *text && parse_duration(text, &when->ns);
}

static bool take_generation(const char **text, uint64_t *number)
{
	int64_t value;

	if (!duration_take_int(text, &value))
		return false;
	*number = (uint64_t)value;
	return true;
}

bool an_generations_parse(struct an_generations *generations, const char *text)
{
	generations->first = 0;
	generations->last = UINT64_MAX;
	if (is_digit(*text)) {
		if (!take_generation(&text, &generations->first))
			return false;
		if (!*text) {
			generations->last = generations->first;
			return true;
		}
	}
	if (!take_char(&text, '.') || !take_char(&text, '.'))
		return false;
	if (*text && !take_generation(&text, &generations->last))
		return false;
	return !*text && generations->first <= generations->last;
}

bool an_when_resolve(const struct an_when *when, const struct an_source *source, int64_t otherwise, int64_t *time)
{
	int64_t start_wall, since = when->ns;

	*time = otherwise;
	switch (when->kind) {
	case AN_WHEN_NONE:
		return true;
	case AN_WHEN_TRACE_CLOCK:
		*time = when->ns;
		return true;
	case AN_WHEN_WALL:
		if (!an_source_wall(source, source->start, &start_wall))
			return false;
		if (__builtin_sub_overflow(when->ns, start_wall, &since))
			since = when->ns < start_wall ? INT64_MIN : INT64_MAX;
		break;
	case AN_WHEN_SINCE_START:
		break;
	}
	if (__builtin_add_overflow(source->start, since, time))
		*time = since < 0 ? INT64_MIN : INT64_MAX;
	return true;
}

bool an_duration_take(const char **text, int64_t *ns)
{
	return duration_take(text, ns);
}

bool an_number_take(const char **text, int64_t *number)
{
	return duration_take_int(text, number);
}
