/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ptroot.S - the call on which a thread's recorded stacks end.
 *
 * uintptr_t pt_root_call(uintptr_t fn, uintptr_t a, uintptr_t b, uintptr_t c): returns fn(a, b, c). The frame pointer is 0 meanwhile, as
 * where the ABI says that stacks end, and what fn returns to is pt_root_returned. The CFI tells of the caller, so exceptions,
 * cancellation and debuggers pass.
 */
	.text
	.globl	pt_root_call
	.hidden	pt_root_call
	.globl	pt_root_returned
	.hidden	pt_root_returned
	.p2align 4

#if defined(__x86_64__)

	.type	pt_root_call, @function
pt_root_call:
	.cfi_startproc
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	movq	%rdi, %rax
	movq	%rsi, %rdi
	movq	%rdx, %rsi
	movq	%rcx, %rdx
	xorl	%ebp, %ebp
	call	*%rax
pt_root_returned:
	popq	%rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbp
	ret
	.cfi_endproc

#elif defined(__aarch64__)

	.type	pt_root_call, %function
pt_root_call:
	.cfi_startproc
	stp	x29, x30, [sp, #-16]!
	.cfi_adjust_cfa_offset 16
	.cfi_rel_offset x29, 0
	.cfi_rel_offset x30, 8
	mov	x9, x0
	mov	x0, x1
	mov	x1, x2
	mov	x2, x3
	mov	x29, #0
	blr	x9
pt_root_returned:
	ldp	x29, x30, [sp], #16
	.cfi_adjust_cfa_offset -16
	.cfi_restore x29
	.cfi_restore x30
	ret
	.cfi_endproc

#endif
	.size	pt_root_call, . - pt_root_call
	.section .note.GNU-stack, "", %progbits
