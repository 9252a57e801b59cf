/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sumreason.c - why goroutines wait and are runnable: reasons by their texts, and a cache by the reader's ids.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/grow.h"
#include "analysis/sumimpl.h"

struct an_reason *an__reason_get(struct an_summary *summary, an_text_id name)
{
	const uint64_t key = an__capped(summary, &summary->reasons, name);
	struct an_reason **slot = an_map_add(&summary->reasons, &key, NULL);

	if (slot && !*slot && (*slot = calloc(1, sizeof(**slot))))
		(*slot)->name = (an_text_id)key;
	return slot ? *slot : NULL;
}

static struct an_reason *reason_from(struct an_summary *summary, int from)
{
	char text[32];
	int len;

	if (from >= ETR_STATE_COUNT_)
		from = ETR_STATE_UNDETERMINED;
	if (!summary->from_state[from]) {
		len = snprintf(text, sizeof(text), "(from %s)", etr_state_name(from));
		summary->from_state[from] = an__reason_get(summary, an_names_add_text(summary->names, text, (size_t)len));
	}
	return summary->from_state[from];
}

struct an_reason *an__reason_load(struct an_summary *summary, const struct etr_event *event)
{
	etr_string_id id = event->u.transition.reason;
	an_text_id name = an_names_text(summary->names, id);
	size_t old = summary->by_string_cap;
	struct an_reason *reason, **bigger;

	if (!name)
		return reason_from(summary, event->from);
	reason = an__reason_get(summary, name);
	bigger = reason ? an_grow(summary->by_string, &summary->by_string_cap, (size_t)id + 1, sizeof(*bigger)) : NULL;
	if (!bigger)
		return NULL;
	summary->by_string = bigger;
	if (summary->by_string_cap > old)
		memset(bigger + old, 0, (summary->by_string_cap - old) * sizeof(*bigger));
	bigger[id] = reason;
	return reason;
}

struct an_reason *an__reason_now(struct an_summary *summary, const struct etr_event *event)
{
	const struct an_past_g *known = an__recalled(summary, event);

	return known && known->reason ? an__reason_get(summary, known->reason) : an__reason_of(summary, event);
}
