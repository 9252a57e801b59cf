/* SPDX-License-Identifier: BSD-3-Clause
 *
 * symbols.c - to be written: stand-ins for now.
 */
#include "librt/tracer/symbols.h"

#include <stdlib.h>
#include <string.h>

int trace_symbols_resolve(uintptr_t pc, const struct trace_frame **frames)
{
	static struct trace_text *text;
	static struct trace_frame frame;

	if (text == NULL) {
		text = calloc(1, sizeof(*text) + 2);
		text->len = 1;
		text->bytes[0] = '?';
	}
	frame = (struct trace_frame){ text, text, 1 };
	*frames = &frame;
	return 1;
}

void trace_symbols_refresh(void)
{
}

void trace_modules_visit(void (*visit)(void *ctx, const struct trace_module_info *info), void *ctx)
{
}
