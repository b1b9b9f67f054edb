/* SPDX-License-Identifier: BSD-2-Clause */
#include "drain.h"

/*
 * The shutdown of a bond: a state machine that the service role steps and that never waits
 * (docs/PROTOCOL.md, R2 to R10, R29). Order of the phases:
 *
 *   STOP      the device's driver says, or its Stop Marker shows, that the device has stopped
 *   SWEEP     what it had sent is handled, with the gate open
 *   D1        close the gate; wait for groups that handlers have
 *   D2        entry invalid; configuration, IOTLB, device TLB invalidated, one after the other
 *   D3, D4    request barrier; consume every ring to a snapshot taken after it; where the
 *             barrier proves less than all, both once more after the settle time
 *   D5, D6    purge partials; nothing is in flight
 *   REST      quarantine: the settle time once more, a last snapshot, no late request
 *
 * A step returns UIOMMU_GO when the next phase may begin at once.
 */

/* No request is handled from here on; groups that no handler has are answered. */
void uiommu_drain_gate_close(struct uiommu_bond *bond)
{
    struct uiommu_unit *unit = bond->dev->unit;

    if (uiommu_guard(UIOMMU_GUARD_D1_CLOSE))
        uiommu_word_or(&bond->gate, UIOMMU_GATE_CLOSED);
    uiommu_ready_cancel(unit, bond, UIOMMU_DROP_CLOSED);
    uiommu_picked_cancel(unit, bond, NULL, UIOMMU_DROP_CLOSED);
}

/* ---- D1 ---- */

static enum uiommu_go step_d1(struct uiommu_bond *bond)
{
    struct uiommu_unit *unit = bond->dev->unit;

    if (uiommu_drain_enter(bond, UIOMMU_STEP_D1)) {
        uiommu_bond_set_state(bond, UIOMMU_BOND_DRAINING);
        uiommu_drain_gate_close(bond);
        bond->until_ns = uiommu_drain_later(bond, unit->config.handler_ns);
    }
    if (uiommu_gate_count(bond) == 0 || !uiommu_guard(UIOMMU_GUARD_D1_WAIT))
        return uiommu_drain_next(bond, UIOMMU_PHASE_D2_CONFIG);
    if (!uiommu_drain_expired(bond, bond->until_ns))
        return UIOMMU_WAIT;
    uiommu_pending_orphan(unit, bond, NULL, UIOMMU_ORPHAN_UNBOUND);
    /* A handler that does not return must not keep hardware in the tables: D6 waits for it. */
    if (uiommu_drain_expired(bond, uiommu_after(bond->until_ns, unit->config.handler_ns)))
        return uiommu_drain_next(bond, UIOMMU_PHASE_D2_CONFIG);
    return UIOMMU_WAIT;
}

/* ---- D3, D4 ---- */

static void overflow_note(struct uiommu_bond *bond)
{
    uint32_t r;

    for (r = 0; r < UIOMMU_RINGS; r++)
        bond->overflows[r] = bond->dev->unit->ring[r].acks;
}

/* R29: an overflow of before the barrier's end is known once the rings were asked after it. */
static bool looked(const struct uiommu_bond *bond)
{
    return bond->looked != bond->dev->unit->looks || uiommu_drain_marked(bond) ||
           uiommu_drain_gone(bond) || !uiommu_guard(UIOMMU_GUARD_I11_RESTART);
}

/* R29: was there one at any moment since D3 began? */
static bool overflow_seen(const struct uiommu_bond *bond)
{
    const struct uiommu_unit *unit = bond->dev->unit;
    uint32_t r;

    for (r = 0; r < unit->caps.rings; r++) {
        if ((unit->caps.ring[r].flags & UIOMMU_RING_LOSES) != 0 &&
            (unit->ring[r].acks != bond->overflows[r] || unit->ring[r].overflow))
            return true;
    }
    return false;
}

static enum uiommu_go requests_unproved(struct uiommu_bond *bond)
{
    uiommu_drain_miss(bond, UIOMMU_PROOF_REQUESTS);
    return uiommu_drain_next(bond, UIOMMU_PHASE_D5);
}

