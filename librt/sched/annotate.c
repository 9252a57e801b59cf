/* SPDX-License-Identifier: BSD-3-Clause
 *
 * annotate.c - tasks, regions and logs of the program's own. They are events without a state change.
 *
 * A task that begins while nothing is recorded has an id of its own all the same, so that what belongs to it does not fall to
 * the background task when a recording starts in its midst.
 */
#include "librt/sched/gmp.h"

#include <string.h>

/* Pins if there is something to tell and a goroutine with a P to tell it of. */
static bool begin(struct trace_pin *pin, struct exrt__m **m)
{
	if (!trace_switch_page || !trace_is_on())
		return false;
	*m = exrt__m_self();
	if (!*m || !(*m)->g || exrt__g_is_in_syscall((*m)->g))
		return false;
	if (exrt__trace_begin(pin, *m))
		return true;
	exrt__trace_end(pin, *m, false);
	return false;
}

struct exrt_task exrt_task_begin(struct exrt_task parent, const char *type)
{
	static _Atomic uint64_t last;
	struct exrt_task task = { atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1 };
	struct trace_pin pin;
	struct exrt__m *m;

	if (begin(&pin, &m)) {
		trace_task_begin(&pin, task.id, parent.id, type, strlen(type), TRACE_HERE());
		exrt__trace_end(&pin, m, true);
	}
	return task;
}

void exrt_task_end(struct exrt_task task)
{
	struct trace_pin pin;
	struct exrt__m *m;

	if (begin(&pin, &m)) {
		trace_task_end(&pin, task.id, TRACE_HERE());
		exrt__trace_end(&pin, m, true);
	}
}

void exrt_region_begin(struct exrt_task task, const char *type)
{
	struct trace_pin pin;
	struct exrt__m *m;

	if (begin(&pin, &m)) {
		trace_region(&pin, true, task.id, type, strlen(type), TRACE_HERE());
		exrt__trace_end(&pin, m, true);
	}
}

void exrt_region_end(struct exrt_task task, const char *type)
{
	struct trace_pin pin;
	struct exrt__m *m;

	if (begin(&pin, &m)) {
		trace_region(&pin, false, task.id, type, strlen(type), TRACE_HERE());
		exrt__trace_end(&pin, m, true);
	}
}

void exrt_log(struct exrt_task task, const char *category, const char *message)
{
	struct trace_pin pin;
	struct exrt__m *m;

	if (begin(&pin, &m)) {
		trace_log(&pin, task.id, category, strlen(category), message, strlen(message), TRACE_HERE());
		exrt__trace_end(&pin, m, true);
	}
}
