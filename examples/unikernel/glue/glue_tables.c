/* SPDX-License-Identifier: BSD-2-Clause */
/* What tables ask of PCI, and what is wrong with an entry of one. */
#include "glue_tables.h"

static bool find_bridge(void *ctx, uint32_t segment, uint32_t id, uint8_t *secondary,
                        uint8_t *subordinate)
{
    (void)ctx;
    return segment == kernel_pci_host()->segment && kernel_pci_bridge(id, secondary, subordinate);
}

const struct uiommu_fw_bridges glue_bridges = {.find = find_bridge};

bool glue_contradicts(const struct uiommu_fw_place *place)
{
    return place->verdict == UIOMMU_FW_TWICE || place->verdict == UIOMMU_FW_OVERLAPS ||
           place->verdict == UIOMMU_FW_CUT || place->verdict == UIOMMU_FW_REFERENCE;
}

const char *glue_place_why(const char *table, const struct uiommu_fw_place *place)
{
    static char text[200];

    kernel_format(text, sizeof(text), "%s, entry at offset %u: %s", table, (unsigned)place->offset,
                  uiommu_fw_verdict_str(place->verdict));
    return text;
}
