/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts by message, through the local APIC. */
#include "kernel.h"
#include "x86.h"

#define VECTORS       64u
#define FIRST_VECTOR  48u /* Exceptions are below 32; 32 to 47 is where a PIC could still fire. */
#define SPURIOUS      63u
#define INTERRUPT     0x8eu /* Gate: present, interrupts off. */
#define CODE_SEGMENT  8u
#define APIC          UINT64_C(0xfee00000)
#define APIC_ID       0x20u
#define APIC_PRIORITY 0x80u
#define APIC_EOI      0xb0u
#define APIC_SPURIOUS 0xf0u
#define APIC_ON       0x100u
#define INTERRUPTS_ON 0x200u /* RFLAGS.IF */

struct gate {
    uint16_t offset_low;
    uint16_t segment;
    uint8_t stack;
    uint8_t type;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t reserved;
};

static struct gate gates[VECTORS];
static struct {
    kernel_handler *call;
    void *ctx;
} handlers[VECTORS];
static uint32_t given = FIRST_VECTOR;

static volatile uint32_t *apic(uint32_t offset)
{
    return (volatile uint32_t *)(uintptr_t)(APIC + offset);
}

bool kernel_interrupts_init(void)
{
    struct {
        uint16_t words[5];
    } where;
    uint64_t at = (uint64_t)(uintptr_t)gates;
    uint32_t i;

    for (i = 0; i < VECTORS; i++) {
        uint64_t entry = (uint64_t)(uintptr_t)&x86_vectors[16 * i];

        gates[i] = (struct gate){(uint16_t)entry,
                                 CODE_SEGMENT,
                                 0,
                                 INTERRUPT,
                                 (uint16_t)(entry >> 16),
                                 (uint32_t)(entry >> 32),
                                 0};
    }
    where.words[0] = sizeof(gates) - 1;
    for (i = 0; i < 4; i++)
        where.words[i + 1] = (uint16_t)(at >> 16 * i);
    __asm__ __volatile__("lidt %0" : : "m"(where));

    x86_out8(0x21, 0xff); /* The old interrupt controllers stay silent. */
    x86_out8(0xa1, 0xff);
    *apic(APIC_PRIORITY) = 0;
    *apic(APIC_SPURIOUS) = APIC_ON | SPURIOUS;
    __asm__ __volatile__("sti");
    return true;
}

bool kernel_interrupt_message(kernel_handler *handler, void *ctx, struct kernel_message *out)
{
    if (given >= SPURIOUS)
        return false;
    handlers[given].ctx = ctx;
    handlers[given].call = handler;
    out->address = APIC | (uint64_t)(*apic(APIC_ID) >> 24) << 12;
    out->data = given++;
    return true;
}

bool kernel_interrupt_wire(uint32_t wire, bool edge, kernel_handler *handler, void *ctx)
{
    (void)wire;
    (void)edge;
    (void)handler;
    (void)ctx;
    return false;
}

void x86_interrupt(uint64_t vector)
{
    if (vector < 32) {
        kernel_print("\nkernel: exception %llu\n", (unsigned long long)vector);
        kernel_exit(KERNEL_PANIC);
    }
    if (vector == SPURIOUS)
        return;
    if (handlers[vector].call != NULL)
        handlers[vector].call(handlers[vector].ctx);
    *apic(APIC_EOI) = 0;
}

/* Reads that nobody answers give all ones here by themselves. */
uint32_t kernel_probe32(uint64_t address)
{
    return *(volatile uint32_t *)(uintptr_t)address;
}

uintptr_t kernel_irq_save(void)
{
    uintptr_t flags;

    __asm__ __volatile__("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
    return flags & INTERRUPTS_ON;
}

void kernel_irq_restore(uintptr_t state)
{
    if (state != 0)
        __asm__ __volatile__("sti" : : : "memory");
}
