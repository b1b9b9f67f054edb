/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_PROVE_BACKEND_H
#define UIOMMU_PROVE_BACKEND_H
/* Stand-ins for what a backend has of the core, where a proof is about none of it. */
#include <uiommu/backend.h>

void *uiommu_heap_get(struct uiommu *u, size_t bytes)
{
    (void)u;
    (void)bytes;
    return NULL;
}

void uiommu_heap_put(struct uiommu *u, void *ptr, size_t bytes)
{
    (void)u;
    (void)ptr;
    (void)bytes;
}

uintptr_t uiommu_unit_lock(struct uiommu_unit *unit)
{
    (void)unit;
    return 0;
}

void uiommu_unit_unlock(struct uiommu_unit *unit, uintptr_t state)
{
    (void)unit;
    (void)state;
}

const struct uiommu_mem *uiommu_leaf(const struct uiommu_leaves *leaves, uint32_t number)
{
    return number == 0 && leaves->first.cpu != NULL ? &leaves->first : NULL;
}

struct uiommu_mem *uiommu_leaf_make(struct uiommu *u, struct uiommu_leaves *leaves, uint32_t number)
{
    (void)u;
    return number == 0 ? &leaves->first : NULL;
}

void uiommu_leaves_fini(struct uiommu *u, struct uiommu_leaves *leaves)
{
    (void)u;
    (void)leaves;
}

uiommu_err uiommu_requester_init(struct uiommu *u, struct uiommu_requesters *all,
                                 const struct uiommu_device_desc *desc, uint32_t id_bits,
                                 struct uiommu_requester *who)
{
    (void)u;
    (void)all;
    (void)desc;
    (void)id_bits;
    (void)who;
    return UIOMMU_E_NOMEM;
}

void uiommu_requester_fini(struct uiommu *u, struct uiommu_requesters *all,
                           struct uiommu_requester *who)
{
    (void)u;
    (void)all;
    (void)who;
}

void uiommu_requester_add(struct uiommu_requesters *all, struct uiommu_requester *who)
{
    (void)all;
    (void)who;
}

void uiommu_requester_remove(struct uiommu_requesters *all, struct uiommu_requester *who)
{
    (void)all;
    (void)who;
}

struct uiommu_requester *uiommu_requester_find(const struct uiommu_requesters *all, uint32_t id)
{
    (void)all;
    (void)id;
    return NULL;
}

#endif
