/* SPDX-License-Identifier: BSD-3-Clause
 *
 * rawtext.c - the raw text form, both ways.
 *
 * A line `Name arg=value ...` for each wire event; the frames of a stack and the data of strings and experimental batches
 * follow in lines of their own.  A # begins a comment where a word could begin or end.
 */
#include <exectrace/raw.h>

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "libtrace/goquote.h"
#include "wire/header.h"

static const char *const frame_args[] = { "pc", "func", "file", "line" };

static bool has_data(uint8_t type)
{
	return type == WIRE_STRING || type == WIRE_EXPERIMENTAL_BATCH;
}

/* Printing. */

int etr_raw_print_header(FILE *out, int version)
{
	return fprintf(out, "Trace Go1.%d\n", version) < 0 ? -ETR_E_IO : 0;
}

/* Room for a name, and the arguments of an event or a frame. */
#define LINE_MAX_SIZE 512

static char *put_arg(char *p, const char *name, uint64_t v)
{
	char d[20];
	size_t i = sizeof(d), n = strlen(name);

	memcpy(p, name, n);
	p += n;
	*p++ = '=';
	do
		d[--i] = (char)('0' + v % 10);
	while (v /= 10);
	memcpy(p, d + i, sizeof(d) - i);
	return p + (sizeof(d) - i);
}

static int write_all(FILE *out, const char *p, size_t n)
{
	return fwrite(p, 1, n, out) == n ? 0 : -ETR_E_IO;
}

static int print_frames(FILE *out, const struct etr_raw_event *ev)
{
	for (uint64_t i = 0; i < ev->args[1]; i++) {
		const struct etr_raw_frame *f = &ev->frames[i];
		const uint64_t v[] = { f->pc, f->func, f->file, f->line };
		char line[LINE_MAX_SIZE], *p = line;

		for (int k = 0; k < 4; k++) {
			*p++ = k ? ' ' : '\t';
			p = put_arg(p, frame_args[k], v[k]);
		}
		*p++ = '\n';
		if (write_all(out, line, (size_t)(p - line)) < 0)
			return -ETR_E_IO;
	}
	return 0;
}

static int print_data(FILE *out, const struct etr_raw_event *ev)
{
	static const char lead[] = "\tdata=";
	char *text = malloc(ETR__QUOTED_MAX(ev->size) + sizeof(lead));
	size_t n = sizeof(lead) - 1;
	int rc;

	if (!text)
		return -ETR_E_NOMEM;
	memcpy(text, lead, n);
	n += etr__quote(text + n, ev->data, ev->size);
	text[n++] = '\n';
	rc = write_all(out, text, n);
	free(text);
	return rc;
}

int etr_raw_print(FILE *out, const struct etr_raw_event *ev)
{
	const struct wire_spec *spec = &wire_specs[ev->type];
	char line[LINE_MAX_SIZE], *p = line;
	size_t n = strlen(spec->name);

	memcpy(p, spec->name, n);
	p += n;
	for (unsigned i = 0; i < ev->nargs; i++) {
		*p++ = ' ';
		p = put_arg(p, spec->args[i].name, ev->args[i]);
	}
	*p++ = '\n';
	if (write_all(out, line, (size_t)(p - line)) < 0)
		return -ETR_E_IO;
	if (ev->type == WIRE_STACK)
		return print_frames(out, ev);
	return has_data(ev->type) ? print_data(out, ev) : 0;
}

/* Assembling. */

struct assembler {
	FILE *in, *out;
	char *line;
	size_t cap;
	const char *p, *end;	/* what is left of the line */
	unsigned long number;	/* of the line */
	char *detail;
	size_t size;		/* of detail */
};

