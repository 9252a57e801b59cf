/* SPDX-License-Identifier: BSD-3-Clause
 *
 * compressout.h - output files that are compressed traces.
 */
#ifndef TOOLS_COMPRESSOUT_H
#define TOOLS_COMPRESSOUT_H

#include "tools/command.h"

#define COMPRESS_MAX_LEVEL 19

/*
 * What -z[LEVEL] means: a level of zstd, or 0 for -z0, not to compress.  text: its argument; NULL: none, and the level is
 * `otherwise`.  Ends the command with a usage error.
 */
int compress_level(const char *text, int otherwise);

/* Does a name ask for compression by itself? */
bool compress_is_asked_by(const char *path);

/*
 * Compresses what is written from now on; to be called behind command_output_open(), which is undone when this fails.  Return: 0,
 * or -1, said.
 */
int command_output_compress(struct command_output *out, int level);

#endif