static enum uiommu_go step_d3(struct uiommu_bond *bond)
{
    struct uiommu_device *dev = bond->dev;
    uiommu_err err;

    if (!bond->entered) {
        bond->absent = !uiommu_device_present(dev);
        if (uiommu_drain_stop_shown(bond) && (uiommu_word_load(&bond->missing) &
                                              UIOMMU_PROOF_STOP) != 0) { /* R4: late, but a word */
            bond->twice = false; /* R5: both rounds come after it */
            uiommu_word_and(&bond->missing, ~UIOMMU_PROOF_STOP);
        }
        bond->rounds++;
        bond->closing = false;
        overflow_note(bond);
        bond->barrier_need = uiommu_barrier_next(dev);
    }
    (void)uiommu_drain_enter(bond, UIOMMU_STEP_D3);
    if (uiommu_drain_gone(bond))
        return uiommu_drain_next(bond, UIOMMU_PHASE_D5);
    if (uiommu_word_load(&dev->state) == UIOMMU_DEVICE_RESETTING)
        return uiommu_drain_expired(bond, bond->drain_until_ns) ? requests_unproved(bond)
                                                                : UIOMMU_WAIT;
    if (dev->unit->out.count != 0) /* R18: answers of its own may still wait for room */
        return uiommu_drain_expired(bond, bond->drain_until_ns) ? requests_unproved(bond)
                                                                : UIOMMU_WAIT;
    if (uiommu_guard(UIOMMU_GUARD_D3)) {
        err = uiommu_barrier_step(dev, bond->pasid, bond->barrier_need);
        if (err == UIOMMU_PENDING)
            return uiommu_drain_expired(bond, bond->drain_until_ns) ? requests_unproved(bond)
                                                                    : UIOMMU_WAIT;
        if (err != UIOMMU_OK)
            return requests_unproved(bond);
        if (dev->barrier.good_strength == UIOMMU_BARRIER_NONE)
            uiommu_drain_miss(bond, UIOMMU_PROOF_REQUESTS);
        bond->proved = dev->barrier.good_strength == UIOMMU_BARRIER_PROVED;
    }
    uiommu_ring_snapshot(dev->unit, bond->close_at);
    bond->looked = dev->unit->looks;
    bond->closing = bond->twice || bond->proved || uiommu_drain_marked(bond) ||
                    !uiommu_guard(UIOMMU_GUARD_D3_TWICE);
    return uiommu_drain_next(bond, UIOMMU_PHASE_D4);
}

static enum uiommu_go step_d4(struct uiommu_bond *bond)
{
    (void)uiommu_drain_enter(bond, UIOMMU_STEP_D4);
    if (!looked(bond) ||
        (!uiommu_drain_marked(bond) && uiommu_guard(UIOMMU_GUARD_D4) && !uiommu_drain_gone(bond) &&
         !uiommu_ring_reached(bond->dev->unit, bond->close_at)))
        return uiommu_drain_expired(bond, bond->drain_until_ns) ? requests_unproved(bond)
                                                                : UIOMMU_WAIT;
    if (bond->proved || uiommu_drain_marked(bond) || bond->twice || uiommu_drain_gone(bond) ||
        !uiommu_guard(UIOMMU_GUARD_D3_TWICE))
        return uiommu_drain_next(bond, UIOMMU_PHASE_D5);
    uiommu_drain_next(bond, UIOMMU_PHASE_SETTLE);
    bond->until_ns = uiommu_settle_end(bond->dev->unit);
    return UIOMMU_GO;
}

static enum uiommu_go step_settle(struct uiommu_bond *bond)
{
    (void)uiommu_drain_enter(bond, UIOMMU_STEP_SETTLE);
    if (uiommu_drain_marked(bond))
        return uiommu_drain_next(bond, UIOMMU_PHASE_D5);
    if (!uiommu_drain_expired(bond, bond->until_ns))
        return UIOMMU_WAIT;
    bond->twice = true;
    return uiommu_drain_next(bond, UIOMMU_PHASE_D3);
}

