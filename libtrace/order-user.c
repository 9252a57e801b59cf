/* SPDX-License-Identifier: BSD-3-Clause
 *
 * order-user.c - rules of what programs say about themselves: labels, tasks, regions, logs; and of experimental events.
 */
#include "libtrace/growth.h"
#include "libtrace/guess.h"
#include "libtrace/order.h"

#include <string.h>

static void plain(struct etr_event *out, uint8_t kind)
{
	out->kind = kind;
	out->resource = out->from = out->to = 0;
}

int etr__rule_label(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	int rc = etr__need(o, c, ETR__NEED_ALL);

	if (rc < 0)
		return rc;
	plain(out, ETR_KIND_LABEL);
	out->resource = ETR_RESOURCE_GOROUTINE;
	out->u.label.id = out->g;
	rc = etr__string_arg(o, c, 0, &out->u.label.label);
	return rc < 0 ? rc : 1;
}

int etr__rule_log(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	int rc = etr__need(o, c, ETR__NEED_ALL);

	if (rc < 0)
		return rc;
	plain(out, ETR_KIND_LOG);
	out->u.log.task = c->args[0];
	if (etr__string_arg(o, c, 1, &out->u.log.category) < 0 || etr__string_arg(o, c, 2, &out->u.log.message) < 0)
		return o->fault->code;
	return 1;
}

int etr__rule_experimental(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	int rc = etr__need(o, c, ETR__NEED_M);

	if (rc < 0)
		return rc;
	plain(out, ETR_KIND_EXPERIMENTAL);
	out->u.experimental.type = c->type;
	memcpy(out->u.experimental.args, c->args, sizeof(out->u.experimental.args));
	return 1;
}

int etr__order_begin_task(struct etr__order *o, uint64_t id, uint64_t parent, etr_string_id type)
{
	struct etr__name *name;

	if (etr__model_task(&o->model, id))
		return 0;
	name = etr__name_of_string(&o->model, &o->now->tables.strings[type]);
	if (!name)
		return -1;
	name->string_gen = o->now->load_no;
	name->string = type;
	if (etr__model_add_task(&o->model, id, parent, name) != 0) {
		etr__name_put(&o->model, name);
		return -1;
	}
	if (o->guess)
		etr__guess_task(o->guess, id);
	return 1;
}

int etr__rule_task_begin(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	uint64_t id = c->args[0], parent = c->args[1] ? c->args[1] : ETR_NO_TASK;
	int rc = etr__need(o, c, ETR__NEED_ALL);

	if (rc < 0)
		return rc;
	if (etr__model_task(&o->model, id))
		return ORDER_FAULT(o, c, "task %llu begins a second time", (unsigned long long)id);
	plain(out, ETR_KIND_TASK_BEGIN);
	rc = etr__string_arg(o, c, 2, &out->u.task.type);
	if (rc < 0)
		return rc;
	if (etr__order_begin_task(o, id, parent, out->u.task.type) < 0)
		return etr__fault_nomem(o->fault);
	out->u.task.id = id;
	out->u.task.parent = parent;
	return 1;
}

int etr__rule_task_end(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	uint64_t id = c->args[0];
	struct etr__task *task;
	int rc = etr__need(o, c, ETR__NEED_ALL);

	if (rc < 0)
		return rc;
	plain(out, ETR_KIND_TASK_END);
	out->u.task.id = id;
	out->u.task.parent = ETR_NO_TASK;
	out->u.task.type = ETR__STRING_EMPTY;
	/* Tasks may end that began before the trace did, or have ended already. */
	task = etr__model_task(&o->model, id);
	if (task) {
		out->u.task.parent = task->parent;
		rc = etr__name_in_tables(task->name, o->now, &out->u.task.type) == 0 ? 0 : etr__fault_nomem(o->fault);
		etr__model_forget_task(&o->model, id, task);
	}
	return rc < 0 ? rc : 1;
}

/* What both ends of a region need: its fields in `out`, and its name.  NULL with the fault recorded. */
static struct etr__name *region_name(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	struct etr__name *name;

	if (etr__need(o, c, ETR__NEED_ALL) < 0)
		return NULL;
	if (!etr__g_is_known(c->m->g)) {
		ORDER_FAULT(o, c, "%s of goroutine %lld, which has ended", wire_specs[c->type].name, (long long)c->m->g->id);
		return NULL;
	}
	if (etr__string_arg(o, c, 1, &out->u.region.type) < 0)
		return NULL;
	out->u.region.task = c->args[0];
	name = etr__name_of_string(&o->model, &o->now->tables.strings[out->u.region.type]);
	if (!name)
		etr__fault_nomem(o->fault);
	return name;
}

int etr__rule_region_begin(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	struct etr__g *g = c->m->g;
	struct etr__name *name = region_name(o, c, out);

	if (!name)
		return o->fault->code;
	if (etr__grow(&g->regions, &g->capregions, g->nregions + 1) != 0) {
		etr__name_put(&o->model, name);
		return etr__fault_nomem(o->fault);
	}
	g->regions[g->nregions++] = (struct etr__region){ c->args[0], name };
	plain(out, ETR_KIND_REGION_BEGIN);
	return 1;
}

int etr__rule_region_end(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	struct etr__g *g = c->m->g;
	struct etr__name *name = region_name(o, c, out);
	struct etr__region *inner;

	if (!name)
		return o->fault->code;
	/* A text has one name, so comparing pointers compares texts.  The region or the string still holds it. */
	etr__name_put(&o->model, name);
	plain(out, ETR_KIND_REGION_END);
	if (g->nregions == 0) {
		if (o->guess)
			etr__guess_pop(o->guess, g->id, c->args[0], out->u.region.type);
		return 1;
	}
	inner = &g->regions[g->nregions - 1];
	if (inner->task != c->args[0] || inner->name != name)
		return ORDER_FAULT(o, c, "a region ends on goroutine %lld that is not the innermost one open there",
				   (long long)g->id);
	etr__name_put(&o->model, inner->name);
	g->nregions--;
	return 1;
}
