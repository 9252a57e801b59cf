/* SPDX-License-Identifier: BSD-3-Clause
 *
 * slice.c - which generations a window needs.
 *
 * A generation stands alone: it repeats every status, its tables, its clock, and what our recorders note, so a run of whole
 * generations behind a file header is a trace.  Its numbers need not begin with 1.
 */
#include "config.h"

#include "analysis/slice.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/grow.h"

/* A Sync ends the generation before it and opens one. */
static int note_sync(struct an_row_of_generations *row, const struct an_source *source, const struct etr_event *event)
{
	uint64_t offset = AN_TRACE_HEADER_SIZE;
	struct an_generation *list = an_grow(row->list, &row->cap, row->n + 1, sizeof(*list));

	if (!list)
		return -ETR_E_NOMEM;
	row->list = list;
	if (row->n) {
		struct an_generation *last = &list[row->n - 1];

		offset = etr_reader_good_size(source->reader);
		last->size = offset - last->offset;
	}
	list[row->n++] = (struct an_generation){ .number = etr_reader_generation(source->reader), .start = event->time,
						 .offset = offset };
	return 0;
}

int an_row_read(struct an_row_of_generations *row, struct an_source *source)
{
	struct etr_event event;
	int rc;

	memset(row, 0, sizeof(*row));
	while ((rc = an_source_next(source, &event)) == 1)
		if (event.kind == ETR_KIND_SYNC && (rc = note_sync(row, source, &event)) < 0)
			break;
	/* The last one that was opened is the trace's end, or was not read to its own. */
	if (row->n)
		row->n--;
	row->start = source->start;
	row->end = source->end;
	return rc;
}

/* Where on the trace's clock a point in time lies; `otherwise` where none was given. */
static bool resolve(const struct an_when *when, const struct an_source *source, int64_t otherwise, int64_t *time)
{
	int64_t start_wall, since = when->ns;

	*time = otherwise;
	switch (when->kind) {
	case AN_WHEN_NONE:
		return true;
	case AN_WHEN_TRACE_CLOCK:
		*time = when->ns;
		return true;
	case AN_WHEN_WALL:
		if (!an_source_wall(source, source->start, &start_wall))
			return false;
		if (__builtin_sub_overflow(when->ns, start_wall, &since))
			since = when->ns < start_wall ? INT64_MIN : INT64_MAX;
		break;
	case AN_WHEN_SINCE_START:
		break;
	}
	if (__builtin_add_overflow(source->start, since, time))
		*time = since < 0 ? INT64_MIN : INT64_MAX;
	return true;
}

enum an_select an_row_select(const struct an_row_of_generations *row, const struct an_source *source,
			     const struct an_selection *selection, size_t *first, size_t *last)
{
	int64_t from, to;
	bool any = false;

	if (!resolve(&selection->from, source, INT64_MIN, &from) || !resolve(&selection->to, source, INT64_MAX, &to))
		return AN_SELECT_NO_CLOCK;
	if (from >= to || to <= row->start || from >= row->end)
		return AN_SELECT_EMPTY;
	for (size_t i = 0; i < row->n; i++) {
		const struct an_generation *generation = &row->list[i];
		/* Behind the last whole one stands what an_row_read() took back: the Sync that ended it. */
		int64_t end = row->list[i + 1].start;

		if (generation->number < selection->generations.first || generation->number > selection->generations.last)
			continue;
		if (generation->start >= to || end <= from)
			continue;
		if (!any)
			*first = i;
		any = true;
		*last = i;
	}
	return any ? AN_SELECT_OK : AN_SELECT_NO_GENERATION;
}