static int __attribute__((format(printf, 3, 4))) bad(struct assembler *a, int code, const char *fmt, ...)
{
	int n = snprintf(a->detail, a->size, "line %lu: ", a->number ? a->number : 1);
	va_list ap;

	va_start(ap, fmt);
	if (n >= 0 && (size_t)n < a->size)
		vsnprintf(a->detail + n, a->size - (size_t)n, fmt, ap);
	va_end(ap);
	return -code;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next word of the line; false where none is left. */
static bool get_word(struct assembler *a, const char **word, size_t *n)
{
	while (a->p < a->end && is_space(*a->p))
		a->p++;
	if (a->p == a->end || *a->p == '#')
		return false;
	*word = a->p;
	while (a->p < a->end && !is_space(*a->p) && *a->p != '#')
		a->p++;
	*n = (size_t)(a->p - *word);
	return true;
}

/* Goes to the next line that has a word.  1, 0 at the end, negative code. */
static int next_line(struct assembler *a)
{
	const char *word, *start;
	size_t n;
	ssize_t len;

	do {
		errno = 0;
		len = getline(&a->line, &a->cap, a->in);
		if (len < 0 && ferror(a->in))
			return bad(a, ETR_E_IO, "%s", strerror(errno));
		if (len < 0 && errno == ENOMEM)
			return bad(a, ETR_E_NOMEM, "out of memory");
		if (len < 0)
			return 0;
		a->number++;
		a->p = start = a->line;
		a->end = a->line + len;
	} while (!get_word(a, &word, &n));
	a->p = start;
	return 1;
}

/* Reads "name=number" for each of n names, with nothing behind them. */
static int get_args(struct assembler *a, const char *const *names, uint64_t *v, unsigned n)
{
	const char *word;
	size_t len;

	for (unsigned i = 0; i < n; i++) {
		size_t name = strlen(names[i]);
		uint64_t x = 0;

		if (!get_word(a, &word, &len))
			return bad(a, ETR_E_SYNTAX, "the argument %s is missing", names[i]);
		if (len <= name + 1 || memcmp(word, names[i], name) != 0 || word[name] != '=')
			return bad(a, ETR_E_SYNTAX, "\"%.*s\" where the argument %s=NUMBER belongs", (int)(len < 60 ? len : 60), word,
				   names[i]);
		for (size_t k = name + 1; k < len; k++) {
			unsigned d = (unsigned)(word[k] - '0');

			if (d > 9 || __builtin_mul_overflow(x, (uint64_t)10, &x) || __builtin_add_overflow(x, (uint64_t)d, &x))
				return bad(a, ETR_E_SYNTAX, "%s is not a number of 64 bits", names[i]);
		}
		v[i] = x;
	}
	if (get_word(a, &word, &len))
		return bad(a, ETR_E_SYNTAX, "\"%.*s\" behind the last argument", (int)(len < 60 ? len : 60), word);
	return 0;
}

static int put(struct assembler *a, const void *p, size_t n)
{
	if (fwrite(p, 1, n, a->out) != n)
		return bad(a, ETR_E_IO, "%s", strerror(errno));
	return 0;
}

static int assemble_frames(struct assembler *a, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		uint8_t bytes[4 * WIRE_VARINT_MAX], *p = bytes;
		uint64_t v[4];
		int rc = next_line(a);

		if (rc == 0)
			return bad(a, ETR_E_SYNTAX, "the text ends where frame %" PRIu64 " of %" PRIu64 " belongs", i + 1, n);
		if (rc > 0)
			rc = get_args(a, frame_args, v, 4);
		if (rc < 0)
			return rc;
		for (int k = 0; k < 4; k++)
			p = wire_put_varint(p, v[k]);
		rc = put(a, bytes, (size_t)(p - bytes));
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Reads the line data="..." and writes what it stands for. */
static int assemble_data(struct assembler *a)
{
	static const char lead[] = "data";
	uint8_t length[WIRE_VARINT_MAX], *data;
	const char *word;
	size_t word_len;
	ptrdiff_t n = -1;
	int rc = next_line(a);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return bad(a, ETR_E_SYNTAX, "the text ends where data=\"...\" belongs");
	while (is_space(*a->p))
		a->p++;
	data = malloc((size_t)(a->end - a->p) + 4);
	if (!data)
		return bad(a, ETR_E_NOMEM, "out of memory");
	if (strncmp(a->p, lead, sizeof(lead) - 1) == 0) {
		a->p += sizeof(lead) - 1;
		while (a->p < a->end && is_space(*a->p))
			a->p++;
		if (a->p < a->end && *a->p == '=')
			a->p++;
		while (a->p < a->end && is_space(*a->p))
			a->p++;
		n = etr__unquote(data, &a->p, a->end);
	}
	if (n < 0 || get_word(a, &word, &word_len))
		rc = bad(a, ETR_E_SYNTAX, "no well-formed data=\"...\"");
	else
		rc = put(a, length, (size_t)(wire_put_varint(length, (uint64_t)n) - length));
	if (rc >= 0)
		rc = put(a, data, (size_t)n);
	free(data);
	return rc < 0 ? rc : 0;
}

static int assemble_event(struct assembler *a)
{
	uint8_t bytes[1 + WIRE_MAX_ARGS * WIRE_VARINT_MAX], *p = bytes;
	const char *names[WIRE_MAX_ARGS], *word = a->p;
	uint64_t v[WIRE_MAX_ARGS];
	size_t len = 0;
	int type, rc;

	get_word(a, &word, &len);
	type = wire_type_by_name(word, len);
	if (type < 0)
		return bad(a, ETR_E_SYNTAX, "no event is called \"%.*s\"", (int)(len < 60 ? len : 60), word);
	for (unsigned i = 0; i < wire_specs[type].nargs; i++)
		names[i] = wire_specs[type].args[i].name;
	rc = get_args(a, names, v, wire_specs[type].nargs);
	if (rc < 0)
		return rc;
	*p++ = (uint8_t)type;
	for (unsigned i = 0; i < wire_specs[type].nargs; i++) {
		/* The experiment of a batch is a byte, not a varint. */
		if (type != WIRE_EXPERIMENTAL_BATCH || i > 0)
			p = wire_put_varint(p, v[i]);
		else if (v[i] > 255)
			return bad(a, ETR_E_SYNTAX, "exp is not a byte");
		else
			*p++ = (uint8_t)v[i];
	}
	rc = put(a, bytes, (size_t)(p - bytes));
	if (rc == 0 && type == WIRE_STACK)
		rc = assemble_frames(a, v[1]);
	if (rc == 0 && has_data((uint8_t)type))
		rc = assemble_data(a);
	return rc;
}

static int assemble_header(struct assembler *a)
{
	static const char lead[] = "Go1.";
	uint8_t header[WIRE_HEADER_SIZE];
	const char *word, *end;
	size_t n;
	unsigned minor = 0;
	int rc = next_line(a);

	if (rc < 0)
		return rc;
	if (rc == 0 || !get_word(a, &word, &n) || n != 5 || memcmp(word, "Trace", 5) != 0 || !get_word(a, &word, &n) ||
	    n != sizeof(lead) + 1 || memcmp(word, lead, sizeof(lead) - 1) != 0)
		return bad(a, ETR_E_SYNTAX, "the line \"Trace Go1.NN\" is missing");
	for (end = word + n, word += sizeof(lead) - 1; word < end; word++) {
		if (*word < '0' || *word > '9')
			return bad(a, ETR_E_SYNTAX, "the version is no number of two digits");
		minor = minor * 10 + (unsigned)(*word - '0');
	}
	if (get_word(a, &word, &n))
		return bad(a, ETR_E_SYNTAX, "\"%.*s\" behind the version", (int)(n < 60 ? n : 60), word);
	wire_put_file_header(header, minor);
	return put(a, header, sizeof(header));
}

int etr_raw_assemble(FILE *in, FILE *out, char *detail, size_t size)
{
	struct assembler a = { .in = in, .out = out, .detail = detail, .size = size };
	int rc;

	if (size)
		detail[0] = 0;
	rc = assemble_header(&a);
	while (rc >= 0 && (rc = next_line(&a)) == 1)
		rc = assemble_event(&a);
	free(a.line);
	return rc;
}
