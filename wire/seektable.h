/* SPDX-License-Identifier: BSD-3-Clause
 *
 * seektable.h - compressed traces: zstd frames, and the seek table of zstd's seekable format behind them.
 *
 * The table is a skippable frame, so that plain zstd passes over it: magic, size, an entry of two or three little-endian words
 * for each frame (its size in the file, its size uncompressed, a checksum if the flag is set), and a footer of nine bytes: the
 * number of frames, the flags, a magic of its own.
 */
#ifndef WIRE_SEEKTABLE_H
#define WIRE_SEEKTABLE_H

#include <stdbool.h>
#include <stdint.h>

#define WIRE_ZSTD_MAGIC 0xFD2FB528u
#define WIRE_ZSTD_SKIPPABLE 0x184D2A50u		/* the lowest four bits are anything */
#define WIRE_SEEK_TABLE_MAGIC 0x184D2A5Eu
#define WIRE_SEEK_FOOTER_MAGIC 0x8F92EAB1u
#define WIRE_SEEK_HEADER_SIZE 8
#define WIRE_SEEK_ENTRY_SIZE 8			/* without a checksum; 4 more with */
#define WIRE_SEEK_FOOTER_SIZE 9
#define WIRE_SEEK_MAX_FRAMES 0x8000000u
#define WIRE_SEEK_HAS_CHECKSUMS 0x80u
#define WIRE_SEEK_RESERVED 0x7cu

static inline uint32_t wire_get_le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint8_t *wire_put_le32(uint8_t *p, uint32_t v)
{
	*p++ = (uint8_t)v;
	*p++ = (uint8_t)(v >> 8);
	*p++ = (uint8_t)(v >> 16);
	*p++ = (uint8_t)(v >> 24);
	return p;
}

/* Whether four bytes begin a frame of either kind, and whether it is one that holds no data. */
static inline bool wire_is_skippable_frame(const uint8_t *p)
{
	return (wire_get_le32(p) & 0xfffffff0u) == WIRE_ZSTD_SKIPPABLE;
}

static inline bool wire_is_zstd_frame(const uint8_t *p)
{
	return wire_get_le32(p) == WIRE_ZSTD_MAGIC || wire_is_skippable_frame(p);
}

/* The parts of a table of n frames. Each returns the place behind what it wrote. */
static inline uint8_t *wire_put_seek_header(uint8_t *p, uint32_t n)
{
	p = wire_put_le32(p, WIRE_SEEK_TABLE_MAGIC);
	return wire_put_le32(p, n * WIRE_SEEK_ENTRY_SIZE + WIRE_SEEK_FOOTER_SIZE);
}

static inline uint8_t *wire_put_seek_entry(uint8_t *p, uint32_t compressed, uint32_t size)
{
	return wire_put_le32(wire_put_le32(p, compressed), size);
}

static inline uint8_t *wire_put_seek_footer(uint8_t *p, uint32_t n)
{
	p = wire_put_le32(p, n);
	*p++ = 0;
	return wire_put_le32(p, WIRE_SEEK_FOOTER_MAGIC);
}

#endif
