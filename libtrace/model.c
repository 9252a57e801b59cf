/* SPDX-License-Identifier: BSD-3-Clause
 *
 * model.c - the scheduler as the events tell of it.
 *
 * The model owns everything that it points to.  Threads and processors are few and stay.
 */
#include "libtrace/model.h"

#include <stdlib.h>
#include <string.h>

#include "libtrace/granges.h"
#include "libtrace/growth.h"

void etr__model_init(struct etr__model *model)
{
	memset(model, 0, sizeof(*model));
	etr__gtable_init(&model->gs);
	etr__hash_init(&model->tasks);
	etr__hash_init(&model->names);
	etr__idmap_init(&model->p_ids);
	etr__idmap_init(&model->m_ids);
	model->no_thread = (struct etr__m){ .id = -1, .gid = -1, .pid = -1 };
}

void etr__model_free(struct etr__model *model)
{
	for (size_t i = 0; model->tasks.n && i <= model->tasks.mask; i++)
		free((void *)(uintptr_t)model->tasks.slots[i].val);
	for (struct etr__task *t = model->free_tasks, *next; t; t = next) {
		next = t->next_free;
		free(t);
	}
	for (size_t i = 0; model->names.n && i <= model->names.mask; i++)
		for (struct etr__name *n = (struct etr__name *)(uintptr_t)model->names.slots[i].val, *next; n; n = next) {
			next = n->next;
			free(n);
		}
	for (size_t i = 0; i < model->nps; i++)
		free(model->ps[i]);
	for (size_t i = 0; i < model->nms; i++)
		free(model->ms[i]);
	free(model->ps);
	free(model->ms);
	etr__gtable_free(&model->gs);
	etr__hash_free(&model->tasks);
	etr__hash_free(&model->names);
	etr__idmap_free(&model->p_ids);
	etr__idmap_free(&model->m_ids);
}

struct etr__g *etr__model_add_g(struct etr__model *model, int64_t id, uint8_t status)
{
	/* A thread may still be bound to one that was forgotten; it means the new one from now on. */
	struct etr__g *g = etr__gtable_find(&model->gs, id);

	if (g == &etr__no_g) {
		g = etr__gtable_add(&model->gs, id);
		if (!g)
			return NULL;
	}
	g->status = status;
	etr__gtable_number(&model->gs, g);
	return g;
}

void etr__model_forget_g(struct etr__model *model, struct etr__g *g)
{
	for (size_t i = 0; i < g->nregions; i++)
		etr__name_put(model, g->regions[i].name);
	g->nregions = 0;
	etr__ranges_clear(g);
	g->status = ETR__G_FORGOTTEN;
	if (g->bound == 0)
		etr__gtable_remove(&model->gs, g);
}

struct etr__p *etr__model_add_p(struct etr__model *model, int64_t id, uint8_t status, uint64_t gen)
{
	struct etr__p *p;

	if (model->nps >= UINT32_MAX - 1 || etr__grow(&model->ps, &model->capps, model->nps + 1) != 0)
		return NULL;
	p = calloc(1, sizeof(*p));
	if (!p || etr__idmap_put(&model->p_ids, (uint64_t)id, (uint32_t)model->nps + 1) != 0) {
		free(p);
		return NULL;
	}
	p->id = id;
	p->status = p->told = status;
	p->seq = (struct etr__seq){ 1, gen };
	model->ps[model->nps++] = p;
	if (id != -1)
		return p;
	model->none = p;
	for (size_t i = 0; i < model->nms; i++)
		if (model->ms[i]->known && !model->ms[i]->p)
			etr__holders_add(p, model->ms[i]);
	return p;
}

/*
 * The holders of a P are a pairing heap, ordered by index: nearly always one thread, but a hostile trace may bind any number to a P.
 * `prev` is the one before it among its parent's children, of the first the parent.
 */
static struct etr__m *merge(struct etr__m *a, struct etr__m *b)
{
	if (!a || !b)
		return a ? a : b;
	if (b->index < a->index) {
		struct etr__m *swap = a;

		a = b;
		b = swap;
	}
	b->prev = a;
	b->next = a->child;
	if (b->next)
		b->next->prev = b;
	a->child = b;
	return a;
}

/* One heap of several, which are siblings. */
static struct etr__m *merge_all(struct etr__m *first)
{
	struct etr__m *pairs = NULL, *root = NULL;

	while (first) {
		struct etr__m *a = first, *b = a->next;

		first = b ? b->next : NULL;
		a->next = a->prev = NULL;
		if (b)
			b->next = b->prev = NULL;
		a = merge(a, b);
		a->next = pairs;
		pairs = a;
	}
	while (pairs) {
		struct etr__m *a = pairs;

		pairs = a->next;
		a->next = NULL;
		root = merge(root, a);
	}
	return root;
}

