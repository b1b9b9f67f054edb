/* SPDX-License-Identifier: BSD-2-Clause */
/* Two serial ports (PL011), and the way out of QEMU. */
#include "arm.h"

#define DATA        0x00u
#define FLAGS       0x18u
#define FULL        0x20u
#define EXIT_BLOCK  0x20u    /* Semihosting: end, with a status. */
#define EXIT_REASON 0x20026u /* The application ends by itself. */
#define PSCI_OFF    0x84000008u

static uint64_t ports[2];
static bool ending, by_smc;

void arm_console_init(void)
{
    struct uiommu_fdt_walk walk = {0};
    uint64_t last;
    uint32_t i;

    for (i = 0; i < 2; i++)
        ports[i] = arm_fdt_reg("arm,pl011", i, 0, &last);
    while (uiommu_fdt_next(&arm_fdt, &walk))
        by_smc = by_smc || uiommu_fdt_lists(&arm_fdt, walk.path[walk.depth - 1], "method", "smc");
}

static void put(uint64_t port, char c)
{
    uint32_t patience = 1u << 20;

    if (port == 0)
        return;
    while ((*(volatile uint32_t *)(uintptr_t)(port + FLAGS) & FULL) != 0 && patience-- > 0)
        continue;
    *(volatile uint32_t *)(uintptr_t)(port + DATA) = (uint8_t)c;
}

void kernel_putc(char c)
{
    if (c == '\n')
        put(ports[0], '\r');
    put(ports[0], c);
}

void kernel_log_putc(char c)
{
    put(ports[1], c);
}

/* Without semihosting the instruction is an exception, and the machine goes off without status. */
_Noreturn void kernel_exit(uint32_t status)
{
    const uint64_t block[2] = {EXIT_REASON, status};
    register uint64_t x0 __asm__("x0") = EXIT_BLOCK;
    register uint64_t x1 __asm__("x1") = (uint64_t)(uintptr_t)block;

    if (!ending) {
        ending = true;
        __asm__ __volatile__("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
    }
    x0 = PSCI_OFF;
    for (;;) {
        if (by_smc)
            __asm__ __volatile__("smc #0" : "+r"(x0) : : "memory");
        else
            __asm__ __volatile__("hvc #0" : "+r"(x0) : : "memory");
    }
}
