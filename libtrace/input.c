/* SPDX-License-Identifier: BSD-3-Clause
 *
 * input.c - bytes at an offset, whatever they come from.
 *
 * Files are read with pread() into a window, never mapped: a file that another process truncates then is a short read and
 * not a signal.  A stream's window slides forward over it; what has left it is gone.
 */
#include "libtrace/input.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The least that is read at a new place: batch headers stand up to 64 KiB apart, and only they are wanted there. */
#define JUMP_READ ((size_t)4096)
#define WINDOW ((size_t)160 * 1024)

void etr__input_init(struct etr__input *in)
{
	memset(in, 0, sizeof(*in));
	in->fd = -1;
}

void etr__input_close(struct etr__input *in)
{
	if (in->own_fd)
		close(in->fd);
	free(in->win);
	etr__input_init(in);
}

int etr__input_open_fd(struct etr__input *in, int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -1;
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return -1;
	}
	in->fd = fd;
	in->mode = S_ISREG(st.st_mode) ? ETR__INPUT_PREAD : ETR__INPUT_STREAM;
	if (S_ISREG(st.st_mode)) {
		in->size = (uint64_t)st.st_size;
		in->size_known = true;
	}
	return 0;
}

int etr__input_open_path(struct etr__input *in, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return -1;
	if (etr__input_open_fd(in, fd) != 0) {
		int e = errno;

		close(fd);
		errno = e;
		return -1;
	}
	in->own_fd = true;
	return 0;
}

void etr__input_open_memory(struct etr__input *in, const void *data, size_t size)
{
	in->mode = ETR__INPUT_MEMORY;
	in->mem = data;
	in->size = size;
	in->size_known = true;
}

void etr__input_open_callbacks(struct etr__input *in, const struct etr_input_ops *ops, void *ctx)
{
	size_t n = ops->struct_size < sizeof(in->ops) ? ops->struct_size : sizeof(in->ops);

	memset(&in->ops, 0, sizeof(in->ops));
	memcpy(&in->ops, ops, n);
	in->ctx = ctx;
	in->mode = in->ops.pread ? ETR__INPUT_PREAD : ETR__INPUT_STREAM;
}

static ssize_t read_some(struct etr__input *in, void *buf, size_t size, uint64_t off)
{
	ssize_t n;

	do {
		if (in->fd < 0 && in->mode == ETR__INPUT_STREAM)
			n = in->ops.read(in->ctx, buf, size);
		else if (in->fd < 0)
			n = in->ops.pread(in->ctx, buf, size, off);
		else if (in->mode == ETR__INPUT_STREAM)
			n = read(in->fd, buf, size);
		else
			n = pread(in->fd, buf, size, (off_t)off);
	} while (n < 0 && errno == EINTR);
	if (n > (ssize_t)size) {
		errno = EIO;
		return -1;
	}
	return n;
}

ssize_t etr__input_pread(struct etr__input *in, void *buf, size_t size, uint64_t off)
{
	size_t got = 0;

	if (in->mode == ETR__INPUT_MEMORY) {
		if (off >= in->size)
			return 0;
		got = in->size - off < size ? (size_t)(in->size - off) : size;
		memcpy(buf, in->mem + off, got);
		return (ssize_t)got;
	}
	while (got < size) {
		ssize_t n = off + got > (uint64_t)INT64_MAX ? 0 : read_some(in, (char *)buf + got, size - got, off + got);

		if (n < 0)
			return -1;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

/* Slides a stream's window so that it begins at off, and fills it until need bytes are there or the stream ends. */
static int fill_stream(struct etr__input *in, uint64_t off, size_t need)
{
	while (in->win_off + in->win_len < off + need && !in->at_end) {
		ssize_t n;

		if (in->win_off < off) {
			uint64_t gone = off - in->win_off;
			size_t cut = gone < in->win_len ? (size_t)gone : in->win_len;

			memmove(in->win, in->win + cut, in->win_len - cut);
			in->win_off += cut;
			in->win_len -= cut;
		}
		n = read_some(in, in->win + in->win_len, in->win_cap - in->win_len, 0);
		if (n < 0)
			return -1;
		in->at_end = n == 0;
		in->win_len += (size_t)n;
	}
	if (in->at_end && !in->size_known) {
		in->size = in->win_off + in->win_len;
		in->size_known = true;
	}
	return 0;
}

static int fill_window(struct etr__input *in, uint64_t off, size_t need)
{
	size_t want = need > JUMP_READ ? need : JUMP_READ;
	ssize_t n;

	/* Reading on where the window ends means that everything is wanted. */
	if (off <= in->win_off + in->win_len && off + need > in->win_off + in->win_len && off >= in->win_off)
		want = WINDOW / 2 > need ? WINDOW / 2 : need;
	if (in->size_known && off < in->size && in->size - off < want)
		want = (size_t)(in->size - off);
	in->win_len = 0;
	in->win_off = off;
	n = in->size_known && off >= in->size ? 0 : etr__input_pread(in, in->win, want, off);
	if (n < 0)
		return -1;
	in->win_len = (size_t)n;
	return 0;
}

ssize_t etr__input_view(struct etr__input *in, uint64_t off, size_t need, const uint8_t **p)
{
	uint64_t avail;

	if (in->mode == ETR__INPUT_MEMORY) {
		*p = in->mem + (off < in->size ? off : in->size);
		avail = off < in->size ? in->size - off : 0;
		return avail > SSIZE_MAX ? SSIZE_MAX : (ssize_t)avail;
	}
	if (!in->win) {
		in->win = malloc(WINDOW);
		if (!in->win)
			return -1;
		in->win_cap = WINDOW;
	}
	if (off < in->win_off || off + need > in->win_off + in->win_len) {
		int rc = in->mode == ETR__INPUT_STREAM ? fill_stream(in, off, need) : fill_window(in, off, need);

		if (rc != 0)
			return -1;
	}
	if (off < in->win_off || off >= in->win_off + in->win_len) {
		*p = in->win;
		return 0;
	}
	*p = in->win + (off - in->win_off);
	return (ssize_t)(in->win_off + in->win_len - off);
}

int etr__input_has(struct etr__input *in, uint64_t off, size_t size)
{
	const uint8_t *p;
	uint8_t last;
	ssize_t n;

	if (size == 0)
		return 1;
	if (in->mode == ETR__INPUT_STREAM) {
		n = etr__input_view(in, off, size, &p);
		return n < 0 ? -1 : n >= (ssize_t)size;
	}
	if (in->size_known)
		return off <= in->size && in->size - off >= size;
	n = etr__input_pread(in, &last, 1, off + size - 1);
	return n < 0 ? -1 : n == 1;
}
