/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARM_H
#define ARM_H
/* Of AArch64 alone. */
#include "kernel.h"
#include "uiommu/fdt.h"

extern const unsigned char arm_image_end[];
extern struct uiommu_fdt arm_fdt;

/* From arm_boot.S: the device tree, and the exception level that the image was entered at. */
void arm_begin(const void *fdt, uint64_t level);
void arm_exception(void);
void arm_interrupt(void);
void arm_console_init(void);
/* Region number index of the nth enabled node that is compatible. 0: none. */
uint64_t arm_fdt_reg(const char *compatible, uint32_t n, uint32_t index, uint64_t *last);

static inline volatile uint32_t *arm_reg(uint64_t base, uint32_t offset)
{
    return (volatile uint32_t *)(uintptr_t)(base + offset);
}

/* One kind of interrupt controller. Lines are its own numbers. */
struct arm_gic {
    const char *name;
    bool (*init)(void); /* false: the machine has another one. */
    void (*enable)(uint32_t line, bool edge);
    uint32_t (*acknowledge)(void);
    void (*end)(uint32_t line);
};

extern const struct arm_gic arm_gic2;
extern const struct arm_gic arm_gic3;
const char *arm_gic_name(void);

/* What the distributors of both have alike. */
#define ARM_GICD_CONTROL  0x000u
#define ARM_GICD_ENABLE   0x100u
#define ARM_GICD_PRIORITY 0x400u
#define ARM_GICD_CONFIG   0xc00u

static inline void arm_gic_line(uint64_t distributor, uint32_t line, bool edge)
{
    volatile uint32_t *config = arm_reg(distributor, ARM_GICD_CONFIG + line / 16 * 4);
    uint32_t shift = line % 16 * 2;

    *config = (*config & ~(3u << shift)) | (edge ? 2u << shift : 0);
    *(volatile uint8_t *)(uintptr_t)(distributor + ARM_GICD_PRIORITY + line) = 0x80;
    *arm_reg(distributor, ARM_GICD_ENABLE + line / 32 * 4) = 1u << line % 32;
}

#endif
