/* SPDX-License-Identifier: BSD-3-Clause
 *
 * order-proc.c - rules of the events that move processors.
 */
#include "libtrace/order.h"

/* How states on the wire look to the outside: one in a syscall runs, one that was abandoned there is idle. */
static const uint8_t state_of[] = {
	[WIRE_P_RUNNING] = ETR_STATE_RUNNING,
	[WIRE_P_IDLE] = ETR_STATE_IDLE,
	[WIRE_P_SYSCALL] = ETR_STATE_RUNNING,
	[WIRE_P_SYSCALL_ABANDONED] = ETR_STATE_IDLE,
};

/* Makes `out` an event of the thread that holds p. */
static int move_to_holder(struct etr__order *o, struct etr__cursor *c, struct etr__p *p, struct etr_event *out)
{
	const struct etr__m *m = p->holder;

	if (o->guess)
		return ORDER_FAULT(o, c, "who has processor %lld depends on what came before", (long long)p->id);
	if (!m)
		return ORDER_FAULT(o, c, "processor %lld is about to be stolen, but no thread holds it", (long long)p->id);
	out->m = m->id;
	out->p = p->id;
	out->g = m->gid;
	return 0;
}

int etr__rule_proc_status(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	int64_t id = (int64_t)c->args[0];
	uint8_t status = (uint8_t)c->args[1];
	struct etr__p *p = etr__model_p(&o->model, id);
	uint8_t from, to;
	bool promoted = false;

	if (status > WIRE_P_SYSCALL_ABANDONED)
		return ORDER_FAULT(o, c, "processor %lld has the unknown status %u", (long long)id, status);
	from = to = state_of[status];
	if (!p) {
		p = etr__model_add_p(&o->model, id, status, o->now->number);
		if (!p)
			return etr__fault_nomem(o->fault);
		from = o->now->number == o->model.first_gen ? ETR_STATE_UNDETERMINED : ETR_STATE_NOT_EXIST;
	} else if (status == WIRE_P_SYSCALL_ABANDONED && p->status == WIRE_P_SYSCALL) {
		/* Nothing was lost: the thread that is in the syscall with it is known. */
		from = to = ETR_STATE_RUNNING;
		promoted = true;
	} else if (p->status != status) {
		return ORDER_FAULT(o, c, "processor %lld has status %u, where %u was expected", (long long)id, status, p->status);
	}
	p->seq = (struct etr__seq){ 1, o->now->number };
	etr__p_transition(out, id, from, to);
	if (status == WIRE_P_RUNNING || status == WIRE_P_SYSCALL)
		etr__bind_p(&o->model, c->m, p);
	if (promoted && move_to_holder(o, c, p, out) < 0)
		return o->fault->code;
	return 1;
}

int etr__rule_proc_start(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	int64_t id = (int64_t)c->args[0];
	struct etr__p *p = etr__model_p(&o->model, id);
	int rc;

	if (!p || p->status != WIRE_P_IDLE || c->m->p || !etr__seq_fits(&p->seq, o->now->number, c->args[1]))
		return 0;
	rc = etr__need(o, c, ETR__NEED_M);
	if (rc < 0)
		return rc;
	p->status = WIRE_P_RUNNING;
	p->seq.next++;
	etr__bind_p(&o->model, c->m, p);
	etr__p_transition(out, id, ETR_STATE_IDLE, ETR_STATE_RUNNING);
	return 1;
}

int etr__rule_proc_stop(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	struct etr__p *p = c->m->p;
	int rc = etr__need(o, c, ETR__NEED_M | ETR__NEED_P);

	if (rc < 0)
		return rc;
	if (p->status != WIRE_P_RUNNING && p->status != WIRE_P_SYSCALL)
		return ORDER_FAULT(o, c, "processor %lld stops, but is not running", (long long)p->id);
	p->status = WIRE_P_IDLE;
	etr__bind_p(&o->model, c->m, NULL);
	etr__p_transition(out, p->id, ETR_STATE_RUNNING, ETR_STATE_IDLE);
	return 1;
}

/* Takes p from the thread that the event names. */
static int take_from(struct etr__order *o, struct etr__cursor *c, struct etr__p *p)
{
	struct etr__m *victim = (int64_t)c->args[2] == c->m->id ? c->m : etr__model_m(&o->model, (int64_t)c->args[2]);

	if (!victim || !victim->known)
		return ORDER_FAULT(o, c, "processor %lld is stolen from the unknown thread %lld", (long long)p->id,
				   (long long)c->args[2]);
	if (victim->pid != p->id)
		return ORDER_FAULT(o, c, "processor %lld is stolen from thread %lld, which does not hold it", (long long)p->id,
				   (long long)victim->id);
	etr__bind_p(&o->model, victim, NULL);
	return 0;
}

int etr__rule_proc_steal(struct etr__order *o, struct etr__cursor *c, struct etr_event *out)
{
	int64_t id = (int64_t)c->args[0];
	struct etr__p *p = etr__model_p(&o->model, id);
	bool abandoned = p && p->status == WIRE_P_SYSCALL_ABANDONED;
	int rc;

	if (!p || (p->status != WIRE_P_SYSCALL && !abandoned) || !etr__seq_fits(&p->seq, o->now->number, c->args[1]))
		return 0;
	rc = etr__need(o, c, ETR__NEED_M);
	if (rc < 0)
		return rc;
	p->status = WIRE_P_IDLE;
	p->seq.next++;
	if (!abandoned) {
		rc = take_from(o, c, p);
		if (rc < 0)
			return rc;
	}
	etr__p_transition(out, id, abandoned ? ETR_STATE_IDLE : ETR_STATE_RUNNING, ETR_STATE_IDLE);
	return 1;
}
