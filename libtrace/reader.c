/* SPDX-License-Identifier: BSD-3-Clause
 *
 * reader.c - delivers the events of all threads in one order.
 *
 * The ordering (r->order) delivers one generation's events.  When it has no more, the next generation is loaded, and a Sync
 * delivered.  Once something has failed, the fault is all there is.
 */
#include "libtrace/readerimpl.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libtrace/ahead.h"
#include "wire/event.h"
#include "wire/header.h"

struct etr_reader *etr_reader_new(void)
{
	struct etr_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	etr__input_init(&r->in);
	etr__order_init(&r->order, &r->fault);
	r->order.blocks = &r->blocks;
	if (etr__generation_init(&r->now, &r->in, &r->fault) != 0) {
		etr_reader_free(r);
		return NULL;
	}
	return r;
}

void etr_reader_free(struct etr_reader *r)
{
	if (!r)
		return;
	etr__ahead_drop(r);
	etr__order_free(&r->order);
	etr__generation_free(&r->now);
	etr__blocks_free(&r->blocks);
	etr__input_close(&r->in);
	free((void *)(uintptr_t)r->spill_held);
	free(r);
}

static int fail(struct etr_reader *r, int code)
{
	r->failed = true;
	return code;
}

/* Of a file that is followed: 0, -ETR_E_AGAIN while there is no whole file header, another negative code. */
static int look_for_header(struct etr_reader *r)
{
	int rc = etr__input_detect(&r->in), look;
	uint64_t size = 0;

	if (rc != 0)
		return etr__input_fault(&r->in, &r->fault, 0);
	/* Fewer than four bytes may also be those of compressed data. */
	etr__input_raw_size(&r->in, &size);
	rc = etr__scan_file_header(&r->in, &r->version, &r->fault);
	r->no_header = rc == -ETR_E_EMPTY || rc == -ETR_E_TRUNCATED || (rc == -ETR_E_FORMAT && size < 4);
	if (!r->no_header || !r->in.follow)
		return rc;
	look = etr__input_look(&r->in, 0);
	if (look < 0)
		return etr__fault_io(&r->fault, 0);
	if (look != ETR__INPUT_WAIT)
		return rc;
	memset(&r->fault, 0, sizeof(r->fault));
	return -ETR_E_AGAIN;
}

/* What follows the opening of an input: 0 opened, -1 with errno set. */
static int opened(struct etr_reader *r, int rc)
{
	r->opened = true;
	if (rc == 0)
		rc = etr__input_detect(&r->in);
	r->unreadable = rc != 0;
	if (rc != 0)
		return fail(r, etr__input_fault(&r->in, &r->fault, 0));
	r->no_header = r->in.follow;
	rc = r->no_header ? look_for_header(r) : etr__scan_file_header(&r->in, &r->version, &r->fault);
	r->scan_off = WIRE_HEADER_SIZE;
	r->unreadable = rc < 0 && rc != -ETR_E_AGAIN;
	return r->unreadable ? fail(r, rc) : 0;
}

void etr__reader_restart(struct etr_reader *r, uint64_t off)
{
	etr__ahead_drop(r);
	etr__order_end(&r->order);
	etr__order_free(&r->order);
	etr__order_init(&r->order, &r->fault);
	r->order.blocks = &r->blocks;
	etr__generation_clear(&r->now);
	free((void *)(uintptr_t)r->spill_held);
	r->spill_held = NULL;
	memset(&r->fault, 0, sizeof(r->fault));
	memset(&r->sync, 0, sizeof(r->sync));
	r->nready = r->next_ready = 0;
	r->done = r->failed = r->loaded = r->loading = r->spilled = r->ends_badly = r->bad_sync = false;
	r->nsyncs = r->delivered_gen = r->good_size = 0;
	r->scan_off = r->now.start = r->now.end = off;
	etr__input_seek(&r->in, off);
}

static int opened_before(struct etr_reader *r)
{
	if (!r->failed)
		etr__fault_set(&r->fault, ETR_E_INVALID, 0, "the reader has an input already");
	return -ETR_E_INVALID;
}

int etr_reader_keep_experimental(struct etr_reader *r, int keep)
{
	if (r->nsyncs || r->ahead || r->loaded || r->loading)
		return -ETR_E_INVALID;
	r->keeps_experimental = keep;
	return 0;
}

int etr_reader_set_threads(struct etr_reader *r, int n)
{
	long online = n == 0 ? sysconf(_SC_NPROCESSORS_ONLN) : n;

	if (n < 0 || r->nsyncs || r->ahead)
		return -ETR_E_INVALID;
	r->nthreads = online > 0 ? (unsigned)online : 1;
	return 0;
}

