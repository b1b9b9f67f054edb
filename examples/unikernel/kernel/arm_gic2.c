/* SPDX-License-Identifier: BSD-2-Clause */
/* GICv2: distributor and processor interface are both memory (IHI 0048). */
#include "arm.h"

#define C_CONTROL 0x00u
#define C_MASK    0x04u
#define C_ACK     0x0cu
#define C_END     0x10u
#define D_TARGET  0x800u /* A byte each: which processors. */

static uint64_t distributor, interface;

static bool init(void)
{
    uint64_t last;

    distributor = arm_fdt_reg("arm,cortex-a15-gic", 0, 0, &last);
    interface = arm_fdt_reg("arm,cortex-a15-gic", 0, 1, &last);
    if (distributor == 0 || interface == 0)
        return false;
    *arm_reg(distributor, ARM_GICD_CONTROL) = 1;
    *arm_reg(interface, C_MASK) = 0xff;
    *arm_reg(interface, C_CONTROL) = 1;
    return true;
}

static void enable(uint32_t line, bool edge)
{
    *(volatile uint8_t *)(uintptr_t)(distributor + D_TARGET + line) = 1;
    arm_gic_line(distributor, line, edge);
}

static uint32_t acknowledge(void)
{
    return *arm_reg(interface, C_ACK) & 0x3ffu;
}

static void end(uint32_t line)
{
    *arm_reg(interface, C_END) = line;
}

const struct arm_gic arm_gic2 = {"GICv2", init, enable, acknowledge, end};
