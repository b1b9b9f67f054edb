/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_PROVE_CORE_H
#define UIOMMU_PROVE_CORE_H
/* Stand-ins for what a file of the core has of its neighbours: locks, of one context. */
/* Its own are inline; they go by other names here. */
#define uiommu_lock_take own_lock_take
#define uiommu_lock_give own_lock_give
#include <core/base.h>
#undef uiommu_lock_take
#undef uiommu_lock_give

uintptr_t uiommu_lock_take(const struct uiommu *u, struct uiommu_lock *lock)
{
    (void)u;
    PROVE(lock->word.v == 0); /* never taken twice */
    lock->word.v = 1;
    return 0;
}

void uiommu_lock_give(const struct uiommu *u, struct uiommu_lock *lock, uintptr_t state)
{
    (void)u;
    PROVE(lock->word.v == 1 && state == 0);
    lock->word.v = 0;
}

#endif
