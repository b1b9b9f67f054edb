/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <uiommu/ring.h>

static uint32_t seed = 1;

static uint32_t chance(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

/* The shadow counts entries since the beginning and never wraps. */
static void compare(uint32_t log2, uint64_t prod, uint64_t cons)
{
    uint32_t size = UINT32_C(1) << log2, mask = uiommu_ring_mask(log2);
    uint32_t p = (uint32_t)prod & mask, c = (uint32_t)cons & mask;

    if (uiommu_ring_used(p, c, log2) != prod - cons)
        cr_assert_fail("used, log2 %u", log2);
    if (!uiommu_ring_sane(p, c, log2))
        cr_assert_fail("sane, log2 %u", log2);
    if (uiommu_ring_slot(p, log2) != prod % size)
        cr_assert_fail("slot, log2 %u", log2);
    if (prod != cons && uiommu_ring_used(c, p, log2) != 2 * (uint64_t)size - (prod - cons))
        cr_assert_fail("used the other way round, log2 %u", log2);
}

Test(ring, against_a_shadow)
{
    uint32_t log2, k, n;

    for (log2 = 0; log2 < 20; log2++) {
        uint32_t size = UINT32_C(1) << log2, mask = uiommu_ring_mask(log2);
        uint64_t prod = 0, cons = 0;
        uint32_t p = 0, c = 0;

        cr_assert_eq(mask, 2 * size - 1);
        for (k = 0; k < 4000; k++) {
            n = chance((uint32_t)(size - (prod - cons)) + 1u);
            if (chance(8) == 0)
                n = (uint32_t)(size - (prod - cons));
            prod += n;
            p = uiommu_ring_step(p, n, log2);
            cr_assert_eq(p, (uint32_t)prod & mask);
            compare(log2, prod, cons);
            n = chance((uint32_t)(prod - cons) + 1u);
            if (chance(8) == 0)
                n = (uint32_t)(prod - cons);
            cons += n;
            c = uiommu_ring_step(c, n, log2);
            cr_assert_eq(c, (uint32_t)cons & mask);
            compare(log2, prod, cons);
        }
    }
}

/* An entry within a ring's length of the consumer, on either side. */
Test(ring, passed)
{
    uint32_t log2, k;

    for (log2 = 0; log2 < 20; log2++) {
        uint32_t size = UINT32_C(1) << log2, mask = uiommu_ring_mask(log2);

        for (k = 0; k < 2000; k++) {
            uint64_t cons = 4 * (uint64_t)size + chance(4 * size);
            uint64_t entry = cons - size + chance(2 * size);

            if (uiommu_ring_passed((uint32_t)entry & mask, (uint32_t)cons & mask, log2) !=
                (entry < cons))
                cr_assert_fail("log2 %u entry %llu cons %llu", log2, (unsigned long long)entry,
                               (unsigned long long)cons);
        }
    }
}

Test(ring, contradictions)
{
    uint32_t log2, p, c;

    for (log2 = 0; log2 < 7; log2++) {
        uint32_t size = UINT32_C(1) << log2;

        for (p = 0; p < 2 * size; p++) {
            for (c = 0; c < 2 * size; c++) {
                uint32_t ahead = (p + 2 * size - c) % (2 * size);

                cr_assert_eq(uiommu_ring_used(p, c, log2), ahead);
                cr_assert_eq(uiommu_ring_sane(p, c, log2), ahead <= size);
            }
        }
    }
    cr_assert_eq(uiommu_ring_mask(30), 0x7fffffffu);
    cr_assert_eq(uiommu_ring_step(0x7fffffffu, 1, 30), 0);
}
