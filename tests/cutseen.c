/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cutseen.c - reads a trace as cutcheck compares it: a hash of all that each event tells, and the time in each state.
 */
#include "config.h"

#include "tests/cutseen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <exectrace/raw.h>

#include "analysis/source.h"
#include "analysis/world.h"

const char *trace_name;

void die(const char *what)
{
	fprintf(stderr, "cutcheck: %s: %s\n", trace_name, what);
	exit(1);
}

uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 32;
}

/* Hashes of the texts and stacks of a generation, by dense id; 0: not computed. */
static uint64_t *text_hash, *stack_hash;
static size_t ntexts, nstacks;

static void forget_hashes(void)
{
	if (ntexts)
		memset(text_hash, 0, ntexts * sizeof(*text_hash));
	if (nstacks)
		memset(stack_hash, 0, nstacks * sizeof(*stack_hash));
}

static uint64_t *slot(uint64_t **list, size_t *n, size_t id)
{
	if (id >= *n) {
		size_t more = (id + 1) * 2;

		*list = realloc(*list, more * sizeof(**list));
		if (!*list)
			die("out of memory");
		memset(*list + *n, 0, (more - *n) * sizeof(**list));
		*n = more;
	}
	return &(*list)[id];
}

static uint64_t hash_text(const struct etr_reader *r, etr_string_id id)
{
	uint64_t *h = slot(&text_hash, &ntexts, id);
	const char *text;
	size_t len;

	if (*h)
		return *h;
	text = etr_reader_string(r, id, &len);
	*h = len + 1;
	for (size_t i = 0; i < len; i++)
		*h = mix(*h, (unsigned char)text[i]);
	return *h;
}

/* What code stands where: pc -> a hash of its place in the source.  And whether there was other code there before. */
static struct an_map code;
static bool code_changed;

static uint64_t hash_frame(const struct etr_reader *r, const struct etr_frame *f)
{
	uint64_t h = mix(mix(f->line, hash_text(r, f->func)), hash_text(r, f->file)), *known;
	bool added;

	known = an_map_add(&code, &f->pc, &added);
	if (!known)
		die("out of memory");
	code_changed |= !added && *known != h;
	*known = h;
	return mix(h, f->pc);
}

/* Frames, and the lock or goroutine that our recorders mean by them. */
static uint64_t hash_stack(const struct an_source *source, etr_stack_id id)
{
	const struct etr_reader *r = source->reader;
	const struct an_map *meanings[] = { &source->notes.lock_by_stack, &source->notes.waker_by_stack };
	uint64_t *known = slot(&stack_hash, &nstacks, id), h;
	const struct etr_frame *f;
	size_t n;

	if (*known)
		return *known;
	f = etr_reader_stack(r, id, &n);
	h = n + 1;
	for (size_t i = 0; i < n; i++)
		h = mix(h, hash_frame(r, &f[i]));
	for (int i = 0; i < 2; i++) {
		const uint64_t *meant = an_map_find(meanings[i], &(uint64_t){ id });

		h = mix(h, meant ? *meant + 1 : 0);
	}
	return *slot(&stack_hash, &nstacks, id) = h;
}

