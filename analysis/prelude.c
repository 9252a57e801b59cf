/* SPDX-License-Identifier: BSD-3-Clause
 *
 * prelude.c - how a slice begins and ends: what is alive at its first border, and what it does not hear of before its last.
 *
 * Delivered times strictly increase, so each status needs a nanosecond of its own: they stand before the window, the last one a
 * nanosecond before it, and the first generation's Sync before them.  Those of goroutines and processors on a thread are written
 * on it, which binds them; the others have no thread.
 *
 * A range that is open is said to be active.  In a trace's first generation this may be said once, and the original may be about to
 * say so itself, as every writer does once in a generation: then it waits until the slice's first generation is complete.
 *
 * A goroutine that did nothing so far in the trace's first generation is unknown until something tells of it.  If that comes
 * behind the window, the slice tells it last of all, as a writer does at the end of a generation.
 */
#include "config.h"

#include "analysis/recode.h"

#include <stdlib.h>
#include <string.h>

#include <exectrace/raw.h>

#include "analysis/grow.h"

#define NO_ID UINT64_MAX
/* A thread that no program has, for ranges that turn out to be active when events without a thread are written already. */
#define LATE_THREAD (-2)

void an_recoder_init(struct an_recoder *rec, struct an_world *world, uint64_t *serial, int version,
		     const struct an_renamer *renamer)
{
	memset(rec, 0, sizeof(*rec));
	rec->world = world;
	rec->reader = world->source->reader;
	rec->serial = serial;
	rec->version = version;
	rec->renamer = renamer;
}

void an_recoder_free(struct an_recoder *rec)
{
	for (int kind = 0; kind < AN_TEXT_KINDS; kind++)
		free(rec->strings[kind]);
	free(rec->stacks);
	free(rec->pending);
	free(rec->late);
	memset(rec, 0, sizeof(*rec));
}

/* The original's clock snapshot, moved to `time`: the clocks it compares run alike. */
int an__generation_begin(struct an_recoder *rec, int64_t time)
{
	const struct etr_sync *sync = etr_reader_sync(rec->reader);
	uint64_t mono = (uint64_t)time;
	int64_t sec = 0, nsec = 0;

	if (sync && sync->has_clock) {
		int64_t since = time - sync->trace_ns;

		mono = sync->mono_ns + (uint64_t)since;
		sec = sync->wall_sec + since / 1000000000;
		nsec = (int64_t)sync->wall_nsec + since % 1000000000;
		if (nsec < 0 || nsec >= 1000000000) {
			sec += nsec < 0 ? -1 : 1;
			nsec += nsec < 0 ? 1000000000 : -1000000000;
		}
	}
	rec->generation = ++*rec->serial;
	rec->in_generation = true;
	rec->last_time = time;
	an__recode_forget_ids(rec);
	return an__recode_fail(rec, etr_writer_begin_generation(rec->writer, (uint64_t)time, mono, sec, (uint32_t)nsec));
}

static void write_active(struct an_recoder *rec, int64_t m, const struct an_pending_range *range)
{
	int type = range->resource == ETR_RESOURCE_GOROUTINE ? ETR_WIRE_GC_MARK_ASSIST_ACTIVE :
		   range->resource == ETR_RESOURCE_PROC	     ? ETR_WIRE_GC_SWEEP_ACTIVE :
							       ETR_WIRE_GC_ACTIVE;
	uint64_t arg = range->resource == ETR_RESOURCE_NONE ? 1 : (uint64_t)range->id;

	an__emit(rec, m, type, range->time, &arg, 1);
}

/* Writes out what waited for the generation's end. */
static int write_pending(struct an_recoder *rec)
{
	int64_t m = rec->no_thread_used ? LATE_THREAD : AN_NO_THREAD;
	int64_t last_time = rec->last_time;

	for (size_t i = 0; i < rec->npending && !rec->failed; i++)
		if (!rec->pending[i].came)
			write_active(rec, m, &rec->pending[i]);
	rec->npending = 0;
	rec->last_time = last_time;
	return rec->failed;
}

int an__generation_end(struct an_recoder *rec)
{
	if (!rec->in_generation)
		return rec->failed;
	an__emit_all_held(rec);
	if (write_pending(rec) < 0)
		return rec->failed;
	rec->in_generation = false;
	return an__recode_fail(rec, etr_writer_end_generation(rec->writer));
}

