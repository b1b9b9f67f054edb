/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/* Completions in a command ring, for backends (R15). */

static uint32_t slot_of(const struct uiommu_tickets *t, uint64_t position)
{
    return (uint32_t)position & ((UINT32_C(1) << t->log2) - 1u);
}

bool uiommu_tickets_at(const struct uiommu_tickets *t, uint64_t position)
{
    uint32_t slot = slot_of(t, position);

    return ((t->slots[slot >> 5] >> (slot & 31u)) & 1u) != 0;
}

void uiommu_tickets_fail(struct uiommu_tickets *t, uint64_t position, uint64_t head)
{
    for (; position < head; position++) {
        if (uiommu_tickets_at(t, position)) {
            uiommu_failed_add(&t->failed, position + 1u, position + 1u);
            return;
        }
    }
    t->uncovered = true;
}

void uiommu_tickets_drop(struct uiommu_tickets *t, uint64_t done, uint64_t head)
{
    if (head != done)
        uiommu_failed_add(&t->failed, done + 1u, head);
    t->uncovered = false;
    if (t->slots != NULL)
        memset(t->slots, 0, uiommu_tickets_bytes(t->log2));
}

bool uiommu_tickets_valid(const struct uiommu_tickets *t)
{
    bool ok = t->log2 < 32;

    ok &= t->slots != NULL;
    ok &= uiommu_failed_valid(&t->failed);
    return ok;
}
