/* SPDX-License-Identifier: BSD-3-Clause
 *
 * table.h - tables of figures: made once, printed as text, CSV or JSON.
 */
#ifndef ANALYSIS_TABLE_H
#define ANALYSIS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "analysis/json.h"

enum an_cell_kind {
	AN_CELL_TEXT,		/* text, len */
	AN_CELL_COUNT,		/* n */
	AN_CELL_NUMBER,		/* n: an id, which is no amount */
	AN_CELL_NS,		/* n */
	AN_CELL_BYTES,		/* n */
	AN_CELL_REAL,		/* real */
};

/* When people see a column: where there is room, some before others. */
enum an_shown { AN_SHOWN_NEVER, AN_SHOWN_ALWAYS, AN_SHOWN_IF_WIDE, AN_SHOWN_IF_WIDER };

struct an_cell {
	union {
		int64_t n;
		double real;
		const char *text;	/* lives as long as the table, by the caller's care or an_table_keep() */
	};
	size_t len;		/* of a text */
	bool none;		/* there is no such figure */
};

#define AN_TABLE_COLUMNS 48

struct an_table {
	const char *name;	/* a word */
	struct an_column {
		char name[40];		/* stable, for programs */
		const char *title;	/* for people */
		uint8_t kind, shown;
	} columns[AN_TABLE_COLUMNS];
	unsigned ncolumns;
	struct an_row {
		struct an_cell *cells;	/* ncolumns of them */
		bool last;		/* stands behind all others, however they are sorted */
	} *rows;
	size_t nrows, cap;
	char **kept;
	size_t nkept, kept_cap;
	bool oom;		/* an allocation failed: the table lacks something */
};

void an_table_init(struct an_table *table, const char *name);
void an_table_free(struct an_table *table);

/* All columns come before the first row.  Returns the column's number. */
unsigned an_table_column(struct an_table *table, const char *name, const char *title, enum an_cell_kind kind,
			 enum an_shown shown);

/* The number of a column, or -1. */
int an_table_find(const struct an_table *table, const char *name);

/* A new row, all cells none; NULL when out of memory, and oom is set. */
struct an_row *an_table_row(struct an_table *table);

static inline void an_row_n(struct an_row *row, unsigned column, int64_t n)
{
	row->cells[column] = (struct an_cell){ .n = n };
}

static inline void an_row_real(struct an_row *row, unsigned column, double real)
{
	row->cells[column] = (struct an_cell){ .real = real };
}

static inline void an_row_text(struct an_row *row, unsigned column, const char *text, size_t len)
{
	row->cells[column] = (struct an_cell){ .text = text, .len = len };
}

/* Gives a text, allocated by malloc(), to the table, which frees it; NULL: out of memory, "" stands for it.  Returns it. */
const char *an_table_keep(struct an_table *table, char *text);

/* Largest first; texts by their bytes, smallest first.  Rows that were alike go by the first column. */
void an_table_sort(struct an_table *table, unsigned column);

/*
 * For people: a heading, the first `top` rows (0: all) in lines of `width` characters, how many there are beyond.  The first text
 * column comes last, has what the others leave, and is cut to that.  Nothing is printed of a table without rows.
 */
void an_table_print_text(const struct an_table *table, const char *heading, size_t top, unsigned width, FILE *out);

/* RFC 4180: a line with the columns' names, one for each row. */
void an_table_print_csv(const struct an_table *table, size_t top, FILE *out);

/* An array of objects under the given key. */
void an_table_print_json(const struct an_table *table, const char *key, size_t top, struct an_json *json);

#endif
