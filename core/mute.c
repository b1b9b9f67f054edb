/* SPDX-License-Identifier: BSD-2-Clause */
#include "drain.h"

/*
 * Devices that leave invalidations of their TLB unanswered (R15). A ticket that fails, or is late,
 * names nobody: all in front of it are suspected, and each is asked once more, alone: behind a
 * ticket that found the queue empty of what others wait for, and with no other bond's invalidation
 * before the answer. Hardware may wait for a mute device longer than a command may take: the unit
 * looks hung then, so that being late alone counts as mute only the second time.
 */

void uiommu_mute_suspect(struct uiommu_device *dev)
{
    uint32_t was = UIOMMU_MUTE_NO;

    (void)uiommu_word_cas(&dev->mute, &was, UIOMMU_MUTE_MAYBE);
}

uiommu_err uiommu_mute_judge(struct uiommu_device *dev, uiommu_err err)
{
    if (err == UIOMMU_OK)
        uiommu_word_store(&dev->mute, UIOMMU_MUTE_NO);
    if (err == UIOMMU_E_TIMEOUT && uiommu_word_load(&dev->mute) != UIOMMU_MUTE_LATE)
        uiommu_word_store(&dev->mute, UIOMMU_MUTE_LATE);
    else if (err == UIOMMU_E_TIMEOUT || err == UIOMMU_E_HW) {
        uiommu_word_store(&dev->mute, UIOMMU_MUTE_YES);
        uiommu_device_isolate(dev);
        err = UIOMMU_E_HW;
    }
    return err;
}

/* While it is reset it may have found its voice again. What cannot be reached is not asked. */
bool uiommu_mute(const struct uiommu_device *dev)
{
    return uiommu_word_load(&dev->mute) == UIOMMU_MUTE_YES &&
           uiommu_word_load(&dev->state) == UIOMMU_DEVICE_ISOLATED && uiommu_device_reachable(dev);
}

bool uiommu_mute_may_ask(const struct uiommu_bond *bond)
{
    const struct uiommu_device *dev = bond->dev;

    if (bond->in_air || dev->unit->alone == bond)
        return true;
    return dev->unit->alone == NULL &&
           (uiommu_word_load(&dev->mute) == UIOMMU_MUTE_NO || !uiommu_device_reachable(dev));
}

uiommu_err uiommu_mute_asked(struct uiommu_bond *bond, uiommu_err err)
{
    struct uiommu_unit *unit = bond->dev->unit;
    bool alone = unit->alone == bond;

    if (alone)
        unit->alone = NULL;
    if (!bond->in_air) /* for want of room, or of a unit that takes commands */
        return err;
    if (alone)
        return uiommu_mute_judge(bond->dev, err);
    if (err == UIOMMU_OK)
        return err;
    uiommu_mute_suspect(bond->dev);
    return err == UIOMMU_E_TIMEOUT ? err : UIOMMU_MORE;
}

enum uiommu_go uiommu_drain_alone_begin(struct uiommu_bond *bond)
{
    bond->drain_until_ns = uiommu_drain_later(bond, bond->dev->unit->config.drain_ns);
    return uiommu_drain_next(bond, UIOMMU_PHASE_D2_ALONE);
}

/* OK: a ticket behind all commands so far is done. A failed one shows that an invalidation was in
 * front of it: there may be more. */
static uiommu_err clear(struct uiommu_bond *bond)
{
    struct uiommu_unit *unit = bond->dev->unit;
    uiommu_err err;
    uintptr_t irq;

    if (bond->until_ns == 0)
        bond->until_ns = uiommu_drain_later(bond, unit->config.command_ns);
    irq = uiommu_lock_take(unit->u, &unit->lock);
    if (bond->in_air)
        err = uiommu_ticket_poll(unit, bond->ticket);
    else
        err = uiommu_ticket_push(unit, &bond->ticket) == UIOMMU_OK ? UIOMMU_PENDING : UIOMMU_E_BUSY;
    uiommu_lock_give(unit->u, &unit->lock, irq);
    bond->in_air = err == UIOMMU_PENDING;
    if (err == UIOMMU_OK)
        return err;
    if (uiommu_drain_expired(bond, bond->until_ns)) {
        uiommu_unit_late(unit, bond->ticket, unit->config.command_ns);
        if (uiommu_word_load(&unit->hung) != 0)
            return UIOMMU_E_TIMEOUT;
        bond->until_ns = 0; /* it gets on */
    }
    return UIOMMU_PENDING;
}

/* D2_ALONE: one bond of the unit after the other. */
enum uiommu_go uiommu_drain_alone(struct uiommu_bond *bond)
{
    struct uiommu_unit *unit = bond->dev->unit;
    uiommu_err err = UIOMMU_PENDING;

    if (uiommu_mute(bond->dev))
        err = UIOMMU_E_HW;
    else if (unit->alone == NULL || unit->alone == bond) {
        unit->alone = bond;
        err = clear(bond);
    }
    if (err == UIOMMU_OK)
        return uiommu_drain_next(bond, UIOMMU_PHASE_D2_DEVICE);
    if (err == UIOMMU_PENDING && !uiommu_drain_expired(bond, bond->drain_until_ns))
        return UIOMMU_WAIT;
    if (unit->alone == bond)
        unit->alone = NULL;
    return uiommu_drain_d2_end(bond, UIOMMU_PROOF_DEVICE,
                               err == UIOMMU_PENDING ? UIOMMU_E_TIMEOUT : err);
}
