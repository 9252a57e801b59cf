/* SPDX-License-Identifier: BSD-3-Clause
 *
 * unwind.c - the walk of frames.
 *
 * On both processors a frame record is two words at the frame pointer: the caller's frame pointer and the return address.
 * Callers' records lie at higher addresses, so a chain that does not rise, leaves the stack or is not aligned is over: code
 * without frame pointers may have left anything in the register.  With rules from call frame information (cfirows.h) it is the
 * stack pointer that has to rise.
 */
#include "librt/tracer/unwind.h"

#include <stdbool.h>
#include <stddef.h>

#include "librt/tracer/unwindmap.h"

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

/* --- by rules --- */

struct walk {
	struct trace_registers at;
	bool exact;			/* at.pc was interrupted: it is no return address */
	uintptr_t lo, hi;
};

__attribute__((no_sanitize("address", "thread", "undefined")))
static bool load(const struct walk *w, uintptr_t address, uintptr_t *value)
{
	if (w->hi < sizeof(*value) || address < w->lo || address > w->hi - sizeof(*value) || address % sizeof(*value) != 0)
		return false;
	*value = *(const uintptr_t *)address;
	return true;
}

/* The frame pointer's record; the caller's has to lie above, which the next step looks at. */
static bool step_by_frame_pointer(struct walk *w)
{
	struct trace_registers to = { 0, w->at.fp + 2 * sizeof(uintptr_t), 0 };

	if (w->at.fp < w->at.sp || !load(w, w->at.fp, &to.fp) || !load(w, w->at.fp + sizeof(uintptr_t), &to.pc))
		return false;
	to.pc = strip(to.pc);
	w->at = to;
	w->exact = false;
	return true;
}

static bool step_over_signal(struct walk *w)
{
	struct trace_registers to;

	if (!load(w, w->at.sp + TRACE_CFI_SIGNAL_RIP, &to.pc) || !load(w, w->at.sp + TRACE_CFI_SIGNAL_RSP, &to.sp) ||
	    !load(w, w->at.sp + TRACE_CFI_SIGNAL_RBP, &to.fp) || to.sp <= w->at.sp)
		return false;
	w->at = to;
	w->exact = true;
	return true;
}

/* To the caller.  False: there is none, or it cannot be found. */
static bool step(struct walk *w, struct trace_cfi_rule rule)
{
	uintptr_t offset = (uintptr_t)(intptr_t)rule.cfa * 8, kept = (uintptr_t)(intptr_t)rule.rbp_at * 8;
	struct trace_registers to = w->at;
	bool good = true;

	switch ((enum trace_cfi_base)rule.base) {
	case TRACE_CFI_UNKNOWN:
		return step_by_frame_pointer(w);
	case TRACE_CFI_END:
		return false;
	case TRACE_CFI_SIGNAL:
		return step_over_signal(w);
	case TRACE_CFI_RSP:
		to.sp = w->at.sp + offset;
		break;
	case TRACE_CFI_RBP:
		to.sp = w->at.fp + offset;
		break;
	case TRACE_CFI_RSP_MEMORY:
		good = load(w, w->at.sp + offset, &to.sp);
		break;
	case TRACE_CFI_RBP_MEMORY:
		good = load(w, w->at.fp + offset, &to.sp);
		break;
	case TRACE_CFI_PLT:
		to.sp = w->at.sp + ((w->at.pc & 15) >= (unsigned)rule.rbp_at ? 16 : 8);
		break;
	}
	to.sp += rule.add ? 8 : 0;
	if (!good || to.sp <= w->at.sp || !load(w, to.sp - 8, &to.pc))
		return false;
	/* A frame pointer that is lost leads nowhere. */
	if (rule.rbp == TRACE_CFI_LOST)
		to.fp = 0;
	else if (rule.rbp != TRACE_CFI_SAME && !load(w, (rule.rbp == TRACE_CFI_AT_CFA ? to.sp : w->at.fp) + kept, &to.fp))
		to.fp = 0;
	w->at = to;
	w->exact = false;
	return true;
}

uint32_t trace_unwind_by(const struct trace_unwind_map *map, struct trace_registers at, uintptr_t lo, uintptr_t hi,
			 uintptr_t out[TRACE_MAX_FRAMES])
{
	struct walk w = { at, true, lo, hi };
	uint32_t n = 0;

	if (at.pc == 0)
		return 0;
	out[n++] = at.pc + 1;
	if (at.sp < lo || at.sp >= hi)
		return n;
	while (n < TRACE_MAX_FRAMES && step(&w, trace_unwind_rule(map, w.at.pc - (w.exact ? 0 : 1)))) {
		/* Nothing runs in the first page. */
		if (w.at.pc < 4096 || w.at.pc == trace_unwind_root)
			break;
		out[n++] = w.at.pc + (w.exact ? 1 : 0);
	}
	return n;
}