/* How many nanoseconds the statuses take; an upper bound. */
static int64_t count_statuses(const struct an_world *world)
{
	int64_t n = world->marking;

	for (const struct an_go *g = world->first_g; g; g = g->next)
		n += 1 + (int64_t)g->nranges;
	for (const struct an_proc *p = world->first_p; p; p = p->next)
		n += 1 + p->sweeping;
	return n;
}

static bool is_on_thread(const struct an_go *g)
{
	return g->m && (g->state == ETR_STATE_RUNNING || g->state == ETR_STATE_SYSCALL);
}

static void tell_g(struct an_recoder *rec, struct an_go *g, int64_t *time)
{
	bool on_thread = is_on_thread(g);
	const uint64_t args[] = { (uint64_t)g->id, on_thread ? (uint64_t)g->m->id : NO_ID, an__gstatus(g->state),
				  rec->version >= 23 && g->state != ETR_STATE_RUNNING ? an__recode_known_stack(rec, g->stack) :
											0 };

	an__restart(rec, &g->count);
	an__emit(rec, on_thread ? g->m->id : AN_NO_THREAD, args[3] ? ETR_WIRE_GO_STATUS_STACK : ETR_WIRE_GO_STATUS, (*time)++,
		 args, args[3] ? 4 : 3);
}

static void tell_p(struct an_recoder *rec, struct an_proc *p, int64_t *time)
{
	struct an_m *m = p->state == ETR_STATE_RUNNING ? p->m : NULL;
	const uint64_t args[] = { (uint64_t)p->id, !m ? 2 : p->in_syscall ? 3 : 1 };

	an__restart(rec, &p->count);
	p->abandoned = false;
	if (!m || (m->g && !p->unsure)) {
		an__emit(rec, m ? m->id : AN_NO_THREAD, ETR_WIRE_PROC_STATUS, (*time)++, args, 2);
		return;
	}
	/* The goroutine, too, may be unknown as yet. */
	m->holds = true;
	m->held = p;
	m->held_time = (*time)++;
}

/* Stops of the world have no active form, so one that is open is opened. */
static void open_stw(struct an_recoder *rec, const struct an_go *g, int64_t *time)
{
	for (size_t i = 0; i < g->nranges; i++) {
		size_t len;
		const char *name = an_text(&rec->world->source->names, g->ranges[i].name, &len);
		uint64_t args[2];

		if (!an_is_stw(&name, &len))
			continue;
		args[0] = an__recode_text(rec, AN_TEXT_REASON, name, len);
		args[1] = an__recode_known_stack(rec, g->ranges[i].stack);
		an__emit(rec, g->m->id, ETR_WIRE_STW_BEGIN, (*time)++, args, 2);
	}
}

/* A range is open; it is told now, or when it is clear that nobody else does. */
static void tell_range(struct an_recoder *rec, uint8_t resource, int64_t id, const struct an_open_range *range, int64_t *time)
{
	struct an_pending_range *list = an_grow(rec->pending, &rec->pending_cap, rec->npending + 1, sizeof(*list));

	if (!list) {
		an__recode_fail(rec, -ETR_E_NOMEM);
		return;
	}
	rec->pending = list;
	list[rec->npending] = (struct an_pending_range){ .resource = resource, .id = id, .time = (*time)++ };
	if (resource == ETR_RESOURCE_NONE)
		rec->gc_seq = 1;
	if (range->told == rec->world->source->syncs) {
		/* One that waits comes too late for that thread then. */
		rec->no_thread_used |= rec->npending > 0;
		write_active(rec, AN_NO_THREAD, &list[rec->npending]);
	} else {
		rec->npending++;
	}
}

static void tell_ranges(struct an_recoder *rec, int64_t *time)
{
	struct an_world *world = rec->world;

	if (world->marking)
		tell_range(rec, ETR_RESOURCE_NONE, 0, &world->mark, time);
	for (struct an_go *g = world->first_g; g; g = g->next)
		for (size_t i = 0; i < g->nranges; i++)
			if (g->ranges[i].name == world->assist_name)
				tell_range(rec, ETR_RESOURCE_GOROUTINE, g->id, &g->ranges[i], time);
	for (struct an_proc *p = world->first_p; p; p = p->next)
		if (p->sweeping)
			tell_range(rec, ETR_RESOURCE_PROC, p->id, &p->sweep, time);
}

