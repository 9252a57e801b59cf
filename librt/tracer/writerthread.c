/* SPDX-License-Identifier: BSD-3-Clause
 *
 * writerthread.c - the session's thread: it takes full chunks, ends generations, and ends the session.
 *
 * A generation ends in this order: capture every G and P that was not traced yet; move the number on (to 0 when stopping); wait
 * until no M writes in the old generation; write what its chunks hold; write the statuses of what was captured and still did
 * nothing; samples, tables, the end byte.  Nothing of the next generation is written before that.
 *
 * Owns the sink, the stream and all of struct trace_writer. Holds no lock that an emit path could want, and never waits for the
 * program other than for pins to pass.
 */
#include "librt/tracer/writerthread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "librt/tracer/sampler.h"
#include "librt/tracer/tables.h"
#include "librt/tracer/unwindmap.h"
#include "wire/header.h"

/* A new session knows the clock's rate only roughly: the line is bent again soon after its start. */
static const uint64_t early_refits_ms[] = { 2, 20, 200 };
#define EARLY_REFITS (sizeof(early_refits_ms) / sizeof(early_refits_ms[0]))

static _Atomic bool nudged;

void trace_writer_nudge(void)
{
	if (!atomic_exchange_explicit(&nudged, true, memory_order_relaxed))
		trace_bell_ring();
}

bool trace_grow(struct trace_writer *w, void *array_pointer, size_t *cap, size_t need, size_t element)
{
	void **array = array_pointer, *bigger;
	size_t wanted = *cap != 0 ? *cap * 2 : 64;

	if (need <= *cap)
		return true;
	bigger = reallocarray(*array, wanted, element);
	if (bigger == NULL) {
		w->out_of_memory = true;
		return false;
	}
	*array = bigger;
	*cap = wanted;
	return true;
}

/* --- the end of a generation --- */

static void capture(struct trace_writer *w, const struct trace_captured *c)
{
	/* Only a filter: what is traced later is dropped when it is looked at again. */
	if (atomic_load_explicit(&c->res->traced[w->gen & 1], memory_order_relaxed) == w->gen)
		return;
	if (trace_grow(w, &w->captured, &w->captured_cap, w->ncaptured + 1, sizeof(*w->captured)))
		w->captured[w->ncaptured++] = *c;
}

/* The M counts only where the state binds to one. */
static uint64_t m_id_of(const struct trace_m *m, bool bound)
{
	return bound && m != NULL ? m->id : WIRE_NO_M;
}

static void visit_g(void *ctx, const struct trace_g_info *info)
{
	bool bound = info->state == TRACE_G_RUNNING || info->state == TRACE_G_SYSCALL;
	struct trace_captured c = { &info->g->res, info->id, m_id_of(info->m, bound), info->state, false };

	if (info->state != TRACE_G_DEAD)
		capture(ctx, &c);
}

static void visit_p(void *ctx, const struct trace_p_info *info)
{
	bool bound = info->state == TRACE_P_RUNNING || info->state == TRACE_P_SYSCALL;
	struct trace_captured c = { &info->p->res, info->p->id, m_id_of(info->m, bound), info->state, true };

	if (info->state != TRACE_P_NONE)
		capture(ctx, &c);
}

static void answer(struct trace_session *s)
{
	atomic_fetch_add_explicit(&s->answer, 1, memory_order_release);
	trace_futex_wake(&s->answer);
}

/* Something that makes what was recorded of this generation unfit to be written. */
static int trouble_of(const struct trace_writer *w)
{
	if (w->sink.error != 0)
		return w->sink.error;
	if (w->out_of_memory)
		return -ENOMEM;
	return atomic_load_explicit(&trace_core.trouble, memory_order_relaxed) == TRACE_OVERRUN ? -ENOBUFS : 0;
}

/* Ends the current generation.  Return: 0, or why it could not be written. */
static int generation_end(struct trace_writer *w, bool last)
{
	struct trace_session *s = w->session;
	uint64_t wanted = atomic_load_explicit(&s->advances_wanted, memory_order_acquire);
	struct trace_clock_snapshot next;
	int trouble;

	trace_core.host->visit_gs(visit_g, w);
	trace_core.host->visit_ps(visit_p, w);
	trace_clock_refit(s->options.advance_ms * TRACE_NS_PER_MS);
	trace_clock_snapshot(&next);
	if (!last)
		trace_core.last_gen++;
	/* Pairs with the load in trace_pin_always; also publishes the reset of the next generation's tables. */
	atomic_store_explicit(&trace_switch_page->gen, last ? 0 : trace_core.last_gen, memory_order_seq_cst);
	trace_pins_wait(&s->dying);
	w->end_time = trace_clock_now();
	trouble = trouble_of(w);
	if (trouble != 0)
		return trouble;
	trace_stream_drain(w, true);
	trace_output_statuses(w);
	trace_output_samples_take(w);
	trace_output_tables(w);
	trouble = trouble_of(w);
	if (trouble != 0)
		return trouble;
	trace_output_end(w);
	trace_tables_reset(w->gen & 1);
	if (w->sink.error != 0)
		return w->sink.error;
	w->gen++;
	w->file_gen++;
	if (!last)
		trace_output_sync(w, &next);
	atomic_store_explicit(&s->advances_done, wanted, memory_order_release);
	answer(s);
	return 0;
}

