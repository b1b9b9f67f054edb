/* SPDX-License-Identifier: BSD-2-Clause */
/* Host tables of IOMMUs beside x86-64 whose entries name the level they point to (48882, 2.2.3). */
#include "table.h"

#include "uiommu/bits.h"

#define PRESENT    (UINT64_C(1) << 0)
#define NEXT_LEVEL UIOMMU_FIELD(11, 9) /* 0: a page. */
#define ADDRESS    UIOMMU_FIELD(51, 12)
#define COHERENT   (UINT64_C(1) << 60) /* Of a leaf: accesses snoop. */
#define READABLE   (UINT64_C(1) << 61)
#define WRITABLE   (UINT64_C(1) << 62)

static bool possible(uint32_t granule_bits, uint32_t va_bits, uint32_t pa_bits)
{
    return granule_bits == 12 && va_bits % 9 == 3 && va_bits >= 21 && va_bits <= 57 &&
           pa_bits >= 32 && pa_bits <= 52;
}

static uint64_t leaf(const struct table *t, uint64_t bus, uint32_t access)
{
    uint64_t word = (bus & uiommu_bits_mask(ADDRESS)) | PRESENT | COHERENT;

    (void)t;
    if ((access & UIOMMU_READ) != 0)
        word |= READABLE;
    if ((access & UIOMMU_WRITE) != 0)
        word |= WRITABLE;
    return word;
}

static uint64_t next(const struct table *t, uint64_t bus, uint32_t levels)
{
    (void)t;
    return (bus & uiommu_bits_mask(ADDRESS)) | PRESENT | READABLE | WRITABLE |
           uiommu_bits_make(NEXT_LEVEL, levels);
}

static bool present(uint64_t entry)
{
    return (entry & PRESENT) != 0;
}

static uint64_t address(const struct table *t, uint64_t entry)
{
    (void)t;
    return entry & uiommu_bits_mask(ADDRESS);
}

static uint32_t access_of(uint64_t entry)
{
    return ((entry & READABLE) != 0 ? UIOMMU_READ : 0) |
           ((entry & WRITABLE) != 0 ? UIOMMU_WRITE : 0);
}

const struct table_kind table_x86_64_levelled = {
    .name = "x86-64 levelled",
    .format = UIOMMU_ROOT_X86_64_LEVELLED,
    .possible = possible,
    .leaf = leaf,
    .next = next,
    .present = present,
    .address = address,
    .access = access_of,
};
