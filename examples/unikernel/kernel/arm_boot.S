/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the entry of the arm64 boot protocol (EL2 or EL1, MMU off, X0 = device tree) to C at EL1 with
 * the first 512 GiB mapped one to one: 0 to 1 GiB and from 256 GiB on devices, 1 to 4 GiB memory, as
 * QEMU's virt machine has them. And the entries of exceptions.
 */
#define BLOCK       0x401                     /* AF, a block of 1 GiB. */
#define DEVICE      0x60000000000000          /* Never executed; attribute 0. */
#define MEMORY      0x304                     /* Inner shareable; attribute 1. */
#define ATTRIBUTES  0xff04                    /* 0: nGnRE, 1: write-back. */
#define TCR         0x200803519               /* 39 bits in, 40 out, 4 KiB, cached walks. */
#define SCTLR_MCI   0x1005
#define SCTLR_RES1  0x30d00800
#define HCR_RW      (1 << 31)                 /* EL1 is AArch64, and nothing traps to EL2. */
#define CPTR_RES1   0x33ff
#define EL1H_MASKED 0x3c5                     /* Where EL2 returns to: EL1, own stack, no interrupts. */
#define GIC_FIELD   24                        /* ID_AA64PFR0_EL1: system registers of a GICv3. */

    .section .text.boot, "ax"
    .globl arm_entry
arm_entry:
    b begin
    .word 0
    .quad 0                           /* Offset from a multiple of 2 MiB. */
    .quad arm_image_end - arm_entry   /* Memory taken. */
    .quad 0xa                         /* Little endian, 4 KiB, anywhere. */
    .quad 0, 0, 0
    .ascii "ARM\x64"
    .word 0

begin:
    mov x19, x0
    mrs x20, CurrentEL
    lsr x20, x20, #2
    cmp x20, #2
    b.ne at_el1

    /* EL2 hands everything down: timers, floating point, the GIC's registers. */
    ldr x1, =HCR_RW
    msr hcr_el2, x1
    ldr x1, =CPTR_RES1
    msr cptr_el2, x1
    msr hstr_el2, xzr
    mov x1, #3
    msr cnthctl_el2, x1
    msr cntvoff_el2, xzr
    mrs x1, midr_el1
    msr vpidr_el2, x1
    mrs x1, mpidr_el1
    msr vmpidr_el2, x1
    mrs x1, id_aa64pfr0_el1
    ubfx x1, x1, #GIC_FIELD, #4
    cbz x1, 0f
    mov x1, #9                        /* SRE, and EL1 may have it too. */
    msr icc_sre_el2, x1
    isb
    msr ich_hcr_el2, xzr
0:  ldr x1, =SCTLR_RES1
    msr sctlr_el1, x1
    ldr x1, =EL1H_MASKED
    msr spsr_el2, x1
    adr x1, at_el1
    msr elr_el2, x1
    eret

at_el1:
    ldr x1, =arm_bss_begin
    ldr x2, =arm_image_end
1:  str xzr, [x1], #8
    cmp x1, x2
    b.lo 1b

    ldr x1, =root
    ldr x3, =BLOCK | DEVICE
    str x3, [x1]
    mov x4, #256 << 30
    orr x3, x3, x4
    str x3, [x1, #256 * 8]
    ldr x3, =BLOCK | MEMORY
    mov x4, #1 << 30
    mov x2, #1
2:  add x3, x3, x4
    str x3, [x1, x2, lsl #3]
    add x2, x2, #1
    cmp x2, #4
    b.lo 2b

    ldr x2, =ATTRIBUTES
    msr mair_el1, x2
    ldr x2, =TCR
    msr tcr_el1, x2
    msr ttbr0_el1, x1
    ldr x2, =vectors
    msr vbar_el1, x2
    dsb sy
    isb
    tlbi vmalle1
    dsb sy
    isb
    mrs x2, sctlr_el1
    ldr x3, =SCTLR_MCI
    orr x2, x2, x3
    msr sctlr_el1, x2
    isb

    ldr x2, =stack_end
    mov sp, x2
    mov x0, x19
    mov x1, x20
    bl arm_begin
3:  wfi
    b 3b

    /* What C does not keep is saved; a handler that returns goes on where it was. */
    .macro enter handler
    stp x29, x30, [sp, #-176]!
    stp x0, x1, [sp, #16]
    stp x2, x3, [sp, #32]
    stp x4, x5, [sp, #48]
    stp x6, x7, [sp, #64]
    stp x8, x9, [sp, #80]
    stp x10, x11, [sp, #96]
    stp x12, x13, [sp, #112]
    stp x14, x15, [sp, #128]
    stp x16, x17, [sp, #144]
    str x18, [sp, #160]
    bl \handler
    b leave
    .endm

    .text
    .balign 2048
vectors:
    .rept 5                           /* With the other stack; then synchronous ones. */
    enter arm_exception
    .balign 128
    .endr
    enter arm_interrupt
    .balign 128
    .rept 10
    enter arm_exception
    .balign 128
    .endr

leave:
    ldp x0, x1, [sp, #16]
    ldp x2, x3, [sp, #32]
    ldp x4, x5, [sp, #48]
    ldp x6, x7, [sp, #64]
    ldp x8, x9, [sp, #80]
    ldp x10, x11, [sp, #96]
    ldp x12, x13, [sp, #112]
    ldp x14, x15, [sp, #128]
    ldp x16, x17, [sp, #144]
    ldr x18, [sp, #160]
    ldp x29, x30, [sp], #176
    eret

    .bss
    .balign 4096
root:
    .skip 4096
    .skip 65536
stack_end:
