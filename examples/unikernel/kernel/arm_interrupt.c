/* SPDX-License-Identifier: BSD-2-Clause */
/* Wired interrupts through whichever GIC the machine has, and exceptions. */
#include "arm.h"

#define LINES       1020u /* From here on a number is no interrupt. */
#define HANDLERS    256u
#define MASKED      0x80u /* DAIF.I */
#define CLASS_SHIFT 26u   /* ESR_EL1.EC */
#define DATA_ABORT  0x25u /* At this exception level. */

static const struct arm_gic *const known[] = {&arm_gic3, &arm_gic2};
static const struct arm_gic *gic;
static struct {
    kernel_handler *call;
    void *ctx;
} handlers[HANDLERS];
static volatile bool probing, nobody;

const char *arm_gic_name(void)
{
    return gic->name;
}

bool kernel_interrupts_init(void)
{
    uint32_t i;

    for (i = 0; gic == NULL && i < sizeof(known) / sizeof(known[0]); i++)
        gic = known[i]->init() ? known[i] : NULL;
    if (gic == NULL)
        return false;
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
    if (wire < 32 || wire >= HANDLERS || handlers[wire].call != NULL)
        return false;
    handlers[wire].ctx = ctx;
    handlers[wire].call = handler;
    gic->enable(wire, edge);
    return true;
}

void arm_interrupt(void)
{
    uint32_t number = gic->acknowledge();

    if (number >= LINES)
        return;
    if (number < HANDLERS && handlers[number].call != NULL)
        handlers[number].call(handlers[number].ctx);
    gic->end(number);
}

/* Where nothing answers, a read ends here; the next instruction goes on. */
void arm_exception(void)
{
    uint64_t syndrome, address, from;

    __asm__ __volatile__("mrs %0, esr_el1" : "=r"(syndrome));
    __asm__ __volatile__("mrs %0, far_el1" : "=r"(address));
    __asm__ __volatile__("mrs %0, elr_el1" : "=r"(from));
    if (probing && syndrome >> CLASS_SHIFT == DATA_ABORT) {
        nobody = true;
        __asm__ __volatile__("msr elr_el1, %0" : : "r"(from + 4));
        return;
    }
    kernel_print("\nkernel: exception 0x%llx at 0x%llx, address 0x%llx\n",
                 (unsigned long long)syndrome, (unsigned long long)from,
                 (unsigned long long)address);
    kernel_exit(KERNEL_PANIC);
}

uint32_t kernel_probe32(uint64_t address)
{
    uint32_t value;

    nobody = false;
    probing = true;
    __asm__ __volatile__("ldr %w0, [%1]; dsb sy; isb" : "=&r"(value) : "r"(address) : "memory");
    probing = false;
    return nobody ? UINT32_MAX : value;
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
