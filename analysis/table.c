/* SPDX-License-Identifier: BSD-3-Clause
 *
 * table.c - see table.h.
 */
#include "config.h"

#include "analysis/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/grow.h"
#include "analysis/text.h"

/* A last column narrower than this makes columns go that are shown only where there is room. */
#define TEXT_LEAST 30u

void an_table_init(struct an_table *table, const char *name)
{
	memset(table, 0, sizeof(*table));
	table->name = name;
}

void an_table_free(struct an_table *table)
{
	for (size_t i = 0; i < table->nrows; i++)
		free(table->rows[i].cells);
	for (size_t i = 0; i < table->nkept; i++)
		free(table->kept[i]);
	free(table->rows);
	free(table->kept);
	memset(table, 0, sizeof(*table));
}

unsigned an_table_column(struct an_table *table, const char *name, const char *title, enum an_cell_kind kind,
			 enum an_shown shown)
{
	struct an_column *column = &table->columns[table->ncolumns];

	snprintf(column->name, sizeof(column->name), "%s", name);
	column->title = title;
	column->kind = kind;
	column->shown = shown;
	return table->ncolumns++;
}

int an_table_find(const struct an_table *table, const char *name)
{
	for (unsigned i = 0; i < table->ncolumns; i++)
		if (strcmp(table->columns[i].name, name) == 0)
			return (int)i;
	return -1;
}

struct an_row *an_table_row(struct an_table *table)
{
	struct an_row *rows = an_grow(table->rows, &table->cap, table->nrows + 1, sizeof(*rows));
	struct an_row *row;

	if (rows)
		table->rows = rows;
	row = rows ? &rows[table->nrows] : NULL;
	if (row)
		*row = (struct an_row){ .cells = calloc(table->ncolumns, sizeof(struct an_cell)) };
	if (!row || !row->cells) {
		table->oom = true;
		return NULL;
	}
	for (unsigned i = 0; i < table->ncolumns; i++)
		row->cells[i].none = true;
	table->nrows++;
	return row;
}

const char *an_table_keep(struct an_table *table, char *text)
{
	char **kept = an_grow(table->kept, &table->kept_cap, table->nkept + 1, sizeof(*kept));

	if (kept)
		table->kept = kept;
	if (!kept || !text) {
		free(text);
		table->oom = true;
		return "";
	}
	kept[table->nkept++] = text;
	return text;
}

struct sorting {
	unsigned column;
	enum an_cell_kind kind;
};

static int by_column(const void *left, const void *right, void *ctx)
{
	const struct an_row *a = left, *b = right;
	const struct sorting *sorting = ctx;
	const struct an_cell *x = &a->cells[sorting->column], *y = &b->cells[sorting->column];

	if (a->last != b->last)
		return a->last ? 1 : -1;
	if (x->none != y->none)
		return x->none ? 1 : -1;
	if (sorting->kind == AN_CELL_TEXT) {
		int order = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);

		return order ? order : x->len < y->len ? -1 : x->len > y->len;
	}
	if (sorting->kind == AN_CELL_REAL)
		return x->real > y->real ? -1 : x->real < y->real;
	/* Ids are looked up, not ranked. */
	if (sorting->kind == AN_CELL_NUMBER)
		return x->n < y->n ? -1 : x->n > y->n;
	return x->n > y->n ? -1 : x->n < y->n;
}

/* Rows that are alike in the column go by the first one, so that the order is the same each time. */
static int by_column_and_name(const void *left, const void *right, void *ctx)
{
	int order = by_column(left, right, ctx);
	struct sorting name = *(struct sorting *)ctx;

	if (order || name.column == 0)
		return order;
	name.column = 0;
	name.kind = ((struct sorting *)ctx)[1].kind;
	return by_column(left, right, &name);
}

