/* SPDX-License-Identifier: BSD-2-Clause */
/* GICv3: a redistributor for each processor, whose interface is system registers (IHI 0069). */
#include "arm.h"

#define D_GROUP      0x80u      /* A bit each: group 1 is the one that comes as IRQ. */
#define D_ROUTE      0x6000u    /* 64 bits each: the affinity of a processor. */
#define D_GROUP1_ON  0x2u       /* GICD_CTLR, one security state: EnableGrp1, */
#define D_AFFINITY   0x10u      /* ARE. */
#define D_WRITE_BUSY (1u << 31) /* RWP */
#define R_WAKER      0x14u
#define R_SLEEPS     0x2u /* ProcessorSleep */
#define R_ASLEEP     0x4u /* ChildrenAsleep */
#define PATIENCE     1000000u
#define AFFINITY     0xff00ffffffu /* Of MPIDR_EL1. */

static uint64_t distributor;

static bool until_clear(uint64_t base, uint32_t offset, uint32_t bits)
{
    uint32_t patience = PATIENCE;

    while ((*arm_reg(base, offset) & bits) != 0) {
        if (patience-- == 0)
            return false;
    }
    return true;
}

static bool init(void)
{
    uint64_t last, mine;

    distributor = arm_fdt_reg("arm,gic-v3", 0, 0, &last);
    mine = arm_fdt_reg("arm,gic-v3", 0, 1, &last); /* The first processor's. */
    if (distributor == 0 || mine == 0)
        return false;
    *arm_reg(distributor, ARM_GICD_CONTROL) = D_AFFINITY;
    if (!until_clear(distributor, ARM_GICD_CONTROL, D_WRITE_BUSY))
        return false;
    *arm_reg(distributor, ARM_GICD_CONTROL) = D_AFFINITY | D_GROUP1_ON;
    *arm_reg(mine, R_WAKER) &= ~R_SLEEPS;
    if (!until_clear(mine, R_WAKER, R_ASLEEP))
        return false;
    __asm__ __volatile__("msr icc_sre_el1, %0; isb" : : "r"(UINT64_C(1)));
    __asm__ __volatile__("msr icc_pmr_el1, %0" : : "r"(UINT64_C(0xff)));
    __asm__ __volatile__("msr icc_igrpen1_el1, %0; isb" : : "r"(UINT64_C(1)));
    return true;
}

static void enable(uint32_t line, bool edge)
{
    uint64_t processor;

    __asm__ __volatile__("mrs %0, mpidr_el1" : "=r"(processor));
    *(volatile uint64_t *)(uintptr_t)(distributor + D_ROUTE + 8 * line) = processor & AFFINITY;
    *arm_reg(distributor, D_GROUP + line / 32 * 4) |= 1u << line % 32;
    arm_gic_line(distributor, line, edge);
}

static uint32_t acknowledge(void)
{
    uint64_t number;

    __asm__ __volatile__("mrs %0, icc_iar1_el1; dsb sy" : "=r"(number) : : "memory");
    return (uint32_t)number & 0xffffffu;
}

static void end(uint32_t line)
{
    __asm__ __volatile__("msr icc_eoir1_el1, %0; isb" : : "r"((uint64_t)line) : "memory");
}

const struct arm_gic arm_gic3 = {"GICv3", init, enable, acknowledge, end};
