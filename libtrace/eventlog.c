/* SPDX-License-Identifier: BSD-3-Clause
 *
 * eventlog.c - events of one generation, packed.  The log owns its chunks.
 */
#include "libtrace/eventlog.h"

#include <stdlib.h>
#include <string.h>

void etr__log_free(struct etr__log *log)
{
	for (struct etr__log_chunk *c = log->chunks, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	for (struct etr__log_whole *w = log->wholes, *next; w; w = next) {
		next = w->next;
		free(w);
	}
	memset(log, 0, sizeof(*log));
}

void etr__log_rewrite(struct etr__log *log)
{
	log->chunk = NULL;
	log->whole = NULL;
	log->time = 0;
	log->chunks_written = 0;
	/* What is read without having been written is empty. */
	if (log->chunks)
		log->chunks->n = 0;
	if (log->wholes)
		log->wholes->n = 0;
}

static int next_chunk(struct etr__log *log)
{
	struct etr__log_chunk **link = log->chunk ? &log->chunk->next : &log->chunks;

	if (!*link) {
		*link = malloc(sizeof(**link));
		if (!*link)
			return -1;
		(*link)->next = NULL;
	}
	log->chunk = *link;
	log->chunk->n = 0;
	log->chunks_written++;
	return 0;
}

static int next_whole(struct etr__log *log)
{
	struct etr__log_whole **link = log->whole ? &log->whole->next : &log->wholes;

	if (!*link) {
		*link = malloc(sizeof(**link));
		if (!*link)
			return -1;
		(*link)->next = NULL;
	}
	log->whole = *link;
	log->whole->n = 0;
	return 0;
}

static int keep_whole(struct etr__log *log, const struct etr_event *ev, struct etr_event **kept)
{
	if ((!log->whole || log->whole->n == ETR__LOG_WHOLE) && next_whole(log) != 0)
		return -1;
	*kept = &log->whole->events[log->whole->n++];
	**kept = *ev;
	return 0;
}

int etr__log_add(struct etr__log *log, const struct etr_event *ev, struct etr_event **kept)
{
	uint64_t dt = (uint64_t)ev->time - (uint64_t)log->time;
	uint64_t g1 = (uint64_t)ev->g + 1, p1 = (uint64_t)ev->p + 1, id = (uint64_t)ev->u.transition.id;
	uint32_t small;
	struct etr__packed *e;

	if ((!log->chunk || log->chunk->n == ETR__LOG_PACKED) && next_chunk(log) != 0)
		return -1;
	e = &log->chunk->events[log->chunk->n];
	log->time = ev->time;
	*kept = NULL;
	/* Of what comes into being or is told anew somebody wants to know. */
	if (ev->kind != ETR_KIND_STATE_TRANSITION || ev->from <= ETR_STATE_NOT_EXIST)
		goto whole;
	small = ev->stack | ev->u.transition.reason | ev->u.transition.stack;
	if (__builtin_expect(((dt | g1 | id | (uint64_t)ev->m) >> 32 | small >> 16 | p1 >> 8) != 0, 0))
		goto whole;
	*e = (struct etr__packed){
		.dt = (uint32_t)dt,
		.g1 = (uint32_t)g1,
		.m = (uint32_t)ev->m,
		.id = (uint32_t)id,
		.stack = (uint16_t)ev->stack,
		.reason = (uint16_t)ev->u.transition.reason,
		.own_stack = (uint16_t)ev->u.transition.stack,
		.p1 = (uint8_t)p1,
		.what = (uint8_t)((ev->resource - ETR_RESOURCE_GOROUTINE) << 6 | ev->from << 3 | ev->to),
	};
	log->chunk->n++;
	return 0;
whole:
	if (keep_whole(log, ev, kept) != 0)
		return -1;
	e->what = ETR__LOG_IS_WHOLE;
	log->chunk->n++;
	return 0;
}

void etr__log_rewind(struct etr__log *log)
{
	log->chunk = log->chunks;
	log->whole = log->wholes;
	log->packed_at = log->whole_at = 0;
	log->time = 0;
	log->chunks_read = 0;
}

/* Of the chunks at hand the next one, as long as it was written this time. */
static bool go_on(struct etr__log *log)
{
	if (log->chunks_read + 1 >= log->chunks_written)
		return false;
	log->chunks_read++;
	log->chunk = log->chunk->next;
	log->packed_at = 0;
	return true;
}

static void read_whole(struct etr__log *log, struct etr_event *ev)
{
	if (log->whole_at == ETR__LOG_WHOLE) {
		log->whole = log->whole->next;
		log->whole_at = 0;
	}
	*ev = log->whole->events[log->whole_at++];
}

int etr__log_read(struct etr__log *log, struct etr_event *events, int max)
{
	const struct etr__packed *e, *end;
	struct etr_event *ev = events;
	int64_t time = log->time;

	if (!log->chunk || (log->packed_at == log->chunk->n && !go_on(log)))
		return 0;
	e = log->chunk->events + log->packed_at;
	end = log->chunk->events + log->chunk->n;
	if (end - e > max)
		end = e + max;
	log->packed_at = (uint32_t)(end - log->chunk->events);
	for (; e < end; e++, ev++) {
		if (__builtin_expect(e->what == ETR__LOG_IS_WHOLE, 0)) {
			read_whole(log, ev);
			time = ev->time;
			continue;
		}
		time = (int64_t)((uint64_t)time + e->dt);
		ev->time = time;
		ev->g = (int64_t)e->g1 - 1;
		ev->p = (int64_t)e->p1 - 1;
		ev->m = e->m;
		ev->kind = ETR_KIND_STATE_TRANSITION;
		ev->resource = (uint8_t)(ETR_RESOURCE_GOROUTINE + (e->what >> 6));
		ev->from = e->what >> 3 & 7;
		ev->to = e->what & 7;
		ev->stack = e->stack;
		ev->u.transition.id = e->id;
		ev->u.transition.reason = e->reason;
		ev->u.transition.stack = e->own_stack;
	}
	log->time = time;
	return (int)(ev - events);
}
