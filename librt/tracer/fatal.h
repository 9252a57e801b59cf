/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fatal.h - the last generation reaches the file when a signal ends the program.
 */
#ifndef TRACER_FATAL_H
#define TRACER_FATAL_H

/* Catches the signals that would end the program and can be caught, where nobody handles or ignores them. */
void trace_fatal_watch(void);

#endif
