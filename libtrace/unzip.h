/* SPDX-License-Identifier: BSD-3-Clause
 *
 * unzip.h - the bytes of a zstd-compressed input as if it were not.
 *
 * A build without zstd has unzip-none.c in the place of unzip.c: there such an input is refused.
 */
#ifndef LIBTRACE_UNZIP_H
#define LIBTRACE_UNZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct etr__input;

/* What is known of a place where a frame begins: its offset in the file and in what it decompresses to. */
struct etr__zframe {
	uint64_t raw, out;
};

/* Why the compressed bytes cannot be read on; the message names their offset. */
struct etr__zfault {
	int code;			/* as etr__fault_set() takes it; 0: nothing went wrong, or errno tells */
	uint64_t frame_out;		/* where the frame begins that is damaged, uncompressed */
	char message[160];
};

struct etr__unzip;

/* head: the stored bytes that have been read already, from the first one on; they are copied.  NULL: ENOMEM. */
struct etr__unzip *etr__unzip_new(const uint8_t *head, size_t n);
void etr__unzip_free(struct etr__unzip *z);

/*
 * The next bytes, up to size; 0 at the end (while the input is followed: for now); -1 with errno set, EBADMSG for what is
 * told by etr__unzip_fault().  A frame that is whole is handed out to its end when its checksum has been found right.
 */
ssize_t etr__unzip_read(struct etr__unzip *z, struct etr__input *in, void *buf, size_t size);
const struct etr__zfault *etr__unzip_fault(const struct etr__unzip *z);

/*
 * Goes to the last known frame that begins at or before off, unless reading on is shorter; the input must be stored where any
 * place can be read.  Returns the offset, uncompressed, of what is read next.
 */
uint64_t etr__unzip_seek(struct etr__unzip *z, struct etr__input *in, uint64_t off);

/* The frames of the seek table, which is believed for jumps only; NULL where there is none, or it contradicts the file. */
const struct etr__zframe *etr__unzip_frames(struct etr__unzip *z, struct etr__input *in, size_t *n);

/* The size uncompressed that the seek table tells; 0: unknown. */
uint64_t etr__unzip_size(struct etr__unzip *z, struct etr__input *in);

/* What comes next belongs to the frame that has begun. */
bool etr__unzip_is_in_frame(const struct etr__unzip *z);

/* A seek table was the last that has been read: the writer is done. */
bool etr__unzip_has_ended(const struct etr__unzip *z);

/* How many stored bytes were taken; and how many are needed for what comes before off, which stands in the last frame or the next. */
uint64_t etr__unzip_raw_offset(const struct etr__unzip *z);
uint64_t etr__unzip_raw_needed(const struct etr__unzip *z, uint64_t off);

#endif
