/* SPDX-License-Identifier: BSD-2-Clause */
/* What the arm64 boot protocol hands over: a device tree. Memory is above the image and it. */
#include "arm.h"

struct uiommu_fdt arm_fdt;
static char machine[48];

uint64_t arm_fdt_reg(const char *compatible, uint32_t n, uint32_t index, uint64_t *last)
{
    struct uiommu_fdt_walk walk = {0};
    uint64_t first;

    while (uiommu_fdt_next(&arm_fdt, &walk)) {
        if (!uiommu_fdt_lists(&arm_fdt, walk.path[walk.depth - 1], "compatible", compatible))
            continue;
        if (n-- > 0)
            continue;
        return uiommu_fdt_reg(&arm_fdt, &walk, index, &first, last) == UIOMMU_OK ? first : 0;
    }
    return 0;
}

/* The node has no compatible: it is the one with device_type "memory". */
static bool find_memory(uint64_t above, uint64_t *first, uint64_t *last)
{
    struct uiommu_fdt_walk walk = {0};

    while (uiommu_fdt_next(&arm_fdt, &walk)) {
        if (!uiommu_fdt_lists(&arm_fdt, walk.path[walk.depth - 1], "device_type", "memory"))
            continue;
        if (uiommu_fdt_reg(&arm_fdt, &walk, 0, first, last) != UIOMMU_OK || *last <= above)
            continue;
        *first = *first < above ? above : *first;
        return true;
    }
    return false;
}

const char *kernel_machine(void)
{
    return machine;
}

void arm_begin(const void *fdt, uint64_t level)
{
    uint64_t above = (uint64_t)(uintptr_t)arm_image_end, first, last;

    kernel_fdt = fdt;
    if (uiommu_fdt_open(&arm_fdt, fdt, UIOMMU_FDT_MAX) != UIOMMU_OK)
        kernel_exit(KERNEL_PANIC);
    arm_console_init();
    if ((uint64_t)(uintptr_t)fdt > above)
        above = (uint64_t)(uintptr_t)fdt + arm_fdt.table.length;
    if (!find_memory(above, &first, &last))
        kernel_panic("the device tree tells of no memory");
    kernel_pages_init(first, last);
    if (!kernel_clock_init() || !kernel_interrupts_init())
        kernel_panic("no timer, or no interrupt controller that is known (GICv2, GICv3)");
    kernel_format(machine, sizeof(machine), "AArch64, entered at EL%u, %s", (unsigned)level,
                  arm_gic_name());
    if (!kernel_pci_init())
        kernel_panic("no PCI Express configuration space (pci-host-ecam-generic)");
    kernel_main();
}
