/* SPDX-License-Identifier: BSD-3-Clause
 *
 * readerquery.c - what can be asked of a reader beside its events, and names.
 */
#include "libtrace/ahead.h"
#include "libtrace/readerimpl.h"

#include <exectrace/raw.h>

#include "wire/event.h"

const char *etr_reader_string(const struct etr_reader *r, etr_string_id id, size_t *len)
{
	const struct etr__string *s = &r->now.tables.strings[id < r->now.tables.nstrings ? id : 0];

	if (len)
		*len = s->len;
	return s->text;
}

const struct etr_frame *etr_reader_stack(const struct etr_reader *r, etr_stack_id id, size_t *nframes)
{
	const struct etr__stack *s = &r->now.tables.stacks[id < r->now.tables.nstacks ? id : 0];

	*nframes = s->n;
	return s->n ? r->now.tables.frames + s->first : NULL;
}

int etr_reader_stack_by_wire_id(const struct etr_reader *r, uint64_t wire_id, etr_stack_id *out)
{
	return etr__tables_stack(&r->now.tables, wire_id, out);
}

size_t etr_reader_nstrings(const struct etr_reader *r)
{
	return r->now.tables.nstrings;
}

size_t etr_reader_nstacks(const struct etr_reader *r)
{
	return r->now.tables.nstacks;
}

const struct etr_sync *etr_reader_sync(const struct etr_reader *r)
{
	return &r->sync;
}

int etr_reader_version(const struct etr_reader *r)
{
	return r->version;
}

uint64_t etr_reader_generation(const struct etr_reader *r)
{
	return r->delivered_gen;
}

const uint64_t *etr_reader_wire_counts(const struct etr_reader *r)
{
	/* What is counted stays the same, and the reader is the caller's alone. */
	etr__order_count((struct etr__order *)(uintptr_t)&r->order);
	return r->order.counts;
}

const uint64_t *etr_reader_wire_bytes(const struct etr_reader *r)
{
	etr__order_count((struct etr__order *)(uintptr_t)&r->order);
	return r->order.bytes;
}

int etr_reader_experimental_batch(const struct etr_reader *r, size_t i, struct etr_experimental_batch *batch)
{
	const struct etr__experimental *e;

	if (!r->loaded || i >= r->now.nexperimental)
		return 0;
	e = &r->now.experimental[i];
	*batch = (struct etr_experimental_batch){ .name = wire_experiment_name(e->experiment), .experiment = e->experiment, .m = e->m,
						  .data = e->data, .size = e->size };
	return 1;
}

const char *etr_reader_detail(const struct etr_reader *r)
{
	return r->fault.detail;
}

uint64_t etr_reader_error_offset(const struct etr_reader *r)
{
	return r->fault.offset;
}

uint64_t etr_reader_error_generation(const struct etr_reader *r)
{
	return r->fault.generation;
}

const char *etr_reader_error_message(const struct etr_reader *r)
{
	return r->fault.message;
}

uint64_t etr_reader_good_size(const struct etr_reader *r)
{
	return r->good_size;
}

uint64_t etr_reader_offset(const struct etr_reader *r)
{
	uint64_t at = r->now.start + r->now.frontier.passed;

	return r->loaded && at < r->now.end ? at : r->now.end;
}

uint64_t etr_reader_size(const struct etr_reader *r)
{
	if (r->ahead)
		return etr__ahead_size((struct etr_reader *)(uintptr_t)r);
	/* Looks at the seek table, which leaves what is read as it is. */
	return etr__input_size((struct etr__input *)(uintptr_t)&r->in);
}

const char *etr_state_name(int state)
{
	static const char *const names[ETR_STATE_COUNT_] = {
		[ETR_STATE_UNDETERMINED] = "Undetermined", [ETR_STATE_NOT_EXIST] = "NotExist", [ETR_STATE_RUNNABLE] = "Runnable",
		[ETR_STATE_RUNNING] = "Running",	   [ETR_STATE_SYSCALL] = "Syscall",    [ETR_STATE_WAITING] = "Waiting",
		[ETR_STATE_IDLE] = "Idle",
	};

	return state >= 0 && state < ETR_STATE_COUNT_ ? names[state] : NULL;
}

const char *etr_kind_name(int kind)
{
	static const char *const names[ETR_KIND_COUNT_] = {
		[ETR_KIND_SYNC] = "Sync",
		[ETR_KIND_METRIC] = "Metric",
		[ETR_KIND_LABEL] = "Label",
		[ETR_KIND_STACK_SAMPLE] = "StackSample",
		[ETR_KIND_RANGE_BEGIN] = "RangeBegin",
		[ETR_KIND_RANGE_ACTIVE] = "RangeActive",
		[ETR_KIND_RANGE_END] = "RangeEnd",
		[ETR_KIND_TASK_BEGIN] = "TaskBegin",
		[ETR_KIND_TASK_END] = "TaskEnd",
		[ETR_KIND_REGION_BEGIN] = "RegionBegin",
		[ETR_KIND_REGION_END] = "RegionEnd",
		[ETR_KIND_LOG] = "Log",
		[ETR_KIND_STATE_TRANSITION] = "StateTransition",
		[ETR_KIND_EXPERIMENTAL] = "Experimental",
	};

	return kind >= 0 && kind < ETR_KIND_COUNT_ ? names[kind] : NULL;
}

const char *etr_wire_name(int type)
{
	return type >= 0 && type < 256 ? wire_specs[type].name : NULL;
}

const char *etr_wire_arg_name(int type, unsigned arg)
{
	return arg < etr_wire_nargs(type) ? wire_specs[type].args[arg].name : NULL;
}

unsigned etr_wire_nargs(int type)
{
	return type >= 0 && type < 256 ? wire_specs[type].nargs : 0;
}

const char *etr_wire_experiment(int type)
{
	if (type < 0 || type > 255 || wire_specs[type].cls != WIRE_CLASS_EXPERIMENT)
		return NULL;
	return wire_experiment_name(WIRE_EXPERIMENT_ALLOC_FREE);
}
