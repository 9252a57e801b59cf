/* SPDX-License-Identifier: BSD-3-Clause
 *
 * switch.S - the machine's part of a context switch, and where a goroutine begins.
 *
 * void exrt__switch_raw(void **save_sp, void *load_sp): pushes what a call preserves (with the floating-point control words),
 * leaves the stack pointer in *save_sp, takes load_sp and pops the same. Both stacks have the same layout, so one CFI serves
 * both sides. It ends in an indirect jump: a ret would go where the other stack's call came from, and the return predictor is
 * always wrong there.
 *
 * exrt__go_entry: first code of a goroutine, reached by a switch to the frame that exrt__ctx_prepare built. The frame pointer
 * is 0 here, which ends the chain for those who walk it, and the CFI says that nothing called it. The goroutine's function
 * returns to exrt__go_returned, where the recorder's stacks end; what it returns matters for the first goroutine only.
 */
#if defined(__x86_64__)

	.text
	.globl	exrt__switch_raw
	.hidden	exrt__switch_raw
	.type	exrt__switch_raw, @function
	.p2align 4
exrt__switch_raw:
	.cfi_startproc
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r12, 0
	pushq	%r13
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r13, 0
	pushq	%r14
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r14, 0
	pushq	%r15
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r15, 0
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	stmxcsr	(%rsp)
	fnstcw	4(%rsp)
	movl	(%rsp), %eax
	movzwl	4(%rsp), %ecx
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	/* Loading the control words costs more than all the rest, and they hardly ever differ. */
	cmpl	(%rsp), %eax
	jne	1f
	cmpw	4(%rsp), %cx
	jne	1f
2:	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	popq	%r15
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r15
	popq	%r14
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r14
	popq	%r13
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r13
	popq	%r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r12
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbx
	popq	%rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbp
	popq	%rcx
	.cfi_adjust_cfa_offset -8
	.cfi_register %rip, %rcx
	jmp	*%rcx
1:	.cfi_def_cfa_offset 64
	.cfi_offset %rip, -8
	.cfi_offset %rbp, -16
	.cfi_offset %rbx, -24
	.cfi_offset %r12, -32
	.cfi_offset %r13, -40
	.cfi_offset %r14, -48
	.cfi_offset %r15, -56
	ldmxcsr	(%rsp)
	fldcw	4(%rsp)
	jmp	2b
	.cfi_endproc
	.size	exrt__switch_raw, . - exrt__switch_raw

	.globl	exrt__go_entry
	.hidden	exrt__go_entry
	.type	exrt__go_entry, @function
	.p2align 4
	nop				/* unwinders look up the byte before */
exrt__go_entry:
	.cfi_startproc
	.cfi_undefined %rip
	call	exrt__go_begin
	movq	%r13, %rdi
	call	*%r12
	.globl	exrt__go_returned
	.hidden	exrt__go_returned
exrt__go_returned:
	movl	%eax, %edi
	call	exrt__go_finish
	ud2
	.cfi_endproc
	.size	exrt__go_entry, . - exrt__go_entry

#elif defined(__aarch64__)

	.text
	.globl	exrt__switch_raw
	.hidden	exrt__switch_raw
	.type	exrt__switch_raw, %function
	.p2align 4
exrt__switch_raw:
	.cfi_startproc
	sub	sp, sp, #176
	.cfi_def_cfa_offset 176
	stp	x29, x30, [sp, #0]
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	.cfi_offset x29, -176
	.cfi_offset x30, -168
	.cfi_offset x19, -160
	.cfi_offset x20, -152
	.cfi_offset x21, -144
	.cfi_offset x22, -136
	.cfi_offset x23, -128
	.cfi_offset x24, -120
	.cfi_offset x25, -112
	.cfi_offset x26, -104
	.cfi_offset x27, -96
	.cfi_offset x28, -88
	stp	d8, d9, [sp, #96]
	stp	d10, d11, [sp, #112]
	stp	d12, d13, [sp, #128]
	stp	d14, d15, [sp, #144]
	mrs	x9, fpcr
	str	x9, [sp, #160]
	mov	x10, sp
	str	x10, [x0]
	mov	sp, x1
	ldr	x11, [sp, #160]
	cmp	x9, x11
	b.eq	1f
	msr	fpcr, x11
1:	ldp	d8, d9, [sp, #96]
	ldp	d10, d11, [sp, #112]
	ldp	d12, d13, [sp, #128]
	ldp	d14, d15, [sp, #144]
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp, #0]
	add	sp, sp, #176
	.cfi_def_cfa_offset 0
	.cfi_restore x29
	.cfi_restore x30
	.cfi_restore x19
	.cfi_restore x20
	.cfi_restore x21
	.cfi_restore x22
	.cfi_restore x23
	.cfi_restore x24
	.cfi_restore x25
	.cfi_restore x26
	.cfi_restore x27
	.cfi_restore x28
	mov	x16, x30
	br	x16
	.cfi_endproc
	.size	exrt__switch_raw, . - exrt__switch_raw

	.globl	exrt__go_entry
	.hidden	exrt__go_entry
	.type	exrt__go_entry, %function
	.p2align 4
	nop				/* unwinders look up the byte before */
exrt__go_entry:
	.cfi_startproc
	.cfi_undefined x30
	bl	exrt__go_begin
	mov	x0, x20
	blr	x19
	.globl	exrt__go_returned
	.hidden	exrt__go_returned
exrt__go_returned:
	bl	exrt__go_finish
	brk	#1
	.cfi_endproc
	.size	exrt__go_entry, . - exrt__go_entry

#endif
	.section .note.GNU-stack, "", %progbits
