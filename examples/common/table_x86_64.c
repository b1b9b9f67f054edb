/* SPDX-License-Identifier: BSD-2-Clause */
/* x86-64 with 4 or 5 levels, lower half (Intel SDM volume 3, 4.5). */
#include "table.h"

#include "uiommu/bits.h"

#define PRESENT  (UINT64_C(1) << 0)
#define WRITABLE (UINT64_C(1) << 1)
#define USER     (UINT64_C(1) << 2)
#define ACCESSED (UINT64_C(1) << 5)
#define DIRTY    (UINT64_C(1) << 6)
#define ADDRESS  UIOMMU_FIELD(51, 12)
#define NX       (UINT64_C(1) << 63)

static bool possible(uint32_t granule_bits, uint32_t va_bits, uint32_t pa_bits)
{
    return granule_bits == 12 && (va_bits == 48 || va_bits == 57) && pa_bits >= 32 && pa_bits <= 52;
}

/* Accessed and dirty are set at once: hardware need not say so first. */
static uint64_t leaf(const struct table *t, uint64_t bus, uint32_t access)
{
    uint64_t word = (bus & uiommu_bits_mask(ADDRESS)) | PRESENT | USER | ACCESSED;

    (void)t;
    if ((access & UIOMMU_WRITE) != 0)
        word |= WRITABLE | DIRTY;
    if ((access & UIOMMU_EXEC) == 0)
        word |= NX;
    return word;
}

static uint64_t next(const struct table *t, uint64_t bus, uint32_t levels)
{
    (void)t;
    (void)levels;
    return (bus & uiommu_bits_mask(ADDRESS)) | PRESENT | WRITABLE | USER | ACCESSED;
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
    uint32_t access = UIOMMU_READ;

    if ((entry & WRITABLE) != 0)
        access |= UIOMMU_WRITE;
    if ((entry & NX) == 0)
        access |= UIOMMU_EXEC;
    return access;
}

const struct table_kind table_x86_64 = {
    .name = "x86-64",
    .format = UIOMMU_ROOT_X86_64,
    .possible = possible,
    .leaf = leaf,
    .next = next,
    .present = present,
    .address = address,
    .access = access_of,
};
