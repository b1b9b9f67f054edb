/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/*
 * Cache tags (ASID, DomainID, PSCID): one per (unit, address space, root), or per device where the
 * hardware wants that; counted by the bonds that have not finished their D2 (R6). Freed tags
 * come back oldest first.
 */

bool uiommu_tag_take(struct uiommu_unit *unit, uint32_t *out)
{
    uint32_t room = unit->caps.tag_last - unit->caps.tag_first + 1;

    if (unit->tag_fresh < room) {
        *out = unit->caps.tag_first + unit->tag_fresh++;
        return true;
    }
    if (unit->tag_count == 0)
        return false;
    *out = unit->tag_free[unit->tag_head];
    unit->tag_head = unit->tag_head + 1 == room ? 0 : unit->tag_head + 1;
    unit->tag_count--;
    return true;
}

void uiommu_tag_give(struct uiommu_unit *unit, uint32_t tag)
{
    uint32_t room = unit->caps.tag_last - unit->caps.tag_first + 1;
    uint32_t at = unit->tag_head + unit->tag_count;

    unit->tag_free[at >= room ? at - room : at] = tag;
    unit->tag_count++;
}

/* Its hardware tags by device and PASID, without a number of ours. */
static bool per_device(const struct uiommu_unit *unit)
{
    return (unit->caps.flags & UIOMMU_CAP_TAG_PER_DEVICE) != 0;
}

/* (a) */
static struct uiommu_tag *tag_find(struct uiommu_aspace *as, const struct uiommu_device *dev,
                                   uint32_t root)
{
    struct uiommu_tag *tag;

    for (tag = as->tags; tag != NULL; tag = tag->next) {
        if (tag->unit == dev->unit && tag->root == root &&
            (!per_device(dev->unit) || tag->dev == dev))
            return tag;
    }
    return NULL;
}

uiommu_err uiommu_tag_get(struct uiommu_aspace *as, struct uiommu_device *dev, uint32_t root,
                          struct uiommu_tag **out)
{
    struct uiommu_unit *unit = dev->unit;
    struct uiommu_tag *fresh, *tag;
    uiommu_err err = UIOMMU_OK;
    uintptr_t irq, inner;
    bool got;

    fresh = (struct uiommu_tag *)uiommu_heap_get(as->u, sizeof(*fresh));
    if (fresh == NULL)
        return UIOMMU_E_NOMEM;
    irq = uiommu_lock_take(as->u, &as->lock);
    tag = tag_find(as, dev, root);
    if (tag == NULL) {
        inner = uiommu_lock_take(as->u, &unit->lock);
        got = per_device(unit) || uiommu_tag_take(unit, &fresh->value);
        uiommu_lock_give(as->u, &unit->lock, inner);
        if (got) {
            fresh->unit = unit;
            fresh->dev = dev;
            fresh->root = root;
            fresh->next = as->tags;
            as->tags = fresh;
            tag = fresh;
            fresh = NULL;
        } else {
            err = UIOMMU_E_NOSPACE;
        }
    }
    if (tag != NULL)
        tag->refs++;
    uiommu_lock_give(as->u, &as->lock, irq);
    uiommu_heap_put(as->u, fresh, sizeof(*fresh));
    *out = tag;
    return err;
}

void uiommu_tags_free(struct uiommu_aspace *as)
{
    struct uiommu_tag *tag;

    while ((tag = as->spare_tags) != NULL) {
        as->spare_tags = tag->next;
        uiommu_heap_put(as->u, tag, sizeof(*tag));
    }
}

void uiommu_tag_put(struct uiommu_aspace *as, struct uiommu_tag *tag)
{
    struct uiommu_tag **at = &as->tags;
    uintptr_t irq;

    tag->refs--;
    if (tag->refs != 0)
        return;
    while (*at != tag)
        at = &(*at)->next;
    *at = tag->next;
    irq = uiommu_lock_take(as->u, &tag->unit->lock);
    if (!per_device(tag->unit))
        uiommu_tag_give(tag->unit, tag->value);
    uiommu_lock_give(as->u, &tag->unit->lock, irq);
    tag->next = as->spare_tags;
    as->spare_tags = tag;
}

/* (u) */
bool uiommu_unit_tags_valid(const struct uiommu_unit *unit)
{
    uint32_t room = unit->caps.tag_last - unit->caps.tag_first + 1, i, at = unit->tag_head;
    bool ok = unit->tag_fresh <= room;

    ok &= unit->tag_count <= unit->tag_fresh;
    ok &= unit->tag_head < room;
    if (!ok)
        return false;
    for (i = 0; i < unit->tag_count; i++) {
        ok &= unit->tag_free[at] - unit->caps.tag_first < unit->tag_fresh;
        at = at + 1 == room ? 0 : at + 1;
    }
    return ok;
}
