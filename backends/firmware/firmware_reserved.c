/* SPDX-License-Identifier: BSD-2-Clause */
/* What each table calls reserved memory, as the host is asked about it before a unit starts. */
#include <uiommu/dmar.h>
#include <uiommu/fdt.h>
#include <uiommu/group.h>
#include <uiommu/iort.h>
#include <uiommu/ivrs.h>

#include "firmware_internal.h"

/* Not what lies beside a page's ends: the pages around it may hold a unit's registers. */
static bool reserved(const struct uiommu_fw_place *p, uint64_t first, uint64_t last,
                     uint32_t access, struct uiommu_reserved *out)
{
    if (!fw_good(p) || last < first)
        return false;
    out->first = first;
    out->last = last;
    out->access = access;
    out->word = UIOMMU_RESERVED_NONE;
    return true;
}

bool uiommu_dmar_reserved(const struct uiommu_dmar_entry *entry, struct uiommu_reserved *out)
{
    return entry->type == UIOMMU_DMAR_RMRR &&
           reserved(&entry->place, entry->first, entry->last, UIOMMU_READ | UIOMMU_WRITE, out);
}

/* An exclusion range has no permissions, and one without any means nothing: both ways. */
bool uiommu_ivrs_reserved(const struct uiommu_ivrs_block *block, struct uiommu_reserved *out)
{
    uint32_t access = 0;

    if (block->type < 0x20 || block->type > 0x22)
        return false;
    if ((block->flags & UIOMMU_IVRS_EXCLUSION) == 0) {
        access |= (block->flags & UIOMMU_IVRS_READ) != 0 ? UIOMMU_READ : 0;
        access |= (block->flags & UIOMMU_IVRS_WRITE) != 0 ? UIOMMU_WRITE : 0;
    }
    if (access == 0)
        access = UIOMMU_READ | UIOMMU_WRITE;
    return reserved(&block->place, block->first, block->last, access, out);
}

bool uiommu_iort_reserved(const struct uiommu_iort_range *range, struct uiommu_reserved *out)
{
    return reserved(&range->place, range->first, range->last, UIOMMU_READ | UIOMMU_WRITE, out);
}

/* Without reg nothing is to be reached there: addresses that the host must not give out. */
bool uiommu_fdt_reserved(const struct uiommu_fdt_region *region, struct uiommu_reserved *out)
{
    return region->backed &&
           reserved(&region->place, region->first, region->last, UIOMMU_READ | UIOMMU_WRITE, out);
}
