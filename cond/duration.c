/* SPDX-License-Identifier: BSD-3-Clause
 *
 * duration.c - reads numbers and durations.  No state, no allocation.
 */
#include "cond/duration.h"

#include <stddef.h>
#include <string.h>

#define NS_PER_SEC INT64_C(1000000000)

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool duration_take_int(const char **text, int64_t *number)
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

int64_t duration_take_fraction(const char **text, int64_t scale)
{
	int64_t sum = 0;

	for (; is_digit(**text); (*text)++) {
		scale /= 10;
		sum += scale * (**text - '0');
	}
	return sum;
}

/* "m" is no unit where "ms" stands: the longer ones come first. */
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

		if (strncmp(*text, units[i].name, len) == 0) {
			*text += len;
			return units[i].ns;
		}
	}
	return 0;
}

/* One number and its unit, added to *ns. */
static bool take_part(const char **text, int64_t *ns)
{
	const char *fraction = NULL;
	int64_t whole = 0, unit;

	if (**text != '.' && !duration_take_int(text, &whole))
		return false;
	if (**text == '.') {
		fraction = ++*text;
		if (!is_digit(**text))
			return false;
		while (is_digit(**text))
			(*text)++;
	}
	unit = take_unit(text);
	if (!unit || __builtin_mul_overflow(whole, unit, &whole) || __builtin_add_overflow(*ns, whole, ns))
		return false;
	return !fraction || !__builtin_add_overflow(*ns, duration_take_fraction(&fraction, unit), ns);
}

bool duration_take(const char **text, int64_t *ns)
{
	const char *p = *text;

	*ns = 0;
	if (*p == '0' && !is_digit(p[1]) && p[1] != '.' && !take_unit(&(const char *){ p + 1 })) {
		*text = p + 1;
		return true;
	}
	do {
		if (!take_part(&p, ns))
			return false;
	} while (is_digit(*p) || *p == '.');
	*text = p;
	return true;
}
