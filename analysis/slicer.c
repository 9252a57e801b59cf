/* SPDX-License-Identifier: BSD-3-Clause
 *
 * slicer.c - opens and closes slices as the events go by.
 *
 * Each event is offered to the slice that is being written, and then changes the world.  A Sync is kept back until something
 * follows it, because the trace's last one begins no generation.
 */
#include "config.h"

#include "analysis/slicer.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/grow.h"

#define BATCH 128		/* events that are read at once */

int an_slicer_init(struct an_slicer *slicer, struct an_source *source, const struct an_slicing *slicing)
{
	memset(slicer, 0, sizeof(*slicer));
	slicer->slicing = slicing;
	slicer->edge = INT64_MIN;
	/* There are names in them. */
	if (!slicing->renamer)
		etr_reader_keep_experimental(source->reader, 1);
	return an_world_init(&slicer->world, source);
}

static void free_slice(struct an_slice *slice)
{
	an_recoder_free(&slice->recoder);
	etr_writer_free(slice->writer);
	free(slice);
}

void an_slicer_free(struct an_slicer *slicer)
{
	an_world_free(&slicer->world);
}

static int write_slice(void *ctx, const void *buf, size_t size)
{
	struct an_slice *slice = ctx;

	slice->size += size;
	return slice->slicing->write(slice, buf, size);
}

/* Hands a slice back, whole or to be thrown away, and forgets it. */
static int close_slice(struct an_slicer *slicer, struct an_slice *slice, int rc)
{
	slicer->events += slice->recoder.events;
	if (slicer->slicing->close(slicer->slicing->ctx, slice, rc) != 0) {
		slicer->gave_up = true;
		rc = rc < 0 ? rc : -ETR_E_IO;
	}
	free_slice(slice);
	return rc;
}

static int open_slice(struct an_slicer *slicer, int64_t from)
{
	struct an_source *source = slicer->world.source;
	struct an_slice *slice = calloc(1, sizeof(*slice));
	int version = etr_reader_version(source->reader), rc;

	if (!slice)
		return -ETR_E_NOMEM;
	slice->number = ++slicer->slices;
	slice->window = slicer->window;
	slice->window.from = from;
	slice->slicing = slicer->slicing;
	if (slicer->slicing->open(slicer->slicing->ctx, slice) != 0) {
		slicer->gave_up = true;
		free(slice);
		return -ETR_E_IO;
	}
	an_recoder_init(&slice->recoder, &slicer->world, &slicer->serial, version, slicer->slicing->renamer);
	slice->writer = etr_writer_new_version(write_slice, slice, 1000000000, version);
	/* The events are a trace's, and to have them read a second time would take as long as all the rest. */
	if (slice->writer)
		etr_writer_set_verify(slice->writer, 0);
	rc = slice->writer ? an_recoder_begin(&slice->recoder, slice->writer, from, slice->window.to) : -ETR_E_NOMEM;
	if (rc < 0)
		return close_slice(slicer, slice, rc);
	slicer->current = slice;
	return 0;
}

/* Completes a slice. */
static int finish_slice(struct an_slicer *slicer, struct an_slice *slice)
{
	return close_slice(slicer, slice, an_recoder_finish(&slice->recoder, slice->window.to));
}

static int finish_closing(struct an_slicer *slicer)
{
	int rc = 0;

	while (slicer->closing) {
		struct an_slice *slice = slicer->closing;
		int result;

		slicer->closing = slice->next;
		result = finish_slice(slicer, slice);
		rc = rc < 0 ? rc : result;
	}
	return rc;
}

/* Asks for the next window. */
static void next_window(struct an_slicer *slicer, const struct an_slice *last)
{
	const struct an_slicing *slicing = slicer->slicing;
	struct an_source *source = slicer->world.source;

	slicer->window = an_cut_all;
	slicer->have_window = slicing->next(slicing->ctx, source, last, &slicer->window);
	if (slicer->window.from < an_source_begin(source))
		slicer->window.from = an_source_begin(source);
	if (slicer->window.to > source->past.to)
		slicer->window.to = source->past.to;
	slicer->reached = slicer->generation >= slicer->window.first_generation ? an_source_begin(source) : INT64_MAX;
	slicer->edge = INT64_MIN;
}

