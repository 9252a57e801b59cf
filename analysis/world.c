/* SPDX-License-Identifier: BSD-3-Clause
 *
 * world.c - follows delivered events.
 *
 * What exists is kept in structs that do not move, found by id through maps with a small cache in front: most events speak of
 * goroutines and threads that were spoken of just now.  Goroutines that end are given up, so memory holds those that live at one
 * time; threads and processors are few and stay.
 */
#include "config.h"

#include "analysis/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/grow.h"

static const char stw_prefix[] = "stop-the-world (";

bool an_is_stw(const char **name, size_t *len)
{
	const size_t prefix = sizeof(stw_prefix) - 1;

	if (*len < prefix + 1 || memcmp(*name, stw_prefix, prefix) != 0)
		return false;
	*name += prefix;
	*len -= prefix + 1;
	return true;
}

int an_world_init(struct an_world *world, struct an_source *source)
{
	memset(world, 0, sizeof(*world));
	world->source = source;
	an_map_init(&world->gs, 1, sizeof(void *));
	an_map_init(&world->ps, 1, sizeof(void *));
	an_map_init(&world->ms, 1, sizeof(void *));
	an_map_init(&world->tasks, 1, sizeof(struct an_open_task));
	world->last_p = &world->first_p;
	world->last_m = &world->first_m;
	an_map_init(&world->met, 1, 0);
	world->assist_name = an_names_add_text(&source->names, "GC mark assist", 14);
	for (int s = 0; s < ETR_STATE_COUNT_; s++) {
		char text[32];
		int len = snprintf(text, sizeof(text), "(from %s)", etr_state_name(s));

		world->from_state[s] = an_names_add_text(&source->names, text, (size_t)len);
	}
	return source->names.oom ? -ETR_E_NOMEM : 0;
}

static void free_g(struct an_go *g)
{
	free(g->ranges);
	free(g->regions);
	free(g);
}

void an_world_free(struct an_world *world)
{
	for (struct an_go *g = world->first_g, *next; g; g = next) {
		next = g->next;
		free_g(g);
	}
	for (struct an_go *g = world->free_gs, *next; g; g = next) {
		next = g->next;
		free_g(g);
	}
	for (struct an_proc *p = world->first_p, *next; p; p = next) {
		next = p->next;
		free(p);
	}
	for (struct an_m *m = world->first_m, *next; m; m = next) {
		next = m->next;
		free(m);
	}
	an_map_free(&world->gs);
	an_map_free(&world->ps);
	an_map_free(&world->ms);
	an_map_free(&world->tasks);
	an_map_free(&world->met);
}

static void *look_up(const struct an_map *map, int64_t id)
{
	void **slot = an_map_find(map, &(uint64_t){ (uint64_t)id });

	return slot ? *slot : NULL;
}

static struct an_go *find_g_slow(struct an_world *world, int64_t id)
{
	struct an_go *g = look_up(&world->gs, id);

	if (g)
		world->g_cache[(uint64_t)id % AN_WORLD_CACHE] = g;
	return g;
}

static inline struct an_go *find_g(struct an_world *world, int64_t id)
{
	struct an_go *g = world->g_cache[(uint64_t)id % AN_WORLD_CACHE];

	return __builtin_expect(g && g->id == id, 1) ? g : find_g_slow(world, id);
}

struct an_go *an_world_g(struct an_world *world, int64_t id)
{
	return find_g(world, id);
}

struct an_proc *an_world_p(struct an_world *world, int64_t id)
{
	return look_up(&world->ps, id);
}

static struct an_m *find_m_slow(struct an_world *world, int64_t id)
{
	struct an_m *m = look_up(&world->ms, id);

	if (m)
		world->m_cache[(uint64_t)id % AN_WORLD_M_CACHE] = m;
	return m;
}

static inline struct an_m *find_m(struct an_world *world, int64_t id)
{
	struct an_m *m = world->m_cache[(uint64_t)id % AN_WORLD_M_CACHE];

	return __builtin_expect(m && m->id == id, 1) ? m : find_m_slow(world, id);
}

struct an_m *an_world_m(struct an_world *world, int64_t id)
{
	return find_m(world, id);
}

/* A zeroed struct under an id that is not in the map; NULL when out of memory. */
static void *put_new(struct an_world *world, struct an_map *map, int64_t id, size_t size)
{
	void **slot = an_map_add(map, &(uint64_t){ (uint64_t)id }, NULL);

	if (slot)
		*slot = calloc(1, size);
	if (!slot || !*slot)
		world->oom = true;
	return slot ? *slot : NULL;
}

