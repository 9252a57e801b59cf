/* SPDX-License-Identifier: BSD-3-Clause
 *
 * order-range.c - rules of ranges of time (stop-the-world, collections, sweeps, mark assists) and of metrics.
 */
#include "libtrace/granges.h"
#include "libtrace/order.h"

static void range(struct etr_event *out, uint8_t kind, uint8_t resource, int64_t id, etr_string_id name)
{
	out->kind = kind;
	out->resource = resource;
	out->from = out->to = 0;
	out->u.range.id = id;
	out->u.range.name = name;
	out->u.range.nattrs = 0;
	out->u.range.swept = out->u.range.reclaimed = 0;
}

/* Ranges of a goroutine. */

static int open_range(struct etr__order *o, struct etr__cursor *c, struct etr__g *g, uint8_t begin, uint64_t kind)
{
	if (etr__range_is_open(g, begin, kind))
		return ORDER_FAULT(o, c, "%s of goroutine %lld, where such a range is open already", wire_specs[c->type].name,
				   (long long)g->id);
	return etr__range_open(g, begin, kind) == 0 ? 0 : etr__fault_nomem(o->fault);
}

/* The goroutine of a complete context, which must not have ended; NULL with the fault recorded. */
static struct etr__g *current(struct etr__order *o, struct etr__cursor *c)
{
	struct etr__g *g = c->m->g;

	if (etr__need(o, c, ETR__NEED_ALL) < 0)
		return NULL;
	if (!etr__g_is_known(g))
		ORDER_FAULT(o, c, "%s of goroutine %lld, which has ended", wire_specs[c->type].name, (long long)g->id);
	return etr__g_is_known(g) ? g : NULL;
}

/* The name of an STW range by the file's string id of its kind.  0, or a negative code. */
static int stw_name(struct etr__order *o, uint64_t file_id, etr_string_id *name)
{
	etr_string_id kind;

	/* An STW that began in an earlier generation, which no writer does, may have a kind that this one lacks. */
	if (!etr__tables_string(&o->now->tables, file_id, &kind))
		kind = ETR__STRING_EMPTY;
	*name = etr__tables_stw_name(&o->now->tables, kind);
	return *name ? 0 : etr__fault_nomem(o->fault);
}

int etr__rule_g_range_begin(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	struct etr__g *g = current(o, c);
	etr_string_id name = ETR__STRING_ASSIST;

	if (!g || open_range(o, c, g, c->type, c->type == WIRE_STW_BEGIN ? c->args[0] : 0) < 0)
		return o->fault->code;
	if (c->type == WIRE_STW_BEGIN && (etr__string_arg(o, c, 0, &name) < 0 || stw_name(o, c->args[0], &name) < 0))
		return o->fault->code;
	range(out, ETR_KIND_RANGE_BEGIN, ETR_RESOURCE_GOROUTINE, g->id, name);
	return 1;
}

int etr__rule_g_range_active(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	struct etr__g *g = etr__model_g(&o->model, (int64_t)c->args[0]);

	if (!g)
		return ORDER_FAULT(o, c, "%s of the unknown goroutine %lld", wire_specs[c->type].name, (long long)c->args[0]);
	if (o->now->number == o->model.first_gen) {
		if (open_range(o, c, g, WIRE_GC_MARK_ASSIST_BEGIN, 0) < 0)
			return o->fault->code;
	} else if (!etr__range_is_open(g, WIRE_GC_MARK_ASSIST_BEGIN, 0)) {
		return ORDER_FAULT(o, c, "%s of goroutine %lld, where no such range is open", wire_specs[c->type].name,
				   (long long)g->id);
	}
	range(out, ETR_KIND_RANGE_ACTIVE, ETR_RESOURCE_GOROUTINE, g->id, ETR__STRING_ASSIST);
	return 1;
}

int etr__rule_g_range_end(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	struct etr__g *g = current(o, c);
	uint8_t begin = c->type == WIRE_STW_END ? WIRE_STW_BEGIN : WIRE_GC_MARK_ASSIST_BEGIN;
	etr_string_id name = ETR__STRING_ASSIST;
	uint64_t kind;

	if (!g)
		return o->fault->code;
	if (!etr__range_close(g, begin, &kind))
		return ORDER_FAULT(o, c, "%s of goroutine %lld, where no such range is open", wire_specs[c->type].name,
				   (long long)g->id);
	if (c->type == WIRE_STW_END && stw_name(o, kind, &name) < 0)
		return o->fault->code;
	range(out, ETR_KIND_RANGE_END, ETR_RESOURCE_GOROUTINE, g->id, name);
	return 1;
}

/* The collector: one global range, its ends in an order of their own. */

