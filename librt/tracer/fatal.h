/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fatal.h - the last generation reaches the file when a signal ends the program.
 */
#ifndef TRACER_FATAL_H
#define TRACER_FATAL_H

/* From a session's start on: catches the signals that would end the program, where nobody handles or ignores them. */
void trace_fatal_watch(void);
/* From its end on: gives back those that nobody took meanwhile. */
void trace_fatal_unwatch(void);

/* For a host's own handler of such a signal: ends the recording, if there is one, as the recorder's handler would. */
void trace_fatal_flush(void);

#endif