static struct an_m *new_m(struct an_world *world, int64_t id)
{
	struct an_m *m;

	m = put_new(world, &world->ms, id, sizeof(*m));
	if (!m)
		return NULL;
	m->id = id;
	*world->last_m = m;
	world->last_m = &m->next;
	return m;
}

static inline struct an_m *get_m(struct an_world *world, int64_t id)
{
	struct an_m *m = find_m(world, id);

	return __builtin_expect(m != NULL, 1) ? m : new_m(world, id);
}

struct an_m *an_world_get_m(struct an_world *world, int64_t id)
{
	return get_m(world, id);
}

struct an_proc *an_world_get_p(struct an_world *world, int64_t id)
{
	struct an_proc *p = an_world_p(world, id);

	if (p)
		return p;
	p = put_new(world, &world->ps, id, sizeof(*p));
	if (!p)
		return NULL;
	p->id = id;
	*world->last_p = p;
	world->last_p = &p->next;
	return p;
}

static struct an_go *new_g(struct an_world *world, int64_t id)
{
	void **slot = an_map_add(&world->gs, &(uint64_t){ (uint64_t)id }, NULL);
	struct an_go *g = world->free_gs;

	if (g)
		world->free_gs = g->next;
	else
		g = calloc(1, sizeof(*g));
	if (!slot || !g) {
		free(g);
		world->oom = true;
		return NULL;
	}
	*slot = g;
	*g = (struct an_go){ .id = id, .state = ETR_STATE_NOT_EXIST, .ranges = g->ranges, .ranges_cap = g->ranges_cap,
			     .regions = g->regions, .regions_cap = g->regions_cap, .prev = world->last_g };
	*(world->last_g ? &world->last_g->next : &world->first_g) = g;
	world->last_g = g;
	return g;
}

static void forget_g(struct an_world *world, struct an_go *g)
{
	struct an_go **cached = &world->g_cache[(uint64_t)g->id % AN_WORLD_CACHE];

	an_map_remove(&world->gs, &(uint64_t){ (uint64_t)g->id });
	if (*cached == g)
		*cached = NULL;
	*(g->prev ? &g->prev->next : &world->first_g) = g->next;
	*(g->next ? &g->next->prev : &world->last_g) = g->prev;
	g->next = world->free_gs;
	world->free_gs = g;
}

static inline void leave_m(struct an_go *g)
{
	if (g->m && g->m->g == g)
		g->m->g = NULL;
	g->m = NULL;
}

static void enter_m(struct an_go *g, struct an_m *m)
{
	leave_m(g);
	if (m->id == -1)
		return;
	if (m->g)
		m->g->m = NULL;
	m->g = g;
	g->m = m;
}

/* A goroutine's first function is the root of the first stack that is known of it. */
static void learn_function(struct an_world *world, struct an_go *g, an_stack_id stack)
{
	size_t n;
	const struct an_frame *frames = an_stack(&world->source->names, stack, &n);

	if (n)
		g->function = frames[n - 1].func;
}

static int push_region(struct an_go *g, const struct an_open_region *region)
{
	struct an_open_region *list = an_grow(g->regions, &g->regions_cap, g->nregions + 1, sizeof(*list));

	if (!list)
		return -ETR_E_NOMEM;
	g->regions = list;
	list[g->nregions++] = *region;
	return 0;
}

/* A goroutine appears that existed before the trace: a slice may know more of it. */
static int recall(struct an_world *world, struct an_go *g)
{
	const struct an_past *past = &world->source->past;
	const struct an_past_g *known = past->is_slice ? an_past_g(past, g->id) : NULL;

	/* Behind the first generation that is read from the trace's beginning nobody knows. */
	g->since = world->source->syncs == 1 ? an_source_begin(world->source) : INT64_MIN;
	if (!known)
		return 0;
	g->since = known->since;
	g->reason = known->reason;
	g->function = known->function;
	if (known->p != -1)
		g->p = known->p;
	g->event_stack = known->stack;
	g->has_lock = an_notes_lock(&world->source->notes, known->reader_stack, &g->lock);
	g->has_run = known->has_run;
	if (!an_map_add(&world->met, &(uint64_t){ (uint64_t)g->id }, NULL))
		return -ETR_E_NOMEM;
	for (const struct an_past_region *region = NULL; (region = an_past_region(past, g->id, region));) {
		struct an_open_region open = { .task = region->task, .type = region->type, .begin = region->begin };

		if (push_region(g, &open) < 0)
			return -ETR_E_NOMEM;
	}
	return 0;
}

