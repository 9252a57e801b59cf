/* SPDX-License-Identifier: BSD-3-Clause
 *
 * text.c - figures and names as people read them.  No locale has a say: output is the same everywhere.
 */
#include "config.h"

#include "analysis/text.h"

#include <inttypes.h>
#include <math.h>

/* Three significant digits at least, in one unit. */
static const char *with_unit(char *buf, double value, const char *unit)
{
	double size = fabs(value);

	snprintf(buf, 32, size < 9.995 ? "%.2f%s" : size < 99.95 ? "%.1f%s" : "%.0f%s", value, unit);
	return buf;
}

const char *an_text_ns(char *buf, int64_t ns)
{
	double size = fabs((double)ns);

	if (ns == 0) {
		snprintf(buf, 32, "0");
		return buf;
	}
	if (size < 1000) {
		snprintf(buf, 32, "%" PRId64 "ns", ns);
		return buf;
	}
	if (size < 999500)
		return with_unit(buf, (double)ns / 1e3, "us");
	if (size < 999500000)
		return with_unit(buf, (double)ns / 1e6, "ms");
	return with_unit(buf, (double)ns / 1e9, "s");
}

const char *an_text_bytes(char *buf, uint64_t bytes)
{
	if (bytes < 1000)
		snprintf(buf, 32, "%" PRIu64 " B", bytes);
	else if (bytes < 999500)
		with_unit(buf, (double)bytes / 1e3, " kB");
	else if (bytes < 999500000)
		with_unit(buf, (double)bytes / 1e6, " MB");
	else
		with_unit(buf, (double)bytes / 1e9, " GB");
	return buf;
}

size_t an_text_utf8(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t n;
	uint32_t c;

	if (!len)
		return 0;
	if (p[0] < 0x80)
		return 1;
	n = p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;
	if (!n || n > len)
		return 0;
	c = p[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	/* Longer than needed, surrogates, or beyond Unicode. */
	if ((n == 3 && (c < 0x800 || (c >= 0xd800 && c < 0xe000))) || (n == 4 && (c < 0x10000 || c > 0x10ffff)))
		return 0;
	return n;
}

void an_text_print_bytes(const char *text, size_t len, FILE *out)
{
	while (len) {
		unsigned char c = (unsigned char)*text;
		size_t n = an_text_utf8(text, len);

		if (!n || c < 0x20 || c == 0x7f || (n == 2 && c == 0xc2 && (unsigned char)text[1] < 0xa0)) {
			fprintf(out, "\\x%02x", c);
			n = 1;
		} else {
			fwrite(text, 1, n, out);
		}
		text += n;
		len -= n;
	}
}

void an_text_print(const struct an_names *names, an_text_id id, FILE *out)
{
	size_t len;
	const char *text = an_text(names, id, &len);

	an_text_print_bytes(text, len, out);
}
