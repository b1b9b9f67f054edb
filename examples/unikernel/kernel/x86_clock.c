/* SPDX-License-Identifier: BSD-2-Clause */
/* The HPET's counter: found by ACPI, its period is in a register, it never stops. */
#include "kernel.h"

#define TABLE_BASE 44u /* In the ACPI table. */
#define PERIOD     4u  /* Upper half of the capabilities: femtoseconds. */
#define ENABLE     0x10u
#define COUNTER    0xf0u
#define FS_PER_NS  1000000u

static uint64_t base;
static uint32_t period;

static volatile uint32_t *reg(uint32_t offset)
{
    return (volatile uint32_t *)(uintptr_t)(base + offset);
}

bool kernel_clock_init(void)
{
    uint32_t bytes;
    const unsigned char *table = kernel_acpi_table("HPET", &bytes);

    if (table == NULL || bytes < TABLE_BASE + 8)
        return false;
    base = kernel_load64(table + TABLE_BASE);
    period = *reg(PERIOD);
    *reg(ENABLE) |= 1u;
    return period != 0;
}

uint64_t kernel_now_ns(void)
{
    uint64_t ticks = *(volatile uint64_t *)(uintptr_t)(base + COUNTER);

    return ticks / FS_PER_NS * period + ticks % FS_PER_NS * period / FS_PER_NS;
}
