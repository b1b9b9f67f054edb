/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/* What every backend keeps of a device: its IDs, and its place among the unit's devices. */

uiommu_err uiommu_requester_init(struct uiommu *u, const struct uiommu_device_desc *desc,
                                 uint32_t id_bits, struct uiommu_requester *who)
{
    uint32_t i;

    if (desc->id_count == 0)
        return UIOMMU_E_INVALID;
    for (i = 0; i < desc->id_count; i++) {
        if (((uint64_t)desc->ids[i] >> id_bits) != 0)
            return UIOMMU_E_RANGE;
    }
    who->ids = (uint32_t *)uiommu_heap_get(u, desc->id_count * sizeof(*who->ids));
    if (who->ids == NULL)
        return UIOMMU_E_NOMEM;
    memcpy(who->ids, desc->ids, desc->id_count * sizeof(*who->ids));
    who->id_count = desc->id_count;
    return UIOMMU_OK;
}

void uiommu_requester_fini(struct uiommu *u, struct uiommu_requester *who)
{
    uiommu_heap_put(u, who->ids, who->id_count * sizeof(*who->ids));
    who->ids = NULL;
    who->id_count = 0;
}

void uiommu_requester_add(struct uiommu_requester **list, struct uiommu_requester *who)
{
    who->next = *list;
    *list = who;
}

void uiommu_requester_remove(struct uiommu_requester **list, struct uiommu_requester *who)
{
    while (*list != NULL && *list != who)
        list = &(*list)->next;
    if (*list == who)
        *list = who->next;
}

struct uiommu_requester *uiommu_requester_find(struct uiommu_requester *list, uint32_t id)
{
    uint32_t i;

    for (; list != NULL; list = list->next) {
        for (i = 0; i < list->id_count; i++) {
            if (list->ids[i] == id)
                return list;
        }
    }
    return NULL;
}
