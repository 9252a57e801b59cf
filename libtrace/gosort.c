/* SPDX-License-Identifier: BSD-3-Clause
 *
 * gosort.c - pattern-defeating quicksort (Orson Peters, arXiv 2106.05123) with the constants and choices of Go's.
 *
 * Up to 12 elements an insertion sort, which is stable.  Above that the result on equal elements depends on every choice:
 * which elements the pivot is the median of, when a range is taken for sorted or reversed, how an unbalanced one is stirred.
 * All indexes are into the whole array: the look at the element before a range depends on it.
 */
#include "libtrace/gosort.h"

#include <stdint.h>
#include <string.h>

#define SHORT 12		/* insertion sort up to here */
#define NINTHER 50		/* from here on the pivot is a median of medians */
#define MAX_SHIFTS 5		/* out-of-order pairs that a nearly sorted range may have */

struct sort {
	char *base;
	size_t size;
	bool (*less)(const void *a, const void *b);
};

static bool before(const struct sort *s, long i, long j)
{
	return s->less(s->base + (size_t)i * s->size, s->base + (size_t)j * s->size);
}

static void swap(const struct sort *s, long i, long j)
{
	char t[ETR__GOSORT_MAX_SIZE];
	char *a = s->base + (size_t)i * s->size, *b = s->base + (size_t)j * s->size;

	memcpy(t, a, s->size);
	memmove(a, b, s->size);
	memcpy(b, t, s->size);
}

static long bit_length(unsigned long n)
{
	return n ? (long)(8 * sizeof(n)) - __builtin_clzl(n) : 0;
}

static void insertion_sort(const struct sort *s, long lo, long hi)
{
	for (long i = lo + 1; i < hi; i++)
		for (long j = i; j > lo && before(s, j, j - 1); j--)
			swap(s, j, j - 1);
}

/* The heap of n elements that begins at lo: moves element `root` down to its place; the greatest is on top. */
static void sift_down(const struct sort *s, long lo, long root, long n)
{
	for (long child; (child = 2 * root + 1) < n; root = child) {
		if (child + 1 < n && before(s, lo + child, lo + child + 1))
			child++;
		if (!before(s, lo + root, lo + child))
			return;
		swap(s, lo + root, lo + child);
	}
}

static void heap_sort(const struct sort *s, long lo, long hi)
{
	long n = hi - lo;

	for (long i = (n - 1) / 2; i >= 0; i--)
		sift_down(s, lo, i, n);
	for (long i = n - 1; i >= 0; i--) {
		swap(s, lo, lo + i);
		sift_down(s, lo, 0, i);
	}
}

/* Which of three is the median; counts the exchanges it took to know. */
static long median(const struct sort *s, long a, long b, long c, int *exchanges)
{
	long t;

#define ORDER(x, y)                                                                                                              \
	do {                                                                                                                     \
		if (before(s, y, x)) {                                                                                           \
			t = x;                                                                                                   \
			x = y;                                                                                                   \
			y = t;                                                                                                   \
			++*exchanges;                                                                                            \
		}                                                                                                                \
	} while (0)
	ORDER(a, b);
	ORDER(b, c);
	ORDER(a, b);
#undef ORDER
	return b;
}

enum hint { UNKNOWN, INCREASING, DECREASING };

static long choose_pivot(const struct sort *s, long lo, long hi, enum hint *hint)
{
	long quarter = (hi - lo) / 4;
	long a = lo + quarter, b = lo + quarter * 2, c = lo + quarter * 3;
	int exchanges = 0;

	if (hi - lo >= NINTHER) {
		a = median(s, a - 1, a, a + 1, &exchanges);
		b = median(s, b - 1, b, b + 1, &exchanges);
		c = median(s, c - 1, c, c + 1, &exchanges);
	}
	/* Ranges are longer than SHORT here, so there always are three to choose from. */
	b = median(s, a, b, c, &exchanges);
	*hint = exchanges == 0 ? INCREASING : exchanges == 12 ? DECREASING : UNKNOWN;
	return b;
}

