/* SPDX-License-Identifier: BSD-3-Clause
 *
 * unwind.c - the frame-pointer walk.
 *
 * On both processors a frame record is two words at the frame pointer: the caller's frame pointer and the return address.
 * Callers' records lie at higher addresses, so a chain that does not rise, leaves the stack or is not aligned is over: code
 * without frame pointers may have left anything in the register.
 */
#include "librt/tracer/unwind.h"

#include <stddef.h>

uintptr_t trace_unwind_root;

#if defined(__aarch64__)
/* xpaclri strips pointer authentication; it is a hint, so processors without it do nothing. */
static inline uintptr_t strip(uintptr_t pc)
{
	register uintptr_t lr __asm__("x30") = pc;

	__asm__("hint #7" : "+r"(lr));
	return lr;
}
#else
static inline uintptr_t strip(uintptr_t pc)
{
	return pc;
}
#endif

/* Sanitizers would check these reads of the program's stack, which is what the bounds are for. */
__attribute__((no_sanitize("address", "thread", "undefined")))
uint32_t trace_unwind(uintptr_t pc, uintptr_t fp, uintptr_t lo, uintptr_t hi, uintptr_t out[TRACE_MAX_FRAMES])
{
	uint32_t n = 0;

	if (pc == 0)
		return 0;
	out[n++] = pc + 1;
	if (hi < 2 * sizeof(uintptr_t))
		return n;
	hi -= 2 * sizeof(uintptr_t);
	while (n < TRACE_MAX_FRAMES && fp >= lo && fp <= hi && (fp & (sizeof(uintptr_t) - 1)) == 0) {
		const uintptr_t *frame = (const uintptr_t *)fp;
		uintptr_t ret = strip(frame[1]);

		/* A zero ends the chain; nothing runs in the first page. */
		if (ret < 4096)
			break;
		/* The chain's last frame, whose caller may be the code that goroutines begin on. */
		if (frame[0] <= fp) {
			if (ret != trace_unwind_root)
				out[n++] = ret;
			break;
		}
		out[n++] = ret;
		fp = frame[0];
	}
	return n;
}
