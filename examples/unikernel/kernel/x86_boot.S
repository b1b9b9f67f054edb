/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the entry of a PVH guest (32 bits, paging off, EBX = start info) to 64 bits, the first
 * 4 GiB mapped one to one, and the entries of interrupts.
 */
#define CR0_PG      0x80000000
#define CR4_PAE     0x20
#define EFER        0xc0000080
#define EFER_LME    0x100
#define BIG_PAGE    0x83 /* Present, writable, 2 MiB. */
#define TABLE       0x03

    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 8, 18 /* Lengths of name and value; XEN_ELFNOTE_PHYS32_ENTRY. */
    .asciz "Xen"
    .quad x86_entry

    .section .text.boot, "ax"
    .code32
    .globl x86_entry
x86_entry:
    cli
    cld
    mov $stack_end, %esp
    mov %ebx, %ebp

    /* 4 directories of 512 pages of 2 MiB. */
    mov $BIG_PAGE, %eax
    mov $directories, %edi
1:  mov %eax, (%edi)
    add $8, %edi
    add $0x200000, %eax
    cmp $directories + 4 * 4096, %edi
    jne 1b
    mov $directories + TABLE, %eax
    mov $pointers, %edi
    mov $4, %ecx
2:  mov %eax, (%edi)
    add $8, %edi
    add $4096, %eax
    loop 2b
    movl $pointers + TABLE, root

    mov $root, %eax
    mov %eax, %cr3
    mov %cr4, %eax
    or $CR4_PAE, %eax
    mov %eax, %cr4
    mov $EFER, %ecx
    rdmsr
    or $EFER_LME, %eax
    wrmsr
    mov %cr0, %eax
    or $CR0_PG, %eax
    mov %eax, %cr0
    lgdt segments_where
    ljmp $8, $x86_long

    .code64
x86_long:
    mov $16, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov %ebp, %edi
    call x86_begin
3:  hlt
    jmp 3b

/* One entry of 16 bytes for each vector; processor exceptions never return. */
    .text
    .globl x86_vectors
    .balign 16
x86_vectors:
    vector = 0
    .rept 64
    .balign 16
    push $vector
    jmp enter
    vector = vector + 1
    .endr

enter:
    push %rax
    push %rcx
    push %rdx
    push %rsi
    push %rdi
    push %r8
    push %r9
    push %r10
    push %r11
    mov 72(%rsp), %rdi
    sub $8, %rsp
    cld
    call x86_interrupt
    add $8, %rsp
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rdi
    pop %rsi
    pop %rdx
    pop %rcx
    pop %rax
    add $8, %rsp
    iretq

    .section .rodata
    .balign 8
segments:
    .quad 0
    .quad 0x00af9b000000ffff /* Code, 64 bits. */
    .quad 0x00cf93000000ffff /* Data. */
segments_where:
    .word . - segments - 1
    .long segments

    .bss
    .balign 4096
root:
    .skip 4096
pointers:
    .skip 4096
directories:
    .skip 4 * 4096
    .skip 65536
stack_end:
