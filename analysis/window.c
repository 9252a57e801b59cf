/* SPDX-License-Identifier: BSD-3-Clause
 *
 * window.c - reads points in time and numbers of generations.  Numbers are taken digit by digit, so that no fraction of a
 * nanosecond is invented and what does not fit is refused.
 */
#include "config.h"

#include "analysis/window.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_SEC INT64_C(1000000000)

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits at *text as a number up to INT64_MAX; *text moves behind them.  False: none, or too large. */
static bool take_int(const char **text, int64_t *number)
{
	const char *p = *text;

	*number = 0;
	for (; is_digit(*p); p++)
		if (__builtin_mul_overflow(*number, (int64_t)10, number) ||
		    __builtin_add_overflow(*number, (int64_t)(*p - '0'), number))
			return false;
	if (p == *text)
		return false;
	*text = p;
	return true;
}

/* Digits behind a decimal point, in units of 1/scale; what is finer is dropped. */
static int64_t take_fraction(const char **text, int64_t scale)
{
	int64_t sum = 0;

	for (; is_digit(**text); (*text)++) {
		scale /= 10;
		sum += scale * (**text - '0');
	}
	return sum;
}

static const struct {
	const char *name;
	int64_t ns;
} units[] = {
	{ "ns", 1 }, { "us", 1000 }, { "\xc2\xb5s", 1000 }, { "\xce\xbcs", 1000 },
	{ "ms", 1000000 }, { "s", NS_PER_SEC }, { "m", 60 * NS_PER_SEC }, { "h", 3600 * NS_PER_SEC },
};

/* The unit at *text; 0 for none. */
static int64_t take_unit(const char **text)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t len = strlen(units[i].name);

		/* "m" is no unit where "ms" stands: the longer ones come first. */
		if (strncmp(*text, units[i].name, len) == 0) {
			*text += len;
			return units[i].ns;
		}
	}
	return 0;
}

static bool parse_duration(const char *text, int64_t *ns)
{
	*ns = 0;
	if (strcmp(text, "0") == 0)
		return true;
	while (*text) {
		const char *fraction = NULL;
		int64_t whole = 0, unit;

		if (*text != '.' && !take_int(&text, &whole))
			return false;
		if (*text == '.') {
			fraction = ++text;
			if (!is_digit(*text))
				return false;
			while (is_digit(*text))
				text++;
		}
		unit = take_unit(&text);
		if (!unit || __builtin_mul_overflow(whole, unit, &whole) || __builtin_add_overflow(*ns, whole, ns))
			return false;
		if (fraction && __builtin_add_overflow(*ns, take_fraction(&fraction, unit), ns))
			return false;
	}
	return true;
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
		fraction = take_fraction(&text, NS_PER_SEC);
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
		if (!take_int(&text, &when->ns) || *text)
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

	if (!take_int(text, &value))
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
