/* SPDX-License-Identifier: BSD-3-Clause
 *
 * goquote.c - strings in double quotes as Go's strconv has them.
 *
 * Go leaves a character as it is when Unicode calls it printable.  The list of what is not is kept short here: controls,
 * spaces other than U+0020, format characters, private use and noncharacters are escaped; characters that Unicode has not
 * assigned are not, which reads back to the same bytes.
 */
#include "libtrace/goquote.h"

#include <stdbool.h>
#include <string.h>

static const char hex_digits[] = "0123456789abcdef";

/* Decodes the UTF-8 character at s; returns its length, 0 where there is none. */
static size_t decode(const uint8_t *s, size_t n, uint32_t *rune)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
	uint32_t v = len == 1 ? s[0] : s[0] & (0x7f >> len);

	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (s[i] & 0x3f);
	}
	if (v < least[len] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
		return 0;
	*rune = v;
	return len;
}

static size_t encode(uint8_t *out, uint32_t v)
{
	if (v < 0x80) {
		out[0] = (uint8_t)v;
		return 1;
	}
	if (v < 0x800) {
		out[0] = (uint8_t)(0xc0 | v >> 6);
		out[1] = (uint8_t)(0x80 | (v & 0x3f));
		return 2;
	}
	if (v < 0x10000) {
		out[0] = (uint8_t)(0xe0 | v >> 12);
		out[1] = (uint8_t)(0x80 | (v >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (v & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | v >> 18);
	out[1] = (uint8_t)(0x80 | (v >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (v >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (v & 0x3f));
	return 4;
}

static bool is_printable(uint32_t v)
{
	static const struct {
		uint32_t first, last;
	} hidden[] = {
		{ 0, 0x1f },	     { 0x7f, 0xa0 },	  { 0xad, 0xad },     { 0x61c, 0x61c },	     { 0x1680, 0x1680 },
		{ 0x180e, 0x180e },  { 0x2000, 0x200f },  { 0x2028, 0x202f }, { 0x205f, 0x206f },    { 0x3000, 0x3000 },
		{ 0xe000, 0xf8ff },  { 0xfdd0, 0xfdef },  { 0xfeff, 0xfeff }, { 0xfff0, 0xfffb },    { 0xfffe, 0xffff },
		{ 0x1fffe, 0x1ffff }, { 0x2fffe, 0x2ffff }, { 0xe0000, 0xe00ff }, { 0xe01f0, 0x10ffff },
	};

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (v >= hidden[i].first && v <= hidden[i].last)
			return false;
	return true;
}

static size_t put_hex(char *out, char letter, uint32_t v, int digits)
{
	out[0] = '\\';
	out[1] = letter;
	for (int i = 0; i < digits; i++)
		out[2 + i] = hex_digits[v >> (4 * (digits - 1 - i)) & 15];
	return (size_t)(2 + digits);
}

static size_t quote_one(char *out, uint32_t v, const uint8_t *s, size_t len)
{
	static const char named[] = "\a\b\f\n\r\t\v\\\"", letters[] = "abfnrtv\\\"";
	const char *p = v && v < 0x80 ? strchr(named, (int)v) : NULL;

	if (p) {
		out[0] = '\\';
		out[1] = letters[p - named];
		return 2;
	}
	if (is_printable(v)) {
		memcpy(out, s, len);
		return len;
	}
	if (v < ' ' || v == 0x7f)
		return put_hex(out, 'x', v, 2);
	return v < 0x10000 ? put_hex(out, 'u', v, 4) : put_hex(out, 'U', v, 8);
}

size_t etr__quote(char *out, const uint8_t *s, size_t n)
{
	char *o = out;

	*o++ = '"';
	while (n) {
		uint32_t v;
		size_t len = decode(s, n, &v);

		if (len == 0) {
			o += put_hex(o, 'x', s[0], 2);
			len = 1;
		} else {
			o += quote_one(o, v, s, len);
		}
		s += len;
		n -= len;
	}
	*o++ = '"';
	return (size_t)(o - out);
}

static int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Reads digits of that base; false where they are missing. */
static bool get_digits(const char **p, const char *end, int digits, int base, uint32_t *v)
{
	*v = 0;
	for (int i = 0; i < digits; i++, ++*p) {
		int d = *p < end ? hex_value(**p) : -1;

		if (d < 0 || d >= base)
			return false;
		*v = *v * (uint32_t)base + (uint32_t)d;
	}
	return true;
}

/* Reads what follows a backslash; returns how many bytes it stands for, 0 where it is not well-formed. */
static size_t unescape(uint8_t *out, const char **p, const char *end)
{
	static const char letters[] = "abfnrtv\\\"", named[] = "\a\b\f\n\r\t\v\\\"";
	char c = *p < end ? *(*p)++ : 0;
	const char *l = c ? strchr(letters, c) : NULL;
	uint32_t v;

	if (l) {
		*out = (uint8_t)named[l - letters];
		return 1;
	}
	switch (c) {
	case 'x':
		if (!get_digits(p, end, 2, 16, &v))
			return 0;
		break;
	case 'u':
	case 'U':
		if (!get_digits(p, end, c == 'u' ? 4 : 8, 16, &v) || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
			return 0;
		return encode(out, v);
	default:
		--*p;
		if (c < '0' || c > '7' || !get_digits(p, end, 3, 8, &v) || v > 255)
			return 0;
	}
	*out = (uint8_t)v;
	return 1;
}

ptrdiff_t etr__unquote(uint8_t *out, const char **text, const char *end)
{
	const char *p = *text;
	uint8_t *o = out;
	char mark = p < end ? *p++ : 0;

	if (mark != '"' && mark != '`')
		return -1;
	while (p < end && *p != mark) {
		size_t n;

		if (mark == '`' || *p != '\\') {
			*o++ = (uint8_t)*p++;
			continue;
		}
		p++;
		n = unescape(o, &p, end);
		if (n == 0)
			return -1;
		o += n;
	}
	if (p == end)
		return -1;
	*text = p + 1;
	return o - out;
}