/* ---- D5, D6 ---- */

static enum uiommu_go step_d5(struct uiommu_bond *bond)
{
    bool repeats = (bond->dev->flags & UIOMMU_DEVICE_RESENDS) != 0;
    bool settled = uiommu_drain_marked(bond) || bond->reset_proof || uiommu_drain_gone(bond) ||
                   (uiommu_word_load(&bond->missing) & UIOMMU_PROOF_REQUESTS) != 0 ||
                   !uiommu_guard(UIOMMU_GUARD_I11_RESTART);

    (void)uiommu_drain_enter(bond, UIOMMU_STEP_D5);
    if (uiommu_guard(UIOMMU_GUARD_D5))
        uiommu_partials_purge(bond->dev->unit, bond, NULL, UIOMMU_DROP_PURGED);
    if (!settled && overflow_seen(bond)) {
        if (repeats && uiommu_drain_expired(bond, bond->drain_until_ns)) {
            uiommu_drain_miss(bond, UIOMMU_PROOF_REQUESTS);
        } else if (repeats || !bond->overflow_round) {
            bond->overflow_round = true;
            return uiommu_drain_next(bond, UIOMMU_PHASE_D3);
        }
    }
    return uiommu_drain_next(bond, UIOMMU_PHASE_D6);
}

static enum uiommu_go poison(struct uiommu_bond *bond)
{
    struct uiommu_unit *unit = bond->dev->unit;
    uint32_t missing = uiommu_word_load(&bond->missing);

    uiommu_drain_stop_over(bond);
    if (!bond->listed && uiommu_gate_count(bond) == 0)
        uiommu_aspace_unref(bond, true);
    uiommu_bond_set_state(bond, UIOMMU_BOND_POISONED);
    if (!bond->reported) {
        bond->reported = true;
        uiommu_count_shared(&unit->counters.poisoned, 1);
        (void)uiommu_event_device(bond->dev, UIOMMU_EVENT_BOND_POISONED, bond->pasid, missing);
        if (bond->holds_pasid)
            uiommu_pasid_withhold(unit->config.pasids, bond->pasid, true);
    }
    uiommu_word_or(&bond->wants, UIOMMU_WANT_TOLD);
    return uiommu_drain_next(bond, UIOMMU_PHASE_POISONED);
}

static enum uiommu_go step_d6(struct uiommu_bond *bond)
{
    (void)uiommu_drain_enter(bond, UIOMMU_STEP_D6);
    if (uiommu_gate_count(bond) != 0 && uiommu_guard(UIOMMU_GUARD_D6)) {
        if (!uiommu_drain_expired(bond, bond->drain_until_ns))
            return UIOMMU_WAIT;
        uiommu_drain_miss(bond, UIOMMU_PROOF_HANDLERS);
    }
    if (bond->stop_by_marker && !uiommu_drain_marked(bond) && !uiommu_drain_stop_word(bond)) {
        bond->stop_confirmed = false; /* it was a forged one */
        bond->stop_by_marker = false;
        uiommu_drain_miss(bond, UIOMMU_PROOF_STOP);
    }
    if (uiommu_word_load(&bond->missing) != 0)
        return poison(bond);
    UIOMMU_ASSERT("I2", bond->stop_confirmed || !uiommu_guard(UIOMMU_GUARD_R4_STOP));
    uiommu_drain_stop_over(bond);
    if (bond->reported && bond->holds_pasid)
        uiommu_pasid_withhold(bond->dev->unit->config.pasids, bond->pasid, false);
    bond->reported = false;
    uiommu_aspace_unref(bond, false);
    uiommu_bond_set_state(bond, UIOMMU_BOND_QUARANTINE);
    uiommu_drain_next(bond, UIOMMU_PHASE_REST);
    if (!bond->proved && !uiommu_drain_marked(bond) && !bond->reset_proof &&
        !uiommu_drain_gone(bond) && bond->pasid != UIOMMU_PASID_NONE) {
        bond->until_ns = uiommu_settle_end(bond->dev->unit);
        /* Rest is not what the drain's deadline is for. */
        bond->drain_until_ns = uiommu_after(bond->drain_until_ns, bond->dev->unit->settle_ns);
    }
    return UIOMMU_GO;
}

