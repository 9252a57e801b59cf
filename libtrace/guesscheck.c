/* SPDX-License-Identifier: BSD-3-Clause
 *
 * guesscheck.c - compares what a guess took for granted with the true model, and makes its end the true model's.
 *
 * guess.c lists what that is.  Checking leaves nothing behind but marks that nobody else looks at; adopting can fail only for want
 * of memory, and the reader then has an error that stays.
 */
#include "libtrace/guess.h"

#include <string.h>

#include "libtrace/granges.h"
#include "libtrace/growth.h"

/* The true M of the same id as the guess's ms[i]; where there is none, one that has neither G nor P. */
static const struct etr__m *true_m(const struct etr__guess *guess, const struct etr__order *truth, size_t i)
{
	const struct etr__m *m = etr__model_m(&truth->model, guess->order.model.ms[i]->id);

	return m ? m : &truth->model.no_thread;
}

static bool gs_hold(const struct etr__guess *guess, const struct etr__generation *now, struct etr__order *truth)
{
	if (etr__model_g(&truth->model, -1))
		return false;
	for (size_t i = 0; i < guess->told.n; i++) {
		struct etr__g *g = etr__model_g(&truth->model, guess->told.items[i].g);

		if (!g || g->status != guess->told.items[i].status || g->told_in == now->load_no)
			return false;
		g->told_in = now->load_no;
	}
	for (size_t i = 0; i < guess->created.n; i++)
		if (etr__model_g(&truth->model, guess->created.items[i]))
			return false;
	return true;
}

static bool ps_hold(const struct etr__guess *guess, const struct etr__order *truth)
{
	const struct etr__model *model = &guess->order.model;

	for (size_t i = 0; i < model->nps; i++) {
		const struct etr__p *p = etr__model_p(&truth->model, model->ps[i]->id);

		if (p && p->status != model->ps[i]->told)
			return false;
	}
	for (size_t i = 0; i < guess->sweeps.n; i++) {
		const struct etr__p *p = etr__model_p(&truth->model, guess->sweeps.items[i].id);

		if ((p && p->sweeping) != (guess->sweeps.items[i].kind == ETR_KIND_RANGE_ACTIVE))
			return false;
	}
	return true;
}

static bool ms_hold(const struct etr__guess *guess, const struct etr__order *truth)
{
	const struct etr__model *model = &guess->order.model;

	/* One that is bound to a G that has ended: nobody but a hostile trace does that. */
	for (size_t i = 0; i < model->nms; i++)
		if (model->ms[i]->g && !etr__g_is_known(model->ms[i]->g))
			return false;
	for (size_t i = 0; i < guess->without_g.n; i++)
		if (true_m(guess, truth, guess->without_g.items[i])->g)
			return false;
	for (size_t i = 0; i < guess->without_p.n; i++)
		if (true_m(guess, truth, guess->without_p.items[i])->p)
			return false;
	for (size_t i = 0; i < guess->notes.n; i++) {
		const struct etr_event *ev = guess->notes.items[i].ev;
		const struct etr__m *m;

		if (guess->notes.items[i].what != ETR__NOTE_SYSCALL)
			continue;
		m = etr__model_m(&truth->model, ev->m);
		if (!m || !m->known || m->gid != ev->u.transition.id)
			return false;
	}
	return true;
}

static bool ranges_hold(const struct etr__guess *guess, const struct etr__order *truth)
{
	for (size_t i = 0; i < guess->ranges.n; i++) {
		const struct etr__g *g = etr__model_g(&truth->model, guess->ranges.items[i].id);
		size_t n = g ? g->nranges : 0;

		if (guess->ranges.items[i].kind == ETR_KIND_RANGE_BEGIN ? n != 0 :
									  n != 1 || !g->assist)
			return false;
	}
	return true;
}

static bool collector_holds(const struct etr__guess *guess, const struct etr__order *truth)
{
	uint64_t first = guess->order.model.gc_seq - (guess->ngc - 1);
	const struct etr__model *model = &truth->model;

	switch (guess->gc_first) {
	case 0:
		return true;
	case ETR_KIND_RANGE_BEGIN:
		return model->gc == ETR__GC_UNDETERMINED || (model->gc == ETR__GC_AT_REST && first == model->gc_seq + 1);
	case ETR_KIND_RANGE_ACTIVE:
		return model->gc == ETR__GC_MARKING && first == model->gc_seq + 1;
	default:
		return false;
	}
}

