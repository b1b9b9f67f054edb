/* SPDX-License-Identifier: BSD-2-Clause */
/* Wired interrupts through a GICv2. */
#include "arm.h"

#define LINES      1020u
#define HANDLERS   256u
#define D_CONTROL  0x000u
#define D_ENABLE   0x100u
#define D_PRIORITY 0x400u
#define D_TARGET   0x800u
#define D_CONFIG   0xc00u
#define C_CONTROL  0x00u
#define C_MASK     0x04u
#define C_ACK      0x0cu
#define C_END      0x10u
#define PRIORITY   0x80u
#define EDGE       2u
#define MASKED     0x80u /* DAIF.I */

static uint64_t distributor, interface;
static struct {
    kernel_handler *call;
    void *ctx;
} handlers[HANDLERS];

static volatile uint32_t *reg(uint64_t base, uint32_t offset)
{
    return (volatile uint32_t *)(uintptr_t)(base + offset);
}

static volatile uint8_t *byte(uint64_t base, uint32_t offset)
{
    return (volatile uint8_t *)(uintptr_t)(base + offset);
}

bool kernel_interrupts_init(void)
{
    uint64_t last;

    distributor = arm_fdt_reg("arm,cortex-a15-gic", 0, 0, &last);
    interface = arm_fdt_reg("arm,cortex-a15-gic", 0, 1, &last);
    if (distributor == 0 || interface == 0)
        return false;
    *reg(distributor, D_CONTROL) = 1;
    *reg(interface, C_MASK) = 0xff;
    *reg(interface, C_CONTROL) = 1;
    __asm__ __volatile__("msr daifclr, #2" : : : "memory");
    return true;
}

bool kernel_interrupt_message(kernel_handler *handler, void *ctx, struct kernel_message *out)
{
    (void)handler;
    (void)ctx;
    (void)out;
    return false;
}

bool kernel_interrupt_wire(uint32_t wire, bool edge, kernel_handler *handler, void *ctx)
{
    volatile uint32_t *config = reg(distributor, D_CONFIG + wire / 16 * 4);
    uint32_t shift = wire % 16 * 2;

    if (wire < 32 || wire >= HANDLERS || handlers[wire].call != NULL)
        return false;
    handlers[wire].ctx = ctx;
    handlers[wire].call = handler;
    *config = (*config & ~(3u << shift)) | (edge ? EDGE << shift : 0);
    *byte(distributor, D_PRIORITY + wire) = PRIORITY;
    *byte(distributor, D_TARGET + wire) = 1;
    *reg(distributor, D_ENABLE + wire / 32 * 4) = 1u << wire % 32;
    return true;
}

void arm_interrupt(void)
{
    uint32_t number = *reg(interface, C_ACK) & 0x3ffu;

    if (number >= LINES)
        return;
    if (number < HANDLERS && handlers[number].call != NULL)
        handlers[number].call(handlers[number].ctx);
    *reg(interface, C_END) = number;
}

void arm_exception(void)
{
    uint64_t syndrome, address, from;

    __asm__ __volatile__("mrs %0, esr_el1" : "=r"(syndrome));
    __asm__ __volatile__("mrs %0, far_el1" : "=r"(address));
    __asm__ __volatile__("mrs %0, elr_el1" : "=r"(from));
    kernel_print("\nkernel: exception 0x%llx at 0x%llx, address 0x%llx\n",
                 (unsigned long long)syndrome, (unsigned long long)from,
                 (unsigned long long)address);
    kernel_exit(KERNEL_PANIC);
}

uintptr_t kernel_irq_save(void)
{
    uintptr_t daif;

    __asm__ __volatile__("mrs %0, daif; msr daifset, #2" : "=r"(daif) : : "memory");
    return (daif & MASKED) == 0;
}

void kernel_irq_restore(uintptr_t state)
{
    if (state != 0)
        __asm__ __volatile__("msr daifclr, #2" : : : "memory");
}