void an_table_sort(struct an_table *table, unsigned column)
{
	struct sorting sorting[2] = { { column, table->columns[column].kind }, { 0, table->columns[0].kind } };

	if (table->nrows)
		qsort_r(table->rows, table->nrows, sizeof(table->rows[0]), by_column_and_name, sorting);
}

static size_t shown_rows(const struct an_table *table, size_t top)
{
	return top && top < table->nrows ? top : table->nrows;
}

/* --- text --------------------------------------------------------------------------------------------------------------- */

/* A number as people read it. */
static const char *number_text(const struct an_column *column, const struct an_cell *cell, char *buf)
{
	if (cell->none)
		return "-";
	switch (column->kind) {
	case AN_CELL_NS:
		return an_text_ns(buf, cell->n);
	case AN_CELL_BYTES:
		return an_text_bytes(buf, (uint64_t)cell->n);
	case AN_CELL_REAL:
		snprintf(buf, 32, "%.1f%%", cell->real * 100);
		return buf;
	default:
		snprintf(buf, 32, "%" PRId64, cell->n);
		return buf;
	}
}

static unsigned text_chars(const struct an_cell *cell)
{
	unsigned chars = 0;

	for (size_t i = 0; !cell->none && i < cell->len; i++)
		chars += ((unsigned char)cell->text[i] & 0xc0) != 0x80;
	return chars;
}

/* The first text column that is shown: it stands last, and takes what room there is. */
static unsigned last_column(const struct an_table *table)
{
	unsigned c = 0;

	while (c < table->ncolumns && (table->columns[c].kind != AN_CELL_TEXT || table->columns[c].shown == AN_SHOWN_NEVER))
		c++;
	return c;
}

/*
 * How wide each column is but the last one; 0 for those that are not shown, whose enum an_shown is above most.  Returns their sum,
 * two spaces behind each.
 */
static unsigned measure(const struct an_table *table, size_t rows, enum an_shown most, unsigned *widths)
{
	unsigned sum = 0, last = last_column(table);
	char buf[32];

	for (unsigned c = 0; c < table->ncolumns; c++) {
		const struct an_column *column = &table->columns[c];

		widths[c] = 0;
		if (c == last || column->shown == AN_SHOWN_NEVER || column->shown > most)
			continue;
		widths[c] = (unsigned)strlen(column->title);
		for (size_t r = 0; r < rows; r++) {
			const struct an_cell *cell = &table->rows[r].cells[c];
			unsigned len = column->kind == AN_CELL_TEXT ? text_chars(cell) :
								      (unsigned)strlen(number_text(column, cell, buf));

			widths[c] = len > widths[c] ? len : widths[c];
		}
		sum += widths[c] + 2;
	}
	return sum;
}

/* At most room characters of a text; of a longer one the end, which in names of functions tells more. */
static void print_text_cell(const struct an_cell *cell, unsigned room, FILE *out)
{
	size_t skip = 0;
	unsigned chars = text_chars(cell);

	if (cell->none)
		return;
	if (chars > room && room > 3) {
		for (size_t drop = chars - room + 2; skip < cell->len; skip++) {
			if (((unsigned char)cell->text[skip] & 0xc0) == 0x80)
				continue;
			if (drop-- == 0)
				break;
		}
		fputs("..", out);
	}
	an_text_print_bytes(cell->text + skip, cell->len - skip, out);
}

static void print_row(const struct an_table *table, const struct an_row *row, const unsigned *widths, unsigned room, FILE *out)
{
	unsigned last = last_column(table);
	const char *gap = "  ";
	char buf[32];

	for (unsigned c = 0; c < table->ncolumns; c++) {
		const struct an_cell *cell = &row->cells[c];

		if (!widths[c])
			continue;
		fputs(gap, out);
		if (table->columns[c].kind != AN_CELL_TEXT) {
			fprintf(out, "%*s", (int)widths[c], number_text(&table->columns[c], cell, buf));
			continue;
		}
		print_text_cell(cell, widths[c], out);
		fprintf(out, "%*s", (int)(widths[c] - text_chars(cell)), "");
	}
	if (last < table->ncolumns) {
		fputs(gap, out);
		print_text_cell(&row->cells[last], room, out);
	}
	fputc('\n', out);
}

