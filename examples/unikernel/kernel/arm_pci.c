/* SPDX-License-Identifier: BSD-2-Clause */
/* Configuration space and the window for BARs, as the device tree tells. No firmware was here. */
#include "arm.h"

#define RANGE_CELLS 7u         /* PCI address 3, CPU address 2, size 2. */
#define SPACE       0x3000000u /* Of the first cell. */
#define MEMORY_32   0x2000000u

static struct kernel_pci_host host;

static void find_window(uint32_t node)
{
    struct uiommu_fdt_value v;
    uint32_t at;

    if (!uiommu_fdt_get(&arm_fdt, node, "ranges", &v))
        return;
    for (at = 0; (at + RANGE_CELLS) * 4 <= v.length; at += RANGE_CELLS) {
        /* Where the bus's addresses are the CPU's: nothing here translates between them. */
        if ((uiommu_fdt_cell(&arm_fdt, &v, at) & SPACE) == MEMORY_32 &&
            uiommu_fdt_cell(&arm_fdt, &v, at + 2) == uiommu_fdt_cell(&arm_fdt, &v, at + 4) &&
            uiommu_fdt_cell(&arm_fdt, &v, at + 3) == 0)
            host.bars = uiommu_fdt_cell(&arm_fdt, &v, at + 2);
    }
}

bool kernel_pci_init(void)
{
    struct uiommu_fdt_walk walk = {0};
    struct uiommu_fdt_host h;

    if (!uiommu_fdt_next_host(&arm_fdt, &walk, &h) || h.place.verdict != UIOMMU_FW_GOOD)
        return false;
    host.config = h.first;
    host.segment = h.domain;
    host.first_bus = h.first_bus;
    host.last_bus = h.last_bus;
    find_window(h.place.offset);
    return host.bars != 0;
}

const struct kernel_pci_host *kernel_pci_host(void)
{
    return &host;
}
