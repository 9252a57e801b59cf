/* SPDX-License-Identifier: BSD-3-Clause
 *
 * input.h - bytes at an offset, whatever they come from: memory, a file, a pipe, the caller's functions.
 */
#ifndef LIBTRACE_INPUT_H
#define LIBTRACE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <exectrace/reader.h>

#include "libtrace/fault.h"
#include "libtrace/unzip.h"

enum etr__input_mode {
	ETR__INPUT_CLOSED,
	ETR__INPUT_MEMORY,	/* views point into the caller's memory */
	ETR__INPUT_PREAD,	/* any place can be read at any time */
	ETR__INPUT_STREAM,	/* front to back */
};

struct etr__input {
	enum etr__input_mode mode;	/* what is seen: compressed input is a stream, which can go back if raw is none */
	enum etr__input_mode raw;	/* how the bytes are stored */
	struct etr__unzip *unzip;	/* NULL: they are not compressed */
	bool follow;			/* the end of a regular file is not the end */
	int broken;			/* errno of the read that failed behind what is in a stream's window */
	char *path;			/* of a file that is followed */
	uint64_t seen;			/* its size when it was looked at last */
	uint64_t unzipped;		/* the size, uncompressed, once the end has been read; else 0 */
	const uint8_t *mem;
	uint64_t size;
	bool size_known;
	bool own_fd;
	bool at_end;			/* of a stream */
	int fd;				/* -1: ops */
	struct etr_input_ops ops;
	void *ctx;
	uint8_t *win;			/* the bytes [win_off, win_off + win_len) */
	size_t win_len, win_cap;
	uint64_t win_off;
	uint64_t hold;			/* a stream's window does not slide beyond this: it may have to be seen again */
};

void etr__input_init(struct etr__input *in);
void etr__input_close(struct etr__input *in);

/* 0, or -1 with errno set.  follow is set before, or not at all. */
int etr__input_open_path(struct etr__input *in, const char *path);
int etr__input_open_fd(struct etr__input *in, int fd);
void etr__input_open_memory(struct etr__input *in, const void *data, size_t size);
void etr__input_open_callbacks(struct etr__input *in, const struct etr_input_ops *ops, void *ctx);

/*
 * Looks whether the input is compressed, and makes it what it decompresses to.  0, or -1 with errno set.  To be called before
 * anything is read, and again where less than four bytes were there.
 */
int etr__input_detect(struct etr__input *in);

/* Records why the input could not be read at off, errno being set by the call that failed; returns the code. */
int etr__input_fault(const struct etr__input *in, struct etr__fault *fault, uint64_t off) __attribute__((cold));

/* Can be read anywhere, again and again. */
static inline bool etr__input_is_seekable(const struct etr__input *in)
{
	return in->mode != ETR__INPUT_STREAM;
}

/*
 * Makes the need bytes at off visible: *p points to them until the next call.  Returns how many are there: need or more, or
 * fewer where the input ends; -1 with errno set.  A stream's offsets must not decrease.  need is at most 128 KiB.
 */
ssize_t etr__input_view(struct etr__input *in, uint64_t off, size_t need, const uint8_t **p);

/* Whether the input has size bytes at off; reads them only where it has to.  1, 0, or -1 with errno set. */
int etr__input_has(struct etr__input *in, uint64_t off, size_t size);

/* The same for compressed input too, though going back may cost; etr__input_seek() is to be called first. */
static inline bool etr__input_can_seek(const struct etr__input *in)
{
	return in->mode != ETR__INPUT_STREAM || (in->unzip && in->raw != ETR__INPUT_STREAM);
}

/* What is viewed next is at off; only forwards where etr__input_can_seek() is false. */
void etr__input_seek(struct etr__input *in, uint64_t off);

/* The size, uncompressed, as far as it can be known without reading it all; 0: unknown. */
uint64_t etr__input_size(struct etr__input *in);

/* Whether the frame that turned out to be damaged holds bytes before off, so that they cannot be relied on. */
bool etr__input_is_tainted(const struct etr__input *in, uint64_t off);

/*
 * Of an input that is followed and has come to an end, the bytes up to off being all that counts: WAIT, it may go on later;
 * ENDED, what is there is all; CUT, it was cut back, but not before off.  After the last two it is not followed any more.
 * -1 with errno set: EBADMSG when it has become shorter than that.
 */
enum { ETR__INPUT_WAIT, ETR__INPUT_ENDED, ETR__INPUT_CUT };
int etr__input_look(struct etr__input *in, uint64_t off);

/* The stored bytes: up to size of them at off (a stream's next ones), and how many there are (false: unknown). */
ssize_t etr__input_read_raw(struct etr__input *in, void *buf, size_t size, uint64_t off);
bool etr__input_raw_size(const struct etr__input *in, uint64_t *size);

/* Reads size bytes at off into buf; seekable input only.  Returns how many there were, or -1 with errno set. */
ssize_t etr__input_pread(struct etr__input *in, void *buf, size_t size, uint64_t off);

#endif
