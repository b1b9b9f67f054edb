/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/*
 * Waves of invalidations over all bonds of an address space (R17): some bonds of one unit at a
 * time, closed by a ticket and waited for with no lock held. Where a ticket fails, each bond of
 * it is done again by itself, which finds the culprit (R15, mute.c).
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
    uint64_t serial;   /* bonds up to this one are done */
    uint64_t until_ns; /* of all that is asked alone; 0: nothing was */
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

/* Who can be asked. What is mute is asked no more, and withheld. */
static uiommu_err look(struct batch *b)
{
    uiommu_err worst = UIOMMU_OK;
    struct uiommu_device *dev;
    uint32_t i;

    for (i = 0; i < b->count; i++) {
        dev = b->bond[i]->dev;
        b->reachable[i] = b->wave == UIOMMU_WAVE_DEVICE && uiommu_device_reachable(dev);
        if (b->reachable[i] && uiommu_mute(dev)) {
            b->reachable[i] = false;
            worst = UIOMMU_E_WITHHELD;
        }
    }
    return worst;
}

/* All of the batch at once: only where nobody is suspected. */
static bool together(const struct batch *b)
{
    uint32_t i;

    for (i = 0; i < b->count; i++) {
        if (b->reachable[i] && uiommu_word_load(&b->bond[i]->dev->mute) != UIOMMU_MUTE_NO)
            return false;
    }
    return true;
}

static uiommu_err push_nothing(struct uiommu_unit *unit, void *arg)
{
    (void)unit;
    (void)arg;
    return UIOMMU_OK;
}

/* What others wait for is out of the queue, as far as that is known. */
static bool queue_clear(struct batch *b)
{
    uiommu_err err = UIOMMU_PENDING;

    while (err != UIOMMU_OK && uiommu_now(b->unit->u) < b->until_ns) {
        err = uiommu_commands_wait(b->unit, push_nothing, NULL, b->unit->config.command_ns);
        if (err == UIOMMU_E_TIMEOUT && uiommu_word_load(&b->unit->hung) != 0)
            break;
    }
    return err == UIOMMU_OK;
}

/* One device per ticket (R15). */
static uiommu_err ask_alone(struct batch *b, uint32_t i)
{
    struct uiommu_device *dev = b->bond[i]->dev;

    if (!b->reachable[i])
        return UIOMMU_OK;
    if (uiommu_mute(dev))
        return UIOMMU_E_HW;
    if (b->until_ns == 0)
        b->until_ns = uiommu_after(uiommu_now(b->unit->u), b->unit->config.drain_ns);
    if (!queue_clear(b))
        return UIOMMU_E_TIMEOUT;
    return uiommu_mute_judge(dev, part_run(b, i, i));
}

static uiommu_err batch_run(struct batch *b)
{
    uiommu_err err = UIOMMU_E_HW, worst = look(b);
    uint32_t i;

    if (together(b))
        err = part_run(b, 0, b->count - 1);
    if (err == UIOMMU_OK)
        return worst;
    for (i = 0; i < b->count; i++) {
        if (b->reachable[i])
            uiommu_mute_suspect(b->bond[i]->dev);
    }
    if (err != UIOMMU_E_HW)
        return UIOMMU_E_WITHHELD; /* who it was, the next wave or D2 finds out */
    for (i = 0; i < b->count; i++) {
        err = b->wave == UIOMMU_WAVE_DEVICE ? ask_alone(b, i) : part_run(b, i, i);
        if (err != UIOMMU_OK)
            worst = UIOMMU_E_WITHHELD;
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