static bool user_holds(const struct etr__guess *guess, const struct etr__generation *now, const struct etr__order *truth)
{
	for (size_t i = 0; i < guess->tasks.n; i++)
		if (etr__model_task(&truth->model, guess->tasks.items[i]))
			return false;
	for (size_t i = 0; i < guess->pops.n; i++) {
		const struct etr__pop *pop = &guess->pops.items[i];
		const struct etr__g *g = etr__model_g(&truth->model, pop->g);
		const struct etr__string *s = &now->tables.strings[pop->name];
		const struct etr__region *region;

		if (!g || g->nregions <= pop->depth)
			continue;
		region = &g->regions[g->nregions - 1 - pop->depth];
		if (region->task != pop->task || region->name->len != s->len || memcmp(region->name->text, s->text, s->len) != 0)
			return false;
	}
	return true;
}

bool etr__guess_holds(const struct etr__guess *guess, const struct etr__generation *now, struct etr__order *truth)
{
	if (guess->failed || truth->model.first_gen == 0 || now->number <= truth->last_number || truth->last_time >= ETR__TIME_END)
		return false;
	return gs_hold(guess, now, truth) && ps_hold(guess, truth) && ms_hold(guess, truth) && ranges_hold(guess, truth) &&
	       collector_holds(guess, truth) && user_holds(guess, now, truth);
}

/* --- what was not known --- */

static void fill_context(const struct etr__guess *guess, const struct etr__order *truth, struct etr_event *ev)
{
	if (etr__is_inherited(ev->g))
		ev->g = true_m(guess, truth, (size_t)(ev->g - ETR__INHERITED))->gid;
	if (etr__is_inherited(ev->p))
		ev->p = true_m(guess, truth, (size_t)(ev->p - ETR__INHERITED))->pid;
}

static int fill_task(struct etr__generation *now, struct etr__order *truth, struct etr_event *ev)
{
	struct etr__task *task = etr__model_task(&truth->model, ev->u.task.id);
	int rc;

	if (!task)
		return 0;
	ev->u.task.parent = task->parent;
	rc = etr__name_in_tables(task->name, now, &ev->u.task.type);
	etr__model_forget_task(&truth->model, ev->u.task.id, task);
	return rc;
}

/* 0, or -1 when out of memory. */
static int fill_in(struct etr__guess *guess, struct etr__generation *now, struct etr__order *truth)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < guess->notes.n; i++) {
		struct etr_event *ev = guess->notes.items[i].ev;

		switch (guess->notes.items[i].what) {
		case ETR__NOTE_CONTEXT:
			fill_context(guess, truth, ev);
			break;
		case ETR__NOTE_SYSCALL:
			ev->g = ev->u.transition.id;
			break;
		case ETR__NOTE_PROC:
			ev->from = etr__model_p(&truth->model, ev->u.transition.id) ? ev->to : ETR_STATE_NOT_EXIST;
			break;
		case ETR__NOTE_TASK:
			rc = fill_task(now, truth, ev);
			break;
		}
	}
	return rc;
}

/* --- the true model --- */

/* The name in the true model with the text of one in the guess's, a reference to it; NULL when out of memory. */
static struct etr__name *adopt_name(struct etr__order *truth, const struct etr__name *name)
{
	struct etr__string s = { .text = name->text, .len = name->len };

	if (!etr__name_of_string(&truth->model, &s))
		return NULL;
	/* The string, which is none of a generation's, gives its own back. */
	etr__name_put(&truth->model, s.name);
	return s.name;
}

static int adopt_tasks(const struct etr__guess *guess, struct etr__order *truth)
{
	const struct etr__hash *tasks = &guess->order.model.tasks;

	for (size_t i = 0; tasks->n && i <= tasks->mask; i++) {
		const struct etr__task *t = (const struct etr__task *)(uintptr_t)tasks->slots[i].val;
		struct etr__name *name;

		if (!t)
			continue;
		name = adopt_name(truth, t->name);
		if (!name || etr__model_add_task(&truth->model, tasks->slots[i].key, t->parent, name) != 0)
			return -1;
	}
	return 0;
}

