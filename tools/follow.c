/* SPDX-License-Identifier: BSD-3-Clause
 *
 * follow.c - waits for a file to grow, by inotify(7) where there is such a thing, else by looking now and then.
 *
 * Whether anybody has the file open for writing is asked by taking a read lease on it, which fcntl(2) grants only where nobody has.
 * Who may not take leases on it never learns that; then the trace ends as the reader finds out, or with the command.
 */
#include "config.h"

#include "tools/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <unistd.h>

#define LOOK_MS 1000

int follow_begin(struct follow *f, struct etr_reader *reader, const char *path)
{
	*f = (struct follow){ .path = path, .notify = -1, .file = -1 };
	if (etr_reader_follow(reader, 1) < 0) {
		errno = EINVAL;
		return -1;
	}
	/* Sent when somebody opens the file for writing while a lease is held for a moment. */
	signal(SIGIO, SIG_IGN);
	f->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (f->notify >= 0 &&
	    inotify_add_watch(f->notify, path, IN_MODIFY | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB) < 0) {
		close(f->notify);
		f->notify = -1;
	}
	f->file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return 0;
}

static int has_writer(const struct follow *f)
{
	if (f->file < 0 || fcntl(f->file, F_SETLEASE, F_RDLCK) != 0)
		return 1;
	fcntl(f->file, F_SETLEASE, F_UNLCK);
	return 0;
}

/* Takes what inotify has to say; whether a writer closed the file. */
static int take_notes(struct follow *f)
{
	union {
		struct inotify_event event;
		char bytes[4096];
	} notes;
	int closed = 0;
	ssize_t n;

	while ((n = read(f->notify, &notes, sizeof(notes))) > 0) {
		for (char *p = notes.bytes; p < notes.bytes + n;) {
			const struct inotify_event *event = (const void *)p;

			closed |= (event->mask & IN_CLOSE_WRITE) != 0;
			p += sizeof(*event) + event->len;
		}
	}
	return closed;
}

void follow_wait(struct follow *f, struct etr_reader *reader)
{
	struct pollfd pfd = { .fd = f->notify, .events = POLLIN };
	int n = poll(&pfd, f->notify >= 0, f->notify >= 0 ? LOOK_MS : LOOK_MS / 4);

	if (n > 0) {
		/* One of several writers may have closed it; the recorder's command and its program both have it open. */
		f->quiet = 0;
		if (take_notes(f) && !has_writer(f))
			etr_reader_follow(reader, 0);
		return;
	}
	f->quiet = has_writer(f) ? 0 : f->quiet + 1;
	if (f->quiet >= 2)
		etr_reader_follow(reader, 0);
}

void follow_end(struct follow *f)
{
	if (f->notify >= 0)
		close(f->notify);
	if (f->file >= 0)
		close(f->file);
}
