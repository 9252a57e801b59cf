/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fastbits.h - orderfast.c's decoding: the numbers of an event, without a branch on how long they are.
 *
 * An event's numbers lie behind its type byte, and the high bit of each of their bytes says whether more follow.  The high bits
 * of eight bytes, fetched at once and turned round, have a 1 at each number's end.  The n-th of them ends the event; n is known
 * where the event's type is, which is a jump that the processor guesses, so nothing waits for it.
 *
 * Little-endian machines only.  `bmi2` is a constant where these are inlined: whether there are those instructions.
 */
#ifndef LIBTRACE_FASTBITS_H
#define LIBTRACE_FASTBITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

/* The bits of each byte; in registers, since putting them together at every use takes longer. */
struct masks {
	uint64_t high, low;
};

INLINE uint64_t load64(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

/* The place of the n-th bit that is set in ends, `last` being 1 << (n - 1); 64 if there is none or last is 0. */
INLINE size_t nth_end(uint64_t ends, uint64_t last, bool bmi2)
{
#ifdef __x86_64__
	if (bmi2) {
		size_t place;

		__asm__("pdep %2, %1, %0\n\ttzcnt %0, %0" : "=r"(place) : "r"(last), "r"(ends) : "cc");
		return place;
	}
#endif
	(void)bmi2;
	if (!last)
		return 64;
	for (; last > 1; last >>= 1)
		ends &= ends - 1;
	return ends ? (size_t)__builtin_ctzll(ends) : 64;
}

/* The number in the bytes of w that `bytes` covers: their low seven bits, side by side. */
INLINE uint64_t number(uint64_t w, uint64_t bytes, const struct masks *k, bool bmi2)
{
#ifdef __x86_64__
	if (bmi2) {
		uint64_t v;

		__asm__("pext %2, %1, %0" : "=r"(v) : "r"(w), "r"(bytes & k->low));
		return v;
	}
#endif
	(void)bmi2;
	w = (w & bytes & k->low) >> __builtin_ctzll(bytes | (uint64_t)1 << 63);
	w = (w & 0x007f007f007f007fu) | (w & 0x7f007f007f007f00u) >> 1;
	w = (w & 0x00003fff00003fffu) | (w & 0x3fff00003fff0000u) >> 2;
	return (w & 0x000000000fffffffu) | (w & 0x0fffffff00000000u) >> 4;
}

/* All bits up to the lowest that is set; and x without that one.  Each is one instruction if the compiler does not share parts. */
INLINE uint64_t up_to_lowest(uint64_t x, bool bmi2)
{
#ifdef __x86_64__
	if (bmi2) {
		__asm__("blsmsk %1, %0" : "=r"(x) : "r"(x) : "cc");
		return x;
	}
#endif
	(void)bmi2;
	return x ^ (x - 1);
}

INLINE uint64_t without_lowest(uint64_t x, bool bmi2)
{
#ifdef __x86_64__
	if (bmi2) {
		__asm__("blsr %1, %0" : "=r"(x) : "r"(x) : "cc");
		return x;
	}
#endif
	(void)bmi2;
	return x & (x - 1);
}

/* Which bit is the lowest that is set. */
INLINE size_t place_of_lowest(uint64_t x, bool bmi2)
{
#ifdef __x86_64__
	if (bmi2) {
		__asm__("tzcnt %1, %0" : "=r"(x) : "r"(x) : "cc");
		return x;
	}
#endif
	(void)bmi2;
	return (size_t)__builtin_ctzll(x | (uint64_t)1 << 63);
}

/* Numbers of an event behind its dt, and what follows it. */
struct numbers {
	uint64_t a, b, c;
	const uint8_t *next;
	bool usual;			/* all that it has, dt too, take eight bytes at most; else the others mean nothing */
};

/* The first n (0 to 3) numbers behind dt of the event at p, which are all that it has. */
INLINE struct numbers numbers(const uint8_t *p, int n, const struct masks *k, bool bmi2)
{
	uint64_t w = load64(p + 1), ends = ~w & k->high, upto, before = up_to_lowest(ends, bmi2);
	struct numbers v = { 0, 0, 0, NULL, false };

	if (n > 0) {
		ends = without_lowest(ends, bmi2);
		upto = up_to_lowest(ends, bmi2);
		v.a = number(w, upto ^ before, k, bmi2);
		before = upto;
	}
	if (n > 1) {
		ends = without_lowest(ends, bmi2);
		upto = up_to_lowest(ends, bmi2);
		v.b = number(w, upto ^ before, k, bmi2);
		before = upto;
	}
	if (n > 2) {
		ends = without_lowest(ends, bmi2);
		upto = up_to_lowest(ends, bmi2);
		v.c = number(w, upto ^ before, k, bmi2);
	}
	v.usual = ends != 0;
	v.next = p + 2 + place_of_lowest(ends, bmi2) / 8;
	return v;
}

/* How long before the event at p the one before it was; of a dt that takes more than eight bytes, anything that does not overflow. */
INLINE int64_t step(const uint8_t *p, double ns_per_unit, const struct masks *k, bool bmi2)
{
	uint64_t w = load64(p + 1);

	return (int64_t)((double)(int64_t)number(w, up_to_lowest(~w & k->high, bmi2), k, bmi2) * ns_per_unit);
}

#endif
