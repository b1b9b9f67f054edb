/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ring indices with a wrap bit, for every size from 1 to 2^30 and every index: what they say is
 * what positions that count for ever say.
 */
#include "../prove.h"

#include <uiommu/ring.h>

static void positions(uint32_t log2, uint64_t cons, uint32_t n, uint32_t more)
{
    uint64_t size = UINT64_C(1) << log2, prod = cons + n;
    uint32_t c = (uint32_t)(cons % (2 * size)), p = (uint32_t)(prod % (2 * size));

    ASSUME(n <= size);
    PROVE(uiommu_ring_mask(log2) == 2 * size - 1);
    PROVE(uiommu_ring_slot(p, log2) == prod % size);
    PROVE(uiommu_ring_used(p, c, log2) == n);
    PROVE(uiommu_ring_sane(p, c, log2));
    PROVE((p == c) == (n == 0));
    PROVE(((p ^ c) == size) == (n == size));
    PROVE(uiommu_ring_step(c, n, log2) == p);
    /* An entry between the two is not passed; one that was put before the consumer is. */
    if (more < n)
        PROVE(!uiommu_ring_passed(uiommu_ring_step(c, more, log2), c, log2));
    else if (more - n < size - n && cons > more)
        PROVE(uiommu_ring_passed((uint32_t)((cons - 1 - (more - n)) % (2 * size)), c, log2));
}

static void nonsense(uint32_t log2, uint32_t prod, uint32_t cons)
{
    uint32_t mask = uiommu_ring_mask(log2);

    /* Whatever a register says, slots lie in the ring and steps stay indices. */
    PROVE(uiommu_ring_slot(prod, log2) < UINT32_C(1) << log2);
    PROVE(uiommu_ring_step(prod, cons, log2) <= mask);
    PROVE(uiommu_ring_used(prod, cons, log2) <= mask);
    PROVE(uiommu_ring_sane(prod, cons, log2) ==
          (uiommu_ring_used(prod, cons, log2) <= UINT32_C(1) << log2));
}

void prove(void)
{
    uint32_t log2 = nondet_u32();
    uint64_t cons = nondet_u64();

    ASSUME(log2 <= 30);
    ASSUME(cons <= UINT64_MAX - UINT32_MAX);
    positions(log2, cons, nondet_u32(), nondet_u32());
    nonsense(log2, nondet_u32(), nondet_u32());
}
