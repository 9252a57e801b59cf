/* SPDX-License-Identifier: BSD-3-Clause
 *
 * input.c - bytes at an offset, whatever they come from.
 *
 * Files are read with pread() into a window, never mapped: a file that another process truncates then is a short read and
 * not a signal.  A stream's window slides forward over it; what has left it is gone.  Compressed input is a stream whose bytes
 * come out of unzip.c, which reads the stored ones.
 */
#include "libtrace/input.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire/seektable.h"

/* The least that is read at a new place: batch headers stand up to 64 KiB apart, and only they are wanted there. */
#define JUMP_READ ((size_t)4096)
#define WINDOW ((size_t)160 * 1024)

void etr__input_init(struct etr__input *in)
{
	memset(in, 0, sizeof(*in));
	in->fd = -1;
	in->hold = UINT64_MAX;
}

void etr__input_close(struct etr__input *in)
{
	if (in->own_fd)
		close(in->fd);
	etr__unzip_free(in->unzip);
	free(in->win);
	free(in->path);
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
	in->raw = in->mode = S_ISREG(st.st_mode) ? ETR__INPUT_PREAD : ETR__INPUT_STREAM;
	in->follow = in->follow && S_ISREG(st.st_mode);
	if (S_ISREG(st.st_mode) && !in->follow) {
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
	if (in->follow)
		in->path = strdup(path);
	if ((in->follow && !in->path) || etr__input_open_fd(in, fd) != 0) {
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
	in->raw = in->mode = ETR__INPUT_MEMORY;
	in->follow = false;
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
	in->raw = in->mode = in->ops.pread ? ETR__INPUT_PREAD : ETR__INPUT_STREAM;
	in->follow = false;
}

ssize_t etr__input_read_raw(struct etr__input *in, void *buf, size_t size, uint64_t off)
{
	ssize_t n;

	if (in->raw == ETR__INPUT_MEMORY) {
		size_t left = off < in->size ? (size_t)(in->size - off) : 0;

		n = (ssize_t)(left < size ? left : size);
		memcpy(buf, in->mem + (n ? off : 0), (size_t)n);
		return n;
	}
	do {
		if (in->fd < 0 && in->raw == ETR__INPUT_STREAM)
			n = in->ops.read(in->ctx, buf, size);
		else if (in->fd < 0)
			n = in->ops.pread(in->ctx, buf, size, off);
		else if (in->raw == ETR__INPUT_STREAM)
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

bool etr__input_raw_size(const struct etr__input *in, uint64_t *size)
{
	struct stat st;

	if (in->raw == ETR__INPUT_MEMORY) {
		*size = in->size;
		return true;
	}
	if (in->fd < 0 && in->ops.pread && in->ops.size) {
		int64_t n = in->ops.size(in->ctx);

		*size = n > 0 ? (uint64_t)n : 0;
		return n >= 0;
	}
	if (in->fd < 0 || fstat(in->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return false;
	*size = (uint64_t)st.st_size;
	return true;
}

static ssize_t read_some(struct etr__input *in, void *buf, size_t size, uint64_t off)
{
	return in->unzip ? etr__unzip_read(in->unzip, in, buf, size) : etr__input_read_raw(in, buf, size, off);
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

/* A read failed behind what is there already: that is shown first.  0, or -1 with errno set. */
static int stream_breaks(struct etr__input *in, uint64_t off)
{
	return off < in->win_off + in->win_len ? 0 : -1;
}

/* Slides a stream's window so that it begins at off, and fills it until need bytes are there or the stream ends. */
static int fill_stream(struct etr__input *in, uint64_t off, size_t need)
{
	while (in->win_off + in->win_len < off + need && !in->at_end) {
		ssize_t n;

		if (in->win_off < off && in->win_off < in->hold) {
			uint64_t gone = (off < in->hold ? off : in->hold) - in->win_off;
			size_t cut = gone < in->win_len ? (size_t)gone : in->win_len;

			memmove(in->win, in->win + cut, in->win_len - cut);
			in->win_off += cut;
			in->win_len -= cut;
		}
		if (in->broken) {
			errno = in->broken;
			return stream_breaks(in, off);
		}
		n = read_some(in, in->win + in->win_len, in->win_cap - in->win_len, 0);
		if (n < 0) {
			in->broken = errno;
			return stream_breaks(in, off);
		}
		if (n == 0 && in->follow)
			return 0;
		in->at_end = n == 0;
		in->win_len += (size_t)n;
	}
	if (in->at_end && in->unzip)
		in->unzipped = in->win_off + in->win_len;
	else if (in->at_end && !in->size_known) {
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

static int make_window(struct etr__input *in)
{
	if (in->win)
		return 0;
	in->win = malloc(WINDOW);
	in->win_cap = in->win ? WINDOW : 0;
	return in->win ? 0 : -1;
}

ssize_t etr__input_view(struct etr__input *in, uint64_t off, size_t need, const uint8_t **p)
{
	uint64_t avail;

	if (in->mode == ETR__INPUT_MEMORY) {
		*p = in->mem + (off < in->size ? off : in->size);
		avail = off < in->size ? in->size - off : 0;
		return avail > SSIZE_MAX ? SSIZE_MAX : (ssize_t)avail;
	}
	if (make_window(in) != 0)
		return -1;
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

/* --- compressed input --- */

int etr__input_detect(struct etr__input *in)
{
	const uint8_t *p;
	ssize_t n;

	if (in->unzip)
		return 0;
	n = etr__input_view(in, 0, 4, &p);
	if (n < 0)
		return -1;
	if (n < 4 || !wire_is_zstd_frame(p))
		return 0;
	/* A stream's first bytes are in the window, and nowhere else any more. */
	if (make_window(in) != 0)
		return -1;
	in->unzip = in->raw == ETR__INPUT_STREAM ? etr__unzip_new(in->win, in->win_len) : etr__unzip_new(NULL, 0);
	if (!in->unzip)
		return -1;
	in->mode = ETR__INPUT_STREAM;
	in->win_off = in->win_len = 0;
	in->at_end = false;
	return 0;
}

int etr__input_fault(const struct etr__input *in, struct etr__fault *fault, uint64_t off)
{
	const struct etr__zfault *z = in->unzip ? etr__unzip_fault(in->unzip) : NULL;

	if (errno == EBADMSG && z && z->code)
		return etr__fault_set(fault, z->code, off, "%s", z->message);
	return etr__fault_io(fault, off);
}

bool etr__input_is_tainted(const struct etr__input *in, uint64_t off)
{
	const struct etr__zfault *z = in->unzip ? etr__unzip_fault(in->unzip) : NULL;

	return z && z->code == ETR_E_COMPRESSION && z->frame_out < off;
}

void etr__input_seek(struct etr__input *in, uint64_t off)
{
	in->hold = UINT64_MAX;
	if (!in->unzip || in->raw == ETR__INPUT_STREAM || (off >= in->win_off && off <= in->win_off + in->win_len))
		return;
	in->win_off = etr__unzip_seek(in->unzip, in, off);
	in->win_len = 0;
	in->at_end = false;
	in->broken = 0;
}

uint64_t etr__input_size(struct etr__input *in)
{
	if (in->unzip)
		return in->unzipped ? in->unzipped : etr__unzip_size(in->unzip, in);
	return in->size_known ? in->size : 0;
}

/* --- files that grow --- */

static int ended(struct etr__input *in, int how)
{
	in->follow = false;
	return how;
}

int etr__input_look(struct etr__input *in, uint64_t off)
{
	struct stat now, named;
	uint64_t need = in->unzip ? etr__unzip_raw_needed(in->unzip, off) : off;

	if (fstat(in->fd, &now) != 0)
		return -1;
	if ((uint64_t)now.st_size < in->seen && (uint64_t)now.st_size >= need)
		return ended(in, ETR__INPUT_CUT);
	if ((uint64_t)now.st_size < in->seen) {
		errno = EBADMSG;
		return -1;
	}
	in->seen = (uint64_t)now.st_size;
	if (in->unzip && etr__unzip_has_ended(in->unzip) && etr__unzip_raw_offset(in->unzip) >= in->seen)
		return ended(in, ETR__INPUT_ENDED);
	/* When its name is another file's, or none's, nobody will find it to write on. */
	if (in->path && (stat(in->path, &named) != 0 || named.st_dev != now.st_dev || named.st_ino != now.st_ino))
		return ended(in, ETR__INPUT_ENDED);
	return ETR__INPUT_WAIT;
}
