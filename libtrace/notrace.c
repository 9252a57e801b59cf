/* SPDX-License-Identifier: BSD-3-Clause
 *
 * notrace.c - what an input is that cannot be read, and what to do about it.
 *
 * People hand over the file next to the trace, the trace still compressed, or the page that said why there was none.  Each is
 * told from its first bytes; where they are unknown, nothing is guessed.
 */
#include "libtrace/notrace.h"

#include <stdbool.h>
#include <string.h>

/* Files that begin with fixed bytes. */
static const struct magic {
	const char *bytes;
	uint8_t n;
	const char *is;
} magics[] = {
	{ "\x1f\x8b", 2, "gzip-compressed data: decompress it first (gzip -d), unless it is a pprof profile" },
	{ "\xfd" "7zXZ\0", 6, "xz-compressed data: decompress it first (xz -d)" },
	{ "BZh", 3, "bzip2-compressed data: decompress it first (bzip2 -d)" },
	{ "\x04\x22\x4d\x18", 4, "lz4-compressed data: decompress it first (lz4 -d)" },
	{ "PK\3\4", 4, "a zip archive: unpack it first" },
	{ "\x7f" "ELF", 4, "an ELF file: a program, a library or a core dump" },
	{ "PERFILE2", 8, "a recording of perf" },
	{ "\xc1\x1f\xfc\xc1", 4, "a trace in the Common Trace Format, as LTTng's are" },
	{ "\xc1\xfc\x1f\xc1", 4, "a trace in the Common Trace Format, as LTTng's are" },
	{ "Trace Go1.", 10, "the raw text form of one: trace-print --assemble makes a trace of it" },
};

static bool is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Whether the text at p begins with these letters, of any case. */
static bool begins_with(const uint8_t *p, size_t n, const char *lower)
{
	size_t len = strlen(lower);

	if (n < len)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((p[i] >= 'A' && p[i] <= 'Z' ? p[i] + ('a' - 'A') : p[i]) != lower[i])
			return false;
	return true;
}

/*
 * A profile's message begins with its sample types, field 1, which have two small numbers as fields 1 and 2; a length byte is
 * between them.
 */
static bool is_profile(const uint8_t *p, size_t n)
{
	return n >= 6 && p[0] == 0x0a && p[1] >= 2 && p[1] <= 8 && p[2] == 0x08 && p[3] < 0x80 && p[4] == 0x10 && p[5] < 0x80;
}

static bool is_text(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((p[i] < 0x20 && !is_space(p[i])) || p[i] >= 0x7f)
			return false;
	return n > 0;
}

/* How many bytes the first line has. */
static int line_length(const uint8_t *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] >= 0x20)
		i++;
	return (int)i;
}

int etr__refuse_format(struct etr__fault *fault, const uint8_t *p, size_t n)
{
	const uint8_t *t = p;
	size_t left = n;

	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if (n >= magics[i].n && memcmp(p, magics[i].bytes, magics[i].n) == 0)
			return etr__fault_set(fault, ETR_E_FORMAT, 0, "not an execution trace but %s", magics[i].is);
	if (is_profile(p, n))
		return etr__fault_set(fault, ETR_E_FORMAT, 0, "not an execution trace but, it seems, a pprof profile");
	while (left && is_space(*t)) {
		t++;
		left--;
	}
	if (begins_with(t, left, "<!doctype html") || begins_with(t, left, "<html"))
		return etr__fault_set(fault, ETR_E_FORMAT, 0, "not an execution trace but an HTML page: "
				      "a server gives a trace at /debug/pprof/trace?seconds=5");
	if (left && (*t == '{' || *t == '['))
		return etr__fault_set(fault, ETR_E_FORMAT, 0, "not an execution trace but, it seems, JSON");
	if (is_text(p, n) && left)
		return etr__fault_set(fault, ETR_E_FORMAT, 0, "not an execution trace but text: \"%.*s\"", line_length(t, left),
				      (const char *)t);
	return etr__fault_set(fault, ETR_E_FORMAT, 0, "not an execution trace");
}

int etr__refuse_version(struct etr__fault *fault, int minor)
{
	/* The header's number changed with the format only: Go 1.12 to 1.18 write 1.11, and 1.20 writes 1.19. */
	const char *writer = minor == 11 ? "1.11 to 1.18" : minor == 19 ? "1.19 or 1.20" : NULL;

	if (minor < 22 && writer)
		return etr__fault_set(fault, ETR_E_VERSION, 0, "a \"go 1.%d trace\", in the old format of Go %s: "
				      "build the program with Go 1.22 or later and record it again, or use that Go's go tool trace",
				      minor, writer);
	if (minor < 22)
		return etr__fault_set(fault, ETR_E_VERSION, 0, "a \"go 1.%d trace\", in the format before Go 1.22: "
				      "build the program with Go 1.22 or later and record it again, or use that Go's go tool trace",
				      minor);
	return etr__fault_set(fault, ETR_E_VERSION, 0, "a \"go 1.%d trace\", where those of 1.22, 1.23, 1.25 and 1.26 are known%s",
			      minor, minor > 26 ? ": a newer exectrace may read it" : "");
}
