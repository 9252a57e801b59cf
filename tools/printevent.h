/* SPDX-License-Identifier: BSD-3-Clause
 *
 * printevent.h - a delivered event as a line of text.
 */
#ifndef TOOLS_PRINTEVENT_H
#define TOOLS_PRINTEVENT_H

#include <exectrace/reader.h>

#include "tools/textout.h"

/* Prints the event that the reader delivered last, as trace-print(1) has it. */
void print_event(struct textout *t, const struct etr_reader *r, const struct etr_event *ev, bool stacks);

#endif