int etr_reader_follow(struct etr_reader *r, int on)
{
	if (on && r->opened)
		return -ETR_E_INVALID;
	r->in.follow = on;
	return 0;
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
	const struct etr__generation *g = &r->now;
	const struct etr__tables *t = &g->tables;

	memset(ev, 0, sizeof(*ev));
	memset(&r->sync, 0, sizeof(r->sync));
	ev->kind = ETR_KIND_SYNC;
	ev->g = ev->p = ev->m = -1;
	ev->u.sync.n = ++r->nsyncs;
	ev->time = r->order.last_time;
	if (r->loaded) {
		ev->time = etr__units_to_ns(t->ns_per_unit, g->min_time);
		r->sync.has_clock = t->has_clock;
	}
	if (r->sync.has_clock) {
		r->sync.trace_ns = etr__units_to_ns(t->ns_per_unit, t->clock_time);
		r->sync.mono_ns = t->clock_mono;
		set_wall(&r->sync, t->clock_sec, (int64_t)t->clock_nsec);
	}
	r->sync.experiments = r->experiments;
	if (r->loaded && g->experiment_batches[WIRE_EXPERIMENT_ALLOC_FREE])
		r->experiments[r->sync.nexperiments++] = (struct etr_experiment){
			wire_experiment_name(WIRE_EXPERIMENT_ALLOC_FREE),
			g->experiment_batches[WIRE_EXPERIMENT_ALLOC_FREE],
			g->experiment_bytes[WIRE_EXPERIMENT_ALLOC_FREE],
		};
	etr__order_deliver(&r->order, ev);
	return 1;
}

static int load_next(struct etr_reader *r)
{
	if (r->nthreads > 1)
		etr__ahead_start(r);
	return r->ahead ? etr__ahead_next(r) : etr__generation_load(r);
}

/* Delivers the Sync that opens the next generation, ends the trace, or comes before what is wrong. */
static int next_generation(struct etr_reader *r, struct etr_event *ev)
{
	int rc;

	if (r->no_header) {
		rc = look_for_header(r);
		r->unreadable = rc < 0 && rc != -ETR_E_AGAIN;
		if (rc < 0)
			return rc == -ETR_E_AGAIN ? rc : fail(r, rc);
	}
	if (r->loaded) {
		r->good_size = r->now.end;
		r->delivered_gen = r->now.number;
	}
	etr__order_end(&r->order);
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
		rc = load_next(r);
	if (rc == -ETR_E_AGAIN)
		return rc;
	if (rc < 0) {
		r->ends_badly = r->bad_sync = true;
		return deliver_sync(r, ev);
	}
	if (rc == 0) {
		r->done = true;
		r->loaded = false;
		return deliver_sync(r, ev);
	}
	if (!r->guess) {
		rc = etr__order_begin(&r->order, &r->now);
		if (rc < 0)
			return fail(r, rc);
	}
	r->delivered_gen = r->now.number;
	return deliver_sync(r, ev);
}

/* etr_reader_next_events() behind what is ready. */
static int take_events(struct etr_reader *r, struct etr_event *events, int max)
{
	int n;

	if (__builtin_expect(!r->opened || max < 1, 0))
		return -ETR_E_INVALID;
	if (__builtin_expect(r->failed, 0))
		return r->fault.code;
	if (__builtin_expect(r->guess != NULL, 0))
		n = etr__ahead_events(r, events, max);
	else
		n = etr__order_events(&r->order, events, max);
	if (__builtin_expect(n > 0, 1))
		return n;
	if (n < 0)
		return fail(r, n);
	return r->done ? 0 : next_generation(r, events);
}

int etr_reader_next_events(struct etr_reader *r, struct etr_event *events, int max)
{
	int n = r->nready - r->next_ready;

	if (n == 0 || max < 1)
		return take_events(r, events, max);
	if (n > max)
		n = max;
	memcpy(events, r->ready + r->next_ready, (size_t)n * sizeof(*events));
	r->next_ready += n;
	return n;
}

/* Going into the ordering and out of it takes longer than an event, so a caller who wants one has some more made ready. */
int etr_reader_next(struct etr_reader *r, struct etr_event *ev)
{
	if (__builtin_expect(r->next_ready == r->nready, 0)) {
		int n = take_events(r, r->ready, ETR__READY);

		if (n <= 0)
			return n;
		r->nready = n;
		r->next_ready = 0;
	}
	*ev = r->ready[r->next_ready++];
	return 1;
}