/* Completes a slice whose first generation's rest is known. */
static int tell_late(struct an_slicer *slicer, struct an_slice *slice)
{
	const struct an_late_list *late = slicer->slicing->late;
	struct an_recoder *rec = &slice->recoder;
	const uint64_t *id;
	void *value;
	int rc = 0;

	for (size_t i = 0; i < late->n && rc == 0; i++)
		if (late->list[i].time >= slice->window.to)
			rc = an_recoder_late(rec, &late->list[i]);
	for (size_t pos = 0; rc == 0 && an_map_each(&late->functions, &pos, &id, &value);) {
		const struct an_go *g = an_world_g(&slicer->world, (int64_t)*id);
		size_t len;
		const char *function = an_text(&late->names, (an_text_id)*(uint64_t *)value, &len);

		/* One that is gone, or is yet to be told. */
		if (len && !(g && g->function))
			rc = an_recoder_learn(rec, (int64_t)*id, function, len);
	}
	return rc < 0 ? close_slice(slicer, slice, rc) : finish_slice(slicer, slice);
}

/* The current slice's window ends at `to`, which is now. */
static int end_window(struct an_slicer *slicer, int64_t to)
{
	struct an_slice *slice = slicer->current, **end = &slicer->closing;
	int rc;

	slicer->current = NULL;
	if (to < slice->window.to) {
		slice->window.to = to;
		slice->recoder.tells_end = true;
	}
	next_window(slicer, slice);
	rc = an_recoder_end_window(&slice->recoder);
	if (rc < 0)
		return close_slice(slicer, slice, rc);
	if (slicer->slicing->late)
		return tell_late(slicer, slice);
	/* What the first generation says at its end belongs to slices that ended before. */
	if (slicer->world.source->syncs > 1)
		return finish_slice(slicer, slice);
	while (*end)
		end = &(*end)->next;
	*end = slice;
	return 0;
}

/* What is to be done before an event of this time, which may be a generation's Sync. */
static int pass_edges(struct an_slicer *slicer, int64_t time)
{
	int rc = 0;

	if (slicer->reached == INT64_MAX && slicer->generation >= slicer->window.first_generation)
		slicer->reached = time;
	while (rc == 0) {
		struct an_slice *slice = slicer->current;

		if (slice && (time >= slice->window.to || slicer->generation > slice->window.last_generation)) {
			rc = end_window(slicer, time);
		} else if (slice) {
			slicer->edge = slice->window.to;
			break;
		} else if (slicer->have_window && slicer->reached <= time && slicer->window.from <= time) {
			int64_t from = slicer->window.from < slicer->reached ? slicer->reached : slicer->window.from;

			if (from < slicer->window.to && slicer->generation <= slicer->window.last_generation)
				rc = open_slice(slicer, from);
			else
				next_window(slicer, NULL);
		} else {
			slicer->edge = slicer->have_window && slicer->reached != INT64_MAX ? slicer->window.from : INT64_MAX;
			break;
		}
	}
	return rc;
}

/* In which function a goroutine started, if this event is the first to tell. */
static const char *function_told(struct an_slicer *slicer, const struct etr_event *ev, size_t *len)
{
	struct an_names *names = &slicer->world.source->names;
	const struct an_frame *frames;
	const struct an_go *g;
	size_t n;

	if (ev->kind != ETR_KIND_STATE_TRANSITION || ev->resource != ETR_RESOURCE_GOROUTINE || ev->from == ETR_STATE_NOT_EXIST)
		return NULL;
	g = an_world_g(&slicer->world, ev->u.transition.id);
	frames = g && g->function ? NULL : an_stack(names, an_names_stack(names, ev->u.transition.stack), &n);
	return frames && n ? an_text(names, frames[n - 1].func, len) : NULL;
}

static int tell_closing(struct an_slicer *slicer, const struct etr_event *ev)
{
	size_t len = 0;
	const char *function = function_told(slicer, ev, &len);
	int rc = 0;

	for (struct an_slice *slice = slicer->closing; slice && rc == 0; slice = slice->next) {
		rc = an_recoder_late(&slice->recoder, ev);
		if (rc == 0 && function)
			rc = an_recoder_learn(&slice->recoder, ev->u.transition.id, function, len);
	}
	return rc;
}

/*
 * The trace's first Sync: now it is known what the windows are.  One that begins with the trace begins with it, but in a slice
 * behind what stands before that slice's own window.
 */
static int begin(struct an_slicer *slicer, const struct etr_event *sync)
{
	int rc = an_world_event(&slicer->world, sync);

	next_window(slicer, NULL);
	return rc < 0 ? rc : pass_edges(slicer, sync->time);
}