/* --- the session --- */

static bool advance_is_due(const struct trace_writer *w, uint64_t now, uint64_t deadline)
{
	const struct trace_session *s = w->session;

	return now >= deadline || trace_chunks_are_many() ||
	       atomic_load_explicit(&s->advances_wanted, memory_order_acquire) !=
	       atomic_load_explicit(&s->advances_done, memory_order_relaxed);
}

/* Until the session is to end.  Return: 0 after its last generation, or why it ends before. */
static int session_loop(struct trace_writer *w)
{
	struct trace_session *s = w->session;
	uint64_t start = trace_mono_ns(), period = s->options.advance_ms * TRACE_NS_PER_MS, deadline = start + period;
	size_t refits = 0;

	for (;;) {
		/* Acquire: what was asked for before the bell rang is seen below. */
		uint32_t bell = atomic_load_explicit(&trace_core.bell, memory_order_acquire);
		uint64_t now = trace_mono_ns(), until;
		int trouble;

		if (atomic_load_explicit(&s->stop_wanted, memory_order_acquire))
			return generation_end(w, true);
		if (atomic_exchange_explicit(&nudged, false, memory_order_relaxed))
			trace_output_samples_take(w);
		trace_stream_drain(w, false);
		trouble = trouble_of(w);
		if (trouble == 0 && advance_is_due(w, now, deadline)) {
			trouble = generation_end(w, false);
			now = trace_mono_ns();
			deadline = now + period;
		}
		if (trouble != 0)
			return trouble;
		if (refits < EARLY_REFITS && now - start >= early_refits_ms[refits] * TRACE_NS_PER_MS) {
			refits++;
			trace_clock_refit(10 * early_refits_ms[refits - 1] * TRACE_NS_PER_MS);
		}
		until = deadline;
		if (refits < EARLY_REFITS && start + early_refits_ms[refits] * TRACE_NS_PER_MS < until)
			until = start + early_refits_ms[refits] * TRACE_NS_PER_MS;
		if (until > now)
			trace_futex_wait(&trace_core.bell, bell, until - now);
	}
}

static void session_fail(struct trace_writer *w, int trouble)
{
	/* As at a generation's end: after this nobody writes, and all chunks are the writer's. */
	atomic_store_explicit(&trace_switch_page->gen, 0, memory_order_seq_cst);
	trace_pins_wait(&w->session->dying);
	trace_stream_discard(w);
	trace_tables_reset(0);
	trace_tables_reset(1);
	if (w->sink.error != 0)
		trace_warn("recording stopped after %llu generations: write: %s", (unsigned long long)w->file_gen - 1,
			   strerror(-trouble));
	else
		trace_warn("recording stopped after %llu generations: %s", (unsigned long long)w->file_gen - 1,
			   trouble == -ENOBUFS ? "events came faster than they could be written" : "out of memory");
}

static void discard_sample(void *ctx, const struct trace_sample *s)
{
	(void)ctx;
	(void)s;
}

void trace_writer_run(void *arg)
{
	struct trace_session *s = arg;
	struct trace_writer w = { .session = s, .file_gen = 1 };
	uint8_t header[WIRE_HEADER_SIZE];
	int trouble, closed;

	/* Until the session is on: the number may not be there yet. */
	while (!atomic_load_explicit(&s->started, memory_order_acquire))
		trace_futex_wait(&trace_core.bell, atomic_load_explicit(&trace_core.bell, memory_order_acquire), TRACE_NS_PER_MS);
	w.gen = s->first_gen;
	if (s->options.cpu_hz != 0) {
		trace_symbols_refresh();
		trace_unwind_map_refresh();
	}
	w.batch = malloc(sizeof(*w.batch));
	trouble = trace_sink_open(&w.sink, s->fd, s->regular, s->options.compress);
	if (w.batch == NULL)
		trouble = -ENOMEM;
	if (trouble == 0) {
		wire_put_file_header(header, 26);
		trace_sink_put(&w.sink, header, sizeof(header));
		/* A frame is a generation, the first one with the header. */
		if (w.sink.zframes == NULL)
			trace_sink_mark(&w.sink);
		trace_output_sync(&w, &s->first_snapshot);
		trouble = session_loop(&w);
	}
	if (trouble != 0)
		session_fail(&w, trouble);
	trace_samplers_set(0);
	trace_samplers_drain(discard_sample, NULL);
	closed = trace_sink_close(&w.sink);
	trace_chunks_clean();
	trace_stream_free(&w.stream);
	free(w.batch);
	free(w.captured);
	free(w.samples);
	atomic_store_explicit(&s->error, trouble != 0 ? trouble : closed, memory_order_relaxed);
	atomic_store_explicit(&s->ended, true, memory_order_release);
	answer(s);
}
