/* SPDX-License-Identifier: BSD-3-Clause
 *
 * json.h - writes JSON, two spaces a level.
 */
#ifndef ANALYSIS_JSON_H
#define ANALYSIS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct an_json {
	FILE *out;
	unsigned depth;
	bool first;		/* nothing was written at this level yet */
	bool flat;		/* within a one-line object */
};

void an_json_begin(struct an_json *json, FILE *out);	/* { */
void an_json_end(struct an_json *json);			/* } and a newline */

/* Members.  Keys and texts are bytes; what is not UTF-8 becomes U+FFFD. */
void an_json_u64(struct an_json *json, const char *key, uint64_t value);
void an_json_i64(struct an_json *json, const char *key, int64_t value);
void an_json_text(struct an_json *json, const char *key, const char *text, size_t len);
void an_json_null(struct an_json *json, const char *key);
void an_json_open(struct an_json *json, const char *key, size_t key_len, bool flat);	/* "key": { ; flat: on one line */
void an_json_close(struct an_json *json);
void an_json_real(struct an_json *json, const char *key, double value);

/* "key": [ ... ]: items, each an object on one line that an_json_close() ends; or numbers. */
void an_json_array(struct an_json *json, const char *key);
void an_json_item(struct an_json *json);
void an_json_array_real(struct an_json *json, double value);
void an_json_array_end(struct an_json *json);

#endif
