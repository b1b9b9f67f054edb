/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that firmware wants kept for devices: uiommu starts no unit before the host has given its
 * word about each region. Those of devices that nobody drives here are waived; the others are
 * confirmed, and are in each address space that glue_space_create() makes.
 */
#include "glue.h"

#define BYTES_MOST UINT64_C(0x1000000) /* Of one region: its tables have to fit, too. */
#define PAGE_MASK  ((uint64_t)KERNEL_PAGE - 1)

bool glue_reserve(struct glue_found *found, const struct uiommu_reserved *region, uint64_t to,
                  bool driven)
{
    uint32_t n = found->reserved_count;

    if (n == GLUE_RESERVED)
        return false;
    found->reserved[n] = *region;
    found->reserved[n].word = driven ? UIOMMU_RESERVED_NONE : UIOMMU_RESERVED_WAIVED;
    found->reserved_to[n] = to;
    found->reserved_count++;
    return true;
}

/* What cannot be mapped gets no word, and uiommu does not start the unit. */
void glue_reserved_confirm(struct glue_found *found)
{
    struct uiommu_reserved *r;
    uint32_t i;

    for (i = 0; i < found->reserved_count; i++) {
        r = &found->reserved[i];
        if (r->word == UIOMMU_RESERVED_NONE && r->last >= r->first &&
            r->last - r->first < BYTES_MOST &&
            (r->first & PAGE_MASK) == (found->reserved_to[i] & PAGE_MASK))
            r->word = UIOMMU_RESERVED_CONFIRMED;
    }
}

uint32_t glue_reserved_wordless(const struct glue_found *found)
{
    uint32_t i, count = 0;

    for (i = 0; i < found->reserved_count; i++)
        count += found->reserved[i].word == UIOMMU_RESERVED_NONE;
    return count;
}

bool glue_reserved_map(struct glue_space *s, const struct glue_found *found)
{
    const struct uiommu_reserved *r;
    uint64_t at, end, to;
    uint32_t i;

    for (i = 0; i < found->reserved_count; i++) {
        r = &found->reserved[i];
        if (r->word != UIOMMU_RESERVED_CONFIRMED)
            continue;
        end = r->last & ~PAGE_MASK;
        to = found->reserved_to[i] & ~PAGE_MASK;
        for (at = r->first & ~PAGE_MASK;; at += KERNEL_PAGE, to += KERNEL_PAGE) {
            if (!glue_map(s, at, (const void *)(uintptr_t)to, r->access))
                return false;
            if (at == end)
                break;
        }
    }
    return true;
}
