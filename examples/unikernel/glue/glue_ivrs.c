/* SPDX-License-Identifier: BSD-2-Clause */
/* AMD: from the IVRS table to the unit, which is a PCI function that must say the same. */
#include "uiommu/ivrs.h"

#include "glue_tables.h"

#define CAP_IOMMU  0x0fu
#define WINDOW_LOW 0xffffc000u
#define SUBSYSTEM  0x2cu
#define QEMU       0x1af4u

static enum glue_end compare(const struct uiommu_ivrs_block *b, struct glue_found *out,
                             const char **why)
{
    uint64_t base;

    out->capability = kernel_pci_read32(b->id, b->capability);
    if (b->capability < 0x40 || (out->capability & 0xffu) != CAP_IOMMU) {
        *why = "IVRS: where it names an IOMMU, there is none on PCI";
        return GLUE_CONTRADICTION;
    }
    base = kernel_pci_read32(b->id, b->capability + 4) & WINDOW_LOW;
    base |= (uint64_t)kernel_pci_read32(b->id, b->capability + 8) << 32;
    if (base != b->first) {
        *why = "IVRS: the registers are elsewhere by the unit's own word";
        return GLUE_CONTRADICTION;
    }
    out->emulated = (kernel_pci_read32(b->id, SUBSYSTEM) & 0xffffu) == QEMU;
    return GLUE_GOOD;
}

enum glue_end glue_ivrs(const void *bytes, uint32_t size, const struct uiommu_fw_function *fn,
                        struct glue_found *out, const char **why)
{
    struct uiommu_ivrs ivrs;
    struct uiommu_ivrs_block b, mine = {0};
    struct uiommu_fw_match match = {0};
    struct uiommu_reserved region;
    uint32_t cursor = 0, units = 0;

    if (uiommu_ivrs_open(&ivrs, bytes, size) != UIOMMU_OK) {
        *why = "IVRS: length or checksum is wrong";
        return GLUE_CONTRADICTION;
    }
    if (uiommu_ivrs_find(&ivrs, fn, &match) != UIOMMU_OK)
        match.unit = 0;
    while (uiommu_ivrs_next(&ivrs, &cursor, &b)) {
        if (glue_contradicts(&b.place)) {
            *why = glue_place_why("IVRS", &b.place);
            return GLUE_CONTRADICTION;
        }
        units += b.type < 0x20 || b.type == 0x40;
        if (uiommu_ivrs_reserved(&b, &region) &&
            !glue_reserve(out, &region, region.first, uiommu_ivrs_covers(&b, fn))) {
            *why = "IVRS: more reserved regions than this image has room for";
            return GLUE_UNUSABLE;
        }
        if (match.unit != 0 && b.place.offset == match.unit)
            mine = b;
    }
    if (match.unit == 0) {
        *why = units == 0 ? "IVRS: no unit: switched off" : "IVRS: no good unit has the device";
        return units == 0 ? GLUE_DISABLED : GLUE_NO_UNIT;
    }
    out->vendor = &glue_amd;
    out->id = match.id;
    out->base = mine.first;
    out->flags = mine.flags;
    out->function = mine.id;
    out->address_bits = ivrs.physical_bits;
    return compare(&mine, out, why);
}