/* ---- REST ---- */

/* R29: what an overflow removed while the number rested the device sends again. */
static enum uiommu_go rest_again(struct uiommu_bond *bond)
{
    uiommu_bond_set_state(bond, UIOMMU_BOND_DRAINING);
    if (uiommu_drain_expired(bond, bond->drain_until_ns)) {
        uiommu_drain_miss(bond, UIOMMU_PROOF_REQUESTS);
        return poison(bond);
    }
    return uiommu_drain_next(bond, UIOMMU_PHASE_D3);
}

static enum uiommu_go step_rest(struct uiommu_bond *bond)
{
    (void)uiommu_drain_enter(bond, UIOMMU_STEP_REST);
    if (!uiommu_guard(UIOMMU_GUARD_REST))
        return uiommu_drain_next(bond, UIOMMU_PHASE_END);
    if (!uiommu_drain_expired(bond, bond->until_ns))
        return UIOMMU_WAIT;
    if (bond->until_ns != 0 && (bond->dev->flags & UIOMMU_DEVICE_RESENDS) != 0 &&
        uiommu_guard(UIOMMU_GUARD_I11_RESTART) && !uiommu_drain_gone(bond) && overflow_seen(bond))
        return rest_again(bond);
    uiommu_ring_snapshot(bond->dev->unit, bond->rest_at);
    return uiommu_drain_next(bond, UIOMMU_PHASE_REST_CONSUME);
}

static enum uiommu_go step_rest_consume(struct uiommu_bond *bond)
{
    if (!uiommu_ring_reached(bond->dev->unit, bond->rest_at))
        return UIOMMU_WAIT;
    return uiommu_drain_next(bond, UIOMMU_PHASE_END); /* R3's flag was read just before this step */
}

void uiommu_drain_unmark(struct uiommu_bond *bond)
{
    bond->marker = false;
    uiommu_bond_show(bond);
    if (bond->phase >= UIOMMU_PHASE_D3 && bond->phase < UIOMMU_PHASE_POISONED)
        uiommu_drain_late(bond); /* D3 and D4 were shortened by it */
}

void uiommu_drain_late(struct uiommu_bond *bond)
{
    if (bond->late)
        return;
    bond->late = true;
    (void)uiommu_event_device(bond->dev, UIOMMU_EVENT_LATE_REQUEST, bond->pasid, 1);
}

/* R3: a request came after the snapshot: that drain proved nothing. true: it starts over. Before
 * D3 nothing is late. */
static bool late_again(struct uiommu_bond *bond)
{
    if (!bond->late || bond->phase >= UIOMMU_PHASE_POISONED)
        return false;
    UIOMMU_ASSERT("R3", bond->phase >= UIOMMU_PHASE_D3);
    bond->late = false;
    bond->late_rounds++;
    uiommu_bond_set_state(bond, UIOMMU_BOND_DRAINING);
    if (bond->late_rounds >= 2) {
        uiommu_drain_miss(bond, UIOMMU_PROOF_STOP | UIOMMU_PROOF_REQUESTS);
        bond->stop_confirmed = false; /* whoever said so was wrong */
        uiommu_word_and(&bond->wants, ~(UIOMMU_WANT_STOPPED | UIOMMU_WANT_RESET));
        (void)poison(bond);
        return true;
    }
    bond->drain_until_ns = uiommu_drain_later(bond, bond->dev->unit->config.drain_ns);
    uiommu_drain_next(bond, UIOMMU_PHASE_D3);
    return true;
}

/* ---- POISONED (R9) ---- */

static enum uiommu_go step_poisoned(struct uiommu_bond *bond)
{
    uint32_t wants = uiommu_word_load(&bond->wants), missing = uiommu_word_load(&bond->missing);
    bool again = false;

