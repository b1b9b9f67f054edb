/* SPDX-License-Identifier: BSD-2-Clause */
/* Second stages with 3 to 5 levels in the layout of EPT (Intel SDM volume 3, 29.3.2). */
#include "table.h"

#include "uiommu/bits.h"

#define READABLE (UINT64_C(1) << 0)
#define WRITABLE (UINT64_C(1) << 1)
#define ADDRESS  UIOMMU_FIELD(51, 12)

static bool possible(uint32_t granule_bits, uint32_t va_bits, uint32_t pa_bits)
{
    return granule_bits == 12 && (va_bits == 39 || va_bits == 48 || va_bits == 57) &&
           pa_bits >= 32 && pa_bits <= 52;
}

static uint64_t leaf(const struct table *t, uint64_t bus, uint32_t access)
{
    uint64_t word = bus & uiommu_bits_mask(ADDRESS);

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
    (void)levels;
    return (bus & uiommu_bits_mask(ADDRESS)) | READABLE | WRITABLE;
}

static bool present(uint64_t entry)
{
    return (entry & (READABLE | WRITABLE)) != 0;
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

const struct table_kind table_x86_64_stage2 = {
    .name = "x86-64 second stage",
    .format = UIOMMU_ROOT_X86_64_STAGE2,
    .possible = possible,
    .leaf = leaf,
    .next = next,
    .present = present,
    .address = address,
    .access = access_of,
};
