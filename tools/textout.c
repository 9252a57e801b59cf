/* SPDX-License-Identifier: BSD-3-Clause
 *
 * textout.c - text to a stream, fast.
 */
#include "tools/textout.h"

#include <errno.h>

int textout_flush(struct textout *t)
{
	if (t->n && !t->failed && fwrite(t->buf, 1, t->n, t->f) != t->n) {
		t->failed = true;
		t->error = errno;
	}
	t->n = 0;
	return t->failed ? -1 : 0;
}

void textout_bytes(struct textout *t, const char *s, size_t n)
{
	while (n > TEXTOUT_SIZE - t->n) {
		size_t part = TEXTOUT_SIZE - t->n;

		memcpy(t->buf + t->n, s, part);
		t->n += part;
		s += part;
		n -= part;
		textout_flush(t);
	}
	memcpy(t->buf + t->n, s, n);
	t->n += n;
}

char *text_put_u64(char *p, uint64_t v)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748"
				    "49505152535455565758596061626364656667686970717273747576777879808182838485868788899091929394959697"
				    "9899";
	char d[20];
	size_t i = sizeof(d);

	while (v >= 100) {
		i -= 2;
		memcpy(d + i, pairs + v % 100 * 2, 2);
		v /= 100;
	}
	if (v >= 10) {
		i -= 2;
		memcpy(d + i, pairs + v * 2, 2);
	} else {
		d[--i] = (char)('0' + v);
	}
	return text_put(p, d + i, sizeof(d) - i);
}

void textout_hex(struct textout *t, uint64_t v)
{
	char d[16];
	size_t i = sizeof(d);

	do
		d[--i] = "0123456789abcdef"[v % 16];
	while (v /= 16);
	textout_bytes(t, d + i, sizeof(d) - i);
}

void textout_escaped(struct textout *t, const char *s, size_t n)
{
	size_t from = 0;

	for (size_t i = 0; i < n; i++) {
		uint8_t b = (uint8_t)s[i];

		if (b >= 0x21 && b <= 0x7e && b != '\\')
			continue;
		textout_bytes(t, s + from, i - from);
		textout_bytes(t, (char[]){ '\\', 'x', "0123456789abcdef"[b >> 4], "0123456789abcdef"[b & 15] }, 4);
		from = i + 1;
	}
	textout_bytes(t, s + from, n - from);
}