static void see(struct seen *s, const struct an_source *source, const struct etr_event *ev)
{
	const struct etr_reader *r = source->reader;
	uint64_t h = mix(mix(mix(mix(ev->kind, ev->resource), (uint64_t)ev->g), (uint64_t)ev->m), hash_stack(source, ev->stack));
	const char *name;
	size_t len;

	*s = (struct seen){ .time = ev->time, .kind = ev->kind, .resource = ev->resource, .from = ev->from, .to = ev->to };
	s->lenient = h;
	h = mix(h, (uint64_t)ev->p);
	s->nameless = mix(mix(mix(ev->kind, ev->resource), (uint64_t)ev->g), mix((uint64_t)ev->m, (uint64_t)ev->p));
	switch (ev->kind) {
	case ETR_KIND_STATE_TRANSITION:
		s->lenient = mix(s->lenient, ev->to);
		s->lenient = mix(s->lenient, (uint64_t)ev->u.transition.id);
		h = mix(mix(mix(h, ev->from), ev->to), (uint64_t)ev->u.transition.id);
		s->nameless = mix(mix(mix(s->nameless, ev->from), ev->to), (uint64_t)ev->u.transition.id);
		h = mix(mix(h, hash_text(r, ev->u.transition.reason)), hash_stack(source, ev->u.transition.stack));
		break;
	case ETR_KIND_METRIC:
		s->nameless = mix(s->nameless, ev->u.metric.value);
		h = mix(mix(h, hash_text(r, ev->u.metric.name)), ev->u.metric.value);
		break;
	case ETR_KIND_LABEL:
		h = mix(mix(h, hash_text(r, ev->u.label.label)), (uint64_t)ev->u.label.id);
		break;
	case ETR_KIND_RANGE_BEGIN:
	case ETR_KIND_RANGE_ACTIVE:
	case ETR_KIND_RANGE_END:
		name = etr_reader_string(r, ev->u.range.name, &len);
		s->stw = an_is_stw(&name, &len);
		h = mix(mix(h, hash_text(r, ev->u.range.name)), (uint64_t)ev->u.range.id);
		h = mix(mix(mix(h, ev->u.range.nattrs), ev->u.range.swept), ev->u.range.reclaimed);
		break;
	case ETR_KIND_TASK_BEGIN:
	case ETR_KIND_TASK_END:
		s->lenient = mix(s->lenient, ev->u.task.id);
		h = mix(mix(mix(h, hash_text(r, ev->u.task.type)), ev->u.task.parent), ev->u.task.id);
		break;
	case ETR_KIND_REGION_BEGIN:
	case ETR_KIND_REGION_END:
		h = mix(mix(h, hash_text(r, ev->u.region.type)), ev->u.region.task);
		break;
	case ETR_KIND_LOG:
		h = mix(mix(mix(h, hash_text(r, ev->u.log.category)), hash_text(r, ev->u.log.message)), ev->u.log.task);
		break;
	case ETR_KIND_EXPERIMENTAL:
		h = mix(h, ev->u.experimental.type);
		for (unsigned i = 0; i + 1 < etr_wire_nargs(ev->u.experimental.type); i++)
			h = mix(h, ev->u.experimental.args[i]);
		break;
	}
	s->hash = h;
}

/* Where a goroutine or processor is, and since when. */
struct place {
	uint8_t state;
	int64_t since;
};

/* A goroutine that has stopped the world goes on and starts it; stops: those goroutines -> how often they have. */
static void look_for_odd_stop(struct seen_trace *t, struct an_map *stops, const struct etr_event *ev)
{
	const uint64_t id = (uint64_t)(ev->kind == ETR_KIND_STATE_TRANSITION ? ev->u.transition.id : ev->u.range.id);
	uint64_t *n = an_map_find(stops, &id);
	bool is_stop = t->list[t->n - 1].stw;

	if (ev->resource != ETR_RESOURCE_GOROUTINE)
		return;
	if (is_stop && ev->kind == ETR_KIND_RANGE_BEGIN) {
		n = an_map_add(stops, &id, NULL);
		if (!n)
			die("out of memory");
		++*n;
	} else if (is_stop && n && *n) {
		--*n;
	}
	t->odd |= n && (*n > 1 || (*n && ev->kind == ETR_KIND_STATE_TRANSITION && ev->to != ETR_STATE_RUNNING));
}

/* What is active is told so once in a generation, and not in that in which it began; told: resource and id -> the generation of either. */
static void look_for_odd_range(struct seen_trace *t, struct an_map *told, uint64_t generation, const struct etr_event *ev)
{
	const uint64_t key[] = { ev->resource, (uint64_t)ev->u.range.id };
	bool is_active = ev->kind == ETR_KIND_RANGE_ACTIVE;
	uint64_t *last;

	if (!is_active && ev->kind != ETR_KIND_RANGE_BEGIN)
		return;
	last = an_map_add(told, key, NULL);
	if (!last)
		die("out of memory");
	t->odd |= is_active && *last == generation;
	*last = generation;
}

