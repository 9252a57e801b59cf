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

enum etr__input_mode {
	ETR__INPUT_CLOSED,
	ETR__INPUT_MEMORY,	/* views point into the caller's memory */
	ETR__INPUT_PREAD,	/* any place can be read at any time */
	ETR__INPUT_STREAM,	/* front to back */
};

struct etr__input {
	enum etr__input_mode mode;
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
};

void etr__input_init(struct etr__input *in);
void etr__input_close(struct etr__input *in);

/* 0, or -1 with errno set. */
int etr__input_open_path(struct etr__input *in, const char *path);
int etr__input_open_fd(struct etr__input *in, int fd);
void etr__input_open_memory(struct etr__input *in, const void *data, size_t size);
void etr__input_open_callbacks(struct etr__input *in, const struct etr_input_ops *ops, void *ctx);

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

/* Reads size bytes at off into buf; seekable input only.  Returns how many there were, or -1 with errno set. */
ssize_t etr__input_pread(struct etr__input *in, void *buf, size_t size, uint64_t off);

#endif
