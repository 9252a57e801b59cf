/* SPDX-License-Identifier: BSD-3-Clause
 *
 * json.c - writes JSON.  What writing did shows in the stream.
 */
#include "config.h"

#include "analysis/json.h"

#include <inttypes.h>
#include <string.h>

#include "analysis/text.h"

static void put_text(FILE *out, const char *text, size_t len)
{
	fputc('"', out);
	while (len) {
		unsigned char c = (unsigned char)*text;
		size_t n = an_text_utf8(text, len);

		if (!n) {
			fputs("\\ufffd", out);
			n = 1;
		} else if (c == '"' || c == '\\') {
			fprintf(out, "\\%c", c);
		} else if (c < 0x20 || c == 0x7f) {
			fprintf(out, "\\u%04x", c);
		} else {
			fwrite(text, 1, n, out);
		}
		text += n;
		len -= n;
	}
	fputc('"', out);
}

static void put_key(struct an_json *json, const char *key, size_t len)
{
	if (!json->first)
		fputc(',', json->out);
	if (json->flat)
		fputs(json->first ? "" : " ", json->out);
	else
		fprintf(json->out, "\n%*s", (int)(json->depth * 2), "");
	json->first = false;
	put_text(json->out, key, len);
	fputs(": ", json->out);
}

void an_json_begin(struct an_json *json, FILE *out)
{
	*json = (struct an_json){ .out = out, .depth = 1, .first = true };
	fputc('{', out);
}

void an_json_end(struct an_json *json)
{
	fputs("\n}\n", json->out);
}

void an_json_u64(struct an_json *json, const char *key, uint64_t value)
{
	put_key(json, key, strlen(key));
	fprintf(json->out, "%" PRIu64, value);
}

void an_json_i64(struct an_json *json, const char *key, int64_t value)
{
	put_key(json, key, strlen(key));
	fprintf(json->out, "%" PRId64, value);
}

void an_json_text(struct an_json *json, const char *key, const char *text, size_t len)
{
	put_key(json, key, strlen(key));
	put_text(json->out, text, len);
}

void an_json_null(struct an_json *json, const char *key)
{
	put_key(json, key, strlen(key));
	fputs("null", json->out);
}

void an_json_open(struct an_json *json, const char *key, size_t key_len, bool flat)
{
	put_key(json, key, key_len);
	fputc('{', json->out);
	json->depth++;
	json->first = true;
	json->flat = flat;
}

void an_json_close(struct an_json *json)
{
	json->depth--;
	if (!json->flat && !json->first)
		fprintf(json->out, "\n%*s", (int)(json->depth * 2), "");
	fputc('}', json->out);
	json->first = false;
	json->flat = false;
}

void an_json_real(struct an_json *json, const char *key, double value)
{
	put_key(json, key, strlen(key));
	fprintf(json->out, "%.6g", value);
}

void an_json_array(struct an_json *json, const char *key)
{
	put_key(json, key, strlen(key));
	fputc('[', json->out);
	json->depth++;
	json->first = true;
}

void an_json_item(struct an_json *json)
{
	fprintf(json->out, "%s\n%*s{", json->first ? "" : ",", (int)(json->depth * 2), "");
	json->depth++;
	json->first = true;
	json->flat = true;
}

void an_json_array_real(struct an_json *json, double value)
{
	fprintf(json->out, "%s%.6g", json->first ? "" : ", ", value);
	json->first = false;
}

void an_json_array_end(struct an_json *json)
{
	json->depth--;
	fputc(']', json->out);
	json->first = false;
}
