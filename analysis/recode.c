/* SPDX-License-Identifier: BSD-3-Clause
 *
 * recode.c - which wire event tells what was delivered.
 *
 * An event is looked at in the world as it was before it.  Most have one form.  These have several, or need what comes later:
 *
 *	The status of a processor that runs may mean that it is in a syscall, or that its thread has started it in one to come out of
 *	it.  How the thread comes out tells, so the status waits for that (an_m.holds); a processor that is stolen was in a syscall.
 *	A goroutine that is unblocked, another one that leaves off, and the first one that starts, within three nanoseconds, are one
 *	switch; a processor that is lost, and the goroutine in a syscall that ends, within two, one end.  They are held until it is clear
 *	whether they are complete (rec->held).  A border between them leaves single events, which tell the same.
 *	A processor whose thread has ended in a syscall can only be stolen; an idle one that is idle still is restated.
 *
 * Sequence numbers count from each status of a generation, as they did in the original, whose generations are kept.
 */
#include "config.h"

#include "analysis/recode.h"

#include <string.h>

#include <exectrace/raw.h>

#define NO_ID UINT64_MAX

int an__recode_fail(struct an_recoder *rec, int code)
{
	if (code < 0 && !rec->failed)
		rec->failed = code;
	return code < 0 ? code : 0;
}

int an__emit_held(struct an_recoder *rec, struct an_m *m, bool in_syscall)
{
	const uint64_t args[] = { (uint64_t)m->held->id, in_syscall ? 3 : 1 };
	int rc = etr_writer_event(rec->writer, (uint64_t)m->id, ETR_WIRE_PROC_STATUS, (uint64_t)m->held_time, args, 2);

	if (rc == 0 && m->holds_g)
		rc = etr_writer_event(rec->writer, (uint64_t)m->id, m->held_g[3] ? ETR_WIRE_GO_STATUS_STACK : ETR_WIRE_GO_STATUS,
				      (uint64_t)m->held_g_time, m->held_g, m->held_g[3] ? 4 : 3);
	m->held->in_syscall = in_syscall;
	m->held->unsure = false;
	m->holds = m->holds_g = false;
	return an__recode_fail(rec, rc);
}

void an__emit_all_held(struct an_recoder *rec)
{
	for (struct an_m *m = rec->ended ? NULL : rec->world->first_m; m && !rec->failed; m = m->next) {
		bool unsure = m->holds && m->held->unsure;

		if (!m->holds)
			continue;
		/* The next slice may learn it yet. */
		an__emit_held(rec, m, m->g && m->g->state == ETR_STATE_SYSCALL);
		m->held->unsure = unsure;
	}
}

/* An event of a thread that holds something back: it decides that, or waits too (*waits). */
static int decide(struct an_recoder *rec, struct an_m *m, int type, int64_t time, const uint64_t *args, bool *waits)
{
	bool is_g_status = type == ETR_WIRE_GO_STATUS || type == ETR_WIRE_GO_STATUS_STACK;
	bool g_is_in_syscall = m->holds_g || (m->g && m->g->state == ETR_STATE_SYSCALL);

	*waits = is_g_status && args[2] == 3 && args[1] == (uint64_t)m->id && !m->holds_g;
	if (!*waits)
		return an__emit_held(rec, m, g_is_in_syscall && type != ETR_WIRE_GO_SYSCALL_END_BLOCKED);
	m->holds_g = true;
	m->held_g_time = time;
	memcpy(m->held_g, args, 3 * sizeof(*args));
	m->held_g[3] = type == ETR_WIRE_GO_STATUS_STACK ? args[3] : 0;
	return 0;
}

int an__emit(struct an_recoder *rec, int64_t id, int type, int64_t time, const uint64_t *args, unsigned nargs)
{
	struct an_m *m = an_world_m(rec->world, id);

	rec->last_time = time;
	if (__builtin_expect(m && m->holds && !rec->ended, 0)) {
		bool waits;
		int rc = decide(rec, m, type, time, args, &waits);

		if (rc < 0 || waits)
			return rc;
	}
	return an__recode_fail(rec, etr_writer_event(rec->writer, (uint64_t)id, type, (uint64_t)time, args, nargs));
}

