/* SPDX-License-Identifier: BSD-3-Clause
 *
 * notes.h - the "exectrace:" strings of a generation. The writer's thread only.
 */
#ifndef TRACER_NOTES_H
#define TRACER_NOTES_H

#include <stddef.h>

struct trace_writer;

void trace_notes_write(struct trace_writer *w, void (*put)(void *ctx, const char *text, size_t len));

#endif
