/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/*
 * Waves of invalidations over all bonds of an address space (R17): some bonds of one unit at a
 * time, closed by a ticket and waited for with no lock held. Where a ticket fails, each bond of
 * it is done again by itself, which finds the culprit (R15).
 */

#define WAVE 16u

struct batch {
    struct uiommu_aspace *as;
    enum uiommu_wave wave;
    const struct uiommu_range *range;
    struct uiommu_unit *unit;
    struct uiommu_bond *bond[WAVE];
    bool reachable[WAVE]; /* asked with no lock held */
    uint32_t count;
    uint64_t serial; /* bonds up to this one are done */
};

/* (a) The next bonds of one unit, pinned. */
static void batch_collect(struct batch *b)
{
    struct uiommu_bond *bond;

    b->count = 0;
    b->unit = NULL;
    for (bond = b->as->bonds; bond != NULL && b->count < WAVE; bond = bond->as_next) {
        if (bond->serial <= b->serial)
            continue;
        if (b->unit != NULL && bond->dev->unit != b->unit)
            break;
        b->unit = bond->dev->unit;
        bond->exit_pins++;
        b->bond[b->count++] = bond;
    }
    if (b->count != 0)
        b->serial = b->bond[b->count - 1]->serial;
}

static void batch_release(struct batch *b)
{
    uintptr_t irq;
    uint32_t i;

    irq = uiommu_lock_take(b->as->u, &b->as->lock);
    for (i = 0; i < b->count; i++)
        b->bond[i]->exit_pins--;
    uiommu_unit_kick(b->unit); /* the bonds keep the unit until the lock is given */
    uiommu_lock_give(b->as->u, &b->as->lock, irq);
}

/* (a) + (u) The commands of one bond. */
static uiommu_err push_one(const struct batch *b, uint32_t i)
{
    struct uiommu_bond *bond = b->bond[i];
    struct uiommu_unit *unit = bond->dev->unit;

    switch (b->wave) {
    case UIOMMU_WAVE_BLOCK:
        if (bond->valid)
            unit->ops.pasid_block(unit->hw, bond->dev->hw, bond->pasid);
        return unit->ops.config_invalidate(unit->hw, bond->dev->hw, bond->pasid);
    case UIOMMU_WAVE_TLB:
        return unit->ops.tlb_invalidate(unit->hw, bond->dev->hw, bond->pasid,
                                        &b->as->roots[bond->tag->root], bond->tag->value, b->range);
    default:
        if (!b->reachable[i])
            return UIOMMU_OK;
        return uiommu_device_forget(bond->dev, bond->pasid, b->range);
    }
}

/* One tag and PASID is invalidated once: the first bond of it does it. */
static bool same_tag_before(const struct batch *b, uint32_t i, uint32_t first)
{
    uint32_t j;

    for (j = first; j < i; j++) {
        if (b->bond[j]->tag == b->bond[i]->tag && b->bond[j]->pasid == b->bond[i]->pasid)
            return true;
    }
    return false;
}

struct part {
    struct batch *b;
    uint32_t first, last; /* of b->bond */
    uint32_t done;        /* pushed so far, over several calls */
};

/* Push as much of the part as there is room for; BUSY with nothing pushed: no room at all. */
static uiommu_err part_push(struct uiommu_unit *unit, void *arg)
{
    struct part *p = (struct part *)arg;
    struct batch *b = p->b;
    uiommu_err err = UIOMMU_OK;
    uint32_t i;

    (void)unit;
    for (i = p->done; i <= p->last; i++) {
        if (b->wave == UIOMMU_WAVE_TLB && same_tag_before(b, i, p->first))
            continue;
        err = push_one(b, i);
        if (err != UIOMMU_OK)
            break;
    }
    if (err == UIOMMU_E_BUSY && i > p->done) {
        p->done = i; /* a ticket closes these; the rest follows */
        return UIOMMU_OK;
    }
    if (err == UIOMMU_OK)
        p->done = i;
    return err;
}

/* The part's commands take effect: OK, HW, TIMEOUT. */
static uiommu_err part_run(struct batch *b, uint32_t first, uint32_t last)
{
    struct part p = {b, first, last, first};
    uiommu_err err = UIOMMU_OK;

    while (err == UIOMMU_OK && p.done <= last)
        err = uiommu_commands_wait(b->unit, part_push, &p, b->unit->config.command_ns);
    return err;
}

static uiommu_err batch_run(struct batch *b)
{
    uiommu_err err, worst = UIOMMU_OK;
    uint32_t i;

    for (i = 0; i < b->count; i++)
        b->reachable[i] = b->wave == UIOMMU_WAVE_DEVICE && uiommu_device_reachable(b->bond[i]->dev);
    err = part_run(b, 0, b->count - 1);
    if (err == UIOMMU_OK)
        return err;
    if (err != UIOMMU_E_HW)
        return UIOMMU_E_WITHHELD;
    for (i = 0; i < b->count; i++) { /* one device per ticket */
        err = part_run(b, i, i);
        if (err == UIOMMU_OK)
            continue;
        worst = UIOMMU_E_WITHHELD;
        if (b->wave == UIOMMU_WAVE_DEVICE && err == UIOMMU_E_HW)
            uiommu_device_isolate(b->bond[i]->dev);
    }
    return worst;
}

uiommu_err uiommu_wave_run(struct uiommu_aspace *as, enum uiommu_wave wave,
                           const struct uiommu_range *range)
{
    struct batch b;
    uiommu_err worst = UIOMMU_OK;
    uintptr_t irq;

    memset(&b, 0, sizeof(b));
    b.as = as;
    b.wave = wave;
    b.range = range;
    for (;;) {
        irq = uiommu_lock_take(as->u, &as->lock);
        batch_collect(&b);
        uiommu_lock_give(as->u, &as->lock, irq);
        if (b.count == 0)
            return worst;
        if (batch_run(&b) != UIOMMU_OK)
            worst = UIOMMU_E_WITHHELD;
        batch_release(&b);
    }
}
