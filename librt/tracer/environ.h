/* SPDX-License-Identifier: BSD-3-Clause
 *
 * environ.h - recording as the environment asks for it.
 */
#ifndef TRACER_ENVIRON_H
#define TRACER_ENVIRON_H

/* Reads EXECTRACE and starts a session if it says so; complains on standard error and goes on. */
void trace_environ_start(void);

#endif
