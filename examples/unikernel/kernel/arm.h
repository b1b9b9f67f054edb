/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARM_H
#define ARM_H
/* Of AArch64 alone. */
#include "kernel.h"
#include "uiommu/fdt.h"

extern const unsigned char arm_image_end[];
extern struct uiommu_fdt arm_fdt;

void arm_begin(const void *fdt);
void arm_exception(void);
void arm_interrupt(void);
void arm_console_init(void);
/* Region number index of the nth enabled node that is compatible. 0: none. */
uint64_t arm_fdt_reg(const char *compatible, uint32_t n, uint32_t index, uint64_t *last);

#endif
