/* SPDX-License-Identifier: BSD-3-Clause
 *
 * order-go.c - rules of the events that move goroutines.
 */
#include "libtrace/order.h"

static const uint8_t state_of[] = {
	[WIRE_G_RUNNABLE] = ETR_STATE_RUNNABLE,
	[WIRE_G_RUNNING] = ETR_STATE_RUNNING,
	[WIRE_G_SYSCALL] = ETR_STATE_SYSCALL,
	[WIRE_G_WAITING] = ETR_STATE_WAITING,
};

/* The goroutine of the context, which must be there and have that status; NULL with the fault recorded. */
static inline struct etr__g *current(struct etr__order *o, struct etr__cursor *c, uint8_t status, int need)
{
	struct etr__g *g = c->m->g;

	if (etr__need(o, c, need) < 0)
		return NULL;
	if (__builtin_expect(etr__g_is_known(g) && g->status == status, 1))
		return g;
	if (!etr__g_is_known(g))
		ORDER_FAULT(o, c, "%s of goroutine %lld, which has ended", wire_specs[c->type].name, (long long)g->id);
	else
		ORDER_FAULT(o, c, "%s of goroutine %lld, which has status %u where %u was expected", wire_specs[c->type].name,
			    (long long)g->id, g->status, status);
	return NULL;
}

/* A goroutine that sits in a syscall on thread mid, which another thread tells. */
static int bind_elsewhere(struct etr__order *o, struct etr__cursor *c, struct etr__g *g, int64_t mid, struct etr_event *out)
{
	struct etr__m *m = etr__model_get_m(&o->model, mid);

	if (!m)
		return etr__fault_nomem(o->fault);
	if (o->guess && !m->known && out->from != ETR_STATE_UNDETERMINED)
		return ORDER_FAULT(o, c, "who has goroutine %lld depends on what came before", (long long)g->id);
	if (!m->known) {
		/* This is how it gets there, so the context is still the teller's. */
		etr__model_know(&o->model, m);
		etr__bind_g(&o->model, m, g);
	} else if (m->gid != g->id) {
		return ORDER_FAULT(o, c, "goroutine %lld is said to be in a syscall on thread %lld, which has goroutine %lld",
				   (long long)g->id, (long long)mid, (long long)m->gid);
	} else {
		out->g = g->id;
	}
	out->m = mid;
	return 0;
}

static int bind_in_syscall(struct etr__order *o, struct etr__cursor *c, struct etr__g *g, int64_t mid, struct etr_event *out)
{
	if (mid == -1)
		return ORDER_FAULT(o, c, "goroutine %lld is in a syscall on no thread", (long long)g->id);
	if (mid != c->m->id)
		return bind_elsewhere(o, c, g, mid, out);
	if (o->now->number != o->model.first_gen && out->g != g->id)
		return ORDER_FAULT(o, c, "goroutine %lld is said to be in a syscall on thread %lld, which has goroutine %lld",
				   (long long)g->id, (long long)mid, (long long)out->g);
	if (o->guess && out->g != g->id && !(out->from == ETR_STATE_UNDETERMINED && etr__is_inherited(out->g)))
		return ORDER_FAULT(o, c, "who has goroutine %lld depends on what came before", (long long)g->id);
	etr__bind_g(&o->model, c->m, g);
	return 0;
}

int etr__rule_go_status(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	int64_t id = (int64_t)c->args[0];
	uint8_t status = (uint8_t)c->args[2];
	struct etr__g *g = etr__model_g(&o->model, id);
	uint8_t from;

	if (status > WIRE_G_WAITING)
		return ORDER_FAULT(o, c, "goroutine %lld has the unknown status %u", (long long)id, status);
	from = state_of[status];
	if (g && g->status != status)
		return ORDER_FAULT(o, c, "goroutine %lld has status %u, where %u was expected", (long long)id, status, g->status);
	if (!g && o->now->number != o->model.first_gen)
		return ORDER_FAULT(o, c, "goroutine %lld appears with status %u, but was never created", (long long)id, status);
	if (!g) {
		g = etr__model_add_g(&o->model, id, status);
		if (!g)
			return etr__fault_nomem(o->fault);
		from = ETR_STATE_UNDETERMINED;
	}
	etr__gtable_number(&o->model.gs, g);
	etr__g_transition(out, id, from, state_of[status]);
	if (status == WIRE_G_RUNNING)
		etr__bind_g(&o->model, c->m, g);
	if (status == WIRE_G_SYSCALL && bind_in_syscall(o, c, g, (int64_t)c->args[1], out) < 0)
		return o->fault->code;
	if (c->type == WIRE_GO_STATUS_STACK && etr__stack_arg(o, c, 3, &out->u.transition.stack) < 0)
		return o->fault->code;
	return 1;
}

