/* SPDX-License-Identifier: BSD-3-Clause
 *
 * event.c - the event table as data, and look-ups in it.  Everything here is constant.
 */
#include "wire/event.h"

#include <string.h>

#define STRUCTURAL WIRE_CLASS_STRUCTURAL
#define TIMED WIRE_CLASS_TIMED
#define EXPERIMENT WIRE_CLASS_EXPERIMENT
#define A(name, role) { #name, WIRE_ROLE_##role }
#define NARGS(...) (sizeof((const struct wire_arg[]){ __VA_ARGS__ }) / sizeof(struct wire_arg))

const struct wire_spec wire_specs[256] = {
#define WIRE_EVENT(sym, type, name, since, cls, ...) [type] = { name, cls, since, NARGS(__VA_ARGS__), { __VA_ARGS__ } },
#include "wire/events.def"
#undef WIRE_EVENT
};

int wire_type_by_name(const char *name, size_t len)
{
	for (int t = 0; t < 256; t++) {
		const char *n = wire_specs[t].name;

		if (n && strlen(n) == len && memcmp(n, name, len) == 0)
			return t;
	}
	return -1;
}

const char *wire_experiment_name(uint64_t experiment)
{
	return experiment == WIRE_EXPERIMENT_ALLOC_FREE ? "AllocFree" : NULL;
}
