/* SPDX-License-Identifier: BSD-3-Clause
 *
 * textout.h - text to a stream, fast: a buffer, and numbers without printf.
 */
#ifndef TOOLS_TEXTOUT_H
#define TOOLS_TEXTOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define TEXTOUT_SIZE ((size_t)64 * 1024)

struct textout {
	FILE *f;
	bool failed;		/* a write failed; what follows is dropped */
	int error;		/* its errno */
	size_t n;
	char buf[TEXTOUT_SIZE];
};

/* Hands what is buffered to the stream; 0, or -1 when any write has failed so far. */
int textout_flush(struct textout *t);

void textout_bytes(struct textout *t, const char *s, size_t n);
void textout_hex(struct textout *t, uint64_t v);

/* Bytes outside 0x21 to 0x7e, and backslashes, as \xHH. */
void textout_escaped(struct textout *t, const char *s, size_t n);

static inline void textout_char(struct textout *t, char c)
{
	if (t->n == TEXTOUT_SIZE)
		textout_flush(t);
	t->buf[t->n++] = c;
}

/* Room for n bytes (at most TEXTOUT_SIZE): where to write them.  textout_done() tells where they ended. */
static inline char *textout_room(struct textout *t, size_t n)
{
	if (TEXTOUT_SIZE - t->n < n)
		textout_flush(t);
	return t->buf + t->n;
}

static inline void textout_done(struct textout *t, const char *end)
{
	t->n = (size_t)(end - t->buf);
}

/* Write at p, which has room; they return the first byte behind. */
char *text_put_u64(char *p, uint64_t v);

static inline char *text_put_i64(char *p, int64_t v)
{
	if (v < 0)
		*p++ = '-';
	return text_put_u64(p, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

static inline char *text_put(char *p, const char *s, size_t n)
{
	memcpy(p, s, n);
	return p + n;
}

#define text_put_lit(p, s) text_put((p), (s), sizeof(s) - 1)

static inline void textout_u64(struct textout *t, uint64_t v)
{
	textout_done(t, text_put_u64(textout_room(t, 20), v));
}

static inline void textout_i64(struct textout *t, int64_t v)
{
	textout_done(t, text_put_i64(textout_room(t, 21), v));
}

#define textout_lit(t, s) textout_done((t), text_put_lit(textout_room((t), sizeof(s) - 1), (s)))

#endif