static void pop_regions(const struct etr__guess *guess, struct etr__order *truth)
{
	for (size_t i = 0; i < guess->pops.n; i++) {
		struct etr__g *g = etr__model_g(&truth->model, guess->pops.items[i].g);

		if (g && g->nregions)
			etr__name_put(&truth->model, g->regions[--g->nregions].name);
	}
}

struct adoption {
	const struct etr__guess *guess;
	struct etr__order *truth;
	bool failed;
};

static void adopt_g(struct etr__g *from, void *ctx)
{
	struct adoption *a = ctx;
	struct etr__g *g;

	if (!etr__g_is_known(from))
		return;
	g = etr__model_g(&a->truth->model, from->id);
	if (!g)
		g = etr__model_add_g(&a->truth->model, from->id, from->status);
	if (!g || etr__grow(&g->regions, &g->capregions, g->nregions + from->nregions) != 0) {
		a->failed = true;
		return;
	}
	g->status = from->status;
	etr__gtable_number(&a->truth->model.gs, g);
	g->seq = from->seq;
	for (size_t i = 0; i < from->nregions; i++) {
		struct etr__name *name = adopt_name(a->truth, from->regions[i].name);

		if (!name) {
			a->failed = true;
			return;
		}
		g->regions[g->nregions++] = (struct etr__region){ from->regions[i].task, name };
	}
	if (etr__hash_get(&a->guess->first_range, (uint64_t)from->id) && etr__ranges_copy(g, from) != 0)
		a->failed = true;
}

static int adopt_ps(const struct etr__guess *guess, struct etr__order *truth)
{
	const struct etr__model *model = &guess->order.model;

	for (size_t i = 0; i < model->nps; i++) {
		const struct etr__p *from = model->ps[i];
		struct etr__p *p = etr__model_p(&truth->model, from->id);

		if (!p)
			p = etr__model_add_p(&truth->model, from->id, from->status, from->seq.gen);
		if (!p)
			return -1;
		p->status = from->status;
		p->seq = from->seq;
		if (from->sweep_noted)
			p->sweeping = from->sweeping;
	}
	return 0;
}

static int adopt_ms(const struct etr__guess *guess, struct etr__order *truth)
{
	const struct etr__model *model = &guess->order.model;

	for (size_t i = 0; i < model->nms; i++) {
		const struct etr__m *from = model->ms[i];
		struct etr__m *m = etr__model_get_m(&truth->model, from->id);

		if (!m)
			return -1;
		if (from->known)
			etr__model_know(&truth->model, m);
		if (!etr__is_inherited(from->gid))
			etr__bind_g(&truth->model, m, from->g ? etr__model_g(&truth->model, from->gid) : NULL);
		if (!etr__is_inherited(from->pid))
			etr__bind_p(&truth->model, m, from->p ? etr__model_p(&truth->model, from->pid) : NULL);
	}
	return 0;
}

static int adopt_model(const struct etr__guess *guess, struct etr__order *truth)
{
	struct adoption a = { guess, truth, false };

	etr__gtable_begin(&truth->model.gs, guess->order.model.gs.numbered_gen);
	pop_regions(guess, truth);
	for (size_t i = 0; i < guess->told.n; i++) {
		struct etr__g *g = etr__model_g(&truth->model, guess->told.items[i].g);

		if (g && !etr__model_g(&guess->order.model, g->id))
			etr__model_forget_g(&truth->model, g);
	}
	etr__gtable_each(&guess->order.model.gs, adopt_g, &a);
	if (a.failed || adopt_ps(guess, truth) != 0 || adopt_ms(guess, truth) != 0 || adopt_tasks(guess, truth) != 0)
		return -1;
	if (guess->gc_first) {
		truth->model.gc = guess->order.model.gc;
		truth->model.gc_seq = guess->order.model.gc_seq;
	}
	return 0;
}

int etr__guess_adopt(struct etr__guess *guess, struct etr__generation *now, struct etr__order *truth)
{
	if (fill_in(guess, now, truth) != 0 || adopt_model(guess, truth) != 0)
		return etr__fault_nomem(truth->fault);
	etr__order_count(&guess->order);
	for (int i = 0; i < 256; i++) {
		truth->counts[i] += guess->order.counts[i];
		truth->bytes[i] += guess->order.bytes[i];
	}
	truth->last_number = now->number;
	etr__log_rewind(&guess->log);
	return 0;
}
