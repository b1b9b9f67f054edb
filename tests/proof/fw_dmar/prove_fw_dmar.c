/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DMAR: any bytes, a table that ends where they end. Each call, from any cursor, reads nothing
 * beyond, ends, and moves the cursor on within the table: so do all walks.
 */
#include "../prove.h"

#include <uiommu/dmar.h>

#ifndef SIZE
#define SIZE 74u /* A DRHD with a scope of two steps, or an RMRR. */
#endif

static bool find(void *ctx, uint32_t segment, uint32_t id, uint8_t *secondary, uint8_t *subordinate)
{
    (void)ctx;
    (void)segment;
    PROVE(id <= 0xffff);
    *secondary = nondet_u8();
    *subordinate = nondet_u8();
    return nondet_bool();
}

void prove(void)
{
    uint8_t bytes[SIZE]; /* Any. */
    const struct uiommu_fw_bridges bridges = {NULL, find};
    uint32_t cursor = nondet_u32(), before = cursor, id = 0;
    struct uiommu_dmar_entry entry;
    struct uiommu_dmar_scope scope;
    struct uiommu_reserved region;
    struct uiommu_dmar dmar = {0};

    dmar.table.bytes = bytes;
    dmar.table.length = SIZE;
    if (!uiommu_dmar_next(&dmar, &cursor, &entry))
        return;
    PROVE(cursor > before && cursor <= SIZE);
    PROVE(entry.place.offset >= 48 && entry.place.offset + entry.place.length == cursor);
    if (uiommu_dmar_reserved(&entry, &region))
        PROVE(region.first <= region.last && entry.place.verdict == UIOMMU_FW_GOOD);
    cursor = before = nondet_u32();
    if (!uiommu_dmar_next_scope(&dmar, &entry, &cursor, &scope))
        return;
    PROVE(cursor > before && cursor <= entry.place.offset + entry.place.length);
    PROVE(!uiommu_dmar_scope_id(&dmar, &scope, 0, &bridges, &id) || id <= 0xffff);
}
