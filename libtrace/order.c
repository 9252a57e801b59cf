/* SPDX-License-Identifier: BSD-3-Clause
 *
 * order.c - which rule is for which event, and how the breaking of one is told.
 *
 * The rules stand in order-proc.c, order-go.c, order-range.c and order-user.c.  A new event gets a line in this table.
 */
#include "libtrace/order.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

const struct etr__rule etr__rules[256] = {
	[WIRE_PROCS_CHANGE] = { etr__rule_metric, 2 },
	[WIRE_PROC_START] = { etr__rule_proc_start, 0 },
	[WIRE_PROC_STOP] = { etr__rule_proc_stop, 0 },
	[WIRE_PROC_STEAL] = { etr__rule_proc_steal, 0 },
	[WIRE_PROC_STATUS] = { etr__rule_proc_status, 0 },

	[WIRE_GO_CREATE] = { etr__rule_go_create, 3 },
	[WIRE_GO_CREATE_BLOCKED] = { etr__rule_go_create, 3 },
	[WIRE_GO_CREATE_SYSCALL] = { etr__rule_go_create_syscall, 0 },
	[WIRE_GO_START] = { etr__rule_go_start, 0 },
	[WIRE_GO_DESTROY] = { etr__rule_go_stop, 0 },
	[WIRE_GO_STOP] = { etr__rule_go_stop, 2 },
	[WIRE_GO_BLOCK] = { etr__rule_go_stop, 2 },
	[WIRE_GO_DESTROY_SYSCALL] = { etr__rule_go_destroy_syscall, 0 },
	[WIRE_GO_UNBLOCK] = { etr__rule_go_unblock, 3 },
	[WIRE_GO_SWITCH] = { etr__rule_go_switch, 0 },
	[WIRE_GO_SWITCH_DESTROY] = { etr__rule_go_switch, 0 },
	[WIRE_GO_SYSCALL_BEGIN] = { etr__rule_syscall_begin, 2 },
	[WIRE_GO_SYSCALL_END] = { etr__rule_syscall_end, 0 },
	[WIRE_GO_SYSCALL_END_BLOCKED] = { etr__rule_syscall_end_blocked, 0 },
	[WIRE_GO_STATUS] = { etr__rule_go_status, 0 },
	[WIRE_GO_STATUS_STACK] = { etr__rule_go_status, 4 },

	[WIRE_STW_BEGIN] = { etr__rule_g_range_begin, 2 },
	[WIRE_STW_END] = { etr__rule_g_range_end, 0 },
	[WIRE_GC_MARK_ASSIST_BEGIN] = { etr__rule_g_range_begin, 1 },
	[WIRE_GC_MARK_ASSIST_ACTIVE] = { etr__rule_g_range_active, 0 },
	[WIRE_GC_MARK_ASSIST_END] = { etr__rule_g_range_end, 0 },
	[WIRE_GC_BEGIN] = { etr__rule_gc_begin, 2 },
	[WIRE_GC_ACTIVE] = { etr__rule_gc_active, 0 },
	[WIRE_GC_END] = { etr__rule_gc_end, 0 },
	[WIRE_GC_SWEEP_BEGIN] = { etr__rule_sweep_begin, 1 },
	[WIRE_GC_SWEEP_ACTIVE] = { etr__rule_sweep_active, 0 },
	[WIRE_GC_SWEEP_END] = { etr__rule_sweep_end, 0 },
	[WIRE_HEAP_ALLOC] = { etr__rule_metric, 0 },
	[WIRE_HEAP_GOAL] = { etr__rule_metric, 0 },

	[WIRE_GO_LABEL] = { etr__rule_label, 0 },
	[WIRE_USER_TASK_BEGIN] = { etr__rule_task_begin, 4 },
	[WIRE_USER_TASK_END] = { etr__rule_task_end, 2 },
	[WIRE_USER_REGION_BEGIN] = { etr__rule_region_begin, 3 },
	[WIRE_USER_REGION_END] = { etr__rule_region_end, 3 },
	[WIRE_USER_LOG] = { etr__rule_log, 4 },

	[WIRE_SPAN] = { etr__rule_experimental, 0 },
	[WIRE_SPAN_ALLOC] = { etr__rule_experimental, 0 },
	[WIRE_SPAN_FREE] = { etr__rule_experimental, 0 },
	[WIRE_HEAP_OBJECT] = { etr__rule_experimental, 0 },
	[WIRE_HEAP_OBJECT_ALLOC] = { etr__rule_experimental, 0 },
	[WIRE_HEAP_OBJECT_FREE] = { etr__rule_experimental, 0 },
	[WIRE_GOROUTINE_STACK] = { etr__rule_experimental, 0 },
	[WIRE_GOROUTINE_STACK_ALLOC] = { etr__rule_experimental, 0 },
	[WIRE_GOROUTINE_STACK_FREE] = { etr__rule_experimental, 0 },
};

int etr__order_fault(struct etr__order *o, const struct etr__cursor *c, int code, const char *fmt, ...)
{
	char text[sizeof(o->fault->message)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	etr__fault_set(o->fault, code, etr__cursor_offset(c), "%s", text);
	return etr__fault_in(o->fault, o->now->number);
}

int etr__need_fault(struct etr__order *o, const struct etr__cursor *c, int need)
{
	const char *what = c->m->id == -1 ? "without a thread" :
			   (need & ETR__NEED_P) && !c->m->p ? "on a thread that has no processor" :
			   (need & ETR__NEED_G) && !c->m->g ? "on a thread that has no goroutine" :
							      "on a thread that has a goroutine";

	return ORDER_FAULT(o, c, "%s %s", wire_specs[c->type].name, what);
}

int etr__no_rule(struct etr__order *o, const struct etr__cursor *c)
{
	return ORDER_FAULT(o, c, "%s among a thread's events", wire_specs[c->type].name);
}