/* A goroutine enters ev->to, Running or Syscall, on a thread: which that is, and its processor's part in a syscall. */
static void place_on_m(struct an_go *g, const struct etr_event *ev, struct an_m *m)
{
	struct an_proc *p;

	if (g->m != m)
		enter_m(g, m);
	p = g->m ? g->m->p : NULL;
	/*
	 * A thread in a syscall that lost its processor may start another one before it is out; that one runs.  So does the one that a
	 * thread has when a goroutine comes into being on it in a syscall: GoCreateSyscall says nothing of it.
	 */
	if (p && ev->from != ev->to && ev->from != ETR_STATE_NOT_EXIST) {
		p->in_syscall = ev->to == ETR_STATE_SYSCALL;
		p->unsure = p->in_syscall && ev->from == ETR_STATE_UNDETERMINED;
	}
}

/* Most events are of this kind. */
static inline int g_transition(struct an_world *world, const struct etr_event *ev)
{
	struct an_names *names = &world->source->names;
	struct an_go *g = find_g(world, ev->u.transition.id);
	an_stack_id stack = an_names_stack(names, ev->u.transition.stack);

	if (__builtin_expect(!g, 0) && !(g = new_g(world, ev->u.transition.id)))
		return -ETR_E_NOMEM;
	if (__builtin_expect(!g->function, 0) && stack)
		learn_function(world, g, stack);
	if (ev->to == ETR_STATE_RUNNING || ev->to == ETR_STATE_SYSCALL) {
		struct an_m *m = get_m(world, ev->m);

		if (!m)
			return -ETR_E_NOMEM;
		place_on_m(g, ev, m);
		if (ev->to != ev->from)
			g->p = ev->p;
	} else {
		leave_m(g);
	}
	if (__builtin_expect(ev->to == ETR_STATE_NOT_EXIST, 0)) {
		forget_g(world, g);
		return 0;
	}
	if (__builtin_expect(ev->from == ev->to, 0) && g->state == ev->to) {
		if (stack)
			g->stack = stack;
		return 0;
	}
	g->state = ev->to;
	g->stack = stack;
	g->event_stack = an_names_stack(names, ev->stack);
	g->has_lock = an_notes_lock(&world->source->notes, ev->stack, &g->lock);
	g->has_run |= ev->to == ETR_STATE_RUNNING;
	g->reason = ev->u.transition.reason ? an_names_text(names, ev->u.transition.reason) : world->from_state[ev->from];
	g->since = ev->time;
	return __builtin_expect(ev->from == ETR_STATE_UNDETERMINED, 0) ? recall(world, g) : 0;
}

static int p_transition(struct an_world *world, const struct etr_event *ev)
{
	struct an_proc *p = an_world_get_p(world, ev->u.transition.id);
	struct an_m *m = an_world_get_m(world, ev->m);

	if (!p || !m)
		return -ETR_E_NOMEM;
	if (ev->from != ev->to)
		p->since = ev->from == ETR_STATE_UNDETERMINED ? an_source_begin(world->source) : ev->time;
	p->state = ev->to;
	if (ev->to != ETR_STATE_RUNNING) {
		if (p->m && p->m->p == p)
			p->m->p = NULL;
		p->m = NULL;
		p->in_syscall = false;
		return 0;
	}
	if (ev->from == ETR_STATE_IDLE)
		p->in_syscall = p->abandoned = p->unsure = false;
	else if (ev->from != ev->to)
		p->in_syscall = p->unsure = m->g && m->g->state == ETR_STATE_SYSCALL;
	if (m->id == -1)
		return 0;
	if (p->m && p->m != m && p->m->p == p)
		p->m->p = NULL;
	if (m->p && m->p != p)
		m->p->m = NULL;
	p->m = m;
	m->p = p;
	return 0;
}

/* The ranges of a goroutine: mark assists, and stops of the world, which have no Active form. */
static int g_range(struct an_world *world, const struct etr_event *ev, const struct an_open_range *range)
{
	struct an_go *g = an_world_g(world, ev->u.range.id);
	struct an_open_range *list;
	size_t i = 0;

	if (!g)
		return 0;
	while (i < g->nranges && g->ranges[i].name != range->name)
		i++;
	if (ev->kind == ETR_KIND_RANGE_END) {
		if (i < g->nranges)
			memmove(&g->ranges[i], &g->ranges[i + 1], (--g->nranges - i) * sizeof(*g->ranges));
		return 0;
	}
	if (i < g->nranges) {
		g->ranges[i].told = range->told;
		return 0;
	}
	list = an_grow(g->ranges, &g->ranges_cap, g->nranges + 1, sizeof(*list));
	if (!list)
		return -ETR_E_NOMEM;
	g->ranges = list;
	list[g->nranges++] = *range;
	return 0;
}

