/* SPDX-License-Identifier: BSD-3-Clause
 *
 * reader.c - delivers the events of all threads in one order.
 *
 * Three sources take turns: what an event expanded to (r->pending), the CPU samples, and the frontier of the threads' next
 * events.  When all are empty the next generation is loaded, and a Sync delivered.  Once something has failed, the fault is
 * all there is.
 */
#include "libtrace/readerimpl.h"

#include <stdlib.h>
#include <string.h>

#include "libtrace/order.h"

struct etr_reader *etr_reader_new(void)
{
	struct etr_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	etr__input_init(&r->in);
	etr__model_init(&r->model);
	etr__frontier_init(&r->frontier, &r->in, &r->fault);
	if (etr__tables_init(&r->tables) != 0) {
		etr_reader_free(r);
		return NULL;
	}
	return r;
}

void etr_reader_free(struct etr_reader *r)
{
	if (!r)
		return;
	etr__frontier_free(&r->frontier);
	etr__tables_free(&r->tables);
	etr__arena_free(&r->held);
	etr__model_free(&r->model);
	etr__input_close(&r->in);
	free((void *)(uintptr_t)r->spill_held);
	free(r);
}

static int fail(struct etr_reader *r, int code)
{
	r->failed = true;
	return code;
}

/* What follows the opening of an input: 0 opened, -1 with errno set. */
static int opened(struct etr_reader *r, int rc)
{
	r->opened = true;
	if (rc == 0) {
		rc = etr__scan_file_header(&r->in, &r->version, &r->fault);
		r->scan_off = 16;
	} else {
		rc = etr__fault_io(&r->fault, 0);
	}
	return rc < 0 ? fail(r, rc) : 0;
}

static int opened_before(struct etr_reader *r)
{
	if (!r->failed)
		etr__fault_set(&r->fault, ETR_E_INVALID, 0, "the reader has an input already");
	return -ETR_E_INVALID;
}

int etr_reader_open_path(struct etr_reader *r, const char *path)
{
	return r->opened ? opened_before(r) : opened(r, etr__input_open_path(&r->in, path));
}

int etr_reader_open_fd(struct etr_reader *r, int fd)
{
	return r->opened ? opened_before(r) : opened(r, etr__input_open_fd(&r->in, fd));
}

int etr_reader_open_memory(struct etr_reader *r, const void *data, size_t size)
{
	if (r->opened)
		return opened_before(r);
	etr__input_open_memory(&r->in, data, size);
	return opened(r, 0);
}

int etr_reader_open_callbacks(struct etr_reader *r, const struct etr_input_ops *ops, void *ctx)
{
	if (r->opened)
		return opened_before(r);
	etr__input_open_callbacks(&r->in, ops, ctx);
	return opened(r, 0);
}

/* Makes times increase. */
static inline int deliver(struct etr_reader *r, struct etr_event *ev)
{
	if (ev->time <= r->last_time)
		ev->time = (int64_t)((uint64_t)r->last_time + 1);
	r->last_time = ev->time;
	return 1;
}

/* Splits wall time as Go's time.Unix does; the nanoseconds are a signed number that may be out of range. */
static void set_wall(struct etr_sync *sync, uint64_t sec, int64_t nsec)
{
	if (nsec < 0 || nsec >= 1000000000) {
		sec += (uint64_t)(nsec / 1000000000);
		nsec %= 1000000000;
		if (nsec < 0) {
			nsec += 1000000000;
			sec--;
		}
	}
	sync->wall_sec = (int64_t)sec;
	sync->wall_nsec = (uint32_t)nsec;
}

static int deliver_sync(struct etr_reader *r, struct etr_event *ev)
{
	const struct etr__tables *t = &r->tables;

	memset(ev, 0, sizeof(*ev));
	memset(&r->sync, 0, sizeof(r->sync));
	ev->kind = ETR_KIND_SYNC;
	ev->g = ev->p = ev->m = -1;
	ev->u.sync.n = ++r->nsyncs;
	ev->time = r->last_time;
	if (r->loaded) {
		ev->time = etr__units_to_ns(t->ns_per_unit, r->min_time);
		r->sync.has_clock = t->has_clock;
	}
	if (r->sync.has_clock) {
		r->sync.trace_ns = etr__units_to_ns(t->ns_per_unit, t->clock_time);
		r->sync.mono_ns = t->clock_mono;
		set_wall(&r->sync, t->clock_sec, (int64_t)t->clock_nsec);
	}
	r->sync.experiments = r->experiments;
	if (r->loaded && r->experiment_batches[WIRE_EXPERIMENT_ALLOC_FREE])
		r->experiments[r->sync.nexperiments++] = (struct etr_experiment){
			wire_experiment_name(WIRE_EXPERIMENT_ALLOC_FREE),
			r->experiment_batches[WIRE_EXPERIMENT_ALLOC_FREE],
			r->experiment_bytes[WIRE_EXPERIMENT_ALLOC_FREE],
		};
	return deliver(r, ev);
}