static void reverse(const struct sort *s, long lo, long hi)
{
	for (hi--; lo < hi; lo++, hi--)
		swap(s, lo, hi);
}

/* Tries to finish a range that is nearly sorted; true when it is sorted now. */
static bool finish_sorted(const struct sort *s, long lo, long hi)
{
	long i = lo + 1;

	for (int shifts = 0; shifts < MAX_SHIFTS; shifts++) {
		while (i < hi && !before(s, i, i - 1))
			i++;
		if (i == hi)
			return true;
		if (hi - lo < NINTHER)
			return false;
		swap(s, i, i - 1);
		/* The smaller one goes down to its place, the greater one up. */
		if (i - lo >= 2)
			for (long j = i - 1; j >= 1 && before(s, j, j - 1); j--)
				swap(s, j, j - 1);
		if (hi - i >= 2)
			for (long j = i + 1; j < hi && before(s, j, j - 1); j++)
				swap(s, j, j - 1);
	}
	return false;
}

/* Stirs three elements around the middle, always in the same way for a length. */
static void stir(const struct sort *s, long lo, long hi)
{
	long n = hi - lo;
	long middle = lo + n / 4 * 2;
	uint64_t random = (uint64_t)n;
	uint64_t mask = ((uint64_t)1 << bit_length((unsigned long)n)) - 1;

	for (long i = middle - 1; i <= middle + 1; i++) {
		long other;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		other = (long)(random & mask);
		if (other >= n)
			other -= n;
		swap(s, i, lo + other);
	}
}

/* Splits by the pivot into smaller ones, the pivot, and the rest; returns where the pivot now is. */
static long split(const struct sort *s, long lo, long hi, long pivot, bool *was_split)
{
	long i = lo + 1, j = hi - 1;

	*was_split = true;
	swap(s, lo, pivot);
	for (;; *was_split = false) {
		while (i <= j && before(s, i, lo))
			i++;
		while (i <= j && !before(s, j, lo))
			j--;
		if (i > j)
			break;
		swap(s, i++, j--);
	}
	swap(s, j, lo);
	return j;
}

/* Nothing in the range is smaller than the pivot: splits into those equal to it and the rest; returns where that begins. */
static long split_equal(const struct sort *s, long lo, long hi, long pivot)
{
	long i = lo + 1, j = hi - 1;

	swap(s, lo, pivot);
	for (;;) {
		while (i <= j && !before(s, lo, i))
			i++;
		while (i <= j && before(s, lo, j))
			j--;
		if (i > j)
			return i;
		swap(s, i++, j--);
	}
}

static void sort_range(const struct sort *s, long lo, long hi, long patience)
{
	bool balanced = true, was_split = true;

	while (hi - lo > SHORT) {
		enum hint hint;
		long n = hi - lo, pivot, middle;

		if (patience == 0) {
			heap_sort(s, lo, hi);
			return;
		}
		if (!balanced) {
			stir(s, lo, hi);
			patience--;
		}
		pivot = choose_pivot(s, lo, hi, &hint);
		if (hint == DECREASING) {
			reverse(s, lo, hi);
			pivot = lo + hi - 1 - pivot;
			hint = INCREASING;
		}
		if (balanced && was_split && hint == INCREASING && finish_sorted(s, lo, hi))
			return;
		if (lo > 0 && !before(s, lo - 1, pivot)) {
			lo = split_equal(s, lo, hi, pivot);
			continue;
		}
		middle = split(s, lo, hi, pivot, &was_split);
		if (middle - lo < hi - middle) {
			balanced = middle - lo >= n / 8;
			sort_range(s, lo, middle, patience);
			lo = middle + 1;
		} else {
			balanced = hi - middle >= n / 8;
			sort_range(s, middle + 1, hi, patience);
			hi = middle;
		}
	}
	insertion_sort(s, lo, hi);
}

void etr__gosort(void *base, size_t n, size_t size, bool (*less)(const void *a, const void *b))
{
	struct sort s = { base, size, less };

	sort_range(&s, 0, (long)n, bit_length(n));
}
