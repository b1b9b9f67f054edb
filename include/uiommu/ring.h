/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_RING_H
#define UIOMMU_RING_H
/**
 * @file
 * Index arithmetic of rings of 2^log2 entries whose indices carry one wrap bit above the slot:
 * equal indices are empty, indices that differ in the wrap bit alone are full.
 */
#include "env.h"

#ifdef __cplusplus
extern "C" {
#endif

/** All bits of an index: slot and wrap. Any context. @p log2 at most 30. */
static inline uint32_t uiommu_ring_mask(uint32_t log2)
{
    return (UINT32_C(2) << log2) - 1u;
}
/** The slot an index names. Any context. */
static inline uint32_t uiommu_ring_slot(uint32_t index, uint32_t log2)
{
    return index & ((UINT32_C(1) << log2) - 1u);
}
/** The index @p n entries further. Any context. */
static inline uint32_t uiommu_ring_step(uint32_t index, uint32_t n, uint32_t log2)
{
    return (index + n) & uiommu_ring_mask(log2);
}
/** Entries between consumer and producer; more than 2^log2 where they contradict. Any context. */
static inline uint32_t uiommu_ring_used(uint32_t prod, uint32_t cons, uint32_t log2)
{
    return (prod - cons) & uiommu_ring_mask(log2);
}
/** Whether producer and consumer can be of one ring. Any context. */
static inline bool uiommu_ring_sane(uint32_t prod, uint32_t cons, uint32_t log2)
{
    return uiommu_ring_used(prod, cons, log2) <= (UINT32_C(1) << log2);
}
/** Whether the entry at @p index is consumed once the consumer is at @p cons. Any context. */
static inline bool uiommu_ring_passed(uint32_t index, uint32_t cons, uint32_t log2)
{
    uint32_t n = (cons - index) & uiommu_ring_mask(log2);

    return n >= 1u && n <= (UINT32_C(1) << log2);
}

#ifdef __cplusplus
}
#endif
#endif
