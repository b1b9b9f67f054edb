/* SPDX-License-Identifier: BSD-2-Clause */
/* IVRS: as prove_fw_dmar.c. */
#include "../prove.h"

#include <uiommu/ivrs.h>

#ifndef SIZE
#define SIZE 80u /* A unit with two entries, or reserved memory. */
#endif

void prove(void)
{
    uint8_t bytes[SIZE]; /* Any. */
    struct uiommu_fw_function fn = {nondet_u32(), nondet_u16(), nondet_bool()};
    uint32_t cursor = nondet_u32(), before = cursor;
    struct uiommu_ivrs_device device;
    struct uiommu_ivrs_block block;
    struct uiommu_reserved region;
    struct uiommu_ivrs ivrs = {0};

    ivrs.table.bytes = bytes;
    ivrs.table.length = SIZE;
    if (!uiommu_ivrs_next(&ivrs, &cursor, &block))
        return;
    PROVE(cursor > before && cursor <= SIZE);
    PROVE(block.place.offset >= 48 && block.place.offset + block.place.length == cursor);
    (void)uiommu_ivrs_covers(&block, &fn);
    if (uiommu_ivrs_reserved(&block, &region))
        PROVE(region.first <= region.last && block.place.verdict == UIOMMU_FW_GOOD);
    cursor = before = nondet_u32();
    if (!uiommu_ivrs_next_device(&ivrs, &block, &cursor, &device))
        return;
    PROVE(cursor > before && cursor <= block.place.offset + block.place.length);
    PROVE(device.place.verdict != UIOMMU_FW_GOOD || device.first <= device.last);
}
