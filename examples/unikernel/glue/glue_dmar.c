/* SPDX-License-Identifier: BSD-2-Clause */
/* VT-d: from the DMAR table to the unit. */
#include "uiommu/dmar.h"

#include "glue_tables.h"

enum glue_end glue_dmar(const void *bytes, uint32_t size, const struct uiommu_fw_function *fn,
                        struct glue_found *out, const char **why)
{
    struct uiommu_dmar dmar;
    struct uiommu_dmar_entry e;
    struct uiommu_fw_match match;
    struct uiommu_reserved region;
    uint32_t cursor = 0, units = 0;

    if (uiommu_dmar_open(&dmar, bytes, size) != UIOMMU_OK ||
        uiommu_dmar_find(&dmar, fn, &glue_bridges, &match) == UIOMMU_E_INVALID) {
        *why = "DMAR: length or checksum is wrong";
        return GLUE_CONTRADICTION;
    }
    if (uiommu_dmar_find(&dmar, fn, &glue_bridges, &match) != UIOMMU_OK)
        match.unit = 0;
    while (uiommu_dmar_next(&dmar, &cursor, &e)) {
        if (glue_contradicts(&e.place)) {
            *why = glue_place_why("DMAR", &e.place);
            return GLUE_CONTRADICTION;
        }
        units += e.type == UIOMMU_DMAR_DRHD;
        if (uiommu_dmar_reserved(&e, &region) &&
            !glue_reserve(out, &region, region.first,
                          uiommu_dmar_covers(&dmar, &e, fn, &glue_bridges))) {
            *why = "DMAR: more reserved regions than this image has room for";
            return GLUE_UNUSABLE;
        }
        if (match.unit == 0 || e.place.offset != match.unit)
            continue;
        out->base = e.first;
        out->bytes = (uint32_t)(e.last - e.first) + 1;
    }
    if (match.unit == 0) {
        *why = units == 0 ? "DMAR: no unit: switched off" : "DMAR: no good unit has the device";
        return units == 0 ? GLUE_DISABLED : GLUE_NO_UNIT;
    }
    out->vendor = &glue_vtd;
    out->id = match.id;
    out->address_bits = dmar.address_bits;
    return GLUE_GOOD;
}
