/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMSAv8-64 stage 1, lower half (Arm ARM, D8). Output addresses of more than 48 bits only with the
 * 64 KiB granule, whose descriptors hold bits 51:48 in 15:12.
 */
#include "table.h"

#include "uiommu/bits.h"

#define PRESENT    0x3u               /* At the last level a page, above it a table. */
#define ATTR_INDEX UIOMMU_FIELD(4, 2) /* Which byte of MAIR. */
#define AP_EL0     (UINT64_C(1) << 6) /* Unprivileged accesses too. */
#define AP_RO      (UINT64_C(1) << 7) /* No writes. */
#define SH         UIOMMU_FIELD(9, 8) /* Shareability. */
#define SH_INNER   3u
#define AF         (UINT64_C(1) << 10)  /* Accessed: hardware need not say so first. */
#define NG         (UINT64_C(1) << 11)  /* Of this address space only. */
#define HIGH_64K   UIOMMU_FIELD(15, 12) /* Address bits 51:48. */
#define ADDRESS    UIOMMU_FIELD(47, 12)
#define PXN        (UINT64_C(1) << 53)
#define UXN        (UINT64_C(1) << 54)
#define MAIR_WB    UINT64_C(0xff) /* Index 0: write-back, allocate. */

static bool possible(uint32_t granule_bits, uint32_t va_bits, uint32_t pa_bits)
{
    uint32_t most = granule_bits == 16 ? 52 : 48;

    return (granule_bits == 12 || granule_bits == 14 || granule_bits == 16) && va_bits >= 25 &&
           va_bits <= most && pa_bits >= 32 && pa_bits <= most;
}

static uint64_t put_address(const struct table *t, uint64_t bus)
{
    uint64_t word = bus & uiommu_bits_mask(ADDRESS);

    return t->granule_bits == 16 ? uiommu_bits_put(word, HIGH_64K, bus >> 48) : word;
}

static uint64_t leaf(const struct table *t, uint64_t bus, uint32_t access)
{
    uint64_t word = put_address(t, bus) | PRESENT | AF | NG | AP_EL0 | PXN;

    word |= uiommu_bits_make(SH, SH_INNER) | uiommu_bits_make(ATTR_INDEX, 0);
    if ((access & UIOMMU_WRITE) == 0)
        word |= AP_RO;
    if ((access & UIOMMU_EXEC) == 0)
        word |= UXN;
    return word;
}

static uint64_t next(const struct table *t, uint64_t bus, uint32_t levels)
{
    (void)levels;
    return put_address(t, bus) | PRESENT;
}

static bool present(uint64_t entry)
{
    return (entry & PRESENT) == PRESENT;
}

static uint64_t address(const struct table *t, uint64_t entry)
{
    uint64_t bus = entry & uiommu_bits_mask(ADDRESS) & ~((UINT64_C(1) << t->granule_bits) - 1);

    return t->granule_bits == 16 ? bus | uiommu_bits_get(entry, HIGH_64K) << 48 : bus;
}

static uint32_t access_of(uint64_t entry)
{
    uint32_t access = UIOMMU_READ;

    if ((entry & AP_RO) == 0)
        access |= UIOMMU_WRITE;
    if ((entry & UXN) == 0)
        access |= UIOMMU_EXEC;
    return access;
}

const struct table_kind table_aarch64 = {
    .name = "aarch64",
    .format = UIOMMU_ROOT_AARCH64,
    .attributes = MAIR_WB,
    .possible = possible,
    .leaf = leaf,
    .next = next,
    .present = present,
    .address = address,
    .access = access_of,
};
