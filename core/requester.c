/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/* What every backend keeps of a device: its IDs, and its place among the unit's devices. */

#define MAP_BITS 8u

/* Without devices nobody looks at the map. */
static void map_free(struct uiommu *u, struct uiommu_requesters *all)
{
    if (all->first != NULL || all->map == NULL)
        return;
    uiommu_radix_fini(u, all->map);
    uiommu_heap_put(u, all->map, sizeof(*all->map));
    all->map = NULL;
}

/* Nobody else attaches to the unit. */
static uiommu_err room_make(struct uiommu *u, struct uiommu_requesters *all,
                            const struct uiommu_device_desc *desc)
{
    uint32_t i;

    if (all->map == NULL) {
        all->map = (struct uiommu_radix *)uiommu_heap_get(u, sizeof(*all->map));
        if (all->map == NULL)
            return UIOMMU_E_NOMEM;
        uiommu_radix_init(all->map, MAP_BITS);
    }
    for (i = 0; i < desc->id_count; i++) {
        if (uiommu_radix_reserve(u, all->map, desc->ids[i]) == NULL)
            return UIOMMU_E_NOMEM;
    }
    return UIOMMU_OK;
}

uiommu_err uiommu_requester_init(struct uiommu *u, struct uiommu_requesters *all,
                                 const struct uiommu_device_desc *desc, uint32_t id_bits,
                                 struct uiommu_requester *who)
{
    uiommu_err err;
    uint32_t i;

    if (desc->id_count == 0)
        return UIOMMU_E_INVALID;
    for (i = 0; i < desc->id_count; i++) {
        if (((uint64_t)desc->ids[i] >> id_bits) != 0)
            return UIOMMU_E_RANGE;
    }
    err = room_make(u, all, desc);
    if (err == UIOMMU_OK)
        who->ids = (uint32_t *)uiommu_heap_get(u, desc->id_count * sizeof(*who->ids));
    if (who->ids == NULL) {
        map_free(u, all);
        return UIOMMU_E_NOMEM;
    }
    memcpy(who->ids, desc->ids, desc->id_count * sizeof(*who->ids));
    who->id_count = desc->id_count;
    return UIOMMU_OK;
}

void uiommu_requester_fini(struct uiommu *u, struct uiommu_requesters *all,
                           struct uiommu_requester *who)
{
    uiommu_heap_put(u, who->ids, who->id_count * sizeof(*who->ids));
    who->ids = NULL;
    who->id_count = 0;
    map_free(u, all);
}

void uiommu_requester_add(struct uiommu_requesters *all, struct uiommu_requester *who)
{
    uint32_t i;

    who->prev = NULL;
    who->next = all->first;
    if (who->next != NULL)
        who->next->prev = who;
    all->first = who;
    for (i = 0; i < who->id_count; i++)
        uiommu_slot_store(uiommu_radix_find(all->map, who->ids[i]), who);
}

void uiommu_requester_remove(struct uiommu_requesters *all, struct uiommu_requester *who)
{
    struct uiommu_slot *slot;
    uint32_t i;

    if (who->prev != NULL)
        who->prev->next = who->next;
    else
        all->first = who->next;
    if (who->next != NULL)
        who->next->prev = who->prev;
    for (i = 0; i < who->id_count; i++) {
        slot = uiommu_radix_find(all->map, who->ids[i]);
        if (uiommu_slot_load(slot) == who) /* else another has come under the ID already */
            uiommu_slot_store(slot, NULL);
    }
}

struct uiommu_requester *uiommu_requester_find(const struct uiommu_requesters *all, uint32_t id)
{
    return all->first == NULL ? NULL : (struct uiommu_requester *)uiommu_radix_get(all->map, id);
}