#define EMIT(rec, ev, type, ...)                                                                                                 \
	an__emit((rec), (ev)->m, (type), (ev)->time, (const uint64_t[]){ __VA_ARGS__ },                                            \
		 sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))
#define EMIT0(rec, ev, type) an__emit((rec), (ev)->m, (type), (ev)->time, NULL, 0)

static uint64_t own_stack(struct an_recoder *rec, const struct etr_event *ev)
{
	return an__recode_stack(rec, ev->stack);
}

/* The thread that wrote the status of a goroutine in a syscall: the event's own is the one where that goroutine is. */
static int64_t status_writer(const struct an_recoder *rec, const struct etr_event *ev)
{
	struct an_m *m = an_world_m(rec->world, ev->m);
	int64_t own_p = m && m->p ? m->p->id : -1, own_g = m && m->g ? m->g->id : -1;
	struct an_proc *p;
	struct an_go *g;

	if (ev->p == own_p && ev->g == own_g)
		return ev->m;
	p = ev->p == -1 ? NULL : an_world_p(rec->world, ev->p);
	if (p && p->m)
		return p->m->id;
	g = ev->g == -1 || ev->g == own_g ? NULL : an_world_g(rec->world, ev->g);
	return g && g->m ? g->m->id : AN_NO_THREAD;
}

static int go_status(struct an_recoder *rec, const struct etr_event *ev)
{
	int64_t id = ev->u.transition.id, writer = ev->m;
	struct an_go *g = an_world_g(rec->world, id);
	uint64_t args[] = { (uint64_t)id, NO_ID, an__gstatus(ev->to), an__recode_stack(rec, ev->u.transition.stack) };
	int type = args[3] ? ETR_WIRE_GO_STATUS_STACK : ETR_WIRE_GO_STATUS;
	struct an_m *there;
	int rc;

	if (g)
		an__restart(rec, &g->count);
	if (ev->to == ETR_STATE_RUNNING || ev->to == ETR_STATE_SYSCALL)
		args[1] = (uint64_t)ev->m;
	if (ev->to == ETR_STATE_SYSCALL) {
		there = an_world_m(rec->world, ev->m);
		writer = status_writer(rec, ev);
		if (there && there->holds && writer != ev->m && (rc = an__emit_held(rec, there, true)) < 0)
			return rc;
	}
	return an__emit(rec, writer, type, ev->time, args, args[3] ? 4 : 3);
}

static int go_new(struct an_recoder *rec, const struct etr_event *ev)
{
	uint64_t id = (uint64_t)ev->u.transition.id;

	if (ev->to == ETR_STATE_SYSCALL)
		return EMIT(rec, ev, ETR_WIRE_GO_CREATE_SYSCALL, id);
	return EMIT(rec, ev, ev->to == ETR_STATE_WAITING ? ETR_WIRE_GO_CREATE_BLOCKED : ETR_WIRE_GO_CREATE, id,
		    an__recode_stack(rec, ev->u.transition.stack), own_stack(rec, ev));
}

static int go_leaves_running(struct an_recoder *rec, const struct etr_event *ev)
{
	struct an_proc *p;

	switch (ev->to) {
	case ETR_STATE_RUNNABLE:
		return EMIT(rec, ev, ETR_WIRE_GO_STOP, an__recode_string(rec, AN_TEXT_REASON, ev->u.transition.reason),
			    own_stack(rec, ev));
	case ETR_STATE_WAITING:
		return EMIT(rec, ev, ETR_WIRE_GO_BLOCK, an__recode_string(rec, AN_TEXT_REASON, ev->u.transition.reason),
			    own_stack(rec, ev));
	case ETR_STATE_SYSCALL:
		p = an_world_p(rec->world, ev->p);
		return EMIT(rec, ev, ETR_WIRE_GO_SYSCALL_BEGIN, p ? an__next(rec, &p->count) : 1, own_stack(rec, ev));
	default:
		return EMIT0(rec, ev, ETR_WIRE_GO_DESTROY);
	}
}