/* What runs does so on one thread; threads: resource and id -> the thread on which it last ran. */
static void look_for_odd_thread(struct seen_trace *t, struct an_map *threads, const struct etr_event *ev)
{
	const uint64_t key[] = { ev->resource, (uint64_t)ev->u.transition.id };
	int64_t *m;
	bool added;

	if (ev->kind != ETR_KIND_STATE_TRANSITION || ev->to != ETR_STATE_RUNNING)
		return;
	m = an_map_add(threads, key, &added);
	if (!m)
		die("out of memory");
	t->odd |= ev->from == ETR_STATE_RUNNING && !added && *m != ev->m;
	*m = ev->m;
}

/* A goroutine in a system call, and its thread, do nothing and tell of nothing; states: goroutine -> the state it is in. */
static void look_for_odd_busy(struct seen_trace *t, struct an_map *states, const struct etr_event *ev)
{
	const bool is_goroutine = ev->resource == ETR_RESOURCE_GOROUTINE;
	const uint64_t id = (uint64_t)ev->u.transition.id, who = (uint64_t)ev->g;
	const int64_t *own = an_map_find(states, &who);
	int64_t *state;
	bool added;

	if (own && *own == ETR_STATE_SYSCALL) {
		t->odd |= is_goroutine && ev->kind == ETR_KIND_RANGE_BEGIN;
		t->odd |= is_goroutine && ev->kind == ETR_KIND_STATE_TRANSITION && ev->from == ETR_STATE_UNDETERMINED &&
			  ev->to == ETR_STATE_SYSCALL && who != id;
	}
	if (ev->kind != ETR_KIND_STATE_TRANSITION || !is_goroutine)
		return;
	state = an_map_add(states, &id, &added);
	if (!state)
		die("out of memory");
	*state = ev->to;
}

/* Looks for what no recorder writes; told: goroutines and processors -> the generation that told of them last. */
static void look_for_odd(struct seen_trace *t, struct an_map *told, uint64_t generation, const struct etr_event *ev)
{
	const bool is_status = ev->from == ETR_STATE_UNDETERMINED || ev->from == ev->to;
	const uint64_t id = (uint64_t)ev->u.transition.id;
	bool is_proc = ev->resource == ETR_RESOURCE_PROC, added;
	uint64_t *last;

	/* An idle processor may be stolen from a thread that ended with it. */
	if (ev->kind != ETR_KIND_STATE_TRANSITION || (is_proc && ev->from == ETR_STATE_IDLE && ev->to == ETR_STATE_IDLE))
		return;
	last = an_map_add(&told[is_proc], &id, &added);
	if (!last)
		die("out of memory");
	t->odd |= ev->u.transition.id == -1 || ev->to == ETR_STATE_UNDETERMINED || (is_status && !added && *last == generation);
	t->odd |= is_status && !is_proc && ev->to == ETR_STATE_RUNNING && ev->g != -1 && ev->g != ev->u.transition.id;
	t->odd |= is_proc && ev->to == ETR_STATE_RUNNING && ev->p != -1 && ev->p != ev->u.transition.id;
	t->odd |= ev->from == ETR_STATE_UNDETERMINED && generation > 1;
	*last = generation;
}

