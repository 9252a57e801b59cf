/* SPDX-License-Identifier: BSD-3-Clause
 *
 * goquote.h - strings in double quotes as Go's strconv has them, both ways.
 */
#ifndef LIBTRACE_GOQUOTE_H
#define LIBTRACE_GOQUOTE_H

#include <stddef.h>
#include <stdint.h>

/* The most bytes that etr__quote() writes for n bytes, quotes counted. */
#define ETR__QUOTED_MAX(n) ((n) * 5 + 2)

/* Writes the quoted form of s at out; returns how many bytes it has.  There is no NUL behind them. */
size_t etr__quote(char *out, const uint8_t *s, size_t n);

/*
 * Reads a quoted string that begins at *text and writes what it stands for at out, which has room for as many bytes as the
 * text has; *text moves behind it.  Returns how many bytes, or -1 where it is not well-formed.
 */
ptrdiff_t etr__unquote(uint8_t *out, const char **text, const char *end);

#endif