/* Notes when the next sample is due. */
static void look_at_samples(struct etr_reader *r)
{
	const struct etr__tables *t = &r->tables;

	r->next_sample_time = t->next_sample < t->nsamples ? t->samples[t->next_sample].time : INT64_MAX;
}

/* Delivers the Sync that opens the next generation, ends the trace, or comes before what is wrong. */
static int next_generation(struct etr_reader *r, struct etr_event *ev)
{
	int rc;

	if (r->loaded) {
		r->good_size = r->end;
		r->delivered_gen = r->gen;
	}
	if (r->ends_badly) {
		if (r->bad_sync)
			return fail(r, r->fault.code);
		r->bad_sync = true;
		r->loaded = false;
		return deliver_sync(r, ev);
	}
	if (r->loaded && r->version < 26 && !r->spilled)
		rc = 0;
	else
		rc = etr__generation_load(r);
	if (rc < 0) {
		r->ends_badly = r->bad_sync = true;
		return deliver_sync(r, ev);
	}
	if (rc == 0) {
		r->done = true;
		r->loaded = false;
		return deliver_sync(r, ev);
	}
	for (int i = 0; i < 256; i++) {
		r->counts[i] += r->load_counts[i];
		r->bytes[i] += r->load_bytes[i];
	}
	rc = etr__frontier_start(&r->frontier, r->tables.ns_per_unit);
	if (rc < 0) {
		etr__fault_in(&r->fault, r->gen);
		return fail(r, rc);
	}
	r->delivered_gen = r->gen;
	if (r->frontier.n && r->model.first_gen == 0)
		r->model.first_gen = r->gen;
	look_at_samples(r);
	return deliver_sync(r, ev);
}

static int deliver_sample(struct etr_reader *r, struct etr_event *ev)
{
	const struct etr__sample *s = &r->tables.samples[r->tables.next_sample++];

	look_at_samples(r);
	memset(ev, 0, sizeof(*ev));
	ev->time = s->time;
	ev->kind = ETR_KIND_STACK_SAMPLE;
	ev->m = s->m;
	ev->p = s->p;
	ev->g = s->g;
	/* The one id that goes unchecked. */
	if (!etr__tables_stack(&r->tables, s->stack, &ev->stack))
		ev->stack = 0;
	return deliver(r, ev);
}

static int nothing_can_follow(struct etr_reader *r)
{
	const struct etr__cursor *c = r->frontier.heap[0].cursor;

	return ORDER_FAULT(r, c, "no thread's next event can follow; the earliest is %s of thread %lld", wire_specs[c->type].name,
			   (long long)c->m->id);
}

/* The earliest event cannot happen yet: takes the earliest of the others that can. */
static int try_others(struct etr_reader *r, struct etr_event *ev, size_t *taken)
{
	struct etr__frontier *f = &r->frontier;

	etr__frontier_sort(f);
	for (size_t i = 1; i < f->n; i++) {
		int rc = etr__order_try(r, f->heap[i].cursor, ev);

		*taken = i;
		if (rc != 0)
			return rc;
	}
	return nothing_can_follow(r);
}

static int fail_in_generation(struct etr_reader *r, int rc)
{
	r->npending = 0;
	etr__fault_in(&r->fault, r->gen);
	return fail(r, rc);
}

/* Delivers from another source than the frontier: 1, 0 at the end, negative code. */
static __attribute__((noinline)) int next_elsewhere(struct etr_reader *r, struct etr_event *ev)
{
	if (r->npending) {
		*ev = r->pending[r->next_pending++];
		if (r->next_pending == r->npending)
			r->npending = r->next_pending = 0;
		return deliver(r, ev);
	}
	if (!r->opened)
		return -ETR_E_INVALID;
	if (r->failed)
		return r->fault.code;
	if (r->tables.next_sample < r->tables.nsamples)
		return deliver_sample(r, ev);
	return r->done ? 0 : next_generation(r, ev);
}

int etr_reader_next(struct etr_reader *r, struct etr_event *ev)
{
	struct etr__frontier *f = &r->frontier;
	size_t taken = 0;
	int rc;

	if (__builtin_expect(f->n == 0 || r->failed || r->npending || r->next_sample_time < f->heap[0].time, 0))
		return next_elsewhere(r, ev);
	rc = etr__order_try(r, f->heap[0].cursor, ev);
	if (__builtin_expect(rc == 0, 0))
		rc = try_others(r, ev, &taken);
	/* An event is delivered only when the one behind it on its thread can be decoded. */
	if (__builtin_expect(rc < 0, 0) || __builtin_expect((rc = etr__frontier_advance(f, taken)) < 0, 0))
		return fail_in_generation(r, rc);
	return deliver(r, ev);
}