int etr__rule_go_create(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	int64_t id = (int64_t)c->args[0];
	bool blocked = c->type == WIRE_GO_CREATE_BLOCKED;
	/* Without a goroutine in the context this is the one of id -1, should the trace have told of such a one. */
	struct etr__g *creator = c->m->g ? c->m->g : etr__model_g(&o->model, -1);
	int rc = etr__need(o, c, ETR__NEED_M | ETR__NEED_P);

	if (rc < 0)
		return rc;
	if (creator && etr__g_is_known(creator) && creator->status != WIRE_G_RUNNING)
		return ORDER_FAULT(o, c, "goroutine %lld creates one, but is not running", (long long)creator->id);
	if (etr__model_g(&o->model, id))
		return ORDER_FAULT(o, c, "goroutine %lld is created a second time", (long long)id);
	if (!etr__model_add_g(&o->model, id, blocked ? WIRE_G_WAITING : WIRE_G_RUNNABLE))
		return etr__fault_nomem(o->fault);
	etr__g_transition(out, id, ETR_STATE_NOT_EXIST, blocked ? ETR_STATE_WAITING : ETR_STATE_RUNNABLE);
	rc = etr__stack_arg(o, c, 1, &out->u.transition.stack);
	return rc < 0 ? rc : 1;
}

int etr__rule_go_start(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	struct etr__g *g = etr__model_g(&o->model, (int64_t)c->args[0]);
	int rc;

	if (!g || g->status != WIRE_G_RUNNABLE || !etr__seq_fits(&g->seq, o->now->number, c->args[1]))
		return 0;
	rc = etr__need(o, c, ETR__NEED_M | ETR__NEED_P | ETR__NEED_NO_G);
	if (rc < 0)
		return rc;
	g->status = WIRE_G_RUNNING;
	g->seq.next++;
	etr__bind_g(&o->model, c->m, g);
	etr__g_transition(out, g->id, ETR_STATE_RUNNABLE, ETR_STATE_RUNNING);
	return 1;
}

/* GoStop, GoBlock and GoDestroy. */
int etr__rule_go_stop(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	struct etr__g *g = current(o, c, WIRE_G_RUNNING, ETR__NEED_ALL);

	if (!g)
		return o->fault->code;
	if (c->type == WIRE_GO_DESTROY) {
		etr__g_transition(out, g->id, ETR_STATE_RUNNING, ETR_STATE_NOT_EXIST);
		etr__model_forget_g(&o->model, g);
		etr__bind_g(&o->model, c->m, NULL);
		return 1;
	}
	if (c->type == WIRE_GO_STOP) {
		g->status = WIRE_G_RUNNABLE;
		etr__g_transition(out, g->id, ETR_STATE_RUNNING, ETR_STATE_RUNNABLE);
	} else {
		g->status = WIRE_G_WAITING;
		etr__g_transition(out, g->id, ETR_STATE_RUNNING, ETR_STATE_WAITING);
	}
	etr__bind_g(&o->model, c->m, NULL);
	if (etr__string_arg(o, c, 0, &out->u.transition.reason) < 0 || etr__stack_arg(o, c, 1, &out->u.transition.stack) < 0)
		return o->fault->code;
	return 1;
}

int etr__rule_go_unblock(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	struct etr__g *g = etr__model_g(&o->model, (int64_t)c->args[0]);

	if (!g || g->status != WIRE_G_WAITING || !etr__seq_fits(&g->seq, o->now->number, c->args[1]))
		return 0;
	g->status = WIRE_G_RUNNABLE;
	g->seq.next++;
	etr__g_transition(out, g->id, ETR_STATE_WAITING, ETR_STATE_RUNNABLE);
	return 1;
}

/* GoSwitch and GoSwitchDestroy: the named one unblocks, the current one blocks or ends, the named one starts. */
int etr__rule_go_switch(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	struct etr__g *g = current(o, c, WIRE_G_RUNNING, ETR__NEED_ALL);
	struct etr__g *next;

	if (!g)
		return o->fault->code;
	next = etr__model_g(&o->model, (int64_t)c->args[0]);
	if (!next || next->status != WIRE_G_WAITING || !etr__seq_fits(&next->seq, o->now->number, c->args[1]))
		return 0;
	etr__g_transition(out, next->id, ETR_STATE_WAITING, ETR_STATE_RUNNABLE);
	o->pending[0] = *out;
	o->pending[1] = *out;
	o->npending = 2;
	etr__g_transition(&o->pending[0], g->id, ETR_STATE_RUNNING,
			  c->type == WIRE_GO_SWITCH ? ETR_STATE_WAITING : ETR_STATE_NOT_EXIST);
	etr__g_transition(&o->pending[1], next->id, ETR_STATE_RUNNABLE, ETR_STATE_RUNNING);
	o->pending[1].g = -1;
	if (c->type == WIRE_GO_SWITCH)
		g->status = WIRE_G_WAITING;
	else
		etr__model_forget_g(&o->model, g);
	next->status = WIRE_G_RUNNING;
	next->seq.next++;
	etr__bind_g(&o->model, c->m, next);
	return 1;
}