void etr__holders_add(struct etr__p *p, struct etr__m *m)
{
	m->child = m->next = m->prev = NULL;
	p->holder = merge(p->holder, m);
}

void etr__holders_remove(struct etr__p *p, struct etr__m *m)
{
	struct etr__m *below = merge_all(m->child);

	if (p->holder == m) {
		p->holder = below;
		return;
	}
	if (m->prev->child == m)
		m->prev->child = m->next;
	else
		m->prev->next = m->next;
	if (m->next)
		m->next->prev = m->prev;
	p->holder = merge(p->holder, below);
}

struct etr__m *etr__model_get_m(struct etr__model *model, int64_t id)
{
	struct etr__m *m;

	if (id == -1)
		return &model->no_thread;
	m = etr__model_m(model, id);
	if (m)
		return m;
	if (model->nms >= UINT32_MAX - 1 || etr__grow(&model->ms, &model->capms, model->nms + 1) != 0)
		return NULL;
	m = calloc(1, sizeof(*m));
	if (!m || etr__idmap_put(&model->m_ids, (uint64_t)id, (uint32_t)model->nms + 1) != 0) {
		free(m);
		return NULL;
	}
	m->id = id;
	m->index = (uint32_t)model->nms;
	m->gid = m->pid = model->inherits ? ETR__INHERITED + (int64_t)model->nms : -1;
	model->ms[model->nms++] = m;
	return m;
}

static uint64_t hash_text(const char *text, size_t len)
{
	uint64_t h = len;

	for (; len >= 8; text += 8, len -= 8) {
		uint64_t v;

		memcpy(&v, text, 8);
		h = etr__hash_mix(h ^ v) + v;
	}
	for (; len; text++, len--)
		h = h * 257 + (uint8_t)*text;
	return etr__hash_mix(h);
}

struct etr__name *etr__name_of_string(struct etr__model *model, struct etr__string *s)
{
	uint64_t hash;
	struct etr__name *first, *n;

	if (s->name) {
		s->name->refs++;
		return s->name;
	}
	hash = hash_text(s->text, s->len);
	first = (struct etr__name *)(uintptr_t)etr__hash_get(&model->names, hash);
	for (n = first; n; n = n->next)
		if (n->len == s->len && memcmp(n->text, s->text, s->len) == 0)
			break;
	if (!n) {
		n = malloc(sizeof(*n) + s->len);
		if (!n)
			return NULL;
		*n = (struct etr__name){ .hash = hash, .len = s->len };
		memcpy(n->text, s->text, s->len);
		if (first) {
			n->next = first->next;
			first->next = n;
		} else if (etr__hash_put(&model->names, hash, (uint64_t)(uintptr_t)n) != 0) {
			free(n);
			return NULL;
		}
	}
	/* One for the caller, one for the string. */
	n->refs += 2;
	s->name = n;
	return n;
}

void etr__name_put(struct etr__model *model, struct etr__name *name)
{
	struct etr__name *first;

	if (--name->refs)
		return;
	first = (struct etr__name *)(uintptr_t)etr__hash_get(&model->names, name->hash);
	if (first == name) {
		etr__hash_del(&model->names, name->hash);
		/* Cannot fail: a place has just become free. */
		if (name->next)
			etr__hash_put(&model->names, name->hash, (uint64_t)(uintptr_t)name->next);
	} else {
		while (first->next != name)
			first = first->next;
		first->next = name->next;
	}
	free(name);
}

struct etr__task *etr__model_task(const struct etr__model *model, uint64_t id)
{
	return (struct etr__task *)(uintptr_t)etr__hash_get(&model->tasks, id);
}

int etr__model_add_task(struct etr__model *model, uint64_t id, uint64_t parent, struct etr__name *name)
{
	struct etr__task *t = model->free_tasks;

	if (t)
		model->free_tasks = t->next_free;
	else
		t = malloc(sizeof(*t));
	if (!t)
		return -1;
	t->parent = parent;
	t->name = name;
	if (etr__hash_put(&model->tasks, id, (uint64_t)(uintptr_t)t) != 0) {
		free(t);
		return -1;
	}
	return 0;
}

void etr__model_forget_task(struct etr__model *model, uint64_t id, struct etr__task *task)
{
	etr__hash_del(&model->tasks, id);
	etr__name_put(model, task->name);
	task->next_free = model->free_tasks;
	model->free_tasks = task;
}
