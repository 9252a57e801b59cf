/* SPDX-License-Identifier: BSD-3-Clause
 *
 * emituser.c - what the program says of itself: labels, tasks, regions, logs and metrics.
 *
 * When buffers run short, labels, logs and metrics are dropped and counted. Tasks and regions are not: readers want a region's
 * end to match the innermost open begin, so a lost one would spoil the rest.
 */
#include "librt/tracer/emit.h"
#include "librt/tracer/encode.h"

void trace_go_label(struct trace_pin *pin, const char *label, size_t len)
{
	struct trace_chunk *c;
	uint8_t *at;
	uint64_t string;

	if (must_drop(pin))
		return;
	string = trace_string_put(pin->gen & 1, label, len);
	at = begin(pin, &c, WIRE_P_RUNNING, WIRE_G_RUNNING);
	if (unlikely(at == NULL))
		return;
	at = event(at, pin, WIRE_GO_LABEL);
	at = put(at, string);
	end(c, at);
}

void trace_task_begin(struct trace_pin *pin, uint64_t task, uint64_t parent, const char *name, size_t len,
		      struct trace_where where)
{
	struct trace_chunk *c;
	uint8_t *at;
	uint64_t stack, string;

	string = trace_string_put(pin->gen & 1, name, len);
	stack = stack_id(pin, where, 0);
	at = begin(pin, &c, WIRE_P_RUNNING, WIRE_G_RUNNING);
	if (unlikely(at == NULL))
		return;
	at = event(at, pin, WIRE_USER_TASK_BEGIN);
	at = put(at, task);
	at = put(at, parent);
	at = put(at, string);
	at = put(at, stack);
	end(c, at);
}

void trace_task_end(struct trace_pin *pin, uint64_t task, struct trace_where where)
{
	struct trace_chunk *c;
	uint8_t *at;
	uint64_t stack;

	stack = stack_id(pin, where, 0);
	at = begin(pin, &c, WIRE_P_RUNNING, WIRE_G_RUNNING);
	if (unlikely(at == NULL))
		return;
	at = event(at, pin, WIRE_USER_TASK_END);
	at = put(at, task);
	at = put(at, stack);
	end(c, at);
}

void trace_region(struct trace_pin *pin, bool start, uint64_t task, const char *name, size_t len, struct trace_where where)
{
	struct trace_chunk *c;
	uint8_t *at;
	uint64_t stack, string;

	string = trace_string_put(pin->gen & 1, name, len);
	stack = stack_id(pin, where, 0);
	at = begin(pin, &c, WIRE_P_RUNNING, WIRE_G_RUNNING);
	if (unlikely(at == NULL))
		return;
	at = event(at, pin, start ? WIRE_USER_REGION_BEGIN : WIRE_USER_REGION_END);
	at = put(at, task);
	at = put(at, string);
	at = put(at, stack);
	end(c, at);
}

void trace_log(struct trace_pin *pin, uint64_t task, const char *key, size_t key_len, const char *value, size_t value_len,
	       struct trace_where where)
{
	struct trace_chunk *c;
	uint8_t *at;
	uint64_t stack, key_string, value_string;

	if (must_drop(pin))
		return;
	key_string = trace_string_put(pin->gen & 1, key, key_len);
	value_string = trace_string_put(pin->gen & 1, value, value_len);
	stack = stack_id(pin, where, 0);
	at = begin(pin, &c, WIRE_P_RUNNING, WIRE_G_RUNNING);
	if (unlikely(at == NULL))
		return;
	at = event(at, pin, WIRE_USER_LOG);
	at = put(at, task);
	at = put(at, key_string);
	at = put(at, value_string);
	at = put(at, stack);
	end(c, at);
}

void trace_heap_alloc(struct trace_pin *pin, uint64_t bytes)
{
	struct trace_chunk *c;
	uint8_t *at;

	if (must_drop(pin))
		return;
	at = begin(pin, &c, WIRE_P_RUNNING, WIRE_G_RUNNING);
	if (unlikely(at == NULL))
		return;
	at = event(at, pin, WIRE_HEAP_ALLOC);
	at = put(at, bytes);
	end(c, at);
}