static void print_titles(const struct an_table *table, const unsigned *widths, FILE *out)
{
	unsigned last = last_column(table);

	for (unsigned c = 0; c < table->ncolumns; c++)
		if (widths[c])
			fprintf(out, table->columns[c].kind == AN_CELL_TEXT ? "  %-*s" : "  %*s", (int)widths[c],
				table->columns[c].title);
	if (last < table->ncolumns)
		fprintf(out, "  %s", table->columns[last].title);
	fputc('\n', out);
}

void an_table_print_text(const struct an_table *table, const char *heading, size_t top, unsigned width, FILE *out)
{
	size_t rows = shown_rows(table, top);
	unsigned widths[AN_TABLE_COLUMNS], used = 0;

	if (!table->nrows)
		return;
	for (int most = AN_SHOWN_IF_WIDER; most >= AN_SHOWN_ALWAYS; most--) {
		used = measure(table, rows, (enum an_shown)most, widths);
		if (used + TEXT_LEAST <= width)
			break;
	}
	fprintf(out, "%s\n", heading);
	print_titles(table, widths, out);
	for (size_t r = 0; r < rows; r++)
		print_row(table, &table->rows[r], widths, width > used + 12 ? width - used - 2 : 10, out);
	if (rows < table->nrows)
		fprintf(out, "  and %zu more\n", table->nrows - rows);
}

/* --- CSV and JSON ------------------------------------------------------------------------------------------------------- */

static void print_csv_text(const char *text, size_t len, FILE *out)
{
	bool quote = false;

	for (size_t i = 0; i < len; i++)
		quote |= text[i] == ',' || text[i] == '"' || text[i] == '\n' || text[i] == '\r';
	if (!quote) {
		fwrite(text, 1, len, out);
		return;
	}
	fputc('"', out);
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"')
			fputc('"', out);
		fputc(text[i], out);
	}
	fputc('"', out);
}

void an_table_print_csv(const struct an_table *table, size_t top, FILE *out)
{
	size_t rows = shown_rows(table, top);

	for (unsigned c = 0; c < table->ncolumns; c++)
		fprintf(out, "%s%s", c ? "," : "", table->columns[c].name);
	fputs("\r\n", out);
	for (size_t r = 0; r < rows; r++) {
		for (unsigned c = 0; c < table->ncolumns; c++) {
			const struct an_cell *cell = &table->rows[r].cells[c];

			if (c)
				fputc(',', out);
			if (cell->none)
				continue;
			if (table->columns[c].kind == AN_CELL_TEXT)
				print_csv_text(cell->text, cell->len, out);
			else if (table->columns[c].kind == AN_CELL_REAL)
				fprintf(out, "%.6g", cell->real);
			else
				fprintf(out, "%" PRId64, cell->n);
		}
		fputs("\r\n", out);
	}
}

void an_table_print_json(const struct an_table *table, const char *key, size_t top, struct an_json *json)
{
	size_t rows = shown_rows(table, top);

	an_json_array(json, key);
	for (size_t r = 0; r < rows; r++) {
		an_json_item(json);
		for (unsigned c = 0; c < table->ncolumns; c++) {
			const struct an_cell *cell = &table->rows[r].cells[c];
			const char *name = table->columns[c].name;

			if (cell->none)
				continue;
			if (table->columns[c].kind == AN_CELL_TEXT)
				an_json_text(json, name, cell->text, cell->len);
			else if (table->columns[c].kind == AN_CELL_REAL)
				an_json_real(json, name, cell->real);
			else
				an_json_i64(json, name, cell->n);
		}
		an_json_close(json);
	}
	an_json_array_end(json);
}