/* Everything that is alive, in an order in which each can be told. */
static void tell_all(struct an_recoder *rec, int64_t time)
{
	struct an_world *world = rec->world;

	for (struct an_m *m = world->first_m; m; m = m->next)
		m->holds = m->holds_g = false;
	for (struct an_proc *p = world->first_p; p; p = p->next)
		tell_p(rec, p, &time);
	for (struct an_go *g = world->first_g; g && !rec->failed; g = g->next)
		tell_g(rec, g, &time);
	for (struct an_go *g = world->first_g; g && !rec->failed; g = g->next)
		if (g->nranges && is_on_thread(g) && g->state == ETR_STATE_RUNNING && g->m->p)
			open_stw(rec, g, &time);
	tell_ranges(rec, &time);
}

int an_recoder_begin(struct an_recoder *rec, struct etr_writer *writer, int64_t from, int64_t to)
{
	const struct an_world *world = rec->world;
	int64_t n = count_statuses(world), start = from;

	rec->writer = writer;
	rec->first_generation = true;
	rec->from = from;
	/* The whole trace begins with a Sync of its own, before which nothing is alive. */
	if (n || from > world->source->start)
		start = from > n + 1 ? from - n - 1 : 1;
	if (an__generation_begin(rec, start) < 0 || an__carry_notes(rec, start == from) < 0 || an__carry_window(rec, from, to) < 0 ||
	    an__carry_past(rec) < 0 || an__carry_experimental(rec) < 0)
		return rec->failed;
	tell_all(rec, start + 1);
	rec->last_time = start + n;
	return rec->failed;
}

int an_recoder_late(struct an_recoder *rec, const struct etr_event *ev)
{
	struct an_late_status *list;

	if (rec->failed || ev->kind != ETR_KIND_STATE_TRANSITION || ev->from != ETR_STATE_UNDETERMINED)
		return rec->failed;
	list = an_grow(rec->late, &rec->late_cap, rec->nlate + 1, sizeof(*list));
	if (!list)
		return an__recode_fail(rec, -ETR_E_NOMEM);
	rec->late = list;
	list[rec->nlate++] = (struct an_late_status){ .resource = ev->resource, .state = ev->to, .id = ev->u.transition.id,
						      .m = ev->m };
	return 0;
}

/* Is there a goroutine in a syscall on thread m among what came late? */
static bool late_in_syscall(const struct an_recoder *rec, int64_t m)
{
	for (size_t i = 0; i < rec->nlate; i++)
		if (rec->late[i].resource == ETR_RESOURCE_GOROUTINE && rec->late[i].state == ETR_STATE_SYSCALL && rec->late[i].m == m)
			return true;
	return false;
}

static void tell_late(struct an_recoder *rec, const struct an_late_status *late, int64_t time)
{
	bool on_thread = late->state == ETR_STATE_RUNNING || late->state == ETR_STATE_SYSCALL;
	int64_t m = on_thread ? late->m : AN_NO_THREAD;
	uint64_t status = late->state != ETR_STATE_RUNNING ? 2 : late_in_syscall(rec, late->m) ? 3 : 1;

	if (late->resource == ETR_RESOURCE_GOROUTINE)
		an__emit(rec, m, ETR_WIRE_GO_STATUS, time,
			 (const uint64_t[]){ (uint64_t)late->id, (uint64_t)m, an__gstatus(late->state) }, 3);
	else
		an__emit(rec, m, ETR_WIRE_PROC_STATUS, time, (const uint64_t[]){ (uint64_t)late->id, status }, 2);
}

int an_recoder_finish(struct an_recoder *rec, int64_t to)
{
	int64_t time = rec->last_time < to ? to : rec->last_time + 1;

	if (rec->failed)
		return rec->failed;
	for (size_t i = 0; i < rec->nlate && !rec->failed; i++)
		tell_late(rec, &rec->late[i], time++);
	if (rec->tells_end)
		an__carry_window(rec, rec->from, to);
	if (an__generation_end(rec) < 0)
		return rec->failed;
	/*
	 * The last Sync comes a nanosecond after what is last, and the trace must not end before the window does: an empty generation
	 * begins there.
	 */
	if (!rec->nlate && rec->last_time + 1 < to) {
		an__generation_begin(rec, to);
		an__generation_end(rec);
	}
	return rec->failed;
}
