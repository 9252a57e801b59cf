/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fatal.c - to be written.
 */
#include "librt/tracer/fatal.h"

void trace_fatal_watch(void)
{
}
