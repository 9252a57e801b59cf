/* SPDX-License-Identifier: BSD-3-Clause
 *
 * orderrun.c - puts one generation's events in order.
 *
 * Three sources take turns: what an event expanded to (o->pending), the CPU samples, and the frontier of the threads' next
 * events.  When all are empty the generation has been delivered.
 */
#include "libtrace/order.h"

#include <string.h>

#include "libtrace/eventlog.h"
#include "libtrace/staged.h"

void etr__order_init(struct etr__order *o, struct etr__fault *fault)
{
	memset(o, 0, sizeof(*o));
	o->fault = fault;
	o->next_sample_time = INT64_MAX;
	o->path = etr__order_best_path();
	for (int i = 0; i < ETR__USUAL_TYPES; i++)
		o->sizes[i].behind = o->sizes[i].last = ETR__SIZE_UNKNOWN;
	etr__model_init(&o->model);
}

void etr__order_free(struct etr__order *o)
{
	etr__staged_free(o);
	etr__model_free(&o->model);
}

void etr__order_count(struct etr__order *o)
{
	for (int i = 0; i < 256; i++) {
		o->counts[i] += o->usual[i] / ETR__ONE_MORE;
		o->bytes[i] += o->usual[i] % ETR__ONE_MORE;
		o->usual[i] = 0;
	}
	o->nusual = 0;
}

/* Notes when the next sample is due. */
static void look_at_samples(struct etr__order *o)
{
	const struct etr__tables *t = &o->now->tables;

	o->next_sample_time = t->next_sample < t->nsamples ? t->samples[t->next_sample].time : INT64_MAX;
}

int etr__order_begin(struct etr__order *o, struct etr__generation *g)
{
	int rc;

	for (int i = 0; i < 256; i++) {
		o->counts[i] += g->counts[i];
		o->bytes[i] += g->bytes[i];
	}
	rc = etr__frontier_start(&g->frontier, &o->model, g->tables.ns_per_unit, o->blocks);
	if (rc < 0)
		return etr__fault_in(o->fault, g->number);
	etr__staged_forget(o);
	etr__gtable_begin(&o->model.gs, g->number);
	o->now = g;
	o->string_of = g->tables.string_of;
	o->stack_of = g->tables.stack_of;
	if (g->number > o->last_number)
		o->last_number = g->number;
	if (g->frontier.n && o->model.first_gen == 0)
		o->model.first_gen = g->number;
	look_at_samples(o);
	return 0;
}

void etr__order_end(struct etr__order *o)
{
	struct etr__generation *g = o->now;

	if (g)
		etr__frontier_release(&g->frontier);
	for (size_t i = 0; g && i < g->tables.nstrings; i++)
		if (g->tables.strings[i].name)
			etr__name_put(&o->model, g->tables.strings[i].name);
	o->now = NULL;
}

int etr__name_in_tables(struct etr__name *name, struct etr__generation *g, etr_string_id *id)
{
	if (name->len == 0) {
		*id = ETR__STRING_EMPTY;
		return 0;
	}
	if (name->string_gen != g->load_no) {
		*id = etr__tables_add_text(&g->tables, name->text, name->len);
		if (*id == 0)
			return -1;
		name->string = *id;
		name->string_gen = g->load_no;
	}
	*id = name->string;
	return 0;
}

static int deliver_pending(struct etr__order *o, struct etr_event *ev)
{
	*ev = o->pending[o->next_pending++];
	if (o->next_pending == o->npending)
		o->npending = o->next_pending = 0;
	etr__order_deliver(o, ev);
	return 1;
}

static int deliver_sample(struct etr__order *o, struct etr_event *ev)
{
	struct etr__tables *t = &o->now->tables;
	const struct etr__sample *s = &t->samples[t->next_sample++];

	look_at_samples(o);
	memset(ev, 0, sizeof(*ev));
	ev->time = s->time;
	ev->kind = ETR_KIND_STACK_SAMPLE;
	ev->m = s->m;
	ev->p = s->p;
	ev->g = s->g;
	/* The one id that goes unchecked. */
	if (!etr__tables_stack(t, s->stack, &ev->stack))
		ev->stack = 0;
	etr__order_deliver(o, ev);
	return 1;
}

static int nothing_can_follow(struct etr__order *o)
{
	const struct etr__cursor *c = o->now->frontier.heap[0].cursor;

	return ORDER_FAULT(o, c, "no thread's next event can follow; the earliest is %s of thread %lld", wire_specs[c->type].name,
			   (long long)c->m->id);
}

/* The earliest event cannot happen yet: takes the earliest of the others that can. */
static int try_others(struct etr__order *o, struct etr_event *ev, size_t *taken)
{
	struct etr__frontier *f = &o->now->frontier;

	etr__frontier_sort(f);
	for (size_t i = 1; i < f->n; i++) {
		int rc = etr__order_try(o, f->heap[i].cursor, ev);

		*taken = i;
		if (rc != 0)
			return rc;
	}
	return nothing_can_follow(o);
}

static __attribute__((cold)) int fail(struct etr__order *o)
{
	o->npending = 0;
	return etr__fault_in(o->fault, o->now->number);
}

/* The head's event, or one that can come before it, by the rules.  1 or a negative code. */
static int deliver_by_rules(struct etr__order *o, struct etr_event *ev)
{
	struct etr__frontier *f = &o->now->frontier;
	size_t taken = 0;
	int rc;

	etr__staged_sync(o);
	rc = etr__order_try(o, f->heap[0].cursor, ev);
	if (rc == 0)
		rc = try_others(o, ev, &taken);
	/* An event is delivered only when the one behind it on its thread can be decoded. */
	if (rc < 0 || (rc = etr__frontier_advance(f, taken)) < 0)
		return fail(o);
	etr__order_deliver(o, ev);
	return 1;
}

/* 1, 0 when the generation has ended, or a negative code. */
static int deliver_one(struct etr__order *o, struct etr_event *ev)
{
	const struct etr__frontier *f = &o->now->frontier;
	const struct etr__tables *t = &o->now->tables;

	if (o->npending)
		return deliver_pending(o, ev);
	if (f->n == 0)
		return t->next_sample < t->nsamples ? deliver_sample(o, ev) : 0;
	return o->next_sample_time < f->heap[0].time ? deliver_sample(o, ev) : deliver_by_rules(o, ev);
}

int etr__order_one(struct etr__order *o, struct etr_event *ev)
{
	int rc = o->stuck ? fail(o) : deliver_one(o, ev);

	o->stuck = rc < 0;
	return rc;
}

void etr__order_log(struct etr__order *o, struct etr__log *log)
{
	while (!o->stuck && o->npending == 0 && o->now->frontier.n != 0) {
		struct etr__packed *e;
		int n, room;

		e = etr__log_room(log, &room);
		if (!e)
			return;
		n = etr__order_run_packed(o, e, room, log);
		etr__log_filled(log, n, o->last_time);
		if (n < room)
			return;
	}
}

int etr__order_events(struct etr__order *o, struct etr_event *ev, int max)
{
	int n = 0, rc = 1;

	if (o->stuck)
		return o->fault->code;
	if (!o->now)
		return 0;
	while (n < max) {
		if (o->npending == 0 && o->now->frontier.n != 0)
			n += etr__order_run(o, ev + n, max - n);
		if (o->stuck)
			rc = fail(o);
		if (n == max || o->stuck)
			break;
		rc = deliver_one(o, ev + n);
		if (rc <= 0)
			break;
		n++;
	}
	o->stuck = rc < 0;
	return n > 0 ? n : rc;
}
