/* SPDX-License-Identifier: BSD-2-Clause */
/* AArch64: the device tree's units, and the iommu-map of the PCI host bridge. */
#include "glue_tables.h"
#include "uiommu/fdt.h"

#define COMPATIBLE   "arm,smmu-v3"
#define ADDRESS_BITS 40u /* Memory of these machines is below. */

/* Is there a unit that is not to be used? */
static bool switched_off(const struct uiommu_fdt *fdt)
{
    struct uiommu_fdt_walk walk = {0};

    while (uiommu_fdt_next(fdt, &walk)) {
        if (uiommu_fdt_lists(fdt, walk.path[walk.depth - 1], "compatible", COMPATIBLE))
            return true;
    }
    return false;
}

static void wires(const struct uiommu_fdt_unit *unit, struct glue_found *out)
{
    const struct uiommu_fdt_interrupt *const all[] = {&unit->event, &unit->pri, &unit->gerror,
                                                      &unit->combined};
    uint32_t i;

    for (i = 0; i < 4; i++) {
        out->wires[i] = all[i]->told ? all[i]->number : 0;
        out->edge = out->edge || (all[i]->told && all[i]->flags == 1);
    }
}

/* What is for the host bridge is for all behind it. */
static bool reserve(const struct uiommu_fdt *fdt, uint32_t host, struct glue_found *out)
{
    struct uiommu_fdt_walk walk = {0};
    struct uiommu_fdt_region r;
    struct uiommu_reserved region;

    while (uiommu_fdt_next_region(fdt, &walk, &r)) {
        if (uiommu_fdt_reserved(&r, &region) &&
            !glue_reserve(out, &region, r.first_physical, r.device == host))
            return false;
    }
    return true;
}

enum glue_end glue_discover(uint32_t function, struct glue_found *out, const char **why)
{
    struct uiommu_fdt_walk hosts = {0}, walk = {0};
    struct uiommu_fdt_host host;
    struct uiommu_fdt_unit unit;
    struct uiommu_fw_match match;
    struct uiommu_fdt fdt;
    uint32_t units = 0;

    *out = (struct glue_found){.vendor = &glue_smmuv3, .address_bits = ADDRESS_BITS};
    if (uiommu_fdt_open(&fdt, kernel_fdt, UIOMMU_FDT_MAX) != UIOMMU_OK ||
        fdt.place.verdict != UIOMMU_FW_GOOD || !uiommu_fdt_next_host(&fdt, &hosts, &host)) {
        *why = "the device tree is not well formed";
        return GLUE_CONTRADICTION;
    }
    if (uiommu_fdt_find(&fdt, &host, function, &match) != UIOMMU_OK)
        match.unit = 0;
    while (uiommu_fdt_next_unit(&fdt, &walk, &unit)) {
        units++;
        if (unit.place.verdict != UIOMMU_FW_GOOD) {
            *why = glue_place_why("device tree", &unit.place);
            return GLUE_CONTRADICTION;
        }
        if (match.unit == 0 || unit.place.offset != match.unit)
            continue;
        out->base = unit.first;
        out->bytes = (uint32_t)(unit.last - unit.first) + 1;
        out->flags = unit.coherent;
        wires(&unit, out);
    }
    out->id = match.id;
    if (match.unit != 0 && !reserve(&fdt, host.place.offset, out)) {
        *why = "the device tree has more reserved regions than this image has room for";
        return GLUE_UNUSABLE;
    }
    if (match.unit != 0)
        return out->vendor->check(out, why);
    *why = units != 0           ? "the device tree has a unit, but the device is behind none"
           : switched_off(&fdt) ? "the device tree's SMMUv3 is switched off"
                                : "the device tree has no SMMUv3";
    return units != 0 ? GLUE_NO_UNIT : switched_off(&fdt) ? GLUE_DISABLED : GLUE_NO_IOMMU;
}