static int go_transition(struct an_recoder *rec, const struct etr_event *ev)
{
	struct an_go *g = an_world_g(rec->world, ev->u.transition.id);

	if (ev->from == ev->to || ev->from == ETR_STATE_UNDETERMINED)
		return go_status(rec, ev);
	switch (ev->from) {
	case ETR_STATE_NOT_EXIST:
		return go_new(rec, ev);
	case ETR_STATE_RUNNABLE:
		return EMIT(rec, ev, ETR_WIRE_GO_START, (uint64_t)ev->u.transition.id, g ? an__next(rec, &g->count) : 1);
	case ETR_STATE_WAITING:
		return EMIT(rec, ev, ETR_WIRE_GO_UNBLOCK, (uint64_t)ev->u.transition.id, g ? an__next(rec, &g->count) : 1,
			    own_stack(rec, ev));
	case ETR_STATE_RUNNING:
		return go_leaves_running(rec, ev);
	default:
		return EMIT0(rec, ev, ev->to == ETR_STATE_RUNNING  ? ETR_WIRE_GO_SYSCALL_END :
				      ev->to == ETR_STATE_RUNNABLE ? ETR_WIRE_GO_SYSCALL_END_BLOCKED :
								     ETR_WIRE_GO_DESTROY_SYSCALL);
	}
}

static int proc_status(struct an_recoder *rec, const struct etr_event *ev, struct an_proc *p)
{
	struct an_m *m = an_world_get_m(rec->world, ev->m);
	uint64_t status = 0;

	if (!m)
		return an__recode_fail(rec, -ETR_E_NOMEM);
	an__restart(rec, &p->count);
	if (ev->to == ETR_STATE_IDLE)
		status = p->abandoned ? 4 : 2;
	if (ev->to == ETR_STATE_RUNNING) {
		bool known = p->state == ETR_STATE_RUNNING;

		status = p->in_syscall ? 3 : 1;
		if (!known && m->id != AN_NO_THREAD) {
			if (m->holds && an__emit_held(rec, m, false) < 0)
				return rec->failed;
			m->holds = true;
			m->held = p;
			m->held_time = rec->last_time = ev->time;
			return 0;
		}
	}
	return EMIT(rec, ev, ETR_WIRE_PROC_STATUS, (uint64_t)p->id, status);
}

static int proc_transition(struct an_recoder *rec, const struct etr_event *ev)
{
	struct an_proc *p = an_world_get_p(rec->world, ev->u.transition.id);
	struct an_m *from;

	if (!p)
		return an__recode_fail(rec, -ETR_E_NOMEM);
	if (p->abandoned && ev->from == ETR_STATE_IDLE && ev->to == ETR_STATE_IDLE && ev->m != AN_NO_THREAD &&
	    p->count.generation == rec->generation) {
		p->abandoned = false;
		return EMIT(rec, ev, ETR_WIRE_PROC_STEAL, (uint64_t)p->id, an__next(rec, &p->count), NO_ID);
	}
	if (ev->from == ev->to || ev->from == ETR_STATE_UNDETERMINED || ev->from == ETR_STATE_NOT_EXIST)
		return proc_status(rec, ev, p);
	if (ev->to == ETR_STATE_RUNNING)
		return EMIT(rec, ev, ETR_WIRE_PROC_START, (uint64_t)p->id, an__next(rec, &p->count));
	from = p->m;
	if (from && from->id == ev->m && ev->p == p->id)
		return EMIT0(rec, ev, ETR_WIRE_PROC_STOP);
	if (from && from->holds && from->held == p && an__emit_held(rec, from, true) < 0)
		return rec->failed;
	return EMIT(rec, ev, ETR_WIRE_PROC_STEAL, (uint64_t)p->id, an__next(rec, &p->count),
		    from ? (uint64_t)from->id : NO_ID);
}

static int stw_begin(struct an_recoder *rec, const struct etr_event *ev)
{
	size_t len;
	const char *name = etr_reader_string(rec->reader, ev->u.range.name, &len);

	if (!an_is_stw(&name, &len))
		return EMIT(rec, ev, ETR_WIRE_GC_MARK_ASSIST_BEGIN, own_stack(rec, ev));
	return EMIT(rec, ev, ETR_WIRE_STW_BEGIN, an__recode_text(rec, AN_TEXT_REASON, name, len), own_stack(rec, ev));
}