int etr__rule_syscall_begin(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	struct etr__g *g = current(o, c, WIRE_G_RUNNING, ETR__NEED_ALL);
	struct etr__p *p = c->m->p;

	if (!g)
		return o->fault->code;
	if (!etr__seq_fits(&p->seq, o->now->number, c->args[0]))
		return ORDER_FAULT(o, c, "GoSyscallBegin has sequence number %llu of processor %lld, which is at %llu",
				   (unsigned long long)c->args[0], (long long)p->id, (unsigned long long)p->seq.next - 1);
	g->status = WIRE_G_SYSCALL;
	p->status = WIRE_P_SYSCALL;
	p->seq.next++;
	etr__g_transition(out, g->id, ETR_STATE_RUNNING, ETR_STATE_SYSCALL);
	return etr__stack_arg(o, c, 1, &out->u.transition.stack) < 0 ? o->fault->code : 1;
}

int etr__rule_syscall_end(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	struct etr__g *g = current(o, c, WIRE_G_SYSCALL, ETR__NEED_ALL);
	struct etr__p *p = c->m->p;

	if (!g)
		return o->fault->code;
	if (p->status != WIRE_P_SYSCALL)
		return ORDER_FAULT(o, c, "GoSyscallEnd with processor %lld, which is not in a syscall", (long long)p->id);
	g->status = WIRE_G_RUNNING;
	p->status = WIRE_P_RUNNING;
	etr__g_transition(out, g->id, ETR_STATE_SYSCALL, ETR_STATE_RUNNING);
	return 1;
}

int etr__rule_syscall_end_blocked(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	struct etr__g *g;

	/* The event itself says that the processor was lost on the way: that has to come first. */
	if (c->m->p && c->m->p->status == WIRE_P_SYSCALL)
		return 0;
	g = current(o, c, WIRE_G_SYSCALL, ETR__NEED_M | ETR__NEED_G);
	if (!g)
		return o->fault->code;
	g->status = WIRE_G_RUNNABLE;
	etr__g_transition(out, g->id, ETR_STATE_SYSCALL, ETR_STATE_RUNNABLE);
	etr__bind_g(&o->model, c->m, NULL);
	return 1;
}

int etr__rule_go_create_syscall(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	int64_t id = (int64_t)c->args[0];
	struct etr__g *g;
	int rc = etr__need(o, c, ETR__NEED_M | ETR__NEED_NO_G);

	if (rc < 0)
		return rc;
	if (etr__model_g(&o->model, id))
		return ORDER_FAULT(o, c, "goroutine %lld is created a second time", (long long)id);
	g = etr__model_add_g(&o->model, id, WIRE_G_SYSCALL);
	if (!g)
		return etr__fault_nomem(o->fault);
	etr__bind_g(&o->model, c->m, g);
	etr__g_transition(out, id, ETR_STATE_NOT_EXIST, ETR_STATE_SYSCALL);
	return 1;
}

int etr__rule_go_destroy_syscall(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	struct etr__g *g = current(o, c, WIRE_G_SYSCALL, ETR__NEED_M | ETR__NEED_G);
	struct etr__p *p = c->m->p;

	if (!g)
		return o->fault->code;
	if (p && p->status != WIRE_P_SYSCALL)
		return ORDER_FAULT(o, c, "GoDestroySyscall with processor %lld, which is not in a syscall", (long long)p->id);
	etr__g_transition(out, g->id, ETR_STATE_SYSCALL, ETR_STATE_NOT_EXIST);
	etr__model_forget_g(&o->model, g);
	etr__bind_g(&o->model, c->m, NULL);
	if (p) {
		/* The thread may come back as another one, so it loses the processor here; who takes it later finds it alone. */
		o->pending[0] = *out;
		o->npending = 1;
		etr__p_transition(out, p->id, ETR_STATE_RUNNING, ETR_STATE_IDLE);
		p->status = WIRE_P_SYSCALL_ABANDONED;
		etr__bind_p(&o->model, c->m, NULL);
	}
	return 1;
}