    /* Once for each reset or removal: on a hung unit it would otherwise be retried for ever. */
    if ((wants & UIOMMU_WANT_RESET) != 0 || (uiommu_drain_gone(bond) && !bond->reset_proof)) {
        again = !bond->reset_proof || (missing & ~UIOMMU_PROOF_HANDLERS) != 0;
        bond->stop_confirmed = true;
        bond->reset_proof = true;
        bond->late_rounds = 0;
    }
    if ((wants & (UIOMMU_WANT_RESTART | UIOMMU_WANT_RETRY)) != 0)
        again |= (missing & (UIOMMU_PROOF_CONFIG | UIOMMU_PROOF_TLB | UIOMMU_PROOF_DEVICE |
                             UIOMMU_PROOF_REQUESTS)) != 0;
    if ((missing & UIOMMU_PROOF_HANDLERS) != 0 && uiommu_gate_count(bond) == 0)
        again = true;
    if ((wants & UIOMMU_WANT_STOPPED) != 0 && !bond->stop_confirmed) { /* R4: late, but a word */
        bond->stop_confirmed = true;
        again = true;
    }
    uiommu_word_and(&bond->wants, ~(UIOMMU_WANT_RESET | UIOMMU_WANT_RESTART | UIOMMU_WANT_RETRY));
    if (!again)
        return UIOMMU_WAIT;
    bond->overflow_round = false;
    bond->twice = false;
    uiommu_bond_set_state(bond, UIOMMU_BOND_DRAINING); /* R12: meanwhile nothing is claimed */
    bond->late = false;
    bond->closing = false; /* what arrives until D3's new end is no lie (R3) */
    /* What D2 proves it clears itself: who reads the word meanwhile sees no gap. */
    uiommu_word_and(&bond->missing, UIOMMU_PROOF_CONFIG | UIOMMU_PROOF_TLB | UIOMMU_PROOF_DEVICE |
                                        (bond->stop_confirmed ? 0 : UIOMMU_PROOF_STOP));
    return uiommu_drain_next(bond, UIOMMU_PHASE_D2_CONFIG);
}

void uiommu_drain_reset(struct uiommu_device *dev)
{
    struct uiommu_bond *bond;
    uintptr_t irq;

    irq = uiommu_lock_take(dev->unit->u, &dev->unit->lock);
    for (bond = dev->unit->stopping; bond != NULL; bond = bond->stop_next) {
        if (bond->dev == dev)
            bond->marker = false;
    }
    uiommu_lock_give(dev->unit->u, &dev->unit->lock, irq);
}

/* ---- the machine ---- */

void uiommu_bond_show(struct uiommu_bond *bond)
{
    uiommu_word_poke(&bond->shown, bond->rounds << 2 | (uiommu_drain_marked(bond) ? 2u : 0u) |
                                       (bond->stop_confirmed ? 1u : 0u));
}

static enum uiommu_go step(struct uiommu_bond *bond)
{
    switch (bond->phase) {
    case UIOMMU_PHASE_NONE:
        if (!bond->stamped) /* a failed bind: no device, ring or table has known it */
            bond->reset_proof = true;
        return uiommu_drain_next(bond, UIOMMU_PHASE_STOP);
    case UIOMMU_PHASE_STOP:
        return uiommu_drain_stop(bond);
    case UIOMMU_PHASE_SWEEP:
        return uiommu_drain_sweep(bond);
    case UIOMMU_PHASE_SWEEP_SETTLE:
        return uiommu_drain_sweep_settle(bond);
    case UIOMMU_PHASE_SWEEP_CONSUME:
        return uiommu_drain_sweep_consume(bond);
    case UIOMMU_PHASE_D1:
        return step_d1(bond);
    case UIOMMU_PHASE_D2_CONFIG:
        return uiommu_drain_d2(bond, UIOMMU_STEP_D2_CONFIG, UIOMMU_PROOF_CONFIG);
    case UIOMMU_PHASE_D2_TLB:
        return uiommu_drain_d2(bond, UIOMMU_STEP_D2_TLB, UIOMMU_PROOF_TLB);
    case UIOMMU_PHASE_D2_ALONE:
        return uiommu_drain_alone(bond);
    case UIOMMU_PHASE_D2_DEVICE:
        return uiommu_drain_d2(bond, UIOMMU_STEP_D2_DEVICE, UIOMMU_PROOF_DEVICE);
    case UIOMMU_PHASE_D2_PINNED:
        return uiommu_drain_pinned(bond);
    case UIOMMU_PHASE_D3:
        return step_d3(bond);
    case UIOMMU_PHASE_D4:
        return step_d4(bond);
    case UIOMMU_PHASE_SETTLE:
        return step_settle(bond);
    case UIOMMU_PHASE_D5:
        return step_d5(bond);
    case UIOMMU_PHASE_D6:
        return step_d6(bond);
    case UIOMMU_PHASE_REST:
        return step_rest(bond);
    case UIOMMU_PHASE_REST_CONSUME:
        return step_rest_consume(bond);
    default:
        return step_poisoned(bond);
    }
}

