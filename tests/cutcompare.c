/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cutcompare.c - cuts a trace at random places and compares each slice with the original's window, event by event.
 *
 * Windows lie anywhere, at events, a nanosecond beside them, at generations' borders, inside stops of the world and syscalls;
 * some are empty, some the whole.  Every event of a window must be in its slice with its time, context, states, texts and stacks,
 * and in its place; what a slice has beyond may only stand outside the window and tell what is alive.  Times in states of
 * consecutive slices add up to those of the whole.
 */
#include "config.h"

#include "tests/cutcompare.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/anonymize.h"

unsigned long cut_windows, cut_events;
void (*cut_keep)(const struct an_cut_window *window, const struct bytes *slice);
uint64_t cut_random = 88172645463325252u;

void bytes_append(struct bytes *b, const void *p, size_t n)
{
	if (b->n + n > b->cap) {
		b->cap = (b->n + n) * 2;
		b->p = realloc(b->p, b->cap);
		if (!b->p)
			die("out of memory");
	}
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

/* What is cut from a trace, and how. */
struct cut {
	const struct an_cut_window *spans;
	size_t nspans, next;
	bool to_the_end;	/* the last span is cut into parts, of its max_size */
	const struct an_renamer *renamer;
	const struct an_late_list *late;
	struct bytes *slices;	/* one for each that was opened, in order; nothing where it was thrown away */
	struct an_cut_window *windows;
	size_t n, max;
};

static bool next_span(void *ctx, struct an_source *source, const struct an_slice *last, struct an_cut_window *window)
{
	struct cut *c = ctx;

	(void)source;
	if (c->to_the_end && last && c->n < c->max && last->window.to < c->spans[0].to) {
		*window = c->spans[0];
		window->from = last->window.to;
		return true;
	}
	if (c->next == c->nspans)
		return false;
	*window = c->spans[c->next++];
	return true;
}

static int open_slice(void *ctx, struct an_slice *slice)
{
	struct cut *c = ctx;

	if (c->n == c->max)
		die("a slice too many");
	slice->output = &c->slices[c->n++];
	((struct bytes *)slice->output)->n = 0;
	return 0;
}

static int write_slice(struct an_slice *slice, const void *buf, size_t size)
{
	bytes_append(slice->output, buf, size);
	return 0;
}

static int close_slice(void *ctx, struct an_slice *slice, int rc)
{
	struct cut *c = ctx;

	if (rc == 0)
		c->windows[(struct bytes *)slice->output - c->slices] = slice->window;
	else
		((struct bytes *)slice->output)->n = 0;
	return 0;
}

static int cut(struct cut *c, const void *p, size_t n)
{
	const struct an_slicing slicing = {
		.next = next_span, .open = open_slice, .write = write_slice, .close = close_slice, .ctx = c,
		.renamer = c->renamer, .late = c->late,
	};
	struct etr_reader *r = etr_reader_new();
	struct an_slicer slicer;
	struct an_source source;
	int rc;

	c->next = c->n = 0;
	if (etr_reader_open_memory(r, p, n) < 0 || an_source_init(&source, r) < 0 ||
	    an_slicer_init(&slicer, &source, &slicing) < 0)
		die("cannot open it again");
	rc = an_slicer_run(&slicer);
	an_slicer_free(&slicer);
	an_source_free(&source);
	etr_reader_free(r);
	return rc;
}

/* The pass before. */
static void learn(struct an_late_list *late, const struct bytes *original)
{
	struct etr_reader *r = etr_reader_new();
	struct an_source source;
	struct etr_event ev;

	if (etr_reader_open_memory(r, original->p, original->n) < 0 || an_source_init(&source, r) < 0 ||
	    an_late_list_init(late) < 0)
		die("cannot open it again");
	while (an_source_next(&source, &ev) == 1)
		if (an_late_list_add(late, &source, &ev) < 0)
			die("out of memory");
	an_source_free(&source);
	etr_reader_free(r);
}

/* May an event stand before the window, or behind it, in a slice? */
static bool is_border(const struct seen *s, bool before)
{
	if (s->kind == ETR_KIND_STATE_TRANSITION)
		return s->from == ETR_STATE_UNDETERMINED;
	return before && (s->kind == ETR_KIND_RANGE_ACTIVE || (s->kind == ETR_KIND_RANGE_BEGIN && s->stw));
}

/* Texts, of which stacks consist, are others in this slice. */
static bool renamed_slice;

/* What the original says may say less in a slice. */
static bool agrees(const struct seen *whole, const struct seen *slice)
{
	if (renamed_slice ? whole->nameless == slice->nameless : whole->hash == slice->hash)
		return true;
	if (renamed_slice ? whole->resource != slice->resource : whole->lenient != slice->lenient)
		return false;
	if (whole->kind == ETR_KIND_TASK_END)
		return true;
	if (whole->kind != ETR_KIND_STATE_TRANSITION)
		return false;
	/* A processor that is new in the slice's first generation. */
	if (whole->resource == ETR_RESOURCE_PROC && whole->from == ETR_STATE_NOT_EXIST)
		return slice->from == ETR_STATE_UNDETERMINED;
	/* The end of a goroutine in a syscall, the loss of whose processor lies before the slice. */
	return whole->from == ETR_STATE_SYSCALL && whole->to == ETR_STATE_NOT_EXIST;
}

static int complain(const struct an_cut_window *w, const char *what, int64_t time)
{
	fprintf(stderr, "cutcheck: %s: window %" PRId64 " to %" PRId64 ", at %" PRId64 ": %s\n", trace_name, w->from, w->to, time, what);
	return -1;
}

static size_t first_at(const struct seen_trace *t, int64_t time)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (t->list[middle].time < time)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The slice that was compared last. */
static struct seen_trace part;

/* Compares a slice with its window of the whole.  Return: 0, or -1 and it was said. */
static int compare(const struct seen_trace *whole, const struct an_cut_window *w, const struct bytes *slice)
{
	size_t i = first_at(whole, w->from), end = first_at(whole, w->to), j = 0, last;
	char why[256];

	see_trace(&part, slice->p, slice->n, why, sizeof(why));
	if (part.rc < 0)
		return complain(w, why, 0);
	last = part.n;
	if (whole->small_times) {
		/* Times had to give way: what tells of the borders is told by its kind. */
		while (j < last && is_border(&part.list[j], true) && (i == end || !agrees(&whole->list[i], &part.list[j])))
			j++;
	} else {
		for (; j < last && part.list[j].time < w->from; j++)
			if (!is_border(&part.list[j], true))
				return complain(w, "an event before the window", part.list[j].time);
		for (; last > j && part.list[last - 1].time >= w->to; last--)
			if (!is_border(&part.list[last - 1], false))
				return complain(w, "an event behind the window", part.list[last - 1].time);
		if (part.start != w->from || part.end != w->to)
			return complain(w, "the slice begins or ends elsewhere", part.start);
	}
	for (; i < end && j < last; i++, j++) {
		if (!whole->small_times && whole->list[i].time != part.list[j].time)
			return complain(w, "an event has another time", whole->list[i].time) +
			       complain(w, "which is", part.list[j].time);
		if (!agrees(&whole->list[i], &part.list[j]))
			return complain(w, "an event differs", whole->list[i].time);
	}
	if (i < end)
		return complain(w, "an event is missing", whole->list[i].time);
	while (whole->small_times && j < last && is_border(&part.list[j], false))
		j++;
	if (j < last)
		return complain(w, "an event too many", part.list[j].time);
	cut_windows++;
	cut_events += end - first_at(whole, w->from);
	return 0;
}

static uint64_t random_below(uint64_t n)
{
	cut_random ^= cut_random << 13;
	cut_random ^= cut_random >> 7;
	cut_random ^= cut_random << 17;
	return n ? cut_random % n : 0;
}

/* A point to cut at: anywhere, or where something happens. */
static int64_t point(const struct seen_trace *t)
{
	size_t i = t->n ? random_below(t->n) : 0;
	int64_t near = (int64_t)random_below(3) - 1;

	switch (t->n ? random_below(8) : 0) {
	case 0:
	case 1:
		return t->start + (int64_t)random_below((uint64_t)(t->end - t->start) + 1);
	case 2:
		/* A status, as generations have at their beginnings and ends. */
		for (size_t n = 0; n < 2000 && !(t->list[i].kind == ETR_KIND_STATE_TRANSITION && t->list[i].from == t->list[i].to); n++)
			i = (i + 1) % t->n;
		break;
	case 3:
		/* Inside a range, a stop of the world if there is one near. */
		for (size_t n = 0; n < 5000 && !(t->list[i].kind == ETR_KIND_RANGE_BEGIN); n++)
			i = (i + 1) % t->n;
		near = (int64_t)random_below(5) - 1;
		break;
	case 4:
		/* Inside a syscall. */
		for (size_t n = 0; n < 2000 && !(t->list[i].kind == ETR_KIND_STATE_TRANSITION && t->list[i].to == ETR_STATE_SYSCALL); n++)
			i = (i + 1) % t->n;
		near = (int64_t)random_below(5) - 1;
		break;
	case 5:
		i = random_below(2) ? 0 : t->n - 1;
		break;
	}
	return t->list[i].time + near;
}

static struct an_cut_window window_of(const struct seen_trace *t, int64_t a, int64_t b)
{
	struct an_cut_window w = an_cut_all;

	w.from = a < b ? a : b;
	w.to = a < b ? b : a;
	if (w.from < t->start)
		w.from = t->start;
	if (w.to > t->end)
		w.to = t->end;
	if (w.from >= t->end)
		w.from = t->end - 1;
	if (w.to <= w.from)
		w.to = w.from + 1;
	return w;
}

static struct an_cut_window random_window(const struct seen_trace *t)
{
	int64_t a = point(t), b;

	switch (random_below(8)) {
	case 0:
		return window_of(t, t->start, a);
	case 1:
		return window_of(t, a, t->end);
	case 2:
	case 3:
		b = a + (int64_t)random_below(5);
		break;
	case 4:
		b = a + (int64_t)random_below(100000);
		break;
	default:
		b = point(t);
	}
	return window_of(t, a, b);
}

int cut_check_alone(const struct seen_trace *whole, const struct bytes *original, bool again)
{
	static struct bytes slice, second;
	int rc;
	struct an_cut_window w = random_window(whole), got = w;
	struct cut c = { .spans = &w, .nspans = 1, .slices = &slice, .windows = &got, .max = 1 };
	struct an_cut_window inner;

	if (cut(&c, original->p, original->n) < 0 || c.n != 1)
		return complain(&w, "it cannot be cut", 0);
	if (compare(whole, &got, &slice) < 0)
		return -1;
	if (cut_keep && random_below(4) == 0)
		cut_keep(&got, &slice);
	if (!again || whole->small_times)
		return 0;
	inner = window_of(whole, point(whole), point(whole));
	if (inner.from < got.from)
		inner.from = got.from;
	if (inner.to > got.to)
		inner.to = got.to;
	if (inner.from >= inner.to)
		inner = got;
	c = (struct cut){ .spans = &inner, .nspans = 1, .slices = &second, .windows = &w, .max = 1 };
	if (cut(&c, slice.p, slice.n) < 0 || c.n != 1)
		return complain(&inner, "the slice cannot be cut", 0);
	if (cut_keep && random_below(4) == 0)
		cut_keep(&w, &second);
	rc = compare(whole, &w, &second);
	if (rc < 0)
		fprintf(stderr, "cutcheck: that was a slice of the slice %" PRId64 " to %" PRId64 "\n", got.from, got.to);
	return rc;
}

static int by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Compares consecutive slices that make up the whole, one by one and together. */
static int compare_parts(const struct seen_trace *whole, const struct cut *c)
{
	int64_t ns[2][ETR_STATE_COUNT_] = { { 0 } };

	for (size_t i = 0; i < c->n; i++) {
		if (compare(whole, &c->windows[i], &c->slices[i]) < 0)
			return -1;
		for (int state = 0; state < ETR_STATE_COUNT_; state++) {
			ns[0][state] += part.ns[0][state];
			ns[1][state] += part.ns[1][state];
		}
	}
	/* Times near zero give way. */
	if (!whole->small_times && memcmp(ns, whole->ns, sizeof(ns)) != 0)
		return complain(&c->spans[0], "times in states do not add up to those of the whole", 0);
	return 0;
}

#define PARTS 12

int cut_check_parts(const struct seen_trace *whole, const struct bytes *original, bool late)
{
	static struct bytes slices[PARTS];
	struct an_cut_window spans[PARTS], got[PARTS];
	struct cut c = { .spans = spans, .slices = slices, .windows = got, .max = PARTS };
	struct an_late_list late_list;
	int64_t at[PARTS + 1];
	size_t n = 2 + random_below(PARTS - 1);
	int rc;

	for (size_t i = 1; i < n; i++)
		at[i] = window_of(whole, point(whole), whole->end).from;
	at[0] = whole->start;
	at[n] = whole->end;
	qsort(at, n + 1, sizeof(*at), by_time);
	for (size_t i = 0; i < n; i++) {
		if (at[i] >= at[i + 1])
			continue;
		spans[c.nspans] = an_cut_all;
		spans[c.nspans].from = at[i];
		spans[c.nspans++].to = at[i + 1];
	}
	if (late) {
		learn(&late_list, original);
		c.late = &late_list;
	}
	rc = cut(&c, original->p, original->n);
	if (late)
		an_late_list_free(&late_list);
	if (rc < 0 || c.n != c.nspans)
		return complain(&spans[0], "it cannot be cut in parts", 0);
	return compare_parts(whole, &c);
}

int cut_check_sized(const struct seen_trace *whole, const struct bytes *original)
{
	static struct bytes slices[PARTS];
	struct an_cut_window span = an_cut_all, got[PARTS];
	struct cut c = { .spans = &span, .nspans = 1, .to_the_end = true, .slices = slices, .windows = got, .max = PARTS };

	span.max_size = 1 + random_below(original->n);
	if (cut(&c, original->p, original->n) < 0 || c.n == 0)
		return complain(&span, "it cannot be cut in parts by size", 0);
	if (c.windows[c.n - 1].to >= whole->end)
		return compare_parts(whole, &c);
	/* There would have been more. */
	for (size_t i = 0; i < c.n; i++)
		if (compare(whole, &c.windows[i], &c.slices[i]) < 0)
			return -1;
	return 0;
}

int cut_check_generations(const struct seen_trace *whole, const struct bytes *original, bool renamed)
{
	static struct bytes slice;
	struct an_cut_window w = an_cut_all, got = w;
	struct cut c = { .spans = &w, .nspans = 1, .slices = &slice, .windows = &got, .max = 1 };
	struct an_anonymizer anonymizer;
	int rc;

	w.first_generation = whole->first_generation + random_below(whole->ngenerations);
	w.last_generation = w.first_generation + random_below(whole->ngenerations);
	if (renamed) {
		if (an_anonymizer_init(&anonymizer, NULL, 0) < 0)
			die("out of memory");
		c.renamer = &anonymizer.renamer;
	}
	rc = cut(&c, original->p, original->n);
	if (renamed)
		an_anonymizer_free(&anonymizer);
	if (rc < 0)
		return complain(&w, "its generations cannot be cut", 0);
	if (c.n == 0)
		return 0;
	renamed_slice = renamed;
	rc = compare(whole, &got, &slice);
	renamed_slice = false;
	return rc;
}

int cut_check_damaged(const struct seen_trace *whole, const struct bytes *original)
{
	static struct bytes slices[2];
	struct an_cut_window spans[2] = { an_cut_all, an_cut_all }, got[2];
	struct cut c = { .spans = spans, .nspans = 2, .slices = slices, .windows = got, .max = 2 };
	int rc;

	if (!whole->begun)
		return 0;
	spans[0].to = spans[1].from = window_of(whole, point(whole), whole->end).from;
	rc = cut(&c, original->p, original->n);
	if (rc < 0 && rc != whole->rc)
		return complain(&spans[0], "cutting it ends otherwise than reading it", rc);
	for (size_t i = 0; i < c.n; i++)
		if (slices[i].n && compare(whole, &got[i], &slices[i]) < 0)
			return -1;
	return 0;
}

bool cut_see_whole(struct seen_trace *whole, const struct bytes *original, char *why, size_t size)
{
	see_trace(whole, original->p, original->n, why, size);
	whole->small_times = whole->start < 64;
	/* A slice's clock counts nanoseconds, of which readers, who compute with doubles as Go's does, then miss some. */
	whole->odd |= whole->end >= (int64_t)1 << 53;
	/* A slice whose window lies beside its events: there is nothing to cut. */
	whole->odd |= whole->start >= whole->end;
	return whole->rc >= 0 && whole->n > 0;
}