static int range_begin(struct an_recoder *rec, const struct etr_event *ev)
{
	switch (ev->resource) {
	case ETR_RESOURCE_GOROUTINE:
		return stw_begin(rec, ev);
	case ETR_RESOURCE_PROC:
		return EMIT(rec, ev, ETR_WIRE_GC_SWEEP_BEGIN, own_stack(rec, ev));
	default:
		return EMIT(rec, ev, ETR_WIRE_GC_BEGIN, ++rec->gc_seq, own_stack(rec, ev));
	}
}

static int range_end(struct an_recoder *rec, const struct etr_event *ev)
{
	size_t len;
	const char *name;

	switch (ev->resource) {
	case ETR_RESOURCE_GOROUTINE:
		name = etr_reader_string(rec->reader, ev->u.range.name, &len);
		return EMIT0(rec, ev, an_is_stw(&name, &len) ? ETR_WIRE_STW_END : ETR_WIRE_GC_MARK_ASSIST_END);
	case ETR_RESOURCE_PROC:
		return EMIT(rec, ev, ETR_WIRE_GC_SWEEP_END, ev->u.range.swept, ev->u.range.reclaimed);
	default:
		return EMIT(rec, ev, ETR_WIRE_GC_END, ++rec->gc_seq);
	}
}

/* In a trace's first generation the active event opens a range, which so must not be open. */
static bool may_be_active(struct an_recoder *rec, const struct etr_event *ev, bool *pending)
{
	struct an_world *world = rec->world;
	const struct an_go *g;
	const struct an_proc *p;

	*pending = false;
	if (!rec->first_generation)
		return true;
	for (size_t i = 0; i < rec->npending; i++) {
		struct an_pending_range *range = &rec->pending[i];

		if (range->resource == ev->resource && range->id == ev->u.range.id && !range->came)
			return range->came = *pending = true;
	}
	if (ev->resource == ETR_RESOURCE_PROC) {
		p = an_world_p(world, ev->u.range.id);
		return p && !p->sweeping;
	}
	if (ev->resource == ETR_RESOURCE_NONE)
		return !world->marking && rec->gc_seq == 0;
	g = an_world_g(world, ev->u.range.id);
	for (size_t i = 0; g && i < g->nranges; i++)
		if (g->ranges[i].name == world->assist_name)
			return false;
	return g;
}

static int range_active(struct an_recoder *rec, const struct etr_event *ev)
{
	bool pending;

	if (!may_be_active(rec, ev, &pending))
		return 0;
	switch (ev->resource) {
	case ETR_RESOURCE_GOROUTINE:
		return EMIT(rec, ev, ETR_WIRE_GC_MARK_ASSIST_ACTIVE, (uint64_t)ev->u.range.id);
	case ETR_RESOURCE_PROC:
		return EMIT(rec, ev, ETR_WIRE_GC_SWEEP_ACTIVE, (uint64_t)ev->u.range.id);
	default:
		/* One that was to come before the window has its number already. */
		rec->gc_seq += !pending;
		return EMIT(rec, ev, ETR_WIRE_GC_ACTIVE, rec->gc_seq);
	}
}

static int metric(struct an_recoder *rec, const struct etr_event *ev)
{
	const char *name = etr_reader_string(rec->reader, ev->u.metric.name, NULL);

	if (strcmp(name, "/memory/classes/heap/objects:bytes") == 0)
		return EMIT(rec, ev, ETR_WIRE_HEAP_ALLOC, ev->u.metric.value);
	if (strcmp(name, "/gc/heap/goal:bytes") == 0)
		return EMIT(rec, ev, ETR_WIRE_HEAP_GOAL, ev->u.metric.value);
	return EMIT(rec, ev, ETR_WIRE_PROCS_CHANGE, ev->u.metric.value, own_stack(rec, ev));
}

