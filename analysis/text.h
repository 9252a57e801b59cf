/* SPDX-License-Identifier: BSD-3-Clause
 *
 * text.h - figures and names as people read them.
 */
#ifndef ANALYSIS_TEXT_H
#define ANALYSIS_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "analysis/names.h"

/* A duration with three or four digits and a unit: "0", "950ns", "1.23ms", "12.3s".  buf has at least 32 bytes; returns it. */
const char *an_text_ns(char *buf, int64_t ns);

/* A size: "512 B", "7.2 MB". */
const char *an_text_bytes(char *buf, uint64_t bytes);

/* Text with control characters and bytes that are not UTF-8 shown as \xHH, so it is safe on a terminal. */
void an_text_print_bytes(const char *text, size_t len, FILE *out);
void an_text_print(const struct an_names *names, an_text_id id, FILE *out);

/* How many bytes the valid UTF-8 character at text has, at most len; 0 if it is none. */
size_t an_text_utf8(const char *text, size_t len);

#endif
