/* SPDX-License-Identifier: BSD-3-Clause
 *
 * staged.c - which threads have events staged, and whether that serves its purpose.
 *
 * The stages belong to the order and are made when first wanted.  A stage and its cursor point at each other, or the stage is nobody's.
 */
#include "libtrace/staged.h"

#include <stdlib.h>

/*
 * After so many stages of the same two threads they are left to the loop, which is faster for two; and all are after so many stages, more than
 * others, of which less than FEW events were delivered, since staging them was in vain: they cannot be carried out, or there are so many
 * threads that their stages change hands.  Then it takes longer until they are taken for a crowd again.
 */
#define PAIR 8
#define VAIN 16
#define FEW 4
#define RELUCTANT (-1000)

const struct etr__staged etr__nothing_staged = { .g = &etr__no_g, .id = ETR__NOT_STAGED };

static void release(struct etr__stage *s)
{
	s->c->stage = NULL;
	s->c->staged = &etr__nothing_staged;
	s->c = NULL;
}

static void put_back(struct etr__order *o, struct etr__cursor *c)
{
	const struct etr__staged *r = c->staged;

	if (r == &etr__nothing_staged)
		return;
	etr__cursor_put(c, r->at, r->time);
	c->m->gid = r->g_id;
	c->m->g = r->g_id < 0 ? NULL : etr__gtable_find(&o->model.gs, r->g_id);
}

void etr__staged_used_up(struct etr__order *o, struct etr__cursor *c)
{
	struct etr__stages *all = o->stages;
	bool few = c->staged == &etr__nothing_staged || c->staged - c->stage->r < FEW;

	all->vain += few ? 1 : -(all->vain > 0);
	put_back(o, c);
}

void etr__staged_drop(struct etr__order *o, struct etr__cursor *c)
{
	if (!c->stage)
		return;
	etr__staged_used_up(o, c);
	release(c->stage);
}

void etr__staged_sync(struct etr__order *o)
{
	struct etr__stages *all = o->stages;

	if (!all || all->synced)
		return;
	for (int i = 0; i < ETR__STAGES; i++)
		if (all->stage[i].c)
			put_back(o, all->stage[i].c);
	all->synced = true;
}

void etr__staged_forget(struct etr__order *o)
{
	struct etr__stages *all = o->stages;

	if (!all)
		return;
	for (int i = 0; i < ETR__STAGES; i++)
		all->stage[i].c = NULL;
	all->last[0] = all->last[1] = NULL;
	all->synced = true;
}

void etr__staged_free(struct etr__order *o)
{
	free(o->stages);
	o->stages = NULL;
}

/* Whether what is staged goes on where the cursor is, and the thread is as it was then. */
static bool holds(const struct etr__stage *s, bool packed)
{
	struct etr__cursor *c = s->c;
	const struct etr__m *m = c->m;

	if (c->staged == &etr__nothing_staged || c->batch != s->batch || !m->p || (packed && m->log_p != m->p))
		return false;
	while (c->staged != s->end && c->staged->at != c->at)
		c->staged++;
	return c->staged != s->end && c->staged->g_id == m->gid && (m->g ? m->g->id : -1) == m->gid;
}

bool etr__staged_begin(struct etr__order *o, bool packed)
{
	struct etr__stages *all = o->stages;

	if (!all) {
		all = o->stages = calloc(1, sizeof(*all));
		if (!all)
			return false;
		all->synced = true;
	}
	if (!all->synced)
		return true;
	for (int i = 0; i < ETR__STAGES; i++)
		if (all->stage[i].c && !holds(&all->stage[i], packed))
			release(&all->stage[i]);
	all->synced = false;
	return true;
}

struct etr__stage *etr__staged_take(struct etr__order *o, struct etr__cursor *c)
{
	struct etr__stages *all = o->stages;
	struct etr__stage *s = NULL;

	for (int i = 0; i < ETR__STAGES && !s; i++)
		if (!all->stage[i].c)
			s = &all->stage[i];
	if (!s) {
		s = &all->stage[all->next++ % ETR__STAGES];
		etr__staged_drop(o, s->c);
	}
	s->c = c;
	c->stage = s;
	return s;
}

bool etr__staged_filled(struct etr__order *o, struct etr__cursor *c)
{
	struct etr__stages *all = o->stages;

	if (all->last[0] == c || all->last[1] == c) {
		all->pair++;
	} else {
		all->last[0] = all->last[1];
		all->last[1] = c;
		all->pair = 0;
	}
	if (all->pair < PAIR && all->vain < VAIN)
		return true;
	o->crowd = all->vain < VAIN ? 0 : RELUCTANT;
	all->pair = all->vain = 0;
	etr__staged_sync(o);
	for (int i = 0; i < ETR__STAGES; i++)
		if (all->stage[i].c)
			release(&all->stage[i]);
	return false;
}
