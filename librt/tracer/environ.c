/* SPDX-License-Identifier: BSD-3-Clause
 *
 * environ.c - EXECTRACE=file=PATH[,key=value...], what a user or trace-record sets.
 *
 *     file=PATH        "%p" is the process id; a comma or backslash in it is written with a backslash before it
 *     fd=N             an open descriptor instead
 *     cpu=HZ           CPU samples a second of CPU time; 0: none
 *     period=DURATION  a generation's length: 500ms, 2s
 *     buffer=SIZE      bytes of buffers before events are dropped: 16M, 1G
 *     compress=LEVEL   zstd frames, one a generation, of this level, 1 to 19
 *
 * EXECTRACE_OWNER=PID:N is set in turn: process PID records, and it is the N-th program in it.  A child that inherits both
 * records only if the path has "%p"; the same process after an exec records into PATH.N.
 */
#include "librt/tracer/environ.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "librt/tracer/core.h"
#include "librt/tracer/zframes.h"

#define VARIABLE "EXECTRACE"
#define OWNER "EXECTRACE_OWNER"
#define MAX_VALUE 4096

/* A number and its unit out of `units`, pairs of name and factor.  Return: whether it is one, and not 0 digits or too large. */
struct unit {
	const char *name;
	uint64_t factor;
};

static bool parse_number(const char *text, const struct unit *units, uint64_t max, uint64_t *out)
{
	char *end;
	unsigned long long v;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno != 0)
		return false;
	for (; units->name != NULL; units++) {
		if (strcmp(end, units->name) != 0)
			continue;
		if (v > max / units->factor)
			return false;
		*out = v * units->factor;
		return true;
	}
	return false;
}

static const struct unit plain[] = { { "", 1 }, { NULL, 0 } };
static const struct unit durations[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { NULL, 0 } };
static const struct unit sizes[] = { { "", 1 }, { "K", 1u << 10 }, { "M", 1u << 20 }, { "G", 1u << 30 }, { NULL, 0 } };

/* One "key=value". Return: whether it was understood. */
static bool parse_item(char *item, struct trace_options *o)
{
	char *value = strchr(item, '=');
	uint64_t v;

	if (value == NULL)
		return false;
	*value++ = '\0';
	if (strcmp(item, "file") == 0 && value[0] != '\0') {
		o->path = value;
		return true;
	}
	if (strcmp(item, "fd") == 0 && parse_number(value, plain, 1u << 30, &v)) {
		o->fd = (int)v;
		return true;
	}
	if (strcmp(item, "cpu") == 0 && parse_number(value, plain, 10000, &v)) {
		o->cpu_hz = (unsigned)v;
		return true;
	}
	if (strcmp(item, "period") == 0 && parse_number(value, durations, 86400000, &v) && v > 0) {
		o->advance_ms = (unsigned)v;
		return true;
	}
	if (strcmp(item, "buffer") == 0 && parse_number(value, sizes, (uint64_t)1 << 40, &v) && v > 0) {
		o->buffer_limit = v;
		return true;
	}
	if (strcmp(item, "compress") == 0 && parse_number(value, plain, TRACE_ZSTD_MAX_LEVEL, &v)) {
		o->compress = (unsigned)v;
		return true;
	}
	value[-1] = '=';
	return false;
}

/* Cuts the next item off *rest, taking backslashes out; NULL at the end. */
static char *next_item(char **rest)
{
	char *item = *rest, *from = item, *to = item;

	if (item == NULL)
		return NULL;
	while (*from != '\0' && *from != ',') {
		if (*from == '\\' && from[1] != '\0')
			from++;
		*to++ = *from++;
	}
	*rest = *from == ',' ? from + 1 : NULL;
	*to = '\0';
	return item;
}

/* The program's number in this process, from 0; or -1 when another process owns the recording and this one may not join. */
static int claim(const char *path)
{
	const char *owner = secure_getenv(OWNER);
	char text[48];
	long pid = 0;
	int n = 0;

	if (owner != NULL && sscanf(owner, "%ld:%d", &pid, &n) == 2) {
		if (pid == (long)getpid())
			n = n < 1000000 ? n + 1 : 1;
		else if (path == NULL || strstr(path, "%p") == NULL)
			return -1;
		else
			n = 0;
	}
	snprintf(text, sizeof(text), "%ld:%d", (long)getpid(), n);
	setenv(OWNER, text, 1);
	return n;
}

void trace_environ_start(void)
{
	const char *value = secure_getenv(VARIABLE);
	char text[MAX_VALUE], path[MAX_VALUE + 16], *rest = text, *item;
	struct trace_options o = TRACE_OPTIONS_INIT;
	int n, err;

	if (value == NULL || value[0] == '\0')
		return;
	if (strlen(value) >= sizeof(text)) {
		trace_warn(VARIABLE ": too long, ignored");
		return;
	}
	strcpy(text, value);
	while ((item = next_item(&rest)) != NULL) {
		if (item[0] != '\0' && !parse_item(item, &o))
			trace_warn(VARIABLE ": '%s' is not understood, ignored", item);
	}
	if (o.path == NULL && o.fd < 0) {
		trace_warn(VARIABLE ": no file=PATH, nothing is recorded");
		return;
	}
	n = claim(o.path);
	if (n < 0)
		return;
	if (n > 0 && o.path != NULL) {
		snprintf(path, sizeof(path), "%s.%d", o.path, n);
		o.path = path;
	}
	err = trace_start(&o);
	if (err < 0)
		trace_warn("%s: %s; nothing is recorded", o.fd < 0 ? o.path : "descriptor", strerror(-err));
}
