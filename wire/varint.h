/* SPDX-License-Identifier: BSD-3-Clause
 *
 * varint.h - unsigned LEB128: seven bits a byte, low group first, the high bit says that more follow.
 *
 * At most ten bytes, the tenth of them 0 or 1; padding (groups of zero bits at the top) is legal and is how a length field can
 * be reserved and filled in later.
 */
#ifndef WIRE_VARINT_H
#define WIRE_VARINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_VARINT_MAX 10

/* How many bytes wire_put_varint writes for v: 1 to 10. */
static inline size_t wire_varint_size(uint64_t v)
{
	return (size_t)(70 - __builtin_clzll(v | 1)) / 7;
}

/* Writes v at p, which has room for WIRE_VARINT_MAX bytes; returns the first byte behind it. */
static inline uint8_t *wire_put_varint(uint8_t *p, uint64_t v)
{
	while (v >= 0x80) {
		*p++ = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	*p++ = (uint8_t)v;
	return p;
}

/* Writes v in exactly width bytes, padded; v must fit in 7 * width bits. */
static inline uint8_t *wire_put_varint_padded(uint8_t *p, uint64_t v, size_t width)
{
	for (size_t i = 0; i + 1 < width; i++, v >>= 7)
		*p++ = (uint8_t)(v | 0x80);
	*p++ = (uint8_t)(v & 0x7f);
	return p;
}

/* The long form of wire_get_varint; see there. */
static inline const uint8_t *wire_get_varint_slow(const uint8_t *p, const uint8_t *end, uint64_t *v)
{
	uint64_t x = 0;

	for (unsigned shift = 0; shift < 70; shift += 7) {
		uint8_t b;

		if (p == end)
			return NULL;
		b = *p++;
		if (shift == 63 && b > 1)
			return NULL;
		x |= (uint64_t)(b & 0x7f) << shift;
		if (b < 0x80) {
			*v = x;
			return p;
		}
	}
	return NULL;
}

/*
 * Reads a varint from [p, end) into *v.  Returns the first byte behind it, or NULL, *v untouched, when the bytes end inside
 * it or its value does not fit in 64 bits.
 */
static inline const uint8_t *wire_get_varint(const uint8_t *p, const uint8_t *end, uint64_t *v)
{
	if (__builtin_expect(p < end && *p < 0x80, 1)) {
		*v = *p;
		return p + 1;
	}
	return wire_get_varint_slow(p, end, v);
}

#endif
