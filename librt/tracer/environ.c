/* SPDX-License-Identifier: BSD-3-Clause
 *
 * environ.c - EXECTRACE=file=PATH[,cpu=HZ][,period=DURATION][,buffer=SIZE].
 */
#include "librt/tracer/environ.h"

#include <stdlib.h>
#include <string.h>

#include "librt/tracer/core.h"

void trace_environ_start(void)
{
	const char *value = secure_getenv("EXECTRACE");
	struct trace_options o = TRACE_OPTIONS_INIT;
	int err;

	if (value == NULL || strncmp(value, "file=", 5) != 0)
		return;
	o.path = value + 5;
	err = trace_start(&o);
	if (err < 0)
		trace_warn("%s: %s", o.path, strerror(-err));
}