/* Off the unit's list, and over. */
static void finish(struct uiommu_unit *unit, struct uiommu_bond *bond)
{
    struct uiommu_bond **at = &unit->stopping;
    uintptr_t irq;

    irq = uiommu_lock_take(unit->u, &unit->lock);
    while (*at != bond)
        at = &(*at)->stop_next;
    *at = bond->stop_next;
    bond->stop_listed = false;
    uiommu_lock_give(unit->u, &unit->lock, irq);
    uiommu_bond_free(bond);
}

/* A bond's round ends: phases go forward, each way back is counted, or waits for the clock or a
 * command. */
bool uiommu_drain_step_all(struct uiommu_unit *unit)
{
    struct uiommu_bond *bond, *following;
    bool more = false;
    uintptr_t irq;

    irq = uiommu_lock_take(unit->u, &unit->lock);
    bond = unit->stopping;
    uiommu_lock_give(unit->u, &unit->lock, irq);
    for (; bond != NULL; bond = following) {
        following = bond->stop_next;
        while (bond->phase != UIOMMU_PHASE_END && (late_again(bond) || step(bond) == UIOMMU_GO))
            ;
        uiommu_bond_show(bond);
        if (bond->phase == UIOMMU_PHASE_D4 && !looked(bond) && !unit->no_progress &&
            unit->out.count == 0)
            more = true;
        if (bond->phase == UIOMMU_PHASE_END)
            finish(unit, bond);
    }
    return more;
}

/* When the bond's phase has something to do without being told. */
static uint64_t bond_deadline(const struct uiommu_bond *bond, uint64_t soon)
{
    switch (bond->phase) {
    case UIOMMU_PHASE_STOP:
        return bond->stop_until_ns == 0 ? UINT64_MAX : bond->stop_until_ns;
    case UIOMMU_PHASE_D1:
    case UIOMMU_PHASE_SWEEP_SETTLE:
    case UIOMMU_PHASE_SWEEP_CONSUME:
    case UIOMMU_PHASE_SETTLE:
    case UIOMMU_PHASE_REST:
        return bond->until_ns;
    case UIOMMU_PHASE_D6:
        return bond->drain_until_ns;
    case UIOMMU_PHASE_POISONED:
        return UINT64_MAX;
    default:
        return soon; /* hardware does not tell when a command is done */
    }
}

uint64_t uiommu_drain_deadline(struct uiommu_unit *unit)
{
    uint64_t soon = uiommu_after(unit->now_ns, UIOMMU_RETRY_NS), due = UINT64_MAX, at;
    const struct uiommu_bond *bond;
    uintptr_t irq;

    irq = uiommu_lock_take(unit->u, &unit->lock);
    for (bond = unit->stopping; bond != NULL; bond = bond->stop_next) {
        at = bond_deadline(bond, soon);
        if (at <= unit->now_ns)
            at = soon;
        due = at < due ? at : due;
    }
    uiommu_lock_give(unit->u, &unit->lock, irq);
    return due;
}
