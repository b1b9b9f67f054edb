/* SPDX-License-Identifier: BSD-2-Clause */
#include "drain.h"

/*
 * D2: the entry is made invalid, then configuration caches, IOTLB and device TLB are invalidated,
 * each proved by a ticket of its own before the next begins (R15, R17, I20).
 */

/* (a) + (u) The commands of a part of D2. */
static uiommu_err d2_push(struct uiommu_bond *bond, bool reachable)
{
    struct uiommu_unit *unit = bond->dev->unit;
    void *dev = bond->dev->hw;

    switch (bond->phase) {
    case UIOMMU_PHASE_D2_CONFIG:
        if (uiommu_guard(UIOMMU_GUARD_D2_CLEAR))
            unit->ops.pasid_clear(unit->hw, dev, bond->pasid);
        bond->valid = false;
        if (!uiommu_guard(UIOMMU_GUARD_D2_CONFIG))
            return UIOMMU_OK;
        return unit->ops.config_invalidate(unit->hw, dev, bond->pasid);
    case UIOMMU_PHASE_D2_TLB:
        if (!uiommu_guard(UIOMMU_GUARD_D2_TLB) || bond->tag == NULL)
            return UIOMMU_OK;
        return unit->ops.tlb_invalidate(unit->hw, dev, bond->pasid,
                                        &bond->tag_of->roots[bond->tag->root], bond->tag->value,
                                        NULL);
    default:
        if (!uiommu_guard(UIOMMU_GUARD_D2_DEVICE) || !reachable)
            return UIOMMU_OK;
        return uiommu_device_forget(bond->dev, bond->pasid, NULL);
    }
}

static uiommu_err d2_begin(struct uiommu_bond *bond)
{
    struct uiommu_unit *unit = bond->dev->unit;
    bool reachable = bond->phase == UIOMMU_PHASE_D2_DEVICE && uiommu_device_reachable(bond->dev);
    uintptr_t irq, inner;
    uiommu_err err;

    irq = bond->as != NULL ? uiommu_lock_take(bond->u, &bond->as->lock) : 0;
    inner = uiommu_lock_take(bond->u, &unit->lock);
    err = d2_push(bond, reachable);
    if (err == UIOMMU_OK)
        err = uiommu_ticket_push(unit, &bond->ticket);
    uiommu_lock_give(bond->u, &unit->lock, inner);
    if (bond->as != NULL)
        uiommu_lock_give(bond->u, &bond->as->lock, irq);
    return err;
}

/* R15: what failed is tried again behind a ticket of its own; the device only when it can be asked
 * alone. OK, PENDING, HW (failed again), TIMEOUT. */
static uiommu_err d2_poll(struct uiommu_bond *bond)
{
    struct uiommu_unit *unit = bond->dev->unit;
    uiommu_err err;
    uintptr_t irq;

    irq = uiommu_lock_take(bond->u, &unit->lock);
    err = uiommu_ticket_poll(unit, bond->ticket);
    uiommu_lock_give(bond->u, &unit->lock, irq);
    if (err == UIOMMU_PENDING)
        return err;
    if (err != UIOMMU_OK && bond->phase != UIOMMU_PHASE_D2_DEVICE && !bond->again) {
        bond->again = true;
        bond->in_air = false;
        return UIOMMU_PENDING;
    }
    bond->again = false;
    return err;
}

static uiommu_err d2_wave(struct uiommu_bond *bond)
{
    struct uiommu_unit *unit = bond->dev->unit;
    uiommu_err err;

    if (bond->until_ns == 0)
        bond->until_ns = uiommu_drain_later(bond, unit->config.command_ns);
    if (!bond->in_air) {
        err = d2_begin(bond);
        bond->in_air = err == UIOMMU_OK;
        if (err == UIOMMU_OK || err == UIOMMU_E_BUSY)
            err = UIOMMU_PENDING;
    } else {
        err = d2_poll(bond);
    }
    if (err == UIOMMU_PENDING && uiommu_drain_expired(bond, bond->until_ns)) {
        uiommu_unit_late(unit, bond->ticket, unit->config.command_ns);
        err = UIOMMU_E_TIMEOUT;
    }
    return err;
}