static int user_event(struct an_recoder *rec, const struct etr_event *ev)
{
	uint64_t parent = ev->u.task.parent == ETR_NO_TASK ? 0 : ev->u.task.parent;

	switch (ev->kind) {
	case ETR_KIND_LABEL:
		return EMIT(rec, ev, ETR_WIRE_GO_LABEL, an__recode_string(rec, AN_TEXT_USER, ev->u.label.label));
	case ETR_KIND_TASK_BEGIN:
		return EMIT(rec, ev, ETR_WIRE_USER_TASK_BEGIN, ev->u.task.id, parent,
			    an__recode_string(rec, AN_TEXT_USER, ev->u.task.type), own_stack(rec, ev));
	case ETR_KIND_TASK_END:
		return EMIT(rec, ev, ETR_WIRE_USER_TASK_END, ev->u.task.id, own_stack(rec, ev));
	case ETR_KIND_REGION_BEGIN:
	case ETR_KIND_REGION_END:
		return EMIT(rec, ev, ev->kind == ETR_KIND_REGION_BEGIN ? ETR_WIRE_USER_REGION_BEGIN : ETR_WIRE_USER_REGION_END,
			    ev->u.region.task, an__recode_string(rec, AN_TEXT_USER, ev->u.region.type), own_stack(rec, ev));
	default:
		return EMIT(rec, ev, ETR_WIRE_USER_LOG, ev->u.log.task, an__recode_string(rec, AN_TEXT_USER, ev->u.log.category),
			    an__recode_string(rec, AN_TEXT_USER, ev->u.log.message), own_stack(rec, ev));
	}
}

static int sample(struct an_recoder *rec, const struct etr_event *ev)
{
	uint64_t stack = own_stack(rec, ev);

	return an__recode_fail(rec, etr_writer_cpu_sample(rec->writer, (uint64_t)ev->time, (uint64_t)ev->m, (uint64_t)ev->p,
							  ev->g == -1 ? 0 : (uint64_t)ev->g, stack));
}

static int encode(struct an_recoder *rec, const struct etr_event *ev)
{
	int type;

	if (ev->m == AN_NO_THREAD && ev->kind != ETR_KIND_STACK_SAMPLE)
		rec->no_thread_used = true;
	switch (ev->kind) {
	case ETR_KIND_STATE_TRANSITION:
		return ev->resource == ETR_RESOURCE_GOROUTINE ? go_transition(rec, ev) : proc_transition(rec, ev);
	case ETR_KIND_RANGE_BEGIN:
		return range_begin(rec, ev);
	case ETR_KIND_RANGE_ACTIVE:
		return range_active(rec, ev);
	case ETR_KIND_RANGE_END:
		return range_end(rec, ev);
	case ETR_KIND_METRIC:
		return metric(rec, ev);
	case ETR_KIND_STACK_SAMPLE:
		return sample(rec, ev);
	case ETR_KIND_EXPERIMENTAL:
		type = ev->u.experimental.type;
		return an__emit(rec, ev->m, type, ev->time, ev->u.experimental.args, etr_wire_nargs(type) - 1);
	default:
		return user_event(rec, ev);
	}
}

/* Is it a transition of `resource` with nothing but the states to tell? */
static bool is_bare(const struct etr_event *ev, uint8_t resource, uint8_t from, uint8_t to)
{
	return ev->kind == ETR_KIND_STATE_TRANSITION && ev->resource == resource && ev->from == from && ev->to == to &&
	       ev->stack == 0 && ev->u.transition.stack == 0 && ev->u.transition.reason == 0;
}

/* May one wire event have told this and what follows? */
static bool begins_several(const struct an_recoder *rec, const struct etr_event *ev)
{
	const struct an_go *g;

	if (ev->g == -1 || ev->p == -1 || ev->m == AN_NO_THREAD)
		return false;
	if (is_bare(ev, ETR_RESOURCE_GOROUTINE, ETR_STATE_WAITING, ETR_STATE_RUNNABLE))
		return rec->version >= 23;
	if (!is_bare(ev, ETR_RESOURCE_PROC, ETR_STATE_RUNNING, ETR_STATE_IDLE) || ev->u.transition.id != ev->p)
		return false;
	g = an_world_g(rec->world, ev->g);
	return g && g->state == ETR_STATE_SYSCALL;
}