int etr__rule_gc_begin(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	struct etr__model *m = &o->model;
	int rc;

	if (m->gc != ETR__GC_UNDETERMINED) {
		if (c->args[0] != m->gc_seq + 1)
			return 0;
		if (m->gc == ETR__GC_MARKING)
			return ORDER_FAULT(o, c, "GCBegin while a collection is going on");
		rc = etr__need(o, c, ETR__NEED_ALL);
		if (rc < 0)
			return rc;
	}
	m->gc_seq = c->args[0];
	m->gc = ETR__GC_MARKING;
	range(out, ETR_KIND_RANGE_BEGIN, ETR_RESOURCE_NONE, 0, ETR__STRING_MARK);
	return 1;
}

int etr__rule_gc_active(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	struct etr__model *m = &o->model;
	int rc;

	if (o->now->number == m->first_gen) {
		if (m->gc != ETR__GC_UNDETERMINED)
			return ORDER_FAULT(o, c, "GCActive in the first generation behind another event of the collector");
		m->gc = ETR__GC_MARKING;
	} else {
		if (c->args[0] != m->gc_seq + 1)
			return 0;
		if (m->gc != ETR__GC_MARKING)
			return ORDER_FAULT(o, c, "GCActive while no collection is going on");
		rc = etr__need(o, c, ETR__NEED_ALL);
		if (rc < 0)
			return rc;
	}
	m->gc_seq = c->args[0];
	range(out, ETR_KIND_RANGE_ACTIVE, ETR_RESOURCE_NONE, 0, ETR__STRING_MARK);
	return 1;
}

int etr__rule_gc_end(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	struct etr__model *m = &o->model;
	int rc;

	if (c->args[0] != m->gc_seq + 1)
		return 0;
	if (m->gc != ETR__GC_MARKING)
		return ORDER_FAULT(o, c, "GCEnd while no collection is going on");
	rc = etr__need(o, c, ETR__NEED_ALL);
	if (rc < 0)
		return rc;
	m->gc_seq = c->args[0];
	m->gc = ETR__GC_AT_REST;
	range(out, ETR_KIND_RANGE_END, ETR_RESOURCE_NONE, 0, ETR__STRING_MARK);
	return 1;
}

/* Sweeps: at most one on each processor. */

int etr__rule_sweep_begin(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	struct etr__p *p = c->m->p;
	int rc = etr__need(o, c, ETR__NEED_M | ETR__NEED_P);

	if (rc < 0)
		return rc;
	if (p->sweeping)
		return ORDER_FAULT(o, c, "GCSweepBegin on processor %lld, which is sweeping already", (long long)p->id);
	p->sweeping = true;
	range(out, ETR_KIND_RANGE_BEGIN, ETR_RESOURCE_PROC, p->id, ETR__STRING_SWEEP);
	return 1;
}

int etr__rule_sweep_active(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	struct etr__p *p = etr__model_p(&o->model, (int64_t)c->args[0]);
	bool first = o->now->number == o->model.first_gen;

	if (!p)
		return ORDER_FAULT(o, c, "GCSweepActive on the unknown processor %lld", (long long)c->args[0]);
	if (p->sweeping == first)
		return ORDER_FAULT(o, c, "GCSweepActive on processor %lld, which is %s", (long long)p->id,
				   first ? "sweeping already" : "not sweeping");
	p->sweeping = true;
	range(out, ETR_KIND_RANGE_ACTIVE, ETR_RESOURCE_PROC, p->id, ETR__STRING_SWEEP);
	return 1;
}

int etr__rule_sweep_end(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	struct etr__p *p = c->m->p;
	int rc = etr__need(o, c, ETR__NEED_M | ETR__NEED_P);

	if (rc < 0)
		return rc;
	if (!p->sweeping)
		return ORDER_FAULT(o, c, "GCSweepEnd on processor %lld, which is not sweeping", (long long)p->id);
	p->sweeping = false;
	range(out, ETR_KIND_RANGE_END, ETR_RESOURCE_PROC, p->id, ETR__STRING_SWEEP);
	out->u.range.nattrs = 2;
	out->u.range.swept = c->args[0];
	out->u.range.reclaimed = c->args[1];
	return 1;
}

int etr__rule_metric(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	int rc = etr__need(o, c, c->type == WIRE_PROCS_CHANGE ? ETR__NEED_ALL : ETR__NEED_M | ETR__NEED_P);

	if (rc < 0)
		return rc;
	out->kind = ETR_KIND_METRIC;
	out->resource = out->from = out->to = 0;
	out->u.metric.name = c->type == WIRE_PROCS_CHANGE ? ETR__STRING_PROCS :
			     c->type == WIRE_HEAP_ALLOC	  ? ETR__STRING_HEAP :
							    ETR__STRING_GOAL;
	out->u.metric.value = c->args[0];
	return 1;
}
