/* SPDX-License-Identifier: BSD-2-Clause */
/* The generic timer's virtual counter. */
#include "arm.h"

#define NS_PER_S UINT64_C(1000000000)

static uint64_t frequency;

bool kernel_clock_init(void)
{
    __asm__ __volatile__("mrs %0, cntfrq_el0" : "=r"(frequency));
    return frequency != 0;
}

uint64_t kernel_now_ns(void)
{
    uint64_t ticks;

    __asm__ __volatile__("isb; mrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
    return ticks / frequency * NS_PER_S + ticks % frequency * NS_PER_S / frequency;
}
