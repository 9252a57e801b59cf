/* SPDX-License-Identifier: BSD-3-Clause
 *
 * follow.h - waiting for a trace that is still being written.
 */
#ifndef TOOLS_FOLLOW_H
#define TOOLS_FOLLOW_H

#include <exectrace/reader.h>

struct follow {
	const char *path;
	int notify;		/* an inotify descriptor; -1: none, files are looked at now and then */
	int file;		/* the file, to ask whether anybody writes it; -1: unknown */
	unsigned quiet;		/* how often in a row nobody was found to write it */
};

/* To be called before the reader is opened with path, which is not standard input.  0, or -1 with errno set. */
int follow_begin(struct follow *f, struct etr_reader *reader, const char *path);

/*
 * After -ETR_E_AGAIN: waits until the file may have changed.  When its writer has closed it, or nobody has had it open for writing
 * for about two seconds, tells the reader that there will be no more.
 */
void follow_wait(struct follow *f, struct etr_reader *reader);

void follow_end(struct follow *f);

#endif