static enum uiommu_phase d2_next(const struct uiommu_bond *bond)
{
    switch (bond->phase) {
    case UIOMMU_PHASE_D2_CONFIG:
        return uiommu_guard(UIOMMU_GUARD_I20_ORDER) ? UIOMMU_PHASE_D2_TLB : UIOMMU_PHASE_D2_DEVICE;
    case UIOMMU_PHASE_D2_TLB:
        return uiommu_guard(UIOMMU_GUARD_I20_ORDER) ? UIOMMU_PHASE_D2_DEVICE
                                                    : UIOMMU_PHASE_D2_PINNED;
    default:
        return uiommu_guard(UIOMMU_GUARD_I20_ORDER) ? UIOMMU_PHASE_D2_PINNED : UIOMMU_PHASE_D2_TLB;
    }
}

enum uiommu_go uiommu_drain_d2_end(struct uiommu_bond *bond, uint32_t proof, uiommu_err err)
{
    if (err == UIOMMU_OK) {
        uiommu_word_and(&bond->missing, ~proof); /* here alone: who reads it sees no gap (R12) */
        return uiommu_drain_next(bond, d2_next(bond));
    }
    if (err == UIOMMU_E_TIMEOUT) { /* a unit that is so late proves none of the rest either */
        uiommu_drain_miss(bond, proof | UIOMMU_PROOF_DEVICE | UIOMMU_PROOF_REQUESTS |
                                    (proof == UIOMMU_PROOF_CONFIG ? UIOMMU_PROOF_TLB : 0));
        return uiommu_drain_next(bond, UIOMMU_PHASE_D2_PINNED);
    }
    uiommu_drain_miss(bond, proof);
    return uiommu_drain_next(bond, d2_next(bond));
}

enum uiommu_go uiommu_drain_d2(struct uiommu_bond *bond, enum uiommu_step step, uint32_t proof)
{
    bool device = bond->phase == UIOMMU_PHASE_D2_DEVICE;
    uiommu_err err;

    /* Of a bind that failed so early the entry may be another bond's by now. */
    if (!bond->stamped)
        return uiommu_drain_next(bond, UIOMMU_PHASE_D2_PINNED);
    (void)uiommu_drain_enter(bond, step);
    if (device && !uiommu_mute_may_ask(bond))
        return uiommu_drain_alone_begin(bond);
    err = d2_wave(bond);
    if (err == UIOMMU_PENDING)
        return UIOMMU_WAIT;
    if (device)
        err = uiommu_mute_asked(bond, err);
    if (err == UIOMMU_MORE)
        return uiommu_drain_alone_begin(bond);
    return uiommu_drain_d2_end(bond, proof, err);
}

/* An exit that has picked the bond is done with it before its number can go on (R11). */
enum uiommu_go uiommu_drain_pinned(struct uiommu_bond *bond)
{
    const uint32_t reach = UIOMMU_PROOF_CONFIG | UIOMMU_PROOF_TLB | UIOMMU_PROOF_DEVICE;

    if ((uiommu_word_load(&bond->missing) & reach) == 0 && !uiommu_aspace_leave(bond))
        return UIOMMU_WAIT;
    bond->drain_until_ns = uiommu_drain_later(bond, bond->dev->unit->config.drain_ns);
    return uiommu_drain_next(bond,
                             bond->reset_proof || uiommu_drain_gone(bond) ||
                                     (uiommu_word_load(&bond->missing) & UIOMMU_PROOF_REQUESTS) != 0
                                 ? UIOMMU_PHASE_D5
                                 : UIOMMU_PHASE_D3);
}
