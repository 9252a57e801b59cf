/* SPDX-License-Identifier: BSD-3-Clause
 *
 * progress.h - how far reading has come, for who waits at a terminal; one reader at a time.
 */
#ifndef TOOLS_PROGRESS_H
#define TOOLS_PROGRESS_H

#include <stdint.h>

/*
 * Shows, on standard error when that is a terminal and this process in its foreground, how far reading has come: from a second after
 * this call on, a few times a second, until progress_end().  name heads the line; position, which is called in a signal handler of the
 * calling thread, returns the bytes of ctx's input that have been passed, of size (0: unknown).  Both must live until the end.
 * Standard output being a terminal, too, progress_end() must come before anything is printed there.
 */
void progress_begin(const char *name, uint64_t (*position)(const void *ctx), const void *ctx, uint64_t size);

/* Erases what is shown and ends it, if it was begun. */
void progress_end(void);

/* Only erases; may be called from a signal handler. */
void progress_erase(void);

#endif
