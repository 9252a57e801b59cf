/* SPDX-License-Identifier: BSD-3-Clause
 *
 * model.h - the scheduler as the events tell of it: goroutines, processors, threads, tasks, the collector.
 *
 * The ids -1 stand for none in a context, yet a hostile trace may speak of a G or P -1; it then has a state like any other,
 * but nobody is ever bound to it.  Ids are kept as the file's 64 bits, signed.
 */
#ifndef LIBTRACE_MODEL_H
#define LIBTRACE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libtrace/genarena.h"
#include "libtrace/gentables.h"
#include "libtrace/gtable.h"
#include "libtrace/idhash.h"

/* A text that outlives the generation whose string it was: names of open regions and tasks.  One per text, counted. */
struct etr__name {
	struct etr__name *next;		/* with the same hash */
	uint64_t hash;
	size_t refs;
	uint64_t string_gen;		/* load number of the tables in which `string` is its id; 0: none */
	etr_string_id string;
	uint32_t len;
	char text[];
};

struct etr__region {
	uint64_t task;
	struct etr__name *name;
};

struct etr__p {
	int64_t id;
	struct etr__seq seq;
	uint8_t status;			/* enum wire_pstatus, or 0 */
	uint8_t told;			/* the first that was told */
	bool sweeping;
	struct etr__m *holder;		/* of the threads bound to it the one made first, the root of a heap of them; of P -1: see none */
	bool sweep_noted;		/* guess.c's: its first sweep is */
};

struct etr__m {
	int64_t gid, pid;		/* ids of g and p; -1: none.  Set with them by etr__bind_g() and etr__bind_p() alone */
	int64_t id;
	struct etr__g *g;		/* NULL: none */
	struct etr__p *p;
	bool known;			/* an event of it was tried, or a G bound; set by etr__model_know() */
	uint32_t index;			/* in ms[] */
	struct etr__m *child, *next, *prev;	/* in its P's heap */
	int log_context;		/* orderfast.c's: of log_p and id in the log; without meaning while log_p is not p */
	struct etr__p *log_p;
};

struct etr__task {
	uint64_t parent;
	struct etr__name *name;
	struct etr__task *next_free;
};

enum etr__gc { ETR__GC_UNDETERMINED, ETR__GC_AT_REST, ETR__GC_MARKING };

/*
 * The gid and pid of the thread ms[i] where it has neither G nor P in a model that inherits, and so does not know: this plus i.
 */
#define ETR__INHERITED INT64_MIN

static inline bool etr__is_inherited(int64_t id)
{
	return id < ETR__INHERITED + UINT32_MAX;
}

struct etr__model {
	bool inherits;			/* nothing is known of what came before, see guess.c */
	uint64_t first_gen;		/* the trace's first generation with events; 0: not known yet */
	uint64_t gc_seq;
	enum etr__gc gc;
	struct etr__gtable gs;
	struct etr__hash tasks;		/* id -> struct etr__task */
	struct etr__task *free_tasks;
	struct etr__hash names;		/* hash -> struct etr__name */
	struct etr__idmap p_ids, m_ids;	/* id -> index plus one */
	struct etr__p **ps;
	size_t nps, capps;
	struct etr__m **ms;
	size_t nms, capms;
	struct etr__p *none;		/* the P -1, NULL until a trace has one: it is held by all known threads without a P */
	struct etr__m no_thread;	/* the context of batches without a thread; never changes */
};

void etr__model_init(struct etr__model *model);
void etr__model_free(struct etr__model *model);

/* The find functions give NULL for what is unknown, the add functions for want of memory. */
static inline struct etr__g *etr__model_g(const struct etr__model *model, int64_t id)
{
	struct etr__g *g = etr__gtable_find(&model->gs, id);

	return etr__g_is_known(g) ? g : NULL;
}

/* A new G, told of in the generation that has begun; the id must be unknown. */
struct etr__g *etr__model_add_g(struct etr__model *model, int64_t id, uint8_t status);

/* Its id is unknown from now on.  The struct stays valid while threads are bound to it. */
void etr__model_forget_g(struct etr__model *model, struct etr__g *g);

static inline struct etr__p *etr__model_p(const struct etr__model *model, int64_t id)
{
	uint32_t i = etr__idmap_get(&model->p_ids, (uint64_t)id);

	return i ? model->ps[i - 1] : NULL;
}

struct etr__p *etr__model_add_p(struct etr__model *model, int64_t id, uint8_t status, uint64_t gen);

/* Known or not; see etr__m.known. */
static inline struct etr__m *etr__model_m(const struct etr__model *model, int64_t id)
{
	uint32_t i = etr__idmap_get(&model->m_ids, (uint64_t)id);

	return i ? model->ms[i - 1] : NULL;
}

/* The M of that id, made when it is not there yet; for -1 the one that stands for no thread. */
struct etr__m *etr__model_get_m(struct etr__model *model, int64_t id);

/* Binds a G or P, or with NULL nothing, to a thread.  Without effect on the one that stands for no thread. */
static inline void etr__bind_g(struct etr__model *model, struct etr__m *m, struct etr__g *g)
{
	struct etr__g *old = m->g;

	if (m->id == -1)
		return;
	if (g && g->id == -1)
		g = NULL;
	if (g)
		g->bound++;
	m->g = g;
	m->gid = g ? g->id : -1;
	if (old && --old->bound == 0 && !etr__g_is_known(old))
		etr__gtable_remove(&model->gs, old);
}

/* A thread is, or is not any more, among those that hold a P. */
void etr__holders_add(struct etr__p *p, struct etr__m *m);
void etr__holders_remove(struct etr__p *p, struct etr__m *m);

static inline void etr__model_know(struct etr__model *model, struct etr__m *m)
{
	if (__builtin_expect(m->known, 1))
		return;
	m->known = true;
	if (model->none && m->id != -1 && !m->p)
		etr__holders_add(model->none, m);
}

/* The thread must be known. */
static inline void etr__bind_p(struct etr__model *model, struct etr__m *m, struct etr__p *p)
{
	struct etr__p *was = m->p ? m->p : model->none, *now;

	if (m->id == -1)
		return;
	if (p && p->id == -1)
		p = NULL;
	now = p ? p : model->none;
	if (was && was != now)
		etr__holders_remove(was, m);
	if (now && was != now)
		etr__holders_add(now, m);
	m->p = p;
	m->pid = p ? p->id : -1;
}

/* A reference to the name with the text of a string; NULL when out of memory. */
struct etr__name *etr__name_of_string(struct etr__model *model, struct etr__string *s);
void etr__name_put(struct etr__model *model, struct etr__name *name);

struct etr__task *etr__model_task(const struct etr__model *model, uint64_t id);
int etr__model_add_task(struct etr__model *model, uint64_t id, uint64_t parent, struct etr__name *name);
void etr__model_forget_task(struct etr__model *model, uint64_t id, struct etr__task *task);

#endif