/* Ranges of which there is at most one. */
static void single_range(bool *is_open, struct an_open_range *open, uint8_t kind, const struct an_open_range *range)
{
	if (kind == ETR_KIND_RANGE_END)
		*is_open = false;
	else if (*is_open)
		open->told = range->told;
	else {
		*is_open = true;
		*open = *range;
	}
}

static int range(struct an_world *world, const struct etr_event *ev)
{
	struct an_names *names = &world->source->names;
	struct an_open_range range = { .name = an_names_text(names, ev->u.range.name), .stack = an_names_stack(names, ev->stack),
				       .begin = ev->kind == ETR_KIND_RANGE_BEGIN ? ev->time : INT64_MIN,
				       .told = world->source->syncs };
	const struct an_past *past = &world->source->past;
	struct an_proc *p;

	if (past->is_slice && (ev->kind == ETR_KIND_RANGE_ACTIVE || ev->time < past->from))
		an_past_range_begin(past, ev->resource, ev->u.range.id, range.name, &range.begin);
	switch (ev->resource) {
	case ETR_RESOURCE_GOROUTINE:
		return g_range(world, ev, &range);
	case ETR_RESOURCE_PROC:
		p = an_world_p(world, ev->u.range.id);
		if (p)
			single_range(&p->sweeping, &p->sweep, ev->kind, &range);
		return 0;
	default:
		single_range(&world->marking, &world->mark, ev->kind, &range);
		return 0;
	}
}

static int task(struct an_world *world, const struct etr_event *ev)
{
	struct an_open_task *open;

	if (ev->kind == ETR_KIND_TASK_END) {
		an_map_remove(&world->tasks, &ev->u.task.id);
		return 0;
	}
	open = an_map_add(&world->tasks, &ev->u.task.id, NULL);
	if (!open)
		return -ETR_E_NOMEM;
	*open = (struct an_open_task){ .parent = ev->u.task.parent, .begin = ev->time,
				       .type = an_names_text(&world->source->names, ev->u.task.type) };
	return 0;
}

static int region(struct an_world *world, const struct etr_event *ev)
{
	struct an_go *g = an_world_g(world, ev->g);
	struct an_open_region open = { .task = ev->u.region.task, .begin = ev->time };

	if (!g)
		return 0;
	if (ev->kind == ETR_KIND_REGION_END) {
		if (g->nregions)
			g->nregions--;
		return 0;
	}
	open.type = an_names_text(&world->source->names, ev->u.region.type);
	return push_region(g, &open);
}

/* Tasks that a slice knows to be running. */
static int recall_tasks(struct an_world *world)
{
	const uint64_t *id;
	void *value;

	for (size_t pos = 0; an_map_each(&world->source->past.tasks, &pos, &id, &value);) {
		const struct an_past_task *task = value;
		struct an_open_task *open = an_map_add(&world->tasks, id, NULL);

		if (!open)
			return -ETR_E_NOMEM;
		*open = (struct an_open_task){ .parent = task->parent, .type = task->type, .begin = task->begin };
	}
	return 0;
}

static int other_event(struct an_world *world, const struct etr_event *ev)
{
	switch (ev->kind) {
	case ETR_KIND_SYNC:
		return ev->u.sync.n == 1 ? recall_tasks(world) : 0;
	case ETR_KIND_STATE_TRANSITION:
		return p_transition(world, ev);
	case ETR_KIND_RANGE_BEGIN:
	case ETR_KIND_RANGE_ACTIVE:
	case ETR_KIND_RANGE_END:
		return range(world, ev);
	case ETR_KIND_TASK_BEGIN:
	case ETR_KIND_TASK_END:
		return task(world, ev);
	case ETR_KIND_REGION_BEGIN:
	case ETR_KIND_REGION_END:
		return region(world, ev);
	}
	return 0;
}

int an_world_events(struct an_world *world, const struct etr_event *events, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		const struct etr_event *ev = &events[i];

		if (__builtin_expect(ev->kind == ETR_KIND_STATE_TRANSITION && ev->resource == ETR_RESOURCE_GOROUTINE, 1))
			rc = g_transition(world, ev);
		else
			rc = other_event(world, ev);
	}
	return rc < 0 || world->oom ? -ETR_E_NOMEM : 0;
}