static int take(struct an_slicer *slicer, const struct etr_event *ev)
{
	int rc = 0;

	if (ev->time >= slicer->edge || ev->kind == ETR_KIND_SYNC)
		rc = pass_edges(slicer, ev->time);
	if (rc == 0 && slicer->closing)
		rc = ev->kind == ETR_KIND_SYNC ? finish_closing(slicer) : tell_closing(slicer, ev);
	if (rc == 0 && slicer->current)
		rc = an_recoder_event(&slicer->current->recoder, ev);
	if (rc == 0)
		rc = an_world_event(&slicer->world, ev);
	if (rc == 0 && slicer->current && slicer->current->size >= slicer->current->window.max_size)
		rc = end_window(slicer, ev->time + 1);
	return rc;
}

/* The trace has ended at `end`, well or badly, or something failed: what is open is completed or thrown away. */
static int end_all(struct an_slicer *slicer, int rc, int64_t end)
{
	struct an_slice *slice = slicer->current;
	int result = 0;

	if (rc == 0 || rc != -ETR_E_NOMEM)
		result = finish_closing(slicer);
	while (slicer->closing) {
		struct an_slice *closing = slicer->closing;

		slicer->closing = closing->next;
		close_slice(slicer, closing, rc);
	}
	slicer->current = NULL;
	if (slice) {
		if (end < slice->window.to) {
			slice->window.to = end;
			slice->recoder.tells_end = rc < 0;
		}
		if (rc < 0 && (slice->recoder.failed || rc == -ETR_E_NOMEM || !slice->recoder.events)) {
			close_slice(slicer, slice, rc);
		} else {
			int ended = an_recoder_end_window(&slice->recoder);

			ended = ended < 0 ? close_slice(slicer, slice, ended) : finish_slice(slicer, slice);
			result = result < 0 ? result : ended;
		}
	}
	return rc < 0 ? rc : result;
}

/* There is nothing more to do. */
static bool is_done(const struct an_slicer *slicer)
{
	return !slicer->have_window && !slicer->current && !slicer->closing;
}

/* Events behind the generation's Sync. */
static int take_all(struct an_slicer *slicer, const struct etr_event *events, int n)
{
	int i = 0, rc = 0;

	while (i < n && rc == 0 && !is_done(slicer)) {
		int first = i;

		if (slicer->current || slicer->closing || events[i].time >= slicer->edge) {
			rc = take(slicer, &events[i++]);
			continue;
		}
		/* Before a window there is nothing to do but to follow them. */
		while (i < n && events[i].time < slicer->edge)
			i++;
		rc = an_world_events(&slicer->world, events + first, (size_t)(i - first));
	}
	return rc;
}

/* Takes what was read at once, a Sync when something follows it: *kept is one that waits. */
static int take_batch(struct an_slicer *slicer, const struct etr_event *events, int n, struct etr_event *kept)
{
	struct an_source *source = slicer->world.source;
	bool is_sync = events[0].kind == ETR_KIND_SYNC;
	int rc = 0;

	if (!slicer->begun) {
		slicer->begun = true;
		slicer->generation = etr_reader_generation(source->reader);
		rc = begin(slicer, &events[0]);
		/* Where that led elsewhere, it does not go on here. */
		return rc < 0 || source->sought ? rc : take_all(slicer, events + 1, n - 1);
	}
	if (is_sync && kept->kind == ETR_KIND_SYNC)
		rc = take(slicer, kept);
	slicer->generation = etr_reader_generation(source->reader);
	if (is_sync)
		*kept = events[0];
	if (n == is_sync || rc < 0)
		return rc;
	if (kept->kind == ETR_KIND_SYNC)
		rc = take(slicer, kept);
	kept->kind = 0;
	return rc < 0 ? rc : take_all(slicer, events + is_sync, n - is_sync);
}

int an_slicer_run(struct an_slicer *slicer)
{
	struct etr_event events[BATCH], kept = { .kind = 0 };
	int64_t end = 0;
	int n, rc = 0;

	while ((n = an_source_next_events(slicer->world.source, events, BATCH)) > 0) {
		end = events[n - 1].time;
		rc = take_batch(slicer, events, n, &kept);
		if (rc < 0)
			break;
		if (is_done(slicer))
			return 0;
	}
	rc = rc < 0 ? rc : n;
	/* What is last is a Sync, or where the trace breaks off an event, which is still in the window. */
	return end_all(slicer, rc, rc < 0 && end < INT64_MAX ? end + 1 : end);
}