/* Is ev, in time, place and kind, the next part of what is held? */
static bool goes_on(const struct an_recoder *rec, const struct etr_event *ev)
{
	const struct etr_event *first = &rec->held[0];
	bool second = rec->nheld == 1;

	if (ev->time != first->time + rec->nheld || ev->m != first->m || ev->p != first->p ||
	    ev->g != (second ? first->g : -1))
		return false;
	if (first->resource == ETR_RESOURCE_PROC)
		return is_bare(ev, ETR_RESOURCE_GOROUTINE, ETR_STATE_SYSCALL, ETR_STATE_NOT_EXIST);
	if (second)
		return ev->u.transition.id == first->g &&
		       (is_bare(ev, ETR_RESOURCE_GOROUTINE, ETR_STATE_RUNNING, ETR_STATE_WAITING) ||
			is_bare(ev, ETR_RESOURCE_GOROUTINE, ETR_STATE_RUNNING, ETR_STATE_NOT_EXIST));
	return ev->u.transition.id == first->u.transition.id &&
	       is_bare(ev, ETR_RESOURCE_GOROUTINE, ETR_STATE_RUNNABLE, ETR_STATE_RUNNING);
}

/* Writes what is held as events of its own.  The world has taken it, but these forms need only what it did not change. */
static int let_go(struct an_recoder *rec)
{
	unsigned n = rec->nheld;
	int rc = 0;

	rec->nheld = 0;
	if (n && rec->held[0].resource == ETR_RESOURCE_PROC)
		return EMIT0(rec, &rec->held[0], ETR_WIRE_PROC_STOP);
	for (unsigned i = 0; rc == 0 && i < n; i++)
		rc = encode(rec, &rec->held[i]);
	return rc;
}

/* The held events and this one as one: 1 done or held, 0 it is not of them. */
static int join(struct an_recoder *rec, const struct etr_event *ev)
{
	const struct etr_event *first = &rec->held[0];
	struct an_go *g;
	int type, rc;

	if (!goes_on(rec, ev)) {
		rc = let_go(rec);
		return rc < 0 ? rc : 0;
	}
	if (first->resource == ETR_RESOURCE_PROC) {
		struct an_proc *p = an_world_p(rec->world, first->u.transition.id);

		rec->nheld = 0;
		if (p)
			p->abandoned = true;
		rc = EMIT0(rec, first, ETR_WIRE_GO_DESTROY_SYSCALL);
		rec->last_time = ev->time;
		return rc < 0 ? rc : 1;
	}
	if (rec->nheld == 1) {
		rec->held[rec->nheld++] = *ev;
		return 1;
	}
	rec->nheld = 0;
	g = an_world_g(rec->world, first->u.transition.id);
	if (!g)
		return 0;
	type = rec->held[1].to == ETR_STATE_WAITING ? ETR_WIRE_GO_SWITCH : ETR_WIRE_GO_SWITCH_DESTROY;
	rc = EMIT(rec, first, type, (uint64_t)g->id, an__next(rec, &g->count));
	rec->last_time = ev->time;
	return rc < 0 ? rc : 1;
}

static int sync(struct an_recoder *rec, const struct etr_event *ev)
{
	int rc = an__generation_end(rec);

	rec->first_generation = false;
	if (rc == 0)
		rc = an__generation_begin(rec, ev->time);
	if (rc == 0)
		rc = an__carry_notes(rec, true);
	return rc < 0 ? rc : an__carry_experimental(rec);
}

int an_recoder_event(struct an_recoder *rec, const struct etr_event *event)
{
	struct etr_event moved;
	int rc;

	if (rec->failed)
		return rec->failed;
	/* Only where the trace's clock is too near its zero for what stands before the window. */
	if (__builtin_expect(event->time <= rec->last_time, 0)) {
		moved = *event;
		moved.time = rec->last_time + 1;
		event = &moved;
	}
	if (rec->nheld) {
		rc = join(rec, event);
		if (rc)
			return rc < 0 ? rc : (rec->events++, 0);
	}
	if (event->kind == ETR_KIND_SYNC)
		return sync(rec, event);
	rec->events++;
	if (begins_several(rec, event)) {
		rec->held[rec->nheld++] = *event;
		return 0;
	}
	rc = encode(rec, event);
	rec->last_time = event->time;
	return rc;
}

int an_recoder_end_window(struct an_recoder *rec)
{
	if (!rec->failed)
		let_go(rec);
	/* The threads are the next slice's from now on. */
	an__emit_all_held(rec);
	rec->ended = true;
	return rec->failed;
}