/* Adds up times in states, of a slice within its window. */
static void account(struct seen_trace *t, struct an_map *places, const struct an_source *source, const struct etr_event *ev)
{
	int which = ev->resource == ETR_RESOURCE_PROC;
	int64_t now = ev->time < source->past.from ? source->past.from : ev->time > source->past.to ? source->past.to : ev->time;
	uint64_t id = (uint64_t)ev->u.transition.id;
	struct place *at;
	bool added;

	if (ev->kind != ETR_KIND_STATE_TRANSITION)
		return;
	at = an_map_add(&places[which], &id, &added);
	if (!at)
		die("out of memory");
	if (added)
		*at = (struct place){ ev->from, ev->from == ETR_STATE_UNDETERMINED ? an_source_begin(source) : now };
	/* A processor that is new, in a slice's first generation. */
	if (added && which && source->past.complete && ev->time >= source->past.from)
		at->since = now;
	if (ev->from != ev->to) {
		t->ns[which][at->state] += now - at->since;
		*at = (struct place){ ev->to, now };
	}
	if (ev->to == ETR_STATE_NOT_EXIST)
		an_map_remove(&places[which], &id);
}

static void account_end(struct seen_trace *t, struct an_map *places, const struct an_source *source)
{
	const uint64_t *id;
	void *value;

	for (int which = 0; which < 2; which++) {
		for (size_t pos = 0; an_map_each(&places[which], &pos, &id, &value);) {
			const struct place *at = value;

			t->ns[which][at->state] += an_source_end(source) - at->since;
		}
		an_map_free(&places[which]);
	}
}

void see_trace(struct seen_trace *t, const void *p, size_t n, char *why, size_t size)
{
	struct etr_reader *r = etr_reader_new();
	struct an_map places[2], told[2], stops, ranges, threads, states;
	struct an_source source;
	struct etr_event ev;
	uint64_t number = 0;	/* of the generation with events before */
	bool is_first = false;

	t->n = 0;
	t->odd = code_changed = false;
	memset(t->ns, 0, sizeof(t->ns));
	an_map_init(&places[0], 1, sizeof(struct place));
	an_map_init(&places[1], 1, sizeof(struct place));
	an_map_init(&code, 1, sizeof(uint64_t));
	an_map_init(&stops, 1, sizeof(uint64_t));
	an_map_init(&ranges, 2, sizeof(uint64_t));
	an_map_init(&threads, 2, sizeof(int64_t));
	an_map_init(&states, 1, sizeof(int64_t));
	an_map_init(&told[0], 1, sizeof(uint64_t));
	an_map_init(&told[1], 1, sizeof(uint64_t));
	t->rc = etr_reader_open_memory(r, p, n);
	if (an_source_init(&source, r) < 0)
		die("out of memory");
	while (t->rc >= 0 && (t->rc = an_source_next(&source, &ev)) == 1) {
		if (ev.kind == ETR_KIND_SYNC) {
			forget_hashes();
			is_first = true;
			continue;
		}
		if (is_first) {
			t->odd |= number != 0 && etr_reader_generation(r) <= number;
			number = etr_reader_generation(r);
			is_first = false;
		}
		if (t->n == t->cap) {
			t->cap = t->cap ? t->cap * 2 : 1024;
			t->list = realloc(t->list, t->cap * sizeof(*t->list));
			if (!t->list)
				die("out of memory");
		}
		see(&t->list[t->n++], &source, &ev);
		account(t, places, &source, &ev);
		look_for_odd(t, told, source.syncs, &ev);
		look_for_odd_stop(t, &stops, &ev);
		look_for_odd_range(t, &ranges, source.syncs, &ev);
		look_for_odd_thread(t, &threads, &ev);
		look_for_odd_busy(t, &states, &ev);
	}
	account_end(t, places, &source);
	t->odd |= code_changed;
	an_map_free(&code);
	an_map_free(&stops);
	an_map_free(&ranges);
	an_map_free(&threads);
	an_map_free(&states);
	an_map_free(&told[0]);
	an_map_free(&told[1]);
	t->begun = source.syncs > 0;
	t->first_generation = source.first_generation;
	t->ngenerations = an_source_generations(&source);
	t->start = an_source_begin(&source);
	t->end = an_source_end(&source);
	snprintf(why, size, "%s", etr_reader_detail(r));
	an_source_free(&source);
	etr_reader_free(r);
}
