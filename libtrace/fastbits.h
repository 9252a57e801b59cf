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

#define HIGH_BITS 0x8080808080808080u

INLINE uint64_t load64(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

/* The bits of a byte, where an instruction can fetch them from. */
struct masks {
	uint64_t high, low;
};

/* The number in the bytes of w that `bytes` covers: their low seven bits, side by side. */
INLINE uint64_t number(uint64_t w, uint64_t bytes, const struct masks *k, bool bmi2)
{
#ifdef __x86_64__
	if (bmi2) {
		uint64_t v;

		__asm__("and %1, %0" : "+r"(bytes) : "m"(k->low) : "cc");
		__asm__("pext %2, %1, %0" : "=r"(v) : "r"(w), "r"(bytes));
		return v;
	}
#endif
	(void)k, (void)bmi2;
	w = (w & bytes & ~HIGH_BITS) >> __builtin_ctzll(bytes | (uint64_t)1 << 63);
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

/* The lowest bit that is set, alone. */
INLINE uint64_t lowest(uint64_t x, bool bmi2)
{
#ifdef __x86_64__
	if (bmi2) {
		__asm__("blsi %1, %0" : "=r"(x) : "r"(x) : "cc");
		return x;
	}
#endif
	(void)bmi2;
	return x & -x;
}

/* The eight bytes behind an event's type byte. */
struct front {
	uint64_t w;
	uint64_t ends;			/* the high bit of each byte that ends a number */
	uint64_t dt;			/* the bits of those of dt; of a longer dt all */
};

INLINE struct front look(const uint8_t *p, const struct masks *k, bool bmi2)
{
	struct front f;

	f.w = load64(p + 1);
#ifdef __x86_64__
	if (bmi2)
		__asm__("andn %2, %1, %0" : "=r"(f.ends) : "r"(f.w), "m"(k->high) : "cc");
	else
#endif
		f.ends = ~f.w & HIGH_BITS;
	f.dt = up_to_lowest(f.ends, bmi2);
	return f;
}

/*
 * How long before the event the one before it was; of a dt that takes eight bytes or more, anything that does not overflow: from 2^53 on,
 * the rules' way, by floating point, is not exact.
 */
INLINE int64_t step(const struct front *f, double ns_per_unit, bool whole_ns, const int64_t *unit, const struct masks *k, bool bmi2)
{
	int64_t dt = (int64_t)number(f->w, f->dt, k, bmi2);

#ifdef __x86_64__
	if (bmi2 && whole_ns) {
		__asm__("imul %1, %0" : "+r"(dt) : "m"(*unit) : "cc");
		return dt;
	}
#endif
	return whole_ns ? dt * *unit : (int64_t)((double)dt * ns_per_unit);
}

/* a > *b, where b is in memory: one instruction, for which the compiler takes two. */
INLINE bool is_later(int64_t a, const int64_t *b)
{
#ifdef __x86_64__
	bool later;

	__asm__("cmp %2, %1" : "=@ccg"(later) : "r"(a), "m"(*b) : "cc");
	return later;
#else
	return a > *b;
#endif
}

/* p == *end, likewise. */
INLINE bool is_at(const void *p, const void *const *end)
{
#ifdef __x86_64__
	bool at;

	__asm__("cmp %2, %1" : "=@cce"(at) : "r"(p), "m"(*end) : "cc");
	return at;
#else
	return p == *end;
#endif
}

/* Numbers of an event behind its dt. */
struct numbers {
	uint64_t a, b, c, d;
	uint64_t last;			/* the high bit of the event's last byte; 0 where that is not among the eight; of wide ones meaningless */
	size_t behind;			/* how many bytes of the event lie behind its first two */
	bool usual;			/* they lie where they are looked for, and dt takes seven bytes at most; else the others mean nothing */
};

/* The first n (0 to 3) numbers behind dt, which are all that the event has, all in eight bytes with dt. */
INLINE struct numbers numbers(const struct front *f, int n, const struct masks *k, bool bmi2)
{
	uint64_t ends = f->ends, upto, before = f->dt;
	struct numbers v;

	if (n > 0) {
		ends = without_lowest(ends, bmi2);
		upto = up_to_lowest(ends, bmi2);
		v.a = number(f->w, upto ^ before, k, bmi2);
		before = upto;
	}
	if (n > 1) {
		ends = without_lowest(ends, bmi2);
		upto = up_to_lowest(ends, bmi2);
		v.b = number(f->w, upto ^ before, k, bmi2);
		before = upto;
	}
	if (n > 2) {
		ends = without_lowest(ends, bmi2);
		upto = up_to_lowest(ends, bmi2);
		v.c = number(f->w, upto ^ before, k, bmi2);
	}
	v.usual = (n > 0 ? ends : ends << 8) != 0;
	v.last = lowest(ends, bmi2);
	v.behind = (size_t)__builtin_ctzll(v.last | (uint64_t)1 << 63) / 8;
	return v;
}

INLINE struct numbers numbers_at(const uint8_t *p, int n, const struct masks *k, bool bmi2)
{
	struct front f = look(p, k, bmi2);

	return numbers(&f, n, k, bmi2);
}

/* The same of an event that has n, two to four: eight bytes hold dt and the first, the eight bytes behind those the others. */
INLINE struct numbers wide_numbers(const uint8_t *p, int n, const struct masks *k, bool bmi2)
{
	struct numbers v = numbers_at(p, 1, k, bmi2), rest;
	struct front f = look(p + 1 + v.behind, k, bmi2);

	rest = numbers(&f, n - 2, k, bmi2);
	v.b = number(f.w, f.dt, k, bmi2);
	if (n > 2)
		v.c = rest.a;
	if (n > 3)
		v.d = rest.b;
	v.usual = v.usual && rest.usual;
	v.behind += 1 + rest.behind;
	return v;
}

/* Whether the event has n numbers, dt counted, within the eight bytes, and dt within seven; of 0 numbers not. */
INLINE bool has_numbers(const struct front *f, unsigned n)
{
	return n - 1 < (unsigned)__builtin_popcountll(f->ends) && f->dt != UINT64_MAX;
}

#endif
